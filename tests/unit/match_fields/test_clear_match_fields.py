"""Fields of whole tables: complete, withheld where they would betray, and gone once hashed."""

from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.keys.pseudonyms.hashing_worker import hash_values
from governance.keys.pseudonyms.token import token_numbers, token_text
from pipeline.pseudonymise.match_fields import MATCH_FIELDS, clear_match_fields

_LINES = [f"address_line_{n}" for n in range(1, 6)]
_COLUMNS: dict[str, pa.DataType] = {
    **dict.fromkeys(("record_id", "property_record_id", "forename", "surname"), pa.string()),
    "birth_date": pa.date32(),
    **dict.fromkeys((*_LINES, "postcode", "uprn"), pa.string()),
}


def fields_of(
    table: str, *records: dict[str, Any], properties: list[dict[str, Any]] | None = None
) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        for name, rows in (("source", list(records)), ("property", properties or [])):
            full = [dict.fromkeys(_COLUMNS) | row for row in rows]
            data = pa.Table.from_pylist(full, pa.schema(list(_COLUMNS.items())))
            connection.register("data", data)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM data")
            connection.unregister("data")
        clear_match_fields(connection, table, "source", "field", "property" if properties else None)
        left = {row[0] for row in connection.execute("SHOW TABLES").fetchall()}
        assert left == {"source", "property", "field"}
        return connection.sql("SELECT * FROM field ORDER BY record_id").to_arrow_table().to_pylist()


ADA = {
    "record_id": "1",
    "forename": "Liz",
    "surname": "O'Hara-Smith",
    "birth_date": date(1970, 2, 9),
    "address_line_1": "Flat 2",
    "address_line_2": "5 Elm Rd",
    "postcode": "M31 4BQ",
    "uprn": "000000000012",
}


def test_a_person_gives_every_field_and_nothing_else() -> None:
    (row,) = fields_of("nhs_person", ADA)
    assert list(row) == ["record_id", *(field.name for field in MATCH_FIELDS["nhs_person"])]
    assert row["address_exact"] == "2|5|ELMROAD|M314BQ"
    assert row["person_name_birth"] == "ELIZABETH OHARASMITH|19700209"
    assert row["person_surname_postcode"] == ["OHARA|M314BQ", "OHARASMITH|M314BQ", "SMITH|M314BQ"]
    assert "OHARA|000000000012" in row["person_surname_premises"]
    assert "OHARA|2+5|ELMROAD" in row["person_surname_premises"]


def test_a_record_of_nothing_gives_nulls_and_no_empty_list() -> None:
    (row,) = fields_of("nhs_person", {"record_id": "1"})
    assert {value for name, value in row.items() if name != "record_id"} == {None}


def test_a_name_swapped_between_the_fields_meets_itself() -> None:
    kept = {"birth_date": date(1956, 12, 26), "postcode": "M33 4HY", "address_line_1": "7 Elm Road"}
    one, other = fields_of(
        "nhs_person",
        {"record_id": "1", "forename": "Kamran", "surname": "Rehman", **kept},
        {"record_id": "2", "forename": "Rehman", "surname": "Kamran", **kept},
    )
    assert set(one["person_name_sector"]) & set(other["person_name_sector"])


def test_a_listed_person_takes_the_address_of_his_property() -> None:
    place = {"record_id": "P", "address_line_1": "5 Elm Road", "postcode": "M31 4BQ", "uprn": "000000000012"}
    (row,) = fields_of(
        "council_person",
        {"record_id": "1", "property_record_id": "P", "forename": "Ada", "surname": "Byron"},
        properties=[place],
    )
    assert row["address_exact"] == "|5|ELMROAD|M314BQ"
    assert row["person_surname_premises"] == ["BYRON|000000000012", "BYRON|5|ELMROAD"]


@pytest.mark.parametrize(("bearers", "expected"), [(6, ["SMITH|M314"]), (7, None)])
def test_a_surname_common_in_its_sector_is_withheld(bearers: int, expected: list[str] | None) -> None:
    people = [
        {"record_id": str(n), "surname": "Smith", "postcode": "M31 4BQ", "forename": f"Ada{'abcdefg'[n]}"}
        for n in range(bearers)
    ]
    rows = fields_of("nhs_person", *people)
    assert {tuple(row["person_surname_sector"] or ()) for row in rows} == {tuple(expected or ())}
    assert all(row["person_surname_postcode"] == ["SMITH|M314BQ"] for row in rows)


@pytest.mark.parametrize(("bearers", "kept"), [(12, True), (13, False)])
def test_the_address_of_a_large_household_is_withheld(bearers: int, kept: bool) -> None:
    people = [
        {"record_id": f"{n:02}", "address_line_1": "5 Elm Road", "postcode": "M31 4BQ"}
        for n in range(bearers)
    ]
    rows = fields_of("nhs_person", *people)
    assert {row["address_exact"] is not None for row in rows} == {kept}
    assert {row["address_unit_postcode"] is not None for row in rows} == {kept}


_WORD = st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'- łé", min_size=4, max_size=14)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    forename=_WORD,
    surname=_WORD,
    birth=st.dates(date(1900, 1, 1), date(2026, 1, 1)),
    number=st.integers(1, 999),
    street=_WORD,
    uprn=st.integers(10**6, 10**12 - 1),
)
def test_nothing_clear_survives_hashing(
    forename: str, surname: str, birth: date, number: int, street: str, uprn: int
) -> None:
    person = {
        "record_id": "1",
        "forename": forename,
        "surname": surname,
        "birth_date": birth,
        "address_line_1": f"{number} {street} Road",
        "postcode": "M31 4BQ",
        "uprn": f"{uprn:012d}",
    }
    (row,) = fields_of("nhs_person", person)
    clear = {part for value in row.values() for part in _clear_parts(value)} - {"1"}
    for field in MATCH_FIELDS["nhs_person"]:
        values = row[field.name] if field.is_list else [row[field.name]]
        for value in values or []:
            if value is None:
                continue
            digest = hash_values(_keyed_state(field.kind), [value.encode()])
            tokens = token_numbers(digest)
            (number,), (text,) = tokens.to_pylist(), token_text(tokens).to_pylist()
            assert 0 <= number < 2**56
            assert not [part for part in clear if part.casefold() in text.casefold() or part in str(number)]


def _clear_parts(value: object) -> list[str]:
    """Return the words of four letters or more, and the dates and UPRNs, of clear values."""
    texts = value if isinstance(value, list) else [value]
    return [part for text in texts if isinstance(text, str) for part in text.split("|") if len(part) >= 6]


def _keyed_state(kind: str) -> Any:
    from cryptography.hazmat.primitives import hashes, hmac

    state = hmac.HMAC(bytes(range(32)), hashes.SHA256())
    state.update(kind.encode() + b"|")
    return state
