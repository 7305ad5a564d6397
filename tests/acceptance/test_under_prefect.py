"""The same night through Prefect's ephemeral server: states, artifacts, nothing else in its database."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from terminal import SampleProject, hearth

pytestmark = pytest.mark.slow


def run(project: SampleProject) -> Any:
    arguments = ("run", "--config", project.config, "--workspace", project.workspace, "--json")
    return hearth(*arguments, timeout=600)


def rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return connection.execute(query).fetchall()


def test_a_night_under_prefect_publishes_and_leaves_states_and_artifacts(project: SampleProject) -> None:
    ran = run(project)
    assert ran.code == 0, ran.err
    assert ran.outcome["status"] == "published"
    home = project.workspace / "orchestrator"
    assert home.stat().st_mode & 0o077 == 0
    database = home / "prefect.db"
    assert rows(database, "SELECT state_type FROM flow_run") == [("COMPLETED",)]
    stages = rows(database, "SELECT name, state_type FROM task_run")
    assert {state for _, state in stages} == {"COMPLETED"}
    assert len(stages) == 9
    keys = {key for (key,) in rows(database, "SELECT DISTINCT key FROM artifact WHERE key IS NOT NULL")}
    assert {"hearth-stages", "hearth-verdict"} <= keys
    assert rows(database, "SELECT COUNT(*) FROM log") == [(0,)]


def test_a_refusal_is_a_failed_flow_run_that_names_its_code(project: SampleProject) -> None:
    agreement = project.folder / "agreement.toml"
    lines = agreement.read_text("utf-8").splitlines()
    lines = ["expires = 2026-01-31" if line.startswith("expires = 20") else line for line in lines]
    agreement.write_text("\n".join(lines) + "\n", "utf-8")
    ran = run(project)
    assert ran.code == 2, ran.err
    database = project.workspace / "orchestrator" / "prefect.db"
    (state,) = rows(database, "SELECT state_type FROM flow_run")
    assert state == ("FAILED",)
    messages = {m for (m,) in rows(database, "SELECT message FROM flow_run_state WHERE type = 'FAILED'")}
    assert messages == {"GOVERNANCE GATE: AGREEMENT_EXPIRED"}
