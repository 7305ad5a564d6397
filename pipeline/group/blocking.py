"""Blocking rules: which pairs of a dwelling and an NHS address group are compared at all.

A pair is a candidate if its units share a value of at least one rule. The units with one value are
a block. A block is oversized if more of the dwellings, or more of the address groups, share the
value than the rule's cap (a tower block's parent UPRN, a surname in a student hall, a placeholder
that a clerk types). The value of an oversized block is not used; its units are still found by
their other values. So the number of candidates of a unit is limited, whatever the size of the
extract, and the number of pairs grows in proportion to the records.

Source: Fellegi and Sunter, JASA 64 (1969) 1183-1210, who restrict comparisons to a subspace.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class BlockingRule:
    """One rule: its id (`match_key` of a link), its meaning, and the list column that it joins on.

    sources: columns whose values the list column contains. maximum_units: the most dwellings, and the
    most address groups, that may share a value; with more the block is oversized.
    """

    id: str
    meaning: str
    column: str
    sources: tuple[str, ...]
    maximum_units: int


RECORDED_RULES = (
    BlockingRule(
        "uprn", "same, historic or parent UPRN", "block_uprn", ("uprn", "previous_uprn", "parent_uprn"), 30
    ),
    BlockingRule(
        "address", "same dwelling within a postcode", "block_address", ("address_unit_postcode",), 30
    ),
    BlockingRule("surname", "same surname in a postcode", "block_surname", ("person_surname_postcode",), 30),
    # Number and street without a postcode would pair every "1 High Street" of a county, so the pairs per
    # unit would grow with the extract. With a surname such pairs are as rare in a county as in a ward.
    BlockingRule(
        "premises",
        "same surname at the same number and street, whatever the postcode",
        "block_premises",
        ("person_surname_premises",),
        30,
    ),
)

MOVED_RULES = (
    BlockingRule(
        "moved",
        "name and birth date, part of the name and birth date, the names of two people, or a unique name",
        "block_moved",
        (
            "person_name_birth_part",
            "person_surname_birth",
            "person_forename_birth",
            "name_pair",
            "unique_name",
        ),
        5,
    ),
)
