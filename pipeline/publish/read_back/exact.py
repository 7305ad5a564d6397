"""The exact counts behind a release, from the cells of the aggregate stage."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pipeline.engine.tables import open_table
from pipeline.publish.read_back.printed import Group

_COLUMNS = (
    *("table_id", "measure", "population", "unit", "area_level", "area_code"),
    *("dimension_1", "category_1", "dimension_2", "category_2", "structural_zero"),
    *("denominator", "denominator_households", "denominator_persons"),
    *("denominator_household_key", "denominator_person_key"),
    *("numerator", "numerator_households", "numerator_persons"),
    *("numerator_household_key", "numerator_person_key"),
    *("complement_households", "complement_persons"),
)


class Count(NamedTuple):
    """An exact count: units, the households and persons among them, and the sum of their record keys."""

    n: int
    households: int
    persons: int
    key: int | None
    is_structural_zero: bool = False


class Part(NamedTuple):
    """A part of a count: those with the outcome, those without it, and all of them."""

    numerator: Count
    complement: Count
    denominator: Count


@dataclass(frozen=True)
class ExactCounts:
    """All exact counts.

    counts: (name of what is counted, group) -> count; the name is the measure of a numerator, and of a
    denominator its population, with `_population` where no measure counts that population.
    parts: (measure, group) -> the part that the measure counts. sizes: (level, code) -> most households and
    persons that any table has of an area.
    """

    counts: dict[tuple[str, Group], Count]
    parts: dict[tuple[str, Group], Part]
    sizes: dict[tuple[str, str], tuple[int, int]]


def read_exact(path: Path) -> ExactCounts:
    """Read `cell.parquet` of the aggregate stage."""
    with open_table(path, _COLUMNS) as reader:
        columns = reader.read_all().to_pydict()
    plain = {m for m, n in zip(columns["measure"], columns["numerator"], strict=True) if n is None}
    counts: dict[tuple[str, Group], Count] = {}
    parts: dict[tuple[str, Group], Part] = {}
    totals: dict[tuple[str, str, str, str], tuple[int, int]] = {}
    for values in zip(*(columns[name] for name in _COLUMNS), strict=True):
        (table_id, measure, population, unit, level, area, d1, c1, d2, c2, zero, *figures) = values
        n, households, persons, household_key, person_key, *rest = figures
        is_household = unit == "household"
        group = Group(unit, level, area, tuple(sorted((d, c) for d, c in ((d1, c1), (d2, c2)) if d)))
        whole = Count(n, households or 0, persons or 0, household_key if is_household else person_key, zero)
        counts[population if population in plain else f"{population}_population", group] = whole
        numerator, with_households, with_persons, key, other_key, households_less, persons_less = rest
        if numerator is not None:
            own_key = key if is_household else other_key
            with_it = Count(numerator, with_households or 0, with_persons or 0, own_key, zero)
            without = Count(n - numerator, households_less or 0, persons_less or 0, None, zero)
            counts[measure, group] = with_it
            parts[measure, group] = Part(with_it, without, whole)
        place = (level, area, table_id, measure)
        before = totals.get(place, (0, 0))
        pick = _sum if is_household else max
        totals[place] = pick(before[0], households or 0), pick(before[1], persons or 0)
    sizes: dict[tuple[str, str], tuple[int, int]] = {}
    for (level, area, _, _), (households, persons) in totals.items():
        most = sizes.get((level, area), (0, 0))
        sizes[level, area] = max(most[0], households), max(most[1], persons)
    return ExactCounts(counts, parts, sizes)


def _sum(one: int, other: int) -> int:
    """Categories of households add up; the residents of one household can be in several categories."""
    return one + other
