"""Charts of the quality report as inline SVG, without scripts, fonts or pictures from elsewhere.

Each chart shows figures of the table below it. A withheld figure has no bar or point.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup, escape

_WIDTH = 720
_LABEL = 300
_ROW = 24


@dataclass
class _Drawing:
    """Elements of one chart. height: of the picture, in SVG units."""

    title: str
    description: str
    height: float
    parts: list[str] = field(default_factory=list)

    def rect(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        self.parts.append(
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" '
            f'width="{max(width, 0.5):.1f}" height="{height:.1f}"/>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        self.parts.append(f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def text(self, x: float, y: float, text: str, anchor: str = "start") -> None:
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>')

    def path(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline class="{kind}" points="{joined}"/>')

    def dot(self, x: float, y: float, kind: str) -> None:
        self.parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')

    def markup(self, name: str) -> Markup:
        """Return the picture; every text in it was escaped when it was added."""
        body = "".join(self.parts)
        return Markup(  # noqa: S704
            f'<svg viewBox="0 0 {_WIDTH} {self.height:.0f}" role="img" aria-labelledby="{name}-t {name}-d">'
            f'<title id="{name}-t">{escape(self.title)}</title>'
            f'<desc id="{name}-d">{escape(self.description)}</desc>'
            f"{body}</svg>"
        )


def bars(name: str, title: str, rows: Sequence[tuple[str, float]], unit: str) -> Markup:
    """Horizontal bars around zero. rows: label and value of each bar."""
    drawing = _Drawing(title, f"{len(rows)} bars; the table below has the values.", _ROW * len(rows) + 12)
    low, high = min(0.0, *(v for _, v in rows)), max(0.0, *(v for _, v in rows))
    scale = (_WIDTH - _LABEL - 110) / ((high - low) or 1)
    zero = _LABEL + 50 - low * scale
    for n, (label, value) in enumerate(rows):
        y = 6 + n * _ROW
        drawing.text(_LABEL - 4, y + 16, _short(label), "end")
        start = min(zero, zero + value * scale)
        drawing.rect(start, y + 3, abs(value) * scale, _ROW - 8, "plus" if value >= 0 else "minus")
        end = zero + value * scale
        drawing.text(
            end + (5 if value >= 0 else -5), y + 16, f"{value:+.1f}{unit}", "start" if value >= 0 else "end"
        )
    drawing.line(zero, 0, zero, drawing.height, "axis")
    return drawing.markup(name)


def columns(
    name: str, title: str, rows: Sequence[Mapping[str, Any]], marks: Sequence[tuple[str, float]]
) -> Markup:
    """Columns of counts by match weight; marks: names and weights of thresholds."""
    drawing = _Drawing(title, "Counts by match weight; the table below has the values.", 300)
    if not rows:
        return drawing.markup(name)
    first, last = rows[0]["from"], rows[-1]["to"]
    scale = (_WIDTH - 80) / (last - first)
    most = max((row["count"] or 0 for row in rows), default=0) or 1

    def x_of(weight: float) -> float:
        return float(60 + (min(max(weight, first), last) - first) * scale)

    for row in rows:
        if row["count"] is None:
            drawing.text(x_of(row["from"]) + scale, 244, "[c]", "middle")
            continue
        height = 200 * row["count"] / most
        drawing.rect(x_of(row["from"]) + 1, 250 - height, 2 * scale - 2, height, "plus")
    for tick in range(first, last + 1, 4):
        drawing.text(x_of(tick), 268, f"{tick}", "middle")
    for n, (label, weight) in enumerate(marks):
        drawing.line(x_of(weight), 30 + 16 * n, x_of(weight), 250, "mark")
        drawing.text(x_of(weight) + 4, 42 + 16 * n, f"{label} {weight:g}")
    drawing.line(60, 250, _WIDTH - 20, 250, "axis")
    drawing.text(54, 56, f"{most:,}", "end")
    drawing.text(54, 254, "0", "end")
    drawing.text(_WIDTH / 2, 292, "match weight", "middle")
    return drawing.markup(name)


def curve(name: str, title: str, rows: Sequence[Mapping[str, float]], mark: float) -> Markup:
    """Precision and recall by threshold."""
    drawing = _Drawing(title, "Two lines; the table below has the values.", 300)
    if not rows:
        return drawing.markup(name)
    first, last = rows[0]["match_weight"], rows[-1]["match_weight"]
    floor = max(0.0, int(10 * min(min(r["precision"], r["recall"]) for r in rows)) / 10)

    def x_of(weight: float) -> float:
        return 70 + (weight - first) / ((last - first) or 1) * (_WIDTH - 190)

    def y_of(share: float) -> float:
        return 250 - (share - floor) / ((1 - floor) or 1) * 220

    for step in range(6):
        share = floor + (1 - floor) * step / 5
        drawing.line(70, y_of(share), _WIDTH - 120, y_of(share), "grid")
        drawing.text(62, y_of(share) + 5, f"{share:.0%}", "end")
    for figure, kind in (("precision", "first"), ("recall", "second")):
        points = [(x_of(row["match_weight"]), y_of(row[figure])) for row in rows]
        drawing.path(points, kind)
        for x, y in points:
            drawing.dot(x, y, kind)
    ends = sorted(
        (("precision", y_of(rows[-1]["precision"])), ("recall", y_of(rows[-1]["recall"]))), key=lambda e: e[1]
    )
    drawing.text(_WIDTH - 110, ends[0][1] + 5, ends[0][0])
    drawing.text(_WIDTH - 110, max(ends[1][1] + 5, ends[0][1] + 23), ends[1][0])
    if first <= mark <= last:
        drawing.line(x_of(mark), 30, x_of(mark), 250, "mark")
        drawing.text(x_of(mark) + 4, 246, f"in use: {mark:g}")
    for row in rows:
        drawing.text(x_of(row["match_weight"]), 268, f"{row['match_weight']:g}", "middle")
    drawing.text(_WIDTH / 2, 292, "threshold (match weight)", "middle")
    return drawing.markup(name)


def waterfall(name: str, title: str, steps: Sequence[Mapping[str, Any]], mark: float) -> Markup:
    """How the match weight of an invented pair adds up, from left to right, one row for each step."""
    drawing = _Drawing(
        title, "Steps from zero to the sum; the table below has the values.", 44 * (len(steps) + 1) + 30
    )
    totals = [0.0, mark, *(step["total"] for step in steps)]
    low, high = min(totals) - 1, max(totals) + 1
    scale = (_WIDTH - 40) / (high - low)

    def x_of(weight: float) -> float:
        return float(20 + (weight - low) * scale)

    before = 0.0
    for n, step in enumerate(steps):
        y = 10 + 44 * n
        start, end = sorted((before, step["total"]))
        drawing.text(20, y + 12, f"{step['step']}: {step['match_weight']:+.1f}")
        drawing.rect(
            x_of(start), y + 18, (end - start) * scale, 16, "plus" if step["match_weight"] >= 0 else "minus"
        )
        before = step["total"]
    y = 10 + 44 * len(steps)
    drawing.text(20, y + 12, f"sum: {before:+.1f}")
    start, end = sorted((0.0, before))
    drawing.rect(x_of(start), y + 18, (end - start) * scale, 16, "whole")
    drawing.line(x_of(0), 4, x_of(0), drawing.height - 22, "axis")
    drawing.line(x_of(mark), 4, x_of(mark), drawing.height - 22, "mark")
    if abs(x_of(mark) - x_of(0)) > 20:
        drawing.text(x_of(0), drawing.height - 6, "0", "middle")
    drawing.text(x_of(mark) + 4, drawing.height - 6, f"threshold {mark:g}")
    return drawing.markup(name)


def gaps(name: str, title: str, rows: Sequence[tuple[str, float]], limit: float) -> Markup:
    """Gaps from the figure for all, in percentage points, with a band for gaps that are not flagged."""
    drawing = _Drawing(title, f"{len(rows)} groups; the table below has the values.", _ROW * len(rows) + 34)
    reach = max([limit * 1.5, *(abs(value) for _, value in rows)])
    middle = _LABEL + 50 + (_WIDTH - _LABEL - 110) / 2
    scale = (_WIDTH - _LABEL - 130) / 2 / reach
    drawing.rect(middle - limit * scale, 0, 2 * limit * scale, drawing.height - 24, "band")
    for n, (label, value) in enumerate(rows):
        y = 14 + n * _ROW
        flagged = abs(value) > limit
        drawing.text(_LABEL - 4, y + 5, _short(label), "end")
        drawing.line(middle, y, middle + value * scale, y, "stem")
        drawing.dot(middle + value * scale, y, "minus" if flagged else "plus")
        if flagged:
            side = 9 if value >= 0 else -9
            drawing.text(
                middle + value * scale + side, y + 5, f"{value:+.1f}", "start" if value >= 0 else "end"
            )
    drawing.line(middle, 0, middle, drawing.height - 24, "axis")
    drawing.text(middle, drawing.height - 6, "no gap", "middle")
    drawing.text(middle - limit * scale - 4, drawing.height - 6, f"-{limit:g} points", "end")
    drawing.text(middle + limit * scale + 4, drawing.height - 6, f"+{limit:g} points")
    return drawing.markup(name)


def _short(label: str) -> str:
    return label if len(label) <= 39 else label[:38] + "…"
