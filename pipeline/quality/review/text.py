"""A review's findings in words, for whoever decides on thresholds."""

from pipeline.quality.review.findings import Review, Share, word_for


def review_text(review: Review) -> str:
    """Return the findings as plain text."""
    lines = [f"Clerical review {review.review}", ""]
    lines.append(
        f"{review.cases:,} cases resolved, {review.unresolved:,} left open (reviewers split, or unsure)."
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
        lines.append("  unknown: fewer than two reviewers decided the same cases")
    lines += ["", "Precision by band of match weight (95% interval), beside what the model says"]
    for name, share in review.bands.items():
        lines.append(f"  {name:<12} {_told(share):<34} model {review.modelled[name]:6.1%}")
    lines += ["", f"Precision of the links: {_told(review.links)}"]
    for name, share in review.groups.items():
        lines.append(f"  {name:<12} {_told(share)}")
    lines += ["", "If every pair from this match weight on were linked"]
    for edge, (share, recall) in review.edges.items():
        told = "unknown" if recall is None else f"{recall:.1%}"
        lines.append(f"  {edge:>4g}  precision {_told(share):<34} recall among candidates {told}")
    lines += [
        "",
        f"Proposed upper threshold (precision of at least {review.wanted_precision:.0%}): "
        f"{_edge(review.proposed_upper)}",
        f"Proposed lower threshold (at most one pair in twenty below it is one household): "
        f"{_edge(review.proposed_lower)}",
        "",
        "Nothing has changed by this. To adopt thresholds, put them into a copy of the model's file, name it "
        "under model in hearth.toml, and have its digest approved in the agreement.",
        "",
    ]
    return "\n".join(lines)


def _told(share: Share) -> str:
    if share.value is None or share.interval is None:
        return "unknown"
    low, high = share.interval
    return f"{share.value:.1%} ({low:.1%} to {high:.1%}), {share.cases:,} cases"


def _edge(edge: float | None) -> str:
    return "none of the edges does it; review more cases" if edge is None else f"match weight {edge:g}"
