"""Which pairs are looked at: rules, and the cap on hot blocks.

A blocking value that more than the cap of one side's units share (a tower block's parent UPRN,
a student hall's surname, a clerk's favourite placeholder) brings no pair together by itself;
its units are still found by their other values. So the pairs that a unit can take part in are
bounded, whatever the size of the extract.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class BlockingRule:
    """One rule: its id (the link's `match_key`), its meaning, the list column it joins on.

    sources: columns whose values the list gathers. maximum_units: the cap on hot blocks.
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
    # Number and street alone would bring together every "1 High Street" of a county: more pairs a
    # unit, the larger the extract. With a surname they are as rare in a county as in a ward.
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
        "name and birth date, part of the name and birth date, or the names of two people",
        "block_moved",
        ("person_name_birth_part", "person_surname_birth", "person_forename_birth", "name_pair"),
        5,
    ),
)
