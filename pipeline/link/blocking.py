"""Which pairs are looked at: rules, in order of cost, and the cap on hot blocks.

A blocking value that more than `MAXIMUM_BLOCK` units of one side share (a tower block's
parent UPRN, a student hall's surname, a clerk's favourite placeholder) brings no pair
together by itself; its units are still found by their other values. So the pairs a unit
can take part in are bounded, whatever the size of the extract.
"""

from dataclasses import dataclass

#: Units of one side that may share a blocking value.
MAXIMUM_BLOCK = 30


@dataclass(frozen=True)
class BlockingRule:
    """One rule: a stable id (the link's `match_key`), its meaning, and the list column it joins on."""

    id: str
    meaning: str
    column: str
    sources: tuple[str, ...]


RULES = (
    BlockingRule(
        "uprn", "same, historic or parent UPRN", "block_uprn", ("uprn", "previous_uprn", "parent_uprn")
    ),
    BlockingRule(
        "address",
        "same dwelling within postcode or street",
        "block_address",
        ("address_unit_postcode", "address_unit_street"),
    ),
    BlockingRule(
        "person",
        "same surname in a postcode, or same name and birth date",
        "block_person",
        ("person_surname_postcode", "person_name_birth"),
    ),
)
