"""The report of `hearth link recall`: what is probably missed, and why, without the truth."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from pipeline.group.blocking import RECORDED_RULES
from pipeline.link.model import Scorecard
from pipeline.link.recall.blocking_sensitivity import WithoutRule, blocking_sensitivity
from pipeline.link.recall.capture import Recall, Stratum, recall_of, strata
from pipeline.link.recall.thresholds import USES, AtLimit, at_limits, limits_for_uses

#: Tables of the link stage that the report reads.
TABLES = ("candidate_pair", "decision", "address_group", "self_comparison")


@dataclass(frozen=True)
class Unlinkable:
    """Share of the units of a side that have less weight with themselves than a limit (log2)."""

    side: str
    match_weight: float
    share: float


@dataclass(frozen=True)
class RecallReport:
    """Everything that the report shows. upper: the model's limit of acceptance."""

    recall: Recall | None
    strata: tuple[Stratum, ...]
    without: tuple[WithoutRule, ...]
    limits: tuple[AtLimit, ...]
    unlinkable: tuple[Unlinkable, ...]
    upper: float

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return {
            "capture_recapture": {
                "estimate": None if self.recall is None else self.recall.as_json(),
                "strata": [
                    {
                        "has_uprn": s.has_uprn,
                        "size": s.size,
                        **{
                            name: round(getattr(s, name), 1)
                            for name in ("by_place", "by_names", "by_both", "linked")
                        },
                    }
                    for s in self.strata
                ],
            },
            "without_blocking_rule": [rule.as_json() for rule in self.without],
            "limits": [limit.as_json() for limit in self.limits],
            "limits_for_uses": {
                use: None if limit is None else limit.as_json()
                for use, limit in limits_for_uses(self.limits).items()
            },
            "unlinkable": [{**vars(u), "share": round(u.share, 6)} for u in self.unlinkable],
            "upper_match_weight": self.upper,
        }


def recall_report(connection: duckdb.DuckDBPyConnection, card: Scorecard) -> RecallReport:
    """Return the report from the tables of TABLES. card: the scorecard `recorded` of the links' model."""
    counted = strata(connection)
    limits = at_limits(connection, card)
    rows = connection.execute(
        """
        SELECT
            side,
            edge.match_weight,
            SUM(units) FILTER (self_comparison.match_weight < edge.match_weight)::DOUBLE / SUM(units)
        FROM self_comparison
        CROSS JOIN (SELECT UNNEST($limits) AS match_weight) AS edge
        GROUP BY side, edge.match_weight
        ORDER BY side, edge.match_weight
        """,
        {"limits": [limit.match_weight for limit in limits]},
    ).fetchall()
    return RecallReport(
        recall=recall_of(counted),
        strata=counted,
        without=blocking_sensitivity(connection, card),
        limits=limits,
        unlinkable=tuple(Unlinkable(side, weight, share or 0.0) for side, weight, share in rows),
        upper=card.upper_match_weight,
    )


def report_text(report: RecallReport) -> str:
    """Return the report as plain text."""
    return "\n".join(
        [
            *_captured(report),
            "",
            *_without(report),
            "",
            *_limits(report),
            "",
            *_uses(report),
            "",
            *_unlinkable(report),
            "",
        ]
    )


def _captured(report: RecallReport) -> Iterator[str]:
    yield "Recall without the truth (capture and recapture of place against names)"
    recall = report.recall
    if recall is None:
        yield "  not known: no pair was found by both"
        return
    yield (
        f"  of about {recall.pairs:,.0f} true pairs with people to compare, {recall.linked:,.0f} are linked:"
        f" recall {recall.value:.2%} (95% interval {recall.low:.2%} to {recall.high:.2%})"
    )
    yield "  A household that moved and whose address is old is found by neither and not counted, so this is"
    yield "  the recall at the recorded address, and an upper limit for all. The interval covers chance only."
    yield f"  {'group':<28}{'place':>9}{'names':>9}{'both':>9}{'linked':>9}{'recall':>9}"
    for s in report.strata:
        own = recall_of([s])
        name = f"{'UPRN' if s.has_uprn else 'no UPRN'}, {'3 or more' if s.size == 3 else s.size} record(s)"
        numbers = "".join(f"{x:>9,.0f}" for x in (s.by_place, s.by_names, s.by_both, s.linked))
        yield f"  {name:<28}{numbers}{'-' if own is None else f'{own.value:.2%}':>9}"


def _without(report: RecallReport) -> Iterator[str]:
    yield "Blocking: what each rule finds, and the links without it"
    names = ("pairs", "only it", "lost", "of them right", "gained", "changed")
    heads = "".join(f"{name:>14}" for name in names)
    yield f"  {'rule':<10}{heads}"
    for rule in report.without:
        counts = (rule.found, rule.only, rule.lost, round(rule.lost_probability), rule.gained, rule.changed)
        yield f"  {rule.rule:<10}" + "".join(f"{count:>14,}" for count in counts)
    yield from (f"  {rule.id}: {rule.meaning}" for rule in RECORDED_RULES)


def _limits(report: RecallReport) -> Iterator[str]:
    yield "Limits of acceptance (expected, by the model)"
    yield f"  {'weight':>8}{'links':>10}{'precision':>12}{'recall':>10}"
    for limit in report.limits:
        mark = "  the model's" if limit.match_weight == report.upper else ""
        shares = "".join(f"{'-' if x is None else f'{x:.2%}':>11}" for x in (limit.precision, limit.recall))
        yield f"  {limit.match_weight:>+8g}{limit.links:>10,}{shares}{mark}"


def _uses(report: RecallReport) -> Iterator[str]:
    yield "Limit by use"
    yield f"  published counts and rates: {report.upper:+g} (the model's)"
    found = limits_for_uses(report.limits)
    for use in USES:
        limit = found[use.name]
        shown = "none of these limits" if limit is None else f"{limit.match_weight:+g}"
        yield f"  {use.name} ({use.measure} at least {use.least:.1%}): {shown}"


def _unlinkable(report: RecallReport) -> Iterator[str]:
    yield "Units that can never be linked: below the limit even when compared with themselves"
    sides = sorted({u.side for u in report.unlinkable})
    yield f"  {'weight':>8}" + "".join(f"{side:>12}" for side in sides)
    for limit in report.limits:
        shares = {u.side: u.share for u in report.unlinkable if u.match_weight == limit.match_weight}
        yield f"  {limit.match_weight:>+8g}" + "".join(f"{shares[side]:>12.3%}" for side in sides)
