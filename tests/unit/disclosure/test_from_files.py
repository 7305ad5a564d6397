"""The second attacker: what it works out from the files of a release, without the pipeline's other code."""

import ast
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.disclosure.attack.from_files.attack import attack_from_files

LSOAS = ("E01000001", "E01000002", "E01000003")
#: Households, households at standard, overcrowded and of unknown occupancy, in three LSOAs.
COUNTS = {"E01000001": (96, 70, 22, 4), "E01000002": (88, 71, 17, 0), "E01000003": (61, 25, 31, 5)}


def write_release(folder: Path, hidden: set[tuple[str, str]], exact: bool = True) -> Path:
    """Write the files of a release of COUNTS. hidden: (column, LSOA) that are printed as `[c]`."""
    rows: list[dict[str, Any]] = []
    columns = {
        "households": lambda n: n[0],
        "overcrowded": lambda n: n[2],
        "overcrowded_population": lambda n: n[0] - n[3],
        "at_standard": lambda n: n[1],
        "occupancy_overcrowded": lambda n: n[2],
        "unknown": lambda n: n[3],
    }
    for name, value_of in columns.items():
        is_broken_down = name in ("at_standard", "occupancy_overcrowded", "unknown")
        for lsoa, counts in COUNTS.items():
            is_hidden = (name, lsoa) in hidden or value_of(counts) < 10
            rows.append(
                {
                    "unit": "household",
                    "measure": "households" if is_broken_down else name,
                    "area_level": "LSOA21",
                    "area_code": lsoa,
                    "overcrowding": name.removeprefix("occupancy_") if is_broken_down else None,
                    "value": None if is_hidden else float(value_of(counts)),
                    "shorthand": "[c]" if is_hidden else None,
                }
            )
    folder.mkdir()
    plain = [{k: v for k, v in r.items() if k != "overcrowding"} for r in rows if r["overcrowding"] is None]
    divided = [r for r in rows if r["overcrowding"] is not None]
    pq.write_table(pa.Table.from_pylist(plain), folder / "housing_condition.parquet")
    pq.write_table(pa.Table.from_pylist(divided), folder / "households_by_overcrowding.parquet")
    measures = [
        {"unit": "household", "measure": "households", "kind": "count", "denominator_measure": None},
        {
            "unit": "household",
            "measure": "overcrowded",
            "kind": "count",
            "denominator_measure": "overcrowded_population",
        },
        {
            "unit": "household",
            "measure": "overcrowded_population",
            "kind": "count",
            "denominator_measure": None,
        },
    ]
    pq.write_table(pa.Table.from_pylist(measures), folder / "measure.parquet")
    area = [{"lsoa21": lsoa, "msoa21": "E02000001", "local_authority": "E08000001"} for lsoa in LSOAS]
    pq.write_table(pa.Table.from_pylist(area), folder / "area.parquet")
    method = {"minimum_cell_count": 10, "rounding_base": 1 if exact else 5, "noise_bound": 0 if exact else 3}
    (folder / "disclosure_criteria.json").write_text(json.dumps(method), "utf-8")
    return folder


def households_with(category: str, lsoa: str) -> tuple[tuple[str, str, tuple[tuple[str, str], ...]], str]:
    return ("household", "households", (("overcrowding", category),)), lsoa


def test_a_measure_that_equals_a_category_recovers_the_hidden_category(tmp_path: Path) -> None:
    """`overcrowded` prints what `households by overcrowding` hides; subtraction then gives the others."""
    hidden = {("occupancy_overcrowded", lsoa) for lsoa in LSOAS}

    found = attack_from_files(write_release(tmp_path / "release", hidden))

    assert found.exact == {
        **{households_with("overcrowded", lsoa): counts[2] for lsoa, counts in COUNTS.items()},
        **{households_with("unknown", lsoa): counts[3] for lsoa, counts in COUNTS.items()},
    }
    assert found.zero == (households_with("unknown", "E01000002"),)


def test_a_population_that_lacks_a_few_of_a_plain_count_gives_their_number(tmp_path: Path) -> None:
    found = attack_from_files(write_release(tmp_path / "release", set()))

    assert [(area, difference) for (_, area), _, difference in found.differences] == [
        ("E01000001", 4.0),
        ("E01000003", 5.0),
    ]


def test_hidden_columns_on_both_sides_leave_nothing_to_find(tmp_path: Path) -> None:
    hidden = {
        (column, lsoa)
        for column in ("overcrowded", "occupancy_overcrowded", "overcrowded_population")
        for lsoa in LSOAS
    }

    found = attack_from_files(write_release(tmp_path / "release", hidden))

    assert (found.hidden, found.successes, found.fits) == (12, 0, True)


def test_the_second_attacker_imports_nothing_else_of_the_pipeline() -> None:
    folder = Path("pipeline/disclosure/attack/from_files")
    imported = {
        name
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        )
    }  # fmt: skip

    ours = {name for name in imported if name.startswith(("pipeline", "governance", "schemas", "flows"))}
    assert ours
    assert all(name.startswith("pipeline.disclosure.attack.from_files") for name in ours)
