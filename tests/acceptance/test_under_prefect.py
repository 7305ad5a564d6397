"""The same night through Prefect's ephemeral server: states, artifacts, nothing else in its database.

It runs in a network namespace of its own with nothing but a loopback, where that is permitted:
whatever would telephone home could not, and the night publishes all the same.
"""

import csv
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from terminal import Ran, SampleProject, canary_seeds, hearth

from pipeline.leakage.canary import canary_of
from pipeline.leakage.search import search_tree
from pipeline.leakage.search_pattern import PatternSearch, search_patterns_of

pytestmark = pytest.mark.slow

#: Raises the loopback of a new namespace, says whether anything else can be reached, becomes the command.
INSIDE = """
import fcntl, os, socket, struct, sys
with socket.socket() as plug:
    fcntl.ioctl(plug, 0x8914, struct.pack("16sh14x", b"lo", 0x41))  # SIOCSIFFLAGS: up and running
assert [name for _, name in socket.if_nameindex()] == ["lo"]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
    assert plug.connect_ex(("192.0.2.1", 443)) != 0
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def cut_off() -> list[str]:
    """Return what to put before a command of Python to cut its network off; empty where not permitted."""
    for way in (["unshare", "-n"], ["unshare", "-rn"]):
        before = [*way, sys.executable, "-c", INSIDE]
        if (
            shutil.which("unshare")
            and not subprocess.run([*before, "-c", ""], capture_output=True).returncode
        ):
            return before
    return []


@dataclass(frozen=True)
class OrchestratedRun:
    """A night that ran under Prefect, without any network where `was_cut_off`."""

    project: SampleProject
    ran: Ran
    was_cut_off: bool


@pytest.fixture(scope="module")
def nightly(synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> OrchestratedRun:
    folder = tmp_path_factory.mktemp("prefect")
    shutil.copytree(synthetic, folder / "project")
    project = SampleProject(folder / "project")
    before = cut_off() or [sys.executable]
    arguments = ("run", "--config", project.config, "--workspace", project.workspace, "--json")
    done = subprocess.run(
        [*before, "-m", "flows.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={k: v for k, v in os.environ.items() if k != "DO_NOT_TRACK"},
        cwd=Path(__file__).parents[2],
    )
    return OrchestratedRun(project, Ran(done.returncode, done.stdout, done.stderr), len(before) > 1)


def rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return connection.execute(query).fetchall()


def test_a_night_under_prefect_publishes_and_leaves_states_and_artifacts(
    nightly: OrchestratedRun,
) -> None:
    assert nightly.ran.code == 0, nightly.ran.err
    assert nightly.ran.outcome["status"] == "published"
    home = nightly.project.workspace / "orchestrator"
    assert home.stat().st_mode & 0o077 == 0
    database = home / "prefect.db"
    assert rows(database, "SELECT state_type FROM flow_run") == [("COMPLETED",)]
    stages = rows(database, "SELECT name, state_type FROM task_run")
    assert {state for _, state in stages} == {"COMPLETED"}
    assert len(stages) == len(nightly.ran.outcome["stages"]) >= 9
    keys = {key for (key,) in rows(database, "SELECT DISTINCT key FROM artifact WHERE key IS NOT NULL")}
    assert {"hearth-stages", "hearth-verdict"} <= keys
    assert rows(database, "SELECT COUNT(*) FROM log") == [(0,)]


def test_a_night_under_prefect_needs_no_network(nightly: OrchestratedRun) -> None:
    if not nightly.was_cut_off:
        pytest.skip("a network namespace of its own is not permitted here")
    assert (nightly.ran.code, nightly.ran.outcome["status"]) == (0, "published"), nightly.ran.err


def test_every_channel_of_telemetry_is_closed() -> None:
    """Server heartbeat and the page's script follow the server's setting, the SDK's events the variable."""
    program = (
        "from flows.orchestration.prefect_settings import apply_prefect_settings; apply_prefect_settings()\n"
        "from prefect.settings import get_current_settings\n"
        "from prefect._internal.analytics.enabled import is_telemetry_enabled\n"
        "server = get_current_settings().server\n"
        "cloud = get_current_settings().cloud.enable_orchestration_telemetry\n"
        "print(server.analytics_enabled, is_telemetry_enabled(), cloud)\n"
    )
    alone = {k: v for k, v in os.environ.items() if k not in ("CI", "DO_NOT_TRACK")}
    told = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=alone,
        cwd=Path(__file__).parents[2],
    )
    assert told.stdout.split() == ["False", "False", "False"], told.stderr


PROBE = """
from flows.orchestration.prefect_settings import apply_prefect_settings
apply_prefect_settings(Path(sys.argv[1]))
from prefect import flow
from prefect.client.orchestration import get_client

def answer(url, path, authorization=None):
    request = urllib.request.Request(url + path, data=b"{}", headers={"Content-Type": "application/json"})
    if authorization:
        request.add_header("Authorization", "Basic " + base64.b64encode(authorization.encode()).decode())
    try:
        return urllib.request.urlopen(request, timeout=20).status
    except urllib.error.HTTPError as error:
        return error.code

@flow
def probe():
    url = str(get_client(sync_client=True).api_url).rstrip("/")
    own = os.environ["PREFECT_API_AUTH_STRING"]
    paths = ["/flow_runs/filter", "/task_runs/filter", "/logs/filter", "/artifacts/filter"]
    print(json.dumps({
        "url": url,
        "stranger": [answer(url, path) for path in paths],
        "guess": [answer(url, path, "hearth:guess") for path in paths],
        "owner": [answer(url, path, own) for path in paths],
    }))

probe()
"""


def test_no_other_account_can_read_or_change_runs_through_prefects_server(tmp_path: Path) -> None:
    imports = "import base64, json, os, sys, urllib.error, urllib.request\nfrom pathlib import Path\n"
    ran = subprocess.run(
        [sys.executable, "-c", imports + PROBE, str(tmp_path / "home")],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
        env={k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")},
        cwd=Path(__file__).parents[2],
    )
    seen = json.loads(ran.stdout.splitlines()[-1])
    assert set(seen["stranger"]) == set(seen["guess"]) == {401}
    assert set(seen["owner"]) == {200}
    host, port = seen["url"].removeprefix("http://").split("/")[0].split(":")
    with socket.socket() as plug:
        assert plug.connect_ex((host, int(port))) != 0, "the server still listens after its run"


def test_after_the_night_neither_canary_nor_person_is_anywhere_in_prefect_or_the_logs(
    nightly: OrchestratedRun,
) -> None:
    seeds = canary_seeds(nightly.project.workspace)
    assert set(seeds) == {"council", "nhs"}
    wanted = {
        f"{controller} {kind}": value
        for controller, seed in seeds.items()
        for kind, value in canary_of(controller, seed).identifiers.items()
    }
    for name, columns in (
        ("council_property", ("uprn",)),
        ("nhs_person", ("nhs_number", "uprn", "address_line_1")),
    ):
        for number, row in enumerate(supplied(nightly.project.folder, name)):
            wanted |= {f"{name} {column} {number}": row[column] for column in columns if len(row[column]) > 9}
            if number == 400:
                break
    assert len(wanted) > 800
    search = PatternSearch(search_patterns_of(wanted))
    for folder in ("orchestrator", "runs", "audit"):
        searched = search_tree(nightly.project.workspace / folder, search)
        assert searched.files
        assert (searched.hits, searched.unreadable) == ((), ())


def supplied(folder: Path, table: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a supplied extract, under its own column names."""
    with (folder / f"{table}.csv").open(encoding="utf-8-sig") as lines:
        yield from csv.DictReader(lines)


def test_a_refusal_is_a_failed_flow_run_that_names_its_code(project: SampleProject) -> None:
    project.expire_agreement()
    arguments = ("--config", project.config, "--workspace", project.workspace, "--json")
    ran = hearth("run", *arguments, timeout=600)
    assert ran.code == 2, ran.err
    database = project.workspace / "orchestrator" / "prefect.db"
    (state,) = rows(database, "SELECT state_type FROM flow_run")
    assert state == ("FAILED",)
    messages = {m for (m,) in rows(database, "SELECT message FROM flow_run_state WHERE type = 'FAILED'")}
    assert messages == {"GOVERNANCE GATE: AGREEMENT_EXPIRED"}
