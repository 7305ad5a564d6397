"""The aggregate stage: from households to the cells of every registered table, exact and unprotected.

Facts of the evidence:
  tables                 ids of the tables produced
  measures               table id -> measures
  cells                  rows of `cell`
  area_levels            level -> number of areas
  not_produced           list of {table_id, measure, reason}
  coverage               measure -> share whose status is known, of each measure produced
  known_differ           measure -> how far those known differ from the others: little, somewhat, strongly
  left_out               measure, or table, left out for its coverage or its window -> reason
  little_known           measure -> the same share, of each measure that is known of too few
  periods                dated table -> the period that it covers, in words
  withheld               attribute whose window is not covered -> reason (AGG-09)
  households, residents  households and residents counted
  columns                names of the columns of `cell`
  unregistered           tables of `cell` that are not in the registry; must be 0
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from governance.artefact import Artefact, Evidence
from governance.canonical import digest_of
from governance.clearance import Cleared
from governance.counted import counted
from pipeline.aggregate.cap_sensitivity import build_cap_sensitivity
from pipeline.aggregate.counting import build_all_cells
from pipeline.aggregate.coverage import Coverage, leave_out_unknown, measure_coverage, record_coverage
from pipeline.aggregate.known_difference import record_known_differences
from pipeline.aggregate.linkage_accounts import widen_linkage_bands
from pipeline.aggregate.plan import Plan, make_plan
from pipeline.aggregate.uncertainty import record_uncertainty
from pipeline.artefact_store import write_artefact
from pipeline.context import RunContext
from pipeline.disclosure.noise.record_key import load_secret
from pipeline.disclosure.noise.record_key_migration import load_migrated_keys, migrated_keys_digest
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import load_table, write_query
from pipeline.household.basis import basis_of
from schemas.attribute import attributes_of
from schemas.dimension import dimensions
from schemas.magnitude import magnitudes
from schemas.measure import measures
from schemas.table import tables

_CELL_ORDER = "table_id, measure, area_level, area_code, category_1 NULLS FIRST, category_2 NULLS FIRST"

_INPUTS = (
    "household",
    "household_member",
    "placement",
    "area",
    "basis",
    "affected_dwelling",
    "account_household",
    "account_member",
)
#: Tables written, and the order of their rows.
_OUTPUTS = (
    ("cell", _CELL_ORDER),
    ("magnitude_cell", f"{_CELL_ORDER}, band NULLS FIRST"),
    ("not_produced", "table_id, measure NULLS FIRST"),
    ("area", "lsoa21"),
    ("household_state", "ALL"),
    ("linkage_band", _CELL_ORDER),
    ("cap_sensitivity", f"caps, {_CELL_ORDER}"),
    ("basis", "aspect, name"),
)


def fingerprint_settings(context: RunContext) -> dict[str, Any]:
    """Return what the stage's output depends on in addition to its input and its code."""
    return {
        "outputs": sorted(context.agreement.outputs),
        "minimum_coverage": context.agreement.thresholds.minimum_coverage,
        "carried_record_keys": migrated_keys_digest(context),
        "definitions": digest_of(
            [repr(d) for read in (measures, magnitudes, tables, dimensions) for d in read().values()]
        ),
    }


def aggregate(household: Cleared, fingerprint: str, context: RunContext) -> tuple[Artefact, Evidence]:
    """Count every registered table that the agreement names.

    Writes `cell`, `magnitude_cell`, `not_produced`, `cap_sensitivity` and `linkage_band`; and, for the later
    stages, `area`, `household_state` and `basis`.
    """

    def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
        source = household.artefact
        with locked_connection(context.project.engine, context.spill, (source.folder,)) as connection:
            for table in _INPUTS:
                load_table(connection, source.path(table), table)
            plan = make_plan(
                tables(),
                context.agreement.outputs,
                known_attributes(connection),
                known_attributes(connection, of_everyone=True),
                basis_of(connection, "withheld"),
            )
            coverage = measure_coverage(connection, plan)
            plan = leave_out_unknown(plan, coverage, context.agreement.thresholds.minimum_coverage)
            load_migrated_keys(connection, context)
            build_all_cells(connection, plan, load_secret(context))
            facts = _facts(connection, plan) | coverage_facts(plan, coverage)
            add_definitions(connection, plan)
            record_coverage(connection, coverage, plan)
            facts["left_out"] = basis_of(connection, "not_produced")
            facts["known_differ"] = record_known_differences(connection, plan, coverage)
            build_cap_sensitivity(connection, plan)
            widen_linkage_bands(connection, plan)
            record_uncertainty(connection, coverage)
            rows: dict[str, int | None] = {
                f"{table}.parquet": write_query(
                    connection, f"SELECT * FROM {table} ORDER BY {order}", folder / f"{table}.parquet"
                )
                for table, order in _OUTPUTS
            }
            evidence = Evidence("aggregate", "all", facts)
        context.report(
            f"aggregate: {counted(evidence.facts['cells'], 'cell')} of {counted(len(plan.tables), 'table')}; "
            f"{plan.not_produced_in_words()}"
        )
        return rows, evidence

    return write_artefact(context.workspace.zone("controlled"), "aggregate", "all", fingerprint, fill)


def known_attributes(connection: duckdb.DuckDBPyConnection, *, of_everyone: bool = False) -> frozenset[str]:
    """Return the names of the attributes with a value for at least one household or resident.

    of_everyone: only those with a value for every household or resident.
    """
    known: set[str] = set()
    for table, unit in (("household", "household"), ("household_member", "person")):
        present = {row[0] for row in connection.execute(f"DESCRIBE {table}").fetchall()}
        named = sorted(present & set(attributes_of(unit)))
        counts = ", ".join(f"COUNT({name})" for name in named)
        query = f"SELECT COUNT(*), {counts} FROM {table} WHERE standing = 'household'"
        rows, *filled = connection.execute(query).fetchall()[0]
        known |= {
            name for name, count in zip(named, filled, strict=True) if count >= (rows if of_everyone else 1)
        }
    return frozenset(known)


def add_definitions(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Add to `basis` a digest of the definition of each measure and magnitude that was counted."""
    measured = {name: measures()[name] for table in plan.tables for name in table.measures}
    amounts = {name for table in plan.tables for name in table.magnitudes}
    connection.executemany(
        "INSERT INTO basis VALUES ('measures', ?, ?)",
        [
            (name, digest_of([m.unit, m.period, repr(m.include), repr(m.count)])[:16])
            for name, m in sorted(measured.items())
        ]
        + [(name, digest_of([repr(magnitudes()[name])])[:16]) for name in sorted(amounts)],
    )


def coverage_facts(plan: Plan, coverage: Mapping[str, Coverage]) -> dict[str, dict[str, float]]:
    """Return the coverage of each measure produced, and of each that is withheld because of it."""
    little_known = {
        n.measure: n.known_share for n in plan.not_produced if n.measure and n.known_share is not None
    }
    produced = {name for table in plan.tables for name in table.measures}
    return {
        "coverage": {name: found.share for name, found in sorted(coverage.items()) if name in produced},
        "little_known": dict(sorted(little_known.items())),
    }


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
        "periods": basis_of(connection, "period"),
        "withheld": basis_of(connection, "withheld"),
        "households": number("SELECT COUNT(*) FROM household_base"),
        "residents": number("SELECT COUNT(*) FROM resident_base"),
        "columns": [row[0] for row in connection.execute("DESCRIBE cell").fetchall()],
        "unregistered": len(produced - set(tables())),
    }
