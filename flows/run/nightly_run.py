"""One run: each declared stage made or reused, judged by its gate, recorded. No orchestrator is needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

from flows.run.plan import Plan, calls_in_order, stages_at
from flows.run.reporting.display import Display
from flows.run.reporting.outcome import StageRecord
from flows.run.reporting.stage_metrics import StageMetrics
from flows.run.setup.custody import RunKeys
from flows.run.truth import check_truth_is_allowed, pseudonymised_truth
from flows.stages import CONTROLLERS, STAGES, Place, Stage, StageCall, Step
from governance.clearance import Cleared
from governance.errors import Refused
from governance.gate import Gatekeeper
from pipeline.context import RunContext
from pipeline.ingest.inspection import InspectedExtract, inspect_extracts
from pipeline.ingest.invented import check_people_are_invented
from pipeline.quality.counting import TruePairs
from pipeline.transfer import receiving
from pipeline.transfer.receiving import HeldPackage
from pipeline.transfer.verification import check_same_linkage_key

T = TypeVar("T")


class Perform(Protocol):
    """How a stage's work is carried out: in this process, or as a task of an orchestrator."""

    def __call__(self, name: str, work: Callable[[], T]) -> T: ...


def run_directly(name: str, work: Callable[[], T]) -> T:  # noqa: ARG001 the orchestrator needs the name
    """Carry the work out here and now."""
    return work()


@dataclass
class NightlyRun:
    """The stages of one run at one place, bound to its context, gatekeeper and keys.

    keys: the keys of this environment, see `custody`. perform: see Perform.
    search_folders: folders outside the workspace that the search for canaries includes.
    controllers: whose data this place works on. declared: the stages; only tests give others.
    records: what has been done so far, in order.
    """

    context: RunContext
    gatekeeper: Gatekeeper
    keys: RunKeys
    display: Display
    place: Place
    perform: Perform = run_directly
    search_folders: tuple[Path, ...] = ()
    controllers: tuple[str, ...] = CONTROLLERS
    declared: Sequence[Stage] = STAGES
    records: list[StageRecord] = field(default_factory=list)

    def take_stages(self, until: str | None = None) -> dict[Step, Cleared]:
        """Take the data through every stage, or through those up to `until`; return what was cleared.

        Raises Refused where a gate refuses, Fault where a stage cannot do its work.
        """
        cleared: dict[Step, Cleared] = {}
        stages = stages_at(self.place, self.declared)
        names = [stage.name for stage in stages]
        wanted = stages if until is None else stages[: names.index(until) + 1]
        calls = calls_in_order(wanted, self.controllers)
        for number, (stage, part) in enumerate(calls, 1):
            self.display.now(f"{number} of {len(calls)}: {_name(stage.name, part)}")
            cleared[stage.name, part] = self._take(stage, part, cleared)
        return cleared

    @cached_property
    def extracts(self) -> dict[str, tuple[InspectedExtract, ...]]:
        """Every extract of this place's controllers, all inspected before any is read in.

        A single operator's extracts must show that their people are invented.

        A refusal is recorded here, because there is no artefact yet that a gate could judge.
        """
        self.display.now("inspecting the extracts")
        try:
            inspected = inspect_extracts(self.controllers, self.context.project)
            check_people_are_invented(self.context.project, inspected, self.display.say)
        except Refused as refused:
            self.gatekeeper.record_refusal("ingest", refused)
            raise
        return inspected

    @cached_property
    def truth(self) -> TruePairs | None:
        """True pairs in this run's pseudonyms, where the people are invented and the project names them."""
        if self.context.project.truth is None:
            return None
        check_truth_is_allowed(self.context.project)
        return pseudonymised_truth(self.context.project, self.keys.linkage())

    @cached_property
    def packages(self) -> dict[str, HeldPackage]:
        """The newest admitted package of each controller, all made under one linkage key."""
        receiver, _ = self.keys.receiving()
        self.display.now("checking the packages")
        try:
            held = {c: receiving.admit_packages(c, receiver, self.context) for c in self.controllers}
            check_same_linkage_key({c: package.manifest for c, package in held.items()})
        except Refused as refused:
            self.gatekeeper.record_refusal("pseudonymise", refused)
            raise
        return held

    @cached_property
    def plan(self) -> Plan:
        """What exists already and what has to be made."""
        return Plan.of(stages_at(self.place, self.declared), self.controllers, self)

    @property
    def has_published(self) -> bool:
        """Answer whether the run reached the publish stage."""
        return any(record.stage == "publish" for record in self.records)

    def canary_seeds(self) -> dict[str, str]:
        """Return controller -> the seed of the canary that was planted in its extract."""
        return {r.part: r.facts["canary_seed"] for r in self.records if r.stage == "pseudonymise"}

    def _take(self, stage: Stage, part: str, cleared: dict[Step, Cleared]) -> Cleared:
        """Make a step or reuse its artefact, have its gate judge it, and record the outcome."""
        plan, step = self.plan, (stage.name, part)
        call = StageCall(self, part, plan.fingerprints[step], cleared)
        metrics = StageMetrics()
        outcome = "fault"
        facts: dict[str, Any] = {}

        def work() -> Cleared:
            nonlocal outcome, facts
            found = plan.find(step)
            artefact, evidence = found or stage.make(call)
            plan.forget(step)
            facts = dict(evidence.facts)
            judged = self.gatekeeper.judge(artefact, evidence)
            outcome = "reused" if found else "done"
            return judged

        try:
            judged = self.perform(_name(*step), work)
        except Refused:
            outcome = "refused"
            raise
        finally:
            record = StageRecord(
                *step,
                outcome,
                metrics.seconds,
                metrics.peak_memory_mib,
                facts,
                self.context.agreement.thresholds.minimum_cell_count,
            )
            self.records.append(record)
            memory = "" if record.peak_memory_mib is None else f", peak {record.peak_memory_mib:,} MiB"
            self.display.say(f"{_name(*step)}: {outcome} in {record.seconds:.2f} s{memory}")
        return stage.after(call, judged)


def _name(stage: str, part: str) -> str:
    return stage if part == "all" else f"{stage} {part}"
