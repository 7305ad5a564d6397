"""The files for clerical review: comparison vectors as CSV, and one page that works on its own.

A vector describes how far UPRN, address and people of a pair agree. It contains no token and no pseudonym.
Reviewers do not see the ethnic group, so that it cannot influence them. Neither file has the model's score or
its band, because reviewers tend to follow it.
"""

import base64
import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import duckdb

from pipeline.group.blocking import RECORDED_RULES
from pipeline.link.comparison import PEOPLE, PLACE
from pipeline.link.match_selection import EVIDENCE_BITS

CSV_FILE = "review.csv"
PAGE_FILE = "review.html"
#: Columns that a reviewer fills in.
ANSWERS = ("decision", "reviewer", "note")
#: Columns that describe the pair.
VECTOR = (
    "place", "people", "agreeing", "contradicted", "lead", "nhs_records", "match_key",
)  # fmt: skip
COLUMNS = ("review", "case", *VECTOR, *ANSWERS)
DECISIONS = ("same", "different", "unsure")


def export_review(
    connection: duckdb.DuckDBPyConnection, review: str, folder: Path, cases_per_stratum: int
) -> int:
    """Write `review.csv` and `review.html` into `folder`; returns the number of cases.

    Reads table `review_case`. review: id that links decisions to this run's sample.
    """
    rows = connection.execute(
        """
        SELECT
            review_case,
            margin_match_weight,
            match_key,
            place,
            people,
            evidence_bits,
            contradicted,
            nhs_records
        FROM review_case
        WHERE drawn_as <= $cases_per_stratum
        ORDER BY review_case
        """,
        {"cases_per_stratum": cases_per_stratum},
    ).fetchall()
    cases = [_case(review, _SampledPair(*row)) for row in rows]
    write_private(folder / CSV_FILE, _as_csv(cases))
    write_private(folder / PAGE_FILE, _page(review, cases))
    return len(cases)


_PLACES = {level.id: level.meaning for level in PLACE.levels}
_PEOPLE = {level.id: level.meaning for level in PEOPLE.levels}
_KEYS = {rule.id: rule.meaning for rule in RECORDED_RULES}


@dataclass(frozen=True)
class _SampledPair:
    """One row of `review_case`, in the order of the query."""

    case: str
    margin: float | None
    match_key: str
    place: str | None
    people: str | None
    evidence_bits: int
    contradicted: bool
    nhs_records: int


def _case(review: str, pair: _SampledPair) -> dict[str, str]:
    agreeing = [
        name.replace("_", " ").replace("uprn", "UPRN")
        for n, (name, _, _) in enumerate(EVIDENCE_BITS)
        if pair.evidence_bits >> n & 1
    ]
    return {
        "review": review,
        "case": pair.case,
        "place": _PLACES.get(pair.place or "", "neither UPRN nor address can be compared"),
        "people": _PEOPLE.get(pair.people or "", "no one is listed, or there are no names"),
        "agreeing": ", ".join(agreeing) or "nothing",
        "contradicted": "yes" if pair.contradicted else "no",
        "lead": "there is no other candidate dwelling" if pair.margin is None else _lead(pair.margin),
        "nhs_records": _size(pair.nhs_records),
        "match_key": _KEYS.get(pair.match_key, pair.match_key),
        "decision": "",
        "reviewer": "",
        "note": "",
    }


def _lead(margin: float) -> str:
    if margin < 2:
        return "another dwelling fits almost as well"
    return "fits better than any other dwelling" if margin < 6 else "fits far better than any other dwelling"


def _size(records: int) -> str:
    for last, name in ((1, "1"), (2, "2"), (5, "3 to 5"), (10, "6 to 10")):
        if records <= last:
            return name
    return "more than 10"


def _as_csv(cases: Sequence[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(cases)
    return text.getvalue()


def _page(review: str, cases: Sequence[Mapping[str, str]]) -> str:
    shown = [{k: v for k, v in case.items() if k not in ANSWERS} for case in cases]
    return review_page({"review": review, "cases": shown, "decisions": list(DECISIONS)})


def review_page(content: Mapping[str, object]) -> str:
    """Return the page: it contains the cases and one script that its policy names by digest, and no URL.

    content: review, cases, decisions, and for a sheet of a controller labels (name in a case -> in words) and
    about.
    """
    data = json.dumps(content, ensure_ascii=True).replace("<", "\\u003c")
    folder = files("pipeline.quality.review")
    script = folder.joinpath("review.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = folder.joinpath("review.html").read_text("utf-8")
    for mark, text in (("__DIGEST__", digest), ("__DATA__", data), ("__SCRIPT__", script)):
        page = page.replace(mark, text)
    return page


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    path.write_text(text, "utf-8", newline="")
    path.chmod(0o600)
