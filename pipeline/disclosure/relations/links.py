"""Writes the relations between counts into the attacker's system, area by area.

A relation that is not an equality gets a further cell: the difference between the whole and the parts. No one
publishes it, but everyone can calculate it, so a small one is audited like a hidden count.
"""

import duckdb
import pyarrow as pa

from pipeline.disclosure.relations.counted_set import CountedSet
from pipeline.disclosure.relations.reasoner import derive
from pipeline.disclosure.relations.relation import Relation
from pipeline.disclosure.statements import create_table

_SCHEMA = pa.schema(
    [("link", pa.int64()), ("area_level", pa.string()), ("is_equal", pa.bool_()), ("sign", pa.int64())]
    + [("unit", pa.string()), ("measure", pa.string())]
    + [(name, pa.string()) for name in ("dimension_1", "category_1", "dimension_2", "category_2")]
)


def add_links(connection: duckdb.DuckDBPyConnection, has_exact_counts: bool) -> None:
    """Create `link_member` from the counts in `system_cell`, and add the cells of differences to it.

    Reads `denominator_of`: the system has the complements of numerators already. has_exact_counts: whether
    printed counts are exact. Printed counts with noise do not add up, so a relation between two of them
    says little, and `link_member` is empty: see docs/disclosure-control.md, the second attacker.
    """
    members = _members(connection) if has_exact_counts else []
    connection.register("_link", pa.Table.from_pylist(members, _SCHEMA))
    try:
        create_table(connection, "link_member")
    finally:
        connection.unregister("_link")
    connection.execute(
        """
        INSERT INTO system_cell
        SELECT
            difference.cell, part.unit, part.measure || ':within:' || whole.measure, part.area_level,
            part.area_code, part.dimension_1, part.category_1, part.dimension_2, part.category_2,
            part.group_id, NULL, FALSE, FALSE, TRUE, part.group_measure, whole.group_measure, whole.unit
        FROM (SELECT DISTINCT cell, part_cell, whole_cell FROM link_member WHERE is_difference)
            AS difference
        INNER JOIN system_cell AS part ON part.cell = difference.part_cell
        INNER JOIN system_cell AS whole ON whole.cell = difference.whole_cell
        ORDER BY difference.cell
        """
    )


def _members(connection: duckdb.DuckDBPyConnection) -> list[dict[str, object]]:
    """Return the rows of `_SCHEMA` for every relation between the counts in `system_cell`."""
    rows = connection.execute(
        """
        SELECT DISTINCT area_level, unit, measure, dimension_1, category_1, dimension_2, category_2
        FROM system_cell
        WHERE NOT is_complement
        ORDER BY ALL
        """
    ).fetchall()
    has_complement = {
        (unit, measure, whole)
        for unit, measure, whole in connection.execute(
            "SELECT unit, measure, denominator_measure FROM denominator_of"
        ).fetchall()
    }
    by_level: dict[str, list[CountedSet]] = {}
    for level, unit, measure, *named in rows:
        pairs = tuple(sorted((named[i], named[i + 1]) for i in (0, 2) if named[i] is not None))
        by_level.setdefault(level, []).append(CountedSet(unit, measure, pairs))
    members: list[dict[str, object]] = []
    for level, sets in sorted(by_level.items()):
        for relation in derive(sets):
            if not _is_complement(relation, has_complement):
                members += _rows(relation, level, len(members))
    return members


def _is_complement(relation: Relation, has_complement: set[tuple[str, str, str]]) -> bool:
    """Answer whether the relation is that of a numerator within its denominator."""
    part, whole = relation.parts[0], relation.whole
    return (
        len(relation.parts) == 1
        and not relation.is_equal
        and part.categories == whole.categories
        and (part.unit, part.measure, whole.measure) in has_complement
    )


def _rows(relation: Relation, level: str, link: int) -> list[dict[str, object]]:
    rows = []
    for sign, one in [(-1, relation.whole), *((1, part) for part in relation.parts)]:
        first, second = (*one.categories, (None, None), (None, None))[:2]
        rows.append(
            {
                "link": link,
                "area_level": level,
                "is_equal": relation.is_equal,
                "sign": sign,
                "unit": one.unit,
                "measure": one.measure,
                "dimension_1": first[0],
                "category_1": first[1],
                "dimension_2": second[0],
                "category_2": second[1],
            }
        )
    return rows
