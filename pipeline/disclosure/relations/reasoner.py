"""Which counts are within, or equal to, other counts, whatever the population is.

A count combines a few conditions: a measure or population, and categories. It is within another count if its
conditions imply each condition of the other. An implication is proven on every household that the conditions
involved can distinguish (`every_world`). To prove few, implications that a random household contradicts are
left out first.
"""

from collections.abc import Iterable
from functools import cache, partial

import numpy as np
import numpy.typing as npt

from pipeline.disclosure.relations.counted_set import CountedSet, Part, conditions_of, contains
from pipeline.disclosure.relations.relation import Relation
from pipeline.disclosure.relations.sums import sums_of_categories
from pipeline.disclosure.relations.worlds import Worlds, domains_of, every_world, random_worlds

#: Random households that a suggested implication must survive, and the most residents of a household.
_RANDOM, _RESIDENTS = 6_000, 3
#: With more households than this, an implication is proven with fewer residents, at least two, or not at all.
_AT_MOST = 1_000_000

Flags = npt.NDArray[np.bool_]


def derive(sets: Iterable[CountedSet]) -> tuple[Relation, ...]:
    """Return the relations between counts, without those that follow from others.

    Those that follow: a category within its margin, a count within anything that a count around it is within.
    Across units, the number of households with certain residents is at most the number of these residents.
    Counts whose names have no definition, and counts of no one, have no relations.
    """
    return _derive(tuple(sorted({s for s in sets if s.parts})))


@cache
def _derive(sets: tuple[CountedSet, ...]) -> tuple[Relation, ...]:
    if not sets:
        return ()
    parts = sorted({part for s in sets for part in s.parts})
    worlds = random_worlds(
        domains_of(condition for part in parts for condition in conditions_of(part)), _RANDOM, _RESIDENTS
    )
    found: list[Relation] = []
    drawn: dict[str, tuple[list[CountedSet], Flags]] = {}
    for unit in ("household", "resident"):
        flags_of = {s: flags for s in sets if s.unit == unit and (flags := _flags(s, worlds)).any()}
        members = list(flags_of)
        drawn[unit] = members, np.stack(list(flags_of.values())) if members else np.zeros((0, 1), dtype=bool)
        found += _within_unit(*drawn[unit])
    return tuple(sorted([*found, *_across_units(drawn, worlds)]))


def _flags(one: CountedSet, worlds: Worlds) -> Flags:
    """Return who is in a count: the households, or the residents one after the other."""
    of_resident = one.unit == "resident"
    found = np.all([contains(part, worlds, of_resident=of_resident) for part in one.parts], axis=0)
    return np.asarray(found[worlds.present] if of_resident else found, dtype=bool)


def _within_unit(members: list[CountedSet], flags: Flags) -> list[Relation]:
    if not members:
        return []
    likely = ~_outside(flags, flags)
    np.fill_diagonal(likely, False)
    proven = np.zeros_like(likely)
    for one, other in np.argwhere(likely):
        proven[one, other] = _is_margin(members[one], members[other]) or implies(members[one], members[other])
    relations = []
    equal = proven & proven.T
    leader = (equal | np.eye(len(equal), dtype=bool)).argmax(axis=1)
    for one, head in enumerate(leader):
        if one != head:
            relations.append(Relation(members[head], (members[one],), True))
    heads = np.flatnonzero(leader == np.arange(len(members)))
    strict = (proven & ~equal)[np.ix_(heads, heads)]
    between = (strict.astype(np.float32) @ strict.astype(np.float32)) > 0
    for one, other in np.argwhere(strict & ~between):
        part, whole = members[heads[one]], members[heads[other]]
        if not _is_margin(part, whole):
            relations.append(Relation(whole, (part,), False))
    return relations + sums_of_categories(members, flags, proven, partial(implies_one_of))


def _across_units(drawn: dict[str, tuple[list[CountedSet], Flags]], worlds: Worlds) -> list[Relation]:
    """Return pairs of households and residents: each of the households has at least one of the residents.

    Only the largest set of households and the smallest set of residents: the others follow.
    """
    (households, ours), (residents, theirs) = drawn["household"], drawn["resident"]
    if not households or not residents:
        return []
    place = np.full(worlds.present.shape, -1)
    place[worlds.present] = np.arange(int(worlds.present.sum()))
    each = np.where(worlds.present, theirs[:, place], False)
    likely = ~_outside(ours, np.asarray(each.any(axis=2)))
    ours_within, theirs_within = ~_outside(ours, ours), ~_outside(theirs, theirs)
    found = []
    for one, other in np.argwhere(likely):
        smaller = likely[one] & theirs_within[:, other] & ~theirs_within[other]
        larger = likely[:, other] & ours_within[one] & ~ours_within[:, one]
        if not smaller.any() and not larger.any() and _has_one(households[one], residents[other]):
            found.append(Relation(residents[other], (households[one],), False))
    return found


def _outside(inner: Flags, outer: Flags) -> Flags:
    """Return for each pair whether anything of the first is outside the second."""
    return np.asarray((inner.astype(np.float32) @ (~outer).astype(np.float32).T) > 0, dtype=bool)


def _is_margin(part: CountedSet, whole: CountedSet) -> bool:
    """Answer whether the second is a margin of the first, which sums over categories already show."""
    return part.measure == whole.measure and set(whole.categories) <= set(part.categories)


def implies(one: CountedSet, other: CountedSet) -> bool:
    """Answer whether everything in one count is in the other of the same unit; if it is not proven, no."""
    have, of_resident = frozenset(one.parts), one.unit == "resident"
    return all(_are_enough(have, frozenset({part}), of_resident) for part in other.parts if part not in have)


def implies_one_of(one: CountedSet, others: tuple[CountedSet, ...]) -> bool:
    """Answer whether everything in one count is in at least one of the others, which differ in a category."""
    common = frozenset.intersection(*(frozenset(other.parts) for other in others))
    have, of_resident = frozenset(one.parts), one.unit == "resident"
    wanted = frozenset(part for other in others for part in other.parts if part not in common)
    return all(
        _are_enough(have, frozenset({part}), of_resident) for part in common if part not in have
    ) and _are_enough(have, wanted, of_resident)


def _are_enough(have: frozenset[Part], wanted: frozenset[Part], of_resident: bool) -> bool:
    """Answer whether some of the parts imply one of the wanted; single parts are tried first."""
    candidates = [frozenset({part}) for part in sorted(have)]
    if len(have) > 1:
        candidates.append(have)
    return any(_proof(candidate, wanted, of_resident) for candidate in candidates)


@cache
def _proof(have: frozenset[Part], wanted: frozenset[Part], of_resident: bool) -> bool:
    """Answer whether everything in all of the parts is in one of the wanted, in every possible household."""
    worlds = _every_world(have | wanted)
    if worlds is None:
        return False
    inside = np.all([contains(part, worlds, of_resident=of_resident) for part in sorted(have)], axis=0)
    if of_resident:
        inside &= worlds.present
    reached = np.any([contains(part, worlds, of_resident=of_resident) for part in sorted(wanted)], axis=0)
    return not (inside & ~reached).any()


@cache
def _has_one(households: CountedSet, residents: CountedSet) -> bool:
    worlds = _every_world(frozenset({*households.parts, *residents.parts}))
    if worlds is None:
        return False
    inside = np.all([contains(part, worlds, of_resident=False) for part in households.parts], axis=0)
    each = np.all([contains(part, worlds, of_resident=True) for part in residents.parts], axis=0)
    return not (inside & ~(each & worlds.present).any(axis=1)).any()


@cache
def _every_world(parts: frozenset[Part]) -> Worlds | None:
    domains = domains_of(condition for part in sorted(parts) for condition in conditions_of(part))
    for residents in (_RESIDENTS, _RESIDENTS - 1):
        worlds = every_world(domains, residents, _AT_MOST)
        if worlds is not None:
            return worlds
    return None
