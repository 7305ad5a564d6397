"""A project's runs as systemd services of the operator's machine, so that they start automatically.

The unit files contain paths, times and the project's name. systemd receives only the exit code of a run.
"""

import os
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import islice
from pathlib import Path
from string import Template
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from governance.audit.folder import changed_log
from governance.audit.verify import LOG_NAME, verify_folder
from governance.counted import counted
from governance.errors import Fault
from governance.history import events
from pipeline.project import Project
from schemas.storage.zones import AUDIT

#: One day, and two hours for a run that takes long.
OVERDUE_HOURS = 26
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


@dataclass(frozen=True)
class Schedule:
    """When a project's runs start, and what happens if one fails.

    at: HH:MM in `timezone`. user: the account that runs start under. on_failure: path of a program that is
    called with the name of the failed unit; None for no call. network: whether runs may use the network
    (needed only for keys in Vault or AWS).
    """

    at: str
    timezone: str
    user: str
    on_failure: Path | None = None
    network: bool = False
    overdue_hours: int = OVERDUE_HOURS

    def __post_init__(self) -> None:
        if not _TIME.fullmatch(self.at):
            raise Fault(
                "SCHEDULE_TIME", "--at is not a time of day.", "Write it as HH:MM, such as `--at 02:30`."
            )
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            raise Fault(
                "SCHEDULE_TIMEZONE",
                "--timezone is not the name of a time zone.",
                "Use a name from the IANA list, such as `--timezone Europe/London`.",
            ) from None

    @property
    def cron(self) -> str:
        """The same time of day in cron notation."""
        hour, minute = self.at.split(":")
        return f"{int(minute)} {int(hour)} * * *"


def write_units(project: Project, config: Path, schedule: Schedule, out: Path) -> list[Path]:
    """Write the systemd service and timer files of a project into `out`. Returns their paths.

    Raises Fault if `out` already contains one of them, or if the workspace does not exist. A run under
    systemd may write only to the workspace, so it cannot create it.
    """
    if not project.workspace.is_dir():
        raise Fault(
            "SCHEDULE_NO_WORKSPACE",
            "The project's workspace does not exist yet, and a run under systemd may not create it.",
            "Run the pipeline once yourself with `hearth run`, then repeat `hearth schedule write`.",
        )
    unit = f"hearth-{slug(project.name)}"
    on_failure = "" if schedule.on_failure is None else f"OnFailure={unit}-failed@%N.service"
    hearth = Path(sys.prefix) / "bin" / "hearth"
    values = {
        "name": _plain(project.name),
        "user": _plain(schedule.user),
        "hearth": _quoted(str(hearth)),
        "config": _quoted(str(config.absolute())),
        "workspace": _quoted(str(project.workspace)),
        "workspace_path": _quoted(str(project.workspace), in_command=False),
        "documentation": str(Path(__file__).resolve().parents[2] / "README.md").replace(" ", "%%20"),
        "at": schedule.at,
        "timezone": schedule.timezone,
        "hours": str(schedule.overdue_hours),
        "private_network": "no" if schedule.network else "yes",
        "on_failure": on_failure,
        "on_failure_command": "" if schedule.on_failure is None else _quoted(str(schedule.on_failure)),
    }
    named = {
        f"{unit}.service": "nightly.service",
        f"{unit}.timer": "nightly.timer",
        f"{unit}-overdue.service": "overdue.service",
        f"{unit}-overdue.timer": "overdue.timer",
    }
    if schedule.on_failure is not None:
        named[f"{unit}-failed@.service"] = "failed.service"
    out.mkdir(parents=True, exist_ok=True)
    present = [name for name in named if (out / name).exists()]
    if present:
        raise Fault(
            "WOULD_OVERWRITE",
            f"{out} already contains {', '.join(present)}, so nothing was written.",
            "Name another folder with --out, or remove these files first.",
        )
    written = []
    for name, template in named.items():
        text = Template((files("flows") / "deploy" / template).read_text("utf-8"))
        path = out / name
        path.write_text(text.substitute(values, unit=name.rpartition(".")[0]), "utf-8")
        written.append(path)
    return written


def slug(name: str) -> str:
    """Return a project's name in a form that a unit's name may contain."""
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-") or "project"


@dataclass(frozen=True)
class LastRun:
    """When the last release of a workspace was published (None: never), and how its last run ended."""

    published: datetime | None
    run_id: str | None
    status: str | None
    code: str | None


def last_run(workspace: Path) -> LastRun:
    """Read from the signed part of the audit log how the runs of a workspace ended.

    A run without an end (it was killed, or is in progress) is not counted, and run.json is not read.
    Raises Refused if the log was changed.
    """
    audit = workspace / AUDIT
    report = verify_folder(audit)
    if report.tampered:
        raise changed_log(report.tampered[0].rstrip("."))
    if not (audit / LOG_NAME).is_file():
        return LastRun(None, None, None, None)
    ends = [e for e in islice(events(audit), report.signed_lines) if e["event"] == "run_end"]
    published = [e["ts"] for e in ends if e["verdict"] == "published"]
    when = datetime.fromisoformat(published[-1]) if published else None
    if not ends:
        return LastRun(when, None, None, None)
    return LastRun(when, ends[-1]["run"], ends[-1]["verdict"], (ends[-1]["evidence"] or {}).get("code"))


def check_published_lately(workspace: Path, hours: int, now: datetime | None = None) -> LastRun:
    """Return the last run. Raises Fault if nothing was published within this number of hours."""
    last = last_run(workspace)
    now = now or datetime.now(UTC)
    if last.published is not None and now - last.published <= timedelta(hours=hours):
        return last
    what = (
        "Nothing has ever been published"
        if last.published is None
        else f"Nothing was published since {last.published:%Y-%m-%d %H:%M} UTC"
    )
    ended = (
        "No run has finished"
        if last.run_id is None
        else f"The last run that finished, {last.run_id}, ended as {last.status}"
        f"{f' ({last.code})' if last.code else ''}"
    )
    raise Fault(
        "NIGHT_OVERDUE",
        f"{what}; the limit is {counted(hours, 'hour')}. {ended}.",
        "Read runs/<run id>/run.log in the workspace, then start a run: `hearth run`.",
    )


def _plain(text: str) -> str:
    """Return text that a unit file may contain outside quotes: one line, percent signs doubled."""
    return re.sub(r"[^\w .:@-]", "_", text).replace("%", "%%")


def _quoted(text: str, in_command: bool = True) -> str:
    """Return a path as one word of a unit file. In a command line, dollar signs are doubled as well."""
    if re.search(r"[\n\r\x00]", text):
        raise Fault(
            "SCHEDULE_PATH",
            "A path of the project contains a line break, which a unit file cannot contain.",
            "Move the project to a folder with another name, then repeat `hearth schedule write`.",
        )
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    if in_command:
        escaped = escaped.replace("$", "$$")
    return f'"{escaped}"' if re.search(r"[\s\"'\\;]", text) else escaped


def operator_name() -> str:
    """Return the current account, which runs start under unless another one is named."""
    import getpass

    return os.environ.get("SUDO_USER") or getpass.getuser()
