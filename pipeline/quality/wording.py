"""The words of the quality report: names of groups, reasons, and what cannot be known about the links."""

from collections.abc import Mapping, Sequence

from schemas.code_list import load_code_list

NOT_KNOWN = "not known"

#: Unit -> reason code -> what it means.
REASONS: dict[str, dict[str, str]] = {
    "nhs_record": {
        "linked": "linked to a dwelling",
        "no_candidate": "no dwelling has the same UPRN, address, or surname and postcode",
        "below_threshold": "the match weight of the best dwelling is too low",
        "clerical_review": "between the thresholds: needs review by people",
        "ambiguous": "two dwellings fit almost equally well",
        "decided_apart": "people reviewed the pair and decided that it is not one household",
        "split_off": "the group is linked, but this member probably left or never lived there",
    },
    "dwelling": {
        "linked": "has NHS residents",
        "no_candidate": "no NHS record has the same UPRN, address, or surname and postcode",
        "candidates_linked_elsewhere": "its candidate NHS groups fit another dwelling better",
        "below_threshold": "the match weight of the best NHS group is too low, or all its members have left",
        "clerical_review": "between the thresholds: needs review by people",
        "decided_apart": "people reviewed the pair and decided that it is not one household",
        "ambiguous": "an NHS group fits it and another dwelling almost equally well",
    },
}
#: What the reasons mean that are merged because each of them is of few records.
SMALL_REASONS = "other reasons, each of them of few records"
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
    """Return a category in words."""
    if attribute in _CODES and category != NOT_KNOWN:
        labels = {code.code: code.label for code in load_code_list(_CODES[attribute]).codes}
        return labels.get(category, category)
    return category.replace("_", " ")


def unknowable(compared: Mapping[str, int], without: Sequence[str], is_unmeasured: bool) -> list[str]:
    """Return what cannot be known about these links.

    compared: comparison -> best candidates for which it could be made. without: attributes of no record.
    """
    statements = []
    if not compared.get("people"):
        statements.append(
            "No names or birth dates could be compared. It cannot be known whether the people linked to a "
            "dwelling are the household that the council lists, who has moved away, or which registrations "
            "are stale or ghosts. Precision and recall cannot be estimated either, because the UPRN or "
            "address is the only evidence for a link."
        )
    if not compared.get("place"):
        statements.append(
            "Neither UPRNs nor addresses could be compared, so links depend on the people only."
        )
    if without:
        names = ", ".join(ATTRIBUTE_NAMES[name].lower() for name in without)
        statements.append(
            f"The extracts have no values of these attributes, so their gaps cannot be seen: {names}."
        )
    if is_unmeasured:
        statements.append(
            "The truth is not known, so precision and recall are the model's own estimates. People can "
            "measure precision by clerical review (hearth review). The governance report and rule LNK-08 "
            "then use the reviewed figure."
        )
    statements.append(
        "Estimated recall covers only pairs that were compared. If the records of a household have no UPRN, "
        "address, or surname and postcode in common, their link is missed and not counted as missed."
    )
    return statements
