"""What the group stage writes for `link`: the units of both controllers, and the people of each unit.

A unit of the council is a dwelling; a unit of the NHS is an address group, or a part of one. Tokens are
not copied: they stay in the pseudonymised tables. The rows of people are listed in the order of their
units, so the tokens of a unit are those of the next `people` rows.
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
from pipeline.group.token_lists import Integers, as_one_array, build_columns, offsets_of

UPRNS = ("uprn", "previous_uprn", "parent_uprn", "parent_of_uprn")
#: Columns of units that pairs are found and compared by, in addition to tokens.
COMPARED = (
    "unit_id", *UPRNS, "people", "is_payer_only", "is_empty", "is_unlisted", "list_kind",
    *(rule.column for rule in RECORDED_RULES),
)  # fmt: skip


@dataclass(frozen=True)
class LinkInput:
    """The units and people of one controller.

    units: one row per unit, in the order of unit_id, which counts from 1. Columns: unit (its name); uprn,
    previous_uprn, parent_uprn and parent_of_uprn (numbers in place of pseudonyms); people (how many);
    is_payer_only (everyone listed is there only as liable for council tax); is_empty (the council records
    that no one lives there); is_unlisted (no one is listed there, although a list was supplied); list_kind
    (see `comparison.LIST_KIND`); row (of the dwelling in its file, or of the group's first member); and for
    each blocking rule a `block_*` list of values.
    rows: row numbers of the people in their file, sorted by unit.
    counts: counts for the stage's evidence. oversized_blocks: rule -> number of values that are not used.
    """

    units: pa.Table
    rows: Integers
    counts: Mapping[str, int] = field(default_factory=dict)
    oversized_blocks: Mapping[str, int] = field(default_factory=dict)

    @property
    def bounds(self) -> Integers:
        """Where the people of each unit begin in `rows`, and the end."""
        return offsets_of(self.units["people"].to_numpy())

    @property
    def unit_ids(self) -> Integers:
        """The unit id of each person in `rows`."""
        people = self.units["people"].to_numpy()
        return np.repeat(np.arange(1, len(people) + 1), people)


@dataclass(frozen=True)
class LinkInputs:
    """The council's units (dwellings) and the NHS's units (address groups, or parts of one)."""

    council: LinkInput
    nhs: LinkInput


#: Tables of a controller: units, people.
_COUNCIL = ("dwelling_unit", "listed_person")
_NHS = ("nhs_unit", "nhs_member")


def write_link_inputs(link_inputs: LinkInputs, folder: Path) -> dict[str, int | None]:
    """Write four tables into `folder`; returns the rows of each file.

    dwelling_unit, nhs_unit: one row per unit. listed_person, nhs_member: one row per person; `row` is the
    person's row number in the pseudonymised file.
    """
    tables: dict[str, pa.Table] = {}
    for (units, people), link_input in ((_COUNCIL, link_inputs.council), (_NHS, link_inputs.nhs)):
        tables |= {units: link_input.units, people: pa.table({"row": link_input.rows})}

    def write(name: str) -> int:
        return write_table(tables[name].to_reader(BATCH_ROWS), folder / f"{name}.parquet")

    return {f"{name}.parquet": rows for name, rows in build_columns(write, tables).items()}


def read_link_inputs(artefact: Artefact, columns: Iterable[str] = (*COMPARED, "row")) -> LinkInputs:
    """Read what `write_link_inputs` wrote, with these columns of the units; `counts` are not in the files."""
    columns = tuple(columns)

    def link_input(tables: tuple[str, str]) -> LinkInput:
        units, people = (artefact.path(table) for table in tables)
        rows = as_one_array(read_columns(people, ["row"])["row"]).to_numpy()
        return LinkInput(pa.table(read_columns(units, columns)), rows)

    with ThreadPoolExecutor(2) as threads:
        council, nhs = threads.map(link_input, (_COUNCIL, _NHS))
    return LinkInputs(council, nhs)
