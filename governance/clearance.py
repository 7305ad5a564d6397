"""Order enforced by types: a stage accepts only input that a gate has cleared.

Only `governance.gate` creates a clearance, and only after the audit event that
records the verdict is on disk.
"""

from dataclasses import dataclass, field

from governance.artefact import Artefact
from governance.errors import Refused

_MINT = object()


@dataclass(frozen=True)
class Clearance:
    """A gate's approval, bound to one artefact of one run.

    audit_seq: number of the audit event that recorded the verdict.
    rules: ids of the rules that were evaluated.
    """

    run_id: str
    stage: str
    artefact_digest: str
    audit_seq: int
    rules: tuple[str, ...]
    _mint: object = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self._mint is not _MINT:
            raise Refused(
                "CLEARANCE_FORGED",
                f"A clearance for stage {self.stage} was not created by its gate.",
                "Report this as a defect in Hearth: only a gate may clear an artefact.",
            )


@dataclass(frozen=True)
class Cleared:
    """An artefact together with the clearance that admits it to the next stage.

    Raises Refused if the clearance belongs to another artefact.
    """

    artefact: Artefact
    clearance: Clearance

    def __post_init__(self) -> None:
        if (
            self.clearance.artefact_digest != self.artefact.digest
            or self.clearance.stage != self.artefact.stage
        ):
            raise Refused(
                "CLEARANCE_MISMATCH",
                f"The clearance given for stage {self.artefact.stage} belongs to another artefact.",
                "Run `hearth run` again. If this repeats, report it as a defect in Hearth.",
            )
