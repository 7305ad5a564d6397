"""Address parsing: from typed address lines to the parts that two registers have in common.

The words come from tables (`tables/unit_word.csv`, `tables/street_word.csv`). Text that is not recognised is
left out, so the address then has fewer parts. Localities and towns are ignored: registers disagree about
them, and the postcode is more exact.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from pipeline.pseudonymise.match_fields.tables import read_mapping
from pipeline.pseudonymise.match_fields.text import plain_upper

_POSTCODE = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?)([0-9][ABD-HJLNP-UW-Z]{2})")
_WORD = re.compile(r"[A-Z0-9]+")
_IDENTIFIER = re.compile(r"[0-9]+(?:HALF|[A-Z])?|[A-Z][0-9]+")
_RANGE = re.compile(r"\b([0-9]+[A-Z]?) ?[-/] ?([0-9]+[A-Z]?)\b")
_GLUED_NUMBER = re.compile(r"\b([0-9]+)([A-Z]{3,})")
_SPACED_SUFFIX = re.compile(r"\b([0-9]+) ([A-Z])\b(?=[ ,]|$)")
#: A number and a half.
_HALF = re.compile(r"\b([0-9]+) ?1/2(?= |$)")
#: Names of a flat's number after a word such as FLAT. A single letter (I, V, X) is the flat's letter.
_NUMBER_WORDS = {
    word: str(number)
    for names in (
        "ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE TEN ELEVEN TWELVE THIRTEEN FOURTEEN FIFTEEN SIXTEEN",
        "- II III IV - VI VII VIII IX - XI XII XIII XIV XV XVI",
    )
    for number, word in enumerate(names.split(), 1)
    if word != "-"
}
_CARE_OF = re.compile(r"^(C/O|CO\b|C O\b|CARE OF\b|P ?O BOX\b)")


@dataclass(frozen=True)
class Address:
    """The parts of one address; None for a part that is not in it.

    unit: flat number or letter, or a floor code such as "FLOOR 1". premises: number with suffix,
    or a range "1-3". building, street: words without spaces, abbreviations spelt out.
    postcode: without space. sector: postcode without its last two letters.
    """

    unit: str | None = None
    premises: str | None = None
    building: str | None = None
    street: str | None = None
    postcode: str | None = None

    @property
    def sector(self) -> str | None:
        """The postcode sector, or None."""
        return self.postcode[:-2] if self.postcode else None


def parse_postcode(text: str | None) -> str | None:
    """Return a postcode without spaces, or None if the text is not a postcode.

    A letter O, I or L in the position of the inward digit is replaced by the digit it resembles.
    """
    if not text:
        return None
    letters = re.sub(r"[^A-Z0-9]", "", text.upper())
    if len(letters) >= 5 and letters[-3] in "OIL":
        letters = letters[:-3] + {"O": "0", "I": "1", "L": "1"}[letters[-3]] + letters[-2:]
    return letters if _POSTCODE.fullmatch(letters) else None


def parse_address(lines: Sequence[str | None], postcode: str | None = None) -> Address:
    """Parse address lines. If `postcode` is not valid, a postcode in the lines is used."""
    code = parse_postcode(postcode)
    segments: list[_Segment] = []
    for line in lines:
        if line:
            for piece in line.split(","):
                segment = _parse_segment(piece)
                if segment is None:
                    continue
                if segment.postcode:
                    code = code or segment.postcode
                else:
                    segments.append(segment)
    return _assemble(segments, code)


@dataclass(frozen=True)
class _Segment:
    """The parts of one comma-separated piece of an address.

    unit: explicit unit ("FLAT 3"). floor: floor code. identifiers: plain numbers, in order. words: the other
    words, without abbreviations. is_street, is_building: according to the last word.
    """

    unit: str | None
    floor: str | None
    identifiers: tuple[str, ...]
    words: tuple[str, ...]
    is_street: bool
    is_building: bool
    postcode: str | None = None

    @property
    def name(self) -> str:
        return "".join(self.words)


@lru_cache(maxsize=200_000)
def _parse_segment(piece: str) -> _Segment | None:
    text = plain_upper(piece.replace("½", " 1/2")).strip()
    if not text or _CARE_OF.match(text):
        return None
    if len(text) <= 8 and (code := parse_postcode(text)):
        return _Segment(None, None, (), (), False, False, code)
    text = text.replace("'", "").replace(".", " ").replace("(", " ").replace(")", " ")
    text = _GLUED_NUMBER.sub(r"\1 \2", text)
    text = _HALF.sub(r"\1HALF", text)
    text = _RANGE.sub(r"\1~\2", text)
    text = _SPACED_SUFFIX.sub(r"\1\2", text)
    units, streets = read_mapping("unit_word"), read_mapping("street_word")
    unit: str | None = None
    floor: str | None = None
    part: str | None = None
    suffix = ""
    identifiers: list[str] = []
    words: list[str] = []
    expects_unit = False
    has_unit_word = False
    raw = re.findall(r"[A-Z0-9~]+", text)
    for position, word in enumerate(raw):
        meaning = units.get(word, "")
        if meaning:
            kind, _, value = meaning.partition(" ")
            is_last = position == len(raw) - 1
            is_of_street = position == len(raw) - 2 and raw[-1] in streets  # Lower Street
            if kind == "unit" and not (words and is_last and not floor):
                expects_unit = has_unit_word = True
                continue
            if kind == "floor" and not is_of_street and (has_unit_word or _has_floor_word(raw)):
                floor = floor + value if floor in ("L", "U") else value
                continue
            if kind == "storey":
                floor, has_unit_word = value, True
                continue
            if kind == "part" and not words and not is_of_street:
                part = value
                continue
            if kind == "position" and not is_of_street and (floor or has_unit_word):
                suffix = value
                continue
            if kind == "ignored" and (word != "THE" or not words):
                continue
        elif len(raw) == 1 and 5 <= len(word) <= 8 and word.startswith("FLAT"):
            unit, has_unit_word = word[4:], True
            continue
        elif part and not words and word in ("AT", "TO", "OF"):
            continue
        if "~" in word or _IDENTIFIER.fullmatch(word):
            if expects_unit and unit is None:
                unit = word.replace("~", "-")
            else:
                identifiers.append(word.replace("~", "-"))
        elif expects_unit and unit is None and (len(word) == 1 or word in _NUMBER_WORDS):
            unit = _NUMBER_WORDS.get(word, word)
        else:
            words.append(word)
        expects_unit = False
    if words:
        words[-1] = streets.get(words[-1], words[-1])
        if words[0] == "ST" and len(words) > 1:
            words[0] = "SAINT"
    if floor is not None:
        floor = f"FLOOR{floor}{suffix}"
    last = words[-1] if words else ""
    if floor and unit and words and not identifiers:
        identifiers.append(unit)
        unit = None  # "Top Flat 8 Dock Street" is the top flat of number 8
    return _Segment(
        unit=part if unit is None else unit,
        floor=floor,
        identifiers=tuple(identifiers),
        words=tuple(words),
        is_street=last in _street_types(),
        is_building=units.get(last) == "building",
    )


def _has_floor_word(raw: Sequence[str]) -> bool:
    """Answer whether a word makes another a floor: "Ground Floor", "Garden Flat"."""
    units = read_mapping("unit_word")
    return "FLOOR" in raw or "FLR" in raw or any(units.get(word) == "unit" for word in raw)


def _assemble(segments: Sequence[_Segment], postcode: str | None) -> Address:
    unit = next((s.unit for s in segments if s.unit), None)
    floor = next((s.floor for s in segments if s.floor), None)
    numbers = [i for s in segments for i in s.identifiers]
    if unit is None and floor is not None and numbers and _floor_has_number(segments):
        unit = numbers.pop(0)
    street_at = _street_index(segments)
    street = segments[street_at].name if street_at is not None else None
    building = _building(segments, street_at)
    if unit is None and len(numbers) > 1:
        unit = numbers.pop(0)
    elif unit is None and len(numbers) == 1 and building and street_at is not None:
        before = [s for s in segments[:street_at] if s.identifiers and s.is_building]
        if before:
            unit = numbers.pop(0)
    if unit is None:
        unit = floor
    elif floor and len(unit) == 1 and len(numbers) > 0:
        unit += floor  # flats numbered from 1 on each floor; a longer number has the floor in it
    premises = numbers[0] if numbers else None
    if unit and premises and len(unit) == 1 and unit.isalpha() and premises.isdigit():
        premises, unit = premises + unit, None
    return Address(unit, premises, building, street or None, postcode)


def _building(segments: Sequence[_Segment], street_at: int | None) -> str | None:
    """Return the first name before the street; if there is no street, a name that is not the only one."""
    named = [at for at, segment in enumerate(segments) if segment.name and at != street_at]
    if not named or (street_at is not None and named[0] > street_at):
        return None
    if street_at is None and len(named) == 1 and not segments[named[0]].is_building:
        return None  # a single name is a town
    return segments[named[0]].name


def _floor_has_number(segments: Sequence[_Segment]) -> bool:
    """Answer whether the segment with the floor also has the flat's number ("111 (Ground Floor)")."""
    return any(s.floor and s.identifiers and not s.words for s in segments)


def _street_index(segments: Sequence[_Segment]) -> int | None:
    typed = [at for at, s in enumerate(segments) if s.is_street]
    if typed:
        plain = [at for at in typed if not segments[at].is_building]
        numbered = [at for at in typed if segments[at].identifiers]
        return (plain or numbered or typed)[0]
    numbered = [at for at, s in enumerate(segments) if s.identifiers and s.words and not s.is_building]
    return numbered[0] if numbered else None


@cache
def _street_types() -> frozenset[str]:
    return frozenset(read_mapping("street_word").values())
