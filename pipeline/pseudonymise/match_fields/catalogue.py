"""Lists the match fields, the values that each combines, and what protects it from being recognised.

Fields of the same `kind` have the same token for the same value, in every table. Fields of different kinds
never have the same token.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class MatchField:
    """One token column of a pseudonymised table.

    name: of the column. made_of: the values that its clear value combines, in words. kind: domain of the
    hash. is_list: whether a cell has a list of values (several forms). salt: what a single name is combined
    with, None for composites. maximum_records: values in more records of the extract than this are withheld
    (null), because a frequent value can be recognised and is weak evidence; None withholds nothing.
    single_field: whether it is one attribute of a person, apart from the salt.
    """

    name: str
    made_of: str
    kind: str
    is_list: bool = False
    salt: str | None = None
    maximum_records: int | None = None
    single_field: bool = False


#: An address of more people than this (a care home, a hall of residence) gets no address tokens, because few
#: addresses have that many people, so their number could identify it. It keeps its UPRN pseudonym.
_LARGEST_HOUSEHOLD = 12
#: A surname or forename of more people in one postcode sector than this is withheld from the single-field
#: columns. The composites still include it.
_COMMON_IN_SECTOR = 6

ADDRESS_FIELDS: tuple[MatchField, ...] = (
    MatchField(
        "address_exact",
        "flat, premises, street and postcode",
        "address.exact",
        maximum_records=_LARGEST_HOUSEHOLD,
    ),
    MatchField(
        "address_unit_postcode",
        "flat with premises number or building name, and postcode; one form for each way to write it",
        "address.unit-postcode",
        is_list=True,
        maximum_records=_LARGEST_HOUSEHOLD,
    ),
    MatchField(
        "address_unit_street",
        "flat with premises number or building name, and street; no postcode",
        "address.unit-street",
        is_list=True,
        maximum_records=_LARGEST_HOUSEHOLD,
    ),
)

PERSON_FIELDS: tuple[MatchField, ...] = (
    MatchField("person_name_birth", "forename and surname (either order), birth date", "person.name-birth"),
    MatchField(
        "person_name_birth_part",
        "forename and surname (either order), with each two of birth year, month and day",
        "person.name-birth-part",
        is_list=True,
    ),
    MatchField("person_surname_birth", "each surname, birth date", "person.surname-birth", is_list=True),
    MatchField("person_forename_birth", "each forename, birth date", "person.forename-birth", is_list=True),
    MatchField(
        "person_name",
        "forename and surname (either order)",
        "person.name",
        maximum_records=40,
    ),
    MatchField(
        "person_name_sector",
        "each forename with each surname (either order)",
        "person.name-sector",
        is_list=True,
        salt="postcode sector",
    ),
    MatchField(
        "person_initial_surname_sector",
        "first letter of each forename with each surname",
        "person.initial-surname-sector",
        is_list=True,
        salt="postcode sector",
    ),
    MatchField(
        "person_surname_sector",
        "each surname",
        "person.surname-sector",
        is_list=True,
        salt="postcode sector",
        maximum_records=_COMMON_IN_SECTOR,
        single_field=True,
    ),
    MatchField(
        "person_forename_sector",
        "each forename",
        "person.forename-sector",
        is_list=True,
        salt="postcode sector",
        maximum_records=_COMMON_IN_SECTOR,
        single_field=True,
    ),
    MatchField(
        "person_phonetic_sector",
        "phonetic code of each surname with the first letter of the forename",
        "person.phonetic-sector",
        is_list=True,
        salt="postcode sector",
    ),
    MatchField(
        "person_surname_premises",
        "each surname with the UPRN, and with premises and street",
        "person.surname-premises",
        is_list=True,
    ),
    MatchField(
        "person_forename_premises",
        "each forename with the UPRN, and with premises and street",
        "person.forename-premises",
        is_list=True,
    ),
    MatchField(
        "person_surname_postcode",
        "each surname with the postcode",
        "person.surname-postcode",
        is_list=True,
    ),
    MatchField("person_birth_postcode", "birth date with the postcode", "person.birth-postcode"),
)

#: Ingest table -> the token columns of its pseudonymised table.
MATCH_FIELDS: Mapping[str, tuple[MatchField, ...]] = {
    "council_property": ADDRESS_FIELDS,
    "council_person": ADDRESS_FIELDS + PERSON_FIELDS,
    "nhs_person": ADDRESS_FIELDS + PERSON_FIELDS,
}
