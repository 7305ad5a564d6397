"""Extracts: the nearest case that passes and the nearest that is refused, rule by rule."""

from copy import deepcopy
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.agreement.agreement import Agreement
from governance.agreement.terms import Confidentiality, OptOutCheck, OptOutTerms, Principal
from governance.principals.extract_signature import extract_statement, sign_extract_statement
from governance.principals.statement import public_key_of
from schemas.contract import load_contract

SUE = Ed25519PrivateKey.from_private_bytes(b"sue".ljust(32))
SUPPLIER = Principal("sue", "Sue", "nhs", public_key_of(SUE), ("supplier",))


def signed(sequence: int | None, supplied: str | None, rows: int = 800, digit: str = "1") -> dict[str, Any]:
    """A manifest as ingest shows it, signed by the NHS's supplier."""
    content = extract_statement("nhs_person", digit * 64, rows, sequence, supplied)
    signature = sign_extract_statement(content, SUE)
    return {"sequence": sequence, "supplied": supplied, "signed_by": "sue", "signature": signature}


COLUMNS = sorted(column.name for column in load_contract("extract", "nhs_person").columns)
NHS_PERSON: dict[str, Any] = {
    "source": "extract",
    "file_sha256": "1" * 64,
    "file_bytes": 4096,
    "manifest": signed(7, "2026-11-20"),
    "rows_in": 800,
    "rows_kept": 750,
    "rows_quarantined": 40,
    "rows_removed": 10,
    "columns_read": COLUMNS,
    "nhs_numbers": {"stated": 800, "outside_test_range": 0, "share_outside_test_range": 0.0},
    "identifier_patterns": {"practice_code": {}},
}


def facts(**changes: Any) -> dict[str, Any]:
    table = {"nhs_person": deepcopy(NHS_PERSON) | changes}
    return {"tables": table, "requests_applied": ["a1", "b2"], "rows_removed_on_request": 10}


def numbers(stated: int, outside: int) -> dict[str, Any]:
    share = outside / stated if stated else 0.0
    return {"stated": stated, "outside_test_range": outside, "share_outside_test_range": share}


def checks(register: str, **changes: Any) -> OptOutTerms:
    check = OptOutCheck(register, "nhs", date(2026, 10, 30), "F. Sample", 1010, 1000)
    return OptOutTerms(True, 21, (replace(check, **changes),))


INVENTED = {"custody": "single-operator", "production": False}
SECTION_251 = Confidentiality("section-251", "CAG 1", date(2027, 1, 1))

PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "ING-01": (
        {
            "facts": facts(),
            "remembered": {"nhs_person": {"sequence": 7, "sha256": "1" * 64}},
            "principals": (SUPPLIER,),
        },
        {
            "facts": facts(),
            "remembered": {"nhs_person": {"sequence": 8, "sha256": "1" * 64}},
            "principals": (SUPPLIER,),
        },
        "FILE_REPLAYED",
    ),
    "ING-02": ({"facts": facts()}, {"facts": facts(rows_in=0)}, "FILE_EMPTY"),
    "ING-03": (
        {"facts": facts()},
        {"facts": facts(rows_kept=749, rows_quarantined=41)},
        "QUARANTINE_TOO_LARGE",
    ),
    "ING-04": (
        {"facts": facts()},
        {"facts": facts(columns_read=[*COLUMNS, "note"])},
        "COLUMN_WITHOUT_PURPOSE",
    ),
    "ING-06": (
        {"facts": facts()},
        {"facts": facts(identifier_patterns={"practice_code": {"email": 1}})},
        "IDENTIFIER_OUT_OF_PLACE",
    ),
    "ING-07": (
        {"facts": facts(), "confidentiality": SECTION_251, "opt_outs": checks("national-data-opt-out")},
        {
            "facts": facts(),
            "confidentiality": SECTION_251,
            "opt_outs": checks("national-data-opt-out", applied_on=date(2026, 10, 29)),
        },
        "OPT_OUT_CHECK_STALE",
    ),
    "ING-08": (
        {"facts": facts(), "opt_outs": checks("type-1")},
        {"facts": facts(), "opt_outs": checks("type-1", controller="council")},
        "TYPE_1_NOT_ATTESTED",
    ),
    "ING-09": (
        {"facts": facts()},
        {"facts": facts(columns_read=[*COLUMNS, "type_1_opt_out"])},
        "OPT_OUT_KEPT",
    ),
    "ING-10": (
        {"facts": facts(nhs_numbers=numbers(200, 0)), "run": INVENTED},
        {"facts": facts(nhs_numbers=numbers(800, 1)), "run": INVENTED},
        "REAL_NHS_NUMBERS",
    ),
    "RET-04": (
        {"facts": facts(), "requests": ("a1", "b2")},
        {"facts": facts(), "requests": ("a1", "c3")},
        "REQUEST_NOT_APPLIED",
    ),
}


@pytest.mark.parametrize("rule_id", PAIRS)
def test_the_nearest_passing_case_passes(rule_id: str, ask: Any) -> None:
    verdict = ask(rule_id, part="nhs", **PAIRS[rule_id][0])
    assert verdict.outcome == "pass", verdict


@pytest.mark.parametrize("rule_id", PAIRS)
def test_the_nearest_refused_case_is_refused(rule_id: str, ask: Any) -> None:
    verdict = ask(rule_id, part="nhs", **PAIRS[rule_id][1])
    assert (verdict.outcome, verdict.code) == ("fail", PAIRS[rule_id][2]), verdict


def test_another_file_under_an_accepted_number_is_refused_and_the_next_number_is_remembered(ask: Any) -> None:
    before = {"nhs_person": {"sequence": 7, "sha256": "2" * 64}}
    assert ask("ING-01", facts(), part="nhs", remembered=before).code == "FILE_REPLACED"
    newer = facts(manifest=signed(8, None))
    accepted = ask("ING-01", newer, part="nhs", remembered=before, principals=(SUPPLIER,))
    assert accepted.remember == {"nhs_person": {"sequence": 8, "sha256": "1" * 64}}


def test_a_number_is_not_forgotten_by_leaving_the_manifest_out_for_a_night(ask: Any) -> None:
    before = {"nhs_person": {"sequence": 7, "sha256": "1" * 64}}
    verdict = ask("ING-01", facts(manifest=None), part="nhs", remembered=before, run=INVENTED)
    assert (verdict.outcome, verdict.remember) == ("pass", before)


def test_production_asks_for_a_manifest(ask: Any) -> None:
    assert ask("ING-01", facts(manifest=None), part="nhs").code == "MANIFEST_MISSING"
    unsigned = facts(manifest={"sequence": 7, "supplied": None, "signed_by": None, "signature": None})
    assert ask("ING-01", unsigned, part="nhs").code == "MANIFEST_UNSIGNED"
    assert ask("ING-01", unsigned, part="nhs", run=INVENTED).outcome == "pass"


@pytest.mark.parametrize(
    "manifest",
    [
        signed(7, "2026-11-20", rows=799),
        signed(7, "2026-11-20", digit="2"),
        signed(7, "2026-11-20") | {"sequence": 8},
        signed(7, "2026-11-20") | {"supplied": None},
        signed(7, "2026-11-20") | {"signed_by": "ola"},
    ],
    ids=["other rows", "other file", "other number", "other day", "another's name"],
)
def test_a_signature_for_another_delivery_or_by_another_is_refused_even_in_a_sample(
    manifest: dict[str, Any], ask: Any
) -> None:
    sample = INVENTED
    asked = ask("ING-01", facts(manifest=manifest), part="nhs", principals=(SUPPLIER,), run=sample)
    assert asked.code == "MANIFEST_SIGNATURE_FALSE"


@pytest.mark.parametrize("change", [{"party": "council"}, {"roles": ("operator",)}])
def test_only_a_supplier_of_that_controller_announces_its_extracts(change: dict[str, Any], ask: Any) -> None:
    asked = ask("ING-01", facts(), part="nhs", principals=(replace(SUPPLIER, **change),))
    assert asked.code == "MANIFEST_SIGNATURE_FALSE"


@pytest.mark.parametrize("digest", ["1" * 63, "1" * 65, "A" * 64, "g" * 64])
def test_a_file_whose_digest_is_not_sixty_four_lower_case_hexadecimals_is_refused(
    digest: str, ask: Any
) -> None:
    assert ask("ING-02", facts(file_sha256=digest), part="nhs").code == "FILE_NOT_HASHED"
    assert ask("ING-02", facts(file_sha256="0a" * 32), part="nhs").outcome == "pass"


def test_rows_that_are_in_no_count_are_refused(ask: Any) -> None:
    assert ask("ING-03", facts(rows_kept=749), part="nhs").code == "ROWS_UNACCOUNTED"


def test_a_required_column_that_is_missing_and_one_that_no_contract_declares_are_refused(ask: Any) -> None:
    without = [column for column in COLUMNS if column != "record_id"]
    assert (
        "missing columns: nhs_person.record_id"
        in ask("ING-03", facts(columns_read=without), part="nhs").reason
    )
    assert (
        "columns not in the contract: nhs_person.note"
        in ask("ING-03", facts(columns_read=[*COLUMNS, "note"]), part="nhs").reason
    )


def test_a_table_that_another_controller_agreed_to_supply_is_refused(ask: Any) -> None:
    assert ask("ING-04", facts(), part="council").code == "TABLE_OF_ANOTHER_CONTROLLER"


def test_a_table_that_the_agreement_does_not_name_is_refused(ask: Any, agreement: Agreement) -> None:
    only = {"council_property": agreement.dataset_terms["council_property"]}
    assert ask("ING-04", facts(), part="nhs", dataset_terms=only).code == "COLUMN_WITHOUT_PURPOSE"


def test_the_national_opt_out_is_asked_for_under_section_251_alone(ask: Any) -> None:
    nothing = OptOutTerms(True, 21, ())
    assert ask("ING-07", facts(), part="nhs", opt_outs=nothing).outcome == "pass"
    verdict = ask("ING-07", facts(), part="nhs", opt_outs=nothing, confidentiality=SECTION_251)
    assert verdict.code == "OPT_OUT_CHECK_MISSING"


@pytest.mark.parametrize("count", ["residents_in", "residents_out"])
def test_a_national_opt_out_check_without_counts_is_refused(count: str, ask: Any) -> None:
    uncounted = checks("national-data-opt-out", **{count: None})
    verdict = ask("ING-07", facts(), part="nhs", opt_outs=uncounted, confidentiality=SECTION_251)
    assert verdict.code == "OPT_OUT_CHECK_UNCOUNTED"


def test_without_a_manifest_the_check_is_dated_against_the_reference_date(ask: Any) -> None:
    old = checks("national-data-opt-out", applied_on=date(2026, 9, 8))
    verdict = ask("ING-07", facts(manifest=None), part="nhs", opt_outs=old, confidentiality=SECTION_251)
    assert verdict.code == "OPT_OUT_CHECK_STALE"
    just = checks("national-data-opt-out", applied_on=date(2026, 9, 9))
    assert (
        ask("ING-07", facts(manifest=None), part="nhs", opt_outs=just, confidentiality=SECTION_251).outcome
        == "pass"
    )


def test_a_statement_dated_tomorrow_is_none(ask: Any) -> None:
    future = checks("type-1", applied_on=date(2026, 11, 22))
    assert ask("ING-08", facts(), part="nhs", opt_outs=future).code == "TYPE_1_NOT_ATTESTED"


def test_type_1_opt_outs_do_not_concern_extracts_that_are_not_from_gps(ask: Any) -> None:
    assert ask("ING-08", facts(), part="nhs", opt_outs=OptOutTerms(False, 21, ())).outcome == "pass"


def test_an_opt_out_column_in_the_agreement_is_refused_even_before_it_arrives(
    ask: Any, agreement: Agreement
) -> None:
    table = agreement.dataset_terms["nhs_person"]
    kept = {"nhs_person": replace(table, columns={**table.columns, "ndop": "equity"})}
    assert ask("ING-09", facts(), part="nhs", dataset_terms=kept).code == "OPT_OUT_KEPT"


@pytest.mark.parametrize("rule_id", PAIRS)
def test_a_gate_that_is_shown_nothing_refuses(rule_id: str, ask: Any) -> None:
    if rule_id in ("ING-07", "ING-08"):  # they look for a decision, not for a fact
        return
    assert ask(rule_id, {}, part="nhs").code == "NOT_EVALUATED"


def test_people_without_nhs_numbers_are_not_shown_to_be_invented(ask: Any) -> None:
    for few in (numbers(199, 0), numbers(0, 0)):
        assert ask("ING-10", facts(nhs_numbers=few), part="nhs", run=INVENTED).code == "INVENTED_NOT_SHOWN"
    table = {"tables": {"nhs_event": deepcopy(NHS_PERSON)}}
    assert ask("ING-10", table, part="nhs", run=INVENTED).code == "INVENTED_NOT_SHOWN"


def test_an_extract_without_a_column_of_nhs_numbers_passes_and_the_verdict_says_so(ask: Any) -> None:
    verdict = ask("ING-10", facts(nhs_numbers=None), part="nhs", run=INVENTED)
    assert verdict.outcome == "pass"
    assert "no column of NHS numbers" in verdict.observed
    events = {"nhs_event": deepcopy(NHS_PERSON) | {"nhs_numbers": numbers(500, 1)}}
    real = {"tables": facts(nhs_numbers=None)["tables"] | events}
    assert ask("ING-10", real, part="nhs", run=INVENTED).code == "REAL_NHS_NUMBERS"


def test_a_real_number_in_any_nhs_extract_counts_whatever_the_project_says_of_itself(ask: Any) -> None:
    event = {"nhs_event": deepcopy(NHS_PERSON) | {"nhs_numbers": numbers(500, 2)}}
    shown = {"tables": facts()["tables"] | event}
    for production in (False, True):
        run = {"custody": "single-operator", "production": production}
        assert ask("ING-10", shown, part="nhs", run=run).code == "REAL_NHS_NUMBERS"
    assert "share outside the test range 0.001538" in ask("ING-10", shown, part="nhs", run=INVENTED).observed


@pytest.mark.parametrize("custody", ["at-source", "third-party"])
def test_real_numbers_are_in_order_where_no_one_has_data_and_key(custody: str, ask: Any) -> None:
    for found in (numbers(800, 800), None):
        shown = facts(nhs_numbers=found)
        assert ask("ING-10", shown, part="nhs", run={"custody": custody}).outcome == "pass"


def test_the_packaged_area_lookup_is_nobodys_extract(ask: Any) -> None:
    packaged = {"tables": {"area_lookup": {"source": "packaged", "rows_in": 139}}}
    assert ask("ING-02", packaged, part="council").code == "NOT_EVALUATED"
