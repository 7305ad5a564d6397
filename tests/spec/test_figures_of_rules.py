"""What a verdict shows: the figures that it rests on, and the last of several things that are wrong.

An officer reads the figures in the log and in the report. Figures are compared here, not sentences.
"""

import re
from copy import deepcopy
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from governance.agreement.terms import Confidentiality, Dspt, LawfulBases
from governance.rules import aggregate, columns, household, rules_for
from governance.rules.columns import outlived, undeclared
from tests.spec.test_rules_ingest import COLUMNS, SUPPLIER, checks, facts, signed
from tests.spec.test_rules_release import DISCLOSURE, PUBLISH
from tests.spec.test_rules_stages import AGGREGATE, GROUP, HOUSEHOLD, LEAKAGE, LINK, PSEUDONYMISE, QUALITY

INVENTED = {"custody": "single-operator", "production": False}
#: Custody and production of which real people must be assumed.
REAL = ({"custody": "single-operator", "production": True}, {"custody": "at-source", "production": False})


def but(base: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return deepcopy(base) | changes


def figures(text: str) -> list[str]:
    """The numbers of a text, digits within words left out."""
    return re.findall(r"(?<![\w.-])-?\d+(?:\.\d+)?(?!\w)", re.sub(r"(?<=\d),(?=\d{3})", "", text))


def test_a_gate_asks_the_rules_of_its_stage_and_part_alone() -> None:
    of_nhs = {item.id for item in rules_for("ingest", "nhs")}
    of_council = {item.id for item in rules_for("ingest", "council")}

    assert of_nhs - of_council == {"ING-07", "ING-08", "ING-10"}
    assert of_council - of_nhs == {"ING-12"}
    both = {f"ING-{number:02d}" for number in (1, 2, 3, 4, 5, 6, 9, 11, 13, 14)} | {"RET-04"}
    assert of_council & of_nhs == both
    assert {item.id for item in rules_for("retention", "all")} == {"RET-01", "RET-02", "RET-03"}


def test_a_registered_table_made_of_rosters_is_found_and_counted_with_such_columns(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    register = {
        "health_by_tenure": SimpleNamespace(dimensions=("tenure",), measures=("households",)),
        "by_roster": SimpleNamespace(dimensions=("roster_coverage",), measures=("listed_by_council",)),
    }
    monkeypatch.setattr(aggregate, "registered_tables", lambda: register)
    shown = but(AGGREGATE, tables=["by_roster", "health_by_tenure", "not_registered"])

    verdict = ask("LNK-05", but(shown, columns=["table_id", "listed_records"]))

    assert (verdict.code, figures(verdict.observed)) == ("ROSTER_DIFFERENCE_PUBLISHED", ["3", "3"])
    assert ask("LNK-05", shown).code == "ROSTER_DIFFERENCE_PUBLISHED"
    assert ask("LNK-05", but(shown, tables=["health_by_tenure", "not_registered"])).outcome == "pass"


def test_undeclared_columns_are_found_after_a_table_without_a_contract() -> None:
    found = undeclared("household", {"person": ["age_band"], "household": ["tenure", "favourite_colour"]})
    assert [name.split(" ")[0] for name in found] == ["person", "household.favourite_colour"]


@pytest.mark.parametrize(("last", "is_found"), [("linked", True), ("household", False), ("protected", False)])
def test_a_column_outlives_its_stage_once_it_is_kept_past_it(
    last: str, is_found: bool, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No contract in force allows such a column, so the contract is invented."""
    known = {"tenure": SimpleNamespace(must_not_outlive=last)}
    contract = SimpleNamespace(find=known.get, columns=(), title="", purpose="", row_meaning="")
    monkeypatch.setattr(columns, "load_contract", lambda stage, table: contract)

    assert outlived("household", {"a": ["unknown", "tenure"]}) == (["a.tenure"] if is_found else [])
    monkeypatch.setattr(household, "undeclared", lambda stage, tables: [])
    verdict = ask("HHD-01", but(HOUSEHOLD, columns={"household": ["tenure"]}))
    assert verdict.code == ("COLUMN_OUTLIVED" if is_found else "")


def test_columns_of_every_household_table_are_counted(ask: Any) -> None:
    tables = {"household": ["tenure", "lsoa21"], "attrition": ["rule"]}
    verdict = ask("HHD-01", but(HOUSEHOLD, columns=tables, unexplained=0))
    assert figures(verdict.observed) == ["3", "2", "0"]


def delivery(**manifests: Any) -> dict[str, Any]:
    tables = {name: facts()["tables"]["nhs_person"] | {"manifest": m} for name, m in manifests.items()}
    return facts() | {"tables": tables}


def test_files_manifests_and_signatures_of_a_delivery_are_counted_apart(ask: Any) -> None:
    unsigned = {"sequence": 1, "supplied": None, "signed_by": None, "signature": None}
    given = delivery(nhs_person=signed(7, "2026-11-20"), nhs_event=unsigned, nhs_condition=None)

    verdict = ask("ING-01", given, part="nhs", principals=(SUPPLIER,), run=INVENTED)

    assert figures(verdict.observed) == ["3", "2", "1", "0"]


def test_a_replayed_file_is_found_after_one_without_a_number(ask: Any) -> None:
    given = delivery(nhs_condition=None, nhs_person=signed(7, "2026-11-20"))
    before = {"nhs_person": {"sequence": 8, "sha256": "1" * 64}}
    asked = ask("ING-01", given, part="nhs", principals=(SUPPLIER,), run=INVENTED, remembered=before)
    assert (asked.code, figures(asked.observed)[-1]) == ("FILE_REPLAYED", "1")


def test_a_first_delivery_may_bear_the_number_nought(ask: Any) -> None:
    verdict = ask("ING-01", facts(manifest=signed(0, None)), part="nhs", principals=(SUPPLIER,))
    assert (verdict.outcome, verdict.remember["nhs_person"]["sequence"]) == ("pass", 0)


def test_small_counts_and_small_rates_are_added_up(ask: Any) -> None:
    verdict = ask("AGG-01", but(DISCLOSURE, published_below_minimum=2, rates_below_minimum=1))
    assert figures(verdict.observed) == ["400", "10", "3"]


def test_only_what_is_out_of_rule_is_named(ask: Any) -> None:
    verdict = ask("AGG-02", but(DISCLOSURE, published_unrounded=2, cells_without_one_answer=3))
    assert figures(verdict.observed) == ["5", "5"]
    assert figures(verdict.reason) == ["2", "3"]
    assert "published_too_far_from_count" not in verdict.reason


def test_the_smallest_group_and_the_fewest_values_are_shown_where_there_are_any(ask: Any) -> None:
    shown = but(DISCLOSURE, smallest_published_group=12, fewest_sensitive_values=3)
    assert figures(ask("HHD-02", shown).observed) == ["12", "3"]
    nothing = {"cells_published": 0, "smallest_published_group": None, "fewest_sensitive_values": None}
    assert figures(ask("HHD-02", but(DISCLOSURE, **nothing)).observed) == []


def test_the_smallest_group_and_the_fewest_values_decide_each_on_its_own(ask: Any) -> None:
    least = {"minimum_quasi_identifier_group": 10, "minimum_sensitive_values": 2}
    for smallest, fewest, code in ((10, 2, ""), (9, 2, "BELOW_K"), (10, 1, "BELOW_L"), (10, None, "")):
        shown = but(DISCLOSURE, smallest_published_group=smallest, fewest_sensitive_values=fewest)
        assert ask("HHD-02", shown, thresholds=least).code == code, (smallest, fewest)


def test_improbable_dwellings_are_a_share_of_all_dwellings_with_residents(ask: Any) -> None:
    assert figures(ask("LNK-04", HOUSEHOLD).observed) == ["5", "100", "5.00"]


def test_the_share_in_quarantine_is_that_of_the_worst_file(ask: Any) -> None:
    assert figures(ask("ING-03", facts(), part="nhs").observed) == ["800", "750", "40", "5.00"]
    empty = facts(rows_in=0, rows_kept=0, rows_quarantined=0, rows_removed=0)
    assert figures(ask("ING-03", empty, part="nhs").observed)[-1] == "0.00"


def test_identifiers_out_of_place_are_counted_cell_by_cell(ask: Any) -> None:
    patterns = {"practice_code": {"email": 1, "postcode": 2}, "sex": {}, "ethnic_category": {"email": 4}}
    assert figures(ask("ING-06", facts(identifier_patterns=patterns), part="nhs").observed) == ["7", "2"]


@pytest.mark.parametrize(("day", "code"), [(21, ""), (22, "TYPE_1_NOT_ATTESTED")])
def test_an_opt_out_check_counts_from_its_day(day: int, code: str, ask: Any) -> None:
    applied = checks("type-1", applied_on=date(2026, 11, day))
    assert ask("ING-08", facts(), part="nhs", opt_outs=applied).code == code


def test_an_opt_out_is_found_after_a_dot_in_a_columns_name(ask: Any) -> None:
    read = facts(columns_read=[*COLUMNS, "note.opt_out"])
    verdict = ask("ING-09", read, part="nhs")
    assert (verdict.code, figures(verdict.observed)[-1]) == ("OPT_OUT_KEPT", "1")


def test_the_places_of_escaped_canaries_are_told_up_to_a_bound(ask: Any) -> None:
    places = [f"runs/{number:03d}: UPRN, plain" for number in range(40)]
    verdict = ask("PSE-03", but(LEAKAGE, hits=40, hit_places=places))
    assert (verdict.code, len(verdict.reason)) == ("CANARY_FOUND", 300)


def test_canaries_of_both_controllers_are_added_up(ask: Any) -> None:
    verdict = ask("PSE-03", but(LEAKAGE, canaries={"council": 2, "nhs": 3}))
    assert figures(verdict.observed) == ["5", "15", "40", "4096", "0", "0"]


@pytest.mark.parametrize("real", REAL)
def test_what_one_operator_may_do_with_invented_people_nobody_may_with_real_ones(
    real: dict[str, Any], ask: Any
) -> None:
    for rule_id, shown, code in (
        ("LNK-01", but(LINK, keys_in_reach=1), "IDENTIFIERS_IN_REACH"),
        ("LNK-06", but(QUALITY, true_pairs=3), "TRUTH_OF_REAL_PEOPLE"),
    ):
        assert ask(rule_id, shown, run=real).code == code
        assert ask(rule_id, shown, run=INVENTED).outcome == "pass"
    assert ask("LNK-02", LINK, model_digest=None, run=real).code == "MODEL_NOT_APPROVED"
    unwitnessed = {
        "disposals": 1, "uncertified": [], "still_present": [], "unwitnessed": ["linkage/x"],
    }  # fmt: skip
    assert ask("RET-02", unwitnessed, run=real).code == "DISPOSAL_UNWITNESSED"
    assert ask("RET-02", unwitnessed, run=INVENTED).outcome == "pass"


def test_a_model_is_named_by_the_start_of_its_digest(ask: Any) -> None:
    verdict = ask("LNK-02", LINK)
    for text in (verdict.observed, verdict.threshold):
        assert max(map(len, re.findall("f+", text))) == 16


def test_the_widest_gap_of_the_groups_that_are_large_enough_is_shown(ask: Any) -> None:
    """Group 1: .6 less 70 of 200; group 2 has 199 records, one too few to be judged."""
    assert figures(ask("LNK-03", LINK).observed) == ["60.00", "1", "25.00", "1"]
    small = ask("LNK-03", LINK, thresholds={"minimum_subgroup_residents": 201})
    assert figures(small.observed) == ["60.00"]
    wide = {"minimum_subgroup_residents": 199, "maximum_subgroup_gap": 1}
    assert figures(ask("LNK-03", LINK, thresholds=wide).observed)[1:] == ["2", "60.00", "2"]


def test_unexplained_records_and_dwellings_do_not_make_up_for_each_other(ask: Any) -> None:
    verdict = ask("LNK-06", but(QUALITY, unexplained_records=1, unexplained_dwellings=1))
    assert (verdict.code, figures(verdict.observed)) == ("UNEXPLAINED", ["30", "10", "2", "0"])
    assert figures(ask("LNK-06", but(QUALITY, true_pairs=7), run=INVENTED).observed)[-1] == "7"


def test_people_lost_and_people_counted_twice_do_not_make_up_for_each_other(ask: Any) -> None:
    shown = but(GROUP, grouped_records=999, dwellings=451, listed_nowhere=12)
    verdict = ask("LNK-07", shown)
    assert verdict.code == "GROUPING_DIFFERS"
    assert re.findall(r"[+-]\d+", verdict.reason) == ["-1", "+1", "+2"]


def test_the_state_of_a_key_is_told_as_it_is(ask: Any) -> None:
    agreed = {"uprn": "0" * 16}
    for state in ("retired", "pending", "destroyed"):
        asked = ask("PSE-02", but(PSEUDONYMISE, key_state=state), linkage_check_values=agreed)
        assert (asked.code, state in asked.reason) == ("KEY_NOT_ACTIVE", True)


def test_agreed_check_values_that_differ_are_counted(ask: Any) -> None:
    agreed = {"uprn": "0" * 16, "nhs_number": "9" * 16, "practice": "8" * 16}
    verdict = ask("PSE-02", PSEUDONYMISE, linkage_check_values=agreed)
    assert verdict.code == "KEY_CHECK_VALUE_DIFFERS"
    assert figures(verdict.reason) == ["2"]
    assert figures(verdict.observed)[-2:] == ["1", "3"]


def test_the_column_of_which_most_was_named_is_shown_with_its_share(ask: Any) -> None:
    columns = [
        {"column": "person_name", "reidentified_share": 0.004, "reidentified": 90},
        {"column": "birth_date", "reidentified_share": 0.0075, "reidentified": 3},
    ]
    verdict = ask("PSE-08", but(PSEUDONYMISE, encoding_attack={"nhs_resident": columns}))
    assert (verdict.outcome, "birth_date" in verdict.observed) == ("pass", True)
    assert re.findall(r"\d+\.\d+", verdict.observed) == ["0.75"]


def test_an_attack_is_counted_in_all_its_parts(ask: Any) -> None:
    attack = PSEUDONYMISE["self_attack"] | {"range_candidates": 11, "methods": 4, "previous_keys": 2}
    verdict = ask("PSE-05", but(PSEUDONYMISE, self_attack=attack))
    assert figures(verdict.observed) == ["10", "10", "11", "4", "2", "80", "0", "10"]


@pytest.mark.parametrize("missing", ["tables", "disclosure_criteria"])
def test_a_release_needs_tables_and_criteria_each_for_itself(missing: str, ask: Any) -> None:
    empty: Any = [] if missing == "tables" else {}
    assert ask("PUB-04", but(PUBLISH, **{missing: empty})).code == "NOT_EVALUATED"


def test_an_epoch_and_its_smallest_change_are_shown_where_there_are_any(ask: Any) -> None:
    none = ask("AGG-05", but(PUBLISH, smallest_change=None))
    some = ask("AGG-05", but(PUBLISH, smallest_change=33, epoch_first_release="R-1"))
    assert (figures(none.observed)[1:], figures(some.observed)[1:]) == (["0", "2"], ["0", "2", "33"])
    assert ("R-1" in some.observed, "R-1" in none.observed) == (True, False)


@pytest.mark.parametrize(("smallest", "code"), [(0, ""), (1, "TOO_FEW_CHANGED"), (2, "TOO_FEW_CHANGED")])
def test_one_changed_household_is_too_few(smallest: int, code: str, ask: Any) -> None:
    assert ask("AGG-05", but(PUBLISH, smallest_change=smallest)).code == code


def test_a_table_that_no_contract_knows_counts_as_special_category(ask: Any, agreement: Any) -> None:
    table = agreement.dataset_terms["council_property"]
    strange = {"strange": replace(table, columns={"note": "determinant"})}
    bases = LawfulBases(("6(1)(e)",), (), ())
    asked = ask("PRE-02", lawful_bases=bases, dataset_terms=strange)
    assert (asked.code, figures(asked.observed)[-1]) == ("NO_ARTICLE_9_BASIS", "1")


def test_the_day_on_which_a_route_lapses_is_shown_where_it_does(ask: Any) -> None:
    day = date(2026, 12, 24)
    assert "2026-12-24" in ask("PRE-03", confidentiality=Confidentiality("consent", "C", day)).observed
    assert "2026" not in ask("PRE-03", confidentiality=Confidentiality("statute", "Act", None)).observed


@pytest.mark.parametrize(("published", "outcome"), [(20, "pass"), (21, "pass"), (22, "warn")])
def test_a_toolkit_counts_from_the_day_of_its_publication(
    published: int, outcome: str, ask: Any, agreement: Any
) -> None:
    first, *others = agreement.parties
    dspt = Dspt("Standards Met", date(2026, 11, published), date(2027, 6, 30))
    assert ask("PRE-04", parties=(replace(first, dspt=dspt), *others)).outcome == outcome


def test_the_code_is_named_by_its_whole_digest(ask: Any) -> None:
    verdict = ask("PRE-05", run={"code_version": "b" * 64})
    assert max(map(len, re.findall("b+", verdict.observed))) == 64
