"""Pseudonymise to aggregate, and the search for leaks: nearest passing and nearest refused case."""

from copy import deepcopy
from typing import Any

import pytest

from schemas.contract import load_contract

PSEUDONYMISE: dict[str, Any] = {
    "algorithm": "HMAC-SHA-256",
    "key_bits": 256,
    "pseudonym_bytes": 20,
    "key_id": "SAMPLE-HOUSEHOLDS:2026:1",
    "key_state": "active",
    "key_agreement": "SAMPLE-HOUSEHOLDS",
    "key_period": "2026",
    "custody": "at-source",
    "check_values": {"uprn": "0" * 16, "nhs_number": "1" * 16},
    "identifiers": {"uprn": {"values": 12, "distinct_in": 10, "distinct_out": 10}},
    "sentinels_hashed": 0,
    "outer_key_id": None,
    "outer_check_value": None,
    "encoding_attack": {
        "nhs_resident": [{"column": "person_name", "reidentified_share": 0.01, "reidentified": 50}]
    },
    "self_attack": {
        "distinct": 10,
        "candidates": 10,
        "range_candidates": 10,
        "methods": 4,
        "previous_keys": 1,
        "tried": 80,
        "pseudonyms": 10,
        "recovered": 0,
    },
}
DECODED = {"nhs_resident": [{"column": "person_name", "reidentified_share": 0.0101, "reidentified": 50}]}
LEAKAGE: dict[str, Any] = {
    "canaries": {"council": 1, "nhs": 1},
    "identifiers": 15,
    "files": 40,
    "bytes": 4096,
    "hits": 0,
    "hit_places": [],
    "unreadable": 0,
    "tables_in_clear": 0,
}
GROUP: dict[str, Any] = {
    "nhs_records": 1000,
    "grouped_records": 1000,
    "address_groups": 400,
    "council_properties": 450,
    "dwellings": 450,
    "listed_people": 900,
    "listed_at_dwellings": 890,
    "listed_nowhere": 10,
}
LINK: dict[str, Any] = {
    "model_digest": "f" * 64,
    "match_rate": 0.6,
    "subgroups": [
        {"attribute": "sex", "category": "1", "records": 200, "linked": 70},
        {"attribute": "sex", "category": "2", "records": 199, "linked": 0},
    ],
    "keys_in_reach": 0,
    "clear_files_in_reach": 0,
    "examined": {"workspace": 10},
    "not_examined": 0,
    "verdicts": 3,
    "verdict_links": 1,
    "verdict_non_links": 1,
    "verdicts_not_applied": 1,
    "verdict_reviewers": 2,
    "verdict_kappa": 0.2,
}
QUALITY: dict[str, Any] = {
    "nhs_records": 30,
    "dwellings": 10,
    "unexplained_records": 0,
    "unexplained_dwellings": 0,
    "incomplete_links": 0,
    "true_pairs": None,
    "model_digest": "f" * 64,
    "measured": [],
    "people_compared": 1,
    "estimated_precision": 0.96,
    "estimated_precision_low": 0.9,
}
#: What the audit log records of a clerical review of these links, four months ago.
REVIEW: dict[str, Any] = {
    "what": "review imported",
    "at": "2026-07-21T10:00:00.000000Z",
    "model_digest": "f" * 64,
    "partial": False,
    "links_reviewed": 100,
    "precision_of_links": 0.95,
    "precision_low": 0.88,
    "precision_high": 0.98,
}
HOUSEHOLD: dict[str, Any] = {
    "households": 95,
    "improbable_dwellings": 5,
    "unexplained": 0,
    "tier": "controlled",
    "columns": {"household": list(load_contract("household", "household").names)},
}
AGGREGATE: dict[str, Any] = {
    "tables": ["health_by_tenure"],
    "unregistered": 0,
    "cells": 1,
    "columns": list(load_contract("aggregate", "cell").names),
    "measures": {"health_by_tenure": ["households", "emergency_admission", "childhood_asthma"]},
    "coverage": {"emergency_admission": 1.0, "childhood_asthma": 0.7},
    "little_known": {"workless": 0.69},
    "periods": {"nhs_event": "2024-04-01 to 2026-03-31 (seen in the data)"},
    "withheld": {},
}
AGREED = {"uprn": "0" * 16, "nhs_number": "1" * 16}


def but(base: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return deepcopy(base) | changes


PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "PSE-01": ({"facts": PSEUDONYMISE}, {"facts": but(PSEUDONYMISE, key_bits=255)}, "KEY_TOO_SHORT"),
    "PSE-02": (
        {"facts": PSEUDONYMISE, "linkage_check_values": AGREED},
        {"facts": PSEUDONYMISE, "linkage_check_values": AGREED | {"uprn": "2" * 16}},
        "KEY_CHECK_VALUE_DIFFERS",
    ),
    "PSE-04": ({"facts": PSEUDONYMISE}, {"facts": but(PSEUDONYMISE, sentinels_hashed=1)}, "SENTINEL_HASHED"),
    "PSE-03": (
        {"facts": LEAKAGE},
        {"facts": but(LEAKAGE, hits=1, hit_places=["runs/1: UPRN, plain"])},
        "CANARY_FOUND",
    ),
    "PSE-08": (
        {"facts": PSEUDONYMISE},
        {"facts": but(PSEUDONYMISE, encoding_attack=DECODED)},
        "ENCODING_DECODED",
    ),
    "PSE-07": ({"facts": LEAKAGE}, {"facts": but(LEAKAGE, tables_in_clear=1)}, "TABLE_IN_CLEAR"),
    "PSE-05": (
        {"facts": PSEUDONYMISE},
        {"facts": but(PSEUDONYMISE, self_attack=PSEUDONYMISE["self_attack"] | {"recovered": 1})},
        "PSEUDONYM_RECOVERED",
    ),
    "PSE-06": (
        {"facts": PSEUDONYMISE, "remembered": {"SAMPLE-HOUSEHOLDS:2025:1": {"uprn": "3" * 16}}},
        {"facts": PSEUDONYMISE, "remembered": {"SAMPLE-HOUSEHOLDS:2025:1": {"uprn": "0" * 16}}},
        "PSEUDONYMS_OVERLAP",
    ),
    "LNK-07": ({"facts": GROUP}, {"facts": but(GROUP, grouped_records=999)}, "GROUPING_DIFFERS"),
    "LNK-01": ({"facts": LINK}, {"facts": but(LINK, keys_in_reach=1)}, "IDENTIFIERS_IN_REACH"),
    "LNK-02": ({"facts": LINK}, {"facts": but(LINK, model_digest="e" * 64)}, "MODEL_NOT_APPROVED"),
    "LNK-03": ({"facts": LINK}, {"facts": but(LINK, match_rate=0.5999)}, "MATCH_RATE_OUT_OF_BAND"),
    "LNK-10": (
        {"facts": LINK},
        {"facts": but(LINK, verdict_kappa=0.1999)},
        "VERDICTS_WITHOUT_AGREEMENT",
    ),
    "LNK-08": (
        {"facts": QUALITY},
        {"facts": but(QUALITY, estimated_precision_low=0.8999)},
        "PRECISION_TOO_LOW",
    ),
    "LNK-04": (
        {"facts": HOUSEHOLD},
        {"facts": but(HOUSEHOLD, improbable_dwellings=6)},
        "HOUSEHOLD_TAIL_TOO_HEAVY",
    ),
    "LNK-06": ({"facts": QUALITY}, {"facts": but(QUALITY, unexplained_dwellings=1)}, "UNEXPLAINED"),
    "HHD-01": (
        {"facts": HOUSEHOLD},
        {"facts": but(HOUSEHOLD, columns={"household": ["household_pseudonym", "birth_date"]})},
        "IDENTIFIER_IN_HOUSEHOLDS",
    ),
    "HHD-03": ({"facts": HOUSEHOLD}, {"facts": but(HOUSEHOLD, tier="anonymous")}, "TIER_MISLABELLED"),
    "LNK-05": (
        {"facts": AGGREGATE},
        {"facts": but(AGGREGATE, columns=["table_id", "roster_coverage"])},
        "ROSTER_DIFFERENCE_PUBLISHED",
    ),
    "AGG-00": (
        {"facts": AGGREGATE, "outputs": ("health_by_tenure",)},
        {"facts": AGGREGATE, "outputs": ("health_by_epc",)},
        "TABLE_NOT_AGREED",
    ),
    "AGG-08": (
        {"facts": AGGREGATE},
        {"facts": but(AGGREGATE, coverage={"emergency_admission": 1.0, "childhood_asthma": 0.69})},
        "COVERAGE_BELOW_MINIMUM",
    ),
    "AGG-09": (
        {"facts": but(AGGREGATE, withheld={"falls": "nhs_event ends too early"})},
        {"facts": but(AGGREGATE, withheld={"emergency_admissions": "nhs_event ends too early"})},
        "WINDOW_NOT_COVERED",
    ),
}


@pytest.mark.parametrize("rule_id", PAIRS)
def test_the_nearest_passing_case_passes(rule_id: str, ask: Any) -> None:
    verdict = ask(rule_id, **PAIRS[rule_id][0])
    assert verdict.outcome == "pass", verdict


@pytest.mark.parametrize("rule_id", PAIRS)
def test_the_nearest_refused_case_is_refused(rule_id: str, ask: Any) -> None:
    verdict = ask(rule_id, **PAIRS[rule_id][1])
    assert (verdict.outcome, verdict.code) == ("fail", PAIRS[rule_id][2]), verdict


@pytest.mark.parametrize("rule_id", PAIRS)
def test_a_gate_that_is_shown_nothing_refuses(rule_id: str, ask: Any) -> None:
    assert ask(rule_id, {}).code == "NOT_EVALUATED"


@pytest.mark.parametrize("algorithm", ["SHA-256", "HMAC-SHA-1", "HMAC-MD5", "none"])
def test_any_other_algorithm_is_refused(algorithm: str, ask: Any) -> None:
    assert ask("PSE-01", but(PSEUDONYMISE, algorithm=algorithm)).code == "HASH_NOT_ALLOWED"


def test_pseudonyms_shorter_than_128_bits_are_refused(ask: Any) -> None:
    assert ask("PSE-01", but(PSEUDONYMISE, pseudonym_bytes=16)).outcome == "pass"
    assert ask("PSE-01", but(PSEUDONYMISE, pseudonym_bytes=15)).code == "PSEUDONYM_TOO_SHORT"


@pytest.mark.parametrize("state", ["pending", "link-only", "retired", "destroyed"])
def test_a_key_that_is_not_active_is_refused(state: str, ask: Any) -> None:
    verdict = ask("PSE-02", but(PSEUDONYMISE, key_state=state), linkage_check_values=AGREED)
    assert verdict.code == "KEY_NOT_ACTIVE"


@pytest.mark.parametrize("field", ["key_agreement", "key_period"])
def test_a_key_of_another_agreement_or_period_is_refused(field: str, ask: Any) -> None:
    verdict = ask("PSE-02", but(PSEUDONYMISE, **{field: "other"}), linkage_check_values=AGREED)
    assert verdict.code == "KEY_CONTEXT_MISMATCH"


def test_controllers_who_share_a_key_must_have_compared_it(ask: Any) -> None:
    assert ask("PSE-02", PSEUDONYMISE).code == "KEY_NOT_COMPARED"
    assert ask("PSE-02", but(PSEUDONYMISE, custody="single-operator")).outcome == "pass"


def test_a_lost_or_collided_pseudonym_is_refused(ask: Any) -> None:
    unequal = {"uprn": {"values": 12, "distinct_in": 10, "distinct_out": 9}}
    assert ask("PSE-04", but(PSEUDONYMISE, identifiers=unequal)).code == "PSEUDONYMS_NOT_ONE_TO_ONE"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"verdict_reviewers": 1}, "VERDICTS_OF_ONE_REVIEWER"),
        ({"verdict_reviewers": 3}, None),
        ({"verdicts": 4}, "VERDICTS_UNACCOUNTED"),
        ({"verdicts": 4, "verdicts_not_applied": 2}, None),
        # not defined, because all reviewers always gave one answer
        ({"verdict_kappa": None}, None),
        ({"verdict_kappa": 0.0}, "VERDICTS_WITHOUT_AGREEMENT"),
    ],
)
def test_verdicts_of_people_change_links_only_if_several_agree(
    changed: dict[str, Any], code: str | None, ask: Any
) -> None:
    verdict = ask("LNK-10", but(LINK, **changed))
    assert verdict.code == (code or "")
    assert verdict.outcome == ("fail" if code else "pass")


def test_a_run_without_verdicts_passes(ask: Any) -> None:
    none = dict.fromkeys(("verdicts", "verdict_links", "verdict_non_links", "verdicts_not_applied"), 0)
    verdict = ask("LNK-10", but(LINK, **none, verdict_reviewers=None, verdict_kappa=None))
    assert (verdict.outcome, verdict.observed) == ("pass", "no verdicts")


def test_a_model_that_nobody_approved_is_refused_outside_the_sample_project(ask: Any) -> None:
    assert ask("LNK-02", LINK, model_digest=None).code == "MODEL_NOT_APPROVED"
    sample = {"custody": "single-operator", "production": False}
    assert ask("LNK-02", LINK, model_digest=None, run=sample).outcome == "pass"
    assert ask("LNK-02", LINK, model_digest="e" * 64, run=sample).outcome == "fail"


MEASURED = {"minimum_measured_precision": 0.95, "minimum_estimated_precision": 0.9}


def records(right: int, links: int, unit: str = "records") -> dict[str, Any]:
    return {"unit": unit, "right": right, "links": links}


@pytest.mark.parametrize(
    ("right", "outcome"), [(9500, "pass"), (9499, "fail")], ids=["as agreed", "one link below"]
)
def test_a_measured_precision_is_judged_and_the_estimate_is_not(right: int, outcome: str, ask: Any) -> None:
    shown = but(
        QUALITY, measured=[records(right, 10000)], estimated_precision=1.0, estimated_precision_low=1.0
    )
    verdict = ask("LNK-08", shown, thresholds=MEASURED)
    assert verdict.outcome == outcome
    assert verdict.observed.startswith(f"{right / 100:.2f}% by truth. ")
    worst = but(shown, estimated_precision=0.1, estimated_precision_low=0.1)
    assert ask("LNK-08", worst, thresholds=MEASURED).outcome == outcome


def test_of_records_and_households_the_lower_measured_precision_counts(ask: Any) -> None:
    good, poor = records(96, 100, "households"), records(94, 100)
    assert ask("LNK-08", but(QUALITY, measured=[good, poor]), thresholds=MEASURED).outcome == "fail"
    assert ask("LNK-08", but(QUALITY, measured=[good]), thresholds=MEASURED).outcome == "pass"
    without = but(QUALITY, measured=[records(0, 0)], estimated_precision_low=0.9)
    assert ask("LNK-08", without, thresholds=MEASURED).observed.startswith("90.00% by estimate. ")


@pytest.mark.parametrize(("low", "outcome"), [(0.9, "pass"), (0.8999, "fail"), (None, "fail")])
def test_without_measurement_the_lower_bound_of_the_estimate_is_judged(
    low: float | None, outcome: str, ask: Any
) -> None:
    shown = but(QUALITY, estimated_precision=0.999, estimated_precision_low=low)
    verdict = ask("LNK-08", shown, thresholds=MEASURED)
    assert verdict.outcome == outcome
    if low is not None:
        assert "The lower bound allows for how far estimates and measurements differed" in verdict.observed


def test_with_uprns_alone_the_precision_cannot_be_estimated_and_the_verdict_says_so(ask: Any) -> None:
    alone = but(QUALITY, people_compared=0, estimated_precision=None, estimated_precision_low=None)
    verdict = ask("LNK-08", alone)
    assert verdict.outcome == "pass"
    assert "not estimated without names or birth dates" in verdict.observed
    assert ask("LNK-08", but(alone, measured=[records(94, 100)]), thresholds=MEASURED).outcome == "fail"


@pytest.mark.parametrize(("value", "outcome"), [(0.95, "pass"), (0.9499, "fail")])
def test_a_clerical_review_is_a_measurement_and_replaces_the_estimate(
    value: float, outcome: str, ask: Any
) -> None:
    for low in (1.0, 0.0):
        shown = but(QUALITY, estimated_precision=1.0, estimated_precision_low=low)
        verdict = ask("LNK-08", shown, review=REVIEW | {"precision_of_links": value}, thresholds=MEASURED)
        assert (verdict.outcome, verdict.observed[:17]) == (outcome, f"{value:.2%} by review.")


@pytest.mark.parametrize(
    "lacking",
    [
        {"links_reviewed": 99},
        {"partial": True},
        {"model_digest": "e" * 64},
        {"at": "2025-11-20T01:59:59.000000Z"},
        {"precision_of_links": None},
    ],
    ids=lambda lacking: next(iter(lacking)),
)
def test_a_review_that_is_small_partial_old_or_of_another_model_measures_nothing(
    lacking: dict[str, Any], ask: Any
) -> None:
    verdict = ask("LNK-08", QUALITY, review=REVIEW | lacking)
    assert verdict.observed.startswith("90.00% by estimate. ")
    assert ask("LNK-08", QUALITY, review=REVIEW).observed.startswith("95.00% by review. ")


def test_a_group_that_is_linked_much_worse_is_refused_once_it_is_large_enough_to_judge(ask: Any) -> None:
    gap = {"maximum_subgroup_gap": 0.25}
    assert ask("LNK-03", LINK, thresholds=gap).outcome == "pass"
    assert ask("LNK-03", LINK, thresholds={"maximum_subgroup_gap": 0.2499}).code == "SUBGROUP_LINKED_WORSE"
    assert ask("LNK-03", LINK, thresholds=gap | {"minimum_subgroup_residents": 199}).outcome == "fail"


def test_a_match_rate_that_is_too_good_is_refused_where_it_was_agreed(ask: Any) -> None:
    band = {"maximum_match_rate": 0.99, "maximum_subgroup_gap": 1}
    assert ask("LNK-03", but(LINK, match_rate=0.99), thresholds=band).outcome == "pass"
    assert ask("LNK-03", but(LINK, match_rate=0.991), thresholds=band).outcome == "fail"


def test_a_night_without_any_household_is_refused(ask: Any) -> None:
    assert ask("LNK-04", but(HOUSEHOLD, households=0)).code == "NO_HOUSEHOLDS"


def test_undeclared_household_columns_and_tables_are_refused(ask: Any) -> None:
    extra = {"household": ["household_pseudonym", "favourite_colour"]}
    assert ask("HHD-01", but(HOUSEHOLD, columns=extra)).code == "COLUMN_NOT_ALLOWED"
    assert ask("HHD-01", but(HOUSEHOLD, columns={"person": ["age_band"]})).code == "COLUMN_NOT_ALLOWED"


def test_a_person_who_is_in_no_count_is_refused(ask: Any) -> None:
    assert ask("HHD-01", but(HOUSEHOLD, unexplained=1)).code == "PERSONS_UNEXPLAINED"


def test_cells_of_unregistered_tables_are_refused(ask: Any) -> None:
    assert ask("AGG-00", but(AGGREGATE, unregistered=1)).code == "TABLE_NOT_REGISTERED"
    assert ask("AGG-00", but(AGGREGATE, columns=["table_id", "uprn"])).code == "COLUMN_NOT_ALLOWED"


def test_a_rate_without_its_coverage_is_refused_and_a_count_needs_none(ask: Any) -> None:
    assert ask("AGG-08", but(AGGREGATE, coverage={"emergency_admission": 1.0})).code == "NOT_EVALUATED"
    counts = but(AGGREGATE, measures={"health": ["households"]}, coverage={})
    assert ask("AGG-08", counts).outcome == "pass"


def test_what_is_not_produced_is_named_with_its_share_whatever_the_share(ask: Any) -> None:
    verdict = ask("AGG-08", AGGREGATE)
    assert verdict.observed == ("lowest coverage 70%, of 2 measures; 1 measure not produced: workless 69%")
    assert verdict.threshold == "at least 70%"
    assert ask("AGG-08", AGGREGATE, thresholds={"minimum_coverage": 0.71}).code == "COVERAGE_BELOW_MINIMUM"


def test_a_search_without_a_canary_of_each_controller_or_with_an_unread_file_is_refused(ask: Any) -> None:
    alone = but(LEAKAGE, canaries={"council": 1})
    assert ask("PSE-03", alone).code == "NOT_EVALUATED"
    assert ask("PSE-03", alone, part="council").outcome == "pass"
    assert ask("PSE-03", alone, part="nhs").code == "NOT_EVALUATED"
    assert ask("PSE-03", but(LEAKAGE, unreadable=1)).code == "SEARCH_INCOMPLETE"
    assert ask("PSE-03", but(LEAKAGE, files=0)).code == "NOT_EVALUATED"


def test_an_attack_that_tried_nothing_proves_nothing_but_where_there_is_no_uprn(ask: Any) -> None:
    sound = PSEUDONYMISE["self_attack"]
    idle = sound | {"tried": 0}
    assert ask("PSE-05", but(PSEUDONYMISE, self_attack=idle)).code == "NOT_EVALUATED"
    none = idle | {"distinct": 0, "candidates": 0}
    assert ask("PSE-05", but(PSEUDONYMISE, self_attack=none)).outcome == "pass"
    all_but_one = sound | {"candidates": 9}
    assert ask("PSE-05", but(PSEUDONYMISE, self_attack=all_but_one)).code == "NOT_EVALUATED"


def test_the_same_key_may_come_again_and_its_outer_layer_counts_too(ask: Any) -> None:
    remembered = ask("PSE-06", PSEUDONYMISE).remember
    assert ask("PSE-06", PSEUDONYMISE, remembered=remembered).outcome == "pass"
    layered = but(PSEUDONYMISE, outer_key_id="outer:1", outer_check_value="4" * 16)
    assert ask("PSE-06", layered, remembered={"outer:0": {"outer": "4" * 16}}).outcome == "fail"


def test_a_clear_table_in_reach_of_the_linking_process_is_refused(ask: Any) -> None:
    assert ask("LNK-01", but(LINK, clear_files_in_reach=1)).code == "IDENTIFIERS_IN_REACH"
    sample = {"custody": "single-operator", "production": False}
    assert ask("LNK-01", but(LINK, clear_files_in_reach=1), run=sample).outcome == "pass"


def test_a_folder_with_too_many_files_to_examine_is_refused(ask: Any) -> None:
    assert ask("LNK-01", but(LINK, not_examined=1)).code == "IDENTIFIERS_IN_REACH"
    assert ask("LNK-01", but(LINK, not_examined=0)).outcome == "pass"


def test_no_contract_of_household_rows_calls_them_anonymous(ask: Any) -> None:
    tables = ("household", "household_member", "attrition", "exclusion")
    columns = {name: list(load_contract("household", name).names) for name in tables}
    assert ask("HHD-03", but(HOUSEHOLD, columns=columns)).outcome == "pass"
    assert (
        ask("HHD-03", but(HOUSEHOLD, columns={"anonymous_household": ["tenure"]})).code == "CALLED_ANONYMOUS"
    )


@pytest.mark.parametrize("fact", ["grouped_records", "dwellings", "listed_at_dwellings", "listed_nowhere"])
@pytest.mark.parametrize("more", [-1, 1])
def test_whoever_is_lost_or_counted_twice_in_grouping_is_missed(ask: Any, fact: str, more: int) -> None:
    assert ask("LNK-07", but(GROUP, **{fact: GROUP[fact] + more})).code == "GROUPING_DIFFERS"


def test_every_link_bears_its_scores(ask: Any) -> None:
    assert ask("LNK-06", but(QUALITY, incomplete_links=1)).code == "LINK_WITHOUT_SCORES"


def test_truth_is_for_invented_people_alone(ask: Any) -> None:
    known = but(QUALITY, true_pairs=20)
    assert ask("LNK-06", known).code == "TRUTH_OF_REAL_PEOPLE"
    assert ask("LNK-06", known, run={"custody": "single-operator", "production": False}).outcome == "pass"
    assert ask("LNK-06", known, run={"custody": "single-operator"}).code == "TRUTH_OF_REAL_PEOPLE"


def test_a_token_named_by_luck_in_a_small_extract_decides_nothing(ask: Any) -> None:
    lucky = {"nhs_resident": [{"column": "person_name", "reidentified_share": 0.5, "reidentified": 49}]}
    assert ask("PSE-08", but(PSEUDONYMISE, encoding_attack=lucky)).outcome == "pass"
    assert ask("PSE-08", but(PSEUDONYMISE, encoding_attack={})).observed == "no token columns"


def test_an_attack_that_was_not_made_is_no_pass(ask: Any) -> None:
    silent = {name: fact for name, fact in PSEUDONYMISE.items() if name != "encoding_attack"}
    assert ask("PSE-08", silent).code == "NOT_EVALUATED"


def test_a_table_broken_down_by_an_attribute_whose_window_is_not_covered_is_refused(ask: Any) -> None:
    for attribute, code in (("tenure", "WINDOW_NOT_COVERED"), ("damp_report", "")):
        verdict = ask("AGG-09", but(AGGREGATE, withheld={attribute: "it ends too early"}))
        assert verdict.code == code
    assert "damp_report" in verdict.observed
