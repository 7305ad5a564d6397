"""What an attack found, in counts: the attacker's gain is never written down."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class AttackOutcome:
    """One attack on one or more releases.

    number, name: as in the specification. findings: code -> how often it succeeded; none means it failed.
    figures: what was tried, in counts and rates. not_run: why it could not be tried, if so.
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
