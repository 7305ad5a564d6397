"""The group stage: listed people are grouped by dwelling, NHS records by recorded address.

Linkage compares households, not single people, so the people of each unit are brought together first:

- a dwelling, with the people listed there by council services (`sql/listed_at.sql`);
- an address group: the NHS records that the supplier grouped, or else those with the same UPRN or
  address (`sql/group_key.sql`). A supplier's group can be wrong: a group whose members record
  different dwellings is split into parts (`sql/nhs_part.sql`).

The stage writes which rows of the pseudonymised tables belong to which unit. Its files are kept next to
those tables, encrypted with the same key, and removed with them at the end of the run.

Evidence facts (judged by LNK-07 and ING-15):

- `nhs_records`, `listed_people`, `council_properties`: rows read, as counted by the stage before
- `grouped_records`: NHS records in an address group; `listed_at_dwellings`: listed people at a known
  dwelling; `dwellings`: units of the council
- `listed_nowhere`: listed people whose dwelling is not known
- `address_groups`; `records_of_mixed_groups`: records in groups whose members record different dwellings
- `shared_uprns`: address_groups with a UPRN; on_list: those whose UPRN one of the council's dwellings has;
  dwellings with a UPRN (judged by ING-15)
- `hot_blocking_values_by_rule`: blocking values not used, because more units of one controller share
  them than the rule allows (see `blocking`)
"""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from governance.artefact import Artefact, Evidence
from governance.clearance import Cleared
from pipeline.artefact_store import write_artefact
from pipeline.context import RunContext
from pipeline.engine.duckdb import locked_connection
from pipeline.group.link_inputs import LinkInputs, write_link_inputs
from pipeline.group.units import collect_units

STAGE = "group"
#: The units are stored with the tables that only one run needs, as those of both controllers.
ZONE = "pseudonymised/both"


def group(council: Cleared, nhs: Cleared, fingerprint: str, context: RunContext) -> tuple[Artefact, Evidence]:
    """Group the people of both controllers and write the units that `link` compares."""

    def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
        with locked_connection(context.project.engine, context.spill) as connection:
            link_inputs = collect_units(connection, council.artefact, nhs.artefact)
        rows = write_link_inputs(link_inputs, folder)
        facts = _facts(link_inputs, rows) | {
            "shared_uprns": shared_uprns(link_inputs),
            "council_properties": _rows_of(council.artefact, "dwelling"),
            "listed_people": _rows_of(council.artefact, "council_resident"),
            "nhs_records": _rows_of(nhs.artefact, "nhs_resident"),
        }
        # Free the memory for the next stage.
        del link_inputs
        pa.default_memory_pool().release_unused()
        context.report(
            f"group: dwellings {facts['dwellings']:,} (listed people {facts['listed_at_dwellings']:,}),"
            f" address groups {facts['address_groups']:,} (NHS records {facts['grouped_records']:,})"
        )
        return rows, Evidence(STAGE, "all", facts)

    return write_artefact(context.workspace.root / ZONE, STAGE, "all", fingerprint, fill)


def _rows_of(artefact: Artefact, table: str) -> int | None:
    """Return the rows of a table according to its artefact; 0 if the artefact has no such table."""
    return next((file.rows for file in artefact.files if file.name == f"{table}.parquet"), 0)


def shared_uprns(link_inputs: LinkInputs) -> dict[str, int]:
    """Return the dwellings and address groups with a UPRN, and the groups that have one of a dwelling."""
    dwellings = pc.drop_null(link_inputs.council.units["uprn"])
    known = [link_inputs.council.units[name] for name in ("uprn", "previous_uprn", "parent_uprn")]
    listed = pa.concat_arrays([array.combine_chunks().cast(pa.uint64()) for array in map(_chunked, known)])
    groups = pc.drop_null(link_inputs.nhs.units["uprn"])
    return {
        "dwellings": len(dwellings),
        "address_groups": len(groups),
        "on_list": pc.sum(pc.is_in(groups, value_set=pc.drop_null(listed))).as_py() or 0,
    }


def _chunked(column: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])


def _facts(link_inputs: LinkInputs, rows: dict[str, int | None]) -> dict[str, Any]:
    council, nhs = link_inputs.council.oversized_blocks, link_inputs.nhs.oversized_blocks
    return {
        **link_inputs.council.counts,
        **link_inputs.nhs.counts,
        "dwellings": rows["dwelling_unit.parquet"],
        "listed_at_dwellings": rows["listed_person.parquet"],
        "address_groups": rows["nhs_unit.parquet"],
        "grouped_records": rows["nhs_member.parquet"],
        "hot_blocking_values_by_rule": {rule: council[rule] + nhs[rule] for rule in sorted(council)},
    }
