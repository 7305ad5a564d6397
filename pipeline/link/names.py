"""Names of records, address groups and dwellings in place of the ids that the stage works with.

A name is a pseudonym of 32 characters. Sorting and joining by three names in every row took as long as
finding the links. So the stage numbers what it reads, works with these ids, and replaces them by the
names when it writes its tables.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from governance.artefact import Artefact
from pipeline.engine.tables import read_columns
from pipeline.group.link_inputs import LinkInputs
from pipeline.group.token_lists import as_one_array

#: Suffix of an address group's name for the members that moved to another dwelling.
MOVED = "-moved"


@dataclass(frozen=True)
class Names:
    """records: names by member id, from 0. groups, dwellings: names by unit id, from 1."""

    records: pa.Array
    groups: pa.Array
    dwellings: pa.Array

    def replace_ids(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch with names in place of ids, in the columns that have names; null stays null.

        A negative group id means the members of that group that moved.
        """
        columns = {
            name: self._column(name, ids) for name, ids in zip(batch.schema.names, batch.columns, strict=True)
        }
        return pa.RecordBatch.from_pydict(columns)

    def _column(self, name: str, ids: pa.Array) -> pa.Array:
        if name == "nhs_record_pseudonym":
            return _names_at(self.records, ids)
        if name == "address_group":
            return self._groups(ids)
        if name in ("dwelling_record_pseudonym", "second_dwelling_record_pseudonym"):
            return _names_at(self.dwellings, pc.subtract(ids, 1))
        return ids

    def _groups(self, ids: pa.Array) -> pa.Array:
        names = _names_at(self.groups, pc.subtract(pc.abs(ids), 1))
        is_moved = pc.less(ids, 0)
        if not pc.any(is_moved).as_py():
            return names
        moved_names = pc.binary_join_element_wise(names.filter(is_moved), MOVED, "")
        return pc.replace_with_mask(names, is_moved, moved_names)


def names_of(link_inputs: LinkInputs, nhs: Artefact) -> Names:
    """Return the names of the NHS records and of both controllers' units (their column `unit`)."""
    records = read_columns(nhs.path("nhs_resident"), ["record_pseudonym"])["record_pseudonym"]
    groups, dwellings = (link_input.units["unit"] for link_input in (link_inputs.nhs, link_inputs.council))
    return Names(*(as_one_array(names) for names in (records.take(link_inputs.nhs.rows), groups, dwellings)))


def _names_at(names: pa.Array, positions: pa.Array) -> pa.Array:
    """Return the names at these positions; consecutive positions are a slice, which copies nothing."""
    if len(positions) and not positions.null_count and np.all(np.diff(positions.to_numpy()) == 1):
        return names.slice(positions[0].as_py(), len(positions))
    return names.take(positions)
