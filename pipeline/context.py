"""What every stage receives in addition to its cleared inputs. It contains no key."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from governance.errors import Fault
from governance.recorded_state import RecordedState
from pipeline.project import Project
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from governance.agreement.agreement import Agreement

#: Called with a short sentence about progress ("council_property: 12,003 rows kept, 14 quarantined").
Report = Callable[[str], None]


def _silent(_: str) -> None:
    return None


@dataclass(frozen=True)
class RunContext:
    """One run of one project.

    spill: private folder for data that does not fit in DuckDB's memory; removed when the run ends.
    report: called with sentences about progress, with counts and rates but never values.
    log: the audit log, for stages that need to know what happened in earlier runs.
    """

    run_id: str
    project: Project
    agreement: "Agreement"
    workspace: Workspace
    spill: Path
    report: Report = field(default=_silent, repr=False)
    log: RecordedState | None = field(default=None, repr=False)

    @property
    def recorded(self) -> RecordedState:
        """What the signed log says of earlier runs. Raises Fault where the log is not open."""
        if self.log is None:
            raise Fault(
                "AUDIT_LOG_UNREADABLE",
                "A stage needs the audit log, and this run was started without one.",
                "Report this as a defect of the programme; nothing is decided without the log.",
            )
        return self.log
