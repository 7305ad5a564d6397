"""A review's findings in words, for the people who decide on thresholds."""

from governance.linkage_precision import LEAST_KAPPA
from pipeline.quality.review.findings import Review, Share, agree_enough, word_for


def review_text(review: Review) -> str:
    """Return the findings as plain text."""
    lines = [f"Clerical review {review.review}", ""]
    lines.append(
        f"Cases resolved: {review.cases:,}. Left open because reviewers disagreed or were unsure: "
        f"{review.unresolved:,}."
    )
    for name, counts in review.decided.items():
        lines.append(f"  {name}: " + ", ".join(f"{count:,} {decision}" for decision, count in counts.items()))
    lines += ["", "Agreement between reviewers (Cohen's kappa; words of Landis and Koch)"]
    for kappa in review.kappas:
        agreed = f"agreed on {kappa.agreed:,} of {kappa.cases:,}"
        if kappa.value is None or kappa.interval is None:
            lines.append(f"  {kappa.first} and {kappa.second}: {agreed}; kappa {word_for(None)}")
            continue
        low, high = kappa.interval
        lines.append(
            f"  {kappa.first} and {kappa.second}: {agreed}; kappa {kappa.value:.2f} "
            f"({low:.2f} to {high:.2f}), {word_for(kappa.value)}"
        )
    if not review.kappas:
        lines.append("  unknown: no two reviewers decided the same cases")
    if not agree_enough(review.kappas):
        lines.append(
            f"  Two reviewers agree hardly more than by chance (kappa below {LEAST_KAPPA:g}), so the"
            " precision of the links is not estimated."
        )
    lines += ["", "Precision by band of match weight (95% interval), and the model's estimate"]
    for name, share in review.bands.items():
        lines.append(f"  {name:<12} {_in_words(share):<34} model {review.modelled[name]:6.1%}")
    lines += ["", f"Precision of the links: {_in_words(review.links)}"]
    for name, share in review.groups.items():
        lines.append(f"  {name:<12} {_in_words(share)}")
    lines += ["", "Precision and recall if all pairs with at least this match weight were linked"]
    for edge, (share, recall) in review.edges.items():
        found = "unknown" if recall is None else f"{recall:.1%}"
        lines.append(f"  {edge:>4g}  precision {_in_words(share):<34} recall among candidates {found}")
    lines += [
        "",
        f"Proposed upper threshold (precision of at least {review.wanted_precision:.0%}): "
        f"{_edge(review.proposed_upper)}",
        f"Proposed lower threshold (at most 1 in 20 pairs below it is one household): "
        f"{_edge(review.proposed_lower)}",
        "",
        "No threshold has been changed. To adopt the proposed thresholds, write them into a copy of the "
        "model's file, name the copy under model in hearth.toml, and have its digest approved in the "
        "agreement.",
        "",
    ]
    return "\n".join(lines)


def _in_words(share: Share) -> str:
    if share.value is None or share.interval is None:
        return "unknown"
    low, high = share.interval
    cases = "1 case" if share.cases == 1 else f"{share.cases:,} cases"
    return f"{share.value:.1%} ({low:.1%} to {high:.1%}), {cases}"


def _edge(edge: float | None) -> str:
    return "no band edge meets this; review more cases" if edge is None else f"match weight {edge:g}"
