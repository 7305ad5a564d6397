"""What a release needs to state the uncertainty of each rate: a few figures of each measure, of the whole
run.

| aspect of `basis` | figure |
|---|---|
| design_effect | variance of a rate over that of independent units: residents of one household are alike |
| linkage_below, linkage_above | how far linkage error may move the rate, in log odds, without chance |
| linkage_spread | chance in linkage: standard error of the log odds times the root of the denominator |

A resident with several events counts once in a rate, so repeat events add no variance.

The publish stage calculates the limits of a rate from its printed counts and from these figures only (see
`pipeline/publish/files/uncertainty.py`). So the limits show nothing of an area that its printed counts do
not.

The figures are of the whole run and never of an area. They are rounded outwards, and are published only
where a measure includes a thousand households or residents, so they do not show how one household changed.
"""

from collections.abc import Mapping
from math import ceil, log, sqrt

import duckdb

from pipeline.aggregate.contribution import Counts
from pipeline.aggregate.coverage import LEAST_PUBLISHED, Coverage
from schemas.table import AREA_LEVELS

#: Rates nearer to 0 or 1 than this have the log odds of this.
_LEAST_RATE = 0.0005
#: Steps of the published figures; each is rounded up.
_STEP_OF_DESIGN, _STEP_OF_SHIFT, _STEP_OF_SPREAD = 0.05, 0.02, 0.1


def create_design_table(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the empty table `design_effect`: one row per measure with a numerator."""
    connection.execute("CREATE OR REPLACE TABLE design_effect (measure VARCHAR, design_effect DOUBLE)")


def record_design_effects(connection: duckdb.DuckDBPyConnection, unit: str, counts: Counts) -> None:
    """Add the design effect of each measure of a unit, from `<unit>_contribution`.

    Of N residents in clusters h, each with y = 1 if counted: the sum over h of (sum of y - rate)^2, divided
    by N rate (1 - rate). Source: Kish, Survey Sampling (1965), for a ratio of sums over clusters.
    """
    rates = {m: (numerator, population) for m, (population, numerator, _) in counts.of.items() if numerator}
    if not rates:
        return
    if unit == "household":
        connection.executemany("INSERT INTO design_effect VALUES (?, 1)", [[measure] for measure in rates])
        return
    named = sorted({name for pair in rates.values() for name in pair})
    by_household = ", ".join(f"COUNT(*) FILTER (is_{name}) AS n_{name}" for name in named)
    columns = ", ".join(
        f"SUM(n_{x}), SUM(n_{n}), SUM(n_{x} * n_{x}), SUM(n_{x} * n_{n}), SUM(n_{n} * n_{n})"
        for x, n in rates.values()
    )
    row = connection.execute(
        f"SELECT {columns} FROM (SELECT household_id, {by_household} FROM {unit}_contribution GROUP BY ALL)"
    ).fetchall()[0]
    for position, measure in enumerate(rates):
        x, n, xx, xn, nn = (float(value or 0) for value in row[5 * position : 5 * position + 5])
        rate = x / n if n else 0.0
        spread = n * rate * (1 - rate)
        effect = max(1.0, (xx - 2 * rate * xn + rate**2 * nn) / spread) if spread else 1.0
        connection.execute("INSERT INTO design_effect VALUES (?, ?)", [measure, effect])


def record_uncertainty(connection: duckdb.DuckDBPyConnection, coverage: Mapping[str, Coverage]) -> None:
    """Add the figures of each measure to `basis`; reads `design_effect`, `linkage_band` and `cell`.

    Run it after `widen_linkage_bands`, so that the shifts contain every account of who lives where.
    """
    large = [name for name, found in coverage.items() if found.included >= LEAST_PUBLISHED]
    rows: list[tuple[str, str, str]] = []
    for measure, effect in connection.execute("SELECT * FROM design_effect ORDER BY ALL").fetchall():
        if measure in large:
            rows.append(("design_effect", measure, _up(effect, _STEP_OF_DESIGN)))
    for measure, (below, above, spread) in sorted(_shifts(connection).items()):
        if measure in large:
            rows.append(("linkage_below", measure, _up(below, _STEP_OF_SHIFT)))
            rows.append(("linkage_above", measure, _up(above, _STEP_OF_SHIFT)))
            rows.append(("linkage_spread", measure, _up(spread, _STEP_OF_SPREAD)))
    if rows:
        connection.executemany("INSERT INTO basis VALUES (?, ?, ?)", rows)


def _shifts(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[float, float, float]]:
    """Return measure -> (below, above, spread), of the largest area level, weighted by the denominators.

    Of the tables with a measure, the one with the fewest categories is used: the total, where there is one.
    """
    found = connection.execute(
        """
        WITH rated AS (
            SELECT linkage_band.*, cell.denominator,
                (linkage_band.category_1 IS NOT NULL)::INT + (linkage_band.category_2 IS NOT NULL)::INT AS
                parts
            FROM linkage_band
            JOIN cell
                ON cell_id(cell.table_id, cell.measure, cell.area_code, cell.category_1, cell.category_2)
                    = cell_id(
                        linkage_band.table_id, linkage_band.measure, linkage_band.area_code,
                        linkage_band.category_1, linkage_band.category_2
                    )
            WHERE linkage_band.area_level = $level AND cell.denominator > 0
        ),
        chosen AS (
            SELECT measure, arg_min(table_id, (parts, table_id)) AS table_id FROM rated GROUP BY measure
        )
        SELECT rated.measure, rated.rate, rated.lower, rated.upper, rated.reach, rated.denominator
        FROM rated
        JOIN chosen
            ON chosen.measure = rated.measure AND chosen.table_id = rated.table_id
        ORDER BY ALL
        """,
        {"level": AREA_LEVELS[-1]},
    ).fetchall()
    sums: dict[str, list[float]] = {}
    for measure, rate, lower, upper, reach, denominator in found:
        own = _log_odds(rate)
        chance = max(_log_odds(rate + reach) - own, own - _log_odds(rate - reach))
        below = max(0.0, own - _log_odds(lower) - chance)
        above = max(0.0, _log_odds(upper) - own - chance)
        weighted = sums.setdefault(measure, [0.0, 0.0, 0.0, 0.0])
        for position, figure in enumerate((below, above, chance * sqrt(denominator), 1.0)):
            weighted[position] += figure * denominator
    return {name: (a / n, b / n, c / n) for name, (a, b, c, n) in sums.items()}


def _log_odds(rate: float) -> float:
    bounded = min(max(rate, _LEAST_RATE), 1 - _LEAST_RATE)
    return log(bounded / (1 - bounded))


def _up(figure: float, step: float) -> str:
    return f"{step * ceil(figure / step - 1e-9):.2f}"
