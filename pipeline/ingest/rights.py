"""Erasure and objection: removes the rows of people who asked for it, before any other step.

The requests are those recorded with `hearth retention`. The removed rows are in neither the kept table nor
the quarantine. Rows are found by NHS number (its digits, however it is spaced) and by record id, in person
tables and in tables that refer to a person. A person table shows which record ids and NHS numbers belong to
the same person, so a request by either removes every row: also a diagnosis that has only the record id, on a
request by NHS number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb

from governance.canonical import digest_of
from governance.retention.rights import RightsRequest

#: Columns that identify a person -> the identifier of a request with which they are compared.
_PERSON_COLUMNS = {"nhs_number": "nhs_number", "person_record_id": "record_id"}
PERSON_TABLES = ("council_person", "nhs_person")
_DIGITS = "regexp_replace({cell}, '[^0-9]', '', 'g')"


@dataclass
class PeopleToRemove:
    """The people whose rows are removed, by every identifier known of them.

    `remove_on_request` adds identifiers that it finds in person tables. Call it with the person tables
    first, then with the tables that refer to a person.
    """

    numbers: set[str] = field(default_factory=set, repr=False)
    record_ids: set[str] = field(default_factory=set, repr=False)

    @classmethod
    def of(cls, requests: Sequence[RightsRequest]) -> "PeopleToRemove":
        """Start with the identifiers given in the requests."""
        return cls(
            {request.value for request in requests if request.identifier == "nhs_number"},
            {request.value for request in requests if request.identifier == "record_id"},
        )

    def parameters(self) -> dict[str, list[str]]:
        """Return the parameters of the SQL statements."""
        return {"nhs_number": sorted(self.numbers), "record_id": sorted(self.record_ids)}


def requests_digest(requests: Sequence[RightsRequest]) -> str:
    """Return a digest of the requests, for the fingerprint. Their commitments identify no one."""
    return digest_of(sorted(request.commitment for request in requests))


def remove_on_request(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], people: PeopleToRemove
) -> int:
    """Delete the rows of `record` that belong to `people`; returns the number of rows deleted.

    columns: contract columns that `record` has. A row that could not be parsed is deleted too if one of its
    cells is the NHS number or record id.
    """
    if not (people.numbers or people.record_ids):
        return 0
    if table in PERSON_TABLES:
        _add_identifiers(connection, columns, people)
    digits = f"list_transform(cells, lambda cell: {_DIGITS.format(cell='cell')})"
    tests = [
        f"list_has_any({_wanted('nhs_number')}, {digits})",
        f"list_has_any({_wanted('record_id')}, cells)",
    ]
    compared = dict(_PERSON_COLUMNS) | ({"record_id": "record_id"} if table in PERSON_TABLES else {})
    for column, kind in compared.items():
        if column in columns:
            cell = _DIGITS.format(cell=f'"{column}"') if kind == "nhs_number" else f'"{column}"'
            tests.append(f"list_contains({_wanted(kind)}, {cell})")
    removed = connection.execute(
        f"DELETE FROM record WHERE {' OR '.join(f'COALESCE({test}, FALSE)' for test in tests)}",
        people.parameters(),
    ).fetchall()
    return int(removed[0][0])


def _add_identifiers(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[str], people: PeopleToRemove
) -> None:
    """Add the record ids and NHS numbers of the same people in `record`, until no new ones are found."""
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
    """Answer whether an NHS number can be one person's: ten digits, not all equal, correct check digit.

    Placeholders such as 9999999999 are in many people's records and must not remove them all.
    """
    if digits is None or len(digits) != 10 or len(set(digits)) == 1:
        return False
    remainder = sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)) % 11
    return (11 - remainder) % 11 == int(digits[9])


def _wanted(kind: str) -> str:
    return f"CAST(${kind} AS VARCHAR[])"
