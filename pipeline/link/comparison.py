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

`moved` finds people whose NHS address is out of date (see `moves.comparison`), `residence` registrations of
people who left (see `residence.comparison`).

Columns that end in `_l` are the council's, columns that end in `_r` are the NHS's.
"""

from pipeline.link.level import Comparison as Comparison
from pipeline.link.level import Level as Level
from pipeline.link.level import shared, shares
from pipeline.link.moves.comparison import MOVED, PART_AND_BIRTH
from pipeline.link.residence.comparison import RESIDENCE

_SAME_UPRN = "uprn_l = uprn_r"
_OLD_UPRN = "previous_uprn_l = uprn_r"
_PARENT_UPRN = "parent_uprn_l = uprn_r"
_NO_UPRN = "(uprn_l IS NULL OR uprn_r IS NULL)"
_EXACT = shares("address_exact")
_UNIT = f"({_EXACT} OR {shares('address_unit_postcode')})"
_STREET = shares("address_unit_street")
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
    at_least=(
        ("uprn_and_address", "uprn_near_address"),
        ("uprn_and_address", "uprn_no_address"),
        ("uprn_near_address", "uprn_other_address"),
        ("parent_uprn_address", "parent_uprn"),
        ("no_uprn_exact", "no_uprn_unit"),
        ("no_uprn_unit", "no_uprn_street"),
        ("no_uprn_street", "neighbour"),
        ("sibling_uprn_address", "neighbour"),
        ("other_uprn_exact", "other_uprn_unit"),
        ("other_uprn_unit", "other_uprn_street"),
        ("other_uprn_street", "neighbour"),
    ),
)

_SURNAME_HERE = shares("person_surname_premises")
_FORENAME_HERE = shares("person_forename_premises")
_NAME = (
    f"({shares('person_name_sector')} OR {shares('person_name')} OR ({_SURNAME_HERE} AND {_FORENAME_HERE}))"
)
_SURNAME = f"({shares('person_surname_sector')} OR {_SURNAME_HERE})"
_FORENAME = f"({shares('person_forename_sector')} OR {_FORENAME_HERE})"
_SEVERAL = "people_l > 1 AND people_r > 1"

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
            f"{shared('person_name_birth_part')} > 3",
        ),
        Level(
            "name_and_birth",
            "one person agrees in name and two parts of the birth date",
            shares("person_name_birth_part"),
        ),
        Level("names", "two people agree in name", f"{shared('person_name_sector')} > 1"),
        Level("part_name_and_birth", "forename or surname agrees with the birth date", PART_AND_BIRTH),
        Level("name", "one person agrees in name", _NAME),
        Level("initial_surname", "initial and surname agree", shares("person_initial_surname_sector")),
        Level("phonetic", "initial and sound of the surname agree", shares("person_phonetic_sector")),
        Level("birth", "birth date and postcode agree", shares("person_birth_postcode")),
        Level(
            "surname_of_several",
            "only a surname agrees, and both the list and the group have several people",
            f"{_SURNAME} AND {_SEVERAL}",
        ),
        Level(
            "forename_of_several",
            "only a forename agrees, and both the list and the group have several people",
            f"{_FORENAME} AND {_SEVERAL}",
        ),
        Level("forename", "forename agrees", _FORENAME),
        Level("surname", "surname agrees", _SURNAME),
        Level("nobody_payer", "no one agrees; only council tax payers are listed", "is_payer_only_l"),
        Level("nobody", "no one agrees", None),
    ),
    at_least=(
        ("no_list", "no_list_empty"),
        ("names_and_births", "name_and_birth"),
        # Of two levels that a pair can reach together, the first is reached, so it may not weigh less.
        ("name_and_birth", "names"),
        ("names", "part_name_and_birth"),
        ("part_name_and_birth", "name"),
        ("name", "initial_surname"),
        ("initial_surname", "phonetic"),
        ("phonetic", "birth"),
        ("birth", "surname_of_several"),
        ("birth", "forename"),
        ("surname_of_several", "forename_of_several"),
        ("forename", "surname"),
        ("surname", "nobody"),
        ("forename_of_several", "nobody"),
        ("nobody_payer", "nobody"),
    ),
)

#: Levels of PEOPLE at which no one is listed, so that no people are compared.
NO_LIST = ("no_list_empty", "no_list")
#: Levels of PEOPLE that are too weak for a link: if the weight is enough for one, clerical review decides.
#: Where several people are listed and several registered, a household agrees in more than half a name.
TOO_WEAK_TO_LINK = ("surname_of_several", "forename_of_several")

#: Scorecard -> its comparisons.
SCORECARDS: dict[str, tuple[Comparison, ...]] = {
    "recorded": (PLACE, PEOPLE),
    "moved": MOVED,
    "residence": RESIDENCE,
}
