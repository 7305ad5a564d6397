"""Hashes record batches as a stream, in one pass and with constant memory.

While the hashing processes work on one batch, the next is read. At most `_IN_FLIGHT` batches are in memory at
a time, whatever the number of rows.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future

import numpy as np
import pyarrow as pa

from governance.keys.pseudonyms.column_hashing import KeyedHasher
from pipeline.pseudonymise.tables import HashedColumn

_IN_FLIGHT = 4

#: The columns of a batch, finished or still being hashed.
_PendingBatch = list["pa.Array | Future[pa.Array] | _PendingList"]


class _PendingList:
    """A list column whose items are being hashed; the lengths of the lists are known."""

    def __init__(self, lists: pa.Array, items: "Future[pa.Array]") -> None:
        self._lists = lists
        self._items = items

    def result(self) -> pa.Array:
        lengths = self._lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        offsets = np.zeros(len(lengths) + 1, dtype=np.int32)
        np.cumsum(lengths, out=offsets[1:])
        return pa.ListArray.from_arrays(
            pa.array(offsets),
            self._items.result(),
            mask=self._lists.is_null() if self._lists.null_count else None,
        )


def hashed_schema(schema: pa.Schema, columns: Mapping[str, HashedColumn]) -> pa.Schema:
    """Return the schema of the batches of `hashed_batches`: pseudonyms are text, tokens whole numbers."""
    return pa.schema(
        [
            field if field.name not in columns else pa.field(field.name, _hashed_type(columns[field.name]))
            for field in schema
        ]
    )


def _hashed_type(column: HashedColumn) -> pa.DataType:
    value = pa.int64() if column.is_token else pa.string()
    return pa.list_(value) if column.is_list else value


def hashed_batches(
    batches: Iterable[pa.RecordBatch], columns: Mapping[str, HashedColumn], hasher: KeyedHasher
) -> Iterator[pa.RecordBatch]:
    """Yield the batches in their order, with the given columns replaced by pseudonyms and tokens.

    batches: in clear, or already hashed under an inner key. columns: column -> how it is hashed; other
    columns stay as they are.
    """
    waiting: deque[tuple[pa.Schema, _PendingBatch]] = deque()
    for batch in batches:
        waiting.append((hashed_schema(batch.schema, columns), _submit(batch, columns, hasher)))
        if len(waiting) >= _IN_FLIGHT:
            yield _finished(*waiting.popleft())
    while waiting:
        yield _finished(*waiting.popleft())


def _submit(batch: pa.RecordBatch, columns: Mapping[str, HashedColumn], hasher: KeyedHasher) -> _PendingBatch:
    pending: _PendingBatch = []
    for name, values in zip(batch.schema.names, batch.columns, strict=True):
        column = columns.get(name)
        if column is None:
            pending.append(values)
            continue
        if column.is_list:
            pending.append(_PendingList(values, _hash(values.flatten(), column, hasher)))
        else:
            pending.append(_hash(values, column, hasher))
    return pending


def _hash(values: pa.Array, column: HashedColumn, hasher: KeyedHasher) -> "Future[pa.Array]":
    if not column.is_token:
        return hasher.pseudonyms(column.kind, values.cast(pa.string()))
    is_inner = pa.types.is_integer(values.type)
    return hasher.tokens(column.kind, values if is_inner else values.cast(pa.string()))


def _finished(schema: pa.Schema, pending: _PendingBatch) -> pa.RecordBatch:
    arrays = [column if isinstance(column, pa.Array) else column.result() for column in pending]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
