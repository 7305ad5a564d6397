"""Parts of a findings page: tables, intervals and groups in Markdown."""

from collections.abc import Iterable, Sequence

import pandas as pd

from schemas.dimension import dimensions


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    listed = [tuple(cell.replace("|", "/") for cell in row) for row in rows]
    if not listed:
        return "(none in this release)"
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in listed)])


def percent(value: float | None, lower: float | None, upper: float | None, note: object) -> str:
    return triple(value, lower, upper, ".1f") or str(note)


def triple(value: float | None, lower: float | None, upper: float | None, form: str) -> str:
    if value is None or pd.isna(value):
        return ""
    return f"{value:{form}} ({lower:{form}} to {upper:{form}})"


def points(value: float | None, lower: float | None, upper: float | None) -> str:
    return triple(value, lower, upper, "+.1f")


def group(dimension: object, category: object) -> str:
    """Return a category in words: the dimension's title, and the category without its underscores."""
    if not dimension:
        return "everyone"
    return f"{dimensions()[str(dimension)].title}: {str(category).replace('_', ' ')}"
