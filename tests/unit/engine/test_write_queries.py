"""Several results are written beside each other, whole or not at all."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.engine import tables


def _as_read(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch


def test_each_file_holds_its_result_in_its_order(tmp_path: Path) -> None:
    queries = {
        tmp_path / "many.parquet": "SELECT n FROM range(300_000) AS made(n) ORDER BY n DESC",
        tmp_path / "few.parquet": "SELECT n, n::VARCHAR AS text FROM range(3) AS made(n) ORDER BY n",
        tmp_path / "none.parquet": "SELECT n FROM range(3) AS made(n) WHERE n > 5",
    }
    with duckdb.connect() as connection:
        rows = tables.write_queries(connection, queries, _as_read)
    assert {path.name: count for path, count in rows.items()} == {
        "many.parquet": 300_000,
        "few.parquet": 3,
        "none.parquet": 0,
    }
    assert pq.read_table(tmp_path / "many.parquet")["n"].to_pylist() == list(range(299_999, -1, -1))
    assert pq.read_table(tmp_path / "few.parquet").to_pylist()[2] == {"n": 2, "text": "2"}
    assert pq.read_table(tmp_path / "none.parquet").schema == pa.schema([("n", pa.int64())])


def test_an_encoder_that_fails_ends_the_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_MAXIMUM_WAITING", 1)

    def full(batch: pa.RecordBatch) -> pa.RecordBatch:
        if batch.num_rows:
            raise OSError(28, "No space left on device")
        return batch

    queries = {tmp_path / f"{n}.parquet": "SELECT n FROM range(900_000) AS made(n)" for n in range(3)}
    with duckdb.connect() as connection, pytest.raises(OSError, match="No space"):
        tables.write_queries(connection, queries, full)


def test_a_query_that_fails_half_way_ends_the_writing(tmp_path: Path) -> None:
    broken = "SELECT CASE WHEN n = 800_000 THEN error('stop') ELSE 1 END AS n FROM range(900_000) AS made(n)"
    queries = {tmp_path / "broken.parquet": broken, tmp_path / "next.parquet": "SELECT 1 AS n"}
    with duckdb.connect() as connection, pytest.raises((duckdb.Error, OSError), match="stop"):
        tables.write_queries(connection, queries, _as_read)
    assert not (tmp_path / "next.parquet").exists()
