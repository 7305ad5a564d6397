"""Of the cells with an exact count of 10 or more: the share published, and what each rule leaves out.

On the sample, and on the independent pair where it is at hand, with the agreed profile and with higher shares
of hidden cells. The exact counts are those of invented people.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from runpy import run_path

from flows.actions.benchmark import Figure, load_benchmark
from flows.actions.workspace_reading import last_judged, reading_workspace
from governance.agreement.agreement import read_agreement
from pipeline.disclosure.profile import profile_of
from pipeline.disclosure.stage import leave_out_tables, protect_cells
from pipeline.disclosure.utility import count_by_rule
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import load_table
from pipeline.project import read_project

#: Shares of hidden cells that are compared: the default, the most an agreement allows, no limit.
SHARES = (0.25, 0.5, 1.0)


def measure(households: int, folder: Path) -> list[Figure]:
    """Run a night of both projects, then protect their counts at each share; `households` has no effect."""
    # `hearth bench` loads a benchmark by its path, so this folder is not on the import path
    truth = run_path(str(Path(__file__).with_name("bench_truth.py")))
    configs = {"sample": truth["SAMPLE"] / "hearth.toml"}
    if truth["PAIR"].is_dir():
        configs["pair"] = truth["pair_project"](folder)
    found = []
    for name, config in configs.items():
        truth["released"](config, folder / name)
        found += list(figures_of(name, config, folder / name, folder))
    return found


def figures_of(
    name: str, config: Path, workspace: Path, folder: Path, shares: tuple[float, ...] = SHARES
) -> Iterator[Figure]:
    """Yield the figures of a project from the exact counts of its last run.

    The noise is drawn with a secret of this folder, so single cells differ from those of the release.
    """
    project = read_project(config, workspace)
    agreement = read_agreement(project.agreement)
    context = load_benchmark("disclosure").__globals__["context_in"](folder)
    with reading_workspace(project) as place, place.spill("utility") as spill:
        counted = last_judged(project, place, place.zone("controlled"), "aggregate", "all")
        if counted is None:
            raise AssertionError("the run counted no tables")
        for share in shares:
            profile = replace(profile_of(agreement), maximum_hidden_share=share)
            with locked_connection(project.engine, spill) as connection:
                load_table(connection, counted / "cell.parquet", "cell")
                load_table(connection, counted / "area.parquet", "area")
                leave_out_tables(connection, agreement.outputs)
                area = connection.sql("SELECT * FROM area ORDER BY ALL").to_arrow_table()
                processor = time.process_time()
                protect_cells(connection, profile, area, context)
                processor = time.process_time() - processor
                by_rule = count_by_rule(connection, profile)
            label = f"{name}, at most {share:.0%} hidden"
            yield Figure(f"{label}: protection and audit, processor", processor, "s")
            for level, rules in by_rule.items():
                cells = sum(rules.values())
                for rule, number in rules.items():
                    yield Figure(f"{label}, {level}: {rule}", 100 * number / cells, f"% of {cells:,}")
