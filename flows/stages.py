"""The stages of a run: each is declared once, in the order in which data passes through them.

The plan, the order of the gates, the progress display, the Prefect tasks and the table in
`docs/architecture.md` follow from this list. A stage reads artefacts that their own gates have
cleared, and its gate judges what it makes before the next stage may read it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from flows.run.reporting.display import Display
from flows.run.setup.custody import RunKeys
from governance.artefact import Artefact, Evidence
from governance.clearance import Cleared
from governance.gate import Gatekeeper
from pipeline.aggregate import stage as aggregate_stage
from pipeline.artefact_store import dispose_artefact
from pipeline.context import RunContext
from pipeline.disclosure import stage as disclosure_stage
from pipeline.group import stage as group_stage
from pipeline.household import stage as household_stage
from pipeline.ingest import stage as ingest_stage
from pipeline.ingest.inspection import InspectedExtract
from pipeline.leakage.absence import prove_absence
from pipeline.link import stage as link_stage
from pipeline.pseudonymise import stage as pseudonymise_stage
from pipeline.publish import stage as publish_stage
from pipeline.publish.commit_release import commit_release
from pipeline.quality import stage as quality_stage
from pipeline.quality.counting import TruePairs
from pipeline.transfer import receiving
from pipeline.transfer.receiving import HeldPackage
from schemas.storage.zones import QUARANTINE

CONTROLLERS = ("council", "nhs")
ALL = ("all",)
Made = tuple[Artefact, Evidence]
#: A stage's name and its part: a controller, or "all".
Step = tuple[str, str]
#: Where a run takes place. Only a single operator (the sample project) runs every stage.
Place = Literal["controller", "linkage environment", "single operator"]
AT_CONTROLLER: frozenset[Place] = frozenset({"controller", "single operator"})
AT_RECEIVER: frozenset[Place] = frozenset({"linkage environment"})
AT_LINKAGE: frozenset[Place] = frozenset({"linkage environment", "single operator"})


class RunServices(Protocol):
    """What a run offers its stages: its context and keys, and what it reads before the first stage.

    extracts: of each controller, inspected together before one is read. packages: the newest admitted
    package of each controller. truth: true pairs, where the people are invented and the project names them.
    search_folders: folders outside the workspace that the search for canaries includes.
    """

    context: RunContext
    gatekeeper: Gatekeeper
    keys: RunKeys
    display: Display
    search_folders: tuple[Path, ...]

    @property
    def extracts(self) -> Mapping[str, tuple[InspectedExtract, ...]]: ...
    @property
    def packages(self) -> Mapping[str, HeldPackage]: ...
    @property
    def truth(self) -> TruePairs | None: ...
    def canary_seeds(self) -> dict[str, str]: ...


@dataclass(frozen=True)
class StageCall:
    """One call of a stage's function: its run, its part, its fingerprint and its cleared inputs."""

    run: RunServices
    part: str
    fingerprint: str
    cleared: Mapping[Step, Cleared] = field(repr=False)

    @property
    def context(self) -> RunContext:
        """The run's context."""
        return self.run.context

    def input(self, stage: str, part: str = "all") -> Cleared:
        """Return the cleared artefact of an earlier step."""
        return self.cleared[stage, part]

    @property
    def council(self) -> Cleared:
        """The council's pseudonymised tables."""
        return self.input("pseudonymise", "council")

    @property
    def nhs(self) -> Cleared:
        """The NHS body's pseudonymised tables."""
        return self.input("pseudonymise", "nhs")


def _keep(_: StageCall, cleared: Cleared) -> Cleared:
    return cleared


@dataclass(frozen=True)
class Stage:
    """One stage.

    does: what it does, for people. reads: names of the stages whose artefacts it takes. zone: folder of the
    workspace that contains its artefacts ({part}: its part). settings: what the result depends on
    besides code and inputs. make: calls the stage's function. after: what follows when its gate has
    cleared the artefact. per_controller: it has one part for each controller, else one part "all".
    """

    name: str
    does: str
    reads: tuple[str, ...]
    zone: str
    places: frozenset[Place]
    settings: Callable[[RunServices, str], Any]
    make: Callable[[StageCall], Made]
    after: Callable[[StageCall, Cleared], Cleared] = _keep
    per_controller: bool = False

    def steps(self, controllers: Sequence[str]) -> tuple[Step, ...]:
        """Return the stage's steps: one for each controller, or one for all."""
        return tuple((self.name, part) for part in (controllers if self.per_controller else ("all",)))

    def folder(self, workspace: Path, part: str) -> Path:
        """Return the folder that contains the stage's artefacts."""
        return workspace / self.zone.format(part=part)


def _remove_clear_copy(call: StageCall, pseudonymised: Cleared) -> Cleared:
    """Delete the typed tables in clear; the quarantine stays for the controller's data team."""
    removed = dispose_artefact(call.input("ingest", call.part).artefact, keep=(QUARANTINE,))
    if removed:
        call.run.display.say(f"{call.part}: {removed} clear files removed")
    return pseudonymised


def _commit(call: StageCall, staged: Cleared) -> Cleared:
    """Search the workspace for the planted canaries, then let the release appear by one rename."""
    run = call.run
    run.display.now("searching for canaries")
    searched = prove_absence(call.context.workspace, run.canary_seeds(), run.search_folders)
    absence = run.gatekeeper.judge_absence(staged, searched)
    release = commit_release(staged, absence, call.context, run.gatekeeper.record_release)
    return Cleared(release, staged.clearance)


STAGES: tuple[Stage, ...] = (
    Stage(
        name="ingest",
        does="Read one controller's extracts into typed tables; rejected rows go to quarantine.",
        reads=(),
        zone="clear/{part}",
        places=AT_CONTROLLER,
        settings=lambda run, part: ingest_stage.fingerprint_settings(
            part, run.extracts[part], run.context.workspace.zone("clear")
        ),
        make=lambda call: ingest_stage.ingest(
            call.part, call.run.extracts[call.part], call.fingerprint, call.context
        ),
        per_controller=True,
    ),
    Stage(
        name="pseudonymise",
        does="Replace every direct identifier by a keyed pseudonym, then delete the copy in clear.",
        reads=("ingest",),
        zone="pseudonymised/{part}",
        places=AT_CONTROLLER,
        settings=lambda run, _: pseudonymise_stage.fingerprint_settings(run.keys.linkage(), run.context),
        make=lambda call: pseudonymise_stage.pseudonymise(
            call.input("ingest", call.part), call.run.keys.linkage(), call.fingerprint, call.context
        ),
        after=_remove_clear_copy,
        per_controller=True,
    ),
    Stage(
        name="pseudonymise",
        does="Open a controller's package and apply the outer key to its pseudonyms; no linkage key is here.",
        reads=(),
        zone="pseudonymised/{part}",
        places=AT_RECEIVER,
        settings=lambda run, part: receiving.fingerprint_settings(
            run.packages[part], run.keys.receiving()[1]
        ),
        make=lambda call: receiving.receive(
            call.run.packages[call.part], *call.run.keys.receiving(), call.fingerprint, call.context
        ),
        per_controller=True,
    ),
    Stage(
        name="group",
        does="Form the units to link: dwellings with their listed people, and NHS address groups.",
        reads=("pseudonymise",),
        zone=group_stage.ZONE,
        places=AT_LINKAGE,
        settings=lambda *_: {},
        make=lambda call: group_stage.group(call.council, call.nhs, call.fingerprint, call.context),
    ),
    Stage(
        name="link",
        does="Link NHS address groups to dwellings on pseudonyms only.",
        reads=("group", "pseudonymise"),
        zone="linkage",
        places=AT_LINKAGE,
        settings=lambda run, _: link_stage.fingerprint_settings(run.context),
        make=lambda call: link_stage.link(
            call.input("group"), call.council, call.nhs, call.fingerprint, call.context
        ),
    ),
    Stage(
        name="quality",
        does="Count how well each group of people is linked, and draw a sample for clerical review.",
        reads=("link", "pseudonymise"),
        zone="linkage",
        places=AT_LINKAGE,
        settings=lambda run, _: quality_stage.fingerprint_settings(run.context, run.truth),
        make=lambda call: quality_stage.quality(
            call.input("link"), call.council, call.nhs, call.fingerprint, call.context, call.run.truth
        ),
    ),
    Stage(
        name="household",
        does="Form households: the residents of each dwelling on the reference date.",
        reads=("link", "pseudonymise"),
        zone="controlled",
        places=AT_LINKAGE,
        settings=lambda run, _: household_stage.fingerprint_settings(run.context),
        make=lambda call: household_stage.household(
            call.input("link"), call.council, call.nhs, call.fingerprint, call.context
        ),
    ),
    Stage(
        name="aggregate",
        does="Count households and residents by area and category.",
        reads=("household",),
        zone="controlled",
        places=AT_LINKAGE,
        settings=lambda run, _: aggregate_stage.fingerprint_settings(run.context),
        make=lambda call: aggregate_stage.aggregate(call.input("household"), call.fingerprint, call.context),
    ),
    Stage(
        name="disclosure",
        does="Hide or perturb every count that could identify someone.",
        reads=("aggregate",),
        zone="controlled",
        places=AT_LINKAGE,
        settings=lambda run, _: disclosure_stage.fingerprint_settings(run.context),
        make=lambda call: disclosure_stage.disclosure(
            call.input("aggregate"), call.fingerprint, call.context
        ),
    ),
    Stage(
        name="publish",
        does="Write the release to a staging folder, have its bytes judged, then publish it by one rename.",
        reads=("disclosure", "quality", "aggregate"),
        zone="releases",
        places=AT_LINKAGE,
        settings=lambda run, _: publish_stage.fingerprint_settings(run.context),
        make=lambda call: publish_stage.publish(
            call.input("disclosure"),
            call.input("quality"),
            call.input("aggregate"),
            call.fingerprint,
            call.context,
        ),
        after=_commit,
    ),
)
