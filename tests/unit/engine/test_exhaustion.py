"""Disk and memory that run out are told as such, in words of ours and without the engine's."""

import errno
from pathlib import Path

import duckdb
import pytest

from flows.run.reporting.faults import as_hearth_error
from pipeline.engine.exhaustion import exhaustion_fault

_TOO_MUCH = "CREATE TABLE big AS SELECT md5(i::VARCHAR) || 'SECRET' AS cell FROM range(3_000_000) AS r(i)"


def _error(**settings: str) -> duckdb.Error:
    """What DuckDB raises when a table exceeds its memory and what it may spill."""
    with duckdb.connect(":memory:", config={"memory_limit": "20MB", "threads": "1"}) as connection:
        for name, value in settings.items():
            connection.execute(f"SET {name} = '{value}'")
        with pytest.raises(duckdb.Error) as caught:
            connection.execute(_TOO_MUCH)
    return caught.value


def test_a_spill_that_outgrows_its_volume_is_a_full_disk_though_duckdb_says_out_of_memory(
    tmp_path: Path,
) -> None:
    error = _error(temp_directory=str(tmp_path), max_temp_directory_size="1MB")
    assert type(error).__name__ == "OutOfMemoryException"
    fault = exhaustion_fault(error, "ingest of nhs_person")
    assert fault is not None
    assert fault.code == "DISK_FULL"
    assert fault.reason == "The disk filled up during ingest of nhs_person; nothing was published."


def test_memory_that_runs_out_where_nothing_may_spill_is_out_of_memory() -> None:
    error = _error(temp_directory="")
    assert as_hearth_error(error, "link").code == "OUT_OF_MEMORY"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "DISK_FULL"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "DISK_FULL"),
        (duckdb.IOException('Could not write file "x": No space left on device'), "DISK_FULL"),
        (MemoryError(), "OUT_OF_MEMORY"),
        (OSError(errno.EACCES, "Permission denied"), None),
        (duckdb.ConversionException("Could not convert SECRET"), None),
    ],
)
def test_each_error_is_told_by_what_ran_out(error: Exception, code: str | None) -> None:
    fault = exhaustion_fault(error, "link")
    assert (fault and fault.code) == code


def test_a_full_disk_is_seen_behind_the_error_it_caused() -> None:
    error = duckdb.IOException("copy failed")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert as_hearth_error(error, "publish").code == "DISK_FULL"
