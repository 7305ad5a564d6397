"""Columns and tokens of a row stay together, whatever order the engine's threads finish in."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.engine.duckdb import EngineSettings, locked_connection
from pipeline.group.token_lists import read_tokens
from pipeline.group.units import _read

ROWS = 600_000


def test_values_that_the_engine_computes_stay_with_the_tokens_of_their_row(tmp_path: Path) -> None:
    numbers = np.arange(ROWS, dtype=np.int64)
    table = pa.table(
        {
            "record_pseudonym": pa.array(numbers).cast(pa.string()),
            "single": pa.array(numbers, mask=numbers % 7 == 0),
            "several": pa.ListArray.from_arrays(
                np.concatenate(([0], np.cumsum(numbers % 3))).astype(np.int32),
                np.repeat(numbers, numbers % 3),
            ),
        }
    )
    path = tmp_path / "people.parquet"
    pq.write_table(table, path, row_group_size=50_000)
    with locked_connection(EngineSettings(threads=4), tmp_path, (tmp_path,)) as connection:
        read = _read(
            connection,
            path,
            ("record_pseudonym",),
            {"number": "record_pseudonym::BIGINT", "hash": "hash(record_pseudonym)"},
        )
    assert read.count == ROWS
    assert np.array_equal(read.columns["number"].to_numpy(), numbers)
    single, several = read_tokens(path, "single"), read_tokens(path, "several")
    assert np.array_equal(single.rows, single.tokens)
    assert np.array_equal(several.rows, several.tokens)
    assert (len(single.tokens), len(several.tokens)) == (np.sum(numbers % 7 != 0), np.sum(numbers % 3))
