"""Recording errors in names, dates and UPRNs, for whole columns at a time.

Each function takes the true column and returns the recorded column. `DefectRates` has the shares to change.
"""

from functools import cache

import numpy as np

from sample_data.population.draws import Flags, Texts, Whole, choose_same, happens
from sample_data.population.reference import words
from sample_data.settings import DefectRates

_KEYS = np.array([ord(letter) for letter in "ABCDEFGHIJKLMNOPRSTUVWY"], dtype=np.uint32)


def mistyped(rng: np.random.Generator, texts: Texts, share: float) -> Texts:
    """Misspell a share of the texts: one letter dropped, doubled, swapped with its neighbour or replaced."""
    length = np.char.str_len(texts)
    rows = np.flatnonzero(happens(rng, share, len(texts)) & (length >= 4))
    if len(rows) == 0:
        return texts
    result = texts.astype(f"<U{texts.dtype.itemsize // 4 + 1}")
    result[rows] = misspelt(rng, result[rows])
    return result


def misspelt(rng: np.random.Generator, texts: Texts) -> Texts:
    """Add one error to each text of four or more letters, using the matrix of its code points."""
    long = np.char.str_len(texts) >= 4
    if not long.all():
        result = texts.astype(f"<U{texts.dtype.itemsize // 4 + 1}")
        if long.any():
            result[long] = misspelt(rng, texts[long])
        return result
    texts = texts.astype(f"<U{texts.dtype.itemsize // 4 + 1}")
    width = texts.dtype.itemsize // 4
    letters = np.ascontiguousarray(texts).view(np.uint32).reshape(len(texts), width).copy()
    length = (letters != 0).sum(axis=1)
    at = 1 + (rng.random(len(texts)) * (length - 2)).astype(np.int64)
    kind = choose_same(rng, (0.3, 0.2, 0.25, 0.25), len(texts))
    rows = np.arange(len(texts))
    columns = np.arange(width)[None, :]
    padded = np.pad(letters, ((0, 0), (1, 1)))
    after = columns >= at[:, None]
    dropped = np.where(after, padded[:, 2:], letters)
    doubled = np.where(columns > at[:, None], padded[:, :-2], letters)
    swapped = letters.copy()
    swapped[rows, at], swapped[rows, at - 1] = letters[rows, at - 1], letters[rows, at]
    replaced = letters.copy()
    lower = letters[rows, at] >= ord("a")
    replaced[rows, at] = _KEYS[rng.integers(len(_KEYS), size=len(texts))] + np.where(lower, 32, 0)
    chosen = np.select(
        [(kind == k)[:, None] for k in range(3)], [dropped, doubled, swapped], default=replaced
    ).astype(np.uint32)
    return np.ascontiguousarray(chosen).view(f"<U{width}").ravel()


@cache
def _other_forms(kind: str) -> tuple[Texts, Texts]:
    """Return the names that have another form (nicknames, accents), sorted, and that form."""
    pairs = sorted(words("surnames")[kind].items())
    return np.array([name for name, _ in pairs]), np.array([other for _, other in pairs], dtype="<U32")


def _looked_up(names: Texts, kind: str) -> tuple[Flags, Texts]:
    """Return which names have another form, and the form (arbitrary where there is none)."""
    known, other = _other_forms(kind)
    place = np.minimum(np.searchsorted(known, names), len(known) - 1)
    return np.asarray(known[place] == names), other[place]


def familiar(rng: np.random.Generator, forenames: Texts, share: float) -> Texts:
    """Replace forenames by their short form, for `share` of all rows."""
    has_one, short = _looked_up(forenames, "nicknames")
    wanted = min(1.0, share / max(has_one.mean(), 1e-9)) if len(forenames) else 0.0
    return np.where(has_one & happens(rng, wanted, len(forenames)), short, forenames)


def accented(rng: np.random.Generator, names: Texts, share: float) -> Texts:
    """Add accents and apostrophes to a share of the names that can have one."""
    can_have, written = _looked_up(names, "accents")
    return np.where(can_have & happens(rng, share, len(names)), written, names)


def cut_double_barrelled(rng: np.random.Generator, surnames: Texts, share: float) -> Texts:
    """Keep only one side of a share of the double-barrelled surnames."""
    parts = np.char.partition(surnames, "-")
    cut = (parts[:, 1] != "") & happens(rng, share, len(surnames))
    side = np.where(happens(rng, 0.5, len(surnames)), parts[:, 0], parts[:, 2])
    return np.where(cut, side, surnames)


def swapped(rng: np.random.Generator, first: Texts, second: Texts, share: float) -> tuple[Texts, Texts]:
    """Swap two fields in a share of the rows."""
    rows = happens(rng, share, len(first)) & (second != "")
    return np.where(rows, second, first), np.where(rows, first, second)


def shifted_births(rng: np.random.Generator, births: Whole, share: float) -> Whole:
    """Move a share of the birth dates by a day, nine days, a month or a year (never into the future)."""
    wrong = happens(rng, share, len(births))
    shift = np.array([1, -1, 30, -31, 365, -365, 9])[rng.integers(7, size=len(births))]
    latest = births.max(initial=0)
    return np.where(wrong, np.where(births + shift <= latest, births + shift, births - np.abs(shift)), births)


def uprn_texts(uprn: Whole) -> Texts:
    """Return UPRNs as text, empty for none (-1)."""
    return np.where(uprn > 0, uprn.astype("<U24"), "")


def damaged_uprns(rng: np.random.Generator, uprn: Whole, rates: DefectRates) -> tuple[Texts, Texts]:
    """Add numeric damage by spreadsheets and exports; returns the texts and the kind of damage of each."""
    plain = uprn_texts(uprn)
    shares = (
        rates.uprn_decimal_point,
        rates.uprn_exponent,
        rates.uprn_padded,
        rates.uprn_spaces,
        rates.uprn_thousands,
        rates.uprn_sentinel,
    )
    names = np.array(["decimal_point", "exponent", "padded", "spaces", "thousands", "sentinel", ""])
    kind = choose_same(rng, (*shares, max(0.0, 1 - sum(shares))), len(uprn))
    kind = np.where(uprn > 0, kind, len(names) - 1)
    result = plain.astype("<U24")
    present = np.flatnonzero(kind < len(names) - 1)
    values, texts, kinds = uprn[present], plain[present], kind[present]
    spaced = np.char.add(np.char.add(" ", texts), "  ")
    sentinels = np.array(["0", "999999999999", "000000000000"])[rng.integers(3, size=len(present))]
    result[present] = np.select(
        [kinds == k for k in range(6)],
        [
            np.char.add(texts, ".0"),
            np.array([f"{value:.5E}" for value in values]),
            np.char.zfill(texts, 12),
            spaced,
            np.array([f"{value:,}" for value in values]),
            sentinels,
        ],
        default=texts,
    )
    return result, names[kind]


def date_texts(
    rng: np.random.Generator, days: Whole, formats: tuple[str, ...], known: Flags, impossible: float = 0.0
) -> Texts:
    """Return dates in the supplier's declared formats (nine in ten in the first), empty where unknown.

    impossible: share of dates that do not exist (31 February), in the first format.
    """
    values = days.astype("datetime64[D]")
    distinct, where = np.unique(values[known], return_inverse=True)
    result = np.full(len(days), "", dtype="<U12")
    if len(distinct) == 0:
        return result
    rows = np.flatnonzero(known)
    second = happens(rng, 0.1, len(rows)) if len(formats) > 1 else np.zeros(len(rows), dtype=bool)
    items = distinct.tolist()
    written = np.array([item.strftime(formats[0]) for item in items], dtype="<U12")[where]
    if second.any():
        other = np.array([item.strftime(formats[-1]) for item in items], dtype="<U12")[where]
        written = np.where(second, other, written)
    broken = happens(rng, impossible, len(rows)) & ~second
    year = np.char.mod("%d", (distinct.astype("datetime64[Y]").astype(int) + 1970))[where]
    wrong = {"%Y-%m-%d": np.char.add(year, "-02-31"), "%d/%m/%Y": np.char.add("31/02/", year)}
    if formats[0] in wrong:
        written = np.where(broken, wrong[formats[0]], written)
    result[rows] = written
    return result
