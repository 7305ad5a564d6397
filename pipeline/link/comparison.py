"""What is compared, and at which levels: three scorecards, each level after stronger ones.

The method is that of Fellegi and Sunter (JASA 64 (1969) 1183-1210). A candidate reaches one level
of each comparison; the level has a match weight, log2 of its Bayes factor; the weights and the
prior add up to log2 of the odds that the candidate is true.

| scorecard | one candidate | question |
|---|---|---|
| recorded | a dwelling, and an NHS address group recorded near it | Does the group belong to the dwelling? |
| moved | a dwelling, and the members of a group not listed at their address | Do they live there instead? |
| residence | a member of a linked group, and its dwelling | Does the member live there? |

The levels are joint because evidence of one kind is not independent: two households of one
dwelling share UPRN *and* address, and people with the same full name share a surname. So UPRN and
address are one comparison, and all evidence of people is another.

`residence` finds registrations that are out of date: members who are not on the dwelling's list,
at an age at which lists are usually complete.

Columns that end in `_l` are the council's, columns that end in `_r` are the NHS's.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """One comparison level: a stable id, its meaning in words, and its SQL condition.

    sql: None for the last level, which takes the remaining candidates. Levels of `residence` are
    computed by `sql/outcome.sql`; their `sql` is the value that the query returns.
    """

    id: str
    meaning: str
    sql: str | None


@dataclass(frozen=True)
class Comparison:
    """A comparison: its name, its meaning in words, and its levels; the first level that applies is reached.

    missing: SQL condition (for `residence`: in words) for candidates with nothing to compare; these
    have no level, and the comparison adds no weight.
    """

    name: str
    meaning: str
    missing: str
    levels: tuple[Level, ...]


def _shares(column: str) -> str:
    """SQL: the two lists have a token in common; false if either is missing."""
    return f"COALESCE(list_has_any({column}_l, {column}_r), FALSE)"


def _shared(column: str) -> str:
    """SQL: the number of tokens that the two lists have in common; 0 if either is missing."""
    return f"COALESCE(len(list_intersect({column}_l, {column}_r)), 0)"


_SAME_UPRN = "uprn_l = uprn_r"
_OLD_UPRN = "previous_uprn_l = uprn_r"
_PARENT_UPRN = "parent_uprn_l = uprn_r"
_NO_UPRN = "(uprn_l IS NULL OR uprn_r IS NULL)"
_EXACT = _shares("address_exact")
_UNIT = f"({_EXACT} OR {_shares('address_unit_postcode')})"
_STREET = _shares("address_unit_street")
_NO_ADDRESS = (
    "((address_unit_postcode_l IS NULL OR address_unit_postcode_r IS NULL)"
    " AND (address_unit_street_l IS NULL OR address_unit_street_r IS NULL))"
)

PLACE = Comparison(
    "place",
    "UPRN and address together",
    f"{_NO_UPRN} AND {_NO_ADDRESS}",
    (
        Level("uprn_and_address", "same UPRN, same dwelling by address", f"{_SAME_UPRN} AND {_UNIT}"),
        Level("uprn_no_address", "same UPRN, address not comparable", f"{_SAME_UPRN} AND {_NO_ADDRESS}"),
        Level(
            "uprn_near_address",
            "same UPRN, same number and street in another postcode",
            f"{_SAME_UPRN} AND {_STREET}",
        ),
        Level("uprn_other_address", "same UPRN, another address", _SAME_UPRN),
        Level("old_uprn", "the dwelling's historic UPRN", _OLD_UPRN),
        Level(
            "parent_uprn_address",
            "the parent's UPRN, same dwelling by address",
            f"{_PARENT_UPRN} AND ({_UNIT} OR {_STREET})",
        ),
        Level("parent_uprn", "the parent's UPRN", _PARENT_UPRN),
        Level("no_uprn_exact", "no UPRN, same full address", f"{_NO_UPRN} AND {_EXACT}"),
        Level("no_uprn_unit", "no UPRN, same number and postcode", f"{_NO_UPRN} AND {_UNIT}"),
        Level("no_uprn_street", "no UPRN, same number and street", f"{_NO_UPRN} AND {_STREET}"),
        Level(
            "sibling_uprn_address",
            "the UPRN of a dwelling under the same parent, same dwelling by address",
            f"parent_uprn_l = parent_of_uprn_r AND ({_UNIT} OR {_STREET})",
        ),
        Level("other_uprn_exact", "another UPRN, same full address", _EXACT),
        Level("other_uprn_unit", "another UPRN, same number and postcode", _UNIT),
        Level("other_uprn_street", "another UPRN, same number and street", _STREET),
        Level("neighbour", "at most the same postcode", None),
    ),
)

_SURNAME_HERE = _shares("person_surname_premises")
_FORENAME_HERE = _shares("person_forename_premises")
_NAME = (
    f"({_shares('person_name_sector')} OR {_shares('person_name')} OR ({_SURNAME_HERE} AND {_FORENAME_HERE}))"
)
_SURNAME = f"({_shares('person_surname_sector')} OR {_SURNAME_HERE})"
_FORENAME = f"({_shares('person_forename_sector')} OR {_FORENAME_HERE})"
_SEVERAL = "people_l > 1 AND people_r > 1"
_PART_AND_BIRTH = f"({_shares('person_forename_birth')} OR {_shares('person_surname_birth')})"

PEOPLE = Comparison(
    "people",
    "the best agreement between a person listed by the council and a member of the NHS group",
    "(people_l = 0 AND NOT is_unlisted_l AND NOT is_empty_l) OR people_r = 0 OR (people_l > 0"
    " AND person_surname_premises_l IS NULL AND person_surname_sector_l IS NULL"
    " AND person_name_l IS NULL AND person_forename_birth_l IS NULL)",
    (
        Level(
            "no_list_empty",
            "no one is listed, and the council records the dwelling as empty",
            "people_l = 0 AND is_empty_l",
        ),
        Level("no_list", "no one is listed, and the dwelling is not recorded as empty", "people_l = 0"),
        Level(
            "names_and_births",
            "two people agree in name and birth date",
            f"{_shared('person_name_birth_part')} > 3",
        ),
        Level(
            "name_and_birth",
            "one person agrees in name and two parts of the birth date",
            _shares("person_name_birth_part"),
        ),
        Level("part_name_and_birth", "forename or surname agrees with the birth date", _PART_AND_BIRTH),
        Level("names", "two people agree in name", f"{_shared('person_name_sector')} > 1"),
        Level("name", "one person agrees in name", _NAME),
        Level("initial_surname", "initial and surname agree", _shares("person_initial_surname_sector")),
        Level("phonetic", "initial and sound of the surname agree", _shares("person_phonetic_sector")),
        Level(
            "surname_of_several",
            "only a surname agrees, and both the list and the group have several people",
            f"{_SURNAME} AND {_SEVERAL}",
        ),
        Level("surname", "surname agrees", _SURNAME),
        Level("birth", "birth date and postcode agree", _shares("person_birth_postcode")),
        Level(
            "forename_of_several",
            "only a forename agrees, and both the list and the group have several people",
            f"{_FORENAME} AND {_SEVERAL}",
        ),
        Level("forename", "forename agrees", _FORENAME),
        Level("nobody_payer", "no one agrees; only council tax payers are listed", "is_payer_only_l"),
        Level("nobody", "no one agrees", None),
    ),
)

ELSEWHERE = Comparison(
    "elsewhere",
    "the best agreement between members who are not listed at their recorded address and people"
    " listed at another dwelling without a matching patient",
    "FALSE",
    (
        Level(
            "names_and_births",
            "two people agree in name and birth date",
            f"{_shared('person_name_birth_part')} > 3",
        ),
        Level("name_and_birth", "name and two parts of the birth date", _shares("person_name_birth_part")),
        Level("part_name_and_birth", "forename or surname agrees with the birth date", _PART_AND_BIRTH),
        Level("names", "two people agree in name", f"{_shared('undated_name')} > 1"),
        Level("other", "weaker agreement", None),
    ),
)

#: Levels of PEOPLE at which no one is listed, so that no people are compared.
NO_LIST = ("no_list_empty", "no_list")
#: Levels of PEOPLE that are too weak for a link: if the weight is enough for one, clerical review decides.
#: Where several people are listed and several registered, a household agrees in more than half a name.
TOO_WEAK_TO_LINK = ("surname_of_several", "forename_of_several")

#: Upper age and name of each age band; the last is open. By age, because councils list adults and schools
#: list children.
AGE_BANDS = ((17, "0_17"), (29, "18_29"), (49, "30_49"), (199, "50_on"))

_AGREEMENT_WITH_LIST = (
    Level("name_and_birth", "name and birth date agree with a listed person", "name_and_birth"),
    Level("part_name_and_birth", "forename or surname agrees with the birth date", "part_name_and_birth"),
    Level("name", "name agrees", "name"),
    Level("initial_surname", "initial and surname agree", "initial_surname"),
    Level("phonetic", "initial and sound of the surname agree", "phonetic"),
    Level("birth", "birth date agrees", "birth"),
    Level("forename", "forename agrees", "forename"),
)


def _levels_by_age(level: str, meaning: str) -> tuple[Level, ...]:
    return tuple(
        Level(
            f"{level}_{band}",
            f"{meaning}, aged {band.replace('_on', ' and over').replace('_', ' to ')}",
            f"{level}_{band}",
        )
        for _, band in AGE_BANDS
    )


LISTED = Comparison(
    "listed",
    "the best agreement between the member and the people listed at the dwelling; by age where only"
    " the surname agrees or nothing does",
    "no_list",
    (
        *_AGREEMENT_WITH_LIST,
        *_levels_by_age("surname", "only the surname agrees"),
        *_levels_by_age("nobody", "no one agrees"),
        Level(
            "seen_elsewhere",
            "at most the surname agrees, and the person is listed at another dwelling",
            "seen_elsewhere",
        ),
    ),
)

LIST_KIND = Comparison(
    "list_kind",
    "the most complete kind of list at the dwelling, for an adult who is not on it",
    "the member is listed, or is a child",
    (
        Level("tenants", "a tenancy or a benefit claim, which names the household", "tenants"),
        Level("electors", "the electoral register, which names adults", "electors"),
        Level("payers", "only council tax or a school", "payers"),
    ),
)

#: Levels of LISTED at which the member counts as one of the listed people.
LISTED_LEVELS = tuple(level.id for level in _AGREEMENT_WITH_LIST if level.id not in ("birth", "forename"))

#: Scorecard -> its comparisons.
SCORECARDS: dict[str, tuple[Comparison, ...]] = {
    "recorded": (PLACE, PEOPLE),
    "moved": (ELSEWHERE,),
    "residence": (LISTED, LIST_KIND),
}
