"""Order enforced by types: a stage demands the clearance of what it is handed.

Only `governance.gate` mints a clearance, and only after the audit event that
records the verdict is on disk.
"""

from dataclasses import dataclass, field

from governance.artefact import Artefact
from governance.errors import Refused

_MINT = object()


@dataclass(frozen=True)
class Clearance:
    """A gate's yes, bound to one artefact of one run.

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
                f"A clearance for stage {self.stage} was made outside its gate.",
                "Pass the artefact through its gate.",
            )


@dataclass(frozen=True)
class Cleared:
    """An artefact together with the clearance that admits it to the next stage.

    Raises Refused where the clearance is of another artefact.
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
                f"The clearance presented for stage {self.artefact.stage} belongs to another artefact.",
                "Run the stage and its gate again.",
            )
