"""What stops batches on their way into the engine is told as itself."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from governance.errors import Fault
from pipeline.engine.tables import create_table, load_table

SCHEMA = pa.schema([("n", pa.int64())])


def test_a_fault_while_batches_are_made_is_raised_and_leaves_no_view() -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pydict({"n": [1]})
        raise Fault("HASHING_PROCESS_DIED", "A hashing process ended.", "Run again.")

    with duckdb.connect() as connection:
        with pytest.raises(Fault, match="HASHING_PROCESS_DIED"):
            create_table(connection, "made", SCHEMA, batches())
        assert connection.execute("SHOW TABLES").fetchall() == []


def test_a_file_that_is_broken_half_way_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    numbers = np.random.default_rng(1).integers(0, 2**60, 200_000)
    pq.write_table(pa.table({"n": numbers}), path, row_group_size=50_000, compression="zstd")
    content = bytearray(path.read_bytes())
    third = len(content) // 3
    content[third : 2 * third] = bytes(third)
    path.write_bytes(content)
    with duckdb.connect() as connection, pytest.raises(Fault, match="AT_REST_UNREADABLE"):
        load_table(connection, path, "made")


def test_an_error_of_the_engine_stays_its_own() -> None:
    batches = [pa.RecordBatch.from_pydict({"n": [1]})]
    with duckdb.connect() as connection:
        connection.execute("CREATE VIEW made AS SELECT 1 AS n")
        with pytest.raises(duckdb.Error):
            create_table(connection, "made", SCHEMA, batches)
