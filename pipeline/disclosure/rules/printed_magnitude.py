"""Adds means and percentiles to the protected cells, by the rules of `magnitude`.

A mean has two rows, a sum and the mean. The mean is the published sum divided by the published count of the
same cell, so it adds no information. A percentile has one row, the lower end of a band; its rounding base is
the width of the band. If the count of the same cell is hidden, not applicable or not produced, so is the
amount.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from governance.errors import Fault
from pipeline.disclosure.noise.p_table import noise_of
from pipeline.disclosure.noise.record_key import RecordKeySecret, secret_for_magnitudes
from pipeline.disclosure.profile import Profile
from pipeline.disclosure.rules.magnitude import (
    Contributions,
    RankedBand,
    printed_band,
    printed_sum,
)
from schemas.dimension import UNKNOWN
from schemas.magnitude import MEAN_DECIMALS, Magnitude, magnitudes
from schemas.table import tables

Row = Mapping[str, Any]

_CELL = (
    "table_id, unit, area_level, area_code, dimension_1, category_1, dimension_2, category_2, measure, value"
)
_GROUP_ID = "group_id(unit, area_code, dimension_1, category_1, dimension_2, category_2) AS group_id"
#: The rows of `magnitude_cell` with their group; the dimensions of the categories are those of the table.
_EXACT = f"""
SELECT
    magnitude_cell.*,
    {_GROUP_ID}
FROM magnitude_cell
INNER JOIN (SELECT DISTINCT table_id, unit, dimension_1, dimension_2 FROM cell) USING (table_id)
ORDER BY table_id, measure, group_id, band
"""

#: Table, measure and group.
_Key = tuple[str, str, str]


@dataclass(frozen=True)
class Answer:
    """What is published for one magnitude of one cell: a value or a shorthand.

    count: the row of `protected_cell` with the count of the same cell. value: of the mean or percentile.
    total: of a mean, its sum. shorthand: `[c]`, `[x]` or `[z]` if there is no value.
    """

    count: Row
    magnitude: Magnitude
    value: float | None = None
    total: int | None = None
    shorthand: str | None = None


def protect_magnitudes(
    connection: duckdb.DuckDBPyConnection, profile: Profile, secret: RecordKeySecret | None, epoch: str
) -> dict[str, int]:
    """Add the magnitudes of `magnitude_cell` to `protected_cell` and `published_measure`; returns the facts.

    `protected_cell` must already have the counts of the same tables. A profile without noise publishes no
    magnitudes: its sums would be exact too, and the difference of two sums could be one household.
    """
    answers = list(_without_mostly_hidden(list(_answers(connection, profile, secret)), profile))
    rows = [row for answer in answers for row in _rows(answer, profile)]
    if rows:
        schema = pa.schema(
            [
                *((name.strip(), pa.string()) for name in _CELL.split(",")[:-1]),
                ("value", pa.float64()),
                ("shorthand", pa.string()),
                ("rounding_base", pa.int64()),
            ]
        )
        connection.register("_magnitude", pa.Table.from_pylist(rows, schema=schema))
        try:
            connection.execute(
                "INSERT INTO protected_cell BY NAME "
                "SELECT *, $method AS method, $epoch AS epoch FROM _magnitude",
                {"method": profile.method, "epoch": epoch},
            )
        finally:
            connection.unregister("_magnitude")
    for magnitude in sorted({a.magnitude.name: a.magnitude for a in answers}.values(), key=lambda m: m.name):
        _publish_measure(connection, magnitude)
    return {
        "magnitudes": len(answers),
        "magnitudes_hidden": sum(answer.shorthand == "[c]" for answer in answers),
    }


def check_written_magnitudes(connection: duckdb.DuckDBPyConnection, profile: Profile) -> dict[str, int]:
    """Return how many magnitudes of the written cells (`written`) break a rule, by fact of the evidence.

    The rules are applied to the exact figures again, independently of `protect_magnitudes`.
    """
    exact = _exact(connection)
    printed = {
        _key(row): row
        for row in _dicts(connection, f"SELECT *, {_GROUP_ID} FROM written WHERE value IS NOT NULL")
    }
    unrounded = few = unlike = 0
    for key, row in printed.items():
        magnitude = magnitudes().get(row["measure"])
        if magnitude is None:
            continue
        behind = exact.get(key, [])
        table_id, _, group_id = key
        count = printed.get((table_id, magnitude.among, group_id))
        if magnitude.kind == "percentile":
            unrounded += row["value"] % magnitude.band_width != 0
            few += count is None or not any(
                band.lower == row["value"] and band.is_safe for band in _bands(behind)
            )
            continue
        total = printed.get((table_id, magnitude.sum_name, group_id))
        unrounded += total is None or total["value"] % profile.rounding_base != 0
        few += len(behind) != 1 or not _contributions(behind[0]).is_safe
        unlike += (
            count is None
            or total is None
            or round(total["value"] / count["value"], MEAN_DECIMALS) != row["value"]
        )
    return {
        "published_unrounded": unrounded,
        "rates_below_minimum": few,
        "rates_not_from_published_counts": unlike,
    }


def _answers(
    connection: duckdb.DuckDBPyConnection, profile: Profile, secret: RecordKeySecret | None
) -> Iterator[Answer]:
    cells = _exact(connection)
    noise = _noise_of(cells, profile, secret)
    counts = f"SELECT {_CELL}, shorthand, {_GROUP_ID} FROM protected_cell ORDER BY {_CELL}, shorthand"
    for count in _dicts(connection, counts):
        for name in tables()[count["table_id"]].magnitudes if count["table_id"] in tables() else ():
            magnitude = magnitudes()[name]
            if magnitude.among != count["measure"]:
                continue
            key = count["table_id"], name, count["group_id"]
            if secret is None:
                yield Answer(count, magnitude, shorthand="[z]" if count["shorthand"] == "[z]" else "[x]")
            elif count["shorthand"] is not None:
                yield Answer(count, magnitude, shorthand=count["shorthand"])
            else:
                yield _answer(count, magnitude, cells.get(key, []), noise.get(key, 0), profile)


def _answer(count: Row, magnitude: Magnitude, behind: Sequence[Row], noise: int, profile: Profile) -> Answer:
    value: float | None = None
    total = None
    if not behind:
        raise Fault(
            "MAGNITUDE_MISSING",
            f"A cell of {count['table_id']} with a printed count has no amounts.",
            "Report this as a defect of the aggregate stage; nothing was published.",
        )
    if magnitude.kind == "percentile":
        value = printed_band(_bands(behind), magnitude.percent, noise)
    else:
        total = printed_sum(_contributions(behind[0]), noise, profile.rounding_base)
        value = None if total is None else round(total / count["value"], MEAN_DECIMALS)
    return Answer(count, magnitude, value, total, "[c]" if value is None else None)


def _bands(rows: Sequence[Row]) -> list[RankedBand]:
    return [RankedBand(r["band"], r["units"], r["contributors_below"], r["contributors_above"]) for r in rows]


def _contributions(row: Row) -> Contributions:
    return Contributions(row["contributors"], row["total"], row["largest"], row["second_largest"])


def _noise_of(
    cells: Mapping[_Key, Sequence[Row]], profile: Profile, secret: RecordKeySecret | None
) -> dict[_Key, int]:
    """Return the noise of each cell; it is the same for cells with the same contributors and sum."""
    if secret is None or not cells:
        return {}
    sums = [
        rows[0]["total"] if rows[0]["band"] is None else sum(r["units"] for r in rows)
        for rows in cells.values()
    ]
    keys = [rows[0]["cell_key"] for rows in cells.values()]
    drawn = noise_of(
        np.asarray(sums, dtype=np.int64),
        np.asarray(keys, dtype=np.int64),
        profile.noise_bound,
        secret_for_magnitudes(secret),
    )
    return dict(zip(cells, map(int, drawn), strict=True))


def _without_mostly_hidden(answers: list[Answer], profile: Profile) -> Iterator[Answer]:
    """Yield the answers; a magnitude mostly hidden at an area level of a table becomes `[x]` there."""
    cells: dict[tuple[str, str, str], list[bool]] = {}
    for answer in answers:
        is_residual = UNKNOWN in (answer.count["category_1"], answer.count["category_2"])
        if answer.shorthand in (None, "[c]") and not is_residual:
            cells.setdefault(_level(answer), []).append(answer.shorthand is not None)
    mostly_hidden = {
        key for key, found in cells.items() if sum(found) > profile.maximum_hidden_share * len(found)
    }
    for answer in answers:
        is_left_out = _level(answer) in mostly_hidden and answer.shorthand != "[z]"
        yield Answer(answer.count, answer.magnitude, shorthand="[x]") if is_left_out else answer


def _level(answer: Answer) -> tuple[str, str, str]:
    return answer.count["table_id"], answer.magnitude.name, answer.count["area_level"]


def _rows(answer: Answer, profile: Profile) -> Iterator[dict[str, Any]]:
    magnitude = answer.magnitude
    cell = {k: v for k, v in answer.count.items() if k not in ("measure", "value", "shorthand", "group_id")}
    base = magnitude.band_width if magnitude.kind == "percentile" else None
    shorthand = {"shorthand": answer.shorthand}
    yield cell | shorthand | {"measure": magnitude.name, "value": answer.value, "rounding_base": base}
    if magnitude.kind == "mean":
        total = None if answer.total is None else float(answer.total)
        yield (
            cell
            | shorthand
            | {
                "measure": magnitude.sum_name,
                "value": total,
                "rounding_base": profile.rounding_base,
            }
        )


def _publish_measure(connection: duckdb.DuckDBPyConnection, magnitude: Magnitude) -> None:
    rows: list[tuple[str, str, str | None]] = [(magnitude.name, magnitude.kind, None)]
    if magnitude.kind == "mean":
        rows = [
            (magnitude.name, "mean", magnitude.sum_name),
            (magnitude.sum_name, "sum", None),
        ]
    connection.executemany(
        "INSERT INTO published_measure (measure, unit, kind, numerator_measure, denominator_measure) "
        "VALUES (?, ?, ?, ?, ?)",
        [(name, magnitude.unit, kind, numerator, magnitude.among) for name, kind, numerator in rows],
    )


def _exact(connection: duckdb.DuckDBPyConnection) -> dict[_Key, list[Row]]:
    """Return the rows of `magnitude_cell` by table, measure and group."""
    return {key: list(rows) for key, rows in groupby(_dicts(connection, _EXACT), _key)}


def _key(row: Row) -> _Key:
    return row["table_id"], row["measure"], row["group_id"]


def _dicts(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = connection.sql(query).to_arrow_table().to_pylist()
    return found
