"""One night: each stage run or reused, judged by its gate, recorded.

The methods are the stages in the order of the data's journey; every one takes
cleared artefacts and gives a cleared artefact. No orchestrator is needed here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from flows.display import Display
from flows.meter import Meter
from flows.outcome import StageRecord
from governance.artefact import Artefact, Evidence
from governance.audit.log import AuditLog
from governance.canonical import digest_of
from governance.clearance import Cleared
from governance.errors import Fault, Refused
from governance.gate import Gatekeeper
from governance.keys.provider import KeyProvider
from pipeline.aggregate import stage as aggregate_stage
from pipeline.artefact_store import dispose_artefact, find_artefact, recall_artefact
from pipeline.code_version import code_version
from pipeline.context import RunContext
from pipeline.disclosure import stage as disclosure_stage
from pipeline.household import stage as household_stage
from pipeline.ingest import stage as ingest_stage
from pipeline.ingest.inspection import InspectedExtract, inspect_extracts
from pipeline.link import stage as link_stage
from pipeline.pseudonymise import stage as pseudonymise_stage
from pipeline.publish import stage as publish_stage
from pipeline.publish.reveal import reveal

CONTROLLERS = ("council", "nhs")
T = TypeVar("T")
Made = tuple[Artefact, Evidence]


class Perform(Protocol):
    """How a stage's work is carried out: at once, or as a task of an orchestrator."""

    def __call__(self, name: str, work: Callable[[], T]) -> T: ...


def at_once(name: str, work: Callable[[], T]) -> T:  # noqa: ARG001 the orchestrator wants the name
    """Carry the work out here and now."""
    return work()


@dataclass
class Night:
    """The stages of one run, bound to its context, gatekeeper and keys.

    keys: None in the linkage environment of at-source custody. perform: see Perform.
    stages: what has been done so far, in order.
    """

    context: RunContext
    gatekeeper: Gatekeeper
    audit: AuditLog
    keys: KeyProvider | None = field(repr=False)
    display: Display
    perform: Perform = at_once
    stages: list[StageRecord] = field(default_factory=list)
    extracts: dict[str, tuple[InspectedExtract, ...]] = field(default_factory=dict, repr=False)

    def ingest(self, controller: str) -> Cleared:
        """Read one controller's extracts into typed tables; rejected rows go to quarantine."""
        zone = self.context.workspace.zone("clear") / controller
        extracts = self._inspected()[controller]
        settings = ingest_stage.fingerprint_settings(controller, extracts)
        fingerprint = self._fingerprint("ingest", controller, settings, ())
        find = recall_artefact if self._is_pseudonymised(controller, fingerprint) else find_artefact
        return self._stage(
            "ingest",
            controller,
            lambda: find(zone, "ingest", controller, fingerprint),
            lambda: ingest_stage.ingest(controller, extracts, fingerprint, self.context),
        )

    def pseudonymise(self, ingested: Cleared) -> Cleared:
        """Replace every direct identifier by keyed pseudonyms, then remove the clear copy."""
        controller = ingested.artefact.part
        zone = self.context.workspace.zone("pseudonymised") / controller
        fingerprint = self._pseudonymise_fingerprint(controller, ingested.artefact.fingerprint)
        cleared = self._stage(
            "pseudonymise",
            controller,
            lambda: find_artefact(zone, "pseudonymise", controller, fingerprint),
            lambda: pseudonymise_stage.pseudonymise(ingested, self._keys(), fingerprint, self.context),
        )
        removed = dispose_artefact(ingested.artefact, keep=("quarantine",))
        if removed:
            self.display.say(f"{controller}: {removed} clear files removed")
        return cleared

    def link(self, council: Cleared, nhs: Cleared) -> Cleared:
        """Link NHS address groups to dwellings on pseudonyms alone."""
        zone = self.context.workspace.zone("linkage")
        settings = link_stage.fingerprint_settings(self.context)
        fingerprint = self._fingerprint("link", "all", settings, (council, nhs))
        return self._stage(
            "link",
            "all",
            lambda: find_artefact(zone, "link", "all", fingerprint),
            lambda: link_stage.link(council, nhs, fingerprint, self.context),
        )

    def household(self, linked: Cleared, council: Cleared, nhs: Cleared) -> Cleared:
        """Form households: the residents of a dwelling at the reference date."""
        zone = self.context.workspace.zone("controlled")
        settings = household_stage.fingerprint_settings(self.context)
        fingerprint = self._fingerprint("household", "all", settings, (linked, council, nhs))
        return self._stage(
            "household",
            "all",
            lambda: find_artefact(zone, "household", "all", fingerprint),
            lambda: household_stage.household(linked, council, nhs, fingerprint, self.context),
        )

    def aggregate(self, households: Cleared) -> Cleared:
        """Count households and residents by area and category."""
        zone = self.context.workspace.zone("controlled")
        settings = aggregate_stage.fingerprint_settings(self.context)
        fingerprint = self._fingerprint("aggregate", "all", settings, (households,))
        return self._stage(
            "aggregate",
            "all",
            lambda: find_artefact(zone, "aggregate", "all", fingerprint),
            lambda: aggregate_stage.aggregate(households, fingerprint, self.context),
        )

    def disclosure(self, cells: Cleared) -> Cleared:
        """Hide and perturb what could disclose somebody."""
        zone = self.context.workspace.zone("controlled")
        settings = disclosure_stage.fingerprint_settings(self.context)
        fingerprint = self._fingerprint("disclosure", "all", settings, (cells,))
        return self._stage(
            "disclosure",
            "all",
            lambda: find_artefact(zone, "disclosure", "all", fingerprint),
            lambda: disclosure_stage.disclosure(cells, fingerprint, self.context),
        )

    def publish(self, protected: Cleared) -> Cleared:
        """Write the release and rename it into place."""
        settings = publish_stage.fingerprint_settings(self.context)
        fingerprint = self._fingerprint("publish", "all", settings, (protected,))
        cleared = self._stage(
            "publish",
            "all",
            lambda: publish_stage.find_standing(fingerprint, self.context),
            lambda: publish_stage.publish(protected, fingerprint, self.context),
        )
        return Cleared(reveal(cleared, self.context), cleared.clearance)

    def _stage(
        self,
        stage: str,
        part: str,
        find: Callable[[], Made | None],
        make: Callable[[], Made],
    ) -> Cleared:
        """Take what `find` returns, else what `make` does, through the stage's gate."""
        name = stage if part == "all" else f"{stage} {part}"
        self.display.now(name)
        meter = Meter()
        outcome = "fault"
        facts: dict[str, Any] = {}

        def work() -> Cleared:
            nonlocal outcome, facts
            found = find()
            artefact, evidence = found or make()
            facts = dict(evidence.facts)
            outcome = "refused"
            cleared = self.gatekeeper.judge(artefact, evidence)
            outcome = "reused" if found else "done"
            return cleared

        try:
            return self.perform(name, work)
        finally:
            record = StageRecord(stage, part, outcome, meter.seconds, meter.peak_memory_mib, facts)
            self.stages.append(record)
            memory = "" if record.peak_memory_mib is None else f", peak {record.peak_memory_mib:,} MiB"
            self.display.say(f"{name}: {outcome} in {record.seconds:.2f} s{memory}")

    def _inspected(self) -> dict[str, tuple[InspectedExtract, ...]]:
        """Look at every extract of both controllers, once and before any is read in.

        A refusal is put on record here, for there is no artefact yet that a gate could judge.
        """
        if not self.extracts:
            self.display.now("looking at the extracts")
            try:
                self.extracts = inspect_extracts(CONTROLLERS, self.context.project)
            except Refused as refused:
                self.gatekeeper.record_refusal("ingest", refused)
                raise
        return self.extracts

    def _fingerprint(
        self, stage: str, part: str, settings: Mapping[str, Any], inputs: tuple[Cleared, ...]
    ) -> str:
        return digest_of(
            {
                "stage": stage,
                "part": part,
                "code": code_version(),
                "settings": settings,
                "inputs": [c.artefact.fingerprint for c in inputs],
            }
        )

    def _pseudonymise_fingerprint(self, controller: str, ingest_fingerprint: str) -> str:
        settings = pseudonymise_stage.fingerprint_settings(self._keys(), self.context)
        return digest_of(
            {
                "stage": "pseudonymise",
                "part": controller,
                "code": code_version(),
                "settings": settings,
                "inputs": [ingest_fingerprint],
            }
        )

    def _is_pseudonymised(self, controller: str, ingest_fingerprint: str) -> bool:
        """Answer whether this extract's pseudonymised artefact stands, so that no clear copy is needed."""
        zone = self.context.workspace.zone("pseudonymised") / controller
        fingerprint = self._pseudonymise_fingerprint(controller, ingest_fingerprint)
        return find_artefact(zone, "pseudonymise", controller, fingerprint) is not None

    def _keys(self) -> KeyProvider:
        if self.keys is None:
            raise Fault(
                "NO_KEY_HERE",
                "This environment holds no linkage key, so it cannot pseudonymise.",
                "At source, the controllers run `hearth pseudonymise` and `hearth run` takes their packages.",
            )
        return self.keys
