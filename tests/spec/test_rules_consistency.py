"""Extracts fit each other: the nearest case that passes and the nearest that is refused, rule by rule."""

from datetime import UTC, datetime
from typing import Any

import pytest

AREAS = {
    "properties": 1000, "stated": 1000, "listed": 978, "ended": 2, "ended_areas": 2, "elsewhere": 20,
    "elsewhere_areas": 1, "largest_elsewhere": 20, "unknown": 0, "unknown_areas": 0, "lookup_areas": 10,
    "empty_areas": 0, "split_msoas": 0,
}  # fmt: skip
PEOPLE = {
    "rows": 1000, "numbers": 1000, "numbers_of_two_people": 5, "rows_of_two_people": 10,
    "numbers_under_two_dates": 9, "people_under_two_numbers": 10, "rows_under_two_numbers": 20,
    "rows_without_number_joined": 1,
}  # fmt: skip
BIRTHS = {"people": 1000, "born": "2025-09-29", "after_reference": 2}
SHARED = {"dwellings": 100, "address_groups": 100, "on_list": 30}


def council(**changes: int) -> dict[str, Any]:
    table = {"source": "extract", "people": {}, "newest_birth": None}
    facts = {"areas": AREAS | changes, "properties": {"properties": 1000, "duplicates": 10}, "homes": {}}
    return {"tables": {"council_property": table}, "consistency": facts}


def nhs(births: dict[str, Any] = BIRTHS, homes: int = 20, **changes: int) -> dict[str, Any]:
    table = {"source": "extract", "people": PEOPLE | changes, "newest_birth": births}
    facts = {"areas": {}, "properties": {}, "homes": {"homes": 1000, "minors_only": homes}}
    return {"tables": {"nhs_person": table}, "consistency": facts}


def uprns(**changes: int) -> dict[str, Any]:
    return {"shared_uprns": SHARED | changes}


PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "ING-12": ({"facts": council()}, {"facts": council(ended=3)}, "LSOA_OF_2011"),
    "ING-13": (
        {"facts": nhs()},
        {"facts": nhs(BIRTHS | {"born": "2023-09-26"})},
        "REFERENCE_DATE_AFTER_DATA",
    ),
    "ING-14": ({"facts": nhs()}, {"facts": nhs(numbers_of_two_people=6)}, "NUMBERS_OF_TWO_PEOPLE"),
    "ING-15": ({"facts": uprns()}, {"facts": uprns(on_list=29)}, "UPRNS_DO_NOT_MEET"),
}
PART = {"ING-12": "council", "ING-13": "nhs", "ING-14": "nhs", "ING-15": "all"}


@pytest.mark.parametrize("rule_id", PAIRS)
def test_the_nearest_passing_case_passes(rule_id: str, ask: Any) -> None:
    verdict = ask(rule_id, part=PART[rule_id], **PAIRS[rule_id][0])
    assert verdict.outcome == "pass", verdict


@pytest.mark.parametrize("rule_id", PAIRS)
def test_the_nearest_refused_case_is_refused(rule_id: str, ask: Any) -> None:
    verdict = ask(rule_id, part=PART[rule_id], **PAIRS[rule_id][1])
    assert (verdict.outcome, verdict.code) == ("fail", PAIRS[rule_id][2]), verdict


@pytest.mark.parametrize("rule_id", PAIRS)
def test_a_gate_that_is_shown_nothing_refuses(rule_id: str, ask: Any) -> None:
    assert ask(rule_id, {}, part=PART[rule_id]).code == "NOT_EVALUATED"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"unknown": 2}, ""),
        ({"unknown": 3}, "LSOA_UNKNOWN"),
        ({"elsewhere": 21}, "LSOA_NOT_IN_LOOKUP"),
        ({"stated": 10_000, "elsewhere": 21, "largest_elsewhere": 21}, "LSOA_NOT_IN_LOOKUP"),
        ({"stated": 10_000, "elsewhere": 21, "largest_elsewhere": 20}, ""),
        ({"split_msoas": 1}, "MSOA_IN_TWO_AUTHORITIES"),
    ],
)
def test_areas_are_told_apart_by_what_is_wrong_with_them(change: dict[str, int], code: str, ask: Any) -> None:
    assert ask("ING-12", council(**change), part="council").code == code


@pytest.mark.parametrize(("reference", "code"), [("2026-12-22", ""), ("2026-12-23", "REFERENCE_DATE_AHEAD")])
def test_a_reference_date_is_at_most_a_month_ahead_of_today(reference: str, code: str, ask: Any) -> None:
    few = nhs(BIRTHS | {"people": 999})
    now = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
    assert ask("ING-13", few, part="nhs", run={"reference_date": reference}, now=now).code == code


def test_births_after_the_reference_date_mean_that_the_extract_is_of_a_later_day(ask: Any) -> None:
    later = nhs(BIRTHS | {"after_reference": 3})
    assert ask("ING-13", later, part="nhs").code == "REFERENCE_DATE_BEFORE_DATA"


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (nhs(people_under_two_numbers=11), "PEOPLE_UNDER_TWO_NUMBERS"),
        (nhs(homes=21), "HOMES_OF_MINORS"),
        (nhs(rows_without_number_joined=400, numbers_under_two_dates=400), ""),
    ],
)
def test_contradictions_are_refused_when_they_are_many(facts: dict[str, Any], code: str, ask: Any) -> None:
    assert ask("ING-14", facts, part="nhs").code == code


def test_repeated_properties_are_refused_when_they_are_many(ask: Any) -> None:
    facts = council()
    assert ask("ING-14", facts, part="council").outcome == "pass"
    facts["consistency"]["properties"]["duplicates"] = 11
    assert ask("ING-14", facts, part="council").code == "PROPERTIES_REPEATED"


@pytest.mark.parametrize("side", ["dwellings", "address_groups"])
def test_a_side_with_few_uprns_is_not_compared(side: str, ask: Any) -> None:
    assert ask("ING-15", uprns(**{side: 99, "on_list": 0})).outcome == "pass"
