"""A small group has no name in anything that is printed: run.json, `--json`, `hearth quarantine`."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.commands.operation.quarantine import merge_small_groups
from flows.run.reporting.outcome import Outcome, StageRecord
from flows.run.reporting.printed_facts import printed_facts
from governance.small_group import is_other, merge_small, other

SMALL = "other (fewer than 10 records)"


def test_a_category_of_nine_is_merged_and_one_of_ten_is_named() -> None:
    assert merge_small({"a": 9, "b": 10, "c": 1, "d": 0}, 10) == {"b": 10, "d": 0, SMALL: 10}
    assert merge_small({"a": 10, "b": 11}, 10) == {"a": 10, "b": 11}


@given(st.dictionaries(st.text(max_size=5), st.integers(0, 50)), st.integers(10, 30))
def test_merging_keeps_the_sum_and_names_no_small_category(counts: dict[str, int], minimum: int) -> None:
    merged = merge_small(counts, minimum)
    assert sum(merged.values()) == sum(counts.values())
    assert all(not 0 < n < minimum for name, n in merged.items() if name != other(minimum))


def test_the_name_of_merged_groups_is_recognised() -> None:
    assert is_other(other(10))
    assert is_other(other(12))
    assert not is_other("other (fewer than records)")
    assert not is_other("Zyxquorble")


INGEST: dict[str, Any] = {
    "controller": "nhs",
    "tables": {
        "nhs_person": {
            "rows_in": 100,
            "quarantined_by_reason": {"MISSING": 12, "RAGGED_ROW": 1, "DUPLICATE_ROW": 2},
            "invalid": {"practice_code": {"PATTERN": 1}, "sex": {"UNKNOWN_CODE": 10}},
            "repaired": {"uprn": {"LEADING_ZEROS": 3}},
            "identifier_patterns": {"sex": {"postcode": 1}},
        }
    },
}


def test_reasons_of_few_records_have_no_name_in_what_is_printed() -> None:
    assert printed_facts("ingest", INGEST, 10)["tables"]["nhs_person"] == {
        "rows_in": 100,
        "quarantined_by_reason": {"MISSING": 12, SMALL: 3},
        "invalid": {"practice_code": {SMALL: 1}, "sex": {"UNKNOWN_CODE": 10}},
        "repaired": {"uprn": {SMALL: 3}},
        "identifier_patterns": {"sex": {SMALL: 1}},
    }


def test_small_groups_of_people_have_no_name_in_what_is_printed() -> None:
    groups = [
        {"attribute": "ethnic_category", "category": category, "records": records, "linked": linked}
        for category, records, linked in (("A", 900, 800), ("R", 9, 9), ("T", 3, 0))
    ]
    sexes = [{"attribute": "sex", "category": "X", "records": 10, "linked": 9}]
    assert printed_facts("link", {"subgroups": groups + sexes}, 10)["subgroups"] == [
        groups[0],
        sexes[0],
        {"attribute": "ethnic_category", "category": SMALL, "records": 12, "linked": 9},
    ]
    attrition = [
        {"rule": "deceased", "reason": "residency", "records_in": 100, "records_out": 90},
        {"rule": "improbable", "reason": "improbable", "records_in": 90, "records_out": 81},
        {"rule": "non_residential", "reason": "non_residential", "records_in": 81, "records_out": 81},
    ]
    small = {"rule": SMALL, "reason": None, "records_in": 90, "records_out": 81}
    assert printed_facts("household", {"attrition": attrition}, 10)["attrition"] == [
        attrition[0],
        small,
        attrition[2],
    ]
    assert printed_facts("household", {"excluded": {"improbable": 9, "residency": 10}}, 10) == {
        "excluded": {"residency": 10, SMALL: 9}
    }


def test_an_outcome_prints_no_seed_and_leaves_the_evidence_as_it_is() -> None:
    facts = {"canary_seed": "5eed", "canary_rows": 2}
    found = {"records_by_reason": {"linked": 90, "ambiguous": 4}, "columns": {"attrition": ["rule"]}}
    records = (
        StageRecord("pseudonymise", "nhs", "done", 1.5, 200, dict(facts), 10),
        StageRecord("quality", "all", "done", 1.5, 200, dict(found), 10),
    )
    outcome = Outcome("run-1", "published", stages=records)
    first, second = outcome.as_json()["stages"]
    assert first["facts"] == {"canary_rows": 2}
    assert second["facts"] == found | {"records_by_reason": {"linked": 90, SMALL: 4}}
    assert [record.facts for record in records] == [facts, found]
    assert "5eed" not in json.dumps(outcome.as_json()) + repr(outcome)


@pytest.mark.parametrize("minimum", [10, 0])
def test_quarantine_names_a_reason_of_few_records_only_on_request(minimum: int) -> None:
    found = [
        group("nhs_person", None, "MISSING", [4, 9]),
        group("nhs_person", None, "RAGGED_ROW", list(range(20, 31))),
        group("nhs_person", "practice_code", "PATTERN", [3]),
        group("nhs_person", "sex", "UNKNOWN_CODE", [2, 7]),
    ]
    merged = [
        found[1],
        group("nhs_person", None, SMALL, [4, 9]),
        group("nhs_person", SMALL, SMALL, [2, 3, 7]),
    ]
    assert merge_small_groups(found, minimum) == (merged if minimum else found)


def group(table: str, column: str | None, reason: str, lines: list[int]) -> dict[str, Any]:
    return {"table": table, "column": column, "reason": reason, "count": len(lines), "lines": lines}
