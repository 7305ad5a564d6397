"""Names of records, groups and dwellings, found by the ids that number them.

A name is 32 letters. Sorting and joining by three of them in every row took as long as finding the
links, so the stage works on ids, which number what was read, and names are put on at the end.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from governance.artefact import Artefact
from pipeline.engine.tables import read_columns
from pipeline.group.link_inputs import LinkInputs
from pipeline.group.token_lists import as_one_array

#: What ends the name of the part of an address group that was found at another dwelling.
MOVED = "-moved"


@dataclass(frozen=True)
class Names:
    """records: names by member id, from 0. groups, dwellings: names by unit id, from 1."""

    records: pa.Array
    groups: pa.Array
    dwellings: pa.Array

    def put_on(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch with names in place of the ids in its columns of names; null stays null.

        A negative group id is of the part of the group that moved.
        """
        columns = {
            name: self._column(name, ids) for name, ids in zip(batch.schema.names, batch.columns, strict=True)
        }
        return pa.RecordBatch.from_pydict(columns)

    def _column(self, name: str, ids: pa.Array) -> pa.Array:
        if name == "nhs_record_pseudonym":
            return _taken(self.records, ids)
        if name == "address_group":
            return self._groups(ids)
        if name in ("dwelling_record_pseudonym", "second_dwelling_record_pseudonym"):
            return _taken(self.dwellings, pc.subtract(ids, 1))
        return ids

    def _groups(self, ids: pa.Array) -> pa.Array:
        names = _taken(self.groups, pc.subtract(pc.abs(ids), 1))
        moved = pc.less(ids, 0)
        if not pc.any(moved).as_py():
            return names
        return pc.replace_with_mask(names, moved, pc.binary_join_element_wise(names.filter(moved), MOVED, ""))


def names_of(link_inputs: LinkInputs, nhs: Artefact) -> Names:
    """Return the names of both sides' units (their column `unit`) and of the NHS records."""
    records = read_columns(nhs.path("nhs_resident"), ["record_pseudonym"])["record_pseudonym"]
    groups, dwellings = (link_input.units["unit"] for link_input in (link_inputs.nhs, link_inputs.council))
    return Names(*(as_one_array(names) for names in (records.take(link_inputs.nhs.rows), groups, dwellings)))


def _taken(names: pa.Array, places: pa.Array) -> pa.Array:
    """Return the names at these places; of places that follow one another nothing is copied."""
    if len(places) and not places.null_count and np.all(np.diff(places.to_numpy()) == 1):
        return names.slice(places[0].as_py(), len(places))
    return names.take(places)
