"""The locked DuckDB connection. Hearth opens DuckDB nowhere else.

Memory is limited, and data that does not fit is spilled to a private folder. There is no network, no
extension, no access to files outside the allowed folders, and no way to change these settings later.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb


@dataclass(frozen=True)
class EngineSettings:
    """Limits of a connection. threads: at least 1. memory_limit: a size for DuckDB, such as "4GB"."""

    threads: int = 2
    memory_limit: str = "4GB"


_LOCKDOWN = (
    "SET python_enable_replacements=false",
    "SET allow_community_extensions=false",
    "SET allow_persistent_secrets=false",
    "SET enable_external_access=false",
    "SET lock_configuration=true",
)


@contextmanager
def locked_connection(
    settings: EngineSettings, spill: Path, allowed: tuple[Path, ...] = ()
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an in-memory database that can read and write files in `allowed` only; closed after the block.

    spill: a private folder (0700) for data that does not fit in memory; the caller removes it.
    """
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": str(settings.threads),
            "memory_limit": settings.memory_limit,
            "temp_directory": str(spill),
            "preserve_insertion_order": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    try:
        folders = ", ".join("'" + str(folder).replace("'", "''") + "'" for folder in allowed)
        connection.execute(f"SET allowed_directories=[{folders}]")
        for statement in _LOCKDOWN:
            connection.execute(statement)
        yield connection
    finally:
        connection.close()
