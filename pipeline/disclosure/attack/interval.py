"""Part of attack 6: the limits next to a percentage, and the figures of the whole run behind them.

Limits are safe if anyone can calculate them from the printed counts and from the figures of the measure in
`basis.parquet`: they then add no information on the cell. Those figures are of the whole run, and are safe if
they are printed in coarse steps only. For anything else the attack succeeds, because a finer figure narrows
the exact counts.
"""

from pathlib import Path

import pyarrow.parquet as pq

from pipeline.disclosure.attack.release_files import ReleaseFiles
from pipeline.publish.files.uncertainty import UNCERTAINTY_COLUMNS, PrintedFigures, count_variance

#: Aspect of `basis` -> the step in which its figures may be printed.
STEPS = {
    "coverage": 0.01,
    "completeness": 0.01,
    "design_effect": 0.05,
    "linkage_below": 0.02,
    "linkage_above": 0.02,
    "linkage_spread": 0.1,
}
_DIMENSIONS = ("dimension_1", "category_1", "dimension_2", "category_2")


def attack_intervals(release: ReleaseFiles) -> tuple[dict[str, int], dict[str, int]]:
    """Return findings (code -> number) and figures (name -> number) of a release's uncertainty columns.

    A release of an earlier version, without these columns, has nothing to attack.
    """
    basis = _basis(release.folder)
    printed = PrintedFigures(basis, count_variance(release.criteria))
    parts = {
        (str(row["measure"]), str(row["unit"])): (row["numerator_measure"], row["denominator_measure"])
        for row in release.measure.to_pylist()
        if row["kind"] == "percent"
    }
    rows = release.cell.to_pylist()
    values = {(*_place(row), row["measure"]): row["value"] for row in rows}
    unlike = tried = 0
    for row in rows:
        found = {name: row[name] for name in UNCERTAINTY_COLUMNS}
        if all(value is None for value in found.values()):
            continue
        tried += 1
        numerator, denominator = parts.get((row["measure"], row["unit"]), (None, None))
        expected = printed.columns_of(
            None if row["value"] is None else numerator,
            values.get((*_place(row), numerator)),
            values.get((*_place(row), denominator)),
        )
        unlike += found != expected
    fine = sum(
        abs(float(value) / STEPS[aspect] - round(float(value) / STEPS[aspect])) > 1e-6
        for (aspect, _), value in basis.items()
        if aspect in STEPS
    )
    return {"INTERVAL_NOT_FROM_PRINTED": unlike, "FIGURE_OF_RUN_TOO_FINE": fine}, {"intervals": tried}


def _basis(folder: Path) -> dict[tuple[str, str], str]:
    path = folder / "basis.parquet"
    rows = pq.read_table(path).to_pylist() if path.is_file() else []
    return {(row["aspect"], row["name"]): row["value"] for row in rows}


def _place(row: dict[str, object]) -> tuple[object, ...]:
    return (row["table_id"], row["unit"], row["area_code"], *(row[name] for name in _DIMENSIONS))
