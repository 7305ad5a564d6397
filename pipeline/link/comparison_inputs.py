"""What is compared, as the engine sees it: units and people with their tokens, in Arrow's memory.

Rows of people are sorted by their unit as they are read, a column of tokens at a time. So the people's
tokens are the units' too, with other boundaries, and are held once.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from governance.artefact import Artefact
from pipeline.engine.tables import read_columns
from pipeline.group.link_inputs import COMPARED, LinkInput, LinkInputs
from pipeline.group.token_lists import Column, TokenLists, build_columns, read_sorted_tokens, sliced_table
from pipeline.group.units import listed_path
from pipeline.pseudonymise.match_fields import ADDRESS_FIELDS, PERSON_FIELDS

#: A name with its whole birth date is not compared: its parts, two by two, say the same and more. A
#: surname with its postcode brings units together and is not compared.
_NOT_COMPARED = ("person_name_birth", "person_surname_postcode")

PLACE_TOKENS = tuple(f.name for f in ADDRESS_FIELDS)
PERSON_TOKENS = tuple(f.name for f in PERSON_FIELDS if f.name not in _NOT_COMPARED)

#: What the NHS tells of a record that is weighed by age or counted by group.
_TOLD = ("age_years", "sex", "ethnic_category")
#: What is asked of the tables once every pair and member is judged.
_KEPT = {
    "dwelling_unit": ("unit_id",),
    "nhs_unit": ("unit_id", "people", "uprn"),
    "nhs_member": ("member_id", *_TOLD),
    "listed_person": ("person_id",),
}


@dataclass(frozen=True)
class ComparisonInputs:
    """What is lent to a connection, and can be had back.

    dwelling_unit, nhs_unit: one row per unit, with the token lists of its place and of its people (see
    `Side`; both have the same columns, as Splink wants).
    listed_person: one row per person listed at a dwelling: person_id, dwelling_id, token lists.
    nhs_member: one row per NHS record: member_id, unit_id, age_years, sex, ethnic_category, token lists;
    once its unit is judged, how the dwelling's list knows it too (see `members.list_members`).
    members, dwellings: the token lists of people, row after row, of nhs_member and dwelling_unit.
    """

    connection: duckdb.DuckDBPyConnection
    tables: dict[str, pa.Table]
    members: dict[str, TokenLists]
    dwellings: dict[str, TokenLists]

    def register_inputs(self) -> None:
        """Lend the tables as they are; what was read for them and is not needed is let go."""
        for name, table in self.tables.items():
            self.connection.register(name, table)
        # The engine shall have the room.
        pa.default_memory_pool().release_unused()

    def drop_blocks(self) -> None:
        """Take back the lists by which pairs were found."""
        for name, table in self.tables.items():
            self.tables[name] = table.select([c for c in table.column_names if not c.startswith("block_")])
        self.register_inputs()

    def drop_tokens(self) -> None:
        """Take back whatever only comparisons ask for."""
        self.members.clear()
        self.dwellings.clear()
        for name, table in self.tables.items():
            self.tables[name] = table.select(_KEPT[name])
        self.register_inputs()


def register_comparison_inputs(
    connection: duckdb.DuckDBPyConnection, link_inputs: LinkInputs, council: Artefact, nhs: Artefact
) -> ComparisonInputs:
    """Lend `connection` the tables that everything else reads.

    sides: what the group stage made of these two artefacts.
    """
    # Two columns are at work at a time, whoever asks: while one side ends, the other goes on.
    with ThreadPoolExecutor(2) as threads:
        listed = threads.submit(_council, link_inputs.council, council)
        registered = threads.submit(_nhs, link_inputs.nhs, nhs)
        (council_tables, dwellings), (nhs_tables, members) = listed.result(), registered.result()
    inputs = ComparisonInputs(connection, council_tables | nhs_tables, members, dwellings)
    inputs.register_inputs()
    return inputs


def _council(link_input: LinkInput, council: Artefact) -> tuple[dict[str, pa.Table], dict[str, TokenLists]]:
    """Return the tables, and the lists of dwellings."""
    listed = read_sorted_tokens(listed_path(council), PERSON_TOKENS, link_input.rows)
    addresses = read_sorted_tokens(council.path("dwelling"), PLACE_TOKENS, link_input.units["row"].to_numpy())
    people = {"person_id": np.arange(len(link_input.rows)), "dwelling_id": link_input.unit_ids}
    dwellings = _bounded(listed, link_input)
    tables = {
        "listed_person": sliced_table(people | _columns(listed)),
        "dwelling_unit": _units(link_input, addresses | dwellings),
    }
    return tables, dwellings


def _nhs(link_input: LinkInput, nhs: Artefact) -> tuple[dict[str, pa.Table], dict[str, TokenLists]]:
    """Return the tables, and the lists of members."""
    path, rows = nhs.path("nhs_resident"), link_input.rows
    told = build_columns(lambda name: read_columns(path, [name])[name].take(rows), _TOLD)
    places, members = (read_sorted_tokens(path, names, rows) for names in (PLACE_TOKENS, PERSON_TOKENS))
    people = {"member_id": np.arange(len(rows)), "unit_id": link_input.unit_ids, **told}
    tables = {
        "nhs_member": sliced_table(people | _columns(members)),
        "nhs_unit": _units(link_input, _bounded(places | members, link_input)),
    }
    return tables, members


def _bounded(people: Mapping[str, TokenLists], link_input: LinkInput) -> dict[str, TokenLists]:
    """Return the units' token lists: those of their people."""
    bounds = link_input.bounds
    return {name: lists.merged_at(bounds) for name, lists in people.items()}


def _units(link_input: LinkInput, lists: Mapping[str, TokenLists]) -> pa.Table:
    own = {name: link_input.units[name] for name in COMPARED}
    return sliced_table(own | _columns({name: lists[name] for name in (*PLACE_TOKENS, *PERSON_TOKENS)}))


def _columns(lists: Mapping[str, TokenLists]) -> dict[str, Column]:
    return {name: tokens.as_arrow() for name, tokens in lists.items()}
