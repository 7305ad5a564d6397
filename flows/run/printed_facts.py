"""The facts of a stage as run.json and `--json` print them: no seed of a canary, no name of a small group.

The gate judges the evidence itself, which stays in the stage's artefact. What is printed can leave the
workspace: seeds would let a reader name the planted people, and the name of a group of a few records can
identify them.
"""

from collections.abc import Mapping
from typing import Any

from governance.small_group import merge_small, other

#: Facts that are known only to the run and to the search for canaries.
_SECRET = frozenset({"canary_seed"})
#: Facts that are a mapping of a category to its number of records.
_COUNTS = frozenset(
    {"quarantined_by_reason", "records_by_reason", "records_by_level", "dwellings_by_reason", "excluded"}
)
#: Facts that are such a mapping for each column.
_COUNTS_BY_COLUMN = frozenset({"invalid", "repaired", "identifier_patterns"})


def printed_facts(facts: Mapping[str, Any], minimum: int) -> dict[str, Any]:
    """Return the facts without secrets, and with categories of fewer than `minimum` records merged."""
    return {name: _printed(name, value, minimum) for name, value in facts.items() if name not in _SECRET}


def _printed(name: str, value: Any, minimum: int) -> Any:
    if name in _COUNTS:
        return merge_small(value, minimum)
    if name in _COUNTS_BY_COLUMN:
        return {column: merge_small(counts, minimum) for column, counts in value.items()}
    if name == "subgroups":
        return _merged_groups(value, minimum)
    if name == "attrition":
        return [_step(step, minimum) for step in value]
    if isinstance(value, Mapping):
        return printed_facts(value, minimum)
    return value


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


def _step(step: dict[str, Any], minimum: int) -> dict[str, Any]:
    """Return a step of the attrition without its name, if it left out a few records."""
    if not 0 < step["records_in"] - step["records_out"] < minimum:
        return step
    return step | {"rule": other(minimum), "reason": None}
