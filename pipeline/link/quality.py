"""The linkage quality report beside every release: who was linked, how surely, and who was not.

It follows GUILD (Gilbert and others, J Public Health 40 (2018) 191-198): the data sets, the
linkage and its errors, and how they differ by group. Its figures obey the disclosure rules:
counts are rounded, groups below the minimum are withheld, shares come from rounded counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from governance.artefact import Artefact
from pipeline.engine.duckdb import EngineSettings, locked_connection
from pipeline.engine.tables import load_table
from pipeline.link.evaluate import FLAGGED_GAP, Evaluation
from pipeline.link.interval import Proportion
from pipeline.link.model import Model
from pipeline.link.units import read_sql

_NHS = (
    "record_pseudonym", "age_years", "sex", "ethnic_category", "practice_code", "address_start",
    "uprn_pseudonym",
)  # fmt: skip
_UNITS: dict[str, tuple[str, tuple[str, ...]]] = {
    "nhs_record": (
        "quality_record",
        ("age_band", "sex", "ethnic_category", "practice", "recent_mover", "has_uprn"),
    ),
    "dwelling": ("quality_dwelling", ("tenure", "property_type", "imd_decile")),
}


@dataclass(frozen=True)
class DisclosureTerms:
    """minimum_cell_count: fewer records than this are withheld; rounding_base: counts are multiples of it."""

    minimum_cell_count: int
    rounding_base: int

    def rounded(self, count: int) -> int:
        """Return the count rounded to the base, halves up."""
        return (2 * count + self.rounding_base) // (2 * self.rounding_base) * self.rounding_base


@dataclass(frozen=True)
class GroupRate:
    """Match rate of one group, and its distance from the whole; None where it is withheld.

    estimated_precision: mean match probability of the group's links; None for dwellings.
    """

    unit: str
    attribute: str
    category: str
    match_rate: Proportion | None
    gap: float | None
    estimated_precision: float | None

    @property
    def is_flagged(self) -> bool:
        """Answer whether the group is linked more than two percentage points less often than all."""
        return self.gap is not None and self.gap < -FLAGGED_GAP

    def as_json(self) -> dict[str, Any]:
        """Return the rate as a JSON-able mapping."""
        return {
            "unit": self.unit,
            "attribute": self.attribute,
            "category": self.category,
            "match_rate": None if self.match_rate is None else self.match_rate.as_json(),
            "gap": None if self.gap is None else round(self.gap, 4),
            "estimated_precision": self.estimated_precision,
            "flagged": self.is_flagged,
        }


@dataclass(frozen=True)
class QualityReport:
    """What is published about the linkage of one run.

    estimated: precision and recall from match probabilities. measured: from truth, where there is any.
    unknowable: what the extracts do not allow anyone to say.
    """

    model_digest: str
    match_rate: Mapping[str, Proportion]
    estimated: Mapping[str, float | None]
    measured: Evaluation | None
    reasons: Mapping[str, int | None]
    groups: tuple[GroupRate, ...]
    unknowable: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the report as a JSON-able mapping."""
        return {
            "model_digest": self.model_digest,
            "match_rate": {unit: rate.as_json() for unit, rate in self.match_rate.items()},
            "estimated": dict(self.estimated),
            "measured": None if self.measured is None else self.measured.as_json(),
            "records_by_reason": dict(self.reasons),
            "groups": [group.as_json() for group in self.groups],
            "unknowable": list(self.unknowable),
        }


def report_quality(
    linked: Artefact,
    council: Artefact,
    nhs: Artefact,
    model: Model,
    terms: DisclosureTerms,
    reference_date: date,
    engine: EngineSettings,
    spill: Path,
    measured: Evaluation | None = None,
) -> QualityReport:
    """Report on the links of one run from its linked and pseudonymised tables."""
    with locked_connection(engine, spill) as connection:
        load_table(connection, nhs.path("nhs_resident"), "nhs_resident", _NHS)
        load_table(
            connection,
            council.path("dwelling"),
            "dwelling",
            ("record_pseudonym", "tenure", "property_type", "lsoa21"),
        )
        if council.has("area"):
            load_table(connection, council.path("area"), "area", ("lsoa21", "imd_decile"))
        else:
            connection.execute("CREATE TABLE area (lsoa21 VARCHAR, imd_decile BIGINT)")
        for table in ("resident_link", "unlinked_dwelling", "decision"):
            load_table(connection, linked.path(table), table)
        connection.execute(read_sql("quality_record"), {"reference_date": reference_date})
        connection.execute(read_sql("quality_dwelling"))
        rates = {unit: _rate(connection, table, terms) for unit, (table, _) in _UNITS.items()}
        return QualityReport(
            model_digest=model.digest,
            match_rate=rates,
            estimated=_estimated(connection),
            measured=measured,
            reasons=_reasons(connection, terms),
            groups=tuple(
                group
                for unit, (table, attributes) in _UNITS.items()
                for attribute in attributes
                for group in _groups(connection, unit, table, attribute, rates[unit], terms)
            ),
            unknowable=_unknowable(connection),
        )


def _rate(connection: duckdb.DuckDBPyConnection, table: str, terms: DisclosureTerms) -> Proportion:
    linked, all_ = connection.execute(
        f"SELECT COUNT(*) FILTER (is_linked), COUNT(*) FROM {table}"
    ).fetchall()[0]
    return Proportion(terms.rounded(linked), max(terms.rounded(all_), terms.rounded(linked)))


def _estimated(connection: duckdb.DuckDBPyConnection) -> dict[str, float | None]:
    right, links, true = connection.execute(
        """
        SELECT
            SUM(match_probability) FILTER (reason = 'linked'),
            COUNT(*) FILTER (reason = 'linked'),
            SUM(match_probability)
        FROM decision
        """
    ).fetchall()[0]
    return {
        "precision": round(right / links, 3) if links else None,
        "recall": round((right or 0.0) / true, 3) if true else None,
    }


def _reasons(connection: duckdb.DuckDBPyConnection, terms: DisclosureTerms) -> dict[str, int | None]:
    rows = connection.execute(
        "SELECT reason, COUNT(*) FROM resident_link GROUP BY reason ORDER BY reason"
    ).fetchall()
    return {
        str(reason): terms.rounded(count) if count >= terms.minimum_cell_count else None
        for reason, count in rows
    }


def _groups(
    connection: duckdb.DuckDBPyConnection,
    unit: str,
    table: str,
    attribute: str,
    overall: Proportion,
    terms: DisclosureTerms,
) -> list[GroupRate]:
    rows = connection.execute(
        f"""
        SELECT
            {attribute},
            COUNT(*) FILTER (is_linked),
            COUNT(*),
            AVG(match_probability) FILTER (is_linked)
        FROM {table}
        GROUP BY {attribute}
        ORDER BY {attribute}
        """
    ).fetchall()
    groups = []
    for category, linked, all_, probability in rows:
        left_out = all_ - linked
        safe = linked >= terms.minimum_cell_count and (left_out == 0 or left_out >= terms.minimum_cell_count)
        if not safe:
            groups.append(GroupRate(unit, attribute, str(category), None, None, None))
            continue
        found, missed = terms.rounded(linked), terms.rounded(left_out)
        rate = Proportion(found, found + missed)
        gap = (rate.value or 0.0) - (overall.value or 0.0)
        precision = None if probability is None else round(probability, 3)
        groups.append(GroupRate(unit, attribute, str(category), rate, gap, precision))
    return groups


def _unknowable(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    people, places, records = connection.execute(
        "SELECT COUNT(people), COUNT(place), COUNT(*) FROM decision"
    ).fetchall()[0]
    said = []
    if records and not people:
        said.append(
            "No names or birth dates could be compared: whether the linked people are the listed household,"
            " who has moved away and which registrations are stale cannot be known."
        )
    if records and not places:
        said.append("Neither UPRNs nor addresses could be compared: links rest on people alone.")
    return tuple(said)


def quality_markdown(report: QualityReport) -> str:
    """Return the report as Markdown for people."""
    lines = ["# Linkage quality", "", f"Model: `{report.model_digest}`", "", "## Linked", ""]
    for unit, rate in report.match_rate.items():
        lines.append(f"- {unit.replace('_', ' ')}s: {_percent(rate)}")
    for name, value in report.estimated.items():
        lines.append(f"- estimated {name}: {'unknown' if value is None else f'{value:.1%}'}")
    if report.measured is not None:
        for name, measured in (
            ("record", report.measured.records),
            ("household", report.measured.households),
        ):
            lines.append(f"- measured precision ({name}): {_percent(measured.precision)}")
            lines.append(f"- measured recall ({name}): {_percent(measured.recall)}")
    lines += ["", "## Not linked, by reason", ""]
    lines += [
        f"- {reason}: {_count(count)}" for reason, count in report.reasons.items() if reason != "linked"
    ]
    flagged = [group for group in report.groups if group.is_flagged]
    lines += ["", "## Groups linked more than two percentage points less often than all", ""]
    lines += [
        f"- {g.attribute.replace('_', ' ')} {g.category}: {_percent(g.match_rate)}"
        for g in flagged
        if g.match_rate is not None
    ] or ["- none"]
    lines += [
        "",
        "## Every group",
        "",
        "| Unit | Attribute | Group | Linked | Gap |",
        "|---|---|---|---|---|",
    ]
    for g in report.groups:
        share = "withheld" if g.match_rate is None else _percent(g.match_rate)
        gap = "" if g.gap is None else f"{100 * g.gap:+.1f}"
        lines.append(f"| {g.unit.replace('_', ' ')} | {g.attribute} | {g.category} | {share} | {gap} |")
    if report.unknowable:
        lines += ["", "## What cannot be known", "", *(f"- {said}" for said in report.unknowable)]
    return "\n".join([*lines, ""])


def _percent(rate: Proportion) -> str:
    if rate.value is None or rate.interval is None:
        return "none"
    low, high = rate.interval
    return f"{rate.value:.1%} ({low:.1%} to {high:.1%}) of {rate.trials:,}"


def _count(count: int | None) -> str:
    return "withheld" if count is None else f"{count:,}"
