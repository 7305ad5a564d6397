"""What protection costs analysts, profile by profile, on the same invented cells: shown, hidden, error.

The error is measured against the exact counts, which only synthetic data have.
"""

from pathlib import Path
from runpy import run_path
from types import SimpleNamespace
from typing import Any, cast

from flows.actions.benchmark import Figure, load_benchmark
from governance.agreement.agreement import Agreement
from governance.agreement.terms import DisclosureTerms, Thresholds
from pipeline.disclosure.profile import PRESETS, profile_of
from pipeline.disclosure.stage import protect_cells
from pipeline.disclosure.utility import measure_utility
from pipeline.engine.duckdb import EngineSettings, locked_connection

# `hearth bench` loads a benchmark by its path, so this folder is not on the import path
create_cells = run_path(str(Path(__file__).with_name("invented_cells.py")))["create_cells"]

AREAS = 20
PROFILES = ("cell-key", *PRESETS, "exact-count")


def measure(households: int, folder: Path) -> list[Figure]:
    """Protect 20 tables of 20 areas by every profile; `households` are spread over the areas, at most 650."""
    return [
        figure
        for profile in PROFILES
        for figure in figures_of(profile, utility_of(profile, min(650, households // AREAS), folder))
    ]


def utility_of(profile: str, households_per_area: int, folder: Path) -> dict[str, dict[str, Any]]:
    """Return area level -> figures of one profile."""
    context = load_benchmark("disclosure").__globals__["context_in"](folder)
    agreement = SimpleNamespace(thresholds=Thresholds(), disclosure=DisclosureTerms(profile=profile))
    with locked_connection(EngineSettings(), folder) as connection:
        create_cells(connection, AREAS, AREAS, households_per_area)
        area = connection.table("area").to_arrow_table()
        protect_cells(connection, profile_of(cast(Agreement, agreement)), area, context)
        return measure_utility(connection)


def figures_of(profile: str, utility: dict[str, dict[str, Any]]) -> list[Figure]:
    """Return the figures side by side: shares of cells in percent, error as a share of the counts."""
    return [
        Figure(f"{profile}, {level}: {what}", value, unit)
        for level, found in utility.items()
        for what, value, unit in (
            ("published", 100 * found["published"] / found["cells"], "%"),
            ("hidden", 100 * found["hidden"] / found["cells"], "%"),
            ("not produced", 100 * found["not_produced"] / found["cells"], "%"),
            ("total relative error", 100 * found.get("total_relative_error", 0.0), "%"),
        )
    ]
