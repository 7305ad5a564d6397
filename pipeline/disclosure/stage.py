"""The disclosure stage: from exact cells to values from which no one can be identified.

Facts of the evidence (numbers of cells unless stated otherwise), and the rule that reads each:

| fact | meaning | rule |
|---|---|---|
| profile | all settings of the method, with `specification_version` | AGG-01 |
| counts | distinct counts behind all tables | |
| hidden_primary | counts too small to publish | AGG-01 |
| published_below_floor | values of areas with too few households or persons (P0); must be 0 | AGG-07 |
| published_below_minimum | values of counts with too few households or persons; must be 0 | AGG-01 |
| smallest_published_group | households (persons) of the smallest published count; null: none | HHD-02 |
| fewest_sensitive_values | least number of values of a sensitive measure in a published group | HHD-02 |
| published_unrounded | counts, sums and bands off their base, or below the minimum; must be 0 | AGG-02 |
| published_too_far_from_count | values too far from the count for noise and rounding; must be 0 | AGG-02 |
| cells_without_one_answer | rows with both a value and a shorthand, or neither; must be 0 | AGG-02 |
| rates_below_minimum | percentages, means, percentiles of too few contributors; must be 0 | AGG-02 |
| rates_not_from_published_counts | rates and means not calculated from published values; must be 0 | AGG-02 |
| audited | hidden cells and small complements that were audited | AGG-03 |
| audit_exposed | those that can be worked out; must be 0 | AGG-03 |
| audit_certified_in_block, audit_certified_jointly | proven safe within a block; over all tables | AGG-03 |
| audit_rounds, hidden_repair, coarsened | number of audits, counts hidden, table levels left out | AGG-03 |
| hidden_attribute | counts hidden because a distribution would disclose an attribute of a group | AGG-04 |
| attribute_exposed | such counts that are published; must be 0 | AGG-04 |
| epoch | name of the epoch the values belong to | AGG-05 |
| magnitudes, magnitudes_hidden | means and percentiles of all cells; how many are hidden | |
| cells, cells_published, cells_hidden | rows of all tables, with a value, with `[c]` | |
| utility | area level -> cells shown, hidden, not produced, and error against the exact counts | |
| tables_outside_agreement | ids of tables the agreement does not name; left out | |
| not_produced | list of {table_id, measure, area_level, cells, hidden_cells} left out as too sparse | |

The figures that must be 0 are calculated from the written file, which is read again.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from governance.artefact import Artefact, Evidence
from governance.clearance import Cleared
from governance.errors import Refused
from pipeline.artefact_store import write_artefact
from pipeline.context import RunContext
from pipeline.disclosure.audit.repair import audit_and_repair
from pipeline.disclosure.counts import create_counts, create_noise
from pipeline.disclosure.epoch import epoch_of_project
from pipeline.disclosure.noise.record_key import load_secret
from pipeline.disclosure.profile import Profile, profile_of
from pipeline.disclosure.rules.attribute import suppress_attribute
from pipeline.disclosure.rules.floor_check import count_values_below_floor
from pipeline.disclosure.rules.primary import suppress_primary
from pipeline.disclosure.rules.printed_magnitude import check_written_magnitudes, protect_magnitudes
from pipeline.disclosure.rules.publish_rule import apply_publish_rule
from pipeline.disclosure.rules.table_registry import (
    NotProduced,
    find_areas_below_floor,
    find_sparse_tables,
    read_sensitivity,
)
from pipeline.disclosure.statements import create_table
from pipeline.disclosure.utility import measure_utility
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import load_table, write_query

STAGE = "disclosure"
#: Tables passed unchanged to the publish stage: public areas, households' states (P6), and definitions used.
CARRIED = ("area", "household_state", "basis")


def fingerprint_settings(context: RunContext) -> dict[str, Any]:
    """Return what the protected cells depend on in addition to the exact cells: the method and the epoch."""
    profile = profile_of(context.agreement)
    return {
        "profile": profile.settings(),
        "epoch": epoch_of_project(context.project, profile.epoch),
    }


def disclosure(aggregated: Cleared, fingerprint: str, context: RunContext) -> tuple[Artefact, Evidence]:
    """Write `protected_cell` and `published_measure`.

    `protected_cell` has one row per published value or shorthand, `published_measure` one per measure and
    unit. Raises Fault if cells contradict each other or have no cell keys; Refused as the rules require.
    """
    profile = profile_of(context.agreement)

    def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
        with locked_connection(context.project.engine, context.spill) as connection:
            load_table(connection, aggregated.artefact.path("cell"), "cell")
            outside = leave_out_tables(connection, context.agreement.outputs)
            load_table(connection, aggregated.artefact.path("area"), "area")
            area = connection.sql("SELECT * FROM area ORDER BY ALL").to_arrow_table()
            facts = protect_cells(connection, profile, area, context)
            load_table(connection, aggregated.artefact.path("magnitude_cell"), "magnitude_cell")
            secret = None if profile.is_exact else load_secret(context)
            facts |= protect_magnitudes(connection, profile, secret, facts["epoch"])
            for table in CARRIED:
                load_table(connection, aggregated.artefact.path(table), table)
            rows: dict[str, int | None] = {
                f"{table}.parquet": write_query(
                    connection, f"SELECT * FROM {table} ORDER BY ALL", folder / f"{table}.parquet"
                )
                for table in ("protected_cell", "published_measure", *CARRIED)
            }
            facts["tables_outside_agreement"] = outside
            facts["utility"] = measure_utility(connection)
            facts |= check_written(connection, folder / "protected_cell.parquet", profile)
            for name, found in check_written_magnitudes(connection, profile).items():
                facts[name] += found
        context.report(
            f"disclosure: {facts['cells_published']:,} cells published, {facts['cells_hidden']:,} hidden, "
            f"{len(facts['not_produced'])} measures not produced at a level (listed in the catalogue)"
        )
        return rows, Evidence(STAGE, "all", facts)

    return write_artefact(context.workspace.zone("controlled"), STAGE, "all", fingerprint, fill)


def leave_out_tables(connection: duckdb.DuckDBPyConnection, outputs: tuple[str, ...]) -> list[str]:
    """Delete from `cell` the tables the agreement does not name; returns their ids.

    Raises Refused if no table is left.
    """
    ids = [row[0] for row in connection.execute("SELECT DISTINCT table_id FROM cell ORDER BY ALL").fetchall()]
    outside = [table_id for table_id in ids if table_id not in outputs]
    if len(outside) == len(ids):
        raise Refused(
            "NO_TABLE_AGREED",
            f"None of the {len(ids)} tables that this run could make is an output of the agreement.",
            "Name the tables under outputs in the agreement; the register lists their ids.",
        )
    connection.execute("DELETE FROM cell WHERE list_contains($outside, table_id)", {"outside": outside})
    return outside


def protect_cells(
    connection: duckdb.DuckDBPyConnection, profile: Profile, area: pa.Table, context: RunContext
) -> dict[str, Any]:
    """Create `protected_cell` and `published_measure` from `cell`; returns the facts of the rules."""
    counts = create_counts(connection)
    create_noise(connection, profile, None if profile.is_exact else load_secret(context))
    hidden_primary = suppress_primary(connection, profile)
    sensitivity = read_sensitivity()
    hidden_attribute = suppress_attribute(connection, profile, sensitivity.measures, sensitivity.dimensions)
    connection.execute(
        "CREATE OR REPLACE TABLE hidden AS "
        "SELECT count_id FROM primary_hidden UNION SELECT count_id FROM attribute_hidden"
    )
    areas_below_floor = find_areas_below_floor(connection, profile)
    not_produced = find_sparse_tables(connection, profile)
    create_table(connection, "published_measure")
    epoch = epoch_of_project(context.project, profile.epoch)

    def print_cells() -> None:
        apply_publish_rule(connection, profile)
        create_table(
            connection,
            "protected_cell",
            rounding_base=profile.rounding_base,
            method=profile.method,
            epoch=epoch,
        )

    print_cells()
    repaired = audit_and_repair(connection, profile, area, print_cells)
    return {
        "profile": profile.settings(),
        "epoch": epoch,
        "counts": counts,
        "hidden_primary": hidden_primary,
        "hidden_attribute": hidden_attribute,
        "areas_below_floor": areas_below_floor,
        "audited": repaired.audit.hidden,
        "audit_exposed": len(repaired.audit.exposed),
        "audit_certified_in_block": repaired.audit.certified_in_block,
        "audit_certified_jointly": repaired.audit.certified_jointly,
        "audit_rounds": repaired.rounds,
        "hidden_repair": repaired.hidden_counts,
        "coarsened": repaired.coarsened,
        "not_produced": [_record(left_out) for left_out in not_produced],
    }


def check_written(connection: duckdb.DuckDBPyConnection, path: Path, profile: Profile) -> dict[str, Any]:
    """Return the facts that compare the written cells, read from `path`, with the exact counts."""
    load_table(connection, path, "written")
    create_table(
        connection,
        "finding",
        minimum_cell_count=profile.minimum_cell_count,
        rounding_base=profile.rounding_base,
        largest_error=profile.noise_bound + profile.rounding_base // 2,
    )
    cursor = connection.execute("SELECT * FROM finding")
    names = [column[0] for column in cursor.description]
    facts = {
        name: None if value is None else int(value)
        for name, value in zip(names, cursor.fetchall()[0], strict=True)
    }
    written = connection.sql("SELECT * FROM written").to_arrow_table()
    return facts | {"published_below_floor": count_values_below_floor(connection, written, profile)}


def _record(left_out: NotProduced) -> dict[str, Any]:
    return asdict(left_out)
