"""The result of a run: figures by stage, and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from flows.run.reporting.printed_facts import printed_facts
from governance.canonical import digest_of
from pipeline.disclosure.profile import FLOOR_CELL_COUNT

Status = Literal["published", "refused", "fault"]
EXIT_CODES: dict[Status, int] = {"published": 0, "refused": 2, "fault": 1}


@dataclass(frozen=True)
class StageRecord:
    """One stage of one run.

    outcome: "done", "reused" (a verified artefact of the same inputs, code and settings existed already),
    "refused" or "fault". seconds: wall time. peak_memory_mib: of the process during the stage, None if the
    kernel does not report it. facts: the stage's evidence, for this process only: `as_json` prints them
    without secrets and small groups. minimum_cell_count: the agreement's, below which a group is small.
    """

    stage: str
    part: str
    outcome: str
    seconds: float
    peak_memory_mib: int | None
    facts: dict[str, Any] = field(default_factory=dict, repr=False)
    minimum_cell_count: int = field(default=FLOOR_CELL_COUNT, repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return the stage as JSON-able values that may leave the workspace."""
        return {
            "stage": self.stage,
            "part": self.part,
            "outcome": self.outcome,
            "seconds": self.seconds,
            "peak_memory_mib": self.peak_memory_mib,
            "facts": printed_facts(self.stage, self.facts, self.minimum_cell_count),
        }


def stages_as_json(stages: Sequence[StageRecord]) -> list[dict[str, Any]]:
    """Return the stages as `run.json` shows them."""
    return [stage.as_json() for stage in stages]


def figures_digest(stages: Sequence[StageRecord]) -> str:
    """Return the digest of the stages' figures; the audit log has it, and the report compares `run.json`."""
    return digest_of(stages_as_json(stages))


@dataclass(frozen=True)
class Outcome:
    """The end of one run. code, reason and remedy are None if it published a release."""

    run_id: str
    status: Status
    release_dir: Path | None = None
    stages: tuple[StageRecord, ...] = ()
    code: str | None = None
    reason: str | None = None
    remedy: str | None = None

    @property
    def exit_code(self) -> int:
        """0 published, 2 refused by a gate, 1 fault."""
        return EXIT_CODES[self.status]

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as JSON-able values."""
        return {
            "run_id": self.run_id,
            "status": self.status,
            "release_dir": None if self.release_dir is None else str(self.release_dir),
            "stages": stages_as_json(self.stages),
            "code": self.code,
            "reason": self.reason,
            "remedy": self.remedy,
        }
