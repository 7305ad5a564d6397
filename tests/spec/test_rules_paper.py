"""Paper gates: the nearest case that passes and the nearest that is refused, for each thing they look at."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.agreement.agreement import Agreement
from governance.agreement.decisions import (
    approval_statement,
    find_waiver,
    release_specification,
    waiver_statement,
)
from governance.agreement.terms import (
    Approval,
    Confidentiality,
    IntruderReview,
    OptOutCheck,
    OptOutTerms,
    Principal,
    Waiver,
)
from governance.gate import judged
from governance.principals.statement import public_key_of, sign_statement
from governance.retention.holdings import CLASSES
from governance.rules import all_rules
from governance.rules.registry import Rule, warned

INVENTED = {"custody": "single-operator", "production": False}
CRITERIA = {"minimum_cell_count": 10}
ROLES = {
    "ann": ("approver",),
    "bob": ("approver",),
    "aud": ("auditor",),
    "kit": ("key-holder",),
    "ola": ("operator",),
    "rae": ("releaser",),
    "sue": ("supplier",),
}


def key_of(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(name.ljust(32).encode())


PEOPLE = tuple(
    Principal(name, name.title(), "nhs", public_key_of(key_of(name)), roles) for name, roles in ROLES.items()
)


def review(by: str = "ann", on: date = date(2026, 11, 21), of: str = "release") -> IntruderReview:
    return IntruderReview(on, by, "no-disclosure", of)


def checks(*registers: str, **changes: Any) -> OptOutTerms:
    return OptOutTerms(
        True,
        21,
        tuple(
            replace(OptOutCheck(name, "nhs", date(2026, 10, 30), "sue", 1010, 1000), **changes)
            for name in registers
        ),
    )


SECTION_251 = Confidentiality("section-251", "CAG 1", date(2027, 1, 1))
BOTH = ("type-1", "national-data-opt-out")

PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "PRE-07": (
        {"principals": PEOPLE, "intruder_review": review()},
        {"principals": PEOPLE, "intruder_review": None},
        "INTRUDER_REVIEW_MISSING",
    ),
    "PRE-08": ({"approved_by": ("ann", "bob")}, {"approved_by": ("ann",)}, "RELEASE_NOT_APPROVED"),
    "PRE-09": (
        {"principals": PEOPLE, "opt_outs": checks("type-1")},
        {"principals": PEOPLE, "opt_outs": checks()},
        "TYPE_1_NOT_ATTESTED",
    ),
    "PRE-10": ({}, {"run": {"model_digest": "e" * 64}}, "MODEL_NOT_APPROVED"),
    "PRE-11": ({}, {"retention": "without audit"}, "RETENTION_UNCLASSIFIED"),
    "PRE-12": (
        {"run": {"extracts": ["nhs_person"]}},
        {"run": {"extracts": ["nhs_person", "nhs_letters"]}},
        "EXTRACT_NOT_AGREED",
    ),
    "PRE-13": (
        {"linkage_check_values": {"uprn": "0" * 16}},
        {"linkage_check_values": {}},
        "KEY_NOT_COMPARED",
    ),
}


def approvals(agreement: Agreement, *names: str, criteria: Any = CRITERIA) -> tuple[Approval, ...]:
    specification = release_specification(agreement, criteria)
    unsigned = [Approval(specification, name, date(2026, 11, 20), "") for name in names]
    return tuple(
        replace(
            item,
            signature=sign_statement(
                "approval", approval_statement(agreement.id, item), key_of(item.approved_by)
            ),
        )
        for item in unsigned
    )


def arguments(case: dict[str, Any], agreement: Agreement) -> dict[str, Any]:
    if "approved_by" in case:
        return {"principals": PEOPLE, "approvals": approvals(agreement, *case["approved_by"])}
    if "retention" in case:
        return {"retention": {k: v for k, v in agreement.retention.items() if k != "audit"}}
    return case


@pytest.mark.parametrize("rule_id", PAIRS)
def test_the_nearest_passing_case_passes(rule_id: str, ask: Any, agreement: Agreement) -> None:
    verdict = ask(rule_id, **arguments(PAIRS[rule_id][0], agreement))
    assert verdict.outcome == "pass", verdict


@pytest.mark.parametrize("rule_id", PAIRS)
def test_the_nearest_refused_case_is_refused(rule_id: str, ask: Any, agreement: Agreement) -> None:
    verdict = ask(rule_id, **arguments(PAIRS[rule_id][1], agreement))
    assert (verdict.outcome, verdict.code) == ("fail", PAIRS[rule_id][2]), verdict


@pytest.mark.parametrize("rule_id", ["PRE-07", "PRE-08", "PRE-10"])
def test_a_run_that_publishes_nothing_needs_no_paper_of_a_publication(
    rule_id: str, ask: Any, agreement: Agreement
) -> None:
    refused = arguments(PAIRS[rule_id][1], agreement)
    unpublished = refused | {"run": refused.get("run", {}) | {"publishes": False}}
    assert ask(rule_id, **unpublished).outcome == "pass"


# --- the motivated-intruder review


@pytest.mark.parametrize("by", ["nobody really", "", "G. Sample, analyst outside the project"])
def test_a_reviewer_who_is_no_principal_has_reviewed_nothing(by: str, ask: Any) -> None:
    verdict = ask("PRE-07", principals=PEOPLE, intruder_review=review(by))
    assert verdict.code == "REVIEWER_NOT_FIT"
    assert "not the id of a principal" in verdict.reason
    assert not by or by not in verdict.reason + verdict.observed
    assert ask("PRE-07", principals=PEOPLE, intruder_review=review(by), run=INVENTED).outcome == "fail"


def test_with_invented_people_any_name_will_do_where_the_agreement_names_no_one_who_may(ask: Any) -> None:
    free = {"principals": (), "intruder_review": review("a colleague")}
    attested = {"principals": (), "opt_outs": checks("type-1", attested_by="a colleague")}
    assert ask("PRE-07", **free, run=INVENTED).outcome == "pass"
    assert ask("PRE-07", **free).code == "REVIEWER_NOT_FIT"
    assert ask("PRE-09", **attested, run=INVENTED).outcome == "pass"
    assert ask("PRE-09", **attested).code == "ATTESTOR_NOT_FIT"
    assert ask("PRE-09", **attested | {"principals": PEOPLE}, run=INVENTED).code == "ATTESTOR_NOT_FIT"


@pytest.mark.parametrize(
    ("name", "outcome"),
    [(n, "pass" if n in ("ann", "bob", "aud") else "fail") for n in ROLES],
)
def test_approvers_and_auditors_review_and_no_one_else(name: str, outcome: str, ask: Any) -> None:
    assert ask("PRE-07", principals=PEOPLE, intruder_review=review(name)).outcome == outcome


@pytest.mark.parametrize("role", ["operator", "releaser"])
def test_a_reviewer_who_also_runs_or_releases_has_reviewed_their_own_work(role: str, ask: Any) -> None:
    both = tuple(replace(p, roles=(*p.roles, role)) if p.id == "ann" else p for p in PEOPLE)
    assert ask("PRE-07", principals=both, intruder_review=review("ann")).code == "REVIEWER_NOT_FIT"
    assert ask("PRE-07", principals=both, intruder_review=review("bob")).outcome == "pass"


@pytest.mark.parametrize(
    ("on", "outcome", "code"),
    [
        (date(2026, 11, 22), "fail", "INTRUDER_REVIEW_MISSING"),
        (date(2026, 11, 21), "pass", ""),
        (date(2025, 11, 21), "pass", ""),
        (date(2025, 11, 20), "warn", "INTRUDER_REVIEW_OVERDUE"),
    ],
)
def test_a_review_counts_from_its_day_for_the_agreed_days(
    on: date, outcome: str, code: str, ask: Any
) -> None:
    verdict = ask("PRE-07", principals=PEOPLE, intruder_review=review(on=on))
    assert (verdict.outcome, verdict.code) == (outcome, code)


@pytest.mark.parametrize(
    ("first_published", "of", "code"),
    [
        (None, "rehearsal", ""),
        ("2026-11-21", "rehearsal", ""),
        ("2026-11-20", "rehearsal", "INTRUDER_REVIEW_OF_REHEARSAL"),
        ("2026-11-20", "release", ""),
    ],
)
def test_a_rehearsal_is_reviewed_before_the_first_publication_and_releases_after_it(
    first_published: str | None, of: str, code: str, ask: Any
) -> None:
    run = {"first_published": first_published}
    assert ask("PRE-07", principals=PEOPLE, intruder_review=review(of=of), run=run).code == code


def test_a_missing_review_is_a_warning_with_invented_people_so_that_a_rehearsal_can_run(ask: Any) -> None:
    verdict = ask("PRE-07", principals=PEOPLE, intruder_review=None, run=INVENTED)
    assert (verdict.outcome, verdict.code) == ("warn", "INTRUDER_REVIEW_MISSING")


def test_one_waiver_covers_an_overdue_review_before_the_run_and_at_its_end(agreement: Agreement) -> None:
    siro = Principal("siro", "Siro", "nhs", public_key_of(key_of("siro")), ("signatory",))
    for given, covers in (
        ("PUB-05", ("PRE-07", "PUB-05")),
        ("PRE-07", ("PRE-07",)),
        ("PRE-04", ()),
    ):
        unsigned = Waiver(given, "review next week", "siro", date(2026, 11, 1), date(2026, 12, 1), "")
        signature = sign_statement("waiver", waiver_statement(agreement.id, unsigned), key_of("siro"))
        waived = replace(agreement, principals=(siro,), waivers=(replace(unsigned, signature=signature),))
        assert find_waiver(waived, given, date(2026, 11, 21))[0] is not None
        admitted = tuple(
            item.id for item in all_rules() if item.id in ("PRE-07", "PUB-05") and _admits(item, waived)
        )
        assert admitted == covers


def _admits(item: Rule, agreement: Agreement) -> bool:
    overdue = warned("INTRUDER_REVIEW_OVERDUE", "x", "y", "overdue")
    now = datetime(2026, 11, 21, tzinfo=UTC)
    return judged(replace(item, check=lambda *_: overdue), None, agreement, now).admits  # type: ignore[arg-type]


# --- approvals


def test_a_releaser_must_have_signed_for_the_run(ask: Any, agreement: Agreement) -> None:
    approved = {"principals": PEOPLE, "approvals": approvals(agreement, "ann", "bob")}
    assert ask("PRE-08", **approved, started=("ola", "rae")).outcome == "pass"
    for run in ({}, INVENTED):
        assert ask("PRE-08", **approved, started=("ola",), run=run).code == "RELEASER_NOT_AUTHENTICATED"
    assert ask("PRE-08", principals=(), started=(), run=INVENTED).outcome == "pass"


def test_invented_people_need_no_approvers_unless_the_project_is_declared_to_be_in_production(
    ask: Any,
) -> None:
    assert ask("PRE-08", principals=PEOPLE, run=INVENTED).outcome == "pass"
    strict = INVENTED | {"production": True}
    assert ask("PRE-08", principals=PEOPLE, run=strict).code == "RELEASE_NOT_APPROVED"


def test_an_approval_is_of_what_may_be_published_and_ends_when_that_changes(
    ask: Any, agreement: Agreement
) -> None:
    approved: dict[str, Any] = {"principals": PEOPLE, "approvals": approvals(agreement, "ann", "bob")}
    for change in (
        {"outputs": agreement.outputs[1:]},
        {"model_digest": "e" * 64},
        {"run": {"disclosure_criteria": {"minimum_cell_count": 12}}},
    ):
        assert ask("PRE-08", **approved, **change).code == "RELEASE_NOT_APPROVED", change


def test_neither_approver_runs_or_releases(ask: Any, agreement: Agreement) -> None:
    both = tuple(replace(p, roles=("approver", "releaser")) if p.id == "bob" else p for p in PEOPLE)
    given = {"principals": both, "approvals": approvals(agreement, "ann", "bob")}
    assert ask("PRE-08", **given, started=("ola", "bob")).code == "RELEASE_NOT_APPROVED"


# --- opt-outs


@pytest.mark.parametrize(
    ("stated", "code"),
    [
        (checks(*BOTH), ""),
        (checks("type-1"), "OPT_OUT_CHECK_MISSING"),
        (checks("national-data-opt-out"), "TYPE_1_NOT_ATTESTED"),
        (checks(*BOTH, residents_in=None), "OPT_OUT_CHECK_UNCOUNTED"),
        (checks(*BOTH, residents_out=None), "OPT_OUT_CHECK_UNCOUNTED"),
        (checks(*BOTH, applied_on=date(2026, 11, 22)), "OPT_OUT_CHECK_MISSING"),
        (checks(*BOTH, controller="council"), "OPT_OUT_CHECK_MISSING"),
        (checks(*BOTH, attested_by="nobody really"), "ATTESTOR_NOT_FIT"),
        (checks(*BOTH, attested_by="ola"), "ATTESTOR_NOT_FIT"),
    ],
)
def test_every_register_that_applies_has_a_check_that_a_principal_attests(
    stated: OptOutTerms, code: str, ask: Any
) -> None:
    given = {"principals": PEOPLE, "confidentiality": SECTION_251, "opt_outs": stated}
    assert ask("PRE-09", **given).code == code


def test_an_opt_out_is_attested_by_the_controllers_own_supplier_or_signatory(ask: Any) -> None:
    for person, outcome in (
        (Principal("sue", "Sue", "nhs", "k", ("supplier",)), "pass"),
        (Principal("sue", "Sue", "nhs", "k", ("signatory",)), "pass"),
        (Principal("sue", "Sue", "council", "k", ("supplier",)), "fail"),
        (Principal("sue", "Sue", "nhs", "k", ("auditor",)), "fail"),
    ):
        assert ask("PRE-09", principals=(person,), opt_outs=checks("type-1")).outcome == outcome


def test_registers_that_do_not_apply_need_no_check(ask: Any) -> None:
    assert ask("PRE-09", opt_outs=OptOutTerms(False, 21, ())).outcome == "pass"


# --- model, retention, extracts, keys


@pytest.mark.parametrize(
    ("approved", "used", "run", "code"),
    [
        ("f" * 64, None, {}, "MODEL_NOT_APPROVED"),
        (None, "f" * 64, {}, "MODEL_NOT_APPROVED"),
        (None, "f" * 64, INVENTED, ""),
        ("f" * 64, "e" * 64, INVENTED, "MODEL_NOT_APPROVED"),
    ],
)
def test_the_model_is_approved_before_the_run(
    approved: str | None, used: str | None, run: dict[str, Any], code: str, ask: Any
) -> None:
    assert ask("PRE-10", model_digest=approved, run=run | {"model_digest": used}).code == code


@pytest.mark.parametrize("missing", sorted(set(CLASSES.values())))
def test_each_kind_of_data_needs_its_retention_class(missing: str, ask: Any, agreement: Agreement) -> None:
    classes = {k: v for k, v in agreement.retention.items() if k != missing}
    verdict = ask("PRE-11", retention=classes)
    assert (verdict.code, verdict.reason) == ("RETENTION_UNCLASSIFIED", f"missing: {missing}")


def test_a_mapped_column_needs_a_purpose_and_a_table_its_own_controller(
    ask: Any, agreement: Agreement
) -> None:
    mapped = {"mapped_columns": {"nhs_person": ["record_id", "shoe_size"]}}
    assert ask("PRE-12", run=mapped).reason == "no purpose: nhs_person.shoe_size"
    terms = agreement.dataset_terms
    foreign = {**terms, "nhs_person": replace(terms["nhs_person"], controller="council")}
    assert ask("PRE-12", dataset_terms=foreign).code == "TABLE_OF_ANOTHER_CONTROLLER"
    person = terms["nhs_person"]
    kept = {**terms, "nhs_person": replace(person, columns={**person.columns, "ndop": "equity"})}
    assert ask("PRE-12", dataset_terms=kept).code == "OPT_OUT_KEPT"


def test_one_operator_has_no_one_to_compare_a_key_with(ask: Any) -> None:
    assert ask("PRE-13", linkage_check_values={}, run=INVENTED).outcome == "pass"
    third = {"custody": "third-party"}
    assert ask("PRE-13", linkage_check_values={}, run=third).code == "KEY_NOT_COMPARED"
