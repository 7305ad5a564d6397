"""What a run has to make, and what it may take from an earlier run.

Everything here follows from the declared stages (`flows/stages.py`). A stage's fingerprint follows
from its settings, the code and the fingerprints of its inputs, never from its output, so all
fingerprints are known before the first stage runs. An artefact whose readers all exist is not made
again: only its record is judged, because its files may have been deleted by then.

An artefact's record is not believed. Its files and its evidence must be those that its gate judged, as the
audit log has them. If they differ, the difference goes on record and the stage is run again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from flows.stages import CONTROLLERS, STAGES, Made, Place, RunServices, Stage, Step
from governance.artefact import Artefact, Evidence
from governance.canonical import digest_of
from governance.errors import Fault
from governance.gate import GateOrder
from pipeline.artefact_store import find_artefact, recall_artefact
from pipeline.code_version import code_version
from pipeline.publish.stage import find_standing
from schemas.storage.artefact_record import artefact_folder


def stages_at(place: Place, declared: Sequence[Stage] = STAGES) -> tuple[Stage, ...]:
    """Return the stages that run at a place, in order."""
    return tuple(stage for stage in declared if place in stage.places)


def calls_in_order(stages: Sequence[Stage], controllers: Sequence[str]) -> tuple[tuple[Stage, str], ...]:
    """Return each stage and part in the order of a run.

    One controller's data pass through its own stages before the next controller's are read, so that
    the clear copies of two controllers never exist at the same time.
    """
    return tuple(
        (stage, part)
        for per_controller, block in groupby(stages, lambda stage: stage.per_controller)
        for own in [tuple(block)]
        for part in (controllers if per_controller else ("all",))
        for stage in own
    )


def inputs_by_step(stages: Sequence[Stage], controllers: Sequence[str]) -> dict[Step, tuple[Step, ...]]:
    """Return, in order, each step with the steps that it reads: of its own controller, else of all parts."""
    by_name = {stage.name: stage for stage in stages}
    return {
        (stage.name, part): tuple(
            read
            for name in stage.reads
            for read in by_name[name].steps(controllers)
            if not stage.per_controller or read[1] == part
        )
        for stage, part in calls_in_order(stages, controllers)
    }


def gate_order(place: Place, controllers: Sequence[str] = CONTROLLERS) -> GateOrder:
    """Return, for each gate of a place, the gates that must have cleared before it in the same run.

    Two gates come before every stage: "run" and "retention". "leakage", the search for canaries,
    comes after the last stage: at a controller for its own part, elsewhere for the whole workspace.
    """
    inputs = inputs_by_step(stages_at(place), controllers)
    before: tuple[Step, ...] = (("run", "all"), ("retention", "all"))
    order: dict[Step, tuple[Step, ...]] = {before[0]: (), before[1]: before[:1]}
    order.update({step: (*before, *reads) for step, reads in inputs.items()})
    last = list(inputs)[-1]
    if place == "controller":
        order.update({("leakage", part): (("pseudonymise", part),) for part in controllers})
    else:
        order["leakage", "all"] = (last,)
    return order


@dataclass
class Plan:
    """The steps of one run. Make it with `of`.

    inputs: each step, in order, with the steps that it reads. zones: the folder of each step's artefacts.
    find_release: finds the published release of a fingerprint. difference: compares an artefact and its
    evidence with the audit log; a code and a reason, or None. report: takes the step, code and reason of each
    artefact that is not used.
    """

    inputs: Mapping[Step, tuple[Step, ...]]
    zones: Mapping[Step, Path]
    fingerprints: Mapping[Step, str]
    find_release: Callable[[str], Made | None]
    difference: Callable[[Artefact, Evidence], tuple[str, str] | None]
    report: Callable[[Step, str, str], None]
    _found: dict[Step, Made | None] = field(default_factory=dict)
    _recalled: dict[Step, Made | None] = field(default_factory=dict)

    @classmethod
    def of(cls, stages: Sequence[Stage], controllers: Sequence[str], run: RunServices) -> "Plan":
        """Compute every fingerprint from the steps' settings."""
        inputs = inputs_by_step(stages, controllers)
        zones: dict[Step, Path] = {}
        fingerprints: dict[Step, str] = {}
        for stage, part in calls_in_order(stages, controllers):
            step = (stage.name, part)
            zones[step] = stage.folder(run.context.workspace.root, part)
            fingerprints[step] = digest_of(
                {
                    "step": list(step),
                    "code": code_version(),
                    "settings": stage.settings(run, part),
                    "inputs": [fingerprints[read] for read in inputs[step]],
                }
            )

        def report(step: Step, code: str, reason: str) -> None:
            name = " ".join(step)
            folder = artefact_folder(zones[step], *step, fingerprints[step])
            place = folder.relative_to(run.context.workspace.root).as_posix()
            run.gatekeeper.recorded.report(place, code, "the stage is run again", step[1])
            run.display.say(f"{name}: {place} is not used, because {reason}. {code} is on record.")

        return cls(
            inputs,
            zones,
            fingerprints,
            lambda found: find_standing(found, run.context),
            run.gatekeeper.difference_from_record,
            report,
        )

    def find(self, step: Step) -> Made | None:
        """Return the existing artefact of a step: verified where it will be read, else its record only."""
        return self._existing(step) if self._is_needed(step) else self._recall(step)

    def forget(self, step: Step) -> None:
        """Look at the disk again the next time: the step was made or disposed of."""
        self._found.pop(step, None)
        self._recalled.pop(step, None)

    def _is_needed(self, step: Step) -> bool:
        """Answer whether a step is the last one, or one whose files will be read by a step to be made."""
        readers = [reader for reader, inputs in self.inputs.items() if step in inputs]
        return not readers or any(self.find(reader) is None for reader in readers)

    def _existing(self, step: Step) -> Made | None:
        if step not in self._found:
            fingerprint = self.fingerprints[step]
            self._found[step] = (
                self.find_release(fingerprint)
                if step == ("publish", "all")
                else self._as_judged(step, find_artefact)
            )
        return self._found[step]

    def _recall(self, step: Step) -> Made | None:
        if step not in self._recalled:
            self._recalled[step] = self._as_judged(step, recall_artefact)
        return self._recalled[step]

    def _as_judged(self, step: Step, find: Callable[[Path, str, str, str], Made | None]) -> Made | None:
        """Return what is on disk if it is what the step's gate judged; else report it and return None."""
        try:
            found = find(self.zones[step], *step, self.fingerprints[step])
        except Fault as fault:
            difference: tuple[str, str] | None = fault.code, "its files are not those of its record"
            found = None
        else:
            difference = None if found is None else self.difference(*found)
        if difference is not None:
            self.report(step, *difference)
            return None
        return found
