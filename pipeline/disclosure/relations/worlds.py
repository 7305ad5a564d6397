"""Possible households and their residents, as far as conditions can distinguish them.

An attribute has one representative value for each set of values that no condition distinguishes, and `None`
for not recorded. Facts that follow from the definitions of attributes are built in: the numbers of residents
by age, one-person compositions, and attributes counted from conditions or events of which others are a part.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from schemas.attribute import ResidentAttribute, attributes_of, household_attributes, resident_attributes
from schemas.condition import AttributeTest, Condition, Every, Negation, ResidentsWith, Several, Some

Value = str | int | bool | None
Indices = npt.NDArray[np.int16]
Flags = npt.NDArray[np.bool_]

#: Household attributes that follow from the number and the ages of the residents -> range of ages.
BY_AGE: Mapping[str, tuple[int, int]] = {
    "residents_0_to_4": (0, 4),
    "residents_5_to_15": (5, 15),
    "residents_16_to_64": (16, 64),
    "residents_65_and_over": (65, 999),
}
#: Household attributes that follow from the residents; of `composition`, whether it is one of one person.
DERIVED = frozenset({*BY_AGE, "residents", "composition"})
_AGE = "age_years"
_SOME_OTHER = "another value"


@dataclass(frozen=True)
class Worlds:
    """Households, one per row.

    domains: attribute -> its representative values. household: attribute -> position in its domain, one per
    household. resident: the same, one row per household and one column per resident. present: which of these
    residents exist; the first always does.
    """

    domains: Mapping[str, tuple[Value, ...]]
    household: Mapping[str, Indices]
    resident: Mapping[str, Indices]
    present: Flags

    @property
    def size(self) -> int:
        """Number of households."""
        return len(self.present)


def tests_in(condition: Condition | None) -> Iterator[tuple[str, AttributeTest]]:
    """Yield every test of a condition with what it tests: "household" or "resident"."""
    match condition:
        case AttributeTest():
            of = "household" if condition.attribute in household_attributes() else "resident"
            yield of, condition
        case Every() | Some() | Several():
            for part in condition.parts:
                yield from tests_in(part)
        case Negation():
            yield from tests_in(condition.part)
        case ResidentsWith():
            for _, test in tests_in(condition.where):
                yield "resident", test
        case None:
            return


def domains_of(conditions: Iterable[Condition]) -> dict[str, dict[str, tuple[Value, ...]]]:
    """Return "household" and "resident" -> attribute -> representative values, `None` last."""
    tests: dict[str, dict[str, list[AttributeTest]]] = {"household": {}, "resident": {}}
    for condition in conditions:
        for of, test in tests_in(condition):
            tests[of].setdefault(test.attribute, []).append(test)
    if any(name in DERIVED for name in tests["household"]):
        ages = tests["resident"].setdefault(_AGE, [AttributeTest(_AGE, (), 0)])
        used = [BY_AGE[name] for name in tests["household"] if name in BY_AGE]
        if "composition" in tests["household"]:
            used.append(BY_AGE["residents_65_and_over"])
        ages += [AttributeTest(_AGE, (), low, high) for low, high in used]
    for part, whole in _parts_of_attributes():
        if part in tests["resident"] and whole in tests["resident"]:
            # the same constants, so that the smaller can be compared with the larger
            both = tests["resident"][part] + tests["resident"][whole]
            if _is_number(both):
                tests["resident"][part] = tests["resident"][whole] = both
    return {of: {name: _representatives(named) for name, named in sorted(tests[of].items())} for of in tests}


def _is_number(tests: list[AttributeTest]) -> bool:
    return all(test.at_least is not None or test.at_most is not None for test in tests)


def _representatives(tests: list[AttributeTest]) -> tuple[Value, ...]:
    """Return one value for each set of values that the tests do not distinguish, and None."""
    values = list(dict.fromkeys(value for test in tests for value in test.values))
    if any(isinstance(value, bool) for value in values):
        return (True, False, None)
    if any(isinstance(value, str) for value in values):
        return (*values, _SOME_OTHER, None)
    starts = {int(value) + step for value in values for step in (0, 1) if value is not None}
    starts |= {test.at_least for test in tests if test.at_least is not None}
    starts |= {test.at_most + 1 for test in tests if test.at_most is not None}
    below = min(starts, default=0) - 1
    known = attributes_of("resident")[tests[0].attribute]
    can_be_below = known.type == "number" or below >= 0
    return (*sorted({below, *starts} if can_be_below else starts), None)


@cache
def _parts_of_attributes() -> tuple[tuple[str, str], ...]:
    """Return pairs of resident attributes of which the first counts a part of what the second counts."""
    listed = resident_attributes()
    return tuple(
        (part.name, whole.name)
        for part in listed
        for whole in listed
        if part.name != whole.name and _is_part(part, whole)
    )


def _is_part(part: ResidentAttribute, whole: ResidentAttribute) -> bool:
    same = part.source == whole.source and part.months == whole.months
    narrower = not whole.icd10_groups or (
        bool(part.icd10_groups) and set(part.icd10_groups) <= set(whole.icd10_groups)
    )
    return same and narrower and set(part.codes) <= set(whole.codes)


def possible(domains: Mapping[str, tuple[Value, ...]], chosen: Mapping[str, Indices]) -> Flags:
    """Return which residents are possible. chosen: attribute -> positions in the domains, of any shape.

    If one attribute counts a part of what another counts, both are recorded or neither, and the part is never
    larger than the whole.
    """
    shape = next(iter(chosen.values())).shape
    allowed = np.ones(shape, dtype=bool)
    for part, whole in _parts_of_attributes():
        if part in chosen and whole in chosen:
            fits = np.array(
                [[_fits(one, other) for other in domains[whole]] for one in domains[part]], dtype=bool
            )
            allowed &= fits[chosen[part], chosen[whole]]
    return allowed


def _fits(part: Value, whole: Value) -> bool:
    if part is None or whole is None:
        return part is None and whole is None
    return int(part) <= int(whole)  # a flag is 0 or 1; a count that contains it is at least as large


def every_world(
    domains: Mapping[str, Mapping[str, tuple[Value, ...]]], residents: int, at_most: int
) -> Worlds | None:
    """Return every household of up to `residents` residents; None if there are more than `at_most`."""
    own, shared = domains["resident"], domains["household"]
    kinds = list(itertools.product(*(range(len(values)) for values in own.values())))
    columns = {name: np.array([k[i] for k in kinds], dtype=np.int16) for i, name in enumerate(own)}
    if columns:
        allowed = np.flatnonzero(possible(own, columns))
        columns = {name: column[allowed] for name, column in columns.items()}
        number = len(allowed)
    else:
        number = 1
    free = [name for name in shared if name not in DERIVED - {"composition"}]
    homes = list(itertools.product(*(range(len(shared[name])) for name in free)))
    groups = [
        np.array(list(itertools.combinations_with_replacement(range(number), size)), dtype=np.int64)
        for size in range(1, residents + 1)
        if _multisets(number, size) * len(homes) <= at_most
    ]
    if len(groups) < residents or sum(len(g) for g in groups) * len(homes) > at_most:
        return None
    kind = np.concatenate(
        [np.pad(group, ((0, 0), (0, residents - group.shape[1])), constant_values=-1) for group in groups]
    )
    home = np.array(homes, dtype=np.int16).reshape(len(homes), len(free))
    kind, home_of = np.repeat(kind, len(homes), axis=0), np.tile(home, (len(kind), 1))
    return Worlds(
        {**shared, **own},
        {name: home_of[:, position] for position, name in enumerate(free)},
        {name: column[np.maximum(kind, 0)] for name, column in columns.items()},
        kind >= 0,
    )


def _multisets(number: int, size: int) -> int:
    result = 1
    for step in range(size):
        result = result * (number + step) // (step + 1)
    return result


def random_worlds(
    domains: Mapping[str, Mapping[str, tuple[Value, ...]]], number: int, residents: int, seed: int = 1
) -> Worlds:
    """Return random households; values that are not recorded are rare, so that most conditions are known."""
    random = np.random.default_rng(seed)
    own, shared = domains["resident"], domains["household"]

    def draw(values: tuple[Value, ...], shape: tuple[int, ...], unknown: np.ndarray) -> Indices:
        known = max(len(values) - 1, 1)
        return np.where(
            random.random(shape) < unknown, len(values) - 1, random.integers(0, known, shape)
        ).astype(np.int16)

    rarity = np.array([0.0, 0.02, 0.2])[random.integers(0, 3, number)]
    household = {name: draw(values, (number,), rarity) for name, values in shared.items()}
    shape = (number, residents)
    resident = {name: draw(values, shape, rarity[:, None]) for name, values in own.items()}
    for _ in range(8):
        wrong = ~possible(own, resident) if resident else np.zeros(shape, dtype=bool)
        for name, values in own.items():
            again = draw(values, shape, np.full(shape, 0.1))
            resident[name] = np.where(wrong, again, resident[name])
    wrong = ~possible(own, resident) if resident else np.zeros(shape, dtype=bool)
    present = (np.arange(residents) < random.integers(1, residents + 1, number)[:, None]) & ~wrong
    kept = present[:, 0]
    return Worlds(
        {**shared, **own},
        {name: column[kept] for name, column in household.items()},
        {name: column[kept] for name, column in resident.items()},
        present[kept],
    )
