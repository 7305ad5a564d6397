"""What a rule is, and the list of all rules.

A rule is a small function `(evidence, agreement, now) -> Verdict`. It reads evidence by the names
that the stage documents; a fact that is missing, or of another kind, makes the rule fail: what is
not evaluated is refused.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from governance.agreement.agreement import Agreement
from governance.artefact import Evidence

Outcome = Literal["pass", "warn", "fail"]
Kind = Literal["check", "attest"]


class NotShown(Exception):
    """The evidence lacks a fact that a rule needs, or has it in another kind."""

    def __init__(self, fact: str, wanted: str) -> None:
        super().__init__(fact, wanted)
        self.fact = fact
        self.wanted = wanted


@dataclass(frozen=True)
class Verdict:
    """What a rule found. observed, threshold: short texts of counts, rates, dates; never row values.

    code: upper-case identifier of the particular fault, "" for a pass. remember: digests and counts
    that the same rule reads in later runs, see `Shown.remembered`.
    """

    outcome: Outcome
    observed: str
    threshold: str
    reason: str = ""
    code: str = ""
    remember: Mapping[str, Any] = field(default_factory=dict)


def passed(observed: str, threshold: str, remember: Mapping[str, Any] | None = None) -> Verdict:
    """Return a pass."""
    return Verdict("pass", observed, threshold, remember=remember or {})


def warned(code: str, observed: str, threshold: str, reason: str) -> Verdict:
    """Return a warning: the run continues only under a signed waiver."""
    return Verdict("warn", observed, threshold, reason, code)


def failed(code: str, observed: str, threshold: str, reason: str) -> Verdict:
    """Return a failure: the run stops."""
    return Verdict("fail", observed, threshold, reason, code)


class Shown:
    """The evidence as a rule reads it: by name and kind, or NotShown.

    run: the facts of the run itself. remembered: what this rule noted for this part when its gate
    last cleared; empty before that. requests_on_record: commitments of erasures and objections the log
    holds for this part.
    """

    def __init__(
        self,
        evidence: Evidence,
        run: Evidence | None = None,
        remembered: Mapping[str, Any] | None = None,
        requests_on_record: frozenset[str] = frozenset(),
    ) -> None:
        self.stage = evidence.stage
        self.part = evidence.part
        self.remembered: Mapping[str, Any] = remembered or {}
        self.requests_on_record = requests_on_record
        self._facts = evidence.facts
        self._run = run

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Shown":
        """Return facts that belong to no stage, to be read by kind."""
        return cls(Evidence("", "", facts))

    @property
    def run(self) -> "Shown":
        """The facts that were shown before the run."""
        return Shown(self._run or Evidence("run", "all"))

    def has(self, name: str) -> bool:
        """Answer whether the fact is there at all."""
        return name in self._facts

    def is_null(self, name: str) -> bool:
        """Answer whether the fact is stated, and stated to be nothing."""
        return self._get(name) is None

    def count(self, name: str) -> int:
        """Return a whole number that is not negative."""
        value = self._get(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise NotShown(name, "a count")
        return value

    def rate(self, name: str) -> float:
        """Return a share from 0 to 1."""
        value = self._get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise NotShown(name, "a share from 0 to 1")
        return float(value)

    def flag(self, name: str) -> bool:
        """Return yes or no."""
        value = self._get(name)
        if not isinstance(value, bool):
            raise NotShown(name, "yes or no")
        return value

    def text(self, name: str) -> str:
        """Return a text that is not empty."""
        value = self._get(name)
        if not isinstance(value, str) or not value:
            raise NotShown(name, "a text")
        return value

    def optional_count(self, name: str) -> int | None:
        """Return a count, or None where it is stated to be unknown; it must be stated."""
        return None if self._get(name) is None else self.count(name)

    def optional_text(self, name: str) -> str | None:
        """Return a text, or None where there is stated to be none; it must be stated."""
        return None if self._get(name) is None else self.text(name)

    def names(self, name: str) -> tuple[str, ...]:
        """Return a list of names, which may be empty."""
        return _names(name, self._get(name))

    def table(self, name: str) -> Mapping[str, Any]:
        """Return a mapping."""
        value = self._get(name)
        if not isinstance(value, Mapping):
            raise NotShown(name, "a table")
        return value

    def counts(self, name: str) -> Mapping[str, int]:
        """Return a mapping of names to counts."""
        value = self.table(name)
        if not all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in value.values()):
            raise NotShown(name, "a table of counts")
        return value

    def tables(self, name: str) -> Mapping[str, "Shown"]:
        """Return a mapping of names to facts of their own, none of them missing."""
        value = self.table(name)
        if not value or not all(isinstance(item, Mapping) for item in value.values()):
            raise NotShown(name, "a table of tables")
        return {key: Shown(Evidence(self.stage, self.part, item)) for key, item in value.items()}

    def within(self, name: str) -> "Shown":
        """Return the facts of a mapping, to be read in their turn."""
        return Shown(Evidence(self.stage, self.part, self.table(name)))

    def rows(self, name: str) -> tuple["Shown", ...]:
        """Return a list of facts, none of them missing."""
        value = self._get(name)
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            raise NotShown(name, "a list of facts")
        return tuple(Shown(Evidence(self.stage, self.part, item)) for item in value)

    def columns(self, name: str) -> Mapping[str, tuple[str, ...]]:
        """Return a mapping of tables to the names of their columns, none of them missing."""
        value = self.table(name)
        if not value:
            raise NotShown(name, "a table of column names")
        return {key: _names(name, item) for key, item in value.items()}

    def _get(self, name: str) -> Any:
        if name not in self._facts:
            raise NotShown(name, "a fact")
        return self._facts[name]


def _names(name: str, value: Any) -> tuple[str, ...]:
    if (
        isinstance(value, str)
        or not isinstance(value, Sequence)
        or not all(isinstance(n, str) for n in value)
    ):
        raise NotShown(name, "a list of names")
    return tuple(value)


Check = Callable[[Shown, Agreement, datetime], Verdict]


@dataclass(frozen=True)
class Rule:
    """One rule. stage: whose gate asks it; source: where it comes from; remedy: what mends a refusal.

    kind: "check" compares evidence; "attest" looks for a human decision that exists and is in date.
    parts: the parts of a stage it concerns (None: all).
    """

    id: str
    version: int
    title: str
    stage: str
    source: str
    remedy: str
    kind: Kind
    parts: tuple[str, ...] | None
    check: Check

    def concerns(self, stage: str, part: str) -> bool:
        """Answer whether the gate of that stage and part asks this rule."""
        return self.stage == stage and (self.parts is None or part in self.parts)


_RULES: dict[str, Rule] = {}


def rule(
    *,
    id: str,  # noqa: A002 the officer's word
    version: int,
    title: str,
    stage: str,
    source: str,
    remedy: str,
    kind: Kind = "check",
    parts: tuple[str, ...] | None = None,
) -> Callable[[Check], Check]:
    """Register the decorated function as a rule; two rules of one id are a defect of the programme."""

    def register(check: Check) -> Check:
        if id in _RULES:
            raise ValueError(f"rule {id} is registered twice")
        _RULES[id] = Rule(id, version, title, stage, source, remedy, kind, parts, check)
        return check

    return register


def registered() -> Mapping[str, Rule]:
    """Return the rules registered so far by id; `governance.rules.all_rules` loads every family first."""
    return dict(_RULES)
