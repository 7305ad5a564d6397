"""Counting: from households and residents to the counts of every planned table."""

from collections.abc import Mapping

import duckdb

from pipeline.aggregate.cell import build_cells, create_count_table, register_grid
from pipeline.aggregate.contribution import (
    Counts,
    ResidentCounts,
    build_contribution,
    build_household_row,
    dimensions_of,
    plan_counts,
)
from pipeline.aggregate.cube import families_of, insert_family
from pipeline.aggregate.linkage_sensitivity import create_linkage_table, record_linkage_bands
from pipeline.aggregate.magnitude_cell import create_magnitude_table, insert_magnitudes, shown_amounts
from pipeline.aggregate.plan import Plan
from pipeline.aggregate.state import create_state_table, record_state
from pipeline.aggregate.uncertainty import create_design_table, record_design_effects
from pipeline.disclosure.noise.record_key import RecordKeySecret, create_record_key_table
from pipeline.engine.cell_id import define_cell_ids
from pipeline.engine.statements import Statements

_SQL = Statements("pipeline.aggregate")


def build_all_cells(connection: duckdb.DuckDBPyConnection, plan: Plan, secret: RecordKeySecret) -> None:
    """Create `cell`, `magnitude_cell`, `household_state`, `linkage_band` and `not_produced`.

    Reads household, household_member, placement and area of the household stage.
    """
    create_record_key_table(
        connection, "SELECT dwelling_anchor FROM household", "household", "household_record_key", secret
    )
    create_record_key_table(
        connection, "SELECT person_pseudonym FROM household_member", "person", "person_record_key", secret
    )
    for name in ("05_lsoa", "40_area_of"):
        connection.execute(_SQL.read(name))
    create_state_table(connection)
    create_linkage_table(connection)
    create_design_table(connection)
    create_magnitude_table(connection)
    counts_of = count_tables(connection, plan, "household.standing = 'household'", with_state=True)
    register_grid(connection, plan.tables, counts_of)
    build_cells(connection)
    connection.execute("CREATE TABLE not_produced (table_id VARCHAR, measure VARCHAR, reason VARCHAR)")
    for left_out in plan.not_produced:
        connection.execute(
            "INSERT INTO not_produced VALUES (?, ?, ?)",
            [left_out.table_id, left_out.measure, left_out.reason],
        )


def count_tables(
    connection: duckdb.DuckDBPyConnection, plan: Plan, counted: str, *, with_state: bool
) -> Mapping[str, Counts]:
    """Fill `count_by_lsoa` from the households that meet the SQL condition `counted`.

    with_state: also record the state of each household, linkage bands, design effects and magnitudes.
    Returns unit -> its counts.
    """
    for name in ("10_household_base", "20_resident_base"):
        connection.execute(_SQL.filled(name, counted=counted))
    define_cell_ids(connection)
    create_count_table(connection)
    residents = ResidentCounts()
    counts_of = {
        unit: plan_counts(unit, plan.measures_of(unit), residents, plan.complete) for unit in plan.units
    }
    every_breakdown = tuple(b for unit in plan.units for b in plan.breakdowns_of(unit))
    build_household_row(connection, dimensions_of("household", every_breakdown), residents)
    for unit, counts in counts_of.items():
        breakdowns = plan.breakdowns_of(unit)
        amounts = plan.amounts_of(unit)
        build_contribution(connection, unit, counts, breakdowns, amounts)
        if with_state:
            record_state(connection, unit, counts, breakdowns, shown_amounts(plan, unit, counts))
            insert_magnitudes(connection, plan, unit, counts)
            record_linkage_bands(connection, plan, unit, counts)
            record_design_effects(connection, unit, counts)
        for family in families_of(plan.tables, unit):
            insert_family(connection, family, counts, plan.tables)
        connection.execute(f"DROP TABLE {unit}_contribution")
    return counts_of
