"""`docs/reference/errors.md`: every error code with its meaning and remedy, generated from the registry.

`python -m flows.actions.error_reference` (or `make docs`) writes it again after a code or its text changed.
"""

from pathlib import Path

from schemas.error_code import KINDS, ErrorCode, ErrorSubject, error_subjects

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "errors.md"


def error_reference() -> str:
    """Return the page as Markdown: one section a subject, one heading a code."""
    subjects = error_subjects()
    contents = [f"- [{subject.title}](#{_anchor(subject.title)})" for subject in subjects]
    return "\n".join(
        [
            "# Error codes",
            "",
            "<!-- generated from schemas/errors by `make docs`: do not edit -->",
            "",
            "Every error has a code. `hearth explain CODE` prints the entry of a code, and `hearth explain`",
            "lists all codes. Rules have ids such as PSE-03: `hearth explain PSE-03` prints the rule with",
            "its source and its last verdicts.",
            "",
            *contents,
            *(line for subject in subjects for line in _section(subject)),
            "",
        ]
    )


def _section(subject: ErrorSubject) -> list[str]:
    return ["", f"## {subject.title}", "", subject.about, *(x for e in subject.errors for x in _entry(e))]


def _entry(entry: ErrorCode) -> list[str]:
    kinds = "; ".join(KINDS[kind] for kind in entry.kinds)
    rules = f" ({', '.join(entry.rules)})" if entry.rules else ""
    return [
        "",
        f"### {entry.code}",
        "",
        f"**{entry.title}.** {entry.meaning}",
        "",
        f"What to do: {entry.remedy}",
        "",
        f"*{kinds[0].upper()}{kinds[1:]}{rules}.*",
    ]


def _anchor(title: str) -> str:
    """Return the anchor that a Markdown renderer gives a heading."""
    kept = (letter for letter in title.lower() if letter.isalnum() or letter in " -")
    return "".join(kept).replace(" ", "-")


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(error_reference(), "utf-8")
