"""What is compared, and in which levels: three scorecards of joint levels, most telling first.

RECORDED asks whether an NHS address group belongs to a dwelling near its recorded address.
UPRN and address are one comparison and all evidence of people another, because within each
the parts depend on each other: two households of one dwelling share UPRN *and* address, and a
shared surname follows from a shared full name.

MOVED asks whether people whom nobody at their recorded address knows are listed elsewhere.

RESIDENCE asks whether one member of a linked group lives there: stale and ghost registrations
are members whom the dwelling's list does not know, at an age at which it should.

`_l` is the council's side, `_r` the NHS's.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """One comparison level: a stable id, what it means, and its SQL condition (None: everything else)."""

    id: str
    meaning: str
    sql: str | None


@dataclass(frozen=True)
class Comparison:
    """A comparison: its name, the condition under which nothing can be compared, its levels in order."""

    name: str
    meaning: str
    missing: str
    levels: tuple[Level, ...]


def _shares(column: str) -> str:
    """SQL: the two lists have a token in common; false where either is missing."""
    return f"COALESCE(list_has_any({column}_l, {column}_r), FALSE)"


def _shared(column: str) -> str:
    """SQL: how many tokens the two lists have in common; 0 where either is missing."""
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
    "people_l = 0 OR people_r = 0 OR (person_surname_premises_l IS NULL AND person_surname_sector_l IS NULL"
    " AND person_name_l IS NULL AND person_forename_birth_l IS NULL)",
    (
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
            "surname agrees, and no more of several people on either side",
            f"{_SURNAME} AND {_SEVERAL}",
        ),
        Level("surname", "surname agrees", _SURNAME),
        Level("birth", "birth date and postcode agree", _shares("person_birth_postcode")),
        Level(
            "forename_of_several",
            "forename agrees, and no more of several people on either side",
            f"{_FORENAME} AND {_SEVERAL}",
        ),
        Level("forename", "forename agrees", _FORENAME),
        Level("nobody_payer", "nobody agrees; only a council tax payer is listed", "is_payer_only_l"),
        Level("nobody", "nobody agrees", None),
    ),
)

ELSEWHERE = Comparison(
    "elsewhere",
    "the best agreement between people whom their recorded address does not know and people"
    " listed at a dwelling for whom no patient was found",
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
        Level("other", "less", None),
    ),
)

#: Levels of PEOPLE that a link never rests on: where several people are listed and several registered,
#: two of one household agree in more than half a name; where none do, clerical review decides.
TOO_LITTLE = ("surname_of_several", "forename_of_several")

#: Ages up to which a band reaches; the last is open. Councils list adults, schools list children.
AGE_BANDS = ((17, "0_17"), (29, "18_29"), (49, "30_49"), (199, "50_on"))

_KNOWN = (
    Level("name_and_birth", "name and birth date agree with a listed person", "name_and_birth"),
    Level("part_name_and_birth", "forename or surname agrees with the birth date", "part_name_and_birth"),
    Level("name", "name agrees", "name"),
    Level("initial_surname", "initial and surname agree", "initial_surname"),
    Level("phonetic", "initial and sound of the surname agree", "phonetic"),
    Level("birth", "birth date agrees", "birth"),
    Level("forename", "forename agrees", "forename"),
)

LISTED = Comparison(
    "listed",
    "how well the dwelling's list knows the member, by age where it does not",
    "no_list",
    (
        *_KNOWN,
        *(Level(f"surname_{b}", f"only the surname agrees, aged {b}", f"surname_{b}") for _, b in AGE_BANDS),
        *(Level(f"nobody_{b}", f"nobody agrees, aged {b}", f"nobody_{b}") for _, b in AGE_BANDS),
        Level(
            "seen_elsewhere", "nobody agrees, and another dwelling knows the same person", "seen_elsewhere"
        ),
    ),
)

LIST_KIND = Comparison(
    "list_kind",
    "what kind of list does not know an adult",
    "listed by somebody, or a child",
    (
        Level("tenants", "a tenancy or a benefit claim, which names the household", "tenants"),
        Level("electors", "the electoral register, which names adults", "electors"),
        Level("payers", "council tax or a school alone", "payers"),
    ),
)

#: Levels of LISTED that say the list knows the person.
KNOWN_LEVELS = tuple(level.id for level in _KNOWN if level.id not in ("birth", "forename"))

#: Scorecard -> its comparisons.
SCORECARDS: dict[str, tuple[Comparison, ...]] = {
    "recorded": (PLACE, PEOPLE),
    "moved": (ELSEWHERE,),
    "residence": (LISTED, LIST_KIND),
}
