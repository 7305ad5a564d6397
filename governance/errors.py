"""The two ways in which a run stops: a gate refuses it, or there is a fault.

Every error states where, what, how many and what to do next, and never a value from the data.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One problem: a code from a closed list, the place, and a count without values."""

    code: str
    where: str
    what: str
    count: int = 1

    def __str__(self) -> str:
        return f"{self.where}: {self.what} [{self.code}]"


class HearthError(Exception):
    """An error that a person can act on.

    code: upper-case identifier, stable across versions.
    reason: one or two sentences, counts but no values.
    remedy: what to do next.
    findings: each problem, if there are several.
    """

    exit_code = 1

    def __init__(self, code: str, reason: str, remedy: str, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(code, reason, remedy, findings)
        self.code = code
        self.reason = reason
        self.remedy = remedy
        self.findings = findings

    def __str__(self) -> str:
        listed = "".join(f"\n  - {finding}" for finding in self.findings)
        explain = f"hearth explain {self.code}"
        return f"{self.code}: {self.reason}{listed}\n  What to do: {self.remedy}\n  Explain: {explain}"


class Fault(HearthError):
    """Something is broken or unusable (configuration, disk, key); no rule was evaluated. Exit code 1."""

    exit_code = 1


class Refused(HearthError):
    """A gate refused: the run stops before the next stage. Exit code 2."""

    exit_code = 2
