"""Findings worked out from a release's published values alone."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.aggregate.findings import inequality_of, read_rates, report_framework
from schemas.attribute import DefinitionInvalid
from schemas.framework import frameworks, parse_framework
from schemas.measure import measures
from schemas.table import tables

AREA = "E08000009"


def _release(folder: Path, rows: dict[str, list[dict[str, Any]]]) -> Path:
    folder.mkdir()
    described = [
        {"measure": "emergency_admission", "kind": "count", "denominator_measure": "household_population"},
        {"measure": "overcrowded", "kind": "count", "denominator_measure": "household_population"},
        {"measure": "household_population", "kind": "count", "denominator_measure": None},
    ]
    pq.write_table(pa.Table.from_pylist(described), folder / "measure.parquet")
    for table_id, listed in rows.items():
        pq.write_table(pa.Table.from_pylist(listed), folder / f"{table_id}.parquet")
    return folder


def _cell(measure: str, value: float | None, **columns: str) -> dict[str, Any]:
    return {"area_level": "LAD", "area_code": AREA, "measure": measure, "value": value, **columns}


def _totals(admitted: float | None, households: float) -> dict[str, list[dict[str, Any]]]:
    return {
        "health": [_cell("emergency_admission", admitted), _cell("household_population", households)],
    }


def test_a_rate_is_a_published_count_over_its_published_denominator(tmp_path: Path) -> None:
    (rate,) = read_rates(_release(tmp_path / "r", _totals(200, 1000)), "health")
    assert (rate.count, rate.population) == (200, 1000)
    assert rate.interval == pytest.approx((0.2, 0.17638, 0.22587), abs=5e-5)


def test_a_hidden_count_has_no_rate_and_no_verdict(tmp_path: Path) -> None:
    hidden = _release(tmp_path / "hidden", _totals(None, 1000))
    open_ = _release(tmp_path / "open", _totals(200, 1000))
    (finding,) = report_framework(hidden, frameworks()["household_outcomes"], open_)
    assert finding.rate.interval.value != finding.rate.interval.value
    assert finding.verdict == "not compared"


def test_a_fall_in_what_should_fall_is_better_and_noise_is_similar(tmp_path: Path) -> None:
    before = _release(tmp_path / "before", _totals(200, 1000))
    better = _release(tmp_path / "better", _totals(150, 1000))
    same = _release(tmp_path / "same", _totals(205, 1000))
    framework = frameworks()["household_outcomes"]
    verdicts = [report_framework(after, framework, before)[0].verdict for after in (better, same)]
    assert verdicts == ["better", "similar"]


def test_inequality_runs_over_deciles_and_needs_every_one_of_them(tmp_path: Path) -> None:
    rows = [
        cell
        for decile in range(1, 11)
        for cell in (
            _cell("emergency_admission", 300 - 20 * decile, imd_decile=str(decile)),
            _cell("household_population", 1000, imd_decile=str(decile)),
        )
    ]
    table = {"health_by_imd_decile": rows}
    release = _release(tmp_path / "r", table)
    found = inequality_of(release, "health_by_imd_decile", "emergency_admission", AREA)
    assert found is not None
    assert found.slope.value == pytest.approx(-0.2, abs=1e-9)
    assert found.relative.value == pytest.approx(0.09 / 0.29, abs=1e-9)
    rows[0]["value"] = None
    hidden = _release(tmp_path / "hidden", table)
    assert inequality_of(hidden, "health_by_imd_decile", "emergency_admission", AREA) is None


def test_the_framework_groups_measures_of_every_goal_with_a_direction() -> None:
    framework = frameworks()["household_outcomes"]
    listed = [i.measure for goal in framework.goals for i in goal.indicators]
    assert len(listed) == len(set(listed)) >= 12
    assert {measures()[m].direction for m in listed} == {"lower_is_better", "higher_is_better"}


def test_a_framework_that_names_what_is_not_registered_is_refused_with_every_fault() -> None:
    text = """
title: T
example: E
goals:
- name: g
  title: G
  measures: [{measure: nothing, table: health}, {measure: households, table: health_by_tenure}]
"""
    with pytest.raises(DefinitionInvalid) as caught:
        parse_framework("bad", text, tables())
    assert len(caught.value.faults) == 2
