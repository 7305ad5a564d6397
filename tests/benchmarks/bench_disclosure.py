"""Protection and audit of 20 tables: 150 areas against a minute, and the cost of an area as areas grow.

Areas are made in local authorities of 150 LSOAs of 650 households each, which is how the audit splits
them: an authority is audited alone, with its own areas above it.
"""

import time
from datetime import date
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace
from typing import Any, cast

from flows.actions.benchmark import Figure
from pipeline.context import RunContext
from pipeline.disclosure.profile import Profile
from pipeline.disclosure.stage import protect_cells
from pipeline.engine.duckdb import EngineSettings, locked_connection

# `hearth bench` loads a benchmark by its path, so this folder is not on the import path
create_cells = run_path(str(Path(__file__).with_name("invented_cells.py")))["create_cells"]

AUTHORITY_AREAS = 150
HOUSEHOLDS_PER_AREA = 650
PROFILE = Profile(
    name="cell-key",
    method="cell-key 1.0",
    minimum_cell_count=10,
    rounding_base=5,
    noise_bound=3,
    floor_households=40,
    floor_persons=100,
    floor_households_multiway=400,
    floor_persons_multiway=1000,
    maximum_hidden_share=0.25,
    dominant_share=0.9,
    minimum_changed_households=20,
    epoch="quarter",
)


def measure(households: int, folder: Path) -> list[Figure]:
    """Time 150 areas, and as many more as `households` fill, by the clock and in processor seconds."""
    larger = max(600, households // HOUSEHOLDS_PER_AREA // AUTHORITY_AREAS * AUTHORITY_AREAS)
    figures = []
    per_area = {}
    for areas in (AUTHORITY_AREAS, larger):
        clock, processor, published, hidden = protect(areas, folder)
        per_area[areas] = processor / areas
        held = "under 60" if areas == AUTHORITY_AREAS else ""
        figures += [
            Figure(f"{areas} areas, 20 tables: by the clock", clock, "s", held),
            Figure(f"{areas} areas, 20 tables: processor", processor, "s"),
            Figure(f"{areas} areas: cells published", published, "cells"),
            Figure(f"{areas} areas: cells hidden", hidden, "cells"),
        ]
    ratio = per_area[larger] / per_area[AUTHORITY_AREAS]
    figures.append(Figure(f"cost of an area at {larger} beside {AUTHORITY_AREAS}", ratio, "ratio", "about 1"))
    return figures


def context_in(folder: Path) -> RunContext:
    """Return what protection asks of a run's context; the secret of its record keys lies in the folder."""
    project = SimpleNamespace(
        reference_date=date(2026, 3, 31),
        custody="single-operator",
        production=False,
        folder=folder,
        keys={"record_key_file": "record-key.secret"},
        correction=None,
    )
    return cast(RunContext, SimpleNamespace(project=project, report=lambda _: None))


def protect(areas: int, folder: Path) -> tuple[float, float, int, int]:
    """Return seconds by the clock and of the processor, and cells published and hidden."""
    context = context_in(folder)
    with locked_connection(EngineSettings(), folder) as connection:
        create_cells(connection, areas, AUTHORITY_AREAS, HOUSEHOLDS_PER_AREA)
        clock, processor = time.perf_counter(), time.process_time()
        facts: dict[str, Any] = protect_cells(
            connection, PROFILE, connection.table("area").to_arrow_table(), context
        )
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
        if facts["audit_exposed"]:
            raise AssertionError("the audit left cells exposed")
        published, hidden = connection.execute(
            "SELECT COUNT(value), COUNT(*) FILTER (shorthand = '[c]') FROM protected_cell"
        ).fetchall()[0]
    return clock, processor, int(published), int(hidden)
