"""Links held against the truth, where one operator holds everything: synthetic data and samples.

Record pseudonyms are made anew from the extracts' own record ids, under the
project's key; nowhere is a table kept that turns a pseudonym back.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv

from flows.custody import open_run_keys
from flows.reading import latest_folder, reading_workspace
from governance.agreement import read_agreement
from governance.errors import Fault, Refused
from governance.keys.hashing import keyed_hasher
from governance.keys.provider import KeyProvider
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import load_table
from pipeline.ingest.inspection import inspect_extracts, open_table
from pipeline.link.evaluate import Evaluation, evaluate_links
from pipeline.project import Project
from pipeline.pseudonymise.tables import COUNCIL_PROPERTY_RECORD, NHS_PERSON_RECORD

TRUTH_COLUMNS = ("council_record_id", "nhs_record_id")
_SIDES = (
    ("council", "council_property", COUNCIL_PROPERTY_RECORD),
    ("nhs", "nhs_person", NHS_PERSON_RECORD),
)


@dataclass(frozen=True)
class Evaluated:
    """An evaluation, and how many linked records the extracts at hand could name."""

    evaluation: Evaluation
    links: int
    unnamed_links: int

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON-able values."""
        return {"links": self.links, "unnamed_links": self.unnamed_links, **self.evaluation.as_json()}


def evaluate_run(project: Project, truth: Path, links_out: Path | None = None) -> Evaluated:
    """Compare the links of the workspace's last run with true pairs.

    truth: CSV or Parquet with council_record_id, nhs_record_id (the suppliers' own ids), one row per NHS
    record that belongs to a dwelling. links_out: where to write the links with the suppliers' ids
    (CSV: council_record_id, nhs_record_id, match_weight, level).
    Raises Refused outside single-operator custody, Fault where there is nothing to compare.
    """
    if project.custody != "single-operator" or project.production:
        raise Refused(
            "EVALUATE_FORBIDDEN",
            f"Evaluation joins links to record ids, which {project.custody} custody keeps apart.",
            "Evaluate on a synthetic project in single-operator custody, or by clerical review.",
        )
    agreement = read_agreement(project.agreement)
    with reading_workspace(project) as workspace, workspace.spill("evaluate") as spill:
        folder = latest_folder(workspace.zone("linkage"), "link", "all")
        if folder is None:
            raise Fault("NO_LINKS", "The workspace holds no links.", "Run `hearth run` first.")
        keys = open_run_keys(project, agreement, workspace).linkage()
        with locked_connection(project.engine, spill) as connection:
            load_table(connection, folder / "resident_link.parquet", "resident_link")
            _register_truth(connection, truth)
            for side, named in named_records(project, keys).items():
                connection.register(f"{side}_name", named)
            return _compare(connection, links_out)


def _register_truth(connection: duckdb.DuckDBPyConnection, truth: Path) -> None:
    try:
        table = (
            pa.csv.read_csv(truth, convert_options=pa.csv.ConvertOptions(strings_can_be_null=True))
            if truth.suffix == ".csv"
            else pa.parquet.read_table(truth)
        )
        pairs = table.select(TRUTH_COLUMNS).cast(pa.schema([(c, pa.string()) for c in TRUTH_COLUMNS]))
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise Fault(
            "TRUTH_UNREADABLE",
            f"{truth.name} cannot be used as truth ({type(error).__name__}).",
            f"Give a CSV or Parquet file with the columns {' and '.join(TRUTH_COLUMNS)}.",
        ) from None
    connection.register("truth", pairs)


def named_records(project: Project, keys: KeyProvider) -> dict[str, pa.Table]:
    """Return, for "council" and "nhs", each record's pseudonym and record id, made anew from the extract.

    One row is a dwelling, or an NHS record: record_pseudonym, record_id.
    """
    tables: dict[str, pa.Table] = {}
    extracts = inspect_extracts(tuple(side for side, _, _ in _SIDES), project)
    layers = [keys] if keys.outer is None else [keys, keys.outer]
    with keyed_hasher(layers, [kind for _, _, kind in _SIDES], 0) as hasher:
        for side, table, kind in _SIDES:
            extract = next(e for e in extracts[side] if e.contract.table == table)
            with open_table(extract.settings) as (_, reader):
                place = extract.columns.places["record_id"]
                parts = [pa.compute.utf8_trim_whitespace(rows.columns[0]) for rows in reader.rows([place])]
            ids = pa.concat_arrays(parts).unique()
            named = {"record_pseudonym": hasher.pseudonyms(kind, ids).result(), "record_id": ids}
            tables[side] = pa.table(named)
    return tables


def _compare(connection: duckdb.DuckDBPyConnection, links_out: Path | None) -> Evaluated:
    connection.execute(
        """
        CREATE TABLE named_link AS
        SELECT
            council_name.record_id AS council_record_id,
            nhs_name.record_id AS nhs_record_id,
            resident_link.match_weight,
            resident_link.level,
            resident_link.address_group
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
            "None of the linked records is in the extracts that hearth.toml names.",
            "Evaluate with the extracts, key and workspace that the run had.",
        )
    evaluation = evaluate_links(connection, "named_link", "truth", "named_link")
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
