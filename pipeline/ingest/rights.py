"""Erasure and objection take effect here: the person's rows leave before anything is made of them.

Neither the kept table nor the quarantine gets them. Rows are found by NHS number (as digits, however
it is spaced) and by record id, in person tables and in those that refer to a person.
"""

from collections.abc import Sequence

import duckdb

from governance.canonical import digest_of
from governance.retention.rights import RightsRequest

#: Columns that name a person, with the identifier of a request that they are held against.
_PERSON_COLUMNS = {"nhs_number": "nhs_number", "person_record_id": "record_id"}
_PERSON_TABLES = ("council_person", "nhs_person")
_DIGITS = "regexp_replace({cell}, '[^0-9]', '', 'g')"


def requests_digest(requests: Sequence[RightsRequest]) -> str:
    """Return what a fingerprint takes in of the requests: their commitments, which tell nobody."""
    return digest_of(sorted(request.commitment for request in requests))


def remove_on_request(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Sequence[str],
    requests: Sequence[RightsRequest],
) -> int:
    """Delete the rows of `record` that requests concern; returns how many went.

    columns: contract columns that `record` has. Rows that could not be split into cells go too where
    one of their cells is the NHS number or record id.
    """
    wanted = {
        kind: [request.value for request in requests if request.identifier == kind]
        for kind in ("nhs_number", "record_id")
    }
    if not any(wanted.values()):
        return 0
    numbers = _wanted("nhs_number")
    tests = [
        f"list_has_any({numbers}, list_transform(cells, lambda cell: {_DIGITS.format(cell='cell')}))",
        f"list_has_any({_wanted('record_id')}, cells)",
    ]
    held = dict(_PERSON_COLUMNS) | ({"record_id": "record_id"} if table in _PERSON_TABLES else {})
    for column, kind in held.items():
        if column in columns:
            cell = _DIGITS.format(cell=f'"{column}"') if kind == "nhs_number" else f'"{column}"'
            tests.append(f"list_contains({_wanted(kind)}, {cell})")
    removed = connection.execute(
        f"DELETE FROM record WHERE {' OR '.join(f'COALESCE({test}, FALSE)' for test in tests)}", wanted
    ).fetchall()
    return int(removed[0][0])


def _wanted(kind: str) -> str:
    return f"CAST(${kind} AS VARCHAR[])"
