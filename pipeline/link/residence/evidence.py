"""Evidence on whether members who are not on their dwelling's list live there.

Counts are per dwelling, over the current registrations of every group linked to it. People are compared one
by one only at dwellings with a member who is not clearly listed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.group.token_lists import Integers, TokenLists, positions_of
from pipeline.link.residence.comparison import (
    ADULT,
    AGREEMENT_OF_YEARS,
    LISTED_LEVELS,
    RESIDENCE,
    SETTLED,
    UNLISTED,
    YEARS_BANDS,
)
from pipeline.link.token_overlap import Columns, Flags, reached_levels

Lists = Mapping[str, TokenLists]
Codes = npt.NDArray[np.int8]

#: A dwelling with more pairs of a member and a listed person than this is not looked at in detail.
_MAXIMUM_PAIRS = 40_000
#: Spells that begin within this many days of each other began together.
_TOGETHER_DAYS = 90
_DAYS_A_YEAR = 365
#: Start of an unknown or placeholder spell (days since 1970-01-01); earlier days are placeholders.
NO_DATE, _EARLIEST = np.iinfo(np.int32).min, -25_000


@dataclass(frozen=True)
class Members:
    """One element per NHS record. dwelling_id: 0 where its group is not linked.

    agreement: name of the best agreement with the list, as a code in `names`. age: years, -1 if unknown.
    is_current: an open spell at a usual address, of a person who is not recorded as dead. start: day on which
    the address spell began (days since 1970), `NO_DATE` if unknown.
    """

    unit_id: Integers
    dwelling_id: Integers
    agreement: Codes
    names: tuple[str, ...]
    age: Integers
    is_current: Flags
    start: Integers
    lists: Lists

    @property
    def today(self) -> int:
        """The newest start of a spell: the extract has no later day."""
        return int(self.start.max(initial=_EARLIEST))

    def agree(self, names: tuple[str, ...]) -> Flags:
        """Return whose best agreement is one of these."""
        codes = [self.names.index(name) for name in names]
        return np.isin(self.agreement, codes) & (self.dwelling_id > 0)


@dataclass(frozen=True)
class ListedPeople:
    """One element per person listed at a dwelling, in the order of dwelling ids, which count from 1.

    bounds: where the people of each dwelling begin, and the end.
    """

    bounds: Integers
    is_adult: Flags
    lists: Lists


@dataclass(frozen=True)
class Pairs:
    """Members and people listed at their dwelling, one pair each: row numbers, and the agreement reached.

    level: position in LISTED_LEVELS, or their number where no level is reached.
    """

    member: Integers
    person: Integers
    level: Codes

    @property
    def agree(self) -> Flags:
        """Return which pairs may be one person."""
        return self.level < len(LISTED_LEVELS)


def pairs_of(members: Members, people: ListedPeople, agreement: Mapping[str, tuple[Columns, ...]]) -> Pairs:
    """Compare each member with each listed person, at dwellings with a member who is not clearly listed.

    People with the same name and different birth dates do not agree: they may be father and son.
    """
    unclear = members.agree(("initial_surname", "phonetic", "birth", "forename", *UNLISTED))
    sizes = np.diff(people.bounds, prepend=0)
    is_unclear = np.zeros(len(sizes), dtype=np.bool_)
    is_unclear[members.dwelling_id[unclear]] = True
    is_unclear[0] = False
    registered = np.bincount(members.dwelling_id, minlength=len(sizes))
    is_unclear &= registered * sizes <= _MAXIMUM_PAIRS
    rows = np.flatnonzero(is_unclear[members.dwelling_id])
    dwellings = members.dwelling_id[rows]
    member = np.repeat(rows, sizes[dwellings])
    person = positions_of(people.bounds[dwellings - 1], sizes[dwellings])
    levels = {level: agreement[level] for level in LISTED_LEVELS}
    level = reached_levels(levels, members.lists, member, people.lists, person)
    births = "person_name_birth_part"
    both_dated = (members.lists[births].lengths(member) > 0) & (people.lists[births].lengths(person) > 0)
    level[both_dated & (level > LISTED_LEVELS.index("part_name_and_birth"))] = len(LISTED_LEVELS)
    return Pairs(member, person, level)


def shares_initial(members: Members, pairs: Pairs) -> Flags:
    """Return which members agree by initial only, with people with whom other members agree as well."""
    by_initial = members.agree(("initial_surname", "phonetic"))
    agree = pairs.agree & members.is_current[pairs.member]
    member, person = pairs.member[agree], pairs.person[agree]
    claims = np.bincount(person, minlength=int(pairs.person.max(initial=-1)) + 1)
    has_own = np.zeros(len(members.age), dtype=np.bool_)
    has_own[member[claims[person] == 1]] = True
    has_any = np.zeros(len(members.age), dtype=np.bool_)
    has_any[member] = True
    return by_initial & has_any & ~has_own


def level_columns(
    members: Members, people: ListedPeople, pairs: Pairs, discount: Codes
) -> dict[str, pa.Array]:
    """Return, for every comparison but `listed`, the level of each member; null where there is none.

    discount: per dwelling (element 0 is unused): 1 claimed, 0 not claimed, -1 not known.
    """
    dwellings = len(people.bounds)
    at = members.dwelling_id
    counted = members.is_current & (at > 0)
    known = members.agree(LISTED_LEVELS)
    unlisted = members.agree(tuple(UNLISTED))
    adult = members.age >= ADULT

    def per_dwelling(flags: Flags) -> Integers:
        return np.bincount(at[flags], minlength=dwellings)

    of_person = np.repeat(np.arange(1, dwellings), np.diff(people.bounds))
    explained = np.zeros(len(people.is_adult), dtype=np.bool_)
    explained[pairs.person[pairs.agree]] = True
    compared = np.zeros(dwellings, dtype=np.bool_)
    compared[at[pairs.member]] = True
    spare = np.bincount(of_person[people.is_adult & ~explained], minlength=dwellings)
    spare[~compared] = 0
    listed_adults = np.bincount(of_person[people.is_adult], minlength=dwellings)
    known_here, known_adults = per_dwelling(counted & known), per_dwelling(counted & known & adult)
    unknown_adults = per_dwelling(counted & ~known & adult)
    unit_known = np.bincount(members.unit_id[known], minlength=int(members.unit_id.max(initial=0)) + 1)

    rows = np.flatnonzero(unlisted & (members.age >= 0))
    here, is_adult = at[rows], adult[rows]
    others = unknown_adults[here] - (is_adult & counted[rows])
    parts = {
        "spare": np.select(
            [spare[here] == 0, ~is_adult, members.age[rows] < SETTLED], ["", "child", "young"], "older"
        ),
        "unknown": np.where(
            is_adult,
            np.array(["alone", "two", "three"])[np.clip(others, 0, 2)],
            np.array(["child_none", "child_one", "child_two"])[np.clip(others, 0, 2)],
        ),
        "known": np.clip(known_here[here], 0, 3).astype("<U1"),
        "listed_adults": np.where(is_adult, np.clip(listed_adults[here], 1, 3).astype("<U1"), ""),
        "families": np.where((unit_known[members.unit_id[rows]] == 0) & (known_here[here] > 0), "apart", ""),
        "discount": np.where(
            is_adult & (known_adults[here] > 0), np.array(["not_claimed", "claimed", ""])[discount[here]], ""
        ),
        "spell": _spells(members, rows, counted & known, dwellings),
    }
    agreement = np.array(members.names)[members.agreement[rows]]
    return {name: _column(name, len(at), rows, agreement, part) for name, part in parts.items()}


def list_kind_column(members: Members, kinds: pa.Array) -> pa.Array:
    """Return the level of `list_kind` of each member. kinds: the kind of list of each member's dwelling."""
    rows = np.flatnonzero(members.agree(tuple(UNLISTED)) & (members.age >= ADULT))
    part = kinds.take(pa.array(rows)).cast(pa.string()).fill_null("").to_numpy(zero_copy_only=False)
    agreement = np.array(members.names)[members.agreement[rows]]
    return _column("list_kind", len(members.age), rows, agreement, part.astype(np.str_))


def _spells(members: Members, rows: Integers, known: Flags, dwellings: int) -> npt.NDArray[np.str_]:
    """Return for each of these rows when its spell began (see SPELL); empty where a date is missing."""
    dated = known & (members.start >= _EARLIEST)
    first = np.full(dwellings, np.iinfo(np.int32).max, dtype=np.int64)
    last = np.full(dwellings, np.iinfo(np.int32).min, dtype=np.int64)
    np.minimum.at(first, members.dwelling_id[dated], members.start[dated])
    np.maximum.at(last, members.dwelling_id[dated], members.start[dated])
    here, start = members.dwelling_id[rows], members.start[rows].astype(np.int64)
    after_first, after_last = start - first[here], start - last[here]
    return np.select(
        [
            (start < _EARLIEST) | (first[here] > last[here]),
            after_first < -_DAYS_A_YEAR,
            after_first < -_TOGETHER_DAYS,
            after_first <= _TOGETHER_DAYS,
            after_last < -_TOGETHER_DAYS,
            after_last <= _TOGETHER_DAYS,
            after_last <= _DAYS_A_YEAR,
        ],
        ["", "longbefore", "before", "first", "between", "last", "after"],
        "longafter",
    )


def years_column(members: Members) -> pa.Array:
    """Return the level of `years` of each member: agreement with the list, and the spell's length."""
    rows = np.flatnonzero((members.dwelling_id > 0) & (members.start >= _EARLIEST))
    group = np.array([""] * len(members.names), dtype="<U8")
    for name, (levels, _) in AGREEMENT_OF_YEARS.items():
        for level in levels:
            group[members.names.index(level)] = name
    days = members.today - members.start[rows].astype(np.int64)
    limits = np.array([years * _DAYS_A_YEAR for years, _, _ in YEARS_BANDS[:-1]])
    bands = np.array([band for _, band, _ in YEARS_BANDS])[np.searchsorted(limits, days, side="right")]
    return _column("years", len(members.age), rows, group[members.agreement[rows]], bands)


def _column(
    name: str, count: int, rows: Integers, agreement: npt.NDArray[np.str_], part: npt.NDArray[np.str_]
) -> pa.Array:
    """Return one level per member as a dictionary column: "agreement_part", null where the part is empty."""
    levels = next(c.levels for c in RESIDENCE if c.name == name)
    ids = [level.id for level in levels]
    codes = np.full(count, -1, dtype=np.int8)
    for code, level in enumerate(ids):
        of, _, wanted = level.partition("_")
        codes[rows[(agreement == of) & (part == wanted)]] = code
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.array(ids))
