"""What is compared between a dwelling and an NHS address group, and in which levels.

Two comparisons, each of joint levels, most telling first. UPRN and address are one
comparison and all evidence of people another, because within each the parts depend on
each other: two households of one dwelling share UPRN *and* address, and a shared surname
follows from a shared full name. Between the two, place and people, independence is fair.

`_l` is the council's side, `_r` the NHS's (Splink orders data sets by name).
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
_POSTCODE = _shares("address_postcode")
_NO_ADDRESS = (
    "(address_unit_postcode_l IS NULL OR address_unit_postcode_r IS NULL)"
    " AND (address_unit_street_l IS NULL OR address_unit_street_r IS NULL)"
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
            "same UPRN, address of the same postcode or street number",
            f"{_SAME_UPRN} AND ({_STREET} OR {_POSTCODE})",
        ),
        Level("uprn_other_address", "same UPRN, another address", _SAME_UPRN),
        Level("old_uprn", "the dwelling's historic UPRN", _OLD_UPRN),
        Level(
            "parent_uprn_address",
            "the parent's UPRN, same dwelling by address",
            f"{_PARENT_UPRN} AND {_UNIT}",
        ),
        Level("parent_uprn", "the parent's UPRN", _PARENT_UPRN),
        Level("no_uprn_exact", "no UPRN, same full address", f"{_NO_UPRN} AND {_EXACT}"),
        Level("no_uprn_unit", "no UPRN, same number and postcode", f"{_NO_UPRN} AND {_UNIT}"),
        Level("no_uprn_street", "no UPRN, same number and street", f"{_NO_UPRN} AND {_STREET}"),
        Level("other_uprn_exact", "another UPRN, same full address", _EXACT),
        Level("other_uprn_unit", "another UPRN, same number and postcode", _UNIT),
        Level("other_uprn_street", "another UPRN, same number and street", _STREET),
        Level("postcode", "same postcode only", _POSTCODE),
        Level("elsewhere", "another place", None),
    ),
)

PEOPLE = Comparison(
    "people",
    "the best agreement between a person listed by the council and a member of the NHS group",
    "people_l = 0 OR people_r = 0 OR (person_surname_sector_l IS NULL AND person_name_l IS NULL"
    " AND person_forename_birth_l IS NULL)",
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
        Level(
            "part_name_and_birth",
            "one person agrees in forename or surname and birth date",
            f"({_shares('person_forename_birth')} OR {_shares('person_surname_birth')})",
        ),
        Level("names", "two people agree in name", f"{_shared('person_name_sector')} > 1"),
        Level(
            "name",
            "one person agrees in name",
            f"({_shares('person_name_sector')} OR {_shares('person_name')})",
        ),
        Level("initial_surname", "initial and surname agree", _shares("person_initial_surname_sector")),
        Level("phonetic", "initial and sound of the surname agree", _shares("person_phonetic_sector")),
        Level("surname", "surname agrees", _shares("person_surname_sector")),
        Level("birth", "birth date and postcode agree", _shares("person_birth_postcode")),
        Level("forename", "forename agrees", _shares("person_forename_sector")),
        Level("nobody_payer", "nobody agrees; only a council tax payer is listed", "is_payer_only_l"),
        Level("nobody", "nobody agrees", None),
    ),
)

COMPARISONS = (PLACE, PEOPLE)
