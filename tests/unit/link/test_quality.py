"""The quality report: gaps are named, small groups are not, and ignorance is said aloud."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from governance.artefact import Artefact
from pipeline.engine.duckdb import EngineSettings
from pipeline.link.interval import Proportion
from pipeline.link.model import default_model
from pipeline.link.quality import DisclosureTerms, QualityReport, quality_markdown, report_quality

TERMS = DisclosureTerms(minimum_cell_count=10, rounding_base=5)


def artefact(folder: Path, **tables: pa.Table) -> Artefact:
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return Artefact("link", "all", folder, "f" * 64, ())


def report(folder: Path, *groups: tuple[str, int, int], people: str | None = "name") -> QualityReport:
    """groups: (sex, linked records, unlinked records)."""
    patients: list[dict[str, Any]] = []
    links: list[dict[str, Any]] = []
    for sex, linked, missed in groups:
        for n in range(linked + missed):
            record = f"{sex}{n}"
            patients.append({"record_pseudonym": record, "age_years": 40, "sex": sex})
            links.append(
                {
                    "nhs_record_pseudonym": record,
                    "reason": "linked" if n < linked else "no_candidate",
                    "match_probability": 0.9 if n < linked else None,
                }
            )
    types: dict[str, pa.DataType] = {
        **dict.fromkeys(("record_pseudonym", "sex", "ethnic_category", "practice_code"), pa.string()),
        "age_years": pa.int64(),
        "address_start": pa.date32(),
        "uprn_pseudonym": pa.string(),
    }
    full = [{**dict.fromkeys(types), **row} for row in patients]
    nhs = artefact(folder / "nhs", nhs_resident=pa.Table.from_pylist(full, pa.schema(list(types.items()))))
    council = artefact(
        folder / "council",
        dwelling=pa.table(
            {
                "record_pseudonym": [f"d{n}" for n in range(30)],
                "tenure": ["owned"] * 30,
                "property_type": pa.nulls(30, pa.string()),
                "lsoa21": ["E01"] * 30,
            }
        ),
    )
    linked_tables = artefact(
        folder / "linked",
        resident_link=pa.Table.from_pylist(links),
        unlinked_dwelling=pa.table(
            {"dwelling_record_pseudonym": pa.array([f"d{n}" for n in range(15)]), "reason": ["x"] * 15}
        ),
        decision=pa.table(
            {
                "reason": ["linked", "linked", "below_threshold"],
                "match_probability": [0.9, 1.0, 0.1],
                "people": pa.array([people] * 3, pa.string()),
                "place": ["uprn_and_address"] * 3,
            }
        ),
    )
    return report_quality(
        linked_tables, council, nhs, default_model(), TERMS, date(2026, 3, 31), EngineSettings(), folder
    )


def sex_of(result: QualityReport, category: str) -> Any:
    return next(g for g in result.groups if g.attribute == "sex" and g.category == category)


def test_rates_are_made_of_rounded_counts(tmp_path: Path) -> None:
    result = report(tmp_path, ("1", 813, 22), ("2", 887, 78))
    assert result.match_rate["nhs_record"] == Proportion(1700, 1800)
    assert sex_of(result, "1").match_rate == Proportion(815, 835)
    assert result.match_rate["dwelling"] == Proportion(15, 30)
    assert result.estimated == {"precision": 0.95, "recall": 0.95}


@pytest.mark.parametrize(("missed", "flagged"), [(20, False), (100, True)])
def test_a_group_that_is_linked_less_often_is_flagged(tmp_path: Path, missed: int, flagged: bool) -> None:
    result = report(tmp_path, ("1", 900, 10), ("2", 900, missed))
    assert sex_of(result, "2").is_flagged == flagged
    assert ("- sex 2: " in quality_markdown(result).split("## Every group")[0]) == flagged


@pytest.mark.parametrize(
    ("linked", "missed", "shown"), [(10, 10, True), (9, 10, False), (10, 9, False), (10, 0, True)]
)
def test_a_group_of_few_is_withheld(tmp_path: Path, linked: int, missed: int, shown: bool) -> None:
    result = report(tmp_path, ("1", 500, 50), ("9", linked, missed))
    assert (sex_of(result, "9").match_rate is not None) == shown


def test_without_names_the_report_says_what_cannot_be_known(tmp_path: Path) -> None:
    assert report(tmp_path, ("1", 50, 50)).unknowable == ()
    (said,) = report(tmp_path, ("1", 50, 50), people=None).unknowable
    assert "stale" in said


def test_the_report_is_json_and_markdown(tmp_path: Path) -> None:
    import json

    result = report(tmp_path, ("1", 500, 50))
    assert json.loads(json.dumps(result.as_json()))["match_rate"]["nhs_record"]["trials"] == 550
    assert quality_markdown(result).startswith("# Linkage quality\n")
