"""Patterns of recorded addresses, learned by running `address-errors` on a sample.

A *pattern* describes how an address of a given *shape* was written: the line and order of the
components, how each was transformed (abbreviated, joined, last word dropped …), and which words were added.
The set-based recorder draws from patterns by their frequency, so mechanisms that occur
together stay together, at the package's own rates.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from address_errors.vocab import (
    ABBR,
    DQ1_WORDS,
    DQ2_WORDS,
    DQ3_WORDS,
    FLOOR_NAMES,
    GENERIC,
    NAME_SUFFIX,
)

from sample_data.defects.addresses import Renderings, joined_lines
from sample_data.housing.dwellings import Dwellings
from sample_data.population.draws import Whole

COMPONENTS = ("sub_name", "building", "number", "street_name", "locality", "town")
#: Words that a pattern contains as they are; any other unexplained word counts as a misspelling.
_MORE_PLAIN_WORDS = (
    "FLAT FLATS APARTMENT APT FLT UNIT MAISONETTE STUDIO SUITE ROOM ROOMS BEDSIT ANNEX ANNEXE FLOOR FLR GRD "
    "GND 1ST 2ND 3RD TOP LOWER UPPER FRONT AT THE A B C GREATER CHESHIRE LANCS LANCASHIRE YORKSHIRE"
)
_PLAIN_WORDS = {
    word
    for phrase in (*DQ1_WORDS, *DQ2_WORDS, *DQ3_WORDS, *FLOOR_NAMES.values(), *GENERIC, *NAME_SUFFIX)
    for word in phrase.split()
} | set(_MORE_PLAIN_WORDS.split())
_WORD = re.compile(r"[^\s,]+|,")
_NUMBER = re.compile(r"^(\d+)([A-Z]?)$")


class Item(NamedTuple):
    """A component under a transform, or (component "") the literal words of `transform`."""

    component: str
    transform: str


#: Parts of an address in order; commas separate the parts.
Pattern = tuple[tuple[Item, ...], ...]


@dataclass
class PatternBook:
    """Frequencies of (pattern, edits) by shape, with the style's letter case and postcode errors.

    unexplained: share of the sample that no pattern describes (left out).
    """

    upper_case: bool
    by_shape: dict[int, list[tuple[Pattern, str, int]]] = field(default_factory=dict)
    postcode_slips: dict[str, float] = field(default_factory=dict)
    label_drift: float = 0.0
    unexplained: float = 0.0


def shapes(dwellings: Dwellings) -> Whole:
    """Return the shape of each address: which components it has, and the kind of sub-building name."""
    sub = dwellings.sub_name
    kind = np.select(
        [sub == "", np.char.find(sub, "FLOOR") >= 0, np.char.isalpha(np.char.rpartition(sub, " ")[:, 2])],
        [0, 1, 2],
        default=3,
    )
    return np.asarray(
        kind * 16
        + (dwellings.building != "") * 8
        + (dwellings.number != "") * 4
        + (dwellings.locality != "") * 2
        + np.where(np.isin(dwellings.dwelling_type, (0, 1, 2)), 0, 1)
    )


def learn(dwellings: Dwellings, recorded: Renderings) -> PatternBook:
    """Count the patterns of the recorded addresses of `dwellings`."""
    texts = joined_lines(recorded.lines)
    vocabulary = Vocabulary(
        streets={str(street) for street in np.unique(dwellings.street_name)},
        names={str(name) for name in np.unique(dwellings.building)} - {""},
    )
    book = PatternBook(upper_case=bool(np.mean(np.char.isupper(texts[:200])) > 0.5))
    counts: dict[int, Counter[tuple[Pattern, str]]] = {}
    shape = shapes(dwellings)
    columns = [getattr(dwellings, name) for name in COMPONENTS]
    slips: Counter[str] = Counter()
    strange = 0
    for row, text in enumerate(texts.tolist()):
        source = int(recorded.drawn_from[row])
        edits = [edit for edit in str(recorded.edits[row]).split("|") if edit]
        slips.update(edit for edit in edits if edit.startswith("PC"))
        if source != row:
            book.label_drift += 1 / len(texts)
            continue
        parts = {name: str(column[row]) for name, column in zip(COMPONENTS, columns, strict=True)}
        pattern = describe(text.upper(), parts, vocabulary)
        if pattern is None:
            strange += 1
            continue
        kept = "|".join(edit for edit in edits if not edit.startswith("PC"))
        counts.setdefault(int(shape[row]), Counter())[(pattern, kept)] += 1
    book.by_shape = {
        number: [(pattern, edits, count) for (pattern, edits), count in sorted(counter.items())]
        for number, counter in sorted(counts.items())
    }
    book.postcode_slips = {label: count / len(texts) for label, count in sorted(slips.items())}
    book.unexplained = strange / max(1, len(texts))
    return book


class Vocabulary(NamedTuple):
    """Streets and building names that may replace the right ones."""

    streets: set[str]
    names: set[str]


def describe(text: str, parts: dict[str, str], vocabulary: Vocabulary) -> Pattern | None:
    """Return the pattern of one upper-case address, or None if some words remain unexplained."""
    tokens: list[str] = _WORD.findall(text)
    claimed: list[Item | None] = [None] * len(tokens)
    for component in sorted((c for c in COMPONENTS if parts[c]), key=lambda c: -len(parts[c])):
        _claim(tokens, claimed, component, parts[component])
    return _assemble(tokens, claimed, parts, vocabulary)


def _transforms(value: str) -> Iterable[tuple[str, list[str]]]:
    """Yield ways in which the whole component may have been written, most likely first."""
    words = value.split()
    yield "same", words
    if any(word in ABBR for word in words):
        yield "abbreviated", [ABBR.get(word, word) for word in words]
    if len(words) > 1:
        yield "joined", ["".join(words)]


def _shorter(component: str, value: str) -> Iterable[tuple[str, list[str]]]:
    """Yield ways that leave something out or change a number; tried when no misspelling fits."""
    words = value.split()
    if len(words) > 1:
        if component in ("sub_name", "building", "street_name"):
            yield "shortened", words[:-1]
        if component == "sub_name":
            yield "unit", words[-1:]
            yield "unit_padded", [re.sub(r"(?<!\d)(\d)(?!\d)", r"0\1", words[-1])]
            yield "unit_a", ["A" + words[-1]]
            yield "joined_unit", [*words[:-2], "".join(words[-2:])]
    number = _NUMBER.match(value)
    if component == "number" and number:
        yield "suffix_added", [number[1] + "A"]
        yield "suffix_dropped", [number[1]]
        for step in (-1, 1, -2, 2):
            yield f"moved{step:+d}", [str(int(number[1]) + step)]


def _claim(tokens: list[str], claimed: list[Item | None], component: str, value: str) -> None:
    """Mark the first run of unclaimed tokens that matches the component: whole, misspelt or shortened."""
    for transform, words in _transforms(value):
        if _claim_words(tokens, claimed, words, Item(component, transform)):
            return
    if component not in ("number", "sub_name"):
        for extra, transform in ((0, "misspelt"), (1, "split")):
            if _claim_misspelt(tokens, claimed, value, extra, Item(component, transform)):
                return
    for transform, words in _shorter(component, value):
        if _claim_words(tokens, claimed, words, Item(component, transform)):
            return


def _claim_words(tokens: list[str], claimed: list[Item | None], words: list[str], item: Item) -> bool:
    at = _find(tokens, claimed, words)
    if at >= 0:
        _mark(claimed, at, len(words), item)
    return at >= 0


def _claim_misspelt(
    tokens: list[str], claimed: list[Item | None], value: str, extra_words: int, item: Item
) -> bool:
    """Claim a run of as many words (or one more) that differs by at most two letters, ignoring spaces."""
    length = len(value.split()) + extra_words
    bare = value.replace(" ", "")
    for at in range(len(tokens) - length + 1):
        run = tokens[at : at + length]
        if "," in run or any(claimed[at : at + length]):
            continue
        distance = _distance("".join(run), bare)
        if (distance == 0) if extra_words else (0 < distance <= 2 and len(bare) >= 4):
            _mark(claimed, at, length, item)
            return True
    return False


def _find(tokens: list[str], claimed: list[Item | None], words: list[str]) -> int:
    for at in range(len(tokens) - len(words) + 1):
        if tokens[at : at + len(words)] == words and not any(claimed[at : at + len(words)]):
            return at
    return -1


def _mark(claimed: list[Item | None], at: int, length: int, item: Item) -> None:
    claimed[at] = item
    for offset in range(1, length):
        claimed[at + offset] = Item(item.component, "")


def _assemble(
    tokens: list[str], claimed: list[Item | None], parts: dict[str, str], vocabulary: Vocabulary
) -> Pattern | None:
    result: list[tuple[Item, ...]] = []
    current: list[Item] = []
    loose: list[str] = []

    def settle() -> bool:
        if not loose:
            return True
        words = " ".join(loose)
        loose.clear()
        if words in vocabulary.streets:
            current.append(Item("street_name", "another"))
        elif words in vocabulary.names:
            current.append(Item("building", "another"))
        elif re.fullmatch(r"\d+[A-Z]?(-\d+[A-Z]?)?", words):
            current.append(Item("number", "another"))
        elif all(word in _PLAIN_WORDS for word in words.split()):
            current.append(Item("", words))
        elif parts["street_name"] and not any(item and item.component == "street_name" for item in claimed):
            current.append(Item("street_name", "misspelt"))
        else:
            return False
        return True

    for word, item in zip(tokens, claimed, strict=True):
        if word == ",":
            if not settle():
                return None
            if current:
                result.append(tuple(current))
                current = []
        elif item is None:
            loose.append(word)
        elif item.transform:
            if not settle():
                return None
            current.append(item)
    if not settle():
        return None
    if current:
        result.append(tuple(current))
    return tuple(result) if result else None


def _distance(first: str, second: str) -> int:
    """Return the Levenshtein distance, or 9 if the lengths differ by more than two."""
    if abs(len(first) - len(second)) > 2:
        return 9
    row = list(range(len(second) + 1))
    for i, letter in enumerate(first, 1):
        corner, row[0] = row[0], i
        for j, other in enumerate(second, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (letter != other))
    return row[-1]
