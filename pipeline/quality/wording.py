"""The quality report's words: names of groups and reasons, and what nobody can say of these links."""

from collections.abc import Mapping, Sequence

from schemas.code_list import load_code_list

NOT_KNOWN = "not known"

#: Unit -> reason code -> what it means.
REASONS: dict[str, dict[str, str]] = {
    "nhs_record": {
        "linked": "linked to a dwelling",
        "no_candidate": "no dwelling shares UPRN, address, or surname and postcode",
        "below_threshold": "the best dwelling agrees too little",
        "clerical_review": "between the thresholds: people should look",
        "ambiguous": "two dwellings fit nearly equally well",
        "split_off": "the group is linked; this member's evidence is of having left or never lived there",
    },
    "dwelling": {
        "linked": "has NHS residents",
        "no_candidate": "no NHS record comes near it",
        "candidates_linked_elsewhere": "the NHS groups near it fit another dwelling better",
        "below_threshold": "the NHS group that fits best agrees too little, or nobody of it is left there",
        "clerical_review": "between the thresholds: people should look",
        "ambiguous": "an NHS group fits it and another dwelling nearly equally well",
    },
}
ATTRIBUTE_NAMES = {
    "age_band": "Age",
    "sex": "Sex",
    "ethnic_group": "Ethnic group",
    "recent_mover": "Recent mover",
    "practice": "Practice",
    "has_uprn": "NHS record has a UPRN",
    "tenure": "Tenure",
    "imd_decile": "IMD decile (1 most deprived)",
    "property_type": "Property type",
    "shares_a_building": "Flat or unit of a building",
}
FIGURES = {
    "match_rate": "match rate",
    "estimated_precision": "estimated precision",
    "measured_precision": "measured precision",
    "measured_recall": "measured recall",
}
UNITS = {"nhs_record": "NHS records", "dwelling": "dwellings"}
_CODES = {"sex": "sex", "ethnic_group": "ethnic_group"}


def category_name(attribute: str, category: str) -> str:
    """Return a category in words, for people."""
    if attribute in _CODES and category != NOT_KNOWN:
        labels = {code.code: code.label for code in load_code_list(_CODES[attribute]).codes}
        return labels.get(category, category)
    return category.replace("_", " ")


def unknowable(compared: Mapping[str, int], without: Sequence[str], is_unmeasured: bool) -> list[str]:
    """Return what cannot be known of these links.

    compared: comparison -> best candidates of which it could be made. without: attributes of no record.
    """
    said = []
    if not compared.get("people"):
        said.append(
            "No names or birth dates could be compared. Whether the people linked to a dwelling are the "
            "household that the council lists, who has moved away, and which registrations are stale or "
            "ghosts cannot be known; nor can precision and recall be estimated, because nothing speaks for "
            "or against a link but the UPRN or address itself."
        )
    if not compared.get("place"):
        said.append("Neither UPRNs nor addresses could be compared: links rest on people alone.")
    if without:
        names = ", ".join(ATTRIBUTE_NAMES[name].lower() for name in without)
        said.append(
            f"The extracts do not tell these of anyone, so gaps between their groups stay unseen: {names}."
        )
    if is_unmeasured:
        said.append(
            "The truth is not known, so precision and recall are the model's own estimates. Clerical review "
            "(hearth review) is how people check them."
        )
    said.append(
        "Estimated recall counts pairs that came to be compared. A household whose records share neither "
        "UPRN, address, nor surname and postcode is missed without being counted."
    )
    return said
