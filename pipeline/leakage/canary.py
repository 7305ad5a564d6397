"""Canaries: invented people that are planted in the copy of an extract and searched for everywhere else.

Ingest writes their rows after those of the extract, without a line number. They are pseudonymised like every
other row, then stored separately, and not counted anywhere. Their values are derived from a seed, so that the
search can derive the same values again. They cannot be real: no UPRN begins with 8, their postcode areas do
not exist, and their NHS numbers are from the range for tests.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

_CONSONANTS = "BCDFGHJKLMNPQRSTVWXZ"
_INWARD = "ABDEFGHJLNPQRSTUWXYZ"
#: The only digits are 0 and 1. Pseudonyms are written without these two, so they never contain a planted
#: postcode by chance, as text or in base64. Tokens are seven random bytes and a zero byte: the probability
#: that one of several billion contains a planted postcode is one in millions.
_OUTWARD = ("XQ10", "XQ11", "QX10", "QX11", "JX10", "JX11")
_DIGITS = "01"


@dataclass(frozen=True)
class Canary:
    """One planted person at one planted dwelling of one controller.

    Every value except the postcode is unique to the seed.
    """

    controller: str
    record_id: str
    person_record_id: str
    uprn: str
    nhs_number: str
    forename: str
    surname: str
    street: str
    postcode: str

    @property
    def identifiers(self) -> Mapping[str, str]:
        """The values to search for: kind -> clear value."""
        own = {
            "record id": self.record_id,
            "person record id": self.person_record_id,
            "UPRN": self.uprn,
            "forename": self.forename,
            "surname": self.surname,
            "street": self.street,
            "postcode": self.postcode,
        }
        return own | ({"NHS number": self.nhs_number} if self.controller == "nhs" else {})

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Return the rows to plant: ingest table -> rows, each contract column -> value."""
        address = {
            "address_line_1": f"7 {self.street}",
            "address_line_2": self.street,
            "postcode": self.postcode,
            "uprn": self.uprn,
        }
        person = {
            "record_id": self.person_record_id,
            "forename": self.forename,
            "surname": self.surname,
            "birth_date": date(1987, 6, 5),
        }
        if self.controller == "council":
            return {
                "council_property": [{"record_id": self.record_id, **address}],
                "council_person": [{**person, **address, "property_record_id": self.record_id}],
            }
        entry = {
            "record_id": self.record_id,
            "person_record_id": self.person_record_id,
            "nhs_number": self.nhs_number,
        }
        return {
            "nhs_person": [
                {**person, **address, "nhs_number": self.nhs_number, "address_group_id": self.record_id}
            ],
            "nhs_condition": [{**entry, "condition": "asthma"}],
            "nhs_event": [{**entry, "event": "emergency_admission"}],
        }


def canary_of(controller: str, seed: str) -> Canary:
    """Return the canary of a controller and a seed. The seed is the fingerprint of the ingest stage."""
    draw = _numbers(f"hearth-canary|{controller}|{seed}")

    def word(letters: str, length: int) -> str:
        return "".join(letters[next(draw) % len(letters)] for _ in range(length))

    def digits(length: int) -> str:
        return word("0123456789", length)

    return Canary(
        controller=controller,
        record_id=f"CNRY{word(_CONSONANTS, 12)}",
        person_record_id=f"CNRY{word(_CONSONANTS, 12)}",
        uprn=f"8{digits(11)}",
        nhs_number=_nhs_number(digits, draw),
        forename=f"X{word(_CONSONANTS, 9)}",
        surname=f"Q{word(_CONSONANTS, 10)}",
        street=f"Z{word(_CONSONANTS, 11)} WAY",
        postcode=f"{_OUTWARD[next(draw) % len(_OUTWARD)]} {word(_DIGITS, 1)}{word(_INWARD, 2)}",
    )


def _nhs_number(digits: Any, draw: Iterator[int]) -> str:
    """Return a number from the test range 999 with a correct check digit (modulus 11)."""
    while True:
        first = f"999{digits(6)}"
        weighted = sum(w * int(d) for w, d in zip(range(10, 1, -1), first, strict=True))
        check = (11 - weighted % 11) % 11
        if check < 10:
            return f"{first}{check}"
        next(draw)


def _numbers(seed: str) -> Iterator[int]:
    block = seed.encode()
    while True:
        block = hashlib.sha256(block).digest()
        yield from block
