"""Opening a night: everything a run needs before its first stage, and its end on the record.

The order matters: the agreement is read, the audit log opened, `run_start`
written and the rules that precede a run judged before any extract is touched.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from flows.acting import acting_facts, login
from flows.closing import remove_superseded, shred
from flows.custody import open_run_keys, orchestrator_homes
from flows.display import Display
from flows.faults import as_hearth_error
from flows.night import Night, Perform
from flows.run_evidence import run_evidence
from governance.agreement import read_agreement
from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.errors import Refused
from governance.gate import Gatekeeper
from governance.keys.at_rest_keys import open_at_rest_keys
from governance.mandate import actor_of
from governance.retention.evidence import retention_evidence
from governance.retention.residue import remove_stale_spill
from pipeline.context import RunContext
from pipeline.engine.at_rest import encrypted_at_rest
from pipeline.engine.spill_volume import check_spill_volume
from pipeline.project import Project
from pipeline.workspace import Workspace


@contextmanager
def open_night(
    project: Project, workspace: Workspace, run_id: str, display: Display, perform: Perform
) -> Iterator[Night]:
    """Lend the stages of one run; on leaving, the audit log holds how it ended, under a signed checkpoint.

    Raises Fault where agreement, audit log or key cannot be used, Refused where a rule forbids the run.
    """
    agreement = read_agreement(project.agreement)
    signer = open_log_signer(workspace.zone("keys"), f"hearth/{project.name}")
    audit = AuditLog.open(workspace.zone("audit"), signer)
    facts = run_evidence(project, acting_facts(project, agreement, run_id, "run"))
    actor = actor_of(facts.facts, login())
    audit.append(run_id, actor, None, "run_start", evidence=dict(facts.facts), policy=agreement.digest)
    gatekeeper = Gatekeeper(run_id=run_id, agreement=agreement, audit=audit, actor=actor)
    at_rest = workspace.zone("keys") / "at-rest"
    night: Night | None = None
    try:
        gatekeeper.check_run(facts)
        remove_stale_spill(workspace.root)
        gatekeeper.check(retention_evidence(workspace.root, agreement, datetime.now(UTC), run_id))
        if warning := check_spill_volume(workspace.root, project.production):
            display.say(warning)
        keys = open_run_keys(project, agreement, workspace)
        if keys.warning:
            display.say(keys.warning)
        with (
            workspace.spill(run_id) as spill,
            encrypted_at_rest(workspace.root, open_at_rest_keys(at_rest)),
        ):
            context = RunContext(run_id, project, agreement, workspace, spill, display.say)
            night = Night(context, gatekeeper, audit, keys, display, perform, orchestrator_homes())
            yield night
            if any(s.stage == "publish" for s in night.stages):
                remove_superseded(night)
    except BaseException as error:
        told = as_hearth_error(error, night.stages[-1].stage if night and night.stages else "the start")
        verdict = "refused" if isinstance(told, Refused) else "fault"
        verdict = "interrupted" if told.code == "INTERRUPTED" else verdict
        if verdict == "refused":
            _shred(audit, workspace, run_id, actor, agreement.digest, at_rest)
        audit.append(run_id, actor, None, "run_end", None, verdict, {"code": told.code}, agreement.digest)
        audit.checkpoint()
        raise
    _shred(audit, workspace, run_id, actor, agreement.digest, at_rest)
    verdict = "published" if any(s.stage == "publish" for s in night.stages) else "done"
    audit.append(
        run_id, actor, None, "run_end", None, verdict, {"stages": len(night.stages)}, agreement.digest
    )
    audit.checkpoint()


def _shred(
    audit: AuditLog, workspace: Workspace, run_id: str, actor: str, policy: str, at_rest: Path
) -> None:
    facts = shred(workspace, run_id, at_rest)
    if facts is not None:
        audit.append(run_id, actor, None, "disposal", None, "done", facts, policy)
