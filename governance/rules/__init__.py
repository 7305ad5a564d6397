"""The rules, one small file for each family. Gates take their rules from `all_rules` only."""

from governance.rules import (
    aggregate,
    cells,
    consistency,
    delivery,
    disclosure,
    household,
    ingest,
    invented,
    leakage,
    link,
    paper,
    pseudonymise,
    publish,
    read_back,
    retention,
    run,
)
from governance.rules.registry import Rule, registered

FAMILIES = (
    run,
    paper,
    retention,
    delivery,
    ingest,
    invented,
    cells,
    consistency,
    pseudonymise,
    link,
    household,
    aggregate,
    disclosure,
    publish,
    read_back,
    leakage,
)


def all_rules() -> tuple[Rule, ...]:
    """Return every rule: by stage, in the order in which FAMILIES first names it, then by id."""
    rules = registered().values()
    stages = list(
        dict.fromkeys(
            item.stage for family in FAMILIES for item in rules if item.check.__module__ == family.__name__
        )
    )
    return tuple(sorted(rules, key=lambda item: (stages.index(item.stage), item.id)))


def rules_for(stage: str, part: str) -> tuple[Rule, ...]:
    """Return the rules that the gate of a stage and part evaluates."""
    return tuple(item for item in all_rules() if item.concerns(stage, part))
