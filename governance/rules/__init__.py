"""The rules, one small file a family. `all_rules` is the only list that gates go by."""

from governance.rules import (
    aggregate,
    delivery,
    disclosure,
    household,
    ingest,
    leakage,
    link,
    pseudonymise,
    publish,
    retention,
    run,
)
from governance.rules.registry import STAGES, Rule, registered

FAMILIES = (
    run,
    delivery,
    ingest,
    pseudonymise,
    link,
    household,
    aggregate,
    disclosure,
    publish,
    leakage,
    retention,
)


def all_rules() -> tuple[Rule, ...]:
    """Return every rule, in the order of the data's journey and then by id."""
    return tuple(sorted(registered().values(), key=lambda item: (STAGES.index(item.stage), item.id)))


def rules_for(stage: str, part: str) -> tuple[Rule, ...]:
    """Return the rules that the gate of a stage and part asks."""
    return tuple(item for item in all_rules() if item.concerns(stage, part))
