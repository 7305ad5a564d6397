"""Erasure and objection take effect here: the person's rows leave before anything is made of them.

Neither the kept table nor the quarantine gets them. Rows are found by NHS number (as digits, however
it is spaced) and by record id, in person tables and in those that refer to a person. A person table
tells which record ids and NHS numbers are one person's, so a request by either reaches every row:
a diagnosis that bears the record id alone leaves on a request by NHS number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb

from governance.canonical import digest_of
from governance.retention.rights import RightsRequest

#: Columns that name a person, with the identifier of a request that they are held against.
_PERSON_COLUMNS = {"nhs_number": "nhs_number", "person_record_id": "record_id"}
PERSON_TABLES = ("council_person", "nhs_person")
_DIGITS = "regexp_replace({cell}, '[^0-9]', '', 'g')"


@dataclass
class PeopleToRemove:
    """Those whom requests concern, by every identifier known of them; person tables add to it.

    Give it the person tables first, then those that refer to a person.
    """

    numbers: set[str] = field(default_factory=set, repr=False)
    record_ids: set[str] = field(default_factory=set, repr=False)

    @classmethod
    def of(cls, requests: Sequence[RightsRequest]) -> "PeopleToRemove":
        """Begin with what the requests name."""
        return cls(
            {request.value for request in requests if request.identifier == "nhs_number"},
            {request.value for request in requests if request.identifier == "record_id"},
        )

    def parameters(self) -> dict[str, list[str]]:
        """Return both lists as statements take them."""
        return {"nhs_number": sorted(self.numbers), "record_id": sorted(self.record_ids)}


def requests_digest(requests: Sequence[RightsRequest]) -> str:
    """Return what a fingerprint takes in of the requests: their commitments, which tell nobody."""
    return digest_of(sorted(request.commitment for request in requests))


def remove_on_request(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], people: PeopleToRemove
) -> int:
    """Delete the rows of `record` that requests concern; returns how many went.

    columns: contract columns that `record` has. Rows that could not be split into cells go too where
    one of their cells is the NHS number or record id.
    """
    if not (people.numbers or people.record_ids):
        return 0
    if table in PERSON_TABLES:
        _learn_identifiers(connection, columns, people)
    digits = f"list_transform(cells, lambda cell: {_DIGITS.format(cell='cell')})"
    tests = [
        f"list_has_any({_wanted('nhs_number')}, {digits})",
        f"list_has_any({_wanted('record_id')}, cells)",
    ]
    held = dict(_PERSON_COLUMNS) | ({"record_id": "record_id"} if table in PERSON_TABLES else {})
    for column, kind in held.items():
        if column in columns:
            cell = _DIGITS.format(cell=f'"{column}"') if kind == "nhs_number" else f'"{column}"'
            tests.append(f"list_contains({_wanted(kind)}, {cell})")
    removed = connection.execute(
        f"DELETE FROM record WHERE {' OR '.join(f'COALESCE({test}, FALSE)' for test in tests)}",
        people.parameters(),
    ).fetchall()
    return int(removed[0][0])


def _learn_identifiers(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[str], people: PeopleToRemove
) -> None:
    """Add every record id and NHS number of the people concerned, until a person table tells no more."""
    if "nhs_number" not in columns:
        return
    number = _DIGITS.format(cell="nhs_number")
    while True:
        found = connection.execute(
            f"""
            SELECT
                {number} AS digits,
                record_id
            FROM record
            WHERE COALESCE(list_contains({_wanted("nhs_number")}, {number}), FALSE)
               OR COALESCE(list_contains({_wanted("record_id")}, record_id), FALSE)
            """,
            people.parameters(),
        ).fetchall()
        numbers = {digits for digits, _ in found if _is_one_persons(digits)} - people.numbers
        record_ids = {record_id for _, record_id in found if record_id} - people.record_ids
        if not (numbers or record_ids):
            return
        people.numbers |= numbers
        people.record_ids |= record_ids


def _is_one_persons(digits: str | None) -> bool:
    """Answer whether an NHS number is one that is issued: ten digits, not all alike, right check digit.

    A stand-in that many people share must not draw them all in.
    """
    if digits is None or len(digits) != 10 or len(set(digits)) == 1:
        return False
    remainder = sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)) % 11
    return (11 - remainder) % 11 == int(digits[9])


def _wanted(kind: str) -> str:
    return f"CAST(${kind} AS VARCHAR[])"
