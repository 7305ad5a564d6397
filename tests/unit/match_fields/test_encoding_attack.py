"""The rank-frequency attack: it must break what is known to break, and not what ships."""

from collections.abc import Iterator
from dataclasses import replace

import duckdb
import numpy as np
import pytest

from governance.rules.pseudonymise import MAXIMUM_DECODED_SHARE
from pipeline.pseudonymise.match_fields import MATCH_FIELDS, PERSON_FIELDS, MatchField, clear_match_fields
from pipeline.pseudonymise.match_fields.encoding_attack import attack_encoding

_PEOPLE = 12_000
_SURNAMES = 900
_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"


@pytest.fixture(scope="module")
def town() -> Iterator[duckdb.DuckDBPyConnection]:
    """A town of 4,800 households in two postcode sectors, names by Zipf's law (as real ones nearly are)."""
    rng = np.random.default_rng(4)
    share = 1 / (10 + np.arange(_SURNAMES))
    household = np.sort(rng.integers(0, _PEOPLE * 2 // 5, _PEOPLE))
    surname = rng.choice(_SURNAMES, _PEOPLE, p=share / share.sum())[household]
    forename = rng.choice(_SURNAMES, _PEOPLE, p=share / share.sum())
    birth = np.datetime64("1940-01-01") + rng.integers(0, 30_000, _PEOPLE)
    with duckdb.connect() as connection:
        rows = [
            (
                f"{n}",
                _word(int(f) * 7919 % 64_000),
                _word(int(s) * 6421 % 64_000),
                str(b),
                f"{h % 60 + 1} {_word(int(h) // 60)} Road",
                f"M{int(h) // 2400 + 1} 1{_LETTERS[int(h) // 15 % 20]}{_LETTERS[int(h) // 300 % 20]}",
                f"{int(h) + 10**6:012d}",
            )
            for n, (f, s, b, h) in enumerate(zip(forename, surname, birth, household, strict=True))
        ]
        connection.execute(
            "CREATE TABLE nhs_person (record_id VARCHAR, forename VARCHAR, surname VARCHAR, birth_date DATE,"
            " address_line_1 VARCHAR, postcode VARCHAR, uprn VARCHAR)"
        )
        connection.executemany("INSERT INTO nhs_person VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        for n in range(2, 6):
            connection.execute(f"ALTER TABLE nhs_person ADD COLUMN address_line_{n} VARCHAR")
        clear_match_fields(connection, "nhs_person", "nhs_person", "field", sectors="sector")
        yield connection


def _word(number: int) -> str:
    return "".join("BDFGKLMNPRSTVZ"[number // 40**place % 14] + "aeiou"[number % 5] for place in range(3))


def test_every_column_that_ships_withstands_the_attack(town: duckdb.DuckDBPyConnection) -> None:
    attacks = attack_encoding(town, "field", "sector", MATCH_FIELDS["nhs_person"])
    assert [a.column for a in attacks] == [f.name for f in MATCH_FIELDS["nhs_person"]]
    assert all(a.occurrences > 0 for a in attacks)
    assert [a for a in attacks if not a.is_withstood] == []
    assert [a for a in attacks if a.by_sector > MAXIMUM_DECODED_SHARE] == []


@pytest.mark.parametrize("name", ["forename", "surname"])
def test_an_unsalted_name_is_refused(town: duckdb.DuckDBPyConnection, name: str) -> None:
    town.execute(f"CREATE OR REPLACE TABLE unsalted AS SELECT record_id, {name} AS alone FROM nhs_person")
    field = MatchField("alone", f"{name} without salt", "test.alone")
    (attack,) = attack_encoding(town, "unsalted", "sector", [field])
    assert not attack.is_withstood


def test_a_salted_name_whose_common_values_are_not_withheld_falls_sector_by_sector(
    town: duckdb.DuckDBPyConnection,
) -> None:
    town.execute(
        "CREATE OR REPLACE TABLE salted AS SELECT record_id, surname || sector AS alone"
        " FROM nhs_person INNER JOIN sector USING (record_id)"
    )
    (attack,) = attack_encoding(town, "salted", "sector", [MatchField("alone", "", "test.alone")])
    assert attack.by_sector > MAXIMUM_DECODED_SHARE


def test_a_single_name_field_is_salted_and_withholds_common_values() -> None:
    singles = [field for field in PERSON_FIELDS if field.single_field]
    assert singles
    assert all(field.salt and field.maximum_records for field in singles)


def test_an_empty_column_gives_nothing_away(town: duckdb.DuckDBPyConnection) -> None:
    town.execute(
        "CREATE OR REPLACE TABLE nothing AS SELECT record_id, NULL::VARCHAR AS alone FROM nhs_person"
    )
    (attack,) = attack_encoding(town, "nothing", "sector", [MatchField("alone", "", "test.alone")])
    assert (attack.occurrences, attack.reidentified_share) == (0, 0.0)


def test_equal_kinds_are_the_same_field_in_every_table() -> None:
    kinds: dict[str, MatchField] = {}
    for fields in MATCH_FIELDS.values():
        for field in fields:
            assert kinds.setdefault(field.kind, field) == replace(field)
