"""Disclosure control and release: the nearest case that passes and the nearest that is refused."""

from copy import deepcopy
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.agreement.agreement import Agreement
from governance.agreement.decisions import approval_statement, release_specification
from governance.agreement.terms import Approval, IntruderReview, Principal
from governance.principals.statement import public_key_of, sign_statement

FLOORS = {
    "floor_households": 40,
    "floor_persons": 100,
    "floor_households_multiway": 400,
    "floor_persons_multiway": 1000,
}
DISCLOSURE: dict[str, Any] = {
    "profile": {"name": "cell-key", "minimum_cell_count": 10, "rounding_base": 5, **FLOORS},
    "published_below_floor": 0,
    "cells_published": 400,
    "published_below_minimum": 0,
    "rates_below_minimum": 0,
    "smallest_published_group": 10,
    "fewest_sensitive_values": 2,
    "published_unrounded": 0,
    "published_too_far_from_count": 0,
    "cells_without_one_answer": 0,
    "rates_not_from_published_counts": 0,
    "attribute_exposed": 0,
    "hidden_attribute": 3,
    "cells_hidden": 60,
    "audited": 60,
    "audit_exposed": 0,
}
PUBLISH: dict[str, Any] = {
    "epoch": "2026-Q3",
    "epoch_first_release": None,
    "values_changed_within_epoch": 0,
    "ledger_entries": 2,
    "smallest_change": 20,
    "minimum_changed_households": 20,
    "attacks": [{"name": "reconstruction", "verdict": "repelled"}, {"name": "mover", "verdict": "not run"}],
    "attack_successes": 0,
    "parquet_files": 3,
    "undeclared_metadata_keys": [],
    "undeclared_files": [],
    "statistics_beyond_data": 0,
    "undeclared_columns": [],
    "missing_columns": [],
    "tables": ["health_by_tenure"],
    "unregistered_tables": [],
    "tables_without_catalogue_entry": [],
    "disclosure_criteria": {"minimum_cell_count": 10},
    "quality_report": {
        "counts": 40,
        "withheld": 2,
        "below_minimum": 0,
        "labels_unknown": 0,
        "not_rounded": 0,
        "page_differs": False,
        "repeats": None,
    },
    "read_back": {
        "basis": "exact counts",
        "cells": 400,
        "fresh": 400,
        **{f"P{number}": 0 for number in range(8)},
    },
}
KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(name.ljust(32).encode())
    for name in ("ann", "bob", "ola", "rae")
}
ROLES = {"ann": ("approver",), "bob": ("approver",), "ola": ("operator",), "rae": ("releaser",)}
PEOPLE = tuple(
    Principal(name, name.title(), "nhs", public_key_of(key), ROLES[name]) for name, key in KEYS.items()
)


def but(base: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return deepcopy(base) | changes


def approvals(
    agreement: Agreement, *names: str, facts: dict[str, Any] = PUBLISH, signer: str | None = None
) -> tuple[Approval, ...]:
    """Approvals of what `facts` describe, each signed by its approver (or by `signer`)."""
    specification = release_specification(agreement, facts["tables"], facts["disclosure_criteria"])
    unsigned = [Approval(specification, name, date(2026, 11, 20), "") for name in names]
    return tuple(
        replace(
            item,
            signature=sign_statement(
                "approval", approval_statement(agreement.id, item), KEYS[signer or item.approved_by]
            ),
        )
        for item in unsigned
    )


PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "AGG-01": (
        {"facts": DISCLOSURE},
        {"facts": but(DISCLOSURE, published_below_minimum=1)},
        "SMALL_CELL_PUBLISHED",
    ),
    "AGG-07": (
        {"facts": DISCLOSURE},
        {"facts": but(DISCLOSURE, published_below_floor=1)},
        "AREA_BELOW_FLOOR_PUBLISHED",
    ),
    "AGG-02": (
        {"facts": DISCLOSURE},
        {"facts": but(DISCLOSURE, published_unrounded=1)},
        "VALUE_OUT_OF_RULE",
    ),
    "AGG-03": (
        {"facts": DISCLOSURE},
        {"facts": but(DISCLOSURE, audit_exposed=1)},
        "SECONDARY_SUPPRESSION_INCOMPLETE",
    ),
    "AGG-04": ({"facts": DISCLOSURE}, {"facts": but(DISCLOSURE, attribute_exposed=1)}, "ATTRIBUTE_EXPOSED"),
    "HHD-02": (
        {"facts": DISCLOSURE, "thresholds": {"minimum_quasi_identifier_group": 10}},
        {"facts": DISCLOSURE, "thresholds": {"minimum_quasi_identifier_group": 11}},
        "BELOW_K",
    ),
    "AGG-06": (
        {"facts": PUBLISH},
        {"facts": but(PUBLISH, attack_successes=1)},
        "ATTACK_SUCCEEDED",
    ),
    "AGG-10": (
        {"facts": PUBLISH},
        {"facts": but(PUBLISH, read_back=PUBLISH["read_back"] | {"P2": 1})},
        "PROTECTION_NOT_IN_FORCE",
    ),
    "AGG-05": (
        {"facts": PUBLISH},
        {"facts": but(PUBLISH, values_changed_within_epoch=1)},
        "EPOCH_NOT_FROZEN",
    ),
    "PUB-01": ({"approved_by": ("ann", "bob")}, {"approved_by": ("ann",)}, "RELEASE_NOT_APPROVED"),
    "PUB-06": (
        {"facts": PUBLISH},
        {"facts": but(PUBLISH, quality_report=PUBLISH["quality_report"] | {"below_minimum": 1})},
        "QUALITY_COUNT_TOO_SMALL",
    ),
    "PUB-02": (
        {"facts": PUBLISH},
        {"facts": but(PUBLISH, undeclared_metadata_keys=["pandas"])},
        "METADATA_UNDECLARED",
    ),
    "PUB-03": (
        {"facts": PUBLISH},
        {"facts": but(PUBLISH, undeclared_columns=["health_by_tenure.uprn"])},
        "COLUMN_NOT_ALLOWED",
    ),
    "PUB-04": (
        {"facts": PUBLISH},
        {"facts": but(PUBLISH, unregistered_tables=["health_by_tenure"])},
        "RELEASE_NOT_REGISTERED",
    ),
    "PUB-05": (
        {"facts": PUBLISH, "intruder_review": IntruderReview(date(2025, 11, 21), "G", "no-disclosure")},
        {"facts": PUBLISH, "intruder_review": IntruderReview(date(2025, 11, 20), "G", "no-disclosure")},
        "INTRUDER_REVIEW_OVERDUE",
    ),
}


def arguments(case: dict[str, Any], agreement: Agreement) -> dict[str, Any]:
    if "approved_by" not in case:
        return case
    return {
        "facts": PUBLISH,
        "principals": PEOPLE,
        "approvals": approvals(agreement, *case["approved_by"]),
    }


@pytest.mark.parametrize("rule_id", PAIRS)
def test_the_nearest_passing_case_passes(rule_id: str, ask: Any, agreement: Agreement) -> None:
    verdict = ask(rule_id, **arguments(PAIRS[rule_id][0], agreement))
    assert verdict.outcome == "pass", verdict


@pytest.mark.parametrize("rule_id", PAIRS)
def test_the_nearest_refused_case_is_refused(rule_id: str, ask: Any, agreement: Agreement) -> None:
    verdict = ask(rule_id, **arguments(PAIRS[rule_id][1], agreement))
    assert verdict.outcome == ("warn" if rule_id == "PUB-05" else "fail"), verdict
    assert verdict.code == PAIRS[rule_id][2]


@pytest.mark.parametrize("rule_id", [rule_id for rule_id in PAIRS if rule_id != "PUB-05"])
def test_a_gate_that_is_shown_nothing_refuses(rule_id: str, ask: Any) -> None:
    assert ask(rule_id, {}).code == "NOT_EVALUATED"


def test_a_stage_that_used_another_minimum_than_the_agreed_one_is_refused(ask: Any) -> None:
    assert ask("AGG-01", DISCLOSURE, thresholds={"minimum_cell_count": 12}).code == "MINIMUM_NOT_AGREED"
    assert ask("AGG-01", but(DISCLOSURE, rates_below_minimum=1)).code == "SMALL_CELL_PUBLISHED"


@pytest.mark.parametrize("floor", FLOORS)
def test_a_stage_that_used_a_lower_floor_than_the_agreed_one_is_refused(floor: str, ask: Any) -> None:
    for change, outcome in ((-1, "fail"), (0, "pass"), (1, "pass")):
        profile = DISCLOSURE["profile"] | {floor: FLOORS[floor] + change}
        verdict = ask("AGG-07", but(DISCLOSURE, profile=profile))
        assert (verdict.outcome, verdict.code) == (outcome, "FLOOR_NOT_AGREED" if change < 0 else "")


@pytest.mark.parametrize(
    "name", ["published_too_far_from_count", "cells_without_one_answer", "rates_not_from_published_counts"]
)
def test_a_value_that_the_method_cannot_give_is_refused(name: str, ask: Any) -> None:
    assert ask("AGG-02", but(DISCLOSURE, **{name: 1})).code == "VALUE_OUT_OF_RULE"


def test_another_rounding_or_profile_than_the_agreed_one_is_refused(ask: Any) -> None:
    assert ask("AGG-02", DISCLOSURE, thresholds={"rounding_base": 10}).code == "METHOD_NOT_AGREED"
    assert ask("AGG-02", DISCLOSURE, disclosure={"profile": "exact-count"}).code == "METHOD_NOT_AGREED"
    for preset in ("nhs-hes", "opensafely", "uk-llc"):
        for base, outcome in ((4, "fail"), (5, "pass"), (10, "pass")):
            shown = {"name": preset, "minimum_cell_count": 10, "rounding_base": base}
            verdict = ask("AGG-02", but(DISCLOSURE, profile=shown), disclosure={"profile": preset})
            assert verdict.outcome == outcome, (preset, base)
    other = {"name": "opensafely", "minimum_cell_count": 10, "rounding_base": 5}
    assert ask("AGG-02", but(DISCLOSURE, profile=other)).code == "METHOD_NOT_AGREED"
    exact = but(DISCLOSURE, profile={"name": "exact-count", "minimum_cell_count": 10, "rounding_base": 1})
    assert ask("AGG-02", exact, disclosure={"profile": "exact-count"}).outcome == "pass"


def test_a_group_of_one_sensitive_value_is_refused(ask: Any) -> None:
    assert ask("HHD-02", but(DISCLOSURE, fewest_sensitive_values=1)).code == "BELOW_L"
    nothing = but(DISCLOSURE, smallest_published_group=None, fewest_sensitive_values=None)
    assert ask("HHD-02", nothing).code == "NOT_EVALUATED"
    assert ask("HHD-02", nothing | {"cells_published": 0}).outcome == "pass"


@pytest.mark.parametrize(("smallest", "outcome"), [(None, "pass"), (0, "pass"), (19, "fail"), (20, "pass")])
def test_an_area_is_renewed_only_where_enough_households_changed(
    smallest: int | None, outcome: str, ask: Any
) -> None:
    verdict = ask("AGG-05", but(PUBLISH, smallest_change=smallest))
    assert verdict.outcome == outcome
    assert ask("AGG-05", but(PUBLISH, minimum_changed_households=19)).code == "METHOD_NOT_AGREED"
    exact = {"profile": "exact-count"}
    assert ask("AGG-05", PUBLISH, disclosure=exact).code == "METHOD_NOT_AGREED"
    wide = but(PUBLISH, minimum_changed_households=60, smallest_change=60)
    assert ask("AGG-05", wide, disclosure=exact).outcome == "pass"


def test_a_release_on_which_no_attack_was_tried_is_refused(ask: Any) -> None:
    idle = [{"name": "mover", "verdict": "not run"}]
    assert ask("AGG-06", but(PUBLISH, attacks=idle)).code == "NOT_EVALUATED"
    lost = [{"name": "mover", "verdict": "succeeded"}]
    assert ask("AGG-06", but(PUBLISH, attacks=lost)).code == "ATTACK_SUCCEEDED"


@pytest.mark.parametrize("number", range(8))
def test_a_release_in_which_one_protection_is_broken_is_refused_by_its_name(number: int, ask: Any) -> None:
    verdict = ask("AGG-10", but(PUBLISH, read_back=PUBLISH["read_back"] | {f"P{number}": 3}))
    assert (verdict.outcome, verdict.code) == ("fail", "PROTECTION_NOT_IN_FORCE")
    assert verdict.reason.startswith(f"P{number}: 3 ")
    lacking = {name: value for name, value in PUBLISH["read_back"].items() if name != f"P{number}"}
    assert ask("AGG-10", but(PUBLISH, read_back=lacking)).code == "NOT_EVALUATED"


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"basis": "earlier release", "fresh": 0}, "pass"),
        ({"basis": "ledger", "fresh": 0}, "pass"),
        ({"basis": "nothing"}, "fail"),
        ({"cells": 0}, "fail"),
    ],
)
def test_a_release_whose_values_were_compared_with_nothing_is_refused(
    change: dict[str, Any], outcome: str, ask: Any
) -> None:
    verdict = ask("AGG-10", but(PUBLISH, read_back=PUBLISH["read_back"] | change))
    assert (verdict.outcome, verdict.code) == (outcome, "" if outcome == "pass" else "NOT_EVALUATED")


def test_approval_by_the_operator_does_not_count(ask: Any, agreement: Agreement) -> None:
    signed = approvals(agreement, "ann", "ola")
    assert ask("PUB-01", PUBLISH, principals=PEOPLE, approvals=signed).code == "RELEASE_NOT_APPROVED"


def test_one_approver_who_signs_twice_is_one(ask: Any, agreement: Agreement) -> None:
    signed = approvals(agreement, "ann", "ann")
    assert ask("PUB-01", PUBLISH, principals=PEOPLE, approvals=signed).code == "RELEASE_NOT_APPROVED"


def test_an_approval_signed_by_somebody_else_does_not_count(ask: Any, agreement: Agreement) -> None:
    forged = approvals(agreement, "ann", "bob", signer="ann")
    assert ask("PUB-01", PUBLISH, principals=PEOPLE, approvals=forged).code == "RELEASE_NOT_APPROVED"


def test_later_nights_ride_on_the_approval_until_more_than_data_changes(
    ask: Any, agreement: Agreement
) -> None:
    signed = approvals(agreement, "ann", "bob")
    later = but(PUBLISH, epoch="2026-Q4", ledger_entries=90, parquet_files=4)
    assert ask("PUB-01", later, principals=PEOPLE, approvals=signed).outcome == "pass"
    for changes in (
        {"tables": ["health_by_epc", "health_by_tenure"]},
        {"disclosure_criteria": {"minimum_cell_count": 12}},
    ):
        assert ask("PUB-01", but(PUBLISH, **changes), principals=PEOPLE, approvals=signed).outcome == "fail"
    assert (
        ask("PUB-01", PUBLISH, principals=PEOPLE, approvals=signed, model_digest="e" * 64).outcome == "fail"
    )


def test_a_release_that_no_releaser_signed_for_is_refused(ask: Any, agreement: Agreement) -> None:
    approved = {"principals": PEOPLE, "approvals": approvals(agreement, "ann", "bob")}
    assert ask("PUB-01", PUBLISH, **approved, started=("ola", "rae")).outcome == "pass"
    assert ask("PUB-01", PUBLISH, **approved, started=("ola",)).code == "RELEASER_NOT_AUTHENTICATED"
    sample = {"custody": "single-operator", "production": False}
    unsigned = ask("PUB-01", PUBLISH, **approved, run=sample, started=("ola",))
    assert unsigned.code == "RELEASER_NOT_AUTHENTICATED"


def test_an_approver_who_may_run_does_not_count_whoever_started_the_run(
    ask: Any, agreement: Agreement
) -> None:
    both = tuple(
        replace(person, roles=("approver", "operator")) if person.id == "bob" else person for person in PEOPLE
    )
    approved = {"principals": both, "approvals": approvals(agreement, "ann", "bob")}
    for starter in ("bob", "ola"):
        assert ask("PUB-01", PUBLISH, **approved, started=(starter, "rae")).code == "RELEASE_NOT_APPROVED"
    assert ask("PUB-01", PUBLISH, **(approved | {"principals": PEOPLE})).outcome == "pass"


def test_an_approver_who_also_releases_does_not_count(ask: Any, agreement: Agreement) -> None:
    both = tuple(
        replace(person, roles=("approver", "releaser")) if person.id == "bob" else person
        for person in PEOPLE
        if person.id != "rae"
    )
    signed = approvals(agreement, "ann", "bob")
    asked = ask("PUB-01", PUBLISH, principals=both, approvals=signed, started=("ola", "bob"))
    assert asked.code == "RELEASE_NOT_APPROVED"


def test_the_sample_project_needs_no_approvers(ask: Any) -> None:
    sample = {"custody": "single-operator", "production": False}
    assert ask("PUB-01", PUBLISH, run=sample).outcome == "pass"
    assert ask("PUB-01", PUBLISH, run=sample | {"production": True}).outcome == "fail"


def test_files_and_statistics_that_tell_more_than_the_rows_are_refused(ask: Any) -> None:
    assert ask("PUB-02", but(PUBLISH, undeclared_files=["notes.txt"])).code == "METADATA_UNDECLARED"
    assert ask("PUB-02", but(PUBLISH, statistics_beyond_data=1)).code == "STATISTICS_BEYOND_DATA"
    assert ask("PUB-02", but(PUBLISH, parquet_files=0)).code == "NOT_EVALUATED"


def test_a_table_that_lacks_a_contract_column_is_refused(ask: Any) -> None:
    assert ask("PUB-03", but(PUBLISH, missing_columns=["health_by_tenure.method"])).code == "COLUMN_MISSING"


def test_a_release_without_its_criteria_or_catalogue_entry_is_refused(ask: Any) -> None:
    assert ask("PUB-04", but(PUBLISH, disclosure_criteria=None)).code == "NOT_EVALUATED"
    assert ask("PUB-04", but(PUBLISH, tables_without_catalogue_entry=["x"])).code == "RELEASE_NOT_REGISTERED"
    assert ask("PUB-04", PUBLISH, outputs=("health",)).code == "RELEASE_NOT_REGISTERED"


def test_an_intruder_review_that_was_never_held_warns(ask: Any) -> None:
    assert ask("PUB-05", PUBLISH, intruder_review=None).outcome == "warn"


@pytest.mark.parametrize(("day", "outcome"), [(date(2026, 11, 21), "pass"), (date(2026, 11, 22), "warn")])
def test_an_intruder_review_counts_from_its_day_and_not_before(day: date, outcome: str, ask: Any) -> None:
    assert (
        ask("PUB-05", PUBLISH, intruder_review=IntruderReview(day, "G", "no-disclosure")).outcome == outcome
    )


def test_hidden_cells_that_nobody_audited_are_refused(ask: Any) -> None:
    assert ask("AGG-03", but(DISCLOSURE, audited=0)).code == "AUDIT_INCOMPLETE"
    assert ask("AGG-03", but(DISCLOSURE, audited=0, cells_hidden=0)).outcome == "pass"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"not_rounded": 1}, "QUALITY_COUNT_UNROUNDED"),
        ({"labels_unknown": 1}, "QUALITY_LABEL_UNKNOWN"),
        ({"page_differs": True}, "QUALITY_PAGE_DIFFERS"),
        ({"repeats": False}, "QUALITY_NOT_FROZEN"),
    ],
)
def test_the_quality_report_is_an_output_like_any_other(ask: Any, change: dict[str, Any], code: str) -> None:
    facts = but(PUBLISH, quality_report=PUBLISH["quality_report"] | change)
    assert ask("PUB-06", facts).code == code
    assert (
        ask("PUB-06", but(PUBLISH, quality_report=PUBLISH["quality_report"] | {"repeats": True})).outcome
        == "pass"
    )
