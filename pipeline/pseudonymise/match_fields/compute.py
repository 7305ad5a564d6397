"""Computes the clear values of the match fields of an ingest table. This only happens where the key is.

Python parses each distinct address, forename and surname once. SQL joins the parts to the records and
combines them into the fields that `catalogue.py` lists.
"""

from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.pseudonymise.match_fields.address import Address, parse_address
from pipeline.pseudonymise.match_fields.catalogue import MATCH_FIELDS, MatchField
from pipeline.pseudonymise.match_fields.names import parse_forename, parse_surname

_BATCH = 65_536
#: The numbers within a range are names of it too if it is not longer than this.
_LONGEST_RANGE = 12
_LINES = tuple(f"address_line_{n}" for n in range(1, 6))
#: Separates the lines of an address when they are joined to one text; ingest rejects cells that contain it.
_SEPARATOR = "\x1f"


def clear_match_fields(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    source: str,
    target: str,
    properties: str | None = None,
    sectors: str | None = None,
) -> None:
    """Create table `target`: `record_id` and one column for each of `MATCH_FIELDS[table]`.

    One row of `target` is one row of `source`. The columns contain clear texts, or lists of clear texts
    without duplicates or nulls. An unknown value is null, never an empty text or list.

    table: "council_property", "council_person" or "nhs_person". source: name of the ingest table in
    `connection`, a table or view with the contract's columns. properties: for "council_person", name of the
    ingest table council_property; a person without an address of their own gets that of their property
    (property_record_id). sectors: name of a second table to create, for `attack_encoding`: record_id and
    sector (postcode sector, or null).
    """
    has_names = "surname" in _columns(connection, source)
    scratch = f"{target}_scratch"
    try:
        _parse_addresses(connection, table, source, scratch, properties)
        if has_names:
            _parse_names(connection, source, scratch)
        _combine(connection, table, source, scratch, target, has_names)
        if sectors is not None:
            _create_sectors(connection, scratch, sectors)
    finally:
        for part in ("address_of", "address", "forename", "surname", "raw"):
            connection.execute(f'DROP TABLE IF EXISTS "{scratch}_{part}"')


def _parse_addresses(
    connection: duckdb.DuckDBPyConnection, table: str, source: str, scratch: str, properties: str | None
) -> None:
    own = _address_text("source")
    if table == "council_person" and properties is not None:
        text = f"COALESCE({own}, {_address_text('property')})"
        uprn = "COALESCE(source.uprn, property.uprn)"
        join = f'LEFT JOIN "{properties}" AS property ON property.record_id = source.property_record_id'
    else:
        text, uprn, join = own, "source.uprn", ""
    connection.execute(
        f"""
        CREATE TABLE "{scratch}_address_of" AS
        SELECT
            source.record_id,
            {text} AS address,
            {uprn} AS uprn
        FROM "{source}" AS source
        {join}
        """
    )
    _parse_distinct(
        connection,
        f'SELECT DISTINCT address FROM "{scratch}_address_of" WHERE address IS NOT NULL',
        f"{scratch}_address",
        ("address", "exact", "postcode", "sector"),
        ("unit_postcode", "unit_street"),
        _address_values,
    )


def _parse_names(connection: duckdb.DuckDBPyConnection, source: str, scratch: str) -> None:
    _parse_distinct(
        connection,
        f'SELECT DISTINCT forename FROM "{source}" WHERE forename IS NOT NULL',
        f"{scratch}_forename",
        ("forename", "main"),
        ("forms", "initials"),
        _forename_values,
    )
    _parse_distinct(
        connection,
        f'SELECT DISTINCT surname FROM "{source}" WHERE surname IS NOT NULL',
        f"{scratch}_surname",
        ("surname", "main"),
        ("forms", "codes"),
        _surname_values,
    )


def _combine(
    connection: duckdb.DuckDBPyConnection, table: str, source: str, scratch: str, target: str, has_names: bool
) -> None:
    names = (
        f"""
        LEFT JOIN "{scratch}_forename" AS forename ON forename.forename = source.forename
        LEFT JOIN "{scratch}_surname" AS surname ON surname.surname = source.surname
        """
        if has_names
        else ""
    )
    fields = MATCH_FIELDS[table]
    columns = ",\n".join(f"{_EXPRESSION[field.name]} AS {field.name}" for field in fields)
    connection.execute(
        f"""
        CREATE TABLE "{scratch}_raw" AS
        SELECT
            source.record_id,
            {columns}
        FROM "{source}" AS source
        LEFT JOIN "{scratch}_address_of" AS address_of ON address_of.record_id = source.record_id
        LEFT JOIN "{scratch}_address" AS address ON address.address = address_of.address
        {names}
        """
    )
    _withhold_common(connection, fields, f"{scratch}_raw", target)


def _withhold_common(
    connection: duckdb.DuckDBPyConnection, fields: tuple[MatchField, ...], raw: str, target: str
) -> None:
    """Create `target` from `raw` without the values that are in more records than their field allows."""
    joins = []
    for field in fields:
        if field.maximum_records is None:
            continue
        each = f"UNNEST({field.name})" if field.is_list else field.name
        connection.execute(
            f"""
            CREATE TEMP TABLE "{field.name}_common" AS
            SELECT value
            FROM (SELECT {each} AS value FROM "{raw}")
            WHERE value IS NOT NULL
            GROUP BY value
            HAVING COUNT(*) > {field.maximum_records}
            """
        )
        combined = "list(value ORDER BY value)" if field.is_list else "ANY_VALUE(value)"
        connection.execute(
            f"""
            CREATE TEMP TABLE "{field.name}_kept" AS
            SELECT
                record_id,
                {combined} AS kept
            FROM (SELECT record_id, {each} AS value FROM "{raw}")
            ANTI JOIN "{field.name}_common" USING (value)
            WHERE value IS NOT NULL
            GROUP BY record_id
            """
        )
        joins.append(f'LEFT JOIN "{field.name}_kept" ON "{field.name}_kept".record_id = raw.record_id')
    columns = ",\n".join(
        f"raw.{field.name}" if field.maximum_records is None else f'"{field.name}_kept".kept AS {field.name}'
        for field in fields
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE "{target}" AS
        SELECT
            raw.record_id,
            {columns}
        FROM "{raw}" AS raw
        {" ".join(joins)}
        """
    )
    for field in fields:
        connection.execute(f'DROP TABLE IF EXISTS "{field.name}_common"')
        connection.execute(f'DROP TABLE IF EXISTS "{field.name}_kept"')


def _create_sectors(connection: duckdb.DuckDBPyConnection, scratch: str, target: str) -> None:
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE "{target}" AS
        SELECT
            address_of.record_id,
            address.sector
        FROM "{scratch}_address_of" AS address_of
        LEFT JOIN "{scratch}_address" AS address ON address.address = address_of.address
        """
    )


_BIRTH = "strftime(source.birth_date, '%Y%m%d')"
_NAME = "(least(forename.main, surname.main) || ' ' || greatest(forename.main, surname.main))"
#: SQL: the ways to identify the premises with which a person's names are combined.
_PREMISES = "(list_filter([address_of.uprn], lambda u: u IS NOT NULL) || COALESCE(address.unit_street, []))"


def _each(values: str, after: str) -> str:
    """Return SQL for each text of a list with a suffix; null if either is null."""
    return f"CASE WHEN {after} IS NOT NULL THEN list_transform({values}, lambda v: v || '|' || {after}) END"


def _each_pair(first: str, second: str, pair: str, after: str) -> str:
    """Return SQL for the expression `pair` over every `a` of one list and `b` of another, with a suffix."""
    inner = f"list_transform({second}, lambda b: {pair} || '|' || {after})"
    pairs = f"list_sort(list_distinct(flatten(list_transform({first}, lambda a: {inner}))))"
    if after == "b":
        return f"CASE WHEN len({pairs}) > 0 THEN {pairs} END"
    return f"CASE WHEN {after} IS NOT NULL THEN {pairs} END"


#: SQL of each field over `source`, `address`, `forename` and `surname`.
_EXPRESSION: dict[str, str] = {
    "address_exact": "address.exact",
    "address_unit_postcode": "address.unit_postcode",
    "address_unit_street": "address.unit_street",
    "person_name_birth": f"{_NAME} || '|' || {_BIRTH}",
    "person_name_birth_part": f"""CASE WHEN {_NAME} IS NOT NULL AND source.birth_date IS NOT NULL THEN [
        {_NAME} || strftime(source.birth_date, '|%Y-%m-'),
        {_NAME} || strftime(source.birth_date, '|%Y--%d'),
        {_NAME} || strftime(source.birth_date, '|-%m-%d')
    ] END""",
    "person_surname_birth": _each("surname.forms", _BIRTH),
    "person_forename_birth": _each("forename.forms", _BIRTH),
    "person_name": _NAME,
    "person_name_sector": _each_pair(
        "forename.forms", "surname.forms", "least(a, b) || ' ' || greatest(a, b)", "address.sector"
    ),
    "person_initial_surname_sector": _each_pair(
        "forename.initials", "surname.forms", "a || ' ' || b", "address.sector"
    ),
    "person_surname_sector": _each("surname.forms", "address.sector"),
    "person_forename_sector": _each("forename.forms", "address.sector"),
    "person_phonetic_sector": _each_pair(
        "forename.initials", "surname.codes", "a || ' ' || b", "address.sector"
    ),
    "person_surname_premises": _each_pair("surname.forms", _PREMISES, "a", "b"),
    "person_forename_premises": _each_pair("forename.forms", _PREMISES, "a", "b"),
    "person_surname_postcode": _each("surname.forms", "address.postcode"),
    "person_birth_postcode": f"{_BIRTH} || '|' || address.postcode",
}


def _address_text(alias: str) -> str:
    """Return SQL for the lines and postcode of a record as one text; null if all of them are null."""
    every = ", ".join(f"COALESCE({alias}.{column}, '')" for column in (*_LINES, "postcode"))
    text = f"concat_ws('{_SEPARATOR}', {every})"
    return f"NULLIF({text}, '{_SEPARATOR * len(_LINES)}')"


Values = tuple[list[str | None], list[list[str] | None]]


def _address_values(text: str) -> Values:
    *lines, postcode = text.split(_SEPARATOR)
    address = parse_address(lines, postcode)
    return [text, exact_form(address), address.postcode, address.sector], [
        unit_postcode_forms(address) or None,
        unit_street_forms(address) or None,
    ]


def _forename_values(text: str) -> Values:
    name = parse_forename(text)
    return [text, name.main], [sorted(name.forms) or None, sorted(name.initials) or None]


def _surname_values(text: str) -> Values:
    name = parse_surname(text)
    return [text, name.main], [sorted(name.forms) or None, sorted(name.codes) or None]


def exact_form(address: Address) -> str | None:
    """Return flat, premises, street and postcode as one text; None if that does not identify one dwelling."""
    if address.postcode is None or not (address.premises or address.unit or address.building):
        return None
    premises = address.premises or address.building or ""
    return "|".join((address.unit or "", premises, address.street or "", address.postcode))


def unit_postcode_forms(address: Address) -> list[str]:
    """Return the ways to identify the dwelling within its postcode.

    A house number has a letter of its street: a postcode can have two streets. The letter is the first of
    its first two letters in the alphabet, which stays if the two are swapped.
    """
    if not address.postcode:
        return []
    if address.unit or not address.premises:
        return [f"{unit}|{address.postcode}" for unit in _unit_names(address)]
    letters = [min(name[:2]) for name in (address.street, address.building) if name] or [""]
    if "-" not in address.premises and len(letters) == 1:
        return [f"{address.premises}{letters[0]}|{address.postcode}"]
    names = _numbers(address.premises)
    return sorted({f"{name}{letter}|{address.postcode}" for name in names for letter in letters})


def unit_street_forms(address: Address) -> list[str]:
    """Return the ways to identify the dwelling within its street."""
    return [f"{unit}|{address.street}" for unit in _unit_names(address)] if address.street else []


def _unit_names(address: Address) -> list[str]:
    """Return the dwelling's names: by numbers and, for a flat or a house without number, by building."""
    if address.premises and not address.unit and "-" not in address.premises:
        return [address.premises]
    names: set[str] = set()
    premises = _numbers(address.premises) if address.premises else ()
    if address.unit:
        names.update(f"{address.unit}+{number}" for number in premises)
    else:
        names.update(premises)
    if address.building and (address.unit or not address.premises):
        names.add(f"{address.unit or ''}@{address.building}")
    if address.unit and not address.premises and not address.building:
        names.add(address.unit)
    return sorted(names)


def _numbers(premises: str) -> tuple[str, ...]:
    """Return the house number; for a range also its ends, and what is between them on the same side."""
    if "-" not in premises:
        return (premises,)
    first, _, last = premises.partition("-")
    if first.isdigit() and last.isdigit() and 0 < int(last) - int(first) <= _LONGEST_RANGE:
        return (premises, *(str(number) for number in range(int(first), int(last) + 1, 2)), last)
    return premises, first, last


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    return {row[0] for row in connection.execute(f'DESCRIBE "{table}"').fetchall()}


def _parse_distinct(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    target: str,
    texts: tuple[str, ...],
    lists: tuple[str, ...],
    parse: Callable[[str], Values],
) -> None:
    """Create `target` with one row for each value of a one-column query, which must be distinct.

    texts, lists: names of its columns; texts[0] is the value itself. parse: value -> values of the columns.
    """
    schema = pa.schema(
        [pa.field(name, pa.string()) for name in texts]
        + [pa.field(name, pa.list_(pa.string())) for name in lists]
    )
    columns = ", ".join([f"NULL::VARCHAR AS {n}" for n in texts] + [f"NULL::VARCHAR[] AS {n}" for n in lists])
    connection.execute(f'CREATE TABLE "{target}" AS SELECT {columns} LIMIT 0')
    view = f"{target}_batch"
    values: Iterator[pa.RecordBatch] = connection.cursor().sql(query).to_arrow_reader(_BATCH)
    for batch in values:
        parsed = [parse(value) for value in batch.column(0).to_pylist()]
        arrays: list[Any] = [pa.array([p[0][i] for p in parsed], pa.string()) for i in range(len(texts))]
        arrays += [pa.array([p[1][i] for p in parsed], pa.list_(pa.string())) for i in range(len(lists))]
        connection.register(view, pa.Table.from_arrays(arrays, schema=schema))
        try:
            connection.execute(f'INSERT INTO "{target}" SELECT * FROM "{view}"')
        finally:
            connection.unregister(view)
