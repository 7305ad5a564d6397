"""Evaluation of links against known truth: precision and recall, overall and by group of people.

Precision is the share of links that are right, recall the share of true pairs that are linked; both with
Wilson's 95% interval. Two units are measured, each against a truth of its own:

| unit | a link is right if |
|---|---|
| record | the person of the NHS record lives in the dwelling (residence) |
| household | the NHS address group has a person in common with the household listed at the dwelling |

An address group contains everyone whom the supplier recorded at one address, so also people who have left,
ghost registrations and closed address spells. Not linking these is right for the record, and has no
bearing on the household. So one truth cannot replace the other.

Truth exists for synthetic data and for clerical samples only.
"""

from dataclasses import dataclass

import duckdb

from pipeline.statistics.proportion import Proportion

#: A group is flagged if its recall is lower than that of all records by more than this (a share from 0 to 1).
FLAGGED_GAP = 0.02


@dataclass(frozen=True)
class Measured:
    """Precision (right links of all links) and recall (right links of all true pairs)."""

    precision: Proportion
    recall: Proportion

    def as_json(self) -> dict[str, object]:
        """Return both as JSON-able mappings."""
        return {"precision": self.precision.as_json(), "recall": self.recall.as_json()}


@dataclass(frozen=True)
class GroupGap:
    """Recall of one group of records. gap: its recall less that of all records."""

    attribute: str
    category: str
    recall: Proportion
    gap: float

    @property
    def is_flagged(self) -> bool:
        """Answer whether the group's recall is lower than that of all records by more than two points."""
        return self.gap < -FLAGGED_GAP

    def as_json(self) -> dict[str, object]:
        """Return the gap as a JSON-able mapping."""
        return {
            "attribute": self.attribute,
            "category": self.category,
            "recall": self.recall.as_json(),
            "gap": round(self.gap, 4),
            "flagged": self.is_flagged,
        }


@dataclass(frozen=True)
class Evaluation:
    """The result for each unit; None for a unit without truth. gaps: recall of records by group."""

    records: Measured | None
    households: Measured | None
    gaps: tuple[GroupGap, ...]

    def as_json(self) -> dict[str, object]:
        """Return the evaluation as a JSON-able mapping."""
        return {
            "records": None if self.records is None else self.records.as_json(),
            "households": None if self.households is None else self.households.as_json(),
            "gaps": [gap.as_json() for gap in self.gaps],
        }


def evaluate_links(
    connection: duckdb.DuckDBPyConnection,
    links: str,
    groups: str,
    *,
    residence: str | None = None,
    households: str | None = None,
    attributes: str | None = None,
) -> Evaluation:
    """Compare the links with the true pairs; each argument is the name of a table.

    links, residence, households: pairs (council_record_id, nhs_record_id), with the same ids in all tables.
    residence has the true pairs of records; households the true pairs of households, as pairs of any of
    their records. groups: (nhs_record_id, address_group), the address group of each record.
    attributes: (nhs_record_id, one text column per attribute), for the records' recall by group.
    Repeated rows count once.
    """
    _create_pairs(connection, "link", links, groups)
    records = of_households = None
    gaps: tuple[GroupGap, ...] = ()
    if residence is not None:
        _create_pairs(connection, "truth", residence, groups)
        records = _measure(connection, "evaluated_link", "evaluated_truth")
        if attributes is not None:
            gaps = _gaps(connection, attributes, records.recall)
    if households is not None:
        _create_pairs(connection, "truth", households, groups)
        of_households = _measure(connection, "evaluated_household_link", "evaluated_household_truth")
    return Evaluation(records, of_households, gaps)


def _create_pairs(connection: duckdb.DuckDBPyConnection, name: str, pairs: str, groups: str) -> None:
    """Create views of distinct pairs: `evaluated_<name>` (records), `evaluated_household_<name>` (groups)."""
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW evaluated_{name} AS
        SELECT DISTINCT council_record_id, nhs_record_id
        FROM {pairs}
        WHERE council_record_id IS NOT NULL AND nhs_record_id IS NOT NULL
        """
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW evaluated_household_{name} AS
        SELECT DISTINCT
            pair.council_record_id,
            grouped.address_group AS nhs_record_id
        FROM evaluated_{name} AS pair
        INNER JOIN {groups} AS grouped ON grouped.nhs_record_id = pair.nhs_record_id
        """
    )


def _measure(connection: duckdb.DuckDBPyConnection, links: str, truth: str) -> Measured:
    found, true, right = connection.execute(
        f"""
        SELECT
            (SELECT COUNT(*) FROM {links}),
            (SELECT COUNT(*) FROM {truth}),
            (SELECT COUNT(*) FROM {links} INNER JOIN {truth} USING (council_record_id, nhs_record_id))
        """
    ).fetchall()[0]
    return Measured(Proportion(int(right), int(found)), Proportion(int(right), int(true)))


def _gaps(
    connection: duckdb.DuckDBPyConnection, attributes: str, overall: Proportion
) -> tuple[GroupGap, ...]:
    names = [row[0] for row in connection.execute(f"DESCRIBE {attributes}").fetchall()]
    gaps = []
    for name in sorted(set(names) - {"nhs_record_id"}):
        rows = connection.execute(
            f"""
            SELECT
                COALESCE(CAST(attribute."{name}" AS VARCHAR), 'unknown') AS category,
                COUNT(link.nhs_record_id),
                COUNT(*)
            FROM evaluated_truth AS truth
            INNER JOIN {attributes} AS attribute ON attribute.nhs_record_id = truth.nhs_record_id
            LEFT JOIN evaluated_link AS link
                ON link.council_record_id = truth.council_record_id
                AND link.nhs_record_id = truth.nhs_record_id
            GROUP BY category
            ORDER BY category
            """
        ).fetchall()
        for category, right, true in rows:
            recall = Proportion(int(right), int(true))
            gap = (recall.value or 0.0) - (overall.value or 0.0)
            gaps.append(GroupGap(name, str(category), recall, gap))
    return tuple(gaps)
