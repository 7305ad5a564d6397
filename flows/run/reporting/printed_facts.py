"""The facts of a stage as run.json and `--json` print them: no seed of a canary, no name of a small group.

The gate judges the evidence itself, which stays in the stage's artefact. What is printed can leave the
workspace: seeds would let a reader name the planted people, and the name of a group of a few records can
identify them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from governance.small_group import merge_small, other

#: Facts that are known only to the run and to the search for canaries.
_SECRET = frozenset({"canary_seed"})
Printed = Callable[[Any, int], Any]


def printed_facts(stage: str, facts: Mapping[str, Any], minimum: int) -> dict[str, Any]:
    """Return a stage's facts without secrets, and with categories of fewer than `minimum` records merged."""
    return _with(facts, minimum, _PRINTED.get(stage, {}))


def _with(facts: Mapping[str, Any], minimum: int, printed: Mapping[str, Printed]) -> dict[str, Any]:
    return {
        name: printed[name](value, minimum) if name in printed else value
        for name, value in facts.items()
        if name not in _SECRET
    }


def _by_column(counts: Mapping[str, Mapping[str, int]], minimum: int) -> dict[str, dict[str, int]]:
    return {column: merge_small(reasons, minimum) for column, reasons in counts.items()}


def _tables(tables: Mapping[str, Mapping[str, Any]], minimum: int) -> dict[str, dict[str, Any]]:
    return {table: _with(facts, minimum, _OF_A_TABLE) for table, facts in tables.items()}


def _merged_groups(groups: list[dict[str, Any]], minimum: int) -> list[dict[str, Any]]:
    """Return the groups (attribute, category, records, linked) with the small ones of an attribute merged."""
    kept = [group for group in groups if group["records"] >= minimum]
    small: dict[str, dict[str, Any]] = {}
    for group in groups:
        if group["records"] < minimum:
            attribute = group["attribute"]
            empty = {"attribute": attribute, "category": other(minimum), "records": 0, "linked": 0}
            merged = small.setdefault(attribute, empty)
            merged["records"] += group["records"]
            merged["linked"] += group["linked"]
    return [*kept, *small.values()]


def _steps(attrition: list[dict[str, Any]], minimum: int) -> list[dict[str, Any]]:
    """Return the steps of the attrition; a step that left out a few records has no name."""
    nameless = {"rule": other(minimum), "reason": None}
    return [
        step | nameless if 0 < step["records_in"] - step["records_out"] < minimum else step
        for step in attrition
    ]


def _cells(columns: Mapping[str, Mapping[str, Any]], minimum: int) -> dict[str, dict[str, Any]]:
    """Return the cells of each column; a column with a few invalid cells has no shapes of them."""
    return {
        name: dict(facts)
        | {
            "reasons": merge_small(facts["reasons"], minimum),
            "markers": merge_small(facts["markers"], minimum),
            "shapes": facts["shapes"] if facts["invalid"] >= minimum else [],
        }
        for name, facts in columns.items()
    }


#: Facts of a table that ingest read: a number of rows by reason, or of cells by column and reason.
_OF_A_TABLE: Mapping[str, Printed] = {
    "quarantined_by_reason": merge_small,
    "invalid": _by_column,
    "repaired": _by_column,
    "identifier_patterns": _by_column,
    "cells": _cells,
}
#: Stage -> its facts that have categories of records.
_PRINTED: Mapping[str, Mapping[str, Printed]] = {
    "ingest": {"tables": _tables},
    "link": {
        "subgroups": _merged_groups,
        "records_by_reason": merge_small,
        "records_by_level": merge_small,
    },
    "quality": {"records_by_reason": merge_small, "dwellings_by_reason": merge_small},
    "household": {"excluded": merge_small, "attrition": _steps},
}
