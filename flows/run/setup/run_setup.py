"""Set up a run: everything it needs before its first stage, and how it ended in the audit log.

The order matters: the agreement is read, the audit log opened, `run_start` written and the rules
that precede a run judged before any extract is read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from flows.run.nightly_run import NightlyRun, Perform, run_directly
from flows.run.plan import gate_order
from flows.run.reporting.display import Display
from flows.run.reporting.faults import as_hearth_error
from flows.run.reporting.outcome import figures_digest
from flows.run.setup.authorisation import authorisation_facts, login, package_signers
from flows.run.setup.custody import RunKeys, open_controller_keys, open_run_keys, orchestrator_homes
from flows.run.setup.key_attempts import failed_attempts_recorded
from flows.run.setup.run_evidence import run_evidence
from flows.run.setup.run_teardown import remove_superseded, shred
from flows.run.truth import check_truth_is_allowed
from flows.stages import CONTROLLERS, Place
from governance.agreement.agreement import Agreement, read_agreement
from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.errors import Refused
from governance.gate import Gatekeeper
from governance.history import withdrawn_waivers
from governance.keys.at_rest_keys import open_at_rest_keys
from governance.keys.core_dumps import disable_core_dumps
from governance.keys.states import check_not_rolled_back
from governance.principals.run_authorisation import actor_of
from governance.retention.evidence import retention_evidence
from governance.retention.residue import remove_stale_spill
from pipeline.context import RunContext
from pipeline.engine.at_rest import encrypted_at_rest
from pipeline.engine.spill_volume import check_spill_volume
from pipeline.project import Project
from pipeline.transfer.requests import check_no_request_is_here
from pipeline.workspace import Workspace
from schemas.storage.zones import at_rest_keys


@dataclass(frozen=True)
class RunSetup:
    """What a run starts from.

    controllers: whose data are processed at this place. publishes: whether the run ends in a release.
    """

    project: Project
    workspace: Workspace
    run_id: str
    display: Display
    place: Place
    perform: Perform = run_directly
    controllers: tuple[str, ...] = CONTROLLERS
    publishes: bool = True

    @classmethod
    def of_linkage(
        cls,
        project: Project,
        workspace: Workspace,
        run_id: str,
        display: Display,
        perform: Perform = run_directly,
        publishes: bool = True,
    ) -> "RunSetup":
        """Return the setup of a run that links: at a single operator, else in the linkage environment."""
        place: Place = "single operator" if project.custody == "single-operator" else "linkage environment"
        return cls(project, workspace, run_id, display, place, perform, publishes=publishes)

    @property
    def action(self) -> str:
        """The action of `governance/principals/roles.py` that the run needs."""
        return "pseudonymise" if self.place == "controller" else "run"

    def open_keys(self, agreement: Agreement) -> RunKeys:
        """Open the keys that this place may have."""
        disable_core_dumps()
        opened = open_controller_keys if self.place == "controller" else open_run_keys
        return opened(self.project, agreement, self.workspace)


@contextmanager
def set_up_run(setup: RunSetup) -> Iterator[NightlyRun]:
    """Yield the stages of one run; afterwards the audit log says how it ended, under a signed checkpoint.

    Raises Fault where agreement, audit log or key cannot be used, Refused where a rule forbids the run.
    """
    project, workspace, run_id, display = setup.project, setup.workspace, setup.run_id, setup.display
    remove_stale_spill(workspace.root)
    agreement = read_agreement(project.agreement)
    signer = open_log_signer(workspace.zone("keys"), f"hearth/{project.name}")
    audit = AuditLog.open(workspace.zone("audit"), signer)
    agreement = replace(agreement, withdrawn=withdrawn_waivers(workspace.zone("audit")))
    with failed_attempts_recorded(project, agreement):
        further = package_signers(project) if setup.place == "controller" else ()
        authorisation = authorisation_facts(project, agreement, run_id, setup.action, further)
    facts = run_evidence(project, agreement, authorisation, setup.publishes)
    actor = actor_of(facts.facts, login())
    audit.append(run_id, actor, None, "run_start", evidence=dict(facts.facts), policy=agreement.digest)
    gatekeeper = Gatekeeper(run_id, agreement, audit, actor, order=gate_order(setup.place, setup.controllers))
    at_rest = at_rest_keys(workspace.root)
    run: NightlyRun | None = None

    def shred_tables() -> None:
        destroyed = shred(workspace, run_id, at_rest)
        if destroyed is not None:
            audit.append(
                run_id, actor, None, "disposal", verdict="done", evidence=destroyed, policy=agreement.digest
            )

    def record_end(verdict: str, end: dict[str, object]) -> None:
        if run is not None and run.records:
            end |= {"figures": figures_digest(run.records)}
        audit.append(run_id, actor, None, "run_end", verdict=verdict, evidence=end, policy=agreement.digest)
        audit.checkpoint()

    try:
        gatekeeper.check_run(facts)
        check_truth_is_allowed(project)
        check_no_request_is_here(project)
        gatekeeper.check(retention_evidence(workspace.root, agreement, datetime.now(UTC), run_id))
        if warning := check_spill_volume(workspace.root, project.production):
            display.say(warning)
        with failed_attempts_recorded(project, agreement, run_id):
            keys = setup.open_keys(agreement)
        for key in keys.descriptions:
            check_not_rolled_back(key.key_id, key.state, audit.key_state(key.key_id))
        if keys.warning:
            display.say(keys.warning)
        with (
            workspace.spill(run_id) as spill,
            encrypted_at_rest(workspace.root, open_at_rest_keys(at_rest)),
        ):
            context = RunContext(
                run_id, project, agreement, workspace, spill, display.say, gatekeeper.recorded
            )
            run = NightlyRun(
                context,
                gatekeeper,
                keys,
                display,
                setup.place,
                setup.perform,
                orchestrator_homes(),
                setup.controllers,
            )
            yield run
            if run.has_published:
                remove_superseded(run)
    except BaseException as error:
        stopped = as_hearth_error(error, run.records[-1].stage if run and run.records else "the start")
        verdict = "refused" if isinstance(stopped, Refused) else "fault"
        verdict = "interrupted" if stopped.code == "INTERRUPTED" else verdict
        if verdict == "refused":
            shred_tables()
        record_end(verdict, {"code": stopped.code})
        raise
    shred_tables()
    record_end("published" if run.has_published else "done", {"stages": len(run.records)})
