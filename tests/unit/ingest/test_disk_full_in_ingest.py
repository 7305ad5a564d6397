"""A disk that fills up while ingest spills is reported as such, without any cell."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pytest

from governance.errors import Fault
from pipeline.engine.duckdb import locked_connection
from pipeline.ingest import stage

from .conftest import Bench


@pytest.mark.parametrize(("spill_limit", "code"), [("1MB", "DISK_FULL"), (None, "OUT_OF_MEMORY")])
def test_ingest_says_whether_disk_or_memory_ran_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, spill_limit: str | None, code: str
) -> None:
    @contextmanager
    def cramped(*_: Any) -> Iterator[duckdb.DuckDBPyConnection]:
        with duckdb.connect(":memory:", config={"memory_limit": "12MB", "threads": "1"}) as connection:
            connection.execute(f"SET temp_directory = '{bench.folder if spill_limit else ''}'")
            if spill_limit:
                connection.execute(f"SET max_temp_directory_size = '{spill_limit}'")
            yield connection

    assert stage.locked_connection is locked_connection
    monkeypatch.setattr(stage, "locked_connection", cramped)
    rows = "".join(f"CP{n},{'SECRET COTTAGE ' * 8}{n}\n" for n in range(30_000))
    bench.put("council_property", "record_id,address_line_1\n" + rows)
    with pytest.raises(Fault) as caught:
        bench.ingest("council_property")
    assert caught.value.code == code
    assert "SECRET" not in str(caught.value)
