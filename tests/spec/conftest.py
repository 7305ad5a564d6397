"""What the specifications of rules share: an agreement, a run, and how a rule is asked."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from governance.agreement import Agreement, read_agreement
from governance.artefact import Evidence
from governance.gate import judged
from governance.rules import all_rules
from governance.rules.registry import Shown, Verdict

SAMPLE = Path(__file__).parents[2] / "sample_data" / "sample" / "agreement.toml"
TODAY = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
RUN = {
    "custody": "at-source",
    "production": True,
    "code_version": "0.1.0",
    "uncommitted_changes": 0,
    "lock_digest": "a" * 64,
    "reference_date": "2026-09-30",
}


@pytest.fixture(scope="session")
def agreement() -> Agreement:
    """The sample's agreement, in force from 2025-01-01 to 2026-12-31 and signed."""
    sample = read_agreement(SAMPLE)
    return replace(
        sample,
        starts=date(2025, 1, 1),
        expires=date(2026, 12, 31),
        signature="valid",
        waivers=(),
        approvals=(),
        principals=(),
        model_digest="f" * 64,
    )


Ask = Callable[..., Verdict]


@pytest.fixture
def ask(agreement: Agreement) -> Ask:
    """Asks one rule: `ask("ING-03", facts, part="nhs", run={…}, now=…, thresholds={…}, dpia=None)`.

    run: changes to the facts of a run in production. Other names change the agreement's fields.
    """

    def asked(
        rule_id: str,
        facts: Mapping[str, Any] | None = None,
        *,
        part: str = "all",
        run: Mapping[str, Any] | None = None,
        now: datetime = TODAY,
        remembered: Mapping[str, Any] | None = None,
        requests: int = 0,
        thresholds: Mapping[str, Any] | None = None,
        disclosure: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> Verdict:
        changed = replace(
            agreement,
            thresholds=replace(agreement.thresholds, **(thresholds or {})),
            disclosure=replace(agreement.disclosure, **(disclosure or {})),
            **changes,
        )
        (found,) = (item for item in all_rules() if item.id == rule_id)
        run_facts = RUN | dict(run or {})
        shown = run_facts if found.stage == "run" else dict(facts or {})
        evidence = Evidence(found.stage, part, shown)
        before = Evidence("run", "all", run_facts)
        return judged(found, Shown(evidence, before, remembered, requests), changed, now).verdict

    return asked
