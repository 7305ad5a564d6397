"""Before the run: the nearest case that passes and the nearest that is refused, rule by rule."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.agreement.agreement import Agreement
from governance.agreement.terms import Confidentiality, Dpia, Dspt, LawfulBases, Principal
from governance.principals.run_authorisation import run_authorisation_facts
from governance.principals.statement import public_key_of

EXPIRY = date(2026, 12, 31)


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 23, 59, tzinfo=UTC)


def key_of(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(name.ljust(32).encode())


def principal(name: str, *roles: str, key: str | None = None) -> Principal:
    return Principal(name, name.title(), "council", public_key_of(key_of(key or name)), roles)


INVENTED = {"custody": "single-operator", "production": False}
SEPARATE = (principal("kit", "key-holder"), principal("ola", "operator"), principal("rae", "releaser"))
BOTH = (
    principal("kit", "key-holder", "operator"),
    principal("ola", "operator"),
    principal("rae", "releaser"),
)

PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "PRE-01": (
        {"now": at(EXPIRY - timedelta(days=31))},
        {"now": at(EXPIRY + timedelta(days=1))},
        "AGREEMENT_EXPIRED",
    ),
    "PRE-02": (
        {"lawful_bases": LawfulBases(("6(1)(e)",), ("9(2)(h)",), ("Part 1 paragraph 2",))},
        {"lawful_bases": LawfulBases(("6(1)(e)",), (), ("Part 1 paragraph 2",))},
        "NO_ARTICLE_9_BASIS",
    ),
    "PRE-03": (
        {"confidentiality": Confidentiality("section-251", "CAG 1", date(2026, 11, 21))},
        {"confidentiality": Confidentiality("section-251", "CAG 1", date(2026, 11, 20))},
        "CONFIDENTIALITY_ROUTE_LAPSED",
    ),
    "PRE-04": ({}, {"parties": "without the council's toolkit"}, "DSPT_MISSING"),
    "PRE-05": (
        {"code_digests": ("d" * 64, "c" * 64)},
        {"code_digests": ("d" * 64, "e" * 64)},
        "CODE_NOT_APPROVED",
    ),
    "PRE-06": ({"principals": SEPARATE}, {"principals": BOTH}, "DUTIES_NOT_SEPARATE"),
}


@pytest.mark.parametrize("rule_id", PAIRS)
def test_the_nearest_passing_case_passes(rule_id: str, ask: Any) -> None:
    verdict = ask(rule_id, **PAIRS[rule_id][0])
    assert verdict.outcome == "pass", verdict


@pytest.mark.parametrize("rule_id", PAIRS)
def test_the_nearest_refused_case_is_refused(rule_id: str, ask: Any, agreement: Agreement) -> None:
    changes = dict(PAIRS[rule_id][1])
    if "parties" in changes:
        changes["parties"] = (replace(agreement.parties[0], dspt=None), *agreement.parties[1:])
    verdict = ask(rule_id, **changes)
    assert (verdict.outcome, verdict.code) == ("fail", PAIRS[rule_id][2]), verdict


@pytest.mark.parametrize(
    ("days_left", "outcome"), [(31, "pass"), (30, "warn"), (1, "warn"), (0, "warn"), (-1, "fail")]
)
def test_an_agreement_warns_in_its_last_thirty_days_and_holds_through_its_last(
    days_left: int, outcome: str, ask: Any
) -> None:
    assert ask("PRE-01", now=at(EXPIRY - timedelta(days=days_left))).outcome == outcome


def test_an_agreement_does_not_hold_before_its_first_day(ask: Any) -> None:
    assert ask("PRE-01", now=at(date(2025, 1, 1))).outcome == "pass"
    assert ask("PRE-01", now=at(date(2024, 12, 31))).code == "AGREEMENT_NOT_BEGUN"


@pytest.mark.parametrize("left_out", range(5))
def test_an_agreement_lacking_any_one_sign_off_is_refused(
    left_out: int, ask: Any, agreement: Agreement
) -> None:
    sign_offs = tuple(item for number, item in enumerate(agreement.sign_offs) if number != left_out)
    assert ask("PRE-01", sign_offs=sign_offs).code == "AGREEMENT_NOT_SIGNED_OFF"


def test_a_sign_off_dated_tomorrow_does_not_count(ask: Any, agreement: Agreement) -> None:
    first, *others = agreement.sign_offs
    assert ask("PRE-01", sign_offs=(replace(first, on=date(2026, 11, 22)), *others)).outcome == "fail"
    assert ask("PRE-01", sign_offs=(replace(first, on=date(2026, 11, 21)), *others)).outcome == "pass"


@pytest.mark.parametrize(
    ("dpia", "outcome"),
    [
        (Dpia("D", date(2025, 1, 1), date(2026, 11, 21)), "pass"),
        (Dpia("D", date(2025, 1, 1), date(2026, 11, 20)), "fail"),
        (Dpia("D", date(2026, 11, 22), date(2027, 1, 1)), "fail"),
        (None, "fail"),
    ],
)
def test_the_dpia_must_be_approved_and_within_its_review(dpia: Dpia | None, outcome: str, ask: Any) -> None:
    assert ask("PRE-01", dpia=dpia).outcome == outcome


@pytest.mark.parametrize("signature", ["absent", "broken"])
def test_production_asks_for_a_signed_agreement_and_the_sample_does_not(signature: str, ask: Any) -> None:
    assert ask("PRE-01", signature=signature).code == "AGREEMENT_NOT_SIGNED"
    assert ask("PRE-01", signature=signature, run=INVENTED).outcome == "pass"
    said = {"custody": "at-source", "production": False}
    assert ask("PRE-01", signature=signature, run=said).code == "AGREEMENT_NOT_SIGNED"


def test_article_9_is_asked_for_only_with_special_category_columns(ask: Any, agreement: Agreement) -> None:
    bases = LawfulBases(("6(1)(e)",), (), ())
    plain = {"council_property": agreement.dataset_terms["council_property"]}
    assert ask("PRE-02", lawful_bases=bases, dataset_terms=plain).outcome == "pass"
    assert (
        ask("PRE-02", lawful_bases=LawfulBases((), (), ()), dataset_terms=plain).code == "NO_ARTICLE_6_BASIS"
    )


def test_article_9_without_a_schedule_1_condition_is_no_basis(ask: Any) -> None:
    for article_9, schedule_1 in ((("9(2)(h)",), ()), ((), ("Part 1 paragraph 2",)), ((), ())):
        bases = LawfulBases(("6(1)(e)",), article_9, schedule_1)
        assert ask("PRE-02", lawful_bases=bases).code == "NO_ARTICLE_9_BASIS"


def test_a_column_that_no_contract_knows_counts_as_special_category(ask: Any, agreement: Agreement) -> None:
    table = agreement.dataset_terms["council_property"]
    unknown = {"council_property": replace(table, columns={"note": "determinant"})}
    assert (
        ask("PRE-02", lawful_bases=LawfulBases(("6(1)(e)",), (), ()), dataset_terms=unknown).outcome == "fail"
    )


def test_no_route_through_confidentiality_is_refused_and_section_251_must_end_one_day(ask: Any) -> None:
    assert (
        ask("PRE-03", confidentiality=Confidentiality("none", "-", None)).code == "NO_CONFIDENTIALITY_ROUTE"
    )
    assert ask("PRE-03", confidentiality=Confidentiality("section-251", "CAG 1", None)).outcome == "fail"
    assert ask("PRE-03", confidentiality=Confidentiality("statute", "Act", None)).outcome == "pass"


@pytest.mark.parametrize(
    ("status", "valid_until", "outcome"),
    [
        ("Standards Met", date(2026, 11, 21), "pass"),
        ("Standards Met", date(2026, 11, 20), "warn"),
        ("Standards Exceeded", date(2027, 6, 30), "pass"),
        ("Approaching Standards", date(2027, 6, 30), "warn"),
        ("Not Published", date(2027, 6, 30), "fail"),
    ],
)
def test_a_toolkit_that_is_weak_or_out_of_date_warns(
    status: str, valid_until: date, outcome: str, ask: Any, agreement: Agreement
) -> None:
    first, *others = agreement.parties
    dspt = Dspt(status, date(2025, 6, 30), valid_until)
    assert ask("PRE-04", parties=(replace(first, dspt=dspt), *others)).outcome == outcome


CHANGED_CODE: dict[str, tuple[dict[str, Any], str]] = {
    "other code": ({"code_version": "d" * 64}, "CODE_NOT_APPROVED"),
    "a variable that alters imports": ({"import_overrides": ["PYTHONPATH"]}, "IMPORTS_ALTERED"),
    "bytecode of another source": ({"altered_bytecode": ["governance/gate.py"]}, "BYTECODE_ALTERED"),
}


@pytest.mark.parametrize("change", CHANGED_CODE)
def test_changed_code_is_recorded_with_invented_people_and_refused_with_real_ones(
    change: str, ask: Any
) -> None:
    run, code = CHANGED_CODE[change]
    assert ask("PRE-05", run=run).code == code
    assert ask("PRE-05", run=run | {"custody": "third-party", "production": False}).code == code
    recorded = ask("PRE-05", run=run | INVENTED)
    assert (recorded.outcome, recorded.observed) == ("pass", ask("PRE-05", run=run).observed)


def test_production_demands_that_the_agreement_names_a_code_digest(ask: Any) -> None:
    assert ask("PRE-05", code_digests=()).code == "CODE_NOT_APPROVED"
    assert "approves no code" in ask("PRE-05", code_digests=()).reason
    assert ask("PRE-05", code_digests=(), run=INVENTED).outcome == "pass"
    assert f"code {'c' * 64}, approved, 130 libraries" in ask("PRE-05").observed


@pytest.mark.parametrize("fact", ["code_version", "libraries", "import_overrides", "altered_bytecode"])
def test_code_that_is_not_shown_is_not_approved(fact: str, ask: Any) -> None:
    assert ask("PRE-05", run={fact: None}).code == "NOT_EVALUATED"


def test_two_names_with_one_key_are_one_principal(ask: Any) -> None:
    disguised = (*SEPARATE, principal("max", "releaser", key="kit"))
    assert ask("PRE-06", principals=disguised).code == "DUTIES_NOT_SEPARATE"


def test_single_operator_custody_is_refused_in_production_alone(ask: Any) -> None:
    single = {"custody": "single-operator"}
    assert ask("PRE-06", run=single, principals=SEPARATE).code == "CUSTODY_FORBIDDEN"
    assert ask("PRE-06", run=single | {"production": False}).outcome == "pass"


def test_a_role_map_without_a_key_holder_is_refused(ask: Any) -> None:
    assert ask("PRE-06", principals=SEPARATE[1:]).code == "ROLE_MAP_INCOMPLETE"


def test_a_run_is_refused_that_nobody_signed_for_or_a_stranger_or_someone_who_may_not(ask: Any) -> None:
    for started, code in (
        (("ola",), None),
        ((), "OPERATOR_NOT_AUTHENTICATED"),
        (("stranger",), "OPERATOR_NOT_AUTHENTICATED"),
        (("rae", "kit"), "NOT_PERMITTED"),
    ):
        verdict = ask("PRE-06", principals=SEPARATE, started=started)
        assert (verdict.outcome, verdict.code) == (("pass", "") if code is None else ("fail", code)), started
    assert "started by ola" in ask("PRE-06", principals=SEPARATE, started=("ola",)).observed


def test_a_signature_for_another_run_or_agreement_starts_nothing(ask: Any) -> None:
    assert ask("PRE-06", principals=SEPARATE, run={"run_id": "run-2"}).code == "NOT_PERMITTED"
    signed = {"run": {"principal": "ola", "signature": "AAAA"}}
    assert ask("PRE-06", principals=SEPARATE, run={"mandates": signed}).outcome == "fail"


def test_a_sample_whose_agreement_names_an_operator_asks_for_his_key_too(ask: Any) -> None:
    sample = {"custody": "single-operator", "production": False}
    asked = ask("PRE-06", run=sample, principals=SEPARATE, started=())
    assert asked.code == "OPERATOR_NOT_AUTHENTICATED"
    assert ask("PRE-06", run=sample, principals=(), started=()).outcome == "pass"


def test_pseudonymising_at_a_controller_is_for_a_key_holder(ask: Any, agreement: Agreement) -> None:
    agreed = replace(agreement, principals=SEPARATE)
    for name, code in (("kit", ""), ("ola", "NOT_PERMITTED")):
        facts = run_authorisation_facts(agreed, "run-1", "pseudonymise", [key_of(name)])
        assert ask("PRE-06", principals=SEPARATE, run=facts).code == code


def test_a_stranger_is_told_from_somebody_without_a_key_and_a_sample_says_that_it_is_one(ask: Any) -> None:
    stranger = ask("PRE-06", principals=SEPARATE, started=("stranger",))
    keyless = ask("PRE-06", principals=SEPARATE, started=())
    assert ("principal" in stranger.reason, "principal" in keyless.reason) == (True, False)
    sample = ask("PRE-06", run={"custody": "single-operator", "production": False})
    assert ("invented" in sample.observed, sample.outcome) == (True, "pass")
    assert "invented" not in ask("PRE-06", principals=SEPARATE, started=("ola",)).observed
