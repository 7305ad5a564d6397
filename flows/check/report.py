"""The report of a check: on the terminal, as one HTML page, and as JSON."""

from importlib.resources import files
from typing import Any

from markupsafe import escape

from flows.check.examine import Examined
from flows.check.findings import LEVELS, CheckFinding
from governance.counted import counted


def headline(examined: Examined) -> str:
    """Return the first sentence: what was read, in what time, and whether a run would go on."""
    rows = sum(examined.rows.values())
    stops = sum(finding.level == "stops" for finding in examined.findings)
    end = f"a run would be refused for {counted(stops, 'reason')}" if stops else "a run would go on"
    return (
        f"{counted(len(examined.rows), 'extract')}, {counted(rows, 'row')} in {examined.seconds:.1f} s: "
        f"{end}. Nothing was linked, and no table was kept."
    )


def as_json(examined: Examined) -> dict[str, Any]:
    """Return the report as JSON-able values."""
    return {
        "would_stop": examined.would_stop,
        "seconds": round(examined.seconds, 2),
        "rows": examined.rows,
        "rows_kept": examined.kept,
        "findings": [finding.as_json() for finding in _ordered(examined)],
    }


def as_text(examined: Examined) -> str:
    """Return the report for the terminal."""
    lines = [headline(examined)]
    for level, title in LEVELS.items():
        found = [finding for finding in _ordered(examined) if finding.level == level]
        if not found:
            continue
        lines += ["", f"{title} ({len(found)})"]
        for finding in found:
            lines.append(f"  {finding.where}: {finding.what} [{finding.code}]{_rows(finding)}")
            if level == "repaired":
                continue
            lines += [f"    Effect: {finding.effect}", f"    Ask: {finding.ask}"]
    return "\n".join(lines)


def as_html(examined: Examined) -> str:
    """Return the report as a page without scripts or network access."""
    style = files("governance.report").joinpath("style.css").read_text("utf-8")
    parts = []
    for level, title in LEVELS.items():
        found = [finding for finding in _ordered(examined) if finding.level == level]
        if found:
            rows = "".join(
                f"<tr><td>{escape(f.where)}</td><td>{escape(f.what)}</td><td>{escape(_count(f))}</td>"
                f"<td>{escape(f.effect)}</td><td>{escape(f.ask)}</td><td>{escape(f.code)}</td></tr>"
                for f in found
            )
            head = "".join(
                f'<th scope="col">{name}</th>'
                for name in ("Where", "What", "Rows", "Effect on the result", "What to ask", "Code")
            )
            parts.append(
                f"<h2>{escape(title)} ({len(found)})</h2><table><thead><tr>{head}</tr></thead>"
                f"<tbody>{rows}</tbody></table>"
            )
    return (
        '<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8"><title>Check of the extracts</title>'
        f"<style>{style}</style></head><body><main><h1>Check of the extracts</h1>"
        f"<p>{escape(headline(examined))}</p>{''.join(parts)}</main></body></html>\n"
    )


def _ordered(examined: Examined) -> list[CheckFinding]:
    """Return the findings by level, those of most rows first."""
    order = list(LEVELS)
    return sorted(examined.findings, key=lambda f: (order.index(f.level), -(f.rows or 0), f.where))


def _count(finding: CheckFinding) -> str:
    return "" if finding.rows is None else f"{finding.rows:,}"


def _rows(finding: CheckFinding) -> str:
    if finding.rows is None:
        return ""
    lines = ", ".join(map(str, finding.lines))
    return f": {counted(finding.rows, 'row')}" + (f"; first lines {lines}" if lines else "")
