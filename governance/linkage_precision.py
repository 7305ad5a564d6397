"""How precise the links are: measured if possible, else estimated with an allowance for optimism.

Rule LNK-08 judges this figure, the governance report prints it, and the quality report of a release states
the same allowance. So the officer and the analyst read one figure.

| basis | the figure | where it comes from |
|---|---|---|
| truth | correct links of all links; the lower of records and households | true pairs of invented people |
| review | weighted share of reviewed links that are correct | the newest clerical review in the audit log |
| estimate | lower bound of the estimate for current registrations | the run's match probabilities |

The bound of the estimate covers how far estimates and measurements differed on populations that the model was
not trained on (`pipeline/quality/precision_interval.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

#: A review of fewer links is not a measurement: 100 links give an interval of about 4 percentage points.
MINIMUM_REVIEWED_LINKS = 100
#: A review counts for as long as this, and only for the model whose links were reviewed.
REVIEW_COUNTS_FOR = timedelta(days=366)
#: Below this agreement of two reviewers (Cohen's kappa; "slight" for Landis and Koch) their decisions are no
#: measurement, and change no link.
LEAST_KAPPA = 0.2
#: So many reviewers must have decided a pair before their verdict changes a link.
LEAST_REVIEWERS = 2
REVIEW_IMPORTED = "review imported"
NOT_KNOWN = "It is not known how many of the links are correct: this was neither measured nor estimated."


@dataclass(frozen=True)
class Precision:
    """The precision of the links. value: a share from 0 to 1. words: the figure and its basis, for people."""

    basis: Literal["truth", "review", "estimate"]
    value: float
    words: str


def precision_of(
    measured: Mapping[str, tuple[int, int]],
    review: Mapping[str, Any] | None,
    estimate: tuple[float, float] | None,
) -> Precision | None:
    """Return the precision by the strongest basis that is available; None where there is none.

    measured: "records" and "households" -> (correct links, links; not 0), where truth is known. review: the
    facts of a review that counts (see `review_that_counts`). estimate: the model's, and its lower bound.
    """
    if measured:
        return _from_truth(measured)
    if review is not None:
        return _from_review(review)
    return None if estimate is None else _from_estimate(*estimate)


def review_that_counts(
    review: Mapping[str, Any] | None, model_digest: str, now: datetime
) -> Mapping[str, Any] | None:
    """Return the review if it measures the links of this model, else None.

    review: the facts of the newest import in the audit log, with its time as `at`.
    """
    if review is None:
        return None
    figures = (review.get(name) for name in ("precision_of_links", "precision_low", "precision_high"))
    counts = (
        review.get("model_digest") == model_digest
        and review.get("partial") is False
        and all(isinstance(figure, int | float) for figure in figures)
        and int(review.get("links_reviewed") or 0) >= MINIMUM_REVIEWED_LINKS
        and now - datetime.fromisoformat(str(review["at"])) <= REVIEW_COUNTS_FOR
    )
    return review if counts else None


def _from_truth(known: Mapping[str, tuple[int, int]]) -> Precision:
    unit = min(known, key=lambda name: known[name][0] / known[name][1])
    correct, links = known[unit]
    of = "linked NHS records" if unit == "records" else "linked address groups"
    return Precision(
        "truth",
        correct / links,
        f"{correct / links:.1%} of the links are correct. This was measured: {correct:,} of {links:,} {of} "
        "agree with the known truth of these invented people.",
    )


def _from_review(review: Mapping[str, Any]) -> Precision:
    value, low, high = (
        float(review[name]) for name in ("precision_of_links", "precision_low", "precision_high")
    )
    return Precision(
        "review",
        value,
        f"{value:.1%} of the links are correct. This was measured: reviewers checked "
        f"{review['links_reviewed']:,} links (95% interval {low:.1%} to {high:.1%}).",
    )


def _from_estimate(value: float, low: float) -> Precision:
    return Precision(
        "estimate",
        low,
        f"At least {low:.1%} of the links of current registrations are expected to be correct. This was not "
        f"measured: the model estimates {value:.1%}. The lower bound allows for how far estimates and "
        "measurements differed in other populations.",
    )
