"""The two sides of a comparison: dwellings, and NHS records grouped by recorded address.

Rows of people are read once, numbered by their unit and sorted by it (see `gathering`); SQL says
which unit a row is of, from a few narrow columns.
"""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from governance.artefact import Artefact
from pipeline.engine.tables import open_table, read_column
from pipeline.link.blocking import RECORDED_RULES, BlockingRule
from pipeline.link.gathering import (
    Integers,
    Rows,
    TokenLists,
    Tokens,
    bounds_of,
    numbered_units,
    side_by_side,
    sliced,
    without_hot,
)
from pipeline.link.names import Names
from pipeline.pseudonymise.match_fields import ADDRESS_FIELDS, PERSON_FIELDS

#: Tokens of people that bring units together and are not compared.
_BLOCKING_TOKENS = ("person_surname_postcode",)
#: A name with its whole birth date is not compared: its parts, two by two, say the same and more.
_NOT_READ = ("person_name_birth",)

PLACE_TOKENS = tuple(f.name for f in ADDRESS_FIELDS)
PERSON_TOKENS = tuple(
    f.name for f in PERSON_FIELDS if f.name not in _NOT_READ and f.name not in _BLOCKING_TOKENS
)

#: What the NHS tells of a record that is weighed by age or counted by group.
_TOLD = ("age_years", "sex", "ethnic_category")
#: Tokens that name the address group of a record without a better name; see `group_key.sql`.
_GROUPED_BY = ("address_exact", "address_unit_street")
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
    _build_dwelling_units(connection, dwellings, _read_listed(connection, council))
    records, groups = _build_nhs_units(connection, _read_nhs(connection, nhs))
    connection.unregister("dwelling")
    return Names(records, groups, dwellings.columns["unit"].combine_chunks())


def _read_dwellings(connection: duckdb.DuckDBPyConnection, council: Artefact) -> Rows:
    """Read `dwelling`, numbered in the order of its pseudonyms, and lend its identifiers."""
    columns = {"unit": "record_pseudonym"}
    columns |= {name: _number(f"{name}_pseudonym") for name in _UPRNS[:3]}
    sources = ("record_pseudonym", *(f"{name}_pseudonym" for name in _UPRNS[:3]))
    read = _read(connection, council, "dwelling", sources, columns, PLACE_TOKENS)
    order = pc.sort_indices(read.columns["unit"]).to_numpy().astype(np.int64)
    ids = pa.array(np.arange(1, read.count + 1, dtype=np.int64))
    plain = {name: column.take(order) for name, column in read.columns.items()}
    connection.register("dwelling", sliced({"unit_id": ids} | plain))
    return Rows(read.count, plain | {"unit_id": ids}, _sorted(read, PLACE_TOKENS, order))


def _read_listed(connection: duckdb.DuckDBPyConnection, council: Artefact) -> Rows:
    tokens = (*PERSON_TOKENS, *_BLOCKING_TOKENS)
    columns = {
        "dwelling": _number("dwelling_record_pseudonym"),
        "uprn": _number("uprn_pseudonym"),
        "is_liable": "COALESCE(service = 'council_tax' AND role = 'liable', FALSE)::BIGINT",
        "is_tenant": "COALESCE(service IN ('benefits', 'housing'), FALSE)::BIGINT",
        "is_elector": "COALESCE(service = 'electoral_register', FALSE)::BIGINT",
    }
    if not council.has("council_resident"):
        return Rows(
            0,
            {name: pa.nulls(0, pa.int64()) for name in columns},
            {name: TokenLists.none(0) for name in tokens},
        )
    sources = ("dwelling_record_pseudonym", "uprn_pseudonym", "service", "role")
    return _read(connection, council, "council_resident", sources, columns, tokens)


def _build_dwelling_units(connection: duckdb.DuckDBPyConnection, dwellings: Rows, people: Rows) -> None:
    units = dwellings.count
    dwelling_id, order = _listed_at(connection, people)
    bounds = bounds_of(dwelling_id, units)
    persons = _sorted(people, PERSON_TOKENS, order)
    connection.register(
        "listed_person",
        sliced(
            {"person_id": np.arange(len(order)), "dwelling_id": dwelling_id}
            | {name: lists.as_arrow() for name, lists in persons.items()}
        ),
    )
    size = np.diff(bounds)
    liable, tenants, electors = (
        np.bincount(dwelling_id, weights=people.columns[name].to_numpy()[order], minlength=units + 1)[1:]
        for name in ("is_liable", "is_tenant", "is_elector")
    )
    kind = np.select([size == 0, tenants > 0, electors > 0], ["", "tenants", "electors"], "payers")
    _lend_units(
        connection,
        "dwelling_unit",
        {
            **{name: dwellings.columns[name] for name in ("unit_id", "unit", *_UPRNS[:3])},
            "parent_of_uprn": pa.nulls(units, pa.uint64()),
            "people": size,
            "is_payer_only": (size > 0) & (liable == size),
            "list_kind": pa.array(kind, mask=size == 0),
        },
        dwellings.lists | {name: lists.bounded_by(bounds) for name, lists in persons.items()},
        {name: lists.bounded_by(bounds) for name, lists in _sorted(people, _BLOCKING_TOKENS, order).items()},
    )


def _listed_at(connection: duckdb.DuckDBPyConnection, people: Rows) -> tuple[Integers, Integers]:
    """Return the dwelling of each listed person, in ascending order, and the person's row."""
    named = {name: people.columns[name] for name in ("dwelling", "uprn")}
    connection.register("listed", sliced(named | {"row": np.arange(people.count, dtype=np.int64)}))
    found = connection.sql(read_sql("listed_at")).to_arrow_table()
    connection.unregister("listed")
    dwelling_id, row = (found[name].to_numpy() for name in ("dwelling_id", "row"))
    order = np.lexsort((row, dwelling_id))
    return dwelling_id[order], row[order]


def _read_nhs(connection: duckdb.DuckDBPyConnection, nhs: Artefact) -> Rows:
    key = read_sql("group_key")
    return _read(
        connection,
        nhs,
        "nhs_resident",
        ("record_pseudonym", "uprn_pseudonym", "address_group_pseudonym", *_GROUPED_BY, *_TOLD),
        {
            "record_pseudonym": "record_pseudonym",
            "group_key": key,
            "group_hash": f"hash({key})",
            "part": "address_exact",
            "uprn": _number("uprn_pseudonym"),
            **{name: name for name in _TOLD},
        },
        (*PLACE_TOKENS, *PERSON_TOKENS, *_BLOCKING_TOKENS),
    )


def _build_nhs_units(connection: duckdb.DuckDBPyConnection, people: Rows) -> tuple[pa.Array, pa.Array]:
    """Lend `nhs_member` and `nhs_unit`; returns the names of both, in their order."""
    columns = people.columns
    keys, parts = _unit_keys(connection, people)
    unit_id, units = numbered_units(keys)
    order = np.argsort(unit_id, kind="stable")
    bounds = bounds_of(unit_id[order], units)
    members = _sorted(people, PERSON_TOKENS, order)
    names = columns.pop("record_pseudonym").combine_chunks().take(order)
    connection.register(
        "nhs_member",
        sliced(
            {
                "member_id": np.arange(len(order)),
                "record_pseudonym": names,
                "unit_id": unit_id[order],
                **{name: columns.pop(name).take(order) for name in _TOLD},
            }
            | {name: lists.as_arrow() for name, lists in members.items()}
        ),
    )
    first = order[bounds[:-1]]
    lent = {
        "nhs_part": parts,
        "first_member": pa.table(
            {
                "unit_id": np.arange(1, units + 1),
                "member_id": first,
                "group_key": columns.pop("group_key").take(first),
            }
        ),
        "member_uprn": pa.table({"unit_id": unit_id, "uprn": columns["uprn"]}),
    }
    for view, table in lent.items():
        connection.register(view, table)
    named = connection.sql(read_sql("nhs_unit")).to_arrow_table()
    for view in lent:
        connection.unregister(view)
    _lend_units(
        connection,
        "nhs_unit",
        {
            **{name: named[name] for name in ("unit_id", "unit", "uprn")},
            "previous_uprn": pa.nulls(units, pa.uint64()),
            "parent_uprn": pa.nulls(units, pa.uint64()),
            "parent_of_uprn": named["parent_of_uprn"],
            "people": np.diff(bounds),
            "is_payer_only": np.zeros(units, dtype=np.bool_),
            "list_kind": pa.nulls(units, pa.string()),
        },
        {name: lists.bounded_by(bounds) for name, lists in _sorted(people, PLACE_TOKENS, order).items()}
        | {name: lists.bounded_by(bounds) for name, lists in members.items()},
        {name: lists.bounded_by(bounds) for name, lists in _sorted(people, _BLOCKING_TOKENS, order).items()},
    )
    return names, named["unit"].combine_chunks()


def _unit_keys(connection: duckdb.DuckDBPyConnection, people: Rows) -> tuple[Tokens, pa.Table]:
    """Return the number of each NHS record's unit, and the parts of groups that were parted."""
    columns = people.columns
    ways = {name: people.lists[name].as_arrow() for name in ("address_unit_postcode", "address_unit_street")}
    narrow = {"member_id": np.arange(people.count), "part": columns.pop("part")}
    keys = columns.pop("group_hash").to_numpy().copy()
    connection.register("nhs_record", sliced(narrow | {"group_hash": keys} | ways))
    parts = connection.sql(read_sql("nhs_part")).to_arrow_table()
    connection.unregister("nhs_record")
    keys[parts["member_id"].to_numpy()] = parts["unit_key"].to_numpy()
    return keys, parts


def _sorted(people: Rows, names: tuple[str, ...], order: Integers) -> dict[str, TokenLists]:
    """Take token lists out of `people`, each freed as soon as it is sorted."""
    return {name: people.lists.pop(name).sorted_by(order) for name in names}


def _lend_units(
    connection: duckdb.DuckDBPyConnection,
    unit: str,
    columns: Mapping[str, pa.Array | pa.ChunkedArray | Integers],
    compared: Mapping[str, TokenLists],
    blocking: Mapping[str, TokenLists],
) -> None:
    """Lend a table of units: its own columns, its token lists, and a list for each blocking rule."""
    lists = {**compared, **blocking}
    lists |= {name: TokenLists.of_values(columns[name]) for name in _UPRNS}
    tokens = {name: values.as_arrow() for name, values in compared.items()}
    lend_with_blocks(connection, unit, dict(columns) | tokens, lists, RECORDED_RULES)


def lend_with_blocks(
    connection: duckdb.DuckDBPyConnection,
    unit: str,
    columns: Mapping[str, pa.Array | pa.ChunkedArray | Integers],
    lists: Mapping[str, TokenLists],
    rules: tuple[BlockingRule, ...],
) -> None:
    """Lend table `unit`: its columns, and a list for each rule without the values of hot blocks.

    How many values were set aside is kept in table `hot_block` (unit, rule, blocking_values).
    """
    connection.execute(
        "CREATE TABLE IF NOT EXISTS hot_block (unit VARCHAR, rule VARCHAR, blocking_values BIGINT)"
    )
    blocks: dict[str, pa.Array] = {}
    for rule in rules:
        gathered = side_by_side([lists[source] for source in rule.sources])
        kept, hot = without_hot(gathered, rule.maximum_units)
        blocks[rule.column] = kept.as_arrow()
        connection.execute("INSERT INTO hot_block VALUES (?, ?, ?)", (unit, rule.id, hot))
    connection.register(unit, sliced(dict(columns) | blocks))


def _read(
    connection: duckdb.DuckDBPyConnection,
    artefact: Artefact,
    table: str,
    sources: tuple[str, ...],
    columns: Mapping[str, str],
    tokens: tuple[str, ...],
) -> Rows:
    """Read a table of an artefact: columns as SQL says of `sources`, and tokens, which are numbers already.

    Tokens are read a column at a time, past the engine, which would only hand them through. It keeps
    no order of rows, so what comes out of it is put back into the file's by the rows' numbers.
    """
    path = artefact.path(table)
    plain = _selected(connection, path, sources, columns)
    lists = {name: TokenLists.of_column(read_column(path, name)) for name in tokens}
    return Rows(plain.num_rows, dict(zip(columns, plain.columns, strict=True)), lists)


def _selected(
    connection: duckdb.DuckDBPyConnection, path: Path, sources: tuple[str, ...], columns: Mapping[str, str]
) -> pa.Table:
    query = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    with open_table(path, sources) as reader:
        connection.register("_reading", _numbered(reader))
        try:
            found = connection.sql(f"SELECT _row, {query} FROM _reading").to_arrow_table()
        finally:
            connection.unregister("_reading")
    return found.drop_columns("_row").take(np.argsort(found["_row"].to_numpy(), kind="stable"))


def _numbered(reader: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """Return the reader's batches with a further column `_row`, from 0."""

    def numbered() -> Iterator[pa.RecordBatch]:
        before = 0
        for batch in reader:
            yield batch.append_column("_row", pa.array(np.arange(before, before + len(batch))))
            before += len(batch)

    return pa.RecordBatchReader.from_batches(reader.schema.append(pa.field("_row", pa.int64())), numbered())


def _number(column: str) -> str:
    return f"CASE WHEN {column} IS NOT NULL THEN hash({column}) END"


def read_sql(name: str) -> str:
    """Return the text of `sql/<name>.sql`."""
    return (files("pipeline.link") / "sql" / f"{name}.sql").read_text("utf-8")


def filled(name: str, **parts: str) -> str:
    """Return `sql/<name>.sql`, its {parts} filled with column lists that this package declares."""
    text = read_sql(name)
    for part, value in parts.items():
        text = text.replace("{" + part + "}", value)
    return text


def run_sql(connection: duckdb.DuckDBPyConnection, name: str, **parts: str) -> None:
    """Run `sql/<name>.sql`, filled."""
    connection.execute(filled(name, **parts))
