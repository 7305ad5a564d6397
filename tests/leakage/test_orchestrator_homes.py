"""Wherever the operator has put Prefect's home and its database, the search for canaries goes there."""

from pathlib import Path

import pytest

from flows.run.setup.custody import orchestrator_homes

DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"


@pytest.mark.parametrize(
    ("settings", "folders"),
    [
        ({}, ()),
        ({"PREFECT_HOME": "/srv/prefect"}, ("/srv/prefect",)),
        ({DATABASE: "sqlite+aiosqlite:////srv/db/prefect.db?timeout=60"}, ("/srv/db",)),
        (
            {"PREFECT_HOME": "/srv/p", DATABASE: "sqlite+aiosqlite:////srv/db/prefect.db"},
            ("/srv/p", "/srv/db"),
        ),
        ({"PREFECT_API_DATABASE_CONNECTION_URL": "sqlite+aiosqlite:////srv/old/x.db"}, ("/srv/old",)),
        ({DATABASE: "postgresql+asyncpg://prefect@db/prefect"}, ()),
        ({DATABASE: "sqlite+aiosqlite:///file::memory:?cache=shared"}, None),
    ],
)
def test_homes_and_database_files_are_found(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], folders: tuple[str, ...] | None
) -> None:
    for name in ("PREFECT_HOME", DATABASE, "PREFECT_API_DATABASE_CONNECTION_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    if folders is None:  # in memory: nothing lies in a file, and the folder of the process is no home
        assert orchestrator_homes() == ()
    else:
        assert orchestrator_homes() == tuple(map(Path, folders))
