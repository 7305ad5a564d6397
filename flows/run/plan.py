"""What a night has to make, and what it may take from an earlier one.

A stage's fingerprint follows from its settings, the code and the fingerprints of
its inputs, never from its output, so all of them are known before the first
stage runs. An artefact whose readers stand already need not be made again; of
it only the record is judged, for its files may be gone by then.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from governance.artefact import Artefact, Evidence
from governance.canonical import digest_of
from pipeline.artefact_store import find_artefact, recall_artefact
from pipeline.code_version import code_version

Made = tuple[Artefact, Evidence]
#: A stage and its part.
Step = tuple[str, str]

#: What each step reads.
INPUTS: Mapping[Step, tuple[Step, ...]] = {
    ("ingest", "council"): (),
    ("ingest", "nhs"): (),
    ("pseudonymise", "council"): (("ingest", "council"),),
    ("pseudonymise", "nhs"): (("ingest", "nhs"),),
    ("group", "all"): (("pseudonymise", "council"), ("pseudonymise", "nhs")),
    ("link", "all"): (("group", "all"), ("pseudonymise", "council"), ("pseudonymise", "nhs")),
    ("quality", "all"): (("link", "all"), ("pseudonymise", "council"), ("pseudonymise", "nhs")),
    ("household", "all"): (("link", "all"), ("pseudonymise", "council"), ("pseudonymise", "nhs")),
    ("aggregate", "all"): (("household", "all"),),
    ("disclosure", "all"): (("aggregate", "all"),),
    ("publish", "all"): (("disclosure", "all"), ("quality", "all")),
}


@dataclass
class Plan:
    """The steps of one night. Make it with `of`.

    zones: where each step's artefact stands. find_release: looks for the standing release of a fingerprint.
    """

    zones: Mapping[Step, Path]
    fingerprints: Mapping[Step, str]
    find_release: Callable[[str], Made | None]
    _seen: dict[Step, Made | None] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        settings: Mapping[Step, Mapping[str, Any]],
        zones: Mapping[Step, Path],
        find_release: Callable[[str], Made | None],
    ) -> "Plan":
        """Compute every fingerprint from the steps' settings."""
        fingerprints: dict[Step, str] = {}
        for step, inputs in INPUTS.items():
            fingerprints[step] = digest_of(
                {
                    "step": list(step),
                    "code": code_version(),
                    "settings": settings[step],
                    "inputs": [fingerprints[i] for i in inputs],
                }
            )
        return cls(zones, fingerprints, find_release)

    def find(self, step: Step) -> Made | None:
        """Return what stands of a step: verified where it is read again, its record alone where it is not."""
        if self._is_needed(step):
            return self._standing(step)
        return recall_artefact(self.zones[step], *step, self.fingerprints[step])

    def forget(self, step: Step) -> None:
        """Look at the disk again the next time: the step was made or disposed of."""
        self._seen.pop(step, None)

    def _is_needed(self, step: Step) -> bool:
        readers = [reader for reader, inputs in INPUTS.items() if step in inputs]
        return not readers or any(
            self._standing(reader) is None and self._is_needed(reader) for reader in readers
        )

    def _standing(self, step: Step) -> Made | None:
        if step not in self._seen:
            fingerprint = self.fingerprints[step]
            self._seen[step] = (
                self.find_release(fingerprint)
                if step == ("publish", "all")
                else find_artefact(self.zones[step], *step, fingerprint)
            )
        return self._seen[step]
