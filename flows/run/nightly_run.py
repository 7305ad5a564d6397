"""One night: each stage run or reused, judged by its gate, recorded.

The methods are the stages in the order of the data's journey; every one takes
cleared artefacts and gives a cleared artefact. No orchestrator is needed here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

from flows.run.custody import RunKeys
from flows.run.display import Display
from flows.run.outcome import StageRecord
from flows.run.plan import Made, Plan, Step
from flows.run.stage_metrics import StageMetrics
from flows.run.truth import check_truth_is_allowed, pseudonymised_truth
from governance.audit.log import AuditLog
from governance.clearance import Cleared
from governance.errors import Refused
from governance.gate import Gatekeeper
from pipeline.aggregate import stage as aggregate_stage
from pipeline.artefact_store import dispose_artefact
from pipeline.context import RunContext
from pipeline.disclosure import stage as disclosure_stage
from pipeline.group import stage as group_stage
from pipeline.household import stage as household_stage
from pipeline.ingest import stage as ingest_stage
from pipeline.ingest.inspection import InspectedExtract, inspect_extracts
from pipeline.leakage.absence import prove_absence
from pipeline.link import stage as link_stage
from pipeline.pseudonymise import stage as pseudonymise_stage
from pipeline.publish import stage as publish_stage
from pipeline.publish.commit_release import commit_release
from pipeline.quality import stage as quality_stage
from pipeline.quality.counting import TruePairs
from pipeline.transfer import receiving
from pipeline.transfer.receiving import HeldPackage
from pipeline.transfer.verification import check_same_linkage_key

CONTROLLERS = ("council", "nhs")
T = TypeVar("T")


class Perform(Protocol):
    """How a stage's work is carried out: at once, or as a task of an orchestrator."""

    def __call__(self, name: str, work: Callable[[], T]) -> T: ...


def run_directly(name: str, work: Callable[[], T]) -> T:  # noqa: ARG001 the orchestrator wants the name
    """Carry the work out here and now."""
    return work()


@dataclass
class NightlyRun:
    """The stages of one run, bound to its context, gatekeeper and keys.

    keys: what this environment holds of keys, see `custody`. perform: see Perform.
    further: folders outside the workspace that the search for canaries takes in.
    stages: what has been done so far, in order.
    """

    context: RunContext
    gatekeeper: Gatekeeper
    audit: AuditLog
    keys: RunKeys
    display: Display
    perform: Perform = run_directly
    further: tuple[Path, ...] = ()
    stages: list[StageRecord] = field(default_factory=list)

    def pseudonymised(self, controller: str) -> Cleared:
        """One controller's pseudonymised tables: made here by a single operator, else out of its package."""
        if self.keys.receiver is None:
            return self.pseudonymise(self.ingest(controller))
        return self.receive(controller)

    def receive(self, controller: str) -> Cleared:
        """Open a controller's package and lay the outer key over its pseudonyms; no linkage key is here."""
        receiver, outer = self.keys.receiving()

        def make(fingerprint: str) -> Made:
            return receiving.receive(self.packages[controller], receiver, outer, fingerprint, self.context)

        return self._stage("pseudonymise", controller, make)

    def ingest(self, controller: str) -> Cleared:
        """Read one controller's extracts into typed tables; rejected rows go to quarantine."""

        def make(fingerprint: str) -> Made:
            return ingest_stage.ingest(controller, self.extracts[controller], fingerprint, self.context)

        return self._stage("ingest", controller, make)

    def pseudonymise(self, ingested: Cleared) -> Cleared:
        """Replace every direct identifier by keyed pseudonyms, then remove the clear copy."""
        controller = ingested.artefact.part

        def make(fingerprint: str) -> Made:
            return pseudonymise_stage.pseudonymise(ingested, self.keys.linkage(), fingerprint, self.context)

        cleared = self._stage("pseudonymise", controller, make)
        removed = dispose_artefact(ingested.artefact, keep=("quarantine",))
        if removed:
            self.display.say(f"{controller}: {removed} clear files removed")
        return cleared

    def group(self, council: Cleared, nhs: Cleared) -> Cleared:
        """Make the units that are linked: dwellings with their listed people, NHS address groups."""
        return self._stage("group", "all", lambda fp: group_stage.group(council, nhs, fp, self.context))

    def link(self, grouped: Cleared, council: Cleared, nhs: Cleared) -> Cleared:
        """Link NHS address groups to dwellings on pseudonyms alone."""
        return self._stage("link", "all", lambda fp: link_stage.link(grouped, council, nhs, fp, self.context))

    def quality(self, linked: Cleared, council: Cleared, nhs: Cleared) -> Cleared:
        """Count how well each group was linked, and keep a sample for clerical review."""
        return self._stage(
            "quality",
            "all",
            lambda fp: quality_stage.quality(linked, council, nhs, fp, self.context, self.truth),
        )

    def household(self, linked: Cleared, council: Cleared, nhs: Cleared) -> Cleared:
        """Form households: the residents of a dwelling at the reference date."""
        return self._stage(
            "household", "all", lambda fp: household_stage.household(linked, council, nhs, fp, self.context)
        )

    def aggregate(self, households: Cleared) -> Cleared:
        """Count households and residents by area and category."""
        return self._stage(
            "aggregate", "all", lambda fp: aggregate_stage.aggregate(households, fp, self.context)
        )

    def disclosure(self, cells: Cleared) -> Cleared:
        """Hide and perturb what could disclose somebody."""
        return self._stage(
            "disclosure", "all", lambda fp: disclosure_stage.disclosure(cells, fp, self.context)
        )

    def publish(self, protected: Cleared, figures: Cleared) -> Cleared:
        """Stage the release, have its bytes judged, and only then let it appear by one rename.

        Before that the whole workspace is searched for the planted canaries.
        """
        cleared = self._stage(
            "publish", "all", lambda fp: publish_stage.publish(protected, figures, fp, self.context)
        )
        self.display.now("looking for canaries")
        searched = prove_absence(self.context.workspace, self._canary_seeds(), self.further)
        absence = self.gatekeeper.judge_absence(cleared, searched)
        return Cleared(commit_release(cleared, absence, self.context), cleared.clearance)

    @cached_property
    def extracts(self) -> dict[str, tuple[InspectedExtract, ...]]:
        """Every extract of both controllers, looked at once and before any is read in.

        A refusal is put on record here, for there is no artefact yet that a gate could judge.
        """
        self.display.now("looking at the extracts")
        try:
            return inspect_extracts(CONTROLLERS, self.context.project)
        except Refused as refused:
            self.gatekeeper.record_refusal("ingest", refused)
            raise

    @cached_property
    def truth(self) -> TruePairs | None:
        """True pairs in this run's pseudonyms, where the project's people are invented and it names them."""
        if self.context.project.truth is None:
            return None
        check_truth_is_allowed(self.context.project)
        return pseudonymised_truth(self.context.project, self.keys.linkage())

    @cached_property
    def packages(self) -> dict[str, HeldPackage]:
        """The newest admitted package of each controller, both made under one linkage key."""
        receiver, _ = self.keys.receiving()
        self.display.now("looking at the packages")
        try:
            held = {c: receiving.admit_packages(c, receiver, self.context) for c in CONTROLLERS}
            check_same_linkage_key({c: package.manifest for c, package in held.items()})
        except Refused as refused:
            self.gatekeeper.record_refusal("pseudonymise", refused)
            raise
        return held

    @cached_property
    def plan(self) -> Plan:
        """What stands already and what has to be made."""
        context, workspace = self.context, self.context.workspace
        settings: dict[Step, Any] = {}
        zones: dict[Step, Path] = {}
        for controller in CONTROLLERS:
            zones["ingest", controller] = workspace.zone("clear") / controller
            zones["pseudonymise", controller] = workspace.zone("pseudonymised") / controller
            if self.keys.receiver is not None:
                settings["ingest", controller] = {"at": "the controller"}
                settings["pseudonymise", controller] = receiving.fingerprint_settings(
                    self.packages[controller], self.keys.receiving()[1]
                )
                continue
            extracts = self.extracts[controller]
            settings["ingest", controller] = ingest_stage.fingerprint_settings(
                controller, extracts, workspace.zone("clear")
            )
            settings["pseudonymise", controller] = pseudonymise_stage.fingerprint_settings(
                self.keys.linkage(), context
            )
        for module, stage, zone in (
            (link_stage, "link", "linkage"),
            (household_stage, "household", "controlled"),
            (aggregate_stage, "aggregate", "controlled"),
            (disclosure_stage, "disclosure", "controlled"),
            (publish_stage, "publish", "releases"),
        ):
            settings[stage, "all"] = module.fingerprint_settings(context)
            zones[stage, "all"] = workspace.zone(zone)
        settings["group", "all"] = {}
        zones["group", "all"] = group_stage.zone_in(workspace)
        settings["quality", "all"] = quality_stage.fingerprint_settings(context, self.truth)
        zones["quality", "all"] = workspace.zone("linkage")
        return Plan.of(settings, zones, lambda fp: publish_stage.find_standing(fp, context))

    def _stage(self, stage: str, part: str, make: Callable[[str], Made]) -> Cleared:
        """Take what stands of a step, else what `make` does, through the step's gate, and record it."""
        name = stage if part == "all" else f"{stage} {part}"
        plan = self.plan
        self.display.now(name)
        metrics = StageMetrics()
        outcome = "fault"
        facts: dict[str, Any] = {}

        def work() -> Cleared:
            nonlocal outcome, facts
            found = plan.find((stage, part))
            artefact, evidence = found or make(plan.fingerprints[stage, part])
            plan.forget((stage, part))
            facts = dict(evidence.facts)
            cleared = self.gatekeeper.judge(artefact, evidence)
            outcome = "reused" if found else "done"
            return cleared

        try:
            return self.perform(name, work)
        except Refused:
            outcome = "refused"
            raise
        finally:
            record = StageRecord(stage, part, outcome, metrics.seconds, metrics.peak_memory_mib, facts)
            self.stages.append(record)
            memory = "" if record.peak_memory_mib is None else f", peak {record.peak_memory_mib:,} MiB"
            self.display.say(f"{name}: {outcome} in {record.seconds:.2f} s{memory}")

    def _canary_seeds(self) -> dict[str, str]:
        """Controller -> the seed of what was planted in its extract."""
        return {s.part: s.facts["canary_seed"] for s in self.stages if s.stage == "pseudonymise"}
