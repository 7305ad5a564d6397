"""Clerical review: people judge a sample of comparison vectors, and the thresholds follow.

What leaves is a vector of levels, never a token or a pseudonym: a reviewer sees how well UPRN,
address and people agreed, and decides whether such a pair is one household. The sample is
stratified by band of match weight, drawn by a hash, so that one run gives one sample.
"""

import csv
import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from governance.errors import Fault, Finding
from pipeline.link.comparison import PEOPLE, PLACE
from pipeline.link.interval import Proportion

#: Lower edges of the bands of match weight; the first is open below.
BAND_EDGES = (-8.0, -4.0, -2.0, 0.0, 2.0, 4.0, 8.0)
COLUMNS = ("case", "band", "match_weight", "match_key", "place", "people", "decision", "reviewer", "note")
DECISIONS = ("same", "different", "unsure")


@dataclass(frozen=True)
class BandPrecision:
    """Of the cases of one band that reviewers decided, how many are one household."""

    band: str
    precision: Proportion


@dataclass(frozen=True)
class Review:
    """What a review found.

    kappa: Cohen's, over the cases that two reviewers decided; None below two reviewers.
    proposed_upper: lowest band edge above which the decided cases keep the wanted precision.
    proposed_lower: highest band edge below which at most one case in twenty is one household.
    """

    cases: int
    reviewers: int
    kappa: float | None
    bands: tuple[BandPrecision, ...]
    proposed_upper: float | None
    proposed_lower: float | None

    def as_json(self) -> dict[str, Any]:
        """Return the review as a JSON-able mapping."""
        return {
            "cases": self.cases,
            "reviewers": self.reviewers,
            "kappa": None if self.kappa is None else round(self.kappa, 4),
            "bands": [{"band": b.band, **b.precision.as_json()} for b in self.bands],
            "proposed_upper_match_weight": self.proposed_upper,
            "proposed_lower_match_weight": self.proposed_lower,
        }


def export_review(
    connection: duckdb.DuckDBPyConnection, decisions: str, folder: Path, cases_per_band: int = 25
) -> int:
    """Write `review.csv` and `review.html` into `folder`; returns the number of cases.

    decisions: table `decision` of the linked stage.
    """
    edges = " ".join(f"WHEN match_weight < {edge} THEN {n}" for n, edge in enumerate(BAND_EDGES))
    rows = connection.execute(
        f"""
        WITH banded AS (
            SELECT
                CASE {edges} ELSE {len(BAND_EDGES)} END AS band,
                round(match_weight, 2) AS match_weight,
                match_key,
                place,
                people,
                sha256(address_group || ' ' || dwelling_record_pseudonym) AS draw
            FROM {decisions}
        )
        SELECT band, match_weight, match_key, place, people, substr(draw, 1, 12)
        FROM banded
        QUALIFY ROW_NUMBER() OVER (PARTITION BY band ORDER BY draw) <= $cases_per_band
        ORDER BY draw
        """,
        {"cases_per_band": cases_per_band},
    ).fetchall()
    place = {level.id: level.meaning for level in PLACE.levels}
    people = {level.id: level.meaning for level in PEOPLE.levels}
    cases = [
        {
            "case": case,
            "band": band_name(band),
            "match_weight": f"{weight:.2f}",
            "match_key": key,
            "place": place.get(place_id, "neither UPRN nor address can be compared"),
            "people": people.get(people_id, "nobody is listed, or no names were given"),
            "decision": "",
            "reviewer": "",
            "note": "",
        }
        for band, weight, key, place_id, people_id, case in rows
    ]
    with (folder / "review.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(cases)
    (folder / "review.html").write_text(_page(cases), "utf-8")
    return len(cases)


def band_name(band: int) -> str:
    """Return a band's name, such as "0 to 2"."""
    if band == 0:
        return f"below {BAND_EDGES[0]:g}"
    if band == len(BAND_EDGES):
        return f"{BAND_EDGES[-1]:g} and above"
    return f"{BAND_EDGES[band - 1]:g} to {BAND_EDGES[band]:g}"


def import_review(paths: Iterable[Path], wanted_precision: float = 0.95) -> Review:
    """Read reviewers' decisions (one CSV each, or one with several) and say what follows.

    Raises Fault with every unusable row counted by kind.
    """
    rows = [row for path in paths for row in _read(path)]
    decided = [row for row in rows if row["decision"] in ("same", "different")]
    by_band: dict[str, list[bool]] = {}
    for row in decided:
        by_band.setdefault(row["band"], []).append(row["decision"] == "same")
    names = [band_name(n) for n in range(len(BAND_EDGES) + 1)]
    bands = tuple(
        BandPrecision(name, Proportion(sum(by_band[name]), len(by_band[name])))
        for name in names
        if name in by_band
    )
    return Review(
        cases=len({row["case"] for row in rows}),
        reviewers=len({row["reviewer"] for row in decided}),
        kappa=cohens_kappa(decided),
        bands=bands,
        proposed_upper=_upper(by_band, names, wanted_precision),
        proposed_lower=_lower(by_band, names),
    )


def cohens_kappa(rows: Sequence[Mapping[str, str]]) -> float | None:
    """Return agreement beyond chance over every pair of reviewers' common cases, or None without any."""
    decisions: dict[str, dict[str, str]] = {}
    for row in rows:
        decisions.setdefault(row["case"], {})[row["reviewer"]] = row["decision"]
    pairs = [
        (given[one], given[other])
        for given in decisions.values()
        for one in sorted(given)
        for other in sorted(given)
        if one < other
    ]
    if not pairs:
        return None
    agreed = sum(one == other for one, other in pairs) / len(pairs)
    same_one = sum(one == "same" for one, _ in pairs) / len(pairs)
    same_other = sum(other == "same" for _, other in pairs) / len(pairs)
    chance = same_one * same_other + (1 - same_one) * (1 - same_other)
    return 1.0 if chance == 1 else (agreed - chance) / (1 - chance)


def _upper(by_band: Mapping[str, list[bool]], names: Sequence[str], wanted: float) -> float | None:
    proposed = None
    pooled: list[bool] = []
    for n in range(len(names) - 1, 0, -1):
        pooled = pooled + by_band.get(names[n], [])
        if pooled and sum(pooled) / len(pooled) >= wanted:
            proposed = BAND_EDGES[n - 1]
    return proposed


def _lower(by_band: Mapping[str, list[bool]], names: Sequence[str]) -> float | None:
    proposed = None
    pooled: list[bool] = []
    for n in range(len(names) - 1):
        pooled = pooled + by_band.get(names[n], [])
        if pooled and sum(pooled) / len(pooled) <= 0.05:
            proposed = BAND_EDGES[n]
    return proposed


def _read(path: Path) -> list[dict[str, str]]:
    try:
        with path.open("r", encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = set(COLUMNS) - set(reader.fieldnames or ())
            rows = [] if missing else list(reader)
    except (OSError, UnicodeDecodeError, csv.Error):
        raise Fault(
            "REVIEW_UNREADABLE", f"{path.name} cannot be read as CSV.", "Name the file that a reviewer saved."
        ) from None
    findings = []
    if missing:
        findings.append(Finding("REVIEW_COLUMNS", path.name, f"lacks {', '.join(sorted(missing))}"))
    names = {band_name(n) for n in range(len(BAND_EDGES) + 1)}
    unknown = sum(row["decision"] not in ("", *DECISIONS) for row in rows)
    nameless = sum(row["decision"] in DECISIONS and not row["reviewer"] for row in rows)
    elsewhere = sum(row["band"] not in names for row in rows)
    for count, code, what in (
        (unknown, "REVIEW_DECISION", f"{unknown} decisions are none of {', '.join(DECISIONS)}"),
        (nameless, "REVIEW_REVIEWER", f"{nameless} decisions name no reviewer"),
        (elsewhere, "REVIEW_BAND", f"{elsewhere} rows have an unknown band"),
    ):
        if count:
            findings.append(Finding(code, path.name, what, count))
    if findings:
        raise Fault(
            "REVIEW_INVALID",
            f"{path.name} is not a finished review.",
            "Mend each row, or export the review again.",
            tuple(findings),
        )
    return rows


def _page(cases: Sequence[Mapping[str, str]]) -> str:
    """Return a page that works without a network: cases inside, decisions saved as a CSV download."""
    text = (files("pipeline.link") / "review.html").read_text("utf-8")
    data = json.dumps(list(cases), ensure_ascii=True).replace("<", "\\u003c")
    columns = html.escape(json.dumps(list(COLUMNS)), quote=False)
    return text.replace("__CASES__", data).replace("__COLUMNS__", columns)
