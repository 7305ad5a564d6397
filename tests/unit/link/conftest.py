"""Small streets as two controllers would pseudonymise them, and a way to link them."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from governance.artefact import Artefact, Evidence
from governance.clearance import _MINT, Clearance, Cleared
from pipeline.artefact_store import write_artefact
from pipeline.context import RunContext
from pipeline.group.stage import group
from pipeline.link.comparison import SCORECARDS
from pipeline.link.stage import link
from pipeline.pseudonymise.match_fields import MATCH_FIELDS, clear_match_fields

Rows = list[dict[str, Any]]

_LINES = [f"address_line_{n}" for n in range(1, 6)]
_CLEAR = {
    **dict.fromkeys(
        ("record_id", "property_record_id", "title", "forename", "surname", "sex", "service", "role"),
        pa.string(),
    ),
    **dict.fromkeys(("uprn", "parent_uprn", "previous_uprn", *_LINES, "postcode"), pa.string()),
    **dict.fromkeys(("nhs_number", "address_group_id"), pa.string()),
    "birth_date": pa.date32(),
}
#: Columns that reach the pseudonymised table as they are.
_PLAIN = {
    **dict.fromkeys(("service", "role", "sex", "ethnic_category", "council_tax_exemption"), pa.string()),
    "address_type": pa.string(),
    **dict.fromkeys(("is_empty", "is_hmo", "single_person_discount", "is_deceased"), pa.bool_()),
    **dict.fromkeys(("address_start", "address_end"), pa.date32()),
}
_TABLES = {
    "dwelling": (
        "council_property",
        (
            "record",
            "uprn",
            "parent_uprn",
            "previous_uprn",
            "is_empty",
            "is_hmo",
            "council_tax_exemption",
            "single_person_discount",
        ),
    ),
    "council_resident": (
        "council_person",
        ("record", "dwelling_record", "uprn", "service", "role", "age_years"),
    ),
    "nhs_resident": (
        "nhs_person",
        (
            "record",
            "nhs_number",
            "uprn",
            "address_group",
            "age_years",
            "sex",
            "ethnic_category",
            "address_start",
            "address_end",
            "address_type",
            "is_deceased",
        ),
    ),
}
_SOURCE = {
    "record": "record_id",
    "dwelling_record": "property_record_id",
    "address_group": "address_group_id",
}


def pseudonym(text: str | None) -> str | None:
    """A stand-in for the keyed hash: the same text, the same pseudonym, and nothing readable."""
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()[:12]


def token(text: str) -> int:
    """A stand-in for a match token: a number of 56 bits."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")


@dataclass
class Linked:
    """The tables of one link run with record ids in clear, and its evidence."""

    links: Rows
    residents: Mapping[str, dict[str, Any]]
    unlinked: Mapping[str, str]
    of_groups: Mapping[str, Any]
    facts: Mapping[str, Any]
    digest: str

    def dwelling_of(self, record: str) -> str | None:
        """The dwelling that an NHS record was linked to, or None."""
        return cast("str | None", self.residents[record]["dwelling"])


@pytest.fixture
def pseudonymised(context: RunContext) -> Callable[[Rows, Rows, Rows], tuple[Cleared, Cleared]]:
    """Make both controllers' cleared artefacts from rows in clear."""

    def make(properties: Rows, listed: Rows, patients: Rows) -> tuple[Cleared, Cleared]:
        clear = {"council_property": properties, "council_person": listed, "nhs_person": patients}
        parts = {"council": ("dwelling", "council_resident"), "nhs": ("nhs_resident",)}
        return cast(
            "tuple[Cleared, Cleared]",
            tuple(as_cleared(_write(context, part, tables, clear)) for part, tables in parts.items()),
        )

    return make


@pytest.fixture
def cleared() -> Callable[[Artefact], Cleared]:
    """Give an artefact the clearance of a gate that asks nothing."""
    return as_cleared


@pytest.fixture
def linked(
    context: RunContext, pseudonymised: Callable[[Rows, Rows, Rows], tuple[Cleared, Cleared]]
) -> Callable[[Rows, Rows, Rows], Linked]:
    """Link rows in clear through pseudonyms, and read the result with their own record ids."""

    def run(properties: Rows, listed: Rows, patients: Rows) -> Linked:
        council, nhs = pseudonymised(properties, listed, patients)
        grouped, of_groups = group(council, nhs, "f" * 64, context)
        artefact, evidence = link(as_cleared(grouped), council, nhs, "f" * 64, context)
        name = {pseudonym(row["record_id"]): row["record_id"] for row in (*properties, *listed, *patients)}

        def rows(table: str) -> Rows:
            return pq.read_table(artefact.path(table)).to_pylist()

        residents = {
            name[row["nhs_record_pseudonym"]]: {
                **row,
                "dwelling": name.get(row["dwelling_record_pseudonym"] or ""),
            }
            for row in rows("resident_link")
        }
        links = [{**row, "dwelling": name[row["dwelling_record_pseudonym"]]} for row in rows("link")]
        unlinked = {name[r["dwelling_record_pseudonym"]]: r["reason"] for r in rows("unlinked_dwelling")}
        return Linked(links, residents, unlinked, of_groups.facts, evidence.facts, artefact.digest)

    return run


@pytest.fixture
def made_units() -> Callable[[duckdb.DuckDBPyConnection], tuple[str, str]]:
    """Make two tables of 200 units: a few of 60 tokens in every list, and the same ids in both."""
    names = ("at_home", "registered")
    conditions = " ".join(
        f"{comparison.missing} {' '.join(level.sql or '' for level in comparison.levels)}"
        for comparison in SCORECARDS["moved"]
    )
    columns = (*dict.fromkeys(re.findall(r"list_\w+\((\w+)_l,", conditions)), "block_moved")
    # Columns of one text, which are null: there is nothing to compare.
    others = sorted(set(re.findall(r"\b([a-z_]+)_[lr]\b", conditions)) - set(columns))
    nulls = "".join(f", NULL::VARCHAR AS {name}" for name in others)

    def make(connection: duckdb.DuckDBPyConnection) -> tuple[str, str]:
        for table, name in enumerate(names):
            lists = ", ".join(
                f"list_transform(range((hash(n, {number}) % 4)::BIGINT),"
                f" lambda k: hash(n, k, {number}, {table}) % 60) AS {column}"
                for number, column in enumerate(columns)
            )
            connection.execute(
                f"CREATE TABLE {name} AS SELECT n AS unit_id, {lists}{nulls} FROM range(200) AS made(n)"
            )
        return names

    return make


def _write(context: RunContext, part: str, tables: tuple[str, ...], clear: Mapping[str, Rows]) -> Artefact:
    def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
        rows: dict[str, int | None] = {}
        for table in tables:
            data = _pseudonymised(table, clear)
            pq.write_table(data, folder / f"{table}.parquet")
            rows[f"{table}.parquet"] = data.num_rows
        return rows, Evidence("pseudonymise", part, {})

    zone = context.workspace.zone("pseudonymised") / part
    zone.mkdir(exist_ok=True)
    artefact, _ = write_artefact(zone, "pseudonymise", part, "f" * 64, fill)
    return artefact


def _pseudonymised(table: str, clear: Mapping[str, Rows]) -> pa.Table:
    source, columns = _TABLES[table]
    with duckdb.connect() as connection:
        for name in {source, "council_property"}:
            full = [
                {**dict.fromkeys(_CLEAR), **{k: v for k, v in row.items() if k in _CLEAR}}
                for row in clear[name]
            ]
            connection.register("rows", pa.Table.from_pylist(full, pa.schema(list(_CLEAR.items()))))
            kept = "*" if name != "council_property" else "* EXCLUDE (forename, surname)"
            connection.execute(f"CREATE TABLE {name} AS SELECT {kept} FROM rows")
            connection.unregister("rows")
        clear_match_fields(connection, source, source, "field", "council_property")
        fields = {
            row["record_id"]: row
            for row in connection.sql("SELECT * FROM field").to_arrow_table().to_pylist()
        }
    output: dict[str, list[Any]] = {}
    types: dict[str, pa.DataType] = {}
    for column in columns:
        given = [row.get(_SOURCE.get(column, column)) for row in clear[source]]
        if column == "age_years":
            output[column], types[column] = [_age(row.get("birth_date")) for row in clear[source]], pa.int64()
        elif column in _PLAIN:
            output[column], types[column] = given, _PLAIN[column]
        else:
            kind = "uprn " if "uprn" in column else ""
            output[f"{column}_pseudonym"] = [
                None if v is None else pseudonym(kind + v if kind else v) for v in given
            ]
            types[f"{column}_pseudonym"] = pa.string()
    for field in MATCH_FIELDS[source]:
        values = [fields[row["record_id"]][field.name] for row in clear[source]]
        output[field.name] = [
            None
            if value is None
            else [token(field.kind + v) for v in value]
            if field.is_list
            else token(field.kind + value)
            for value in values
        ]
        types[field.name] = pa.list_(pa.int64()) if field.is_list else pa.int64()
    return pa.table({name: pa.array(values, types[name]) for name, values in output.items()})


def _age(birth: date | None) -> int | None:
    return None if birth is None else 2026 - birth.year


def as_cleared(artefact: Artefact) -> Cleared:
    return Cleared(artefact, Clearance("run-1", artefact.stage, artefact.digest, 1, ("TEST",), _MINT))
