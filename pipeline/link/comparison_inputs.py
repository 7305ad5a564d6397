"""The tables that the link stage compares: units and people with their tokens, registered in DuckDB.

The tables are in Arrow's memory; DuckDB reads them there. People are sorted by unit when their tokens are
read, one column at a time. So a unit and its people share one array of tokens (see `token_lists`).
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from governance.artefact import Artefact
from pipeline.engine.tables import read_columns
from pipeline.group.link_inputs import COMPARED, LinkInput, LinkInputs
from pipeline.group.token_lists import (
    Column,
    Integers,
    TokenLists,
    as_one_array,
    build_columns,
    read_sorted_tokens,
    sliced_table,
)
from pipeline.group.units import listed_path
from pipeline.link.residence.comparison import ADULT
from pipeline.link.residence.evidence import NO_DATE
from pipeline.pseudonymise.match_fields import ADDRESS_FIELDS, PERSON_FIELDS

#: Not compared: name with whole birth date, because name with two parts of the birth date includes it; and
#: surname with postcode, which only a blocking rule uses.
_NOT_COMPARED = ("person_name_birth", "person_surname_postcode")

ADDRESS_TOKENS = tuple(f.name for f in ADDRESS_FIELDS)
PERSON_TOKENS = tuple(f.name for f in PERSON_FIELDS if f.name not in _NOT_COMPARED)

#: Attributes of an NHS record: age is evidence of residence, all are reported by group.
_ATTRIBUTES = ("age_years", "sex", "ethnic_category")
#: Columns that show whether a registration is current, and since when.
_SPELL = ("address_start", "address_end", "address_type", "is_deceased")
#: Services that list children.
_CHILDRENS_SERVICES = ("school_census", "childrens_services")
#: Columns that are still needed after the last comparison.
_COLUMNS_OF_RESULT = {
    "dwelling_unit": ("unit_id",),
    "nhs_unit": ("unit_id", "people", "uprn"),
    "nhs_member": ("member_id", "is_current", *_ATTRIBUTES),
    "listed_person": ("person_id",),
}


@dataclass(frozen=True)
class ComparisonInputs:
    """The tables that are registered in a connection, and their token lists.

    tables: by the name under which they are registered:
    - dwelling_unit, nhs_unit: one row per unit, with the token lists of its address and of its people
      (see `LinkInput`; both have the same columns, as Splink requires);
    - listed_person: one row per person listed at a dwelling: person_id, dwelling_id, is_adult, token lists;
    - nhs_member: one row per NHS record: member_id, unit_id, age_years, sex, ethnic_category, is_current,
      start (of the address spell, in days since 1970), token lists; `members.compare_with_lists` adds how it
      agrees with the people listed at its dwelling.
    members, listed, dwellings: column -> token lists of the people, one row per row of nhs_member,
    listed_person or dwelling_unit. discount: per dwelling_unit, whether the council tax discount for a single
    adult is claimed (null: not known). is_hmo: per dwelling_unit, whether it is in multiple occupation.
    """

    connection: duckdb.DuckDBPyConnection
    tables: dict[str, pa.Table]
    members: dict[str, TokenLists]
    listed: dict[str, TokenLists]
    dwellings: dict[str, TokenLists]
    discount: pa.Array
    is_hmo: pa.Array

    def register_tables(self) -> None:
        """Register the tables as they are now, and free the memory of what is no longer in them."""
        for name, table in self.tables.items():
            self.connection.register(name, table)
        pa.default_memory_pool().release_unused()

    def drop_blocking_columns(self) -> None:
        """Drop the columns by which candidate pairs were found."""
        for name, table in self.tables.items():
            self.tables[name] = table.select([c for c in table.column_names if not c.startswith("block_")])
        self.register_tables()

    def drop_tokens(self) -> None:
        """Drop everything that only comparisons need."""
        self.members.clear()
        self.listed.clear()
        self.dwellings.clear()
        for name, table in self.tables.items():
            self.tables[name] = table.select(_COLUMNS_OF_RESULT[name])
        self.register_tables()


def register_comparison_inputs(
    connection: duckdb.DuckDBPyConnection, link_inputs: LinkInputs, council: Artefact, nhs: Artefact
) -> ComparisonInputs:
    """Read the tables to compare and register them in `connection`.

    link_inputs: the units that the group stage built from these two artefacts.
    """
    # In parallel; `build_columns` limits how many columns are in memory twice.
    with ThreadPoolExecutor(2) as threads:
        listed = threads.submit(_council_tables, link_inputs.council, council)
        registered = threads.submit(_nhs_tables, link_inputs.nhs, nhs)
        (council_tables, people, dwellings), (nhs_tables, members) = listed.result(), registered.result()
    rows = pa.array(link_inputs.council.units["row"].to_numpy())
    columns = _taken(council.path("dwelling"), ("single_person_discount", "is_hmo"), rows)
    inputs = ComparisonInputs(
        connection,
        council_tables | nhs_tables,
        members,
        people,
        dwellings,
        discount=as_one_array(columns["single_person_discount"]),
        is_hmo=pc.fill_null(as_one_array(columns["is_hmo"]), False),
    )
    inputs.register_tables()
    return inputs


def _council_tables(
    link_input: LinkInput, council: Artefact
) -> tuple[dict[str, pa.Table], dict[str, TokenLists], dict[str, TokenLists]]:
    """Return the council's tables, and the token lists of its people one by one and by dwelling."""
    listed = read_sorted_tokens(listed_path(council), PERSON_TOKENS, link_input.rows)
    addresses = read_sorted_tokens(
        council.path("dwelling"), ADDRESS_TOKENS, link_input.units["row"].to_numpy()
    )
    people = {
        "person_id": np.arange(len(link_input.rows)),
        "dwelling_id": link_input.unit_ids,
        "is_adult": _is_adult(listed_path(council), link_input.rows),
    }
    dwellings = _lists_of_units(listed, link_input)
    tables = {
        "listed_person": sliced_table(people | _columns(listed)),
        "dwelling_unit": _unit_table(link_input, addresses | dwellings),
    }
    return tables, listed, dwellings


def _is_adult(path: Path | None, rows: Integers) -> npt.NDArray[np.bool_]:
    """Return which listed people are adults: by age, or by the service that lists them if it is not known."""
    if path is None:
        return np.zeros(0, dtype=np.bool_)
    columns = _taken(path, ("age_years", "service"), pa.array(rows))
    by_service = pc.invert(pc.is_in(columns["service"], pa.array(_CHILDRENS_SERVICES)))
    is_adult = pc.coalesce(pc.greater_equal(columns["age_years"], ADULT), by_service)
    flags: npt.NDArray[np.bool_] = as_one_array(is_adult).to_numpy(zero_copy_only=False)
    return flags


def _taken(path: Path, names: tuple[str, ...], rows: pa.Array) -> dict[str, pa.ChunkedArray]:
    return build_columns(lambda name: read_columns(path, [name])[name].take(rows), names)


def _nhs_tables(link_input: LinkInput, nhs: Artefact) -> tuple[dict[str, pa.Table], dict[str, TokenLists]]:
    """Return the NHS's tables, and the token lists of the members."""
    path, rows = nhs.path("nhs_resident"), link_input.rows
    attributes = _taken(path, _ATTRIBUTES, pa.array(rows))
    addresses, members = (read_sorted_tokens(path, names, rows) for names in (ADDRESS_TOKENS, PERSON_TOKENS))
    people = {
        "member_id": np.arange(len(rows)),
        "unit_id": link_input.unit_ids,
        **attributes,
        **_spells(path, rows),
    }
    tables = {
        "nhs_member": sliced_table(people | _columns(members)),
        "nhs_unit": _unit_table(link_input, _lists_of_units(addresses | members, link_input)),
    }
    return tables, members


def _spells(path: Path, rows: Integers) -> dict[str, npt.NDArray[Any]]:
    """Return is_current (an open spell at a usual address, no death recorded) and start of each record."""
    columns = _taken(path, _SPELL, pa.array(rows))
    is_usual = pc.fill_null(pc.equal(columns["address_type"], "usual"), True)
    is_alive = pc.invert(pc.fill_null(columns["is_deceased"], False))
    is_current = pc.and_(pc.is_null(columns["address_end"]), pc.and_(is_usual, is_alive))
    start = columns["address_start"].cast(pa.date32()).cast(pa.int32()).fill_null(NO_DATE)
    return {
        "is_current": as_one_array(is_current).to_numpy(zero_copy_only=False),
        "start": as_one_array(start).to_numpy(),
    }


def _lists_of_units(people: Mapping[str, TokenLists], link_input: LinkInput) -> dict[str, TokenLists]:
    """Return the units' token lists from those of their people."""
    bounds = link_input.bounds
    return {name: lists.merged_at(bounds) for name, lists in people.items()}


def _unit_table(link_input: LinkInput, lists: Mapping[str, TokenLists]) -> pa.Table:
    columns = {name: link_input.units[name] for name in COMPARED}
    return sliced_table(columns | _columns({name: lists[name] for name in (*ADDRESS_TOKENS, *PERSON_TOKENS)}))


def _columns(lists: Mapping[str, TokenLists]) -> dict[str, Column]:
    return {name: tokens.as_arrow() for name, tokens in lists.items()}
