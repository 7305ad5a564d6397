"""Nights that start by themselves: unit files that systemd accepts, and an alarm when none publishes."""

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.orchestration.systemd_schedule import Schedule, check_published_lately, slug, write_units
from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.errors import Fault, Refused
from pipeline.engine.duckdb import EngineSettings
from pipeline.project import Project

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


LINKAGE: dict[str, Any] = {"transfer": {"identity": "identity"}}
CONTROLLER: dict[str, Any] = {
    "path": "linkage.key",
    "transfer": {"recipient": "age1", "signing_key": "k.pem"},
}


def _project(
    folder: Path,
    name: str = "Trafford & NHS",
    workspace: str = "work space",
    keys: dict[str, Any] = LINKAGE,
) -> Project:
    (folder / workspace).mkdir(exist_ok=True)
    return Project(
        name=name,
        folder=folder,
        custody="at-source",
        production=True,
        reference_date=date(2026, 3, 31),
        agreement=folder / "agreement.toml",
        workspace=folder / workspace,
        model=None,
        engine=EngineSettings(),
        keys=keys,
        extracts={},
        signing_keys=(folder / "operator.pem",),
    )


def _run(
    workspace: Path,
    run_id: str,
    ended: datetime,
    status: str,
    code: str | None = None,
    is_signed: bool = True,
) -> None:
    """Put a run that ended at that time into the workspace's audit log."""
    (workspace / "keys").mkdir(exist_ok=True)
    log = AuditLog.open(
        workspace / "audit", open_log_signer(workspace / "keys", "hearth/test"), lambda: ended
    )
    log.append(run_id, "operator", None, "run_start", policy="0" * 64)
    log.append(run_id, "operator", None, "run_end", verdict=status, evidence={"code": code} if code else {})
    if is_signed:
        log.checkpoint()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="Debian's systemd is not installed")
@pytest.mark.parametrize("on_failure", [None, Path("/bin/true")])
def test_systemd_accepts_the_unit_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_failure: Path | None
) -> None:
    (tmp_path / "prefix" / "bin").mkdir(parents=True)
    shutil.copy("/bin/true", tmp_path / "prefix" / "bin" / "python")
    monkeypatch.setattr("flows.orchestration.systemd_schedule.sys.prefix", str(tmp_path / "prefix"))
    schedule = Schedule("02:30", "Europe/London", "root", on_failure)
    units = write_units(_project(tmp_path), tmp_path / "hearth.toml", schedule, tmp_path / "units")
    assert len(units) == (4 if on_failure is None else 5)
    checked = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )
    about_ours = [line for line in checked.stderr.splitlines() if str(tmp_path) in line or "hearth" in line]
    assert (checked.returncode, about_ours) == (0, [])
    day = subprocess.run(
        ["systemd-analyze", "calendar", "*-*-* 02:30:00 Europe/London"], capture_output=True, check=False
    )
    assert day.returncode == 0
    assert "OnCalendar=*-*-* 02:30:00 Europe/London" in units[1].read_text()


def test_a_night_under_systemd_can_write_to_its_workspace_alone_and_has_no_network(tmp_path: Path) -> None:
    schedule = Schedule("02:30", "Europe/London", "hearth")
    units = write_units(_project(tmp_path), tmp_path / "hearth.toml", schedule, tmp_path / "units")
    service = units[0].read_text()
    for setting in (
        "Type=oneshot",
        "User=hearth",
        "ProtectSystem=strict",
        f'ReadWritePaths="{tmp_path / "work space"}" {tmp_path / "inbox"}',
        "PrivateNetwork=yes",
        "UMask=0077",
        "LimitCORE=0",
    ):
        assert f"\n{setting}\n" in service
    assert (
        f' run --no-orchestrator --config {tmp_path}/hearth.toml --workspace "{tmp_path}/work space"'
        in service
    )
    assert (tmp_path / "inbox").is_dir()
    with_network = Schedule("02:30", "Europe/London", "hearth", network=True)
    again = write_units(_project(tmp_path), tmp_path / "hearth.toml", with_network, tmp_path / "other")
    assert "\nPrivateNetwork=no\n" in again[0].read_text()


def test_a_units_name_and_text_survive_any_project_name(tmp_path: Path) -> None:
    project = _project(tmp_path, name='x"\n%h $(id)', workspace="w%h$x")
    units = write_units(project, tmp_path / "hearth.toml", Schedule("02:30", "UTC", "u"), tmp_path / "units")
    assert units[0].name == "hearth-x-h-id.service"
    service = units[0].read_text()
    assert "%h" not in service.replace("%%h", "")
    assert f"--workspace {tmp_path}/w%%h$$x\n" in service
    assert f"\nReadWritePaths={tmp_path}/w%%h$x {tmp_path}/inbox\n" in service


def test_at_a_controller_the_unit_makes_a_package_and_may_write_to_the_outbox(tmp_path: Path) -> None:
    schedule = Schedule("02:30", "Europe/London", "hearth", controller="nhs")
    project = _project(tmp_path, "Trafford", "workspace", CONTROLLER)
    units = write_units(project, tmp_path / "hearth.toml", schedule, tmp_path / "units")
    assert [unit.name for unit in units][:2] == ["hearth-trafford-nhs.service", "hearth-trafford-nhs.timer"]
    service, overdue = units[0].read_text(), units[2].read_text()
    assert " -m flows.cli pseudonymise --controller nhs --config " in service
    assert f"\nReadWritePaths={tmp_path}/workspace {tmp_path}/outbox\n" in service
    assert " schedule check --controller nhs --config " in overdue


@pytest.mark.parametrize(("keys", "controller"), [(CONTROLLER, None), (LINKAGE, "council")])
def test_a_schedule_for_another_role_than_the_places_is_refused(
    tmp_path: Path, keys: dict[str, Any], controller: str | None
) -> None:
    schedule = Schedule("02:30", "UTC", "hearth", controller=controller)
    with pytest.raises(Fault, match="SCHEDULE_ROLE"):
        write_units(_project(tmp_path, keys=keys), tmp_path / "hearth.toml", schedule, tmp_path / "units")


def test_a_schedule_without_an_operator_is_refused_where_people_are_real(tmp_path: Path) -> None:
    project = replace(_project(tmp_path), signing_keys=())
    with pytest.raises(Fault, match="SCHEDULE_NO_SIGNING_KEYS"):
        write_units(project, tmp_path / "hearth.toml", Schedule("02:30", "UTC", "u"), tmp_path / "units")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="Debian's systemd is not installed")
@pytest.mark.parametrize("network", [False, True])
def test_systemd_rates_the_exposure_of_each_unit_at_three_or_less(tmp_path: Path, network: bool) -> None:
    schedule = Schedule("02:30", "UTC", "hearth", Path("/bin/true"), network=network)
    units = write_units(_project(tmp_path), tmp_path / "hearth.toml", schedule, tmp_path / "units")
    for unit in (unit for unit in units if unit.suffix == ".service"):
        rated = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=30", unit],
            capture_output=True,
            text=True,
            check=False,
        )
        assert rated.returncode == 0, rated.stdout[-300:] + rated.stderr


@pytest.mark.parametrize(
    ("at", "zone", "skipped"),
    [
        ("01:30", "Europe/London", date(2027, 3, 28)),
        ("02:30", "Europe/London", None),
        ("02:30", "Europe/Berlin", date(2027, 3, 28)),
        ("01:30", "UTC", None),
    ],
)
def test_a_time_that_a_change_of_clocks_skips_is_found_and_refused(
    at: str, zone: str, skipped: date | None
) -> None:
    if skipped is None:
        assert Schedule(at, zone, "hearth").skipped_day(date(2026, 12, 1)) is None
    else:
        with pytest.raises(Fault, match="SCHEDULE_TIME_SKIPPED"):
            Schedule(at, zone, "hearth")
        unchecked = object.__new__(Schedule)
        object.__setattr__(unchecked, "at", at)
        object.__setattr__(unchecked, "timezone", zone)
        assert unchecked.skipped_day(date(2026, 12, 1)) == skipped


@pytest.mark.parametrize("at", ["2:30", "24:00", "02:60", "noon", "02:30:00"])
def test_a_time_that_is_none_is_refused(at: str) -> None:
    with pytest.raises(Fault, match="SCHEDULE_TIME:"):
        Schedule(at, "Europe/London", "hearth")


def test_a_time_zone_that_is_none_is_refused() -> None:
    with pytest.raises(Fault, match="SCHEDULE_TIMEZONE"):
        Schedule("02:30", "Europe/Barsetshire", "hearth")


@pytest.mark.parametrize(("at", "cron"), [("02:30", "30 2 * * *"), ("00:00", "0 0 * * *")])
def test_the_time_of_day_is_the_same_in_crons_notation(at: str, cron: str) -> None:
    assert Schedule(at, "UTC", "hearth").cron == cron


@pytest.mark.parametrize(
    ("name", "unit"), [("sample", "sample"), ("Trafford & NHS", "trafford-nhs"), ("…", "project")]
)
def test_a_units_name_is_plain(name: str, unit: str) -> None:
    assert slug(name) == unit


def test_files_that_are_there_already_are_not_written_over(tmp_path: Path) -> None:
    schedule = Schedule("02:30", "UTC", "hearth")
    write_units(_project(tmp_path), tmp_path / "hearth.toml", schedule, tmp_path / "units")
    with pytest.raises(Fault, match="WOULD_OVERWRITE"):
        write_units(_project(tmp_path), tmp_path / "hearth.toml", schedule, tmp_path / "units")


def test_a_workspace_that_a_night_could_not_make_must_be_there(tmp_path: Path) -> None:
    project = _project(tmp_path)
    project.workspace.rmdir()
    with pytest.raises(Fault, match="SCHEDULE_NO_WORKSPACE"):
        write_units(project, tmp_path / "hearth.toml", Schedule("02:30", "UTC", "u"), tmp_path / "units")


@pytest.mark.parametrize(("hours_ago", "is_late"), [(26, False), (26.1, True)])
def test_the_alarm_goes_on_one_side_of_the_hours_allowed(
    tmp_path: Path, hours_ago: float, is_late: bool
) -> None:
    _run(tmp_path, "20261120T023000Z-aaaa", NOW - timedelta(hours=hours_ago), "published")
    if not is_late:
        assert check_published_lately(tmp_path, 26, NOW).run_id == "20261120T023000Z-aaaa"
        return
    with pytest.raises(Fault, match="NIGHT_OVERDUE: Nothing was published since 2026-11-20 06:54 UTC"):
        check_published_lately(tmp_path, 26, NOW)


def test_the_alarm_names_how_the_last_run_ended(tmp_path: Path) -> None:
    _run(tmp_path, "20261119T023000Z-aaaa", NOW - timedelta(hours=50), "published")
    _run(tmp_path, "20261120T023000Z-bbbb", NOW - timedelta(hours=26), "refused", "AGREEMENT_EXPIRED")
    with pytest.raises(Fault, match=r"20261120T023000Z-bbbb, ended as refused \(AGREEMENT_EXPIRED\)"):
        check_published_lately(tmp_path, 26, NOW)


def test_at_a_controller_a_package_counts_and_a_release_does_not(tmp_path: Path) -> None:
    _run(tmp_path, "run-1", NOW - timedelta(hours=1), "done")
    assert check_published_lately(tmp_path, 26, NOW, "nhs").run_id == "run-1"
    with pytest.raises(Fault, match="Nothing has ever been published"):
        check_published_lately(tmp_path, 26, NOW)
    with pytest.raises(Fault, match="hearth pseudonymise --controller nhs"):
        check_published_lately(tmp_path, 26, NOW + timedelta(days=3), "nhs")


def test_a_workspace_where_nothing_ever_ran_is_overdue(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="Nothing has ever been published"):
        check_published_lately(tmp_path, 26, NOW)


def test_the_record_of_a_run_in_its_folder_is_not_believed(tmp_path: Path) -> None:
    _run(tmp_path, "20261119T023000Z-aaaa", NOW - timedelta(hours=50), "published")
    folder = tmp_path / "runs" / "20261121T023000Z-bbbb"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"status": "published", "code": None}))
    with pytest.raises(Fault, match="NIGHT_OVERDUE: Nothing was published since 2026-11-19 07:00 UTC"):
        check_published_lately(tmp_path, 26, NOW)


def test_an_end_that_the_log_has_not_signed_is_not_believed(tmp_path: Path) -> None:
    _run(tmp_path, "20261119T023000Z-aaaa", NOW - timedelta(hours=50), "published")
    _run(tmp_path, "20261121T023000Z-bbbb", NOW - timedelta(hours=1), "published", is_signed=False)
    with pytest.raises(Fault, match="NIGHT_OVERDUE"):
        check_published_lately(tmp_path, 26, NOW)


@pytest.mark.parametrize("change", ["edited", "deleted"])
def test_a_log_that_was_changed_is_refused(tmp_path: Path, change: str) -> None:
    _run(tmp_path, "20261120T023000Z-aaaa", NOW - timedelta(hours=50), "refused", "AGREEMENT_EXPIRED")
    log = tmp_path / "audit" / "audit.jsonl"
    if change == "edited":
        log.write_bytes(log.read_bytes().replace(b'"refused"', b'"published"'))
    else:
        log.unlink()
    with pytest.raises(Refused, match="AUDIT_LOG_CHANGED"):
        check_published_lately(tmp_path, 26, NOW)


@pytest.mark.slow
def test_prefect_is_given_paths_a_time_and_one_night_at_a_time(tmp_path: Path) -> None:
    from flows.orchestration.prefect_schedule import nightly_deployment

    schedule = Schedule("02:30", "Europe/London", "hearth")
    deployment = nightly_deployment(_project(tmp_path), tmp_path / "hearth.toml", None, schedule)
    assert deployment.parameters == {"config": str(tmp_path / "hearth.toml"), "workspace": None}
    (planned,) = deployment.schedules
    assert (planned.schedule.cron, planned.schedule.timezone) == ("30 2 * * *", "Europe/London")
    assert deployment.concurrency_limit == 1
    assert deployment.concurrency_options.collision_strategy == "CANCEL_NEW"


def test_serving_without_a_server_that_keeps_the_schedule_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.orchestration.prefect_schedule import serve_schedule

    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with pytest.raises(Fault, match="NO_PREFECT_SERVER"):
        serve_schedule(_project(tmp_path), tmp_path / "hearth.toml", None, Schedule("02:30", "UTC", "u"))


def test_the_help_shows_how_timers_are_enabled() -> None:
    shown = CliRunner().invoke(app, ["schedule", "write", "--help"]).output
    assert "systemctl enable --now" in shown


class _Server(BaseHTTPRequestHandler):
    status = 200

    def do_POST(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.mark.parametrize(("status", "code"), [(200, "PREFECT_SERVER_OPEN"), (401, None), (403, None)])
def test_a_prefect_server_that_answers_strangers_is_refused(status: int, code: str | None) -> None:
    from flows.orchestration.prefect_schedule import check_server_needs_authentication

    server = HTTPServer(("127.0.0.1", 0), type("Server", (_Server,), {"status": status}))
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/api"
    try:
        if code is None:
            check_server_needs_authentication(url)
        else:
            with pytest.raises(Fault, match=code):
                check_server_needs_authentication(url)
    finally:
        server.shutdown()
        server.server_close()
    with pytest.raises(Fault, match="NO_PREFECT_SERVER"):
        check_server_needs_authentication(url)
