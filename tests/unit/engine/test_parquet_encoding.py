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
