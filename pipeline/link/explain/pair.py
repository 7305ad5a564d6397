"""Explains one pair of a dwelling and an NHS record from the tables that the link stage wrote.

The tables contain levels, weights and pseudonyms only, so nothing clear can be shown. Every part of an
explanation is a waterfall (see `waterfall`) and the decision that followed from it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from pipeline.group.blocking import MOVED_RULES, RECORDED_RULES
from pipeline.link.blocking_bits import rules_of
from pipeline.link.comparison import SCORECARDS, TOO_WEAK_TO_LINK
from pipeline.link.explain.waterfall import Step, waterfall
from pipeline.link.model import Model, Scorecard
from pipeline.link.names import MOVED
from pipeline.link.tables import RESIDENCE_LEVELS
from pipeline.link.verdicts import DECIDED_APART

#: Tables of the link stage that an explanation reads.
TABLES = ("resident_link", "candidate_pair", "decision", "moved_pair", "unlinked_dwelling")
#: The stored weight differs from the sum of the model's by less than this (see `scoring.tagged_weights`).
TOLERANCE = 1e-5

_QUESTIONS = {
    "recorded": "Does the address group belong to the dwelling?",
    "moved": "Do members of the group who are not listed at their address live at this dwelling instead?",
    "residence": "Does this person live at the dwelling?",
}


@dataclass(frozen=True)
class Part:
    """One scorecard's part. stored: the match weight that the run stored. verdict: a sentence."""

    scorecard: str
    steps: tuple[Step, ...]
    stored: float | None
    verdict: str

    @property
    def question(self) -> str:
        """The question that the scorecard decides."""
        return _QUESTIONS[self.scorecard]

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return {
            "scorecard": self.scorecard,
            "question": self.question,
            "steps": [step.as_json() for step in self.steps],
            "match_weight": round(self.steps[-1].total, 6),
            "stored_match_weight": None if self.stored is None else round(self.stored, 6),
            "verdict": self.verdict,
        }


@dataclass(frozen=True)
class Explanation:
    """Why a pair is linked or not. outcome: the record's final result; None if a group was explained.

    shared, not_shared: ids of the blocking rules whose value both sides share, and of the others.
    """

    group_records: int
    shared: tuple[str, ...]
    not_shared: tuple[str, ...]
    parts: tuple[Part, ...]
    outcome: str | None

    @property
    def is_compared(self) -> bool:
        """Whether the pair was compared by any scorecard."""
        return bool(self.parts)

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return {
            "group_records": self.group_records,
            "blocking_rules_shared": list(self.shared),
            "blocking_rules_not_shared": list(self.not_shared),
            "parts": [part.as_json() for part in self.parts],
            "outcome": self.outcome,
        }


def explain_pair(
    connection: duckdb.DuckDBPyConnection, model: Model, dwelling: str, nhs: str
) -> Explanation | None:
    """Return the explanation; None if the run has no such dwelling, or no such NHS record or group.

    connection: with the tables of TABLES. dwelling: record pseudonym. nhs: record pseudonym or address group.
    model: the model that made the links.
    """
    record = _row(connection, "SELECT * FROM resident_link WHERE nhs_record_pseudonym = $id", id=nhs)
    group = (nhs if record is None else str(record["address_group"])).removesuffix(MOVED)
    size = _row(
        connection,
        "SELECT COUNT(*) AS records FROM resident_link WHERE address_group IN ($id, $moved)",
        id=group,
        moved=group + MOVED,
    )
    if size is None or not size["records"] or not _has_dwelling(connection, dwelling):
        return None
    parts: list[Part] = []
    pair = _pair(connection, "candidate_pair", group, dwelling)
    best = _row(connection, "SELECT * FROM decision WHERE address_group = $id", id=group)
    if pair is not None and best is not None:
        steps = waterfall(model.scorecards["recorded"], SCORECARDS["recorded"], pair)
        verdict = _recorded_verdict(model.scorecards["recorded"], pair, best)
        parts.append(Part("recorded", steps, pair["match_weight"], verdict))
    moved = _pair(connection, "moved_pair", group, dwelling)
    if moved is not None:
        steps = waterfall(model.scorecards["moved"], SCORECARDS["moved"], moved)
        parts.append(
            Part("moved", steps, moved["match_weight"], _moved_verdict(model.scorecards["moved"], moved))
        )
    is_linked_here = (
        best is not None and best["reason"] == "linked" and (best["dwelling_record_pseudonym"] == dwelling)
    )
    if record is not None and is_linked_here and record["residence_match_weight"] is not None:
        parts.append(_residence(model.scorecards["residence"], record))
    bits = 0 if pair is None else pair["blocking_bits"]
    shared = (*rules_of(bits), *(rule.id for rule in MOVED_RULES if moved is not None))
    rules = (*RECORDED_RULES, *MOVED_RULES)
    return Explanation(
        group_records=size["records"],
        shared=shared,
        not_shared=tuple(rule.id for rule in rules if rule.id not in shared),
        parts=tuple(parts),
        outcome=None if record is None else _outcome(record, dwelling),
    )


def rule_meanings() -> dict[str, str]:
    """Return the meaning of each blocking rule, with the limit of units, by id."""
    return {
        rule.id: f"{rule.meaning} (a value of more than {rule.maximum_units} units is not used)"
        for rule in (*RECORDED_RULES, *MOVED_RULES)
    }


def _residence(card: Scorecard, record: Mapping[str, Any]) -> Part:
    columns = ("listed_level", *RESIDENCE_LEVELS)
    reached = {name.removesuffix("_level"): record[name] for name in columns}
    steps = waterfall(card, SCORECARDS["residence"], reached)
    limit = f"{card.upper_match_weight:+g}"
    if record["reason"] == "split_off":
        verdict = f"No: the weight is below {limit}, and another member of the group is listed."
    elif steps[-1].total >= card.upper_match_weight:
        verdict = f"Yes: the weight is at least {limit}."
    else:
        verdict = (
            f"The weight is below {limit}, but no member of the group is listed, so no one is split off."
        )
    return Part("residence", steps, record["residence_match_weight"], verdict)


def _recorded_verdict(card: Scorecard, pair: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    if best["dwelling_record_pseudonym"] != pair["dwelling_record_pseudonym"]:
        if best["match_weight"] < pair["match_weight"]:
            return "Not linked: reviewers decided on this group, and not for this dwelling."
        return (
            f"Not linked: another dwelling has more weight for this group ({best['match_weight']:+.4f}, which"
            f" is {best['match_weight'] - pair['match_weight']:.4f} more)."
        )
    upper, lower, margin = card.upper_match_weight, card.lower_match_weight, card.margin_match_weight
    lead = best["margin_match_weight"]
    alone = "the group has no other candidate" if lead is None else f"it leads the second best by {lead:.4f}"
    reason = best["reason"]
    if reason == DECIDED_APART:
        return "Not linked: reviewers decided that it is not one household, whatever the weight."
    is_enough = pair["match_weight"] >= upper and (lead is None or lead >= margin)
    if reason == "linked" and (not is_enough or pair["people"] in TOO_WEAK_TO_LINK):
        return "Linked: reviewers decided that it is one household, whatever the weight."
    if reason == "linked":
        return f"Linked: the weight is at least {upper:+g}, and {alone} (needed: {margin:g})."
    if reason == "ambiguous":
        return f"Not linked, ambiguous: {alone}, and {margin:g} is needed."
    if reason == "below_threshold":
        return f"Not linked: the weight is below {lower:+g}."
    if pair["match_weight"] >= upper and pair["people"] in TOO_WEAK_TO_LINK:
        return f"Clerical review: level {pair['people']} never links, whatever the weight."
    return f"Clerical review: the weight is from {lower:+g} to {upper:+g}."


def _moved_verdict(card: Scorecard, pair: Mapping[str, Any]) -> str:
    if not pair["is_best"]:
        return "Not moved here: another dwelling that lists such people has more weight, or as much."
    lead = pair["margin_match_weight"]
    alone = "there is no other candidate" if lead is None else f"it leads the second best by {lead:.4f}"
    if pair["reason"] == "linked":
        return f"Moved here: the weight is at least {card.upper_match_weight:+g}, and {alone}."
    return (
        f"Not moved ({str(pair['reason']).replace('_', ' ')}): {card.upper_match_weight:+g} and a lead of"
        f" {card.margin_match_weight:g} are needed; {alone}."
    )


def _outcome(record: Mapping[str, Any], dwelling: str) -> str:
    linked = record["dwelling_record_pseudonym"]
    if linked is None:
        return f"The record is linked to no dwelling ({record['reason']})."
    if linked != dwelling:
        return "The record is linked to another dwelling."
    probability = record["match_probability"]
    weight = record["residence_match_weight"]
    if weight is None:
        return f"The record is linked to this dwelling, with probability {probability:.4f}."
    lives = 1 / (1 + 2**-weight)
    return (
        f"The record is linked to this dwelling. P(household) {probability:.4f} x P(residence) {lives:.4f} ="
        f" {probability * lives:.4f}."
    )


def _has_dwelling(connection: duckdb.DuckDBPyConnection, dwelling: str) -> bool:
    return any(
        _row(connection, f"SELECT 1 AS found FROM {table} WHERE dwelling_record_pseudonym = $id", id=dwelling)
        for table in ("candidate_pair", "unlinked_dwelling", "resident_link")
    )


def _pair(
    connection: duckdb.DuckDBPyConnection, table: str, group: str, dwelling: str
) -> Mapping[str, Any] | None:
    query = f"SELECT * FROM {table} WHERE address_group = $group AND dwelling_record_pseudonym = $dwelling"
    return _row(connection, query, group=group, dwelling=dwelling)


def _row(connection: duckdb.DuckDBPyConnection, query: str, **values: str) -> dict[str, Any] | None:
    return next(_rows(connection, query, values), None)


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    cursor = connection.execute(query, values)
    names = [column[0] for column in cursor.description]
    yield from (dict(zip(names, row, strict=True)) for row in cursor.fetchall())
