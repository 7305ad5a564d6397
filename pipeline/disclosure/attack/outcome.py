"""What an attack found, in numbers only; a value that it worked out is never written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class AttackOutcome:
    """The result of one attack on one or more releases.

    number, name: as in the specification. findings: code -> number of successes; empty if the attack failed.
    figures: name -> number or rate that describes what was tried. not_run: why the attack could not be made.
    """

    number: int
    name: str
    findings: Mapping[str, int] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    not_run: str | None = None

    @property
    def is_repelled(self) -> bool:
        """Answer whether the attack was tried and found nothing."""
        return self.not_run is None and not self.findings

    @classmethod
    def of(
        cls, number: int, name: str, findings: Mapping[str, int], figures: Mapping[str, Any]
    ) -> "AttackOutcome":
        """Return an outcome with only the findings that occurred."""
        return cls(number, name, {code: int(n) for code, n in findings.items() if n}, dict(figures))
