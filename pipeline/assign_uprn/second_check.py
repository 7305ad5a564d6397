"""Compares the matcher's answers part by part with the addresses, and finds dwellings that it left open.

The matcher scores words. A flat's letter, a number's suffix or another street is one word of many to it, so
an answer can have a high score and be the neighbour. Here both addresses are parsed as linkage parses them:

- an answer is *contradicted* if unit, number, street or building name differ in a way that two spellings of
  one address cannot;
- an address without an accepted answer is *found by its parts* if exactly one UPRN of the list has the same
  unit and number (or name) in the same postcode, and nothing contradicts it. An entry of the list without a
  postcode is found by unit, number and street.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

import duckdb
import pyarrow as pa
from jellyfish import damerau_levenshtein_distance

from pipeline.pseudonymise.match_fields.address import Address, parse_address, street_types

#: Number of rows that are read or written together.
_BATCH = 65_536
#: Streets are two spellings of one name if at most one letter in this many differs.
_LETTERS_PER_ERROR = 5
#: Two names with this many equal first letters are spellings of one, unless both end in a kind of street.
_SHARED_LETTERS = 5
_SCHEMA = pa.schema(
    [("address_id", pa.int64()), ("is_contradicted", pa.bool_()), ("found_listed_id", pa.int64())]
)


def check_answers(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `second_check` from `address_to_match`, `listed` and `found`: one row per address.

    is_contradicted: whether every spelling of the matcher's answer contradicts the address; null without an
    answer. found_listed_id: the only UPRN that has the same parts; null if there is none, or more than one.
    """
    connection.execute(
        "CREATE TABLE second_check (address_id BIGINT, is_contradicted BOOLEAN, found_listed_id BIGINT)"
    )
    listed = _Listed(_rows(connection, "SELECT listed_id, address, postcode FROM listed"))
    answers = connection.cursor().execute(
        """
        SELECT
            address_to_match.address_id,
            address_to_match.address,
            address_to_match.postcode,
            found.listed_id
        FROM address_to_match
        LEFT JOIN found
            ON found.address_id = address_to_match.address_id
        ORDER BY address_to_match.address_id
        """
    )
    while rows := answers.fetchmany(_BATCH):
        checked = [_check(listed, *row) for row in rows]
        arrays = [
            pa.array(column, field.type)
            for column, field in zip(zip(*checked, strict=True), _SCHEMA, strict=True)
        ]
        connection.register("checked", pa.Table.from_arrays(arrays, schema=_SCHEMA))
        connection.execute("INSERT INTO second_check SELECT * FROM checked")
        connection.unregister("checked")


def contradicts(address: Address, other: Address) -> bool:
    """Answer whether the two cannot be spellings of one dwelling's address."""
    if _numbers_differ(address, other):
        return True
    if address.unit and other.unit and address.unit != other.unit:
        return True
    if address.building and other.building and not (address.unit or address.premises):
        return not alike(address.building, other.building)
    # A building's name can stand where the other address has the street, so each is compared with each.
    names, others = _place_names(address), _place_names(other)
    return bool(names and others) and not any(alike(name, spelt) for name in names for spelt in others)


def alike(name: str, other: str) -> bool:
    """Answer whether two names without spaces are spellings of one: misspelt, shortened, or run together."""
    if name.startswith(other) or other.startswith(name) or name.endswith(other) or other.endswith(name):
        return True
    if _without_type(name) == _without_type(other):
        return False  # Church Road and Church Street
    longest = max(len(name), len(other))
    if damerau_levenshtein_distance(name, other) <= longest // _LETTERS_PER_ERROR:
        return True
    # "William, Carrington" for "William Walk", "Grace Manchester Place" for "Grace Place": a locality has
    # come into the name, or has taken the place of its last word.
    kind, other_kind = name[len(_without_type(name)) :], other[len(_without_type(other)) :]
    if kind and other_kind and kind != other_kind:
        return False
    shared = _shared_letters(_without_type(name), _without_type(other))
    if kind and other_kind:
        return shared >= max(_SHARED_LETTERS, min(len(name), len(other)) - len(kind))
    return shared >= _SHARED_LETTERS


def _shared_letters(name: str, other: str) -> int:
    """Return the number of equal letters with which both names begin."""
    pairs = zip(name, other, strict=False)
    return next((at for at, (one, two) in enumerate(pairs) if one != two), min(len(name), len(other)))


def _without_type(street: str) -> str:
    """Return the name without the kind of street at its end."""
    for kind in street_types():
        if street.endswith(kind) and len(street) > len(kind):
            return street[: -len(kind)]
    return street


def _place_names(address: Address) -> list[str]:
    names = [name for name in (address.building, address.street) if name]
    return [*names, "".join(names)] if len(names) == 2 else names


def _numbers_differ(address: Address, other: Address) -> bool:
    if address.premises and other.premises:
        return address.premises != other.premises and not (
            _is_within(address.premises, other.premises) or _is_within(other.premises, address.premises)
        )
    # "Apartment 1, Rectory Grove" is a flat of a house whose number is missing, not number 1.
    return (_is_only_unit(address) and _is_only_number(other)) or (
        _is_only_unit(other) and _is_only_number(address)
    )


def _is_only_unit(address: Address) -> bool:
    return bool(address.unit) and not address.premises and not address.building


def _is_only_number(address: Address) -> bool:
    return bool(address.premises) and not address.unit


def _is_within(number: str, numbers: str) -> bool:
    """Answer whether a house number is the first or last of a range, or between them on the same side."""
    first, dash, last = numbers.partition("-")
    if not dash or "-" in number:
        return False
    if number in (first, last):
        return True
    if not (number.isdigit() and first.isdigit() and last.isdigit()):
        return False
    return int(first) <= int(number) <= int(last) and (int(number) - int(first)) % 2 == 0


class _Listed:
    """The list's addresses by UPRN, and the UPRNs by what identifies a dwelling.

    divided: what identifies a house that the list has flats of.
    """

    def __init__(self, rows: Iterable[tuple[int, str, str | None]]) -> None:
        self.spellings: dict[int, list[Address]] = defaultdict(list)
        self.texts: dict[int, list[str]] = defaultdict(list)
        self.by_parts: dict[str, set[int]] = defaultdict(set)
        self.divided: set[str] = set()
        for listed_id, text, postcode in rows:
            address = parse_address([text], postcode)
            self.spellings[listed_id].append(address)
            self.texts[listed_id].append(text)
            for key in _keys(address):
                self.by_parts[key].add(listed_id)
            if address.unit:
                self.divided.update(_keys(replace(address, unit=None)))

    def contradicts(self, address: Address, listed_id: int) -> bool:
        return all(contradicts(address, spelling) for spelling in self.spellings[listed_id])

    def only(self, address: Address, text: str) -> int | None:
        """Return the UPRN with the same parts, if there is exactly one and nothing contradicts it."""
        for keys in (_keys(address), _street_keys(address)):
            if not address.unit and not self.divided.isdisjoint(keys):
                return None
            candidates = set().union(*(self.by_parts.get(key, ()) for key in keys))
            if len(candidates) > 1:
                candidates = {one for one in candidates if self._begins(address, text, one)}
            if len(candidates) == 1:
                (listed_id,) = candidates
                return None if self.contradicts(address, listed_id) else listed_id
            if candidates:
                return None
        return None

    def _begins(self, address: Address, text: str, listed_id: int) -> bool:
        """Answer whether the UPRN has an address that is the same text up to the street's name.

        A list can have "Flat A, 11 Frances Place" and "11A Frances Place" as two dwellings.
        """
        begin, street, _ = _bare(text).partition(address.street or "\n")
        return any(street and _bare(spelt).startswith(begin + street) for spelt in self.texts[listed_id])


def _bare(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def _keys(address: Address) -> list[str]:
    """Return what identifies the dwelling within its postcode; within its street if it has no postcode."""
    if address.postcode is None:
        return _street_keys(address)
    return [f"{name}|{address.postcode}" for name in _names(address)]


def _street_keys(address: Address) -> list[str]:
    return [f"{name}||{address.street}" for name in _names(address)] if address.street else []


def _names(address: Address) -> list[str]:
    names = [f"{address.unit or ''}+{address.premises}"] if address.premises else []
    return [*names, f"{address.unit or ''}@{address.building}"] if address.building else names


def _check(
    listed: _Listed, address_id: int, text: str, postcode: str | None, answer: int | None
) -> tuple[int, bool | None, int | None]:
    address = parse_address([text], postcode)
    contradicted = None if answer is None else listed.contradicts(address, answer)
    return address_id, contradicted, listed.only(address, text)


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[int, str, str | None]]:
    cursor = connection.cursor().execute(query)
    while rows := cursor.fetchmany(_BATCH):
        yield from rows
