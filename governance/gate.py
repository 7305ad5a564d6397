"""Gates: a gate judges a stage's evidence, records its verdict in the audit log, then clears or refuses.

FAIL stops the run. WARN continues only with a signed waiver that is in date. A rule that raises an
error or cannot be evaluated is a FAIL, and a gate without rules refuses everything.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from governance.agreement.agreement import Agreement
from governance.agreement.decisions import NO_WAIVER, find_waiver
from governance.agreement.terms import Waiver
from governance.artefact import Artefact, Evidence
from governance.audit.log import AuditLog
from governance.clearance import _MINT, Clearance, Cleared
from governance.counted import counted
from governance.errors import Finding, Refused
from governance.recorded_state import RecordedState
from governance.rules import rules_for
from governance.rules.registry import NotShown, Rule, Shown, Verdict, failed

#: A stage and its part ("council", "nhs" or "all").
Step = tuple[str, str]
#: Each gate -> the gates that must have cleared before it in the same run. A gate that is not named refuses.
GateOrder = Mapping[Step, tuple[Step, ...]]
#: Returns the rules of the gate of a stage and part.
RuleBook = Callable[[str, str], tuple[Rule, ...]]


@dataclass(frozen=True)
class Judgement:
    """A rule's verdict on one piece of evidence.

    waiver: the waiver that lets a warning pass, if there is one. no_waiver: why there is none.
    """

    rule: Rule
    verdict: Verdict
    waiver: Waiver | None = None
    no_waiver: str = ""

    @property
    def admits(self) -> bool:
        """Return whether this rule lets the run continue."""
        return self.verdict.outcome == "pass" or (self.verdict.outcome == "warn" and self.waiver is not None)

    @property
    def recorded_as(self) -> str:
        """The verdict as the audit log records it."""
        return "waived" if self.waiver is not None else self.verdict.outcome

    @property
    def finding(self) -> Finding:
        """The judgement as a finding, for a refusal."""
        because = f" ({self.no_waiver})" if self.verdict.outcome == "warn" else ""
        what = f"{self.rule.title}: {self.verdict.reason}{because}. Required: {self.verdict.threshold}."
        return Finding(self.verdict.code, self.rule.id, what)

    def facts(self, evidence: Evidence) -> dict[str, Any]:
        """Return what the audit log records about the judgement of `evidence`."""
        verdict, waiver = self.verdict, self.waiver
        return {
            "part": evidence.part,
            "version": self.rule.version,
            "evidence_digest": evidence.digest,
            "observed": _short(verdict.observed),
            "threshold": _short(verdict.threshold),
            "code": verdict.code,
            "reason": _short(verdict.reason),
            "waiver": None
            if waiver is None
            else {"granted_by": waiver.granted_by, "expires": waiver.expires.isoformat()},
            "remember": dict(verdict.remember),
        }


def judged(item: Rule, evidence: Shown, agreement: Agreement, now: datetime) -> Judgement:
    """Evaluate one rule without recording it. A rule that raises fails, without the error's message."""
    try:
        verdict = item.check(evidence, agreement, now)
    except NotShown as error:
        verdict = failed(
            "NOT_EVALUATED",
            f"no fact {error.fact}",
            f"{error.fact}: {error.wanted}",
            f"the fact {error.fact} is missing or has the wrong type, so the rule could not be evaluated",
        )
    except Exception as error:  # noqa: BLE001 whatever a rule raises is a failure of the rule
        verdict = failed(
            "RULE_ERRED",
            type(error).__name__,
            "a verdict",
            f"the rule stopped with an unexpected {type(error).__name__}",
        )
    if verdict.outcome != "warn":
        return Judgement(item, verdict)
    found = [find_waiver(agreement, rule_id, now.date()) for rule_id in (item.id, *item.waived_by)]
    waiver = next((granted for granted, _ in found if granted is not None), None)
    reasons = [why for _, why in found if why not in ("", NO_WAIVER)]
    return Judgement(item, verdict, waiver, "" if waiver else (*reasons, NO_WAIVER)[0])


class Gatekeeper:
    """Judges the evidence of one run under one agreement, and records each verdict.

    actor: who runs (an id of the role map, or "operator"). order: which gates come before which. now: the
    time that dates are compared with; None reads the clock at each gate, so that an agreement that
    expires during a run stops it. rule_book: the rules; only tests give others.
    """

    def __init__(
        self,
        run_id: str,
        agreement: Agreement,
        audit: AuditLog,
        actor: str,
        now: datetime | None = None,
        rule_book: RuleBook = rules_for,
        *,
        order: GateOrder,
    ) -> None:
        self._run_id = run_id
        self._agreement = agreement
        self._audit = audit
        self._actor = actor
        self._now = now
        self._rule_book = rule_book
        self._order = order
        self._run_evidence = Evidence("run", "all")
        self._passed: set[Step] = set()

    def check_run(self, evidence: Evidence) -> None:
        """Judge the run before any extract is read; raises Refused. evidence.stage is "run".

        Later gates read these facts too.
        """
        self._run_evidence = evidence
        self.check(evidence)

    def check(self, evidence: Evidence) -> None:
        """Judge evidence that belongs to no artefact: stages "run" and "retention"; raises Refused."""
        self._decide(evidence, None)

    def judge_absence(self, release: Cleared, evidence: Evidence) -> Clearance:
        """Judge the search for planted people before a release; returns the clearance to publish it.

        evidence.stage is "leakage". Raises Refused.
        """
        judgements, seq = self._decide(evidence, release.artefact)
        rules = tuple(item.rule.id for item in judgements)
        return Clearance(self._run_id, evidence.stage, release.artefact.digest, seq, rules, _MINT)

    def judge(self, artefact: Artefact, evidence: Evidence) -> Cleared:
        """Judge a stage's artefact by its evidence and return it with its clearance.

        The verdict of each rule and the gate's decision are in the signed audit log before this returns
        or raises. Raises Refused with a finding for each rule that stops the run.
        """
        if (artefact.stage, artefact.part) != (evidence.stage, evidence.part):
            raise Refused(
                "EVIDENCE_MISMATCH",
                f"The gate received evidence of {evidence.stage} ({evidence.part}) for the artefact of "
                f"{artefact.stage} ({artefact.part}).",
                "Run `hearth run` again. If this repeats, report it as a defect in Hearth.",
            )
        judgements, seq = self._decide(evidence, artefact)
        clearance = Clearance(
            self._run_id,
            artefact.stage,
            artefact.digest,
            seq,
            tuple(item.rule.id for item in judgements),
            _MINT,
        )
        return Cleared(artefact, clearance)

    @property
    def recorded(self) -> RecordedState:
        """The states of earlier runs in the audit log, read and added to in this run's name."""
        return RecordedState(self._audit, self._run_id, self._actor, self._agreement.digest)

    def difference_from_record(self, artefact: Artefact, evidence: Evidence) -> tuple[str, str] | None:
        """Compare an artefact of an earlier run with what its gate judged; None where they are the same.

        Else return a code and a reason. An artefact that no gate judged is not reused either: its run may
        have been killed before the gate.
        """
        judged = self._audit.judged(artefact.stage, artefact.part, artefact.fingerprint)
        if judged is None:
            return "ARTEFACT_NOT_JUDGED", "no gate has judged it"
        changed = [
            what
            for what, now, then in (
                ("files", artefact.digest, judged.artefact_digest),
                ("evidence", evidence.digest, judged.evidence_digest),
            )
            if now != then
        ]
        if not changed:
            return None
        return "ARTEFACT_CHANGED", f"its {' and '.join(changed)} differ from what its gate judged"

    def record_release(self, release_id: str, manifest_sha256: str, epoch: str, reference_date: str) -> bytes:
        """Record that a release is about to be published, and return its signed statement.

        The line is in the log, and the log is signed, before this returns. Raises Refused where the log
        records other content for the same release: a published release never changes.
        """
        earlier = self._audit.published_manifest(release_id)
        if earlier not in (None, manifest_sha256):
            raise Refused(
                "RELEASE_WOULD_CHANGE",
                f"The audit log records release {release_id} with other content than this run made.",
                "Restore the release from a copy and find out why it is missing. To correct figures, run "
                "`hearth releases correct`, which opens a new epoch with a reason.",
            )
        facts = {
            "release_id": release_id,
            "manifest_sha256": manifest_sha256,
            "epoch": epoch,
            "reference_date": reference_date,
        }
        self._append("publish", "release", None, "published", facts)
        self._audit.checkpoint()
        return self._audit.sign_release(release_id, manifest_sha256, epoch, reference_date)

    def record_refusal(self, stage: str, refused: Refused) -> None:
        """Record that a stage refused its input before there was an artefact to judge."""
        codes = sorted({finding.code for finding in refused.findings} or {refused.code})
        facts = {
            "part": "input",
            "code": refused.code,
            "findings": len(refused.findings),
            "stopped_by": codes,
        }
        self._append(stage, "gate", None, "refused", facts)
        self._audit.checkpoint()

    def _decide(self, evidence: Evidence, artefact: Artefact | None) -> tuple[tuple[Judgement, ...], int]:
        self._check_order((evidence.stage, evidence.part))
        rules = self._rule_book(evidence.stage, evidence.part)
        now = self._now or datetime.now(UTC)
        judgements = tuple(judged(item, self._shown(evidence, item), self._agreement, now) for item in rules)
        for judgement in judgements:
            self._record(judgement, evidence)
        stopping = tuple(item for item in judgements if not item.admits)
        refused = bool(stopping) or not judgements
        facts: dict[str, Any] = {
            "part": evidence.part,
            "evidence_digest": evidence.digest,
            "artefact_digest": None if artefact is None else artefact.digest,
            "fingerprint": None if artefact is None else artefact.fingerprint,
            "rules": [item.rule.id for item in judgements],
            "stopped_by": [item.rule.id for item in stopping],
        }
        seq = self._append(evidence.stage, "gate", None, "refused" if refused else "cleared", facts)
        self._audit.checkpoint()
        if refused:
            raise _refusal(evidence, judgements, stopping)
        self._passed.add((evidence.stage, evidence.part))
        return judgements, seq

    def _check_order(self, gate: Step) -> None:
        """Raise Refused unless every gate that comes before this one has cleared in this run."""
        known = gate in self._order
        if known and not (skipped := [step for step in self._order[gate] if step not in self._passed]):
            return
        name = " ".join(gate)
        refused = Refused(
            "GATE_SKIPPED",
            f"The gate of {name} was reached before these gates had cleared: "
            f"{', '.join(' '.join(step) for step in skipped)}."
            if known
            else f"The gate of {name} has no place in the order of this run's gates.",
            "Report this as a defect of the program; no gate may be passed by.",
        )
        self.record_refusal(gate[0], refused)
        raise refused

    def _shown(self, evidence: Evidence, item: Rule) -> Shown:
        return Shown(
            evidence,
            self._run_evidence,
            self._audit.remembered(item.id, evidence.part),
            self._audit.requests(evidence.part),
            self._audit.newest_review,
        )

    def _record(self, judgement: Judgement, evidence: Evidence) -> None:
        facts = judgement.facts(evidence)
        self._append(evidence.stage, "rule", judgement.rule.id, judgement.recorded_as, facts)

    def _append(self, stage: str, event: str, rule: str | None, verdict: str, facts: dict[str, Any]) -> int:
        return self._audit.append(
            self._run_id,
            self._actor,
            stage,
            event,
            rule=rule,
            verdict=verdict,
            evidence=facts,
            policy=self._agreement.digest,
        )


def _short(text: str) -> str:
    return text if len(text) <= 400 else f"{text[:399]}…"


def _refusal(
    evidence: Evidence, judgements: tuple[Judgement, ...], stopping: tuple[Judgement, ...]
) -> Refused:
    where = evidence.stage if evidence.part == "all" else f"{evidence.stage} ({evidence.part})"
    if not judgements:
        return Refused(
            "NO_RULES",
            f"The gate of {where} has no rules, and a gate without rules clears nothing.",
            "Report this as a defect in Hearth: the rules of this stage are missing from governance/rules/.",
        )
    first = stopping[0]
    ids = ", ".join(item.rule.id for item in stopping)
    return Refused(
        first.verdict.code,
        f"The gate of {where} refused: {len(stopping)} of {counted(len(judgements), 'rule')} did not pass "
        f"({ids}).",
        _remedies(stopping),
        tuple(item.finding for item in stopping),
    )


def _remedies(stopping: tuple[Judgement, ...]) -> str:
    """Return what to do: one rule's remedy, or a line for each rule."""
    if len(stopping) == 1:
        return stopping[0].rule.remedy
    return "".join(f"\n  - {item.rule.id}: {item.rule.remedy}" for item in stopping)
