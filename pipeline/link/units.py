"""The two sides of a comparison: dwellings, and NHS records grouped by recorded address.

Rows of people are numbered by their unit and sorted by it, a column of tokens at a time (see
`gathering`); SQL says which unit a row is of, from a few narrow columns.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from governance.artefact import Artefact
from pipeline.engine.tables import read_columns
from pipeline.link.blocking import RECORDED_RULES
from pipeline.link.blocks import Units, lend_units, with_blocks
from pipeline.link.gathering import (
    Integers,
    Rows,
    TokenLists,
    Tokens,
    ascending,
    by_unit,
    numbered,
    sliced,
)
from pipeline.link.names import Names
from pipeline.link.query import filled, read_sql
from pipeline.pseudonymise.match_fields import ADDRESS_FIELDS, PERSON_FIELDS

#: Tokens of people that bring units together and are not compared.
_BLOCKING_TOKENS = ("person_surname_postcode",)
#: A name with its whole birth date is not compared: its parts, two by two, say the same and more.
_NOT_READ = ("person_name_birth",)

PLACE_TOKENS = tuple(f.name for f in ADDRESS_FIELDS)
PERSON_TOKENS = tuple(
    f.name for f in PERSON_FIELDS if f.name not in _NOT_READ and f.name not in _BLOCKING_TOKENS
)

#: What names the address group of an NHS record (see `group_key.sql`).
_GROUPED_BY = (
    "record_pseudonym", "uprn_pseudonym", "address_group_pseudonym", "address_exact", "address_unit_street",
)  # fmt: skip
#: What the NHS tells of a record that is weighed by age or counted by group.
_TOLD = ("age_years", "sex", "ethnic_category")
#: What is asked of the tables once every pair and member is judged.
_KEPT = {
    "dwelling_unit": ("unit_id",),
    "nhs_unit": ("unit_id", "people", "uprn"),
    "nhs_member": ("member_id", *_TOLD),
}
_UPRNS = ("uprn", "previous_uprn", "parent_uprn", "parent_of_uprn")


def build_units(connection: duckdb.DuckDBPyConnection, council: Artefact, nhs: Artefact) -> Names:
    """Lend `connection` the tables that everything else reads; they lie in Arrow's memory.

    dwelling_unit: one row per dwelling; nhs_unit: one per NHS address group or part of one. Both:
    unit_id, unit (text), uprn and its relatives (numbers), people, is_payer_only, list_kind, a
    list for each token column, and a `block_*` list for each rule.
    listed_person: one row per person listed at a dwelling: person_id, dwelling_id, token lists.
    nhs_member: one row per NHS record: member_id, record_pseudonym, unit_id, age_years, sex,
    ethnic_category, token lists.
    """
    dwellings = _read_dwellings(connection, council)
    # Each side with a connection of its own; what both make is lent to the one that was given.
    with connection.cursor() as one, connection.cursor() as other, ThreadPoolExecutor(2) as sides:
        listed = sides.submit(_dwelling_side, one, council, dwellings)
        registered = sides.submit(_nhs_side, other, nhs, dwellings)
        persons, dwelling_units = listed.result()
        members, nhs_units = registered.result()
    connection.register("listed_person", persons)
    connection.register("nhs_member", members)
    lend_units(connection, "dwelling_unit", dwelling_units)
    lend_units(connection, "nhs_unit", nhs_units)
    # What was read is let go; the engine shall have the room.
    pa.default_memory_pool().release_unused()
    names = (members["record_pseudonym"], nhs_units.table["unit"], dwellings["unit"])
    return Names(*(column.combine_chunks() for column in names))


def _read_dwellings(connection: duckdb.DuckDBPyConnection, council: Artefact) -> pa.Table:
    """Read who each dwelling is: one row per dwelling, by unit id, in the order of their pseudonyms.

    Also the row of the file that it was (`place`).
    """
    numbers = {name: _number(f"{name}_pseudonym") for name in _UPRNS[:3]}
    sources = ("record_pseudonym", *(f"{name}_pseudonym" for name in numbers))
    read = _read(connection, council.path("dwelling"), sources, numbers)
    names = read.columns["record_pseudonym"].combine_chunks()
    order = ascending(names)
    plain = {name: read.columns[name].take(order) for name in numbers}
    ids = {"unit_id": np.arange(1, read.count + 1), "place": order}
    return sliced(plain | {"unit": names.take(order)} | ids)


def _read_listed(connection: duckdb.DuckDBPyConnection, council: Artefact) -> Rows:
    numbers = {
        "dwelling": _number("dwelling_record_pseudonym"),
        "uprn": _number("uprn_pseudonym"),
        "is_liable": "COALESCE(service = 'council_tax' AND role = 'liable', FALSE)::BIGINT",
        "is_tenant": "COALESCE(service IN ('benefits', 'housing'), FALSE)::BIGINT",
        "is_elector": "COALESCE(service = 'electoral_register', FALSE)::BIGINT",
    }
    if not council.has("council_resident"):
        return Rows(0, {name: pa.nulls(0, pa.int64()) for name in numbers}, None)
    sources = ("dwelling_record_pseudonym", "uprn_pseudonym", "service", "role")
    return _read(connection, council.path("council_resident"), sources, numbers)


def _dwelling_side(
    connection: duckdb.DuckDBPyConnection, council: Artefact, dwellings: pa.Table
) -> tuple[pa.Table, Units]:
    """Return `listed_person` and `dwelling_unit`."""
    connection.register("dwelling", dwellings)
    people = _read_listed(connection, council)
    units = dwellings.num_rows
    order, bounds = by_unit(*_listed_at(connection, people), units)
    size = np.diff(bounds)
    dwelling_id = np.repeat(np.arange(1, units + 1), size)
    persons = people.sorted_tokens(PERSON_TOKENS, order)
    listed = sliced(
        {"person_id": np.arange(len(order)), "dwelling_id": dwelling_id}
        | {name: lists.as_arrow() for name, lists in persons.items()}
    )
    liable, tenants, electors = (
        np.bincount(dwelling_id, weights=people.columns[name].to_numpy()[order], minlength=units + 1)[1:]
        for name in ("is_liable", "is_tenant", "is_elector")
    )
    kind = np.select([size == 0, tenants > 0, electors > 0], ["", "tenants", "electors"], "payers")
    addresses = Rows(units, {}, council.path("dwelling"))
    return listed, _compared(
        {
            **{name: dwellings[name] for name in ("unit_id", "unit", *_UPRNS[:3])},
            "parent_of_uprn": pa.nulls(units, pa.uint64()),
            "people": size,
            "is_payer_only": (size > 0) & (liable == size),
            "list_kind": pa.array(kind, mask=size == 0),
        },
        addresses.sorted_tokens(PLACE_TOKENS, dwellings["place"].to_numpy()) | _bounded(persons, bounds),
        _bounded(people.sorted_tokens(_BLOCKING_TOKENS, order), bounds),
    )


def _listed_at(connection: duckdb.DuckDBPyConnection, people: Rows) -> tuple[Integers, Integers]:
    """Return the dwelling of each person who is listed at a known one, and the person's row."""
    named = {name: people.columns[name] for name in ("dwelling", "uprn")}
    listed = sliced(named | {"row": np.arange(people.count, dtype=np.int64)})
    found = _asked(connection, read_sql("listed_at"), listed=listed)
    dwelling_id, row = (found[name].to_numpy() for name in ("dwelling_id", "row"))
    return dwelling_id, row


def _read_nhs(connection: duckdb.DuckDBPyConnection, nhs: Artefact) -> Rows:
    numbers = {
        "group_hash": f"hash({read_sql('group_key')})",
        "uprn": _number("uprn_pseudonym"),
    }
    return _read(connection, nhs.path("nhs_resident"), (*_GROUPED_BY, *_TOLD), numbers)


def _nhs_side(
    connection: duckdb.DuckDBPyConnection, nhs: Artefact, dwellings: pa.Table
) -> tuple[pa.Table, Units]:
    """Return `nhs_member` and `nhs_unit`."""
    connection.register("dwelling", dwellings)
    people = _read_nhs(connection, nhs)
    columns = people.columns
    keys, parts = _unit_keys(connection, people)
    unit_id = numbered(keys)
    units = int(unit_id.max(initial=0))
    order, bounds = by_unit(unit_id, np.arange(people.count), units)
    # The texts that name records and groups go before the tokens come.
    told = {
        "member_id": np.arange(len(order)),
        "record_pseudonym": columns["record_pseudonym"].combine_chunks().take(order),
        "unit_id": np.repeat(np.arange(1, units + 1), np.diff(bounds)),
        **{name: columns.pop(name).take(order) for name in _TOLD},
    }
    named = _named(connection, people, unit_id, order[bounds[:-1]], parts)
    members = people.sorted_tokens(PERSON_TOKENS, order)
    registered = sliced(told | {name: lists.as_arrow() for name, lists in members.items()})
    return registered, _compared(
        {
            **{name: named[name] for name in ("unit_id", "unit", "uprn")},
            "previous_uprn": pa.nulls(units, pa.uint64()),
            "parent_uprn": pa.nulls(units, pa.uint64()),
            "parent_of_uprn": named["parent_of_uprn"],
            "people": np.diff(bounds),
            "is_payer_only": np.zeros(units, dtype=np.bool_),
            "list_kind": pa.nulls(units, pa.string()),
        },
        _bounded(people.sorted_tokens(PLACE_TOKENS, order) | members, bounds),
        _bounded(people.sorted_tokens(_BLOCKING_TOKENS, order), bounds),
    )


def _named(
    connection: duckdb.DuckDBPyConnection, people: Rows, unit_id: Integers, first: Integers, parts: pa.Table
) -> pa.Table:
    """Return each unit's name and UPRN; first: the row of one member of each."""
    columns = people.columns
    return _asked(
        connection,
        filled("nhs_unit", group_key=read_sql("group_key")),
        nhs_part=parts,
        first_member=pa.table(
            {"unit_id": np.arange(1, len(first) + 1), "member_id": first}
            | {name: columns.pop(name).take(first) for name in _GROUPED_BY}
        ),
        member_uprn=sliced({"unit_id": unit_id, "uprn": columns.pop("uprn")}),
    )


def _unit_keys(connection: duckdb.DuckDBPyConnection, people: Rows) -> tuple[Tokens, pa.Table]:
    """Return the number of each NHS record's unit, and the parts of groups that were parted."""
    columns = people.columns
    ways = {n: people.tokens(n).as_arrow() for n in ("address_unit_postcode", "address_unit_street")}
    narrow = {"member_id": np.arange(people.count), "part": columns["address_exact"]}
    keys = columns.pop("group_hash").to_numpy().copy()
    records = sliced(narrow | {"group_hash": keys} | ways)
    parts = _asked(connection, read_sql("nhs_part"), nhs_record=records)
    keys[parts["member_id"].to_numpy()] = parts["unit_key"].to_numpy()
    return keys, parts


def _bounded(people: Mapping[str, TokenLists], bounds: Integers) -> dict[str, TokenLists]:
    """Return the units' token lists: those of their people, sorted by unit."""
    return {name: lists.bounded_by(bounds) for name, lists in people.items()}


def _compared(
    columns: Mapping[str, pa.Array | pa.ChunkedArray | Integers],
    compared: Mapping[str, TokenLists],
    blocking: Mapping[str, TokenLists],
) -> Units:
    """Return units: their own columns, their token lists, and a list for each blocking rule."""
    lists = {**compared, **blocking}
    lists |= {name: TokenLists.of_column(columns[name]) for name in _UPRNS}
    tokens = {name: values.as_arrow() for name, values in compared.items()}
    return with_blocks(dict(columns) | tokens, lists, RECORDED_RULES)


def let_tokens_go(connection: duckdb.DuckDBPyConnection) -> None:
    """Lend the tables anew without what only comparisons ask for, so that their memory is free."""
    for view, columns in _KEPT.items():
        connection.register(view, connection.sql(f"SELECT {', '.join(columns)} FROM {view}").to_arrow_table())
    connection.unregister("listed_person")


def _read(
    connection: duckdb.DuckDBPyConnection, path: Path, sources: tuple[str, ...], numbers: Mapping[str, str]
) -> Rows:
    """Read columns of a file: sources as they are, and numbers that SQL makes of them."""
    columns: dict[str, pa.Array | pa.ChunkedArray] = dict(read_columns(path, sources))
    # The engine's threads return rows as they finish.
    row = np.arange(len(columns[sources[0]]))
    made = ", ".join(f"{sql} AS {name}" for name, sql in numbers.items())
    told = _asked(connection, f"SELECT row, {made} FROM _reading", _reading=pa.table(columns | {"row": row}))
    places = np.empty(told.num_rows, dtype=np.int64)
    places[told["row"].to_numpy()] = row
    told = told.take(places)
    return Rows(told.num_rows, columns | {name: told[name] for name in numbers}, path)


def _asked(connection: duckdb.DuckDBPyConnection, query: str, **lent: pa.Table) -> pa.Table:
    """Return what a query finds in tables that are lent by these names for as long as it runs."""
    for view, table in lent.items():
        connection.register(view, table)
    found = connection.sql(query).to_arrow_table()
    for view in lent:
        connection.unregister(view)
    return found


def _number(column: str) -> str:
    return f"CASE WHEN {column} IS NOT NULL THEN hash({column}) END"
