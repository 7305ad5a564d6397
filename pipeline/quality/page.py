"""The quality report as one HTML page, rendered from its JSON: no script, nothing from a network."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from pipeline.link.evaluate import FLAGGED_GAP
from pipeline.quality import chart
from pipeline.quality.wording import ATTRIBUTE_NAMES, FIGURES, UNITS, category_name

Content = Mapping[str, Any]


def render_page(content: Content) -> str:
    """Return the page; the same content gives the same bytes."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "share": _share,
        "bounds": _bounds,
        "count": _count,
        "points": _points,
        "words": lambda text: text.replace("_", " "),
    }
    folder = files("pipeline.quality")
    style = files("governance.report").joinpath("style.css").read_text("utf-8")
    return environment.from_string(folder.joinpath("page.html.j2").read_text("utf-8")).render(
        report=content,
        # These are our own style sheets and contain no input, so they must not be escaped.
        style=Markup(style + folder.joinpath("chart.css").read_text("utf-8")),  # noqa: S704
        charts=_charts(content),
        units=UNITS,
        flags=[_flag(flag) for flag in content["flags"]],
        groups=_grouped(content),
        limit=round(100 * FLAGGED_GAP),
    )


def _charts(content: Content) -> dict[str, Markup]:
    model = content["model"]
    upper, lower = model["upper_match_weight"], model["lower_match_weight"]
    drawn = {
        "levels": chart.bars(
            "levels",
            "Match weight of each comparison level",
            [(f"{row['meaning']}", row["match_weight"]) for row in content["levels"]],
            "",
        ),
        "weights": chart.columns(
            "weights",
            "Number of best candidates by match weight",
            content["match_weights"],
            [("review from", lower), ("linked from", upper)],
        ),
        "waterfall": chart.waterfall(
            "waterfall", "How the match weight of an invented pair adds up", content["waterfall"], upper
        ),
    }
    if content["thresholds"]:
        drawn["curve"] = chart.curve(
            "curve", "Estimated precision and recall by threshold", content["thresholds"], upper
        )
    rates = [
        (f"{_category(group)}", 100 * group["gaps"]["match_rate"])
        for group in content["groups"]
        if "match_rate" in group["gaps"] and group["attribute"] != "practice"
    ]
    if rates:
        drawn["gaps"] = chart.gaps(
            "gaps",
            "Difference between each group's match rate and the match rate of all",
            rates,
            100 * FLAGGED_GAP,
        )
    return drawn


def _category(group: Content) -> str:
    attribute, category = group["attribute"], group["category"]
    name = category_name(attribute, category)
    title = ATTRIBUTE_NAMES[attribute].split(" (")[0]
    return f"{title} {name}" if attribute in ("age_band", "imd_decile", "practice") else f"{title} ({name})"


def _flag(flag: Content) -> str:
    way = "below" if flag["gap"] < 0 else "above"
    return (
        f"{_category(flag)}: {FIGURES[flag['figure']]} {abs(100 * flag['gap']):.1f} percentage points {way} "
        f"that of all {UNITS[flag['unit']]}."
    )


def _grouped(content: Content) -> list[tuple[str, str, list[Content]]]:
    """Return (attribute, heading, groups) in the order of the content."""
    tables: dict[str, list[Content]] = {}
    for group in content["groups"]:
        shown = dict(group) | {"name": category_name(group["attribute"], group["category"])}
        tables.setdefault(group["attribute"], []).append(shown)
    return [
        (attribute, f"{ATTRIBUTE_NAMES[attribute]} ({UNITS[groups[0]['unit']]})", groups)
        for attribute, groups in tables.items()
    ]


def _share(figure: Content | None) -> str:
    return "[c]" if figure is None or figure["value"] is None else f"{figure['value']:.1%}"


def _bounds(figure: Content | None) -> str:
    if figure is None or figure["low"] is None:
        return ""
    return f"{figure['low']:.1%} to {figure['high']:.1%}"


def _count(count: int | None) -> str:
    return "[c]" if count is None else f"{count:,}"


def _points(gap: float | None) -> str:
    return "" if gap is None else f"{100 * gap:+.1f}"
