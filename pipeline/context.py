"""What every stage receives in addition to its cleared inputs. It contains no key."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

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
    """

    run_id: str
    project: Project
    agreement: "Agreement"
    workspace: Workspace
    spill: Path
    report: Report = field(default=_silent, repr=False)
