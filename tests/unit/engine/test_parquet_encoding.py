"""How columns lie in the files between stages."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.engine.tables import write_plain, write_table

TABLE = pa.table(
    {
        "name": ["a", None],
        "forms": [["a", "b"], None],
        "share": [0.5, 0.5],
        "token": pa.array([7, None], pa.int64()),
        "tokens": pa.array([[7, 8], None], pa.list_(pa.int64())),
    }
)


@pytest.mark.parametrize("write", [write_table, write_plain])
@pytest.mark.parametrize("names", [TABLE.column_names, ["token"]])
def test_whole_numbers_have_no_dictionary_and_the_quicker_compression_and_read_back_the_same(
    write: Callable[[pa.RecordBatchReader, Path], int], names: list[str], tmp_path: Path
) -> None:
    table = TABLE.select(names)
    write(table.to_reader(), tmp_path / "table.parquet")
    with pq.ParquetFile(tmp_path / "table.parquet") as file:
        group = file.metadata.row_group(0)
        columns = [group.column(n) for n in range(group.num_columns)]
        assert file.read().equals(table)
    with_dictionary = {c.path_in_schema.split(".")[0] for c in columns if c.has_dictionary_page}
    assert with_dictionary == set(names) - {"token", "tokens"}
    quick = {c.path_in_schema.split(".")[0] for c in columns if c.compression == "LZ4"}
    assert quick == set(names) & {"token", "tokens"}


def test_a_row_group_gathers_batches_until_it_is_whole(tmp_path: Path) -> None:
    table = pa.table({"n": pa.array(range(600_000))})
    assert write_plain(table.to_reader(50_000), tmp_path / "table.parquet") == table.num_rows
    with pq.ParquetFile(tmp_path / "table.parquet") as file:
        groups = [file.metadata.row_group(n).num_rows for n in range(file.metadata.num_row_groups)]
        assert file.read().equals(table)
    assert groups == [300_000, 300_000]


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    empty = TABLE.slice(0, 0)
    assert write_plain(empty.to_reader(), tmp_path / "table.parquet") == 0
    with pq.ParquetFile(tmp_path / "table.parquet") as file:
        assert file.read().equals(empty)
