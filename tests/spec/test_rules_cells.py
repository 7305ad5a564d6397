"""Cells of columns: the nearest case that passes and the nearest that is refused, limb by limb."""

import re
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from governance.agreement.agreement import Agreement
from governance.agreement.column_limits import ColumnLimit, limit_changes


def cells(stated: int, invalid: int = 0, rows: int = 1000, **others: Any) -> dict[str, Any]:
    """The cells of a column as ingest shows them."""
    shown = {"rows": rows, "stated": stated, "invalid": invalid, "missing": rows - stated}
    return shown | {"reasons": {}, "shapes": [], "markers": {}} | others


def spread(filled: int, top: int, january: int | None = None, **shares: float) -> dict[str, Any]:
    return {"filled": filled, "top": top, "first_of_january": january, "shares": shares}


NHS_PERSON: dict[str, Any] = {
    "source": "extract",
    "cells": {
        "uprn": cells(900, 45),
        "nhs_number": cells(1000, 50),
        "birth_date": cells(950, 47),
        "death_date": cells(300, 3),
        "sex": cells(800),
    },
    "distribution": {
        "birth_date": spread(4000, 20, 120),
        "death_date": spread(300, 30, 30),
        "sex": spread(1000, 980, **{"1": 0.98, "2": 0.02}),
        "address_start": spread(1000, 500, 500),
    },
    "wrong_order": {"address_end": {"both": 200, "wrong": 20}},
    "period": dict.fromkeys(("seen_first", "seen_last", "declared_first", "declared_last")),
}


def facts(**changes: Any) -> dict[str, Any]:
    """The facts of the NHS's patients; a change of a mapping replaces its columns one by one."""
    table = deepcopy(NHS_PERSON)
    for name, columns in changes.items():
        table[name] |= columns
    return {"tables": {"nhs_person": table}}


PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "ING-05": ({"facts": facts()}, {"facts": facts(cells={"uprn": cells(900, 46)})}, "IDENTIFIERS_DAMAGED"),
    "ING-11": (
        {"facts": facts()},
        {"facts": facts(distribution={"birth_date": spread(4000, 21, 120)})},
        "DATE_FLOODED",
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


@pytest.mark.parametrize("rule_id", PAIRS)
def test_a_gate_that_is_shown_nothing_refuses(rule_id: str, ask: Any) -> None:
    assert ask(rule_id, {}, part="nhs").code == "NOT_EVALUATED"


@pytest.mark.parametrize(
    ("column", "passing", "refused", "code"),
    [
        ("nhs_number", cells(1000, 50), cells(1000, 51), "IDENTIFIERS_DAMAGED"),
        ("birth_date", cells(1000, 50), cells(1000, 51), "COLUMN_INVALID"),
        ("death_date", cells(300, 3), cells(300, 4), "COLUMN_INVALID"),
        ("registration_end", cells(10, 2), cells(10, 3), "COLUMN_INVALID"),
        ("birth_date", cells(950), cells(949), "COLUMN_UNFILLED"),
        ("sex", cells(800), cells(799), "COLUMN_UNFILLED"),
        ("address_line_5", cells(100, 5), cells(100, 6), "COLUMN_INVALID"),
    ],
)
def test_each_column_has_limits_of_its_own(
    column: str, passing: dict[str, Any], refused: dict[str, Any], code: str, ask: Any
) -> None:
    assert ask("ING-05", facts(cells={column: passing}), part="nhs").outcome == "pass"
    assert ask("ING-05", facts(cells={column: refused}), part="nhs").code == code


def test_a_column_that_decides_who_is_counted_has_a_tighter_limit(ask: Any) -> None:
    worse = cells(1000, 20)
    assert ask("ING-05", facts(cells={"address_start": worse}), part="nhs").outcome == "pass"
    for column in ("death_date", "address_end", "registration_end"):
        assert ask("ING-05", facts(cells={column: worse}), part="nhs").code == "COLUMN_INVALID"


def test_a_message_names_the_column_its_reasons_and_the_shapes_of_two_cells(ask: Any) -> None:
    damaged = cells(3017, 3017, 3017, reasons={"NOT_A_DATE": 3017}, shapes=["`9999-99-99`", "`99/99/99`"])
    reason = ask("ING-05", facts(cells={"birth_date": damaged}), part="nhs").reason
    for part in ("nhs_person.birth_date", "100.00%", "NOT_A_DATE 3,017", "`9999-99-99`", "`99/99/99`"):
        assert part in reason


def test_texts_that_mean_missing_are_proposed_for_the_setting(ask: Any) -> None:
    marked = cells(1000, 60, markers={"N/A": 60})
    reason = ask("ING-05", facts(cells={"birth_date": marked}), part="nhs").reason
    assert 'missing_markers = ["N/A"]' in reason


def test_the_agreement_overrides_the_limits_of_a_contract(ask: Any, agreement: Agreement) -> None:
    def agreed(**limits: ColumnLimit) -> dict[str, Any]:
        table = replace(agreement.dataset_terms["nhs_person"], limits=limits)
        return {"dataset_terms": {**agreement.dataset_terms, "nhs_person": table}}

    worse = facts(cells={"birth_date": cells(900, 60), "uprn": cells(900, 60)})
    looser = ColumnLimit(invalid=0.07, missing=0.1)
    assert ask("ING-05", worse, part="nhs", **agreed(birth_date=looser, uprn=looser)).outcome == "pass"
    assert ask("ING-05", worse, part="nhs", **agreed(birth_date=looser)).code == "IDENTIFIERS_DAMAGED"
    assert (
        ask("ING-05", facts(), part="nhs", **agreed(sex=ColumnLimit(missing=0.19))).code == "COLUMN_UNFILLED"
    )


def test_a_limit_of_the_agreement_is_looser_or_tighter() -> None:
    def limits(invalid: float | None) -> dict[str, dict[str, ColumnLimit]]:
        return {"nhs_person": {"sex": ColumnLimit(invalid)}}

    directions = [
        [change.direction for change in limit_changes(limits(before), limits(after))]
        for before, after in ((0.1, 0.2), (0.2, 0.1), (None, 0.1), (0.1, 0.1))
    ]
    assert directions == [["looser"], ["tighter"], ["other"], []]


def test_each_kind_of_identifier_has_its_own_agreed_share(ask: Any) -> None:
    damaged = facts(cells={"nhs_number": cells(1000, 51)})
    looser_uprn = {"maximum_invalid_uprn_share": 0.06}
    looser_number = {"maximum_invalid_nhs_number_share": 0.06}
    assert ask("ING-05", damaged, part="nhs", thresholds=looser_uprn).outcome == "fail"
    assert ask("ING-05", damaged, part="nhs", thresholds=looser_number).outcome == "pass"


def test_identifiers_that_were_never_stated_are_not_invalid(ask: Any) -> None:
    assert ask("ING-05", facts(cells={"uprn": cells(0)}), part="nhs").outcome == "pass"


def test_shares_of_identifiers_are_shown_one_by_one_and_the_highest_of_the_others(ask: Any) -> None:
    observed = ask("ING-05", facts(), part="nhs").observed
    assert re.findall(r"\d+\.\d+%", observed) == ["5.00%", "5.00%", "4.95%"]


def test_a_column_much_worse_than_in_the_last_run_is_a_warning_and_is_remembered(ask: Any) -> None:
    before = ask("ING-05", facts(cells={"ethnic_category": cells(1000)}), part="nhs").remember
    assert before["nhs_person.ethnic_category"] == [0.0, 0.0]
    for stated, outcome in ((900, "pass"), (899, "warn")):
        now = facts(cells={"ethnic_category": cells(stated)})
        verdict = ask("ING-05", now, part="nhs", remembered=before)
        assert (verdict.outcome, verdict.code) == (outcome, "COLUMN_WORSE" if outcome == "warn" else "")
        assert verdict.remember["nhs_person.ethnic_category"] == [0.0, round(1 - stated / 1000, 3)]


@pytest.mark.parametrize(
    ("column", "passing", "refused", "code"),
    [
        ("birth_date", spread(4000, 10, 120), spread(4000, 10, 121), "FIRST_OF_JANUARY"),
        ("birth_date", spread(199, 19, 199), spread(200, 20, 0), "DATE_FLOODED"),
        ("death_date", spread(300, 30, 30), spread(300, 31, 0), "DATE_FLOODED"),
        ("address_start", spread(1000, 500, 500), spread(1000, 501, 0), "DATE_FLOODED"),
        ("sex", spread(1000, 980), spread(1000, 981), "COLUMN_CONSTANT"),
        ("sex", spread(199, 199), spread(200, 200), "COLUMN_CONSTANT"),
        ("address_type", spread(1000, 1000), spread(0, 0), "COLUMN_EMPTIED"),
    ],
)
def test_a_value_may_not_flood_its_column(
    column: str, passing: dict[str, Any], refused: dict[str, Any], code: str, ask: Any
) -> None:
    before = {"nhs_person.address_type": {"filled": 1000, "shares": {}}}
    asked = [
        ask("ING-11", facts(distribution={column: shown}), part="nhs", remembered=before)
        for shown in (passing, refused)
    ]
    assert [verdict.code for verdict in asked] == ["", code]
    assert f"nhs_person.{column}" in asked[1].reason


def test_a_column_that_was_always_empty_may_stay_so(ask: Any) -> None:
    shown = facts(distribution={"address_type": spread(0, 0)})
    assert ask("ING-11", shown, part="nhs").outcome == "pass"
    nearly = {"nhs_person.address_type": {"filled": 2, "shares": {}}}
    assert ask("ING-11", shown, part="nhs", remembered=nearly).outcome == "pass"


def test_many_spells_that_end_before_they_start_are_refused(ask: Any) -> None:
    many, few = (200, 20), (199, 39)
    for both, most in (many, few):
        for wrong, code in ((most, ""), (most + 1, "DATES_IN_WRONG_ORDER")):
            shown = facts(wrong_order={"address_end": {"both": both, "wrong": wrong}})
            assert ask("ING-11", shown, part="nhs").code == code


@pytest.mark.parametrize(("seen", "code"), [("2026-07-12", ""), ("2026-07-11", "PERIOD_NOT_IN_DATA")])
def test_a_declared_period_must_be_in_the_data(seen: str, code: str, ask: Any) -> None:
    shown = facts(period={"seen_last": seen, "declared_last": "2026-09-30"})
    assert ask("ING-11", shown, part="nhs").code == code


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        ("2026-03-31", ""),
        ("2026-03-30", "REFERENCE_DATE_UNLIKE_EXTRACT"),
        ("2027-10-01", ""),
        ("2027-10-02", "REFERENCE_DATE_UNLIKE_EXTRACT"),
    ],
)
def test_a_register_reaches_the_reference_date(seen: str, code: str, ask: Any) -> None:
    """The reference date of the run is 2026-09-30."""
    assert ask("ING-11", facts(period={"seen_last": seen}), part="nhs").code == code


def test_a_share_that_changed_much_since_the_last_run_is_a_warning(ask: Any) -> None:
    before = ask(
        "ING-11", facts(distribution={"sex": spread(1000, 550, **{"1": 0.55, "2": 0.45})}), part="nhs"
    )
    for share, outcome in ((0.65, "pass"), (0.651, "warn")):
        now = facts(distribution={"sex": spread(1000, 651, **{"1": share, "2": round(1 - share, 3)})})
        verdict = ask("ING-11", now, part="nhs", remembered=before.remember)
        assert verdict.outcome == outcome
        assert verdict.code == ("DISTRIBUTION_CHANGED" if outcome == "warn" else "")
        assert verdict.remember["nhs_person.sex"]["shares"]["1"] == share


def test_a_new_code_that_fills_much_of_a_column_is_a_change(ask: Any) -> None:
    before = {"nhs_person.sex": {"filled": 1000, "shares": {"1": 0.5, "2": 0.5}}}
    shown = facts(distribution={"sex": spread(1000, 450, **{"1": 0.45, "2": 0.44, "9": 0.11})})
    assert ask("ING-11", shown, part="nhs", remembered=before).code == "DISTRIBUTION_CHANGED"
    looser = {"maximum_share_rise": 0.2}
    assert ask("ING-11", shown, part="nhs", remembered=before, thresholds=looser).outcome == "pass"
