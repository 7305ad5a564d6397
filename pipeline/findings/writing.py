"""Findings as files: Parquet for programs, CSV for spreadsheets, Markdown for people."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from governance.errors import Fault
from pipeline.publish.files.release_table import write_plain_parquet

#: Decimals of every figure: enough for any use, and the same on every machine.
DECIMALS = 6
#: A spreadsheet treats text that begins with one of these as a formula.
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def write_findings(folder: Path, tables: Mapping[str, pd.DataFrame], report: str, name: str) -> None:
    """Write `<table>.parquet` and `<table>.csv` of every table, and the report as `<name>.md`.

    Raises Fault where the folder is a release or is inside a workspace.
    """
    if (folder / "manifest.json").exists():
        raise Fault(
            "OUT_IS_A_RELEASE",
            "The folder named with --out is a release, and a published release never changes.",
            "Name another folder with --out.",
        )
    if any((place / "controlled").is_dir() for place in folder.absolute().parents):
        raise Fault(
            "OUT_IN_WORKSPACE",
            "The folder named with --out is in a workspace, where every table must be encrypted (PSE-07).",
            "Name a folder outside the workspace with --out.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for table, exact in tables.items():
        frame = exact.round(DECIMALS)
        write_plain_parquet(pa.Table.from_pandas(frame, preserve_index=False), folder / f"{table}.parquet")
        _without_formulas(frame).to_csv(folder / f"{table}.csv", index=False, lineterminator="\n")
    (folder / f"{name}.md").write_text(report, "utf-8")


def _without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before text that a spreadsheet would treat as a formula."""
    safe = frame.copy()
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            safe[name] = frame[name].astype(object).map(without_formula)
    return safe.rename(columns=without_formula)


def without_formula(cell: Any) -> Any:
    """Return a cell with an apostrophe before text that a spreadsheet would treat as a formula.

    A carriage return becomes a space: it is written without quotes and would start a new row.
    """
    if not isinstance(cell, str):
        return cell
    return f"{chr(39) * cell.startswith(_FORMULA_SIGNS)}{cell}".replace("\r", " ")
