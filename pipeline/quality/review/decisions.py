"""Reads the decisions that reviewers return, and refuses files with faulty rows, naming each row by its line.

Messages name lines and columns but never cell contents, because a reviewer may have typed anything.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from governance.errors import Fault, Finding
from pipeline.quality.review.export import DECISIONS

#: Columns that a file must have; it may also have those of the exported vector.
NEEDED = ("review", "case", "decision", "reviewer")
#: Number of faulty rows that are named; the rest are counted.
_NAMED_ROWS = 20
_MAXIMUM_BYTES = 20_000_000


@dataclass(frozen=True)
class Decision:
    """One reviewer's decision of one case: "same", "different" or "unsure"."""

    case: str
    reviewer: str
    decision: str


def read_decisions(
    paths: Iterable[Path],
    review: str,
    cases: Mapping[str, object],
    *,
    partial: bool = False,
    nothing_else: bool = False,
) -> tuple[Decision, ...]:
    """Read reviewers' files and return all decisions.

    review: id of the sample that was exported; cases: its cases. partial: whether rows without a
    decision are left out instead of refused. nothing_else: refuse a file with columns other than `NEEDED`,
    which a sheet with clear data has.
    Raises Fault with every faulty row: from another run's review, not in the sample, without a decision or
    with an unknown one, without a reviewer, or decided twice by one reviewer.
    """
    decisions: dict[tuple[str, str], Decision] = {}
    findings: list[Finding] = []
    for path in paths:
        for line, row in _rows(path, nothing_else=nothing_else):
            fault = _fault(row, review, cases)
            given = Decision(row["case"], row["reviewer"].strip(), row["decision"].strip().lower())
            if fault is None and not given.decision:
                fault = None if partial else ("REVIEW_UNDECIDED", "has no decision")
            elif fault is None and (given.reviewer, given.case) in decisions:
                fault = ("REVIEW_REPEATED", "repeats a case that the same reviewer has already decided")
            elif fault is None:
                decisions[given.reviewer, given.case] = given
            if fault is not None:
                code, what = fault
                findings.append(Finding(code, f"{path.name}, line {line}", what))
    if findings:
        raise _refused(findings)
    if not decisions:
        raise Fault(
            "REVIEW_EMPTY", "The files contain no decisions.", "Decide some cases, then import again."
        )
    return tuple(decisions.values())


def _rows(path: Path, *, nothing_else: bool = False) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row with the number of its line; the header is line 1."""
    try:
        if path.stat().st_size > _MAXIMUM_BYTES:
            raise _unreadable(path)
        with path.open("r", encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
            if missing:
                raise Fault(
                    "REVIEW_COLUMNS",
                    f"{path.name} lacks the columns {', '.join(missing)}.",
                    "Name a file that a reviewer saved from the page, or the exported CSV, filled in.",
                )
            if nothing_else and (extra := set(reader.fieldnames or ()) - set(NEEDED)):
                raise Fault(
                    "REVIEW_OTHER_COLUMNS",
                    f"{path.name} has {len(extra)} more columns than a file of verdicts. It may be a sheet"
                    " with clear data, so nothing of it was read.",
                    f"Send only the file of verdicts, with the columns {', '.join(NEEDED)}.",
                )
            for row in reader:
                # a short row has None in its place, a long one a list under None
                yield reader.line_num, {name: row.get(name) or "" for name in NEEDED}
    except (OSError, UnicodeDecodeError, csv.Error):
        raise _unreadable(path) from None


def _fault(row: Mapping[str, str], review: str, cases: Mapping[str, object]) -> tuple[str, str] | None:
    decision = row["decision"].strip().lower()
    if row["review"] != review:
        return "REVIEW_OF_ANOTHER_RUN", "belongs to the review of another run"
    if row["case"] not in cases:
        return "REVIEW_UNKNOWN_CASE", "names a case that was not in the sample"
    if decision and decision not in DECISIONS:
        return "REVIEW_DECISION", f"has a decision other than {', '.join(DECISIONS)}"
    if decision and not row["reviewer"].strip():
        return "REVIEW_NAMELESS", "has no reviewer"
    return None


def _refused(findings: list[Finding]) -> Fault:
    named = findings[:_NAMED_ROWS]
    more = len(findings) - len(named)
    if more:
        named.append(Finding("REVIEW_MORE", "further rows", f"{more} more faulty", more))
    return Fault(
        "REVIEW_INVALID",
        f"{len(findings)} {'row' if len(findings) == 1 else 'rows'} cannot be used; nothing was imported.",
        "Correct each row. Use --partial for undecided cases. After another run, export again.",
        tuple(named),
    )


def _unreadable(path: Path) -> Fault:
    return Fault(
        "REVIEW_UNREADABLE",
        f"{path.name} cannot be read as CSV.",
        "Name the file that a reviewer saved from the page.",
    )
