"""Compare links with true pairs. Only for one operator who has all data: synthetic data and samples.

Record pseudonyms are derived again from the extracts' own record ids, under the project's key. No table
that maps a pseudonym back to an identifier is stored.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from flows.actions.workspace_reading import last_judged, reading_workspace
from flows.run.setup.custody import open_run_keys
from governance.agreement.agreement import read_agreement
from governance.errors import Fault, Refused
from governance.keys.providers.provider import KeyProvider
from governance.keys.pseudonyms.column_hashing import keyed_hasher
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import load_table
from pipeline.ingest.inspection import inspect_extracts, open_table
from pipeline.link.evaluate import Evaluation, evaluate_links
from pipeline.project import Project
from pipeline.pseudonymise.tables import COUNCIL_PROPERTY_RECORD, NHS_PERSON_RECORD
from pipeline.quality.truth_files import read_truth

_SIDES = (
    ("council", "council_property", COUNCIL_PROPERTY_RECORD),
    ("nhs", "nhs_person", NHS_PERSON_RECORD),
)


@dataclass(frozen=True)
class Evaluated:
    """An evaluation, and how many linked records have no record id in the extracts."""

    evaluation: Evaluation
    links: int
    unnamed_links: int

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON-able values."""
        return {"links": self.links, "unnamed_links": self.unnamed_links, **self.evaluation.as_json()}


def evaluate_run(project: Project, truth: Path, links_out: Path | None = None) -> Evaluated:
    """Compare the links of the workspace's last run with true pairs.

    truth: see `read_truth`. links_out: where to write the links with the suppliers' ids (CSV:
    council_record_id, nhs_record_id, match_weight, level).
    Raises Refused outside single-operator custody, and Fault if there is nothing to compare.
    """
    if project.custody != "single-operator" or project.production:
        raise Refused(
            "EVALUATE_FORBIDDEN",
            f"Evaluation joins links to record ids, which is not allowed in {project.custody} custody.",
            "Evaluate a synthetic project (`hearth synth`), or use clerical review (`hearth review export`).",
        )
    agreement = read_agreement(project.agreement)
    with reading_workspace(project) as workspace, workspace.spill("evaluate") as spill:
        folder = last_judged(project, workspace, workspace.zone("linkage"), "link", "all")
        if folder is None:
            raise Fault(
                "NO_LINKS",
                "The workspace contains no links, so there is nothing to evaluate.",
                "Run `hearth run` first.",
            )
        keys = open_run_keys(project, agreement, workspace).linkage()
        with locked_connection(project.engine, spill) as connection:
            load_table(connection, folder / "resident_link.parquet", "resident_link")
            truths = read_truth(truth)
            for unit, pairs in truths.items():
                connection.register(unit, pairs)
            for side, named in named_records(project, keys).items():
                connection.register(f"{side}_name", named)
            return _compare(connection, frozenset(truths), links_out)


def truth_of_other_extracts(pairs: int) -> Fault:
    """Return the fault for true pairs that do not belong to these extracts."""
    return Fault(
        "TRUTH_OF_OTHER_EXTRACTS",
        f"The truth has {pairs:,} pairs, and none of them is of two records in these extracts.",
        "Use --truth with the truth that belongs to these extracts, with the same record ids.",
    )


def _refuse_other_pairs(connection: duckdb.DuckDBPyConnection, truth: str) -> None:
    pairs, known = connection.execute(
        f"""
        SELECT
            COUNT(*),
            COUNT(*) FILTER (
                council_record_id IN (SELECT record_id FROM council_name)
                AND nhs_record_id IN (SELECT record_id FROM nhs_name)
            )
        FROM {truth}
        """
    ).fetchall()[0]
    if pairs and not known:
        raise truth_of_other_extracts(pairs)


def named_records(project: Project, keys: KeyProvider) -> dict[str, pa.Table]:
    """Return, for "council" and "nhs", each record's pseudonym and record id, derived from the extract.

    One row is a dwelling or an NHS record: record_pseudonym, record_id, and address_group, the supplier's
    own group of the record (null if the extract has none).
    """
    tables: dict[str, pa.Table] = {}
    extracts = inspect_extracts(tuple(side for side, _, _ in _SIDES), project)
    layers = [keys] if keys.outer is None else [keys, keys.outer]
    with keyed_hasher(layers, [kind for _, _, kind in _SIDES], 0) as hasher:
        for side, table, kind in _SIDES:
            extract = next(e for e in extracts[side] if e.contract.table == table)
            with open_table(extract.settings) as (_, reader):
                positions = extract.columns.positions
                wanted = [positions[c] for c in ("record_id", "address_group_id") if c in positions]
                rows = [
                    [pa.compute.utf8_trim_whitespace(c) for c in part.columns] for part in reader.rows(wanted)
                ]
            ids, *groups = (pa.concat_arrays(parts) for parts in zip(*rows, strict=True))
            given = pa.table({"id": ids, "group": groups[0] if groups else pa.nulls(len(ids), pa.string())})
            once = given.group_by("id", use_threads=False).aggregate([("group", "first")])
            ids = once.column("id").combine_chunks()
            tables[side] = pa.table(
                {
                    "record_pseudonym": hasher.pseudonyms(kind, ids).result(),
                    "record_id": ids,
                    "address_group": once.column("group_first"),
                }
            )
    return tables


def _compare(
    connection: duckdb.DuckDBPyConnection, truths: frozenset[str], links_out: Path | None
) -> Evaluated:
    connection.execute(
        """
        CREATE TABLE named_link AS
        SELECT
            council_name.record_id AS council_record_id,
            nhs_name.record_id AS nhs_record_id,
            resident_link.match_weight,
            resident_link.level,
            -- a person found at another address stays in the group that the supplier recorded
            COALESCE(nullif(nhs_name.address_group, ''), split_part(resident_link.address_group, '-', 1))
                AS address_group
        FROM resident_link
        LEFT JOIN nhs_name ON nhs_name.record_pseudonym = resident_link.nhs_record_pseudonym
        LEFT JOIN council_name
            ON council_name.record_pseudonym = resident_link.dwelling_record_pseudonym
        """
    )
    linked, unnamed = connection.execute(
        """
        SELECT
            (SELECT COUNT(*) FROM resident_link WHERE dwelling_record_pseudonym IS NOT NULL),
            (
                SELECT COUNT(*)
                FROM resident_link
                WHERE dwelling_record_pseudonym IS NOT NULL
                  AND nhs_record_pseudonym NOT IN (SELECT record_pseudonym FROM nhs_name)
            )
        """
    ).fetchall()[0]
    if linked and unnamed == linked:
        raise Fault(
            "LINKS_OF_OTHER_EXTRACTS",
            "None of the linked records is in the extracts of hearth.toml, so they cannot be compared.",
            "Run `hearth evaluate` with the hearth.toml, extracts, key and workspace of that run.",
        )
    for unit in sorted(truths):
        _refuse_other_pairs(connection, unit)
    evaluation = evaluate_links(
        connection,
        "named_link",
        "named_link",
        residence="residence" if "residence" in truths else None,
        households="households" if "households" in truths else None,
    )
    if links_out is not None:
        links = connection.sql(
            """
            SELECT council_record_id, nhs_record_id, match_weight, level
            FROM named_link
            WHERE council_record_id IS NOT NULL AND nhs_record_id IS NOT NULL
            ORDER BY nhs_record_id, council_record_id
            """
        )
        pa.csv.write_csv(links.to_arrow_table(), links_out)
    return Evaluated(evaluation, int(linked), int(unnamed))
