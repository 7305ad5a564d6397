"""P0 to P4 read back: each value that a release prints for the first time, against the exact counts."""

import hashlib
import hmac
import math
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from pipeline.disclosure.noise.record_key import RecordKeySecret
from pipeline.disclosure.profile import Profile
from pipeline.publish.read_back.exact import Count, ExactCounts
from pipeline.publish.read_back.printed import Answer, Cell, Group, Measure, PrintedRelease
from schemas.measure import measures

_SLOTS = 4096
_VARIANCE = 2.0
#: Fewer keys than this can be equal by chance.
_FEWEST_KEYS = 40


def check_values(
    release: PrintedRelease,
    fresh: Iterable[Cell],
    exact: ExactCounts,
    profile: Profile,
    secret: RecordKeySecret | None,
) -> Counter[str]:
    """Return protection (P0 to P4) -> values that it should have changed or hidden.

    fresh: the cells whose answer is new. secret: of the noise; None where the profile has none.
    """
    broken: Counter[str] = Counter()
    noise = None if secret is None else Noise(secret.value, profile.noise_bound)
    keys: dict[tuple[str, Group], int] = {}
    for cell in fresh:
        answer = release.cells[cell]
        broken["P4"] += (answer.value is None) == (answer.shorthand is None)
        if answer.value is None:
            continue
        broken["P0"] += not _is_large_enough(cell.group, exact, profile)
        measure = release.measures.get(cell.measure, Measure("", None, None))
        if measure.kind == "percent":
            broken.update(_percent(cell, answer, measure, release, exact, profile))
        elif measure.kind == "count":
            count = exact.counts.get((cell.measure, cell.group))
            if count is None:
                broken["P0"] += 1
                continue
            broken["P1"] += _is_small(count, cell.group, profile)
            broken["P2"] += _is_exposed(cell.measure, cell.group, exact, profile)
            broken["P3"] += not _has_its_noise(answer.value, count, noise, profile)
            broken["P4"] += answer.value < profile.minimum_cell_count
            broken["P4"] += answer.value % profile.rounding_base != 0
            if count.key is not None:
                keys[cell.measure, cell.group] = count.key
    broken["P3"] += _printed_differently(release)
    if noise is not None:
        broken["P3"] += _keys_repeat(keys)
    return broken


def _is_large_enough(group: Group, exact: ExactCounts, profile: Profile) -> bool:
    households, persons = exact.sizes.get((group.area_level, group.area_code), (0, 0))
    if len(group.categories) < 2:
        return households >= profile.floor_households and persons >= profile.floor_persons
    return households >= profile.floor_households_multiway and persons >= profile.floor_persons_multiway


def _is_small(count: Count, group: Group, profile: Profile) -> bool:
    numbers = [count.n, count.households, *([count.persons] if group.unit == "resident" else [])]
    return count.is_structural_zero or min(numbers) < profile.minimum_cell_count


def _is_exposed(measure: str, group: Group, exact: ExactCounts, profile: Profile) -> bool:
    """Answer whether a sensitive outcome is that of no one, or of nearly everyone, in a group."""
    part = exact.parts.get((measure, group))
    if part is None or measure not in measures() or not measures()[measure].sensitive:
        return False
    with_it, everyone = part.numerator.n, part.numerator.n + part.complement.n
    return with_it == 0 or with_it >= profile.dominant_share * everyone


def _percent(
    cell: Cell,
    answer: Answer,
    measure: Measure,
    release: PrintedRelease,
    exact: ExactCounts,
    profile: Profile,
) -> Counter[str]:
    """Return what a percentage breaks: of groups that are too small, or not of the printed counts."""
    numerator, denominator = measure.numerator or "", measure.denominator or ""
    part = exact.parts.get((numerator, cell.group))
    if part is None:
        return Counter({"P1": 1})
    printed = [release.cells.get(Cell(cell.table_id, name, cell.group)) for name in (numerator, denominator)]
    is_given = all(count is not None and count.value for count in printed)
    expected = 100.0 * (printed[0].value or 0) / (printed[1].value or 1) if is_given else None  # type: ignore[union-attr]
    return Counter(
        {
            "P1": int(any(_is_small(count, cell.group, profile) for count in part)),
            "P2": int(_is_exposed(numerator, cell.group, exact, profile)),
            "P4": int(expected is None or abs(expected - (answer.value or 0)) > 0.051),
        }
    )


def _has_its_noise(value: float, count: Count, noise: "Noise | None", profile: Profile) -> bool:
    """Answer whether a value is the count with the noise of its contributors, rounded."""
    if noise is not None and count.key is None:
        return False
    changed = count.n if noise is None else count.n + noise.of(count.n, count.key or 0)
    base = profile.rounding_base
    return value == base * math.floor((changed + base // 2) / base)


def _printed_differently(release: PrintedRelease) -> int:
    """Return how many counts have two values in two tables: the noise must be the same everywhere."""
    values: dict[tuple[str, Group], set[float]] = {}
    for cell, answer in release.cells.items():
        if answer.value is not None and release.measures.get(cell.measure, _NONE).kind == "count":
            values.setdefault((cell.measure, cell.group), set()).add(answer.value)
    return sum(len(found) > 1 for found in values.values())


_NONE = Measure("", None, None)


def _keys_repeat(keys: Mapping[tuple[str, Group], int]) -> int:
    """Return the number of counts whose keys are those of others, if far more are than by chance."""
    if len(keys) < _FEWEST_KEYS:
        return 0
    different = len(set(keys.values()))
    expected = _SLOTS * (1 - (1 - 1 / _SLOTS) ** len(keys))
    return 0 if different >= expected / 4 else len(keys) - different


class Noise:
    """The noise of counts, from its definition: shares from exp(-lambda v^2), shuffled for each count."""

    def __init__(self, secret: bytes, bound: int) -> None:
        self._secret = secret
        self._steps = _steps(bound)
        self._bound = bound
        self._draws: dict[int, np.ndarray] = {}

    def of(self, count: int, key: int) -> int:
        """Return the noise of a count of contributors whose record keys add up to `key`."""
        draws = self._draws.get(count)
        if draws is None:
            seed = hmac.new(self._secret, b"p-table|%d" % count, hashlib.sha256).digest()
            raw = hashlib.shake_256(seed).digest(_SLOTS * 8)
            draws = self._draws[count] = np.frombuffer(raw, dtype="<u8")
        slot = int(np.argpartition(draws, int(key))[int(key)])
        return sum(slot >= step for step in self._steps) - self._bound


def _steps(bound: int) -> tuple[int, ...]:
    """Return the first slot of each noise above the lowest: lambda is found by halving an interval."""
    low, high = 1e-6, 5.0
    for _ in range(200):
        middle = (low + high) / 2
        weights = [math.exp(-middle * v * v) for v in range(-bound, bound + 1)]
        variance = sum(w * v * v for w, v in zip(weights, range(-bound, bound + 1), strict=True)) / sum(
            weights
        )
        low, high = (middle, high) if variance > _VARIANCE else (low, middle)
    slots = [round(_SLOTS * w / sum(weights)) for w in weights]
    slots[bound] += _SLOTS - sum(slots)
    return tuple(sum(slots[:place]) for place in range(1, len(slots)))
