"""Links held against the truth: precision and recall with intervals, overall and by group.

Two units, as everywhere in Hearth: the record (this NHS record belongs to that dwelling) and
the household (this NHS address group shares a person with that dwelling's listed household).
Allowed where truth exists: synthetic data and clerical samples.
"""

from dataclasses import dataclass

import duckdb

from pipeline.link.interval import Proportion

#: A group whose recall lies this far below the whole is named (share, not per cent).
FLAGGED_GAP = 0.02


@dataclass(frozen=True)
class Measured:
    """Precision (right of found) and recall (found of true)."""

    precision: Proportion
    recall: Proportion

    def as_json(self) -> dict[str, object]:
        """Return both as JSON-able mappings."""
        return {"precision": self.precision.as_json(), "recall": self.recall.as_json()}


@dataclass(frozen=True)
class GroupGap:
    """Recall of one group of records, and how far it lies from that of all records."""

    attribute: str
    category: str
    recall: Proportion
    gap: float

    @property
    def is_flagged(self) -> bool:
        """Answer whether the group is linked worse than all by more than two percentage points."""
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
    """What the comparison with truth gave."""

    records: Measured
    households: Measured
    gaps: tuple[GroupGap, ...]

    def as_json(self) -> dict[str, object]:
        """Return the evaluation as a JSON-able mapping."""
        return {
            "records": self.records.as_json(),
            "households": self.households.as_json(),
            "gaps": [gap.as_json() for gap in self.gaps],
        }


def evaluate_links(
    connection: duckdb.DuckDBPyConnection,
    links: str,
    truth: str,
    groups: str,
    attributes: str | None = None,
) -> Evaluation:
    """Compare two tables of pairs (council_record_id, nhs_record_id; any ids, the same in both).

    groups: table (nhs_record_id, address_group) that says which records are one household.
    attributes: table (nhs_record_id, one text column per attribute) for recall by group.
    Rows that repeat count once.
    """
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW evaluated_link AS
        SELECT DISTINCT council_record_id, nhs_record_id
        FROM {links}
        WHERE council_record_id IS NOT NULL AND nhs_record_id IS NOT NULL
        """
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW evaluated_truth AS
        SELECT DISTINCT council_record_id, nhs_record_id
        FROM {truth}
        WHERE council_record_id IS NOT NULL AND nhs_record_id IS NOT NULL
        """
    )
    for name in ("link", "truth"):
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
    records = _measure(connection, "evaluated_link", "evaluated_truth")
    households = _measure(connection, "evaluated_household_link", "evaluated_household_truth")
    gaps = () if attributes is None else _gaps(connection, attributes, records.recall)
    return Evaluation(records, households, gaps)


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
