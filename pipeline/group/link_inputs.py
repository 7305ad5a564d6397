"""The two sides of a comparison: their units, and which rows of people each is of.

Tokens stay where they are, in the pseudonymised tables: a unit's are those of its people, and the order
in which the people stand here is that of the units.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from governance.artefact import Artefact
from pipeline.engine.tables import BATCH_ROWS, read_columns, write_table
from pipeline.group.blocking import RECORDED_RULES
from pipeline.group.token_lists import Integers, as_one, ends, together

UPRNS = ("uprn", "previous_uprn", "parent_uprn", "parent_of_uprn")
#: What units are brought together and compared by, beside tokens.
COMPARED = (
    "unit_id", *UPRNS, "people", "is_payer_only", "list_kind", *(rule.column for rule in RECORDED_RULES),
)  # fmt: skip


@dataclass(frozen=True)
class LinkInput:
    """One side.

    units: one row per unit, by unit_id from 1: unit (its name), uprn and its relatives (numbers), people
    (how many), is_payer_only, list_kind, row (the dwelling's in its file, or its first member's), and a
    `block_*` list for each rule.
    rows: the people's rows in their file, by unit.
    counts: what the gate is told of them. hot: by rule, how many blocking values were set aside.
    """

    units: pa.Table
    rows: Integers
    counts: Mapping[str, int] = field(default_factory=dict)
    hot: Mapping[str, int] = field(default_factory=dict)

    @property
    def bounds(self) -> Integers:
        """Where each unit's people begin among `rows`, and the end."""
        return ends(self.units["people"].to_numpy())

    @property
    def unit_ids(self) -> Integers:
        """The unit of each of `rows`."""
        people = self.units["people"].to_numpy()
        return np.repeat(np.arange(1, len(people) + 1), people)


@dataclass(frozen=True)
class LinkInputs:
    """The council's side (units: dwellings) and the NHS's (units: address groups, or parts of one)."""

    council: LinkInput
    nhs: LinkInput


#: Tables of a side: units, people.
_COUNCIL = ("dwelling_unit", "listed_person")
_NHS = ("nhs_unit", "nhs_member")


def write_link_inputs(link_inputs: LinkInputs, folder: Path) -> dict[str, int | None]:
    """Write four tables into `folder`; returns the rows of each file.

    dwelling_unit, nhs_unit: the units. listed_person, nhs_member: one row per person, with `row`.
    """
    tables: dict[str, pa.Table] = {}
    for (units, people), link_input in ((_COUNCIL, link_inputs.council), (_NHS, link_inputs.nhs)):
        tables |= {units: link_input.units, people: pa.table({"row": link_input.rows})}

    def write(name: str) -> int:
        return write_table(tables[name].to_reader(BATCH_ROWS), folder / f"{name}.parquet")

    return {f"{name}.parquet": rows for name, rows in together(write, tables).items()}


def read_link_inputs(artefact: Artefact, columns: Iterable[str] = (*COMPARED, "row")) -> LinkInputs:
    """Return what `write_sides` wrote, of the units these columns; what the gate was told is not among it."""
    columns = tuple(columns)

    def link_input(tables: tuple[str, str]) -> LinkInput:
        units, people = (artefact.path(table) for table in tables)
        rows = as_one(read_columns(people, ["row"])["row"]).to_numpy()
        return LinkInput(pa.table(read_columns(units, columns)), rows)

    with ThreadPoolExecutor(2) as threads:
        council, nhs = threads.map(link_input, (_COUNCIL, _NHS))
    return LinkInputs(council, nhs)
