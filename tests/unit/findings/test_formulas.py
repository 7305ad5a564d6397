"""No cell or header of a CSV that Hearth writes is a formula to a spreadsheet."""

import csv
from pathlib import Path

import pandas as pd
import pytest

from pipeline.findings.writing import write_findings
from pipeline.quality.review.export import ANSWERS, COLUMNS, CSV_FILE, _as_csv, _case, _SampledPair

HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "x\r=1+1"]


@pytest.mark.parametrize("dtype", ["object", "str", "category", "string"])
def test_no_text_of_a_finding_is_a_formula_whatever_its_column_type(tmp_path: Path, dtype: str) -> None:
    frame = pd.DataFrame({"label": pd.Series([*HOSTILE, "plain", None], dtype=dtype), "rate": [-1.5] * 9})
    write_findings(tmp_path, {"table": frame.rename(columns={"label": "=label"})}, "report", "findings")
    with (tmp_path / "table.csv").open(newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["'=label", "rate"]
    expected = ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\tx", "' x", "x =1+1", "plain", ""]
    assert [row[0] for row in rows] == expected
    assert {row[1] for row in rows} == {"-1.5"}  # a number stays a number


def test_a_review_export_has_no_text_from_an_extract() -> None:
    pair = _SampledPair("c1", None, "", "=x", "@y", 0, False, 1)
    (row,) = csv.DictReader(_as_csv([_case("run-1", pair)]).splitlines())
    assert CSV_FILE == "review.csv"
    assert set(row) == set(COLUMNS)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())
    assert not any(row[name] for name in ANSWERS)
