"""Names of people: forenames by tradition, sex and birth era; surnames shared as families share them.

A household's surname comes from the reference person. Partners and children take it, keep their own
or join both, by tradition. Polish surnames depend on sex, many South Asian women have a surname of their
own, and Sikh families use Singh and Kaur. All names are upper case here; each extract sets its own case.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from sample_data.population.draws import Floats, Texts, Whole, choose_same, happens, skewed
from sample_data.population.households import Households
from sample_data.population.people import CHILD, GROWN, OLDER, PARTNER, REFERENCE, People
from sample_data.population.reference import surname_frequency, words

TRADITIONS = (
    "british",
    "irish",
    "polish",
    "european",
    "pakistani",
    "bangladeshi",
    "indian",
    "chinese",
    "african",
    "caribbean",
    "arab",
)
_INDEX = {name: index for index, name in enumerate(TRADITIONS)}

#: Naming traditions of each NHS ethnic category, with weights.
_BY_CATEGORY: dict[str, dict[str, float]] = {
    "A": {"british": 1.0},
    "B": {"irish": 0.7, "british": 0.3},
    "C": {"polish": 0.45, "european": 0.50, "british": 0.05},
    "D": {"british": 0.6, "caribbean": 0.4},
    "E": {"british": 0.5, "african": 0.5},
    "F": {"british": 0.45, "pakistani": 0.25, "indian": 0.3},
    "G": {"british": 0.6, "european": 0.2, "chinese": 0.2},
    "H": {"indian": 1.0},
    "J": {"pakistani": 1.0},
    "K": {"bangladeshi": 1.0},
    "L": {"pakistani": 0.4, "indian": 0.3, "arab": 0.3},
    "M": {"caribbean": 1.0},
    "N": {"african": 1.0},
    "P": {"african": 0.6, "caribbean": 0.4},
    "R": {"chinese": 1.0},
    "S": {"arab": 0.8, "european": 0.2},
}

#: Share of partners, and of children, who have the household's surname, by tradition.
_PARTNER_SHARES = np.array([0.72, 0.70, 0.75, 0.55, 0.30, 0.22, 0.72, 0.08, 0.60, 0.60, 0.20])
_CHILD_SHARES = np.array([0.88, 0.90, 0.95, 0.85, 0.55, 0.45, 0.90, 0.95, 0.88, 0.80, 0.60])


@dataclass
class Names:
    """One row per person: forename, middle name (may be empty), surname, tradition."""

    forename: Texts
    middle: Texts
    surname: Texts
    tradition: Whole


def named(rng: np.random.Generator, people: People, households: Households) -> Names:
    """Return the names of all people."""
    tradition = _traditions(rng, people.category)
    era = np.digitize(people.birth, [-7305, 0, 7305, 12784])
    forename = _forenames(rng, tradition, people.is_female, era)
    for _ in range(3):
        alike = _siblings_alike(people, forename)
        forename[alike] = _forenames(rng, tradition[alike], people.is_female[alike], era[alike])
    middle = np.where(
        happens(rng, np.where(tradition == 0, 0.72, 0.35), len(people)),
        _forenames(rng, tradition, people.is_female, np.maximum(era - 1, 0)),
        "",
    )
    surname = _family_surnames(rng, people, households, tradition)
    return Names(forename, np.where(middle == forename, "", middle), surname, tradition)


def named_after(rng: np.random.Generator, people: People, surname: Texts, partner: Texts) -> Names:
    """Return the names of people who belonged to households with these surnames.

    surname, partner: the surname of each person's reference person, and the one that the household's partner
    was born with (empty: none). A parent or a child mostly has the reference person's surname, a partner as
    partners do, and a sharer their own.
    """
    tradition = _traditions(rng, people.category)
    forename = _forenames(
        rng, tradition, people.is_female, np.digitize(people.birth, [-7305, 0, 7305, 12784])
    )
    count = len(people)
    shares = np.select(
        [people.relation == PARTNER, people.relation == GROWN, people.relation == OLDER],
        [_PARTNER_SHARES[tradition], _CHILD_SHARES[tradition], np.full(count, 0.75)],
        default=np.zeros(count),
    )
    own = _surnames(rng, tradition)
    mothers = (people.relation == GROWN) & (partner != "") & happens(rng, 0.6, count)
    result = np.where(happens(rng, shares, count), surname, np.where(mothers, partner, own))
    result = _women_of_south_asia(rng, result, people, tradition)
    return Names(forename, np.full(count, ""), in_form_of_sex(result, people.is_female), tradition)


def in_form_of_sex(surname: Texts, female: np.ndarray[Any, np.dtype[np.bool_]]) -> Texts:
    """Return surnames taken from relatives, with the ending that each person's sex has."""
    ends = ~female & (np.char.endswith(surname, "SKA") | np.char.endswith(surname, "CKA"))
    distinct, where = np.unique(surname[ends], return_inverse=True)
    result = surname.copy()
    if len(distinct):
        result[ends] = np.char.add(np.array([name[:-1] for name in distinct]), "I")[where]
    return _gendered(result, female)


def _siblings_alike(people: People, forename: Texts) -> Whole:
    """Return rows that repeat the forename of another member of the household."""
    code = np.unique(forename, return_inverse=True)[1]
    order = np.lexsort((people.relation, code, people.household))
    same = (people.household[order][1:] == people.household[order][:-1]) & (
        code[order][1:] == code[order][:-1]
    )
    return np.asarray(order[1:][same])


def _traditions(rng: np.random.Generator, category: Texts) -> Whole:
    result = np.zeros(len(category), dtype=np.int64)
    for code, weights in _BY_CATEGORY.items():
        here = category == code
        codes = np.array([_INDEX[name] for name in weights])
        result[here] = codes[choose_same(rng, list(weights.values()), int(here.sum()))]
    return result


@cache
def _forename_table() -> tuple[Texts, Whole, Whole]:
    """Return all forename lists in one, with start and length of each (tradition, sex, era)."""
    lists: list[str] = []
    start = np.zeros((len(TRADITIONS), 2, 5), dtype=np.int64)
    length = np.zeros_like(start)
    source: dict[str, Any] = words("forenames")
    for name, index in _INDEX.items():
        borrowed = source[name]
        for sex, letter in enumerate("MF"):
            for era in range(5):
                eras = borrowed[letter]
                text = eras.get(str(era + 1), eras.get("0"))
                start[index, sex, era] = len(lists)
                lists.extend(text.split())
                length[index, sex, era] = len(lists) - start[index, sex, era]
    return np.array(lists), start, length


def _forenames(
    rng: np.random.Generator, tradition: Whole, female: np.ndarray[Any, np.dtype[np.bool_]], era: Whole
) -> Texts:
    names, start, length = _forename_table()
    # younger people of migrant traditions often have British names
    settled = (tradition > 0) & (era >= 3) & happens(rng, 0.22, len(tradition))
    key = (np.where(settled, 0, tradition), female.astype(np.int64), era)
    return np.asarray(names[start[key] + skewed(rng, length[key], 1.6)])


@cache
def _british_surnames() -> tuple[Texts, Floats]:
    """Return the thousand most common surnames, and rarer compounds that share the remaining frequency."""
    common, frequency = surname_frequency()
    source = words("surnames")
    rare = np.array(
        [
            a + b
            for a in str(source["beginnings"]).split()
            for b in str(source["endings"]).split()
            if a[-1] != b[0]
        ]
    )
    weight = 1.0 / np.sqrt(np.arange(1, len(rare) + 1))
    order = np.argsort([hash_text(name) for name in rare], kind="stable")
    rare = rare[order]
    return np.r_[common, rare], np.r_[frequency, weight / weight.sum() * (1 - frequency.sum())]


def hash_text(text: str) -> int:
    """Return a hash of a word that is the same on every machine."""
    value = 0
    for letter in text.encode():
        value = (value * 1_000_003 + letter) % 2_147_483_647
    return value


def _surnames(rng: np.random.Generator, tradition: Whole) -> Texts:
    result = np.empty(len(tradition), dtype="<U32")
    source = words("surnames")
    names, frequency = _british_surnames()
    edges = np.cumsum(frequency)
    for name, index in _INDEX.items():
        here = tradition == index
        count = int(here.sum())
        if name in ("british", "caribbean"):
            picked = names[np.searchsorted(edges, rng.random(count) * edges[-1])]
        else:
            listed = np.array(str(source[name]).split())
            picked = listed[skewed(rng, np.full(count, len(listed)), 1.5)]
        result[here] = picked
    return result


def _family_surnames(
    rng: np.random.Generator, people: People, households: Households, tradition: Whole
) -> Texts:
    count = len(people)
    own = _surnames(rng, tradition)
    first = np.flatnonzero(people.relation == REFERENCE)
    family = np.full(len(households), "", dtype="<U32")
    family[people.household[first]] = own[first]
    partner = np.full(len(households), "", dtype="<U32")
    partners = np.flatnonzero(people.relation == PARTNER)
    partner[people.household[partners]] = own[partners]
    shared = family[people.household]
    other = partner[people.household]
    joins = happens(rng, 0.035, len(households))[people.household] & (tradition == 0)
    joined = np.char.add(np.char.add(other, "-"), shared).astype("<U32")
    takes = happens(rng, _PARTNER_SHARES[tradition], count)
    inherits = happens(rng, _CHILD_SHARES[tradition], count)
    child_line = np.isin(people.relation, (CHILD, GROWN))
    older = people.relation == OLDER
    result = np.select(
        [
            (people.relation == PARTNER) & takes,
            child_line & joins & (other != ""),
            child_line & inherits,
            child_line & (other != "") & happens(rng, 0.6, count),
            older & happens(rng, 0.75, count),
        ],
        [shared, joined, shared, other, shared],
        default=own,
    )
    result = _women_of_south_asia(rng, result, people, tradition)
    return _gendered(_sikh(rng, result, people, tradition), people.is_female)


def _women_of_south_asia(rng: np.random.Generator, surname: Texts, people: People, tradition: Whole) -> Texts:
    """Use Begum, Bibi, Khatun … for women of Pakistani and Bangladeshi families, older ones more often."""
    listed = np.array(str(words("surnames")["south_asian_female"]).split())
    muslim = np.isin(tradition, (_INDEX["pakistani"], _INDEX["bangladeshi"]))
    share = np.clip((people.age - 10) / 100, 0.05, 0.6) * np.where(
        tradition == _INDEX["bangladeshi"], 1.4, 1.0
    )
    chosen = muslim & people.is_female & happens(rng, share, len(people))
    return np.where(chosen, listed[skewed(rng, np.full(len(people), len(listed)))], surname)


def _sikh(rng: np.random.Generator, surname: Texts, people: People, tradition: Whole) -> Texts:
    sikh = (tradition == _INDEX["indian"]) & np.isin(
        surname, ("DHILLON", "SANDHU", "GILL", "GREWAL", "BAINS")
    )
    bare = sikh & happens(rng, 0.25, len(people))
    return np.where(bare, np.where(people.is_female, "KAUR", "SINGH"), surname)


def _gendered(surname: Texts, female: np.ndarray[Any, np.dtype[np.bool_]]) -> Texts:
    ends = female & (np.char.endswith(surname, "SKI") | np.char.endswith(surname, "CKI"))
    distinct, where = np.unique(surname[ends], return_inverse=True)
    result = surname.copy()
    if len(distinct):
        result[ends] = np.char.add(np.array([name[:-1] for name in distinct]), "A")[where]
    return result
