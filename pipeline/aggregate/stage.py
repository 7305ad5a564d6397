"""The aggregate stage: from households to the cells of every registered table, exact and unprotected.

Facts of the evidence:
  tables            ids of the tables produced; measures: table id -> measures
  cells             rows of `cell`; area_levels: level -> areas
  not_produced      list of {table_id, measure, reason}
  households, residents  contributors read
  columns           names of the columns of `cell`
  unregistered      cells of tables that are not in the registry; always 0
"""

from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from governance.artefact import Artefact, Evidence
from governance.canonical import digest_of
from governance.clearance import Cleared
from pipeline.aggregate.cell import build_cells, create_count_table, register_grid
from pipeline.aggregate.contribution import (
    ResidentCounts,
    build_contribution,
    build_household_row,
    dimensions_of,
    plan_counts,
)
from pipeline.aggregate.cube import families_of, insert_family
from pipeline.aggregate.plan import Plan, make_plan
from pipeline.aggregate.state import create_state_table, record_state
from pipeline.artefact_store import write_artefact
from pipeline.context import RunContext
from pipeline.disclosure.record_key import RecordKeySecret, create_record_key_table, load_secret
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import load_table, write_query
from schemas.attribute import attributes_of
from schemas.measure import measures
from schemas.table import tables

_ORDER = "table_id, measure, area_level, area_code, category_1 NULLS FIRST, category_2 NULLS FIRST"


def fingerprint_settings(context: RunContext) -> dict[str, Any]:
    """Return what the stage's output depends on beside its input and its code."""
    return {
        "outputs": sorted(context.agreement.outputs),
        "definitions": digest_of(
            [repr(m) for m in measures().values()] + [repr(t) for t in tables().values()]
        ),
    }


def aggregate(household: Cleared, fingerprint: str, context: RunContext) -> tuple[Artefact, Evidence]:
    """Count every registered table of the agreement.

    Writes `cell` and `not_produced`, and for the stages after it `area` and `household_state`.
    """

    def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
        source = household.artefact
        with locked_connection(context.project.engine, context.spill, (source.folder,)) as connection:
            for table in ("household", "household_member", "area"):
                load_table(connection, source.path(table), table)
            plan = make_plan(tables(), context.agreement.outputs, known_attributes(connection))
            build_all_cells(connection, plan, load_secret(context))
            rows: dict[str, int | None] = {
                "cell.parquet": write_query(
                    connection, f"SELECT * FROM cell ORDER BY {_ORDER}", folder / "cell.parquet"
                ),
                "not_produced.parquet": write_query(
                    connection,
                    "SELECT * FROM not_produced ORDER BY table_id, measure NULLS FIRST",
                    folder / "not_produced.parquet",
                ),
                "area.parquet": write_query(
                    connection, "SELECT * FROM area ORDER BY lsoa21", folder / "area.parquet"
                ),
                "household_state.parquet": write_query(
                    connection,
                    "SELECT lsoa21, contribution, digest FROM household_state ORDER BY ALL",
                    folder / "household_state.parquet",
                ),
            }
            evidence = Evidence("aggregate", "all", _facts(connection, plan))
        context.report(
            f"aggregate: {evidence.facts['cells']:,} cells of {len(plan.tables)} tables; "
            f"{len(plan.not_produced)} tables or measures cannot be produced"
        )
        return rows, evidence

    return write_artefact(context.workspace.zone("controlled"), "aggregate", "all", fingerprint, fill)


def known_attributes(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Return the names of the attributes that are known of at least one household or resident."""
    known: set[str] = set()
    for table, unit in (("household", "household"), ("household_member", "resident")):
        present = {row[0] for row in connection.execute(f"DESCRIBE {table}").fetchall()}
        named = sorted(present & set(attributes_of(unit)))
        counts = ", ".join(f"COUNT({name})" for name in named)
        row = connection.execute(f"SELECT {counts} FROM {table} WHERE standing = 'household'").fetchall()[0]
        known |= {name for name, count in zip(named, row, strict=True) if count}
    return frozenset(known)


def build_all_cells(connection: duckdb.DuckDBPyConnection, plan: Plan, secret: RecordKeySecret) -> None:
    """Create `cell` and `not_produced` from the loaded household, household_member and area."""
    standing = "WHERE standing = 'household'"
    create_record_key_table(
        connection,
        f"SELECT dwelling_anchor FROM household {standing}",
        "household",
        "household_record_key",
        secret,
    )
    create_record_key_table(
        connection,
        f"SELECT person_pseudonym FROM household_member {standing}",
        "person",
        "person_record_key",
        secret,
    )
    for name in ("05_lsoa", "10_household_base", "20_resident_base", "40_area_of"):
        connection.execute((files("pipeline.aggregate") / "sql" / f"{name}.sql").read_text("utf-8"))
    create_count_table(connection)
    create_state_table(connection)
    residents = ResidentCounts()
    counts_of = {unit: plan_counts(unit, plan.measures_of(unit), residents) for unit in plan.units}
    every_breakdown = tuple(b for unit in plan.units for b in plan.breakdowns_of(unit))
    build_household_row(connection, dimensions_of("household", every_breakdown), residents)
    for unit, counts in counts_of.items():
        breakdowns = plan.breakdowns_of(unit)
        build_contribution(connection, unit, counts, breakdowns)
        record_state(connection, unit, counts, breakdowns)
        for family in families_of(plan.tables, unit):
            insert_family(connection, family, counts, plan.tables)
        connection.execute(f"DROP TABLE {unit}_contribution")
    register_grid(connection, plan.tables, counts_of)
    build_cells(connection)
    connection.execute("CREATE TABLE not_produced (table_id VARCHAR, measure VARCHAR, reason VARCHAR)")
    for left_out in plan.not_produced:
        connection.execute(
            "INSERT INTO not_produced VALUES (?, ?, ?)",
            [left_out.table_id, left_out.measure, left_out.reason],
        )


def _facts(connection: duckdb.DuckDBPyConnection, plan: Plan) -> dict[str, Any]:
    def number(query: str) -> int:
        return int(connection.execute(query).fetchall()[0][0])

    produced = {row[0] for row in connection.execute("SELECT DISTINCT table_id FROM cell").fetchall()}
    return {
        "tables": sorted(table.table_id for table in plan.tables),
        "measures": {table.table_id: list(table.measures) for table in plan.tables},
        "cells": number("SELECT COUNT(*) FROM cell"),
        "area_levels": {
            str(level): int(areas)
            for level, areas in connection.execute(
                "SELECT area_level, COUNT(DISTINCT area_code) FROM area_of "
                "GROUP BY area_level ORDER BY area_level"
            ).fetchall()
        },
        "not_produced": [
            {"table_id": n.table_id, "measure": n.measure, "reason": n.reason} for n in plan.not_produced
        ],
        "households": number("SELECT COUNT(*) FROM household_base"),
        "residents": number("SELECT COUNT(*) FROM resident_base"),
        "columns": [row[0] for row in connection.execute("DESCRIBE cell").fetchall()],
        "unregistered": len(produced - set(tables())),
    }
