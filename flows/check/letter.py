"""The letter to a controller's own supplier: what to mend, on which lines, and what it is worth.

It is written in the controller's own zone. It has line numbers and no cell, and it never leaves that zone.
"""

from pathlib import Path

from flows.check.examine import Examined
from flows.check.findings import CheckFinding
from governance.counted import counted
from pipeline.ingest.inspection import contracts_of
from pipeline.project import Project
from schemas.error_code import error_codes

_LINES = 200


def write_letter(examined: Examined, project: Project, controller: str, zone: Path) -> Path:
    """Write the letter of one controller and return its path. zone: the clear zone of the workspace."""
    folder = zone / controller / "letters"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"letter-{project.reference_date.isoformat()}.txt"
    path.write_text(letter(examined, project, controller), "utf-8")
    path.chmod(0o600)
    return path


def letter(examined: Examined, project: Project, controller: str) -> str:
    """Return the letter: for each extract, what to mend, most rows first."""
    parts = [
        f"To the supplier of the {controller} extracts of {project.name}, reference date "
        f"{project.reference_date.isoformat()}",
        "Please do not pass this letter on: line numbers belong with the file. It has no content of a cell.",
    ]
    for contract in contracts_of(controller):
        table = contract.table
        found = [f for f in examined.findings if f.where.partition(".")[0] == table and f.level != "repaired"]
        if not found:
            continue
        settings = project.extracts.get(table)
        name = settings.path.name if settings else table
        parts.append(f"{name} ({table}, {counted(examined.rows.get(table, 0), 'row')})")
        ordered = sorted(found, key=lambda finding: -(finding.rows or 0))
        parts += [_paragraph(number, finding, examined) for number, finding in enumerate(ordered, 1)]
    if len(parts) == 2:
        parts.append("Nothing needs to be mended.")
    return "\n\n".join(parts) + "\n"


def _paragraph(number: int, finding: CheckFinding, examined: Examined) -> str:
    table, _, column = finding.where.partition(".")
    rows = examined.rows.get(table, 0)
    share = f" ({finding.rows / rows:.1%} of the rows)" if finding.rows and rows else ""
    counted_rows = f": {counted(finding.rows, 'row')}{share}" if finding.rows else ""
    lines = [f"{number}. {column or 'Whole rows'}: {finding.what}{counted_rows}."]
    if entry := error_codes().get(finding.code):
        lines.append(f"   What it means: {entry.meaning}")
    lines += [f"   What it is worth: {finding.effect}", f"   What to do: {finding.ask}"]
    if found := examined.lines.get((table, column or None, finding.code)):
        shown = ranges(sorted(found)[:_LINES])
        more = len(found) - _LINES
        lines.append(f"   Lines: {shown}" + (f" and {more:,} more" if more > 0 else ""))
    return "\n".join(lines)


def ranges(lines: list[int]) -> str:
    """Return sorted line numbers, with those that follow each other as a range: 2, 5-7."""
    groups: list[list[int]] = []
    for line in lines:
        if groups and line == groups[-1][1] + 1:
            groups[-1][1] = line
        elif not groups or line != groups[-1][1]:
            groups.append([line, line])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in groups)
