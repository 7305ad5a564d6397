"""How well a member of an address group agrees with a person on the list of the group's dwelling."""

from pipeline.link.residence.comparison import LISTED_LEVELS

#: Level of agreement with the list -> alternatives: columns that must all have a token in common.
AGREEMENT: dict[str, tuple[tuple[str, ...], ...]] = {
    "name_and_birth": (("person_name_birth_part",),),
    "part_name_and_birth": (("person_forename_birth",), ("person_surname_birth",)),
    "name": (
        ("person_name_sector",),
        ("person_name",),
        ("person_surname_premises", "person_forename_premises"),
    ),
    "initial_surname": (("person_initial_surname_sector",),),
    "phonetic": (("person_phonetic_sector",),),
    "birth": (("person_birth_postcode",),),
    "forename": (("person_forename_premises",), ("person_forename_sector",)),
    "surname": (("person_surname_premises",), ("person_surname_sector",)),
}
#: Values of `list_agreement`, by code. "no_list": no one is listed, or the record has nothing to compare.
LIST_AGREEMENT = ("no_list", *AGREEMENT, "nobody")
#: SQL: the values at which a member counts as listed, and those at which they do not.
LISTED = "(" + ", ".join(f"'{level}'" for level in LISTED_LEVELS) + ")"
UNLISTED = "(" + ", ".join(f"'{level}'" for level in LIST_AGREEMENT if level not in LISTED_LEVELS) + ")"
#: Levels of people who agree in their birth date as well.
BY_BIRTH = ("name_and_birth", "part_name_and_birth")
