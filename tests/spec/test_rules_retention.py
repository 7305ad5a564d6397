"""Retention: the nearest case that passes and the nearest that is refused, rule by rule."""

from typing import Any

import pytest

RETENTION: dict[str, Any] = {
    "holdings": 9,
    "unclassified": [],
    "overdue": [],
    "disposals": 1,
    "uncertified": [],
    "unwitnessed": [],
    "still_present": [],
    "database_files": [],
    "spill_folders": [],
}
NAME = "linkage/link-all-0123456789abcdef"

PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "RET-01": ({"facts": RETENTION}, {"facts": RETENTION | {"overdue": [NAME]}}, "RETENTION_OVERDUE"),
    "RET-02": ({"facts": RETENTION}, {"facts": RETENTION | {"unwitnessed": [NAME]}}, "DISPOSAL_UNWITNESSED"),
    "RET-03": (
        {"facts": RETENTION},
        {"facts": RETENTION | {"database_files": ["runs/1/x.duckdb"]}},
        "RESIDUE_LEFT",
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


def test_an_artefact_without_a_class_is_refused(ask: Any) -> None:
    assert ask("RET-01", RETENTION | {"unclassified": [NAME]}).code == "RETENTION_UNCLASSIFIED"


def test_a_disposal_without_certificate_or_not_carried_out_is_refused(ask: Any) -> None:
    assert ask("RET-02", RETENTION | {"uncertified": [NAME]}).code == "DISPOSAL_UNCERTIFIED"
    assert ask("RET-02", RETENTION | {"still_present": [NAME]}).code == "DISPOSAL_NOT_DONE"


def test_one_operator_outside_production_has_no_second_person_to_ask(ask: Any) -> None:
    alone = {"custody": "single-operator", "production": False}
    assert ask("RET-02", RETENTION | {"unwitnessed": [NAME]}, run=alone).outcome == "pass"
    assert ask("RET-02", RETENTION | {"uncertified": [NAME]}, run=alone).outcome == "fail"


def test_spill_left_behind_is_refused(ask: Any) -> None:
    assert ask("RET-03", RETENTION | {"spill_folders": ["runs/1/spill"]}).code == "RESIDUE_LEFT"
