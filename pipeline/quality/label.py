"""Which names of groups the quality report may print: codes, values of a format, and Hearth's own words."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from governance.small_group import other
from pipeline.quality.wording import NOT_KNOWN, REASONS
from schemas.code_list import load_code_list
from schemas.contract import load_contract

_AGE_BANDS = frozenset({"0 to 15", "16 to 29", "30 to 44", "45 to 64", "65 to 79", "80 and over"})
_WORDS = {
    "age_band": _AGE_BANDS,
    "recent_mover": frozenset({"moved within a year", "settled"}),
    "has_uprn": frozenset({"yes", "no"}),
    "shares_a_building": frozenset({"yes", "no"}),
    "imd_decile": frozenset(map(str, range(1, 11))),
}
_CODES = {name: name for name in ("sex", "ethnic_group", "tenure", "property_type")}


def unknown_labels(content: Mapping[str, Any]) -> int:
    """Return how many labels of a report are neither codes, nor of a format, nor words of Hearth's own."""
    minimum = int(content["protection"]["minimum_cell_count"])
    return sum(not _is_known(place, label, minimum) for place, label in _labels(content))


def _labels(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for group in (*content["groups"], *content["flags"]):
        yield group["attribute"], group["category"]
    for unit, rows in content["reasons"].items():
        yield from ((f"reason of {unit}", row["reason"]) for row in rows)


def _is_known(place: str, label: str, minimum: int) -> bool:
    if label in (NOT_KNOWN, other(minimum)):
        return True
    if place.startswith("reason of "):
        return label in REASONS.get(place.removeprefix("reason of "), {})
    if place == "practice":
        return re.fullmatch(_practice_pattern(), label) is not None
    if place in _CODES:
        return label in {code.code for code in load_code_list(_CODES[place]).codes}
    return label in _WORDS.get(place, frozenset())


def _practice_pattern() -> str:
    return load_contract("pseudonymised", "nhs_resident").column("practice_code").pattern or "(?!)"
