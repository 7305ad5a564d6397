"""What `hearth governance check` judges: every rule that comes before a run, on papers only, without a run.

The rules are those of the run's own gate, so a check and a run cannot differ. Whose key starts a run, and
whose key releases, is known only when a run starts, so that is left open here.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from flows.run.setup.run_evidence import run_evidence
from governance.agreement.agreement import Agreement
from governance.agreement.decisions import release_specification
from governance.artefact import Evidence
from governance.errors import Fault
from governance.gate import Judgement, judged
from governance.history import withdrawn_waivers
from governance.principals.run_authorisation import run_authorisation_facts
from governance.rules import rules_for
from governance.rules.registry import Shown
from pipeline.engine.duckdb import EngineSettings
from pipeline.project import Project, read_project
from schemas.storage.zones import AUDIT

#: Findings about the keys of a run that has not started.
_KNOWN_AT_START = ("OPERATOR_NOT_AUTHENTICATED", "RELEASER_NOT_AUTHENTICATED")


@dataclass(frozen=True)
class PaperGate:
    """One rule on papers. outcome: "pass", "waived", "refuse", or "start": the start of a run decides."""

    rule: str
    title: str
    outcome: str
    code: str
    observed: str
    reason: str
    remedy: str


@dataclass(frozen=True)
class PaperCheck:
    """The result. settings: which hearth.toml was used; None where strict settings were assumed."""

    settings: Path | None
    custody: str
    code: str
    code_is_approved: bool
    model: str
    specification: str
    gates: tuple[PaperGate, ...]

    @property
    def refusing(self) -> tuple[PaperGate, ...]:
        """The rules that would refuse a run."""
        return tuple(gate for gate in self.gates if gate.outcome == "refuse")


def check_papers(
    path: Path, agreement: Agreement, config: Path | None = None, workspace: Path | None = None
) -> PaperCheck:
    """Judge an agreement as the gate before a run would today.

    config: the project's hearth.toml. Without one, the hearth.toml next to the agreement is used if it names
    that agreement, and otherwise the strictest custody is assumed: at-source. workspace: of earlier runs, if
    it is not the one in hearth.toml.
    """
    settings = config or _settings_beside(path)
    project = _assumed_project(path) if settings is None else read_project(settings, workspace)
    agreement = replace(agreement, withdrawn=withdrawn_waivers(project.workspace / AUDIT))
    facts = run_evidence(project, agreement, run_authorisation_facts(agreement, "check", "run", ()))
    now = datetime.now(UTC)
    gates = tuple(
        _gate(judged(item, Shown(facts, facts), agreement, now))
        for item in rules_for(facts.stage, facts.part)
    )
    used = str(facts.facts["code_version"])
    return PaperCheck(
        settings,
        project.custody,
        used,
        used in agreement.code_digests,
        str(facts.facts["model_digest"]),
        _specification(agreement, facts),
        gates,
    )


def _specification(agreement: Agreement, facts: Evidence) -> str:
    return release_specification(agreement, facts.facts["disclosure_criteria"])


def _gate(judgement: Judgement) -> PaperGate:
    verdict, rule = judgement.verdict, judgement.rule
    if verdict.code in _KNOWN_AT_START:
        outcome = "start"
    elif judgement.admits:
        outcome = "pass" if verdict.outcome == "pass" else "waived"
    else:
        outcome = "refuse"
    return PaperGate(
        rule.id, rule.title, outcome, verdict.code, verdict.observed, verdict.reason, rule.remedy
    )


def _settings_beside(path: Path) -> Path | None:
    beside = path.absolute().parent / "hearth.toml"
    if not beside.is_file():
        return None
    try:
        project = read_project(beside)
    except Fault:
        return None
    return beside if project.agreement.resolve() == path.resolve() else None


def _assumed_project(path: Path) -> Project:
    folder = path.absolute().parent
    return Project(
        name="check",
        folder=folder,
        custody="at-source",
        production=True,
        reference_date=datetime.now(UTC).date(),
        agreement=path,
        workspace=folder / "workspace",
        model=None,
        engine=EngineSettings(),
        keys={},
        extracts={},
    )
