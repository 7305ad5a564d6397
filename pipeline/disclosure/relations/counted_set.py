"""What a published count contains, as conditions: its measure or population, and its categories."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from pipeline.disclosure.relations.truth import truth
from pipeline.disclosure.relations.worlds import Worlds
from schemas.condition import AttributeTest, Condition
from schemas.dimension import UNKNOWN, dimensions
from schemas.measure import measures

Flags = npt.NDArray[np.bool_]
POPULATION = "_population"


@dataclass(frozen=True, order=True)
class Part:
    """One of the conditions that a count combines.

    kind: "numerator", "included" (of a plain measure), "population" or "category". name: of the measure or
    dimension; category: of the dimension.
    """

    kind: str
    name: str
    category: str = ""


@dataclass(frozen=True, order=True)
class CountedSet:
    """What a count contains, without the area. categories: (dimension, category), in alphabetical order."""

    unit: str
    measure: str
    categories: tuple[tuple[str, str], ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts whose combination is counted; none if a name has no definition."""
        return parts_of(self)


@cache
def parts_of(one: CountedSet) -> tuple[Part, ...]:
    """Return the parts whose combination a count contains; none if a name has no definition."""
    own = _part_of_measure(one.unit, one.measure)
    chosen = [Part("category", *pair) for pair in one.categories]
    known = dimensions()
    if own is None or not all(p.name in known and p.category in known[p.name].categories for p in chosen):
        return ()
    return (own, *chosen)


@cache
def _part_of_measure(unit: str, measure: str) -> Part | None:
    known = measures()
    if measure in known:
        return Part("included" if known[measure].count is None else "numerator", measure)
    base = measure.removesuffix(POPULATION)
    if base != measure and (base in known or base == unit):
        return Part("population", base)
    return None


def conditions_of(part: Part) -> Iterator[Condition]:
    """Yield the conditions that a part depends on."""
    if part.kind == "category":
        dimension = dimensions()[part.name]
        if dimension.condition is not None:
            yield dimension.condition
        elif dimension.attribute is not None:
            codes = [_value(c) for listed in dimension.code_sets.values() for c in listed]
            yield from (AttributeTest(dimension.attribute, (code,)) for code in codes)
            yield from (AttributeTest(dimension.attribute, (), *band) for band in dimension.bands.values())
    elif part.name in measures():
        measure = measures()[part.name]
        yield measure.include
        if measure.count is not None:
            yield measure.count


def contains(part: Part, worlds: Worlds, *, of_resident: bool) -> Flags:
    """Return which households, or which residents, are in a part."""
    if part.kind == "category":
        return _in_category(part, worlds, of_resident)
    if part.name not in measures():  # every household, or every resident
        return np.ones(worlds.present.shape if of_resident else worlds.size, dtype=bool)
    measure = measures()[part.name]
    included: Flags = truth(measure.include, worlds, of_resident=of_resident) == 1
    if part.kind == "included" or measure.count is None:
        return included
    counted = truth(measure.count, worlds, of_resident=of_resident)
    inside: Flags = included & (counted == 1 if part.kind == "numerator" else counted >= 0)
    return inside


def _in_category(part: Part, worlds: Worlds, of_resident: bool) -> Flags:
    dimension = dimensions()[part.name]
    if dimension.condition is not None:
        found = truth(dimension.condition, worlds, of_resident=of_resident)
        position = dimension.categories.index(part.category)
        return np.asarray(found == (1, 0, -1)[position], dtype=bool)
    name = dimension.attribute or ""
    tests: dict[str, Condition] = {
        category: AttributeTest(name, tuple(_value(code) for code in codes))
        for category, codes in dimension.code_sets.items()
    }
    tests |= {category: AttributeTest(name, (), *band) for category, band in dimension.bands.items()}
    if part.category != UNKNOWN:
        return np.asarray(truth(tests[part.category], worlds, of_resident=of_resident) == 1, dtype=bool)
    known = [truth(test, worlds, of_resident=of_resident) == 1 for test in tests.values()]
    return np.asarray(~np.any(known, axis=0), dtype=bool)


def _value(code: str) -> str | bool:
    return {"true": True, "false": False}.get(code, code)
