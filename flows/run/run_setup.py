"""Opening a night: everything a run needs before its first stage, and its end on the record.

The order matters: the agreement is read, the audit log opened, `run_start`
written and the rules that precede a run judged before any extract is touched.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from flows.actions.authorisation import authorisation_facts, login
from flows.run.custody import open_run_keys, orchestrator_homes
from flows.run.display import Display
from flows.run.faults import as_hearth_error
from flows.run.nightly_run import NightlyRun, Perform
from flows.run.run_evidence import run_evidence
from flows.run.run_teardown import remove_superseded, shred
from governance.agreement.agreement import read_agreement
from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.errors import Refused
from governance.gate import Gatekeeper
from governance.keys.at_rest_keys import open_at_rest_keys
from governance.principals.run_authorisation import actor_of
from governance.retention.evidence import retention_evidence
from governance.retention.residue import remove_stale_spill
from pipeline.context import RunContext
from pipeline.engine.at_rest import encrypted_at_rest
from pipeline.engine.spill_volume import check_spill_volume
from pipeline.project import Project
from pipeline.workspace import Workspace


@contextmanager
def set_up_run(
    project: Project, workspace: Workspace, run_id: str, display: Display, perform: Perform
) -> Iterator[NightlyRun]:
    """Lend the stages of one run; on leaving, the audit log holds how it ended, under a signed checkpoint.

    Raises Fault where agreement, audit log or key cannot be used, Refused where a rule forbids the run.
    """
    agreement = read_agreement(project.agreement)
    signer = open_log_signer(workspace.zone("keys"), f"hearth/{project.name}")
    audit = AuditLog.open(workspace.zone("audit"), signer)
    facts = run_evidence(project, authorisation_facts(project, agreement, run_id, "run"))
    actor = actor_of(facts.facts, login())
    audit.append(run_id, actor, None, "run_start", evidence=dict(facts.facts), policy=agreement.digest)
    gatekeeper = Gatekeeper(run_id=run_id, agreement=agreement, audit=audit, actor=actor)
    at_rest = workspace.zone("keys") / "at-rest"
    this_run: NightlyRun | None = None
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
            this_run = NightlyRun(context, gatekeeper, audit, keys, display, perform, orchestrator_homes())
            yield this_run
            if any(s.stage == "publish" for s in this_run.stages):
                remove_superseded(this_run)
    except BaseException as error:
        told = as_hearth_error(
            error, this_run.stages[-1].stage if this_run and this_run.stages else "the start"
        )
        verdict = "refused" if isinstance(told, Refused) else "fault"
        verdict = "interrupted" if told.code == "INTERRUPTED" else verdict
        if verdict == "refused":
            _shred(audit, workspace, run_id, actor, agreement.digest, at_rest)
        audit.append(run_id, actor, None, "run_end", None, verdict, {"code": told.code}, agreement.digest)
        audit.checkpoint()
        raise
    _shred(audit, workspace, run_id, actor, agreement.digest, at_rest)
    verdict = "published" if any(s.stage == "publish" for s in this_run.stages) else "done"
    audit.append(
        run_id, actor, None, "run_end", None, verdict, {"stages": len(this_run.stages)}, agreement.digest
    )
    audit.checkpoint()


def _shred(
    audit: AuditLog, workspace: Workspace, run_id: str, actor: str, policy: str, at_rest: Path
) -> None:
    facts = shred(workspace, run_id, at_rest)
    if facts is not None:
        audit.append(run_id, actor, None, "disposal", None, "done", facts, policy)
