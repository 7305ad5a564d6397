"""Verdicts of people on pairs, applied to the links: a pair that people decided is linked, or is not.

A verdict is on a dwelling and the NHS records that were in its address group at the review. It is applied
only if these records are in one group now and the pair is still a candidate. A verdict "different" is applied
only if the group has no other record, because a new member may belong to the dwelling. If a group is "same"
with two dwellings, neither verdict is applied. All others are counted as not applied.

Evidence facts (judged by LNK-10):

- `verdicts`: read; `verdict_links`, `verdict_non_links`: applied; `verdicts_not_applied`
- `verdict_reviewers`, `verdict_kappa`: least number of reviewers of a verdict, and lowest agreement among the
  reviews (0 if it is negative; null: not defined, because all reviewers always gave one answer)
"""

from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.link.match_selection import select_matches
from pipeline.link.model import Scorecard
from pipeline.link.names import Names

#: Reason of a group whose only candidates are dwellings to which it does not belong, by verdict.
DECIDED_APART = "decided_apart"
#: One row a verdict and NHS record. place, people: levels reached when it was reviewed. cell_pairs: pairs of
#: the run with the same levels, from which it was drawn.
VERDICT = pa.schema(
    [
        ("dwelling_record_pseudonym", pa.string()),
        ("nhs_record_pseudonym", pa.string()),
        ("verdict_id", pa.string()),
        ("is_same", pa.bool_()),
        ("review", pa.string()),
        ("reviewers", pa.int64()),
        ("place", pa.string()),
        ("people", pa.string()),
        ("cell_pairs", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Verdicts:
    """Every verdict on record. digest: of their table, as the audit log has it; empty without any.

    rows: see VERDICT. kappa: lowest agreement among the reviews; None where it is not defined.
    """

    rows: pa.Table = field(default_factory=VERDICT.empty_table)
    digest: str = ""
    kappa: float | None = None


def no_verdicts() -> dict[str, Any]:
    """Return the evidence facts of a run without verdicts."""
    counts = ("verdicts", "verdict_links", "verdict_non_links", "verdicts_not_applied")
    return {**dict.fromkeys(counts, 0), "verdict_reviewers": None, "verdict_kappa": None}


def apply_verdicts(
    connection: duckdb.DuckDBPyConnection, verdicts: Verdicts, names: Names, card: Scorecard
) -> dict[str, Any]:
    """Change `recorded_match` by the verdicts, and return the evidence facts.

    Reads `recorded_pair` and `nhs_member`. card: the scorecard `recorded`.
    """
    count = len(pc.unique(verdicts.rows["verdict_id"]))
    _register_pairs(connection, verdicts, names)
    connection.execute(
        """
        CREATE TABLE set_aside AS
        SELECT pair.*
        FROM recorded_pair AS pair
        INNER JOIN verdict_pair USING (nhs_id)
        -- The other dwellings of a group with a verdict "same", and each dwelling with a verdict "different".
        WHERE verdict_pair.is_same <> (verdict_pair.dwelling_id = pair.dwelling_id)
        """
    )
    connection.execute(
        "DELETE FROM recorded_pair USING set_aside WHERE recorded_pair.nhs_id = set_aside.nhs_id"
        " AND recorded_pair.dwelling_id = set_aside.dwelling_id"
    )
    connection.execute("ALTER TABLE recorded_match RENAME TO match_before_verdicts")
    select_matches(connection, card)
    connection.execute(
        """
        UPDATE recorded_match SET reason = 'linked'
        FROM verdict_pair
        WHERE verdict_pair.is_same
          AND recorded_match.nhs_id = verdict_pair.nhs_id
          AND recorded_match.dwelling_id = verdict_pair.dwelling_id
        """
    )
    connection.execute(
        f"""
        INSERT INTO recorded_match BY NAME
        SELECT * REPLACE ('{DECIDED_APART}' AS reason)
        FROM match_before_verdicts
        ANTI JOIN recorded_match ON recorded_match.nhs_id = match_before_verdicts.nhs_id
        """
    )
    # The pairs were compared, so they are counted and stored like the others.
    connection.execute("INSERT INTO recorded_pair BY NAME SELECT DISTINCT * FROM set_aside")
    links, apart = connection.execute(
        "SELECT COUNT(*) FILTER (is_same), COUNT(*) FILTER (NOT is_same) FROM verdict_pair"
    ).fetchall()[0]
    connection.execute("DROP TABLE set_aside")
    connection.execute("DROP TABLE match_before_verdicts")
    return {
        "verdicts": count,
        "verdict_links": links,
        "verdict_non_links": apart,
        "verdicts_not_applied": count - links - apart,
        "verdict_reviewers": pc.min(verdicts.rows["reviewers"]).as_py(),
        "verdict_kappa": None if verdicts.kappa is None else max(0.0, round(verdicts.kappa, 6)),
    }


def leave_out_decided_apart(connection: duckdb.DuckDBPyConnection, pairs: str) -> None:
    """Delete the pairs of a group and a dwelling to which it does not belong, by verdict, from `pairs`."""
    if connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'verdict_pair'").fetchone():
        connection.execute(
            f'DELETE FROM "{pairs}" AS pair USING verdict_pair WHERE NOT verdict_pair.is_same'
            " AND pair.nhs_id = verdict_pair.nhs_id AND pair.dwelling_id = verdict_pair.dwelling_id"
        )


def _register_pairs(connection: duckdb.DuckDBPyConnection, verdicts: Verdicts, names: Names) -> None:
    """Create `verdict_pair`: one row per verdict that can be applied, with the ids of its units."""
    connection.register("verdict_row", verdicts.rows)
    dwellings, records = np.arange(len(names.dwellings)) + 1, np.arange(len(names.records))
    connection.register("dwelling_name", pa.table({"name": names.dwellings, "dwelling_id": dwellings}))
    connection.register("record_name", pa.table({"name": names.records, "member_id": records}))
    connection.execute(
        """
        CREATE TABLE verdict_pair AS
        WITH verdict AS (
            SELECT
                verdict_row.verdict_id,
                ANY_VALUE(verdict_row.is_same) AS is_same,
                ANY_VALUE(dwelling.dwelling_id) AS dwelling_id,
                MIN(nhs_member.unit_id) AS nhs_id,
                COUNT(DISTINCT nhs_member.unit_id) AS groups,
                COUNT(*) AS records,
                COUNT(nhs_member.member_id) AS found
            FROM verdict_row
            LEFT JOIN dwelling_name AS dwelling ON dwelling.name = verdict_row.dwelling_record_pseudonym
            LEFT JOIN record_name AS record ON record.name = verdict_row.nhs_record_pseudonym
            LEFT JOIN nhs_member ON nhs_member.member_id = record.member_id
            GROUP BY verdict_row.verdict_id
        )
        SELECT
            verdict.dwelling_id,
            verdict.nhs_id,
            verdict.is_same
        FROM verdict
        INNER JOIN nhs_unit ON nhs_unit.unit_id = verdict.nhs_id
        INNER JOIN recorded_pair
            ON recorded_pair.nhs_id = verdict.nhs_id AND recorded_pair.dwelling_id = verdict.dwelling_id
        WHERE verdict.groups = 1
          AND verdict.found = verdict.records
          AND (verdict.is_same OR nhs_unit.people = verdict.found)
        QUALIFY COUNT(*) FILTER (verdict.is_same) OVER (PARTITION BY verdict.nhs_id) < 2
            OR NOT verdict.is_same
        """
    )
    for name in ("verdict_row", "dwelling_name", "record_name"):
        connection.unregister(name)
