"""What the specifications of rules share: an agreement, a run, and how a rule is asked."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.agreement.agreement import Agreement, read_agreement
from governance.artefact import Evidence
from governance.audit.evidence_filter import content_fault
from governance.gate import judged
from governance.principals.run_authorisation import run_authorisation_facts
from governance.rules import all_rules
from governance.rules.registry import Shown, Verdict

SAMPLE = Path(__file__).parents[2] / "sample_data" / "sample" / "agreement.toml"
TODAY = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
RUN = {
    "custody": "at-source",
    "production": True,
    "code_version": "c" * 64,
    "libraries": 130,
    "import_overrides": [],
    "altered_bytecode": [],
    "reference_date": "2026-09-30",
    "extracts": ["council_property", "nhs_person"],
    "mapped_columns": {"council_property": ["record_id"]},
    "publishes": True,
    "first_published": None,
    "disclosure_criteria": {"minimum_cell_count": 10},
    "model_digest": "f" * 64,
}


def key_of(name: str) -> Ed25519PrivateKey:
    """Return the key of one of the specifications' people."""
    return Ed25519PrivateKey.from_private_bytes(name.ljust(32).encode())


def started_by(agreement: Agreement, *names: str) -> dict[str, Any]:
    """Return the facts of a run that these people signed for."""
    return run_authorisation_facts(agreement, "run-1", "run", [key_of(name) for name in names])


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
        code_digests=("c" * 64,),
    )


Ask = Callable[..., Verdict]


@pytest.fixture
def ask(agreement: Agreement) -> Ask:
    """Asks one rule: `ask("ING-03", facts, part="nhs", run={…}, now=…, thresholds={…}, dpia=None)`.

    run: changes to the facts of a run in production. started: names of those whose keys were given, all
    principals by default. Other names change the agreement's fields. Whatever the verdict, the audit
    log would take it.
    """

    def asked(
        rule_id: str,
        facts: Mapping[str, Any] | None = None,
        *,
        part: str = "all",
        run: Mapping[str, Any] | None = None,
        now: datetime = TODAY,
        remembered: Mapping[str, Any] | None = None,
        requests: tuple[str, ...] = (),
        review: Mapping[str, Any] | None = None,
        thresholds: Mapping[str, Any] | None = None,
        disclosure: Mapping[str, Any] | None = None,
        started: tuple[str, ...] | None = None,
        **changes: Any,
    ) -> Verdict:
        changed = replace(
            agreement,
            thresholds=replace(agreement.thresholds, **(thresholds or {})),
            disclosure=replace(agreement.disclosure, **(disclosure or {})),
            **changes,
        )
        (found,) = (item for item in all_rules() if item.id == rule_id)
        names = [item.id for item in changed.principals] if started is None else started
        run_facts = RUN | started_by(changed, *names) | dict(run or {})
        shown = run_facts if found.stage == "run" else dict(facts or {})
        evidence = Evidence(found.stage, part, shown)
        before = Evidence("run", "all", run_facts)
        facts_shown = Shown(evidence, before, remembered, frozenset(requests), review)
        judgement = judged(found, facts_shown, changed, now)
        assert content_fault(judgement.facts(evidence)) == "", judgement
        return judgement.verdict

    return asked
