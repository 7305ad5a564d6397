"""Address errors drawn from learned patterns, whole columns at a time.

For populations too large to run `address-errors` on every dwelling. The pattern book of a style is
learned once from a sample town that the package recorded. Each dwelling then draws a pattern of its
shape; the flats of one building mostly draw the same one. Postcode errors and typing errors are added
afterwards, at the package's rates.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from address_errors import Noise
from address_errors.vocab import ABBR, EXPAND

from sample_data.defects.address_patterns import Item, Pattern, PatternBook, learn, shapes
from sample_data.defects.addresses import LINES, Renderings, empty_lines
from sample_data.defects.addresses_by_package import PackageRecorder
from sample_data.defects.recording import misspelt
from sample_data.housing.dwellings import Dwellings, lay_out
from sample_data.population.draws import Texts, Whole, choose_same, happens, stream
from sample_data.population.geography import blocks

#: The town from which the patterns are learned; the same for every population.
LEARNING_HOUSEHOLDS = 16_000
LEARNING_SEED = 4
#: Share of flats that use their building's pattern (the package's adoption share).
BUILDING_SHARE = 0.92
NOISE_OPERATIONS = ("typo", "abbreviate", "expand", "token_dropped", "tokens_swapped", "tokens_joined")


@dataclass(frozen=True)
class PatternRecorder:
    """Set-based counterpart of `PackageRecorder`: the same style, prevalence and noise."""

    package: PackageRecorder

    def record(self, dwellings: Dwellings, seed: int) -> Renderings:
        """Record every dwelling once, in the order of `dwellings`."""
        book, choices = _learned(self.package)
        rng = stream(seed, 0, f"{self.package.source}|{self.package.style}")
        drawn_from = _drift(rng, dwellings, book.label_drift)
        shown = dwellings.rows(drawn_from)
        entry = _draw_patterns(rng, shown, choices)
        lines = _write(rng, shown, choices, entry)
        edits = choices.edits[entry]
        drifted = drawn_from != np.arange(len(dwellings))
        edits = np.where(drifted, _joined(edits, "LB:to_neighbour"), edits)
        lines, edits = _typing_noise(rng, lines, edits, self.package.typing_noise)
        postcode, edits = _postcode_slips(rng, shown.postcode, edits, book.postcode_slips)
        case = np.char.upper if book.upper_case else np.char.title
        return Renderings(case(lines), postcode, edits, drawn_from)


@dataclass
class _Choices:
    """All patterns in one list. first, edges: first entry of each shape, cumulative shares of its entries."""

    patterns: list[Pattern]
    edits: Texts
    first: dict[int, int]
    edges: dict[int, np.ndarray[tuple[int], np.dtype[np.float64]]]


@cache
def _learned(package: PackageRecorder) -> tuple[PatternBook, _Choices]:
    quiet = PackageRecorder(package.style, package.prevalence, 0.0, package.source, package.case)
    town = lay_out(blocks(LEARNING_HOUSEHOLDS, LEARNING_SEED, (), LEARNING_HOUSEHOLDS)[0], LEARNING_SEED, 1)
    recorded = quiet.record(town, LEARNING_SEED)
    book = learn(town, recorded)
    patterns: list[Pattern] = []
    edits: list[str] = []
    first: dict[int, int] = {}
    edges = {}
    for shape, entries in book.by_shape.items():
        first[shape] = len(patterns)
        patterns += [pattern for pattern, _, _ in entries]
        edits += [edit for _, edit, _ in entries]
        counts = np.array([count for _, _, count in entries], dtype=float)
        edges[shape] = np.cumsum(counts) / counts.sum()
    return book, _Choices(patterns, np.array(edits, dtype="<U120"), first, edges)


def _draw_patterns(rng: np.random.Generator, dwellings: Dwellings, choices: _Choices) -> Whole:
    """Return an entry per dwelling: for its shape, or for the nearest learned shape if it was not learned."""
    shape = shapes(dwellings)
    own = rng.random(len(shape))
    shared = rng.random(int(dwellings.slot.max(initial=0)) + 1)[dwellings.slot]
    position = np.where(dwellings.is_flat & happens(rng, BUILDING_SHARE, len(own)), shared, own)
    entry = np.empty(len(shape), dtype=np.int64)
    known = np.array(sorted(choices.edges))
    for number in np.unique(shape).tolist():
        rows = shape == number
        # two shapes are similar if they lack the same components
        nearest = int(known[np.argmin([int(number ^ other).bit_count() for other in known.tolist()])])
        found = np.searchsorted(choices.edges[nearest], position[rows], side="right")
        entry[rows] = choices.first[nearest] + np.minimum(found, len(choices.edges[nearest]) - 1)
    return entry


def _write(rng: np.random.Generator, dwellings: Dwellings, choices: _Choices, entry: Whole) -> Texts:
    """Write the addresses, all rows of each pattern together."""
    lines = empty_lines(len(entry))
    order = np.argsort(entry, kind="stable")
    numbers, starts = np.unique(entry[order], return_index=True)
    for number, rows in zip(numbers.tolist(), np.split(order, starts[1:]), strict=True):
        for column, part in enumerate(choices.patterns[number]):
            words = [_written(rng, dwellings, rows, item) for item in part]
            text = words[0]
            for word in words[1:]:
                text = np.char.strip(np.char.add(np.char.add(text, " "), word))
            if column < LINES:
                lines[rows, column] = text
            else:
                lines[rows, LINES - 1] = _joined(lines[rows, LINES - 1], text, ", ")
    return closed_up(lines)


def closed_up(lines: Texts) -> Texts:
    """Move lines up over empty ones (a shape similar to a learned one may lack a component)."""
    empty = lines == ""
    holes = (empty[:, :-1] & ~empty[:, 1:]).any(axis=1)
    if holes.any():
        order = np.argsort(empty[holes], axis=1, kind="stable")
        lines[holes] = np.take_along_axis(lines[holes], order, axis=1)
    return lines


def _written(rng: np.random.Generator, dwellings: Dwellings, rows: Whole, item: Item) -> Texts:
    if not item.component:
        return np.full(len(rows), item.transform)
    if item.transform == "another":
        column: Texts = getattr(dwellings, item.component)
        candidates = np.unique(column)
        candidates = candidates[candidates != ""]
        return np.asarray(candidates[rng.integers(len(candidates), size=len(rows))])
    values: Texts = getattr(dwellings, item.component)[rows]
    if item.transform == "same":
        return values
    if item.transform == "misspelt":
        return misspelt(rng, values)
    return _by_value(values, _TRANSFORMS[item.transform])


def _by_value(values: Texts, change: Callable[[str], str]) -> Texts:
    """Return the changed texts, with one call of `change` for each distinct value."""
    distinct, where = np.unique(values, return_inverse=True)
    return np.array([change(str(value)) for value in distinct])[where]


def _abbreviated(value: str) -> str:
    return " ".join(ABBR.get(word, word) for word in value.split())


def _moved(step: int) -> Callable[[str], str]:
    def change(value: str) -> str:
        digits = value.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        return str(max(1, int(digits) + step)) if digits else value

    return change


_TRANSFORMS: dict[str, Callable[[str], str]] = {
    "abbreviated": _abbreviated,
    "joined": lambda value: value.replace(" ", ""),
    "split": lambda value: value[: len(value) // 2] + " " + value[len(value) // 2 :].lstrip(),
    "shortened": lambda value: value.rpartition(" ")[0] or value,
    "unit": lambda value: value.rpartition(" ")[2],
    "unit_padded": lambda value: value.rpartition(" ")[2].zfill(2),
    "unit_a": lambda value: "A" + value.rpartition(" ")[2],
    "joined_unit": lambda value: "".join(value.rsplit(" ", 1)),
    "suffix_added": lambda value: value + "A",
    "suffix_dropped": lambda value: value.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") or value,
    **{f"moved{step:+d}": _moved(step) for step in (-2, -1, 1, 2)},
}


def _drift(rng: np.random.Generator, dwellings: Dwellings, share: float) -> Whole:
    """Return the dwelling whose address each row has: for a few rows (label drift), the next dwelling."""
    rows = np.arange(len(dwellings))
    following = np.minimum(rows + 1, len(rows) - 1)
    near = dwellings.street[following] == dwellings.street
    return np.where(happens(rng, share, len(rows)) & near, following, rows)


def _joined(first: Texts, second: Texts | str, mark: str = "|") -> Texts:
    """Return two texts with a mark between them, or only the second where the first is empty."""
    return np.where(first == "", second, np.char.add(np.char.add(first, mark), second))


def _typing_noise(rng: np.random.Generator, lines: Texts, edits: Texts, rate: float) -> tuple[Texts, Texts]:
    """Add one typing error to a share of the addresses, on a random line."""
    weights = [float(Noise().ops[name]) for name in NOISE_OPERATIONS]
    rows = np.flatnonzero(happens(rng, rate, len(lines)))
    filled = np.maximum(1, (lines[rows] != "").sum(axis=1))
    column = (rng.random(len(rows)) * filled).astype(np.int64)
    kind = choose_same(rng, weights, len(rows))
    before = lines[rows, column]
    after = before.copy()
    for number, name in enumerate(NOISE_OPERATIONS):
        here = kind == number
        after[here] = _slip(rng, name, before[here])
    lines[rows, column] = after
    changed = after != before
    names = np.char.add("NOISE:", np.array(NOISE_OPERATIONS))[kind]
    edits = edits.astype("<U140")
    edits[rows] = np.where(changed, _joined(edits[rows], names), edits[rows])
    return closed_up(lines), edits


def _slip(rng: np.random.Generator, name: str, texts: Texts) -> Texts:
    if len(texts) == 0:
        return texts
    if name == "typo":
        return misspelt(rng, texts)
    if name in ("abbreviate", "expand"):
        table = ABBR if name == "abbreviate" else EXPAND
        return _by_value(texts, lambda text: " ".join(table.get(word, word) for word in text.split()))
    first = np.char.partition(texts, " ")
    if name == "token_dropped":
        last = np.char.rpartition(texts, " ")
        either = happens(rng, 0.5, len(texts))
        kept = np.where(either, first[:, 2], last[:, 0])
        return np.where(kept == "", texts, kept)
    if name == "tokens_swapped":
        turned = np.char.add(np.char.add(first[:, 2], " "), first[:, 0])
        return np.where(first[:, 2] == "", texts, turned)
    last = np.char.rpartition(texts, " ")
    return np.char.add(last[:, 0], last[:, 2])


def _postcode_slips(
    rng: np.random.Generator, postcode: Texts, edits: Texts, rates: dict[str, float]
) -> tuple[Texts, Texts]:
    """Add postcode errors: PC1 missing, PC2 format, PC3 unit, PC4 sector, PC5 district (real ones nearby)."""
    labels = sorted(rates)
    shares = [rates[label] for label in labels]
    kind = choose_same(rng, [*shares, max(0.0, 1 - sum(shares))], len(postcode))
    known = np.unique(postcode)
    result = postcode.astype("<U12")
    edits = edits.astype("<U150")
    for number, label in enumerate(labels):
        rows = np.flatnonzero(kind == number)
        if len(rows) == 0:
            continue
        new = _wrong_postcode(rng, label, postcode[rows], known)
        edits[rows] = np.where(new != postcode[rows], _joined(edits[rows], label), edits[rows])
        result[rows] = new
    return result, edits


def _wrong_postcode(rng: np.random.Generator, label: str, postcode: Texts, known: Texts) -> Texts:
    """Return another postcode of the sector (PC3), of the district but not the sector (PC4), or other (PC5).

    A few draws are tried; a row for which none fits keeps its own postcode.
    """
    if label == "PC1":
        return np.full(len(postcode), "", dtype="<U12")
    if label == "PC2":
        return np.char.replace(postcode, " ", "")
    area = _cut(known, 2 if label == "PC3" else 4) if label != "PC5" else np.full(len(known), "")
    order = np.argsort(area, kind="stable")
    area, known = area[order], known[order]
    wanted = _cut(postcode, 2 if label == "PC3" else 4) if label != "PC5" else np.full(len(postcode), "")
    low, high = np.searchsorted(area, wanted, side="left"), np.searchsorted(area, wanted, side="right")
    result = postcode.copy()
    same = {"PC3": 0, "PC4": 2, "PC5": 4}[label]
    for _ in range(6):
        other = known[low + (rng.random(len(low)) * (high - low)).astype(np.int64)]
        fits = (result == postcode) & (_cut(other, same) != _cut(postcode, same))
        result = np.where(fits, other, result)
    return result


def _cut(postcode: Texts, letters: int) -> Texts:
    """Return postcodes without their last letters: 2 leaves the sector, 4 the district."""
    distinct, where = np.unique(postcode, return_inverse=True)
    return np.array([code[: len(code) - letters] for code in distinct.tolist()], dtype="<U12")[where]
