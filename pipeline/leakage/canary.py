"""Canaries: invented people planted in the copy of an extract, and looked for everywhere else.

Ingest writes them after the rows of the extract, without a line number. They take
the road of every other row through pseudonymisation, are set apart with what
became of them, and are counted nowhere. What they are follows from a
seed, so that whoever searches later knows what to look for. Their UPRNs begin
with 8, which no UPRN does; their postcode areas do not exist; their NHS numbers
are of the test range.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

_CONSONANTS = "BCDFGHJKLMNPQRSTVWXZ"
_INWARD = "ABDEFGHJLNPQRSTUWXYZ"
#: No figure but 0 and 1: pseudonyms are written without them, so that however many there are, they never
#: spell a planted postcode by chance, neither plainly nor in base64. Tokens are seven bytes of chance and
#: a zero each: billions of them spell one with a probability of one in millions.
_OUTWARD = ("XQ10", "XQ11", "QX10", "QX11", "JX10", "JX11")
_FIGURES = "01"


@dataclass(frozen=True)
class Canary:
    """One planted person at one planted dwelling of one controller; the seed's own but for the postcode."""

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
        """Return what is searched for: kind -> clear value."""
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
        """Return the rows to plant: ingest table -> rows, by contract column."""
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
    """Return the canary that a seed (a stage's fingerprint) gives a controller."""
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
        postcode=f"{_OUTWARD[next(draw) % len(_OUTWARD)]} {word(_FIGURES, 1)}{word(_INWARD, 2)}",
    )


def _nhs_number(digits: Any, draw: Iterator[int]) -> str:
    """A number of the 999 test range with a true check digit (modulus 11)."""
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
