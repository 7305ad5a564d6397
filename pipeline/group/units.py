"""From rows of people to units: dwellings, and NHS records grouped by recorded address.

SQL finds the unit of each row from a few narrow columns. Then the rows are sorted by unit, one
column of tokens at a time (see `token_lists`).
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from governance.artefact import Artefact
from pipeline.engine.statements import Statements
from pipeline.engine.tables import read_columns
from pipeline.group.blocking import RECORDED_RULES
from pipeline.group.blocks import with_blocks
from pipeline.group.link_inputs import UPRNS, LinkInput, LinkInputs
from pipeline.group.token_lists import (
    Column,
    Integers,
    TokenLists,
    Tokens,
    ascending_order,
    number_keys,
    read_sorted_tokens,
    read_tokens,
    sliced_table,
    sort_by_unit,
)
from schemas.code_list import load_code_list

_SQL = Statements("pipeline.group")

#: Tokens of addresses and of people that the blocking rules use (see `RECORDED_RULES`).
_ADDRESS_TOKENS = ("address_unit_postcode",)
_PERSON_TOKENS = ("person_surname_postcode", "person_surname_premises")

#: Columns that name the address group of an NHS record (see `group_key.sql`).
_GROUP_KEY_COLUMNS = (
    "record_pseudonym", "uprn_pseudonym", "address_group_pseudonym", "address_exact", "address_unit_street",
)  # fmt: skip


#: Columns of a dwelling that may show that no one lives there.
_OCCUPATION_COLUMNS = ("is_empty", "council_tax_exemption")


@dataclass
class Rows:
    """Rows of a file: some of its columns, and numbers computed from them."""

    count: int
    columns: dict[str, pa.Array | pa.ChunkedArray]


def collect_units(connection: duckdb.DuckDBPyConnection, council: Artefact, nhs: Artefact) -> LinkInputs:
    """Group the people of two pseudonymised artefacts; the result is in memory."""
    dwellings = _read_dwellings(connection, council)
    # In parallel, each with its own connection.
    with connection.cursor() as first, connection.cursor() as second, ThreadPoolExecutor(2) as threads:
        listed = threads.submit(_dwelling_input, first, council, dwellings)
        registered = threads.submit(_nhs_input, second, nhs, dwellings)
        return LinkInputs(listed.result(), registered.result())


def _read_dwellings(connection: duckdb.DuckDBPyConnection, council: Artefact) -> pa.Table:
    """Read one row per dwelling, in the order of record pseudonyms.

    Columns: unit_id, unit, UPRNs, is_empty (see `_is_empty`), row in the file.
    """
    numbers = {name: _number(f"{name}_pseudonym") for name in UPRNS[:3]} | {"is_empty": _is_empty()}
    sources = ("record_pseudonym", *(f"{name}_pseudonym" for name in UPRNS[:3]), *_OCCUPATION_COLUMNS)
    read = _read(connection, council.path("dwelling"), sources, numbers)
    names = read.columns["record_pseudonym"].combine_chunks()
    order = ascending_order(names)
    plain = {name: read.columns[name].take(order) for name in numbers}
    ids = {"unit_id": np.arange(1, read.count + 1), "row": order}
    return sliced_table(plain | {"unit": names.take(order)} | ids)


def _is_empty() -> str:
    """SQL: the council records that no one lives there, by its flag or by a council tax exemption."""
    groups = load_code_list("council_tax_exemption").groups()
    codes = ", ".join(f"'{code}'" for code, group in groups.items() if group == "vacant")
    return f"COALESCE(is_empty OR council_tax_exemption IN ({codes}), FALSE)"


def listed_path(council: Artefact) -> Path | None:
    """Return the file of people on council lists; None if no list was supplied."""
    return council.path("council_resident") if council.has("council_resident") else None


def _read_listed(connection: duckdb.DuckDBPyConnection, council: Artefact) -> Rows:
    numbers = {
        "dwelling": _number("dwelling_record_pseudonym"),
        "uprn": _number("uprn_pseudonym"),
        "is_liable": "COALESCE(service = 'council_tax' AND role = 'liable', FALSE)::BIGINT",
        "is_tenant": "COALESCE(service IN ('benefits', 'housing'), FALSE)::BIGINT",
        "is_elector": "COALESCE(service = 'electoral_register', FALSE)::BIGINT",
    }
    path = listed_path(council)
    if path is None:
        return Rows(0, {name: pa.nulls(0, pa.int64()) for name in numbers})
    sources = ("dwelling_record_pseudonym", "uprn_pseudonym", "service", "role")
    return _read(connection, path, sources, numbers)


def _dwelling_input(
    connection: duckdb.DuckDBPyConnection, council: Artefact, dwellings: pa.Table
) -> LinkInput:
    connection.register("dwelling", dwellings)
    people = _read_listed(connection, council)
    units = dwellings.num_rows
    order, bounds = sort_by_unit(*_listed_at(connection, people), units)
    size = np.diff(bounds)
    dwelling_id = np.repeat(np.arange(1, units + 1), size)
    liable, tenants, electors = (
        np.bincount(dwelling_id, weights=people.columns[name].to_numpy()[order], minlength=units + 1)[1:]
        for name in ("is_liable", "is_tenant", "is_elector")
    )
    kind = np.select([size == 0, tenants > 0, electors > 0], ["", "tenants", "electors"], "payers")
    row = dwellings["row"].to_numpy()
    return _link_input(
        {
            **{name: dwellings[name] for name in ("unit_id", "unit", *UPRNS[:3])},
            "parent_of_uprn": pa.nulls(units, pa.uint64()),
            "people": size,
            "is_payer_only": (size > 0) & (liable == size),
            "is_empty": dwellings["is_empty"],
            # Without a list, nothing follows from a dwelling at which no one is listed.
            "is_unlisted": (size == 0) & (len(order) > 0),
            "list_kind": pa.array(kind, mask=size == 0),
            "row": row,
        },
        read_sorted_tokens(council.path("dwelling"), _ADDRESS_TOKENS, row)
        | _lists_of_units(read_sorted_tokens(listed_path(council), _PERSON_TOKENS, order), bounds),
        order,
        {"listed_nowhere": people.count - len(np.unique(order))},
    )


def _listed_at(connection: duckdb.DuckDBPyConnection, people: Rows) -> tuple[Integers, Integers]:
    """Return the dwelling id and the row number of each person who is listed at a known dwelling."""
    named = {name: people.columns[name] for name in ("dwelling", "uprn")}
    listed = sliced_table(named | {"row": np.arange(people.count, dtype=np.int64)})
    found = _query(connection, _SQL.read("listed_at"), listed=listed)
    dwelling_id, row = (found[name].to_numpy() for name in ("dwelling_id", "row"))
    return dwelling_id, row


def _read_nhs(connection: duckdb.DuckDBPyConnection, nhs: Artefact) -> Rows:
    numbers = {
        "group_hash": f"hash({_SQL.read('group_key')})",
        "uprn": _number("uprn_pseudonym"),
    }
    return _read(connection, nhs.path("nhs_resident"), _GROUP_KEY_COLUMNS, numbers)


def _nhs_input(connection: duckdb.DuckDBPyConnection, nhs: Artefact, dwellings: pa.Table) -> LinkInput:
    connection.register("dwelling", dwellings)
    people = _read_nhs(connection, nhs)
    keys, parts = _unit_keys(connection, people, nhs.path("nhs_resident"))
    unit_id = number_keys(keys)
    units = int(unit_id.max(initial=0))
    order, bounds = sort_by_unit(unit_id, np.arange(people.count), units)
    first = order[bounds[:-1]]
    named = _name_units(connection, people, unit_id, first, parts)
    return _link_input(
        {
            **{name: named[name] for name in ("unit_id", "unit", "uprn")},
            "previous_uprn": pa.nulls(units, pa.uint64()),
            "parent_uprn": pa.nulls(units, pa.uint64()),
            "parent_of_uprn": named["parent_of_uprn"],
            "people": np.diff(bounds),
            **{
                name: np.zeros(units, dtype=np.bool_) for name in ("is_payer_only", "is_empty", "is_unlisted")
            },
            "list_kind": pa.nulls(units, pa.string()),
            "row": first,
        },
        _lists_of_units(
            read_sorted_tokens(nhs.path("nhs_resident"), (*_ADDRESS_TOKENS, *_PERSON_TOKENS), order), bounds
        ),
        order,
        {"records_of_mixed_groups": parts.num_rows},
    )


def _name_units(
    connection: duckdb.DuckDBPyConnection, people: Rows, unit_id: Integers, first: Integers, parts: pa.Table
) -> pa.Table:
    """Return each unit's name and UPRN; first: the row number of one member of each unit."""
    columns = people.columns
    return _query(
        connection,
        _SQL.filled("nhs_unit", group_key=_SQL.read("group_key")),
        nhs_part=parts,
        first_member=pa.table(
            {"unit_id": np.arange(1, len(first) + 1), "member_id": first}
            | {name: columns.pop(name).take(first) for name in _GROUP_KEY_COLUMNS}
        ),
        member_uprn=sliced_table({"unit_id": unit_id, "uprn": columns.pop("uprn")}),
    )


def _unit_keys(connection: duckdb.DuckDBPyConnection, people: Rows, path: Path) -> tuple[Tokens, pa.Table]:
    """Return the key of each NHS record's unit, and the parts of the groups that were split."""
    columns = people.columns
    addresses = {
        name: read_tokens(path, name).as_arrow() for name in ("address_unit_postcode", "address_unit_street")
    }
    records = {"member_id": np.arange(people.count), "address_exact": columns["address_exact"]}
    keys = columns.pop("group_hash").to_numpy().copy()
    nhs_record = sliced_table(records | {"group_hash": keys} | addresses)
    parts = _query(connection, _SQL.read("nhs_part"), nhs_record=nhs_record)
    keys[parts["member_id"].to_numpy()] = parts["unit_key"].to_numpy()
    return keys, parts


def _lists_of_units(people: Mapping[str, TokenLists], bounds: Integers) -> dict[str, TokenLists]:
    """Return the units' token lists from those of their people, which are sorted by unit."""
    return {name: lists.merged_at(bounds) for name, lists in people.items()}


def _link_input(
    columns: Mapping[str, Column], lists: Mapping[str, TokenLists], rows: Integers, counts: Mapping[str, int]
) -> LinkInput:
    """Return one controller's units and people; lists: the tokens that blocking rules use."""
    of_uprns = {name: TokenLists.from_column(columns[name]) for name in UPRNS}
    units = with_blocks(columns, {**lists, **of_uprns}, RECORDED_RULES)
    return LinkInput(units.table, rows, counts, units.oversized_blocks)


def _read(
    connection: duckdb.DuckDBPyConnection, path: Path, sources: tuple[str, ...], numbers: Mapping[str, str]
) -> Rows:
    """Read the columns `sources` of a file, and compute `numbers` from them: name -> SQL expression."""
    columns: dict[str, pa.Array | pa.ChunkedArray] = dict(read_columns(path, sources))
    # DuckDB's threads return rows in the order in which they finish, so the result is sorted by row number.
    row = np.arange(len(columns[sources[0]]))
    values = ", ".join(f"{sql} AS {name}" for name, sql in numbers.items())
    found = _query(connection, f"SELECT row, {values} FROM _source", _source=pa.table(columns | {"row": row}))
    position = np.empty(found.num_rows, dtype=np.int64)
    position[found["row"].to_numpy()] = row
    found = found.take(position)
    return Rows(found.num_rows, columns | {name: found[name] for name in numbers})


def _query(connection: duckdb.DuckDBPyConnection, query: str, **inputs: pa.Table) -> pa.Table:
    """Return the result of a query over these tables, which are registered only while it runs."""
    for view, table in inputs.items():
        connection.register(view, table)
    found = connection.sql(query).to_arrow_table()
    for view in inputs:
        connection.unregister(view)
    return found


def _number(column: str) -> str:
    return f"CASE WHEN {column} IS NOT NULL THEN hash({column}) END"
