"""The glossary: one line for each term, in order, and within one click of the README and the help."""

import re
from pathlib import Path

from typer.testing import CliRunner

from flows.cli import app

ROOT = Path(__file__).resolve().parents[2]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
ROWS = [line for line in GLOSSARY.splitlines() if line.startswith("| ") and not line.startswith("| Term |")]
TERMS = [row.split("|")[1].strip().strip("*") for row in ROWS]


def test_every_row_is_a_bold_term_with_one_meaning() -> None:
    assert [row for row in ROWS if not re.fullmatch(r"\| \*\*[^|*]+\*\* \| [^|]+\. \|", row)] == []


def test_terms_are_unique_and_in_alphabetical_order_with_shorthand_first() -> None:
    assert len(TERMS) > 50
    assert len({term.casefold() for term in TERMS}) == len(TERMS)
    assert sorted(TERMS, key=lambda term: (term[0].isalpha(), term.casefold())) == TERMS


def test_it_has_the_terms_that_officers_and_analysts_meet_first() -> None:
    wanted = (
        "[c]; [u]; [x]; [z]; CAG; Caldicott guardian; Cell key; Checkpoint; Clearance; DPIA; DPO; DSA; DSPT; "
        "Dwelling; Epoch; Gate; Household; IMD; LSOA; MSOA; National Data Opt-Out; RALF; Resident; RII; "
        "Section 251; SII; SIRO; Type 1 opt-out; UPRN; Waiver; Witness"
    )
    assert set(wanted.split("; ")) - set(TERMS) == set()


def test_the_readme_links_it_and_the_help_names_it() -> None:
    assert "](docs/glossary.md)" in (ROOT / "README.md").read_text("utf-8")
    assert "docs/glossary.md" in CliRunner().invoke(app, ["--help"]).output
