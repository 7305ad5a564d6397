"""Code lists: the closed sets of values of coded columns, and the spellings accepted for each.

Spellings are compared without case and punctuation, so "Semi-detached", "SEMI DETACHED"
and "semi_detached" are the same. A list is rejected if one spelling would match two codes.
"""

import csv
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

_HEADER = ["code", "label", "aliases", "group", "order"]
_IGNORED = re.compile("[^A-Za-z0-9]")

#: The same rule in SQL; `{0}` is the expression of the cell.
SPELLING_SQL = "lower(regexp_replace({0}, '[^A-Za-z0-9]', '', 'g'))"


class CodeListInvalid(ValueError):
    """A code list file is malformed or ambiguous; the message lists every fault."""


@dataclass(frozen=True)
class Code:
    """One code. group: a broader category, None where the list has none. order: for display."""

    code: str
    label: str
    aliases: tuple[str, ...]
    group: str | None
    order: int


@dataclass(frozen=True)
class CodeList:
    """A closed list of codes.

    spellings: every accepted spelling, without case and punctuation -> its code.
    digest: SHA-256 of the file, for fingerprints.
    """

    name: str
    codes: tuple[Code, ...]
    digest: str
    spellings: Mapping[str, str] = field(repr=False)

    def canonical(self, text: str) -> str | None:
        """Return the code for a spelling, or None if the list does not contain it."""
        return self.spellings.get(spelling(text))

    def label(self, code: str) -> str:
        """Return the label of a code; raises KeyError if the code is not in the list."""
        return {entry.code: entry.label for entry in self.codes}[code]

    def groups(self) -> Mapping[str, str]:
        """Return code -> group of the codes that have one."""
        return {entry.code: entry.group for entry in self.codes if entry.group is not None}


@dataclass(frozen=True)
class Area:
    """One LSOA of 2021 and where it belongs. imd_rank 1 and imd_decile 1 are the most deprived (IMD 2025)."""

    lsoa21: str
    msoa21: str
    local_authority: str
    imd_rank: int
    imd_score: float
    imd_decile: int


def spelling(text: str) -> str:
    """Return the part of a text that is compared: its ASCII letters in lower case, and digits."""
    return _IGNORED.sub("", text).lower()


@cache
def load_code_list(name: str) -> CodeList:
    """Return a code list by name; raises KeyError if there is none, CodeListInvalid if it is malformed."""
    file = files("schemas") / "codes" / f"{name}.csv"
    if not name.isidentifier() or not file.is_file():
        raise KeyError(f"no code list {name}")
    return parse_code_list(name, file.read_bytes())


def parse_code_list(name: str, content: bytes) -> CodeList:
    """Check the bytes of a code list file and return it; raises CodeListInvalid with every fault."""
    rows = list(csv.reader(content.decode("utf-8").splitlines()))
    if not rows or rows[0] != _HEADER:
        raise CodeListInvalid(f"{name}: the header must be {','.join(_HEADER)}")
    faults = [f"line {n}: {len(row)} cells" for n, row in enumerate(rows[1:], 2) if len(row) != len(_HEADER)]
    if faults:
        raise CodeListInvalid(f"{name}: " + "; ".join(faults))
    codes = tuple(
        Code(code, label, tuple(filter(None, aliases.split("|"))), group or None, int(order))
        for code, label, aliases, group, order in rows[1:]
    )
    spellings: dict[str, str] = {}
    for entry in codes:
        for text in (entry.code, entry.label, *entry.aliases):
            key = spelling(text)
            if not key or spellings.setdefault(key, entry.code) != entry.code:
                faults.append(f"{entry.code}: {text!r} is empty or also matches another code")
    faults += [
        f"{entry.code} is defined twice" for entry in codes if [c.code for c in codes].count(entry.code) > 1
    ]
    if faults or not codes:
        raise CodeListInvalid(f"{name}: " + ("; ".join(faults) or "no codes"))
    return CodeList(name, codes, hashlib.sha256(content).hexdigest(), spellings)


@cache
def packaged_areas() -> tuple[Area, ...]:
    """Return the areas that are used where no area_lookup extract is supplied, ordered by LSOA."""
    rows = csv.DictReader((files("schemas") / "codes" / "area_lsoa21.csv").read_text("utf-8").splitlines())
    return tuple(
        Area(
            row["lsoa21"],
            row["msoa21"],
            row["local_authority"],
            int(row["imd_rank"]),
            float(row["imd_score"]),
            int(row["imd_decile"]),
        )
        for row in rows
    )


@cache
def ethnic_crosswalk() -> Mapping[str, tuple[str, str]]:
    """Return category of the 2021 set -> (NHS category of the 2001 set, broad group)."""
    text = (files("schemas") / "codes" / "ethnic_category_crosswalk.csv").read_text("utf-8")
    return {
        row["category_2021"]: (row["category_2001"], row["ethnic_group"])
        for row in csv.DictReader(text.splitlines())
    }
