"""What a rule is, and the list of all rules.

A rule is a small function `(evidence, agreement, now) -> Verdict`. It reads facts by the names that
the stage documents. A fact that is missing, or has the wrong type, makes the rule fail: a rule that
cannot be evaluated refuses the run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Required, TypedDict, Unpack

from governance.agreement.agreement import Agreement
from governance.artefact import Evidence

Outcome = Literal["pass", "warn", "fail"]
Kind = Literal["check", "attest"]


class NotShown(Exception):
    """The evidence lacks a fact that a rule needs, or the fact has the wrong type."""

    def __init__(self, fact: str, wanted: str) -> None:
        super().__init__(fact, wanted)
        self.fact = fact
        self.wanted = wanted


@dataclass(frozen=True)
class Verdict:
    """What a rule found. observed, threshold: short texts of counts, rates and dates; never row values.

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


def warned(
    code: str, observed: str, threshold: str, reason: str, remember: Mapping[str, Any] | None = None
) -> Verdict:
    """Return a warning: the run continues only with a signed waiver."""
    return Verdict("warn", observed, threshold, reason, code, remember or {})


def failed(code: str, observed: str, threshold: str, reason: str) -> Verdict:
    """Return a failure: the run stops."""
    return Verdict("fail", observed, threshold, reason, code)


class Shown:
    """The evidence as a rule reads it: by name and type. Raises NotShown for anything else.

    run: the facts of the run itself. remembered: what this rule recorded for this part when its gate
    last cleared; empty before that. requests_on_record: commitments of the erasures and objections in
    the log for this part. review: facts of the newest clerical review in the log, if there is one.
    """

    def __init__(
        self,
        evidence: Evidence,
        run: Evidence | None = None,
        remembered: Mapping[str, Any] | None = None,
        requests_on_record: frozenset[str] = frozenset(),
        review: Mapping[str, Any] | None = None,
    ) -> None:
        self.stage = evidence.stage
        self.part = evidence.part
        self.remembered: Mapping[str, Any] = remembered or {}
        self.requests_on_record = requests_on_record
        self.review = review
        self._facts = evidence.facts
        self._run = run

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Shown":
        """Return facts that belong to no stage, to be read by type."""
        return cls(Evidence("", "", facts))

    @property
    def run(self) -> "Shown":
        """The facts of the run's own gate, before any data was read."""
        return Shown(self._run or Evidence("run", "all"))

    def has(self, name: str) -> bool:
        """Return whether the fact exists."""
        return name in self._facts

    def is_null(self, name: str) -> bool:
        """Return whether the fact exists and is null."""
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
        """Return a count, or None if the fact is null; the fact must exist."""
        return None if self._get(name) is None else self.count(name)

    def optional_text(self, name: str) -> str | None:
        """Return a text, or None if the fact is null; the fact must exist."""
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
        """Return a mapping of names to facts; it must not be empty."""
        value = self.table(name)
        if not value or not all(isinstance(item, Mapping) for item in value.values()):
            raise NotShown(name, "a table of tables")
        return {key: Shown(Evidence(self.stage, self.part, item)) for key, item in value.items()}

    def within(self, name: str) -> "Shown":
        """Return the facts of a mapping, to be read by name and type."""
        return Shown(Evidence(self.stage, self.part, self.table(name)))

    def rows(self, name: str) -> tuple["Shown", ...]:
        """Return a list of facts, which may be empty."""
        value = self._get(name)
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            raise NotShown(name, "a list of facts")
        return tuple(Shown(Evidence(self.stage, self.part, item)) for item in value)

    def columns(self, name: str) -> Mapping[str, tuple[str, ...]]:
        """Return a mapping of tables to the names of their columns; it must not be empty."""
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
    """One rule. stage: whose gate evaluates it. source: law or guidance. remedy: what to do on a refusal.

    kind: "check" compares evidence; "attest" looks for a human decision that exists and is in date.
    parts: the parts of a stage it applies to (None: all).
    waived_by: other rules whose waiver covers its warning too.
    """

    id: str
    version: int
    title: str
    stage: str
    source: str
    remedy: str
    check: Check
    kind: Kind = "check"
    parts: tuple[str, ...] | None = None
    waived_by: tuple[str, ...] = ()

    def concerns(self, stage: str, part: str) -> bool:
        """Return whether the gate of that stage and part evaluates this rule."""
        return self.stage == stage and (self.parts is None or part in self.parts)


_RULES: dict[str, Rule] = {}


class RuleHeader(TypedDict, total=False):
    """The fields of a `Rule` that a family of rules declares, under the same names."""

    id: Required[str]
    version: Required[int]
    title: Required[str]
    stage: Required[str]
    source: Required[str]
    remedy: Required[str]
    kind: Kind
    parts: tuple[str, ...] | None
    waived_by: tuple[str, ...]


def rule(**header: Unpack[RuleHeader]) -> Callable[[Check], Check]:
    """Register the decorated function as a rule; raises ValueError for a repeated id or an unknown stage."""

    def register(check: Check) -> Check:
        if header["id"] in _RULES:
            raise ValueError(f"rule {header['id']} is registered twice")
        _RULES[header["id"]] = Rule(check=check, **header)
        return check

    return register


def registered() -> Mapping[str, Rule]:
    """Return the rules registered so far by id; `governance.rules.all_rules` loads every family first."""
    return dict(_RULES)
