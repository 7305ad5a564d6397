"""Household definition household/v3: the rules, in the order in which they are applied.

A household is the residents of one council dwelling on the reference date. Each rule keeps an NHS record
or leaves it out, for one reason of a closed list. The SQL writes the code of the rule that leaves a record
out; everything else about a rule is here.
"""

from dataclasses import dataclass

VERSION = "household/v3"

#: The reasons why a person is in no household; there are no others.
REASONS = (
    "residency",
    "multiple_address",
    "no_match",
    "imprecise",
    "out_of_area",
    "non_residential",
    "improbable",
)


@dataclass(frozen=True)
class Rule:
    """One step from registrations to residents.

    code: as the SQL writes it. reason: one of REASONS, or None if no person is left out (duplicates).
    description: what is true of a record that stays. source: the publication that the rule is from.
    """

    code: str
    reason: str | None
    description: str
    source: str


@dataclass(frozen=True)
class Caps:
    """The size above which residents of a dwelling are improbable as one household.

    maximum_residents: more residents than this are improbable.
    maximum_older_residents: so are more than this many who are all older than older_age (years).
    """

    name: str
    maximum_residents: int
    maximum_older_residents: int
    older_age: int = 67


#: The caps of household/v3, and the alternatives under which every figure is counted too.
CAPS = Caps("v1", maximum_residents=10, maximum_older_residents=4)
ALTERNATIVE_CAPS = (
    Caps("up_to_12", maximum_residents=12, maximum_older_residents=4),
    Caps("without_older_rule", maximum_residents=10, maximum_older_residents=10),
    Caps("without_caps", maximum_residents=1_000_000, maximum_older_residents=1_000_000),
)

#: The date that suppliers write for an unknown date.
FLOOR_DATE = "1900-01-01"

_CEG = "CEG household method, IJPDS 2024 9(1):2379"

RULES = (
    Rule("deceased", "residency", "The person is alive on the reference date", _CEG),
    Rule(
        "not_registered",
        "residency",
        "The registration covers the reference date; one that ends before it starts covers none",
        _CEG,
    ),
    Rule(
        "not_usual_address",
        "residency",
        "The address is the usual one, neither temporary nor for correspondence",
        _CEG,
    ),
    Rule(
        "spell_reversed",
        "residency",
        "The address spell does not end before it starts",
        "household/v1: a reversed spell shows residence on no date",
    ),
    Rule(
        "spell_not_current",
        "residency",
        "The address spell covers the reference date, both ends included; missing or 1900-01-01 is open",
        _CEG,
    ),
    Rule(
        "superseded",
        "residency",
        "No spell or registration of the person that started later also covers the reference date",
        "CEG: latest address; ties are not broken at random",
    ),
    Rule(
        "multiple_address",
        "multiple_address",
        "The person's latest records name one dwelling, not several",
        _CEG,
    ),
    Rule("duplicate_record", None, "Each person is counted once in a dwelling", "household/v1"),
    Rule("no_match", "no_match", "The address is linked to a council dwelling", _CEG),
    Rule(
        "imprecise",
        "imprecise",
        "The link is to one existing dwelling: not ambiguous, not a block's parent shell, not demolished",
        "CEG best-match qualifier; BLPU class P*, BLPU state 4",
    ),
    Rule("out_of_area", "out_of_area", "The dwelling's LSOA is in the area lookup", "household/v1"),
    Rule(
        "communal_recorded",
        "non_residential",
        "The dwelling is not a communal establishment by BLPU class (care home, hall, prison, hospital, "
        "hotel, barracks) or by council tax exemption (class M, hall of residence)",
        "AddressBase classification; Council Tax (Exempt Dwellings) Order 1992",
    ),
    Rule(
        "non_residential",
        "non_residential",
        "The dwelling's BLPU class is residential, mixed, unclassified or not recorded",
        "CEG residential classes",
    ),
    Rule(
        "communal_evident",
        "non_residential",
        "The residents do not look like those of a care home (more than 5, nine in ten aged 75 or over and "
        "registered with one practice) or a hall of residence (more than 10, nine in ten aged 17 to 24)",
        "household/v1, after PMC8374378 on care homes missed by address",
    ),
    Rule(
        "improbable_size",
        "improbable",
        "At most 10 residents, and at most 4 where all are over 67",
        "CEG (more than 10); OpenSAFELY household study (more than 4, all over 67)",
    ),
)

RULE_ORDER = {rule.code: order for order, rule in enumerate(RULES, start=1)}
