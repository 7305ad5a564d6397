"""The findings of a release on one page, in words and small tables."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from pipeline.findings.all_findings import Findings
from pipeline.findings.budget import BudgetShares
from pipeline.findings.funnel import worst_first
from pipeline.findings.markdown import group, percent, points, table, triple
from pipeline.findings.release_comparison import Comparison
from pipeline.findings.release_figures import ReleaseFigures
from pipeline.findings.standardised import DIRECT
from schemas.dimension import dimensions

#: Longer lists are cut to this many rows; the tables written next to the report have every row.
LISTED = 12


def report_findings(findings: Findings) -> str:
    """Return the one-page report of `hearth findings`, as Markdown."""
    release = findings.release
    with_value = int(findings.rates["percent"].notna().sum())
    parts = [
        f"# Findings of release {release.release_id}",
        f"Reference date {release.reference_date}, epoch {release.epoch}. {with_value:,} of "
        f"{len(findings.rates):,} rates have a value. The others are hidden or not produced: the table "
        "`rates` has [c] where too few people are in the rate or outside it, and [x] where it was not made.",
        "## How to read this page",
        "\n".join(f"- {sentence}" for sentence in _reading(findings)),
        f"## Framework: {findings.framework_name}",
        *(
            ["Change and verdict need an earlier release (`--earlier`)."]
            if findings.comparison is None
            else []
        ),
        *_framework(findings.framework, findings.comparison is not None),
        "## Next to other published figures",
        "A verdict needs the same definition. Where the definition differs, both figures are shown, and the "
        "table `benchmarks` has both definitions and the source.",
        table(*_benchmarks(findings.benchmarks)),
        "## Inequality",
        "Each line is fitted through every deprivation group, from the most to the least deprived end of the "
        "scale. The slope index (SII) is the rate at the least deprived end minus the rate at the most "
        "deprived end, in percentage points (age-standardised rates: per 1,000). The relative index (RII) is "
        "the rate at the most deprived end divided by the rate at the least deprived end: an RII of 2 means "
        "that the rate is twice as high in the most deprived areas. The table `inequality` has the ratio in "
        "the other direction too. The limits include noise and rounding.",
        table(*_inequality(findings.inequality)),
        "## Standardised for age",
        "Directly standardised rate per 1,000 of the European Standard Population 2013, for the ages shown.",
        table(*_standardised(findings.standardised)),
        "## Outlying areas",
        *_outliers(findings.funnel),
    ]
    if findings.comparison is not None:
        parts += ["## Since the earlier release", *_comparison(findings.comparison)]
    return "\n\n".join(parts) + "\n"


def _reading(findings: Findings) -> list[str]:
    """Return what a reader must know of every figure of the page, one sentence or two each."""
    level = f"{100 * findings.confidence:g}%"
    chance = 100 - 100 * findings.confidence
    p, adjusted = findings.rates["area_p_value"], findings.rates["area_adjusted_p_value"]
    compared = int(p.notna().sum())
    limit = 1 - findings.confidence
    differ = int((adjusted <= limit).sum())
    return [
        "A rate describes a group. It is not true of each person or household in the group.",
        f"Limits in brackets are {level} confidence limits for chance. Noise and rounding may have moved a "
        "rate further, by up to its `protection_margin` in the table `rates`. Limits of indices, of "
        "standardised rates and of changes include both.",
        f"{compared:,} rates are compared with the rest of their local authority (the authority without the "
        f"group itself). {differ:,} differ; at most {chance:g}% of these are expected to differ by chance "
        f"only. Without counting the comparisons, {int((p <= limit).sum()):,} would differ.",
        "Better and worse follow the direction of each measure. They do not show why a rate differs.",
    ]


def report_comparison(earlier: ReleaseFigures, later: ReleaseFigures, comparison: Comparison) -> str:
    """Return the one-page report of `hearth compare`, as Markdown."""
    parts = [
        f"# From release {earlier.release_id} to {later.release_id}",
        f"Reference dates {earlier.reference_date} and {later.reference_date}, epochs {earlier.epoch} and "
        f"{later.epoch}.",
        *_comparison(comparison),
    ]
    return "\n\n".join(parts) + "\n"


def report_budget(release: ReleaseFigures, shared: BudgetShares, budget: float, ratio: float) -> str:
    """Return the page to publish with an allocation, as Markdown."""
    weights = [(f"{w['imd_decile']}", f"{w['weight']:.4f}") for w in shared.weights.to_dict("records")]
    areas = [
        (
            str(a["area_code"]),
            f"{a['count']:,.1f}",
            "" if pd.isna(a["published_count"]) else f"{a['published_count']:,.0f}",
            f"{a['weight']:.4f}",
            triple(100 * a["share"], 100 * a["share_lower"], 100 * a["share_upper"], ".2f"),
            triple(a["amount"], a["amount_lower"], a["amount_upper"], ",.2f"),
        )
        for a in shared.shares.to_dict("records")
    ]
    total = shared.shares["count"].sum()
    areas.append(("all", f"{total:,.1f}", "", "", "100.00", f"{shared.shares['amount'].sum():,.2f}"))
    head = ("area", "count used", "published count", "mean weight", "share, percent", "amount")
    parts = [
        f"# Allocation of {budget:,.2f} using release {release.release_id}",
        "Each LSOA's published count is multiplied by the weight of its IMD decile. An area's share is in "
        "proportion to the sum over its LSOAs. The most deprived tenth has "
        f"{ratio:g} times the weight of the least deprived tenth, and the weights of the deciles fall by the "
        f"same factor at each step. Counted: {shared.shares['counted'].iloc[0]}.",
        "Published counts have noise and rounding, so those of small areas do not add up to those of the "
        "areas that contain them. The counts used are scaled to the published counts of each MSOA and then "
        "of the local authority, where these are published. The limits in brackets show how far noise and "
        "rounding may have moved a share and an amount (95%).",
        table(("IMD decile", "weight"), weights),
        table(head, areas),
    ]
    return "\n\n".join(parts) + "\n"


def _framework(framework: pd.DataFrame, is_compared: bool) -> list[str]:
    since = ("change in points", "verdict") if is_compared else ()
    head = ("indicator", "percent", "benchmark", *since)
    parts = []
    for title, goal in framework.groupby("goal_title", sort=False):
        rows = [
            (
                str(row["title"]),
                percent(row["percent"], row["lower"], row["upper"], row["note"]),
                _benchmark(row),
                points(row["change"], row["change_lower"], row["change_upper"]),
                str(row["verdict"]),
            )[: len(head)]
            for row in goal.to_dict("records")
        ]
        parts += [f"**{title}**", table(head, rows)]
    return parts


def _inequality(inequality: pd.DataFrame) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    rows: list[tuple[str, ...]] = [
        (
            str(row["title"]) + (", age-standardised" if row["is_age_standardised"] else ""),
            dimensions()[str(row["over"])].title,
            "" if pd.isna(row["sii"]) else f"{row['most_deprived']:.1f} to {row['least_deprived']:.1f}",
            triple(row["sii"], row["sii_lower"], row["sii_upper"], "+.1f"),
            triple(row["rii"], row["rii_lower"], row["rii_upper"], ".2f"),
            str(row["finding"]),
        )
        for row in inequality[inequality["area_level"] == "LAD"].to_dict("records")
    ]
    head = ("measure", "by", "rate, most to least deprived", "SII, least minus most", "RII, most to least")
    return (*head, "finding"), rows


def _standardised(standardised: pd.DataFrame) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    direct = standardised[(standardised["method"] == DIRECT) & (standardised["area_level"] == "LAD")]
    rows: list[tuple[str, ...]] = [
        (
            str(row["title"]),
            group(row["dimension"], row["category"]),
            str(row["ages"]),
            triple(row["rate"], row["lower"], row["upper"], ".1f") or str(row["note"]),
        )
        for row in direct.to_dict("records")
    ]
    return ("measure", "group", "ages", "rate"), rows


def _outliers(funnel: pd.DataFrame) -> list[str]:
    if funnel.empty:
        return ["No measure has enough areas for a funnel plot."]
    far = funnel[funnel["outlier"] != ""]
    by_chance = int((funnel["outlier_by_chance"] != "").sum())
    three = int(far["outlier"].str.endswith("0.001").sum())
    explained = (
        f"{len(far):,} of {len(funnel):,} area rates {_are(len(far))} outside the two sigma limits of the "
        f"funnel plot, {three:,} of them outside three sigma. About {0.05 * len(funnel):.0f} would be "
        "outside two sigma if areas differed only as usual. The limits allow for chance, for noise and "
        "rounding, and for the usual spread between areas (overdispersion). With limits for chance only, "
        f"{by_chance:,} would be outside."
    )
    rows = [
        (
            str(row["title"]),
            str(row["area_code"]),
            f"{row['percent']:.1f}",
            f"{row['baseline']:.1f}",
            f"{row['lower_2s']:.1f} to {row['upper_2s']:.1f}",
            "three sigma" if str(row["outlier"]).endswith("0.001") else "two sigma",
            str(row["verdict"]),
        )
        for row in worst_first(far).head(LISTED).to_dict("records")
    ]
    head = ("measure", "area", "percent", "average", "two sigma limits", "outside", "verdict")
    listed = f"The {LISTED} worst:" if len(far) > LISTED else "The worst first:"
    return [explained, *([listed, table(head, rows)] if rows else [])]


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _comparison(comparison: Comparison) -> list[str]:
    changes = comparison.changes
    verdicts = changes["verdict"].value_counts()
    counts = ", ".join(f"{int(count):,} {verdict}" for verdict, count in sorted(verdicts.items()))
    statements = [f"- {change.statement}" for change in comparison.statements]
    whole = changes[
        (changes["area_level"] == "LAD") & (changes["dimension_1"] == "") & changes["change"].notna()
    ].drop_duplicates(["measure", "area_code"])
    rows = [
        (
            str(row["title"]),
            f"{row['percent_before']:.1f}",
            f"{row['percent']:.1f}",
            points(row["change"], row["change_lower"], row["change_upper"]),
            str(row["verdict"]),
        )
        for row in whole.to_dict("records")
    ]
    return [
        f"{len(changes):,} {'rate is' if len(changes) == 1 else 'rates are'} in both releases"
        + (f": {counts}." if counts else ".")
        + " The verdicts take into account how many changes are tested (false discovery rate).",
        comparison.people,
        "Other changes between the releases. A difference may come from these and not from the population:",
        "\n".join(statements) or "- None recorded in the releases.",
        table(("measure", "before", "after", "change in points", "verdict"), rows),
    ]


def _benchmarks(benchmarks: pd.DataFrame) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    rows: list[tuple[str, ...]] = [
        (
            str(row["title"]),
            group(row["dimension"], row["category"]),
            triple(row["percent"], row["lower"], row["upper"], ".1f"),
            f"{row['benchmark_area']} {row['benchmark_percent']:.1f}",
            str(row["against_benchmark"]) if row["is_comparable"] else "another definition",
        )
        for row in benchmarks.to_dict("records")
    ]
    return ("measure", "group", "percent", "published", "verdict"), rows


def _benchmark(row: Mapping[Hashable, Any]) -> str:
    percent = row["benchmark_percent"]
    if percent is None or pd.isna(percent):
        return ""
    verdict = row["against_benchmark"] if row["benchmark_is_comparable"] else "another definition"
    return f"{row['benchmark_area']} {percent:.1f}: {verdict}"
