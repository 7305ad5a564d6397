"""How far linkage error could move a rate.

Two errors are carried through, each link kept with its match probability:
- false links: a household whose link is kept only with probability p counts p on average, and adds
  p (1 - p) to the variance of what it counts in;
- missed links: people with a usual address who could not be placed are taken to be like the placed ones
  of their age, sex and admission, who then count for them too (placement weight), or to be none of the
  area's residents at all. The truth lies between: both are computed.

The band runs from the lowest to the highest limit of the two, and always holds the published rate. It says
nothing of chance, which is what the confidence interval is for.
"""

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
from scipy import special

from pipeline.aggregate.contribution import Counts
from pipeline.aggregate.interval import Interval, confidence_level
from pipeline.aggregate.plan import Plan

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ExpectedCounts:
    """What links that hold with their probability count on average, one number a cell.

    numerator, denominator: sums of weight times p. numerator_variance, denominator_variance: sums of
    weight squared times p (1 - p), over the units of the numerator and of the denominator.
    """

    numerator: Numbers
    denominator: Numbers
    numerator_variance: Numbers
    denominator_variance: Numbers


def rate_of_uncertain_links(counts: ExpectedCounts, confidence: float = 0.95) -> Interval:
    """Return the rate and the limits within which uncertain links move it, by the delta method.

    For a ratio of sums over independent links, Var(N/D) = sum w^2 p (1 - p) (n - r d)^2 / D^2; with n and d
    being 0 or 1, and n within d, the sum is (1 - 2r) times the numerator's variance and r^2 times the
    denominator's.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = counts.numerator / counts.denominator
        spread = (1 - 2 * rate) * counts.numerator_variance + rate**2 * counts.denominator_variance
        error = np.sqrt(np.maximum(spread, 0)) / counts.denominator
    reach = special.ndtri((1 + confidence_level(confidence)) / 2) * error
    return Interval(rate, np.clip(rate - reach, 0, 1), np.clip(rate + reach, 0, 1))


def linkage_band(
    published: Numbers, as_linked: ExpectedCounts, with_missed: ExpectedCounts, confidence: float = 0.95
) -> Interval:
    """Return the published rate with the band that holds it and both accounts of the missed links."""
    limits = [rate_of_uncertain_links(counts, confidence) for counts in (as_linked, with_missed)]
    lower = np.fmin.reduce([published, *(i.lower for i in limits)])
    upper = np.fmax.reduce([published, *(i.upper for i in limits)])
    return Interval(published, lower, upper)


def create_linkage_table(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the empty table `linkage_band`: one row per table without dimensions, measure and authority."""
    connection.execute(
        "CREATE OR REPLACE TABLE linkage_band (table_id VARCHAR, measure VARCHAR, area_level VARCHAR, "
        "area_code VARCHAR, rate DOUBLE, lower DOUBLE, upper DOUBLE)"
    )


def record_linkage_bands(
    connection: duckdb.DuckDBPyConnection, plan: Plan, unit: str, counts: Counts
) -> None:
    """Add the bands of a unit's rates, for every local authority, from `<unit>_contribution`."""
    for table in plan.tables:
        if table.unit != unit or table.dimensions or "LAD" not in table.area_levels:
            continue
        for measure in table.measures:
            population, numerator, _ = counts.of[measure]
            if numerator is not None:
                _record(connection, unit, table.table_id, measure, population, numerator)


def _record(
    connection: duckdb.DuckDBPyConnection,
    unit: str,
    table_id: str,
    measure: str,
    population: str,
    numerator: str,
) -> None:
    sums = [
        f"SUM({term}) FILTER (is_{name})"
        for weight in ("1", "placement_weight")
        for power, name in ((1, numerator), (1, population), (2, numerator), (2, population))
        for term in [_term(weight, power)]
    ]
    rows = connection.execute(
        f"""
SELECT
    lsoa.local_authority,
    COUNT(*) FILTER (is_{numerator}),
    COUNT(*) FILTER (is_{population}),
    {", ".join(sums)}
FROM {unit}_contribution AS contribution
JOIN lsoa
    ON lsoa.lsoa_id = contribution.lsoa_id
WHERE is_{population}
GROUP BY lsoa.local_authority
ORDER BY lsoa.local_authority
"""
    ).fetchall()
    if not rows:
        return
    areas = [row[0] for row in rows]
    figures = np.array([[0.0 if cell is None else float(cell) for cell in row[1:]] for row in rows]).T
    band = linkage_band(
        figures[0] / figures[1], ExpectedCounts(*figures[2:6]), ExpectedCounts(*figures[6:10])
    )
    connection.executemany(
        "INSERT INTO linkage_band VALUES (?, ?, 'LAD', ?, ?, ?, ?)",
        [
            [table_id, measure, area, float(rate), float(lower), float(upper)]
            for area, rate, lower, upper in zip(areas, *band, strict=True)
        ],
    )


def _term(weight: str, power: int) -> str:
    """Return weight times p, or weight squared times p (1 - p); a link without a probability is certain."""
    p = "COALESCE(match_probability, 1)"
    return f"{weight} * {p}" if power == 1 else f"{weight} * {weight} * {p} * (1 - {p})"
