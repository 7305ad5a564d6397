"""Opening a night: everything a run needs before its first stage, and its end on the record.

The order matters: the agreement is read, the audit log opened, `run_start`
written and the rules that precede a run judged before any extract is touched.
"""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from flows.closing import remove_superseded, shred
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
from governance.keys.settings import open_key, read_key_settings
from governance.keys.unsafe_demo import WARNING
from pipeline.context import RunContext
from pipeline.engine.at_rest import encrypted_at_rest
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
    actor = f"operator:{getpass.getuser()}"
    facts = run_evidence(project)
    audit.append(run_id, actor, None, "run_start", evidence=dict(facts.facts), policy=agreement.digest)
    gatekeeper = Gatekeeper(run_id=run_id, agreement=agreement, audit=audit, actor=actor)
    at_rest = workspace.zone("keys") / "at-rest"
    night: Night | None = None
    try:
        gatekeeper.check_run(facts)
        keys = open_key(
            read_key_settings(project.keys, project.folder, project.custody),
            agreement=agreement.id,
            period=agreement.period,
            custody=project.custody,
            production=project.production,
            workspace_keys=workspace.zone("keys"),
            today=datetime.now(UTC).date(),
            project=project.name,
        )
        if keys.description.provider == "unsafe-demo":
            display.say(WARNING)
        with (
            workspace.spill(run_id) as spill,
            encrypted_at_rest(workspace.root, open_at_rest_keys(at_rest)),
        ):
            context = RunContext(run_id, project, agreement, workspace, spill, display.say)
            night = Night(context, gatekeeper, audit, keys, display, perform)
            yield night
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
    audit.append(
        run_id, actor, None, "run_end", None, "published", {"stages": len(night.stages)}, agreement.digest
    )
    audit.checkpoint()


def _shred(
    audit: AuditLog, workspace: Workspace, run_id: str, actor: str, policy: str, at_rest: Path
) -> None:
    facts = shred(workspace, run_id, at_rest)
    if facts is not None:
        audit.append(run_id, actor, None, "disposal", None, "done", facts, policy)
