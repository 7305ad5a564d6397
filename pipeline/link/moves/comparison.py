"""The scorecard `moved`: do members who are not listed at their recorded address live at another dwelling?

An NHS address may be out of date for months after a move. Three comparisons answer together: how well the
people agree, what the old address shows (its occupants, or none), and what the new one shows (patients, or
none). A single full name without a birth date counts only if it is unique on both sides.
"""

from pipeline.link.level import Comparison, Level, shared, shares

PART_AND_BIRTH = f"({shares('person_forename_birth')} OR {shares('person_surname_birth')})"

ELSEWHERE = Comparison(
    "elsewhere",
    "the best agreement between members who are not listed at their recorded address and people"
    " listed at another dwelling without a matching patient",
    "FALSE",
    (
        Level(
            "names_and_births",
            "two people agree in name and birth date",
            f"{shared('person_name_birth_part')} > 3",
        ),
        Level("name_and_birth", "name and two parts of the birth date", shares("person_name_birth_part")),
        Level("names", "two people agree in name", f"{shared('undated_name')} > 1"),
        Level(
            "unique_name",
            "one adult agrees in full name; no one else in either extract has the name",
            shares("unique_name"),
        ),
        Level("part_name_and_birth", "forename or surname agrees with the birth date", PART_AND_BIRTH),
        Level("other", "weaker agreement", None),
    ),
    at_least=(
        ("names_and_births", "name_and_birth"),
        ("names_and_births", "names"),
        ("name_and_birth", "names"),
        ("name_and_birth", "part_name_and_birth"),
        ("names", "unique_name"),
        ("names", "part_name_and_birth"),
        ("unique_name", "part_name_and_birth"),
        ("part_name_and_birth", "other"),
    ),
)

ORIGIN = Comparison(
    "origin",
    "what the recorded address shows of the members who are not listed there",
    "origin_r IS NULL",
    (
        Level("no_dwelling", "no dwelling was found at the recorded address", "origin_r = 'no_dwelling'"),
        Level(
            "replaced",
            "the people listed there belong to another group that is registered there",
            "origin_r = 'replaced'",
        ),
        Level("no_list", "no one at all is listed there", "origin_r = 'no_list'"),
        Level("unlisted", "others are listed there, and no one of the group", "origin_r = 'unlisted'"),
        Level(
            "apart",
            "others of the group are listed there, under another surname",
            "origin_r = 'apart'",
        ),
        Level("family", "others of the group are listed there, with the same surname", None),
    ),
)

DESTINATION = Comparison(
    "destination",
    "which patients are registered at the dwelling where the people are listed",
    "destination_l IS NULL",
    (
        Level("no_patient", "no one is registered there", "destination_l = 'no_patient'"),
        Level(
            "no_patient_payer",
            "no one is registered there, and only council tax payers are listed, who may be landlords",
            "destination_l = 'no_patient_payer'",
        ),
        Level("empty", "no one: the council records the dwelling as empty", "destination_l = 'empty'"),
        Level(
            "strangers",
            "only people who are not listed there",
            "destination_l = 'strangers'",
        ),
        Level("listed", "some of the people who are listed there", None),
    ),
    at_least=(("no_patient", "strangers"), ("no_patient", "no_patient_payer")),
)

MOVED = (ELSEWHERE, ORIGIN, DESTINATION)
