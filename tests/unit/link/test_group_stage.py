"""The units that the group stage makes of people, their members, and a count of every row."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from governance.artefact import Artefact
from governance.clearance import Cleared
from pipeline.artefact_store import write_artefact
from pipeline.context import RunContext
from pipeline.engine.duckdb import locked_connection
from pipeline.group.link_inputs import read_link_inputs
from pipeline.group.stage import group
from pipeline.group.units import collect_units
from schemas.contract import contracts

Rows = list[dict[str, Any]]
Made = Callable[[Rows, Rows, Rows], tuple[Cleared, Cleared]]


def home(number: int) -> dict[str, Any]:
    return {"address_line_1": f"{number} Elm Road", "postcode": "M31 4BQ"}


PROPERTIES = [{"record_id": f"D{n}", "uprn": f"1{n}", **home(n)} for n in (1, 2, 3)]
LISTED = [
    {"record_id": "c1", "property_record_id": "D1", "forename": "Ada", "surname": "Byron"},
    {"record_id": "c2", "property_record_id": "D1", "forename": "Guy", "surname": "Byron"},
    {"record_id": "c3", "uprn": "12", "forename": "Mary", "surname": "Shelley"},
    {"record_id": "c4", "property_record_id": "D9", "forename": "No", "surname": "Home"},
]
PATIENTS = [
    {"record_id": "n1", "forename": "Ada", "surname": "Byron", "address_group_id": "G1", **home(1)},
    {"record_id": "n2", "forename": "Guy", "surname": "Byron", "address_group_id": "G1", **home(1)},
    {"record_id": "n3", "forename": "Mary", "surname": "Shelley", "address_group_id": "G1", **home(2)},
    {"record_id": "n4", "forename": "Percy", "surname": "Shelley"},
]


def test_every_row_that_came_in_is_accounted_for(pseudonymised: Made, context: RunContext) -> None:
    _, evidence = group(*pseudonymised(PROPERTIES, LISTED, PATIENTS), "f" * 64, context)
    facts = dict(evidence.facts)
    assert facts.pop("hot_blocking_values_by_rule") == dict.fromkeys(
        ("address", "premises", "surname", "uprn"), 0
    )
    assert facts.pop("shared_uprns") == {"address_groups": 0, "dwellings": 3, "on_list": 0}
    assert facts == {
        "council_properties": 3,
        "dwellings": 3,
        "listed_people": 4,
        "listed_at_dwellings": 3,
        "listed_nowhere": 1,
        "nhs_records": 4,
        "grouped_records": 4,
        "address_groups": 3,
        "records_of_mixed_groups": 3,
    }


def test_what_is_written_has_the_columns_of_its_contracts(pseudonymised: Made, context: RunContext) -> None:
    artefact, _ = group(*pseudonymised(PROPERTIES, LISTED, PATIENTS), "f" * 64, context)
    declared = {contract.table: set(contract.names) for contract in contracts("grouped")}
    written = {
        file.name.removesuffix(".parquet"): set(pq.read_schema(artefact.folder / file.name).names)
        for file in artefact.files
    }
    assert written == declared


def test_people_are_sorted_by_unit_in_the_order_of_the_units(
    pseudonymised: Made, context: RunContext
) -> None:
    council, nhs = pseudonymised(PROPERTIES, LISTED, PATIENTS)
    link_inputs = read_link_inputs(group(council, nhs, "f" * 64, context)[0])
    for link_input, made, table, people in (
        (link_inputs.council, council, "council_resident", 3),
        (link_inputs.nhs, nhs, "nhs_resident", 4),
    ):
        sizes = link_input.units["people"].to_numpy()
        assert link_input.bounds[-1] == len(set(link_input.rows)) == len(link_input.rows) == people
        assert np.array_equal(np.bincount(link_input.unit_ids, minlength=len(sizes) + 1)[1:], sizes)
        column = pq.read_table(made.artefact.path(table))["person_surname_sector"]
        surnames = column.take(link_input.rows).to_pylist()
        # Those of one unit share a surname here, and no two units of two people do.
        by_unit = [
            set(map(str, surnames[a:b]))
            for a, b in zip(link_input.bounds, link_input.bounds[1:], strict=False)
        ]
        assert all(len(found) <= 1 for found in by_unit)


def test_what_was_written_is_read_as_it_was_made(pseudonymised: Made, context: RunContext) -> None:
    council, nhs = pseudonymised(PROPERTIES, LISTED, PATIENTS)
    read = read_link_inputs(group(council, nhs, "f" * 64, context)[0])
    with locked_connection(context.project.engine, context.spill) as connection:
        made = collect_units(connection, council.artefact, nhs.artefact)
    for one, other in ((made.council, read.council), (made.nhs, read.nhs)):
        assert np.array_equal(one.rows, other.rows)
        assert one.units.select(other.units.column_names).to_pylist() == other.units.to_pylist()


def test_without_lists_of_people_dwellings_are_units_without_people(
    pseudonymised: Made, context: RunContext, cleared: Callable[[Artefact], Cleared]
) -> None:
    council, nhs = pseudonymised(PROPERTIES, LISTED, PATIENTS)

    def without_people(folder: Any) -> Any:
        table = pq.read_table(council.artefact.path("dwelling"))
        pq.write_table(table, folder / "dwelling.parquet")
        return {"dwelling.parquet": table.num_rows}, type("E", (), {"facts": {}})()

    zone = context.workspace.zone("pseudonymised") / "council"
    alone, _ = write_artefact(zone, "pseudonymise", "council", "e" * 64, without_people)
    artefact, evidence = group(cleared(alone), nhs, "f" * 64, context)
    assert (evidence.facts["listed_people"], evidence.facts["listed_at_dwellings"]) == (0, 0)
    assert read_link_inputs(artefact).council.units["people"].to_pylist() == [0, 0, 0]


@pytest.mark.parametrize("order", [1, -1])
def test_units_do_not_depend_on_the_order_in_which_rows_came(
    pseudonymised: Made, context: RunContext, order: int
) -> None:
    made = pseudonymised(PROPERTIES, LISTED[::order], PATIENTS[::order])
    link_inputs = read_link_inputs(group(*made, "f" * 64, context)[0], ["unit", "people"])
    people = {
        row["unit"]: row["people"]
        for link_input in (link_inputs.council, link_inputs.nhs)
        for row in link_input.units.to_pylist()
    }
    assert sorted(people.values()) == [0, 1, 1, 1, 2, 2]
