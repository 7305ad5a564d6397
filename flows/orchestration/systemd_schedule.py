"""A project's nights as services of the operator's machine, so that nobody has to remember them.

Service files name paths, times and the project; what they are told of a night is an exit code.
"""

import json
import os
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from string import Template
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from governance.errors import Fault
from pipeline.project import Project
from schemas.storage.zones import RUNS

#: A day, and two hours for a night that takes long.
OVERDUE_HOURS = 26
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


@dataclass(frozen=True)
class Schedule:
    """When a project's nights begin, and who hears when one fails.

    at: HH:MM in `timezone`. user: the account the night runs under. on_failure: path of a programme
    that is given the name of the failed unit; None for nobody. network: whether the night may use the
    network (only key custody in Vault or AWS needs it).
    """

    at: str
    timezone: str
    user: str
    on_failure: Path | None = None
    network: bool = False
    overdue_hours: int = OVERDUE_HOURS

    def __post_init__(self) -> None:
        if not _TIME.fullmatch(self.at):
            raise Fault("SCHEDULE_TIME", "The time is not HH:MM.", "Give a time of day such as --at 02:30.")
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            raise Fault(
                "SCHEDULE_TIMEZONE", "There is no such time zone.", "Give one such as Europe/London."
            ) from None

    @property
    def cron(self) -> str:
        """The same time in the notation of cron."""
        hour, minute = self.at.split(":")
        return f"{int(minute)} {int(hour)} * * *"


def write_units(project: Project, config: Path, schedule: Schedule, out: Path) -> list[Path]:
    """Write systemd's service and timer files of a project into `out`; returns them.

    Raises Fault where `out` holds one of them already, or the workspace is not there: a night may write
    to it and nowhere else, so it cannot make it.
    """
    if not project.workspace.is_dir():
        raise Fault(
            "SCHEDULE_NO_WORKSPACE",
            "The project's workspace is not there yet.",
            "Run one night by hand first, with `hearth run`.",
        )
    unit = f"hearth-{slug(project.name)}"
    told = "" if schedule.on_failure is None else f"OnFailure={unit}-failed@%N.service"
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
        "on_failure": told,
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
            f"{out} holds {len(present)} of these files already.",
            "Name another folder with --out, or remove them first.",
        )
    written = []
    for name, template in named.items():
        text = Template((files("flows") / "deploy" / template).read_text("utf-8"))
        path = out / name
        path.write_text(text.substitute(values, unit=name.rpartition(".")[0]), "utf-8")
        written.append(path)
    return written


def slug(name: str) -> str:
    """Return a project's name as a unit's name may contain it."""
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-") or "project"


@dataclass(frozen=True)
class LastRun:
    """When a workspace's last release was finished (None: never), and how its last run ended."""

    published: datetime | None
    run_id: str | None
    status: str | None
    code: str | None


def last_run(workspace: Path) -> LastRun:
    """Read how the runs of a workspace ended; a run that left no record (killed) is none."""
    published: datetime | None = None
    latest: tuple[str, dict[str, str]] | None = None
    for path in sorted((workspace / RUNS).glob("*/run.json")):
        try:
            kept = json.loads(path.read_text("utf-8"))
            ended = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except (OSError, ValueError):
            continue  # being written, or cut short by a full disk
        latest = (path.parent.name, kept)
        if kept["status"] == "published":
            published = ended if published is None else max(published, ended)
    if latest is None:
        return LastRun(published, None, None, None)
    return LastRun(published, latest[0], latest[1]["status"], latest[1]["code"])


def check_published_lately(workspace: Path, hours: int, now: datetime | None = None) -> LastRun:
    """Return the last night; raises Fault where nothing was published within so many hours."""
    last = last_run(workspace)
    now = now or datetime.now(UTC)
    if last.published is not None and now - last.published <= timedelta(hours=hours):
        return last
    since = "ever" if last.published is None else f"since {last.published:%Y-%m-%d %H:%M} UTC"
    ended = "No run has ended" if last.run_id is None else f"The last run that ended ({last.run_id})"
    how = "" if last.run_id is None else f" is {last.status}{f' ({last.code})' if last.code else ''}"
    raise Fault(
        "NIGHT_OVERDUE",
        f"Nothing was published {since}, and {hours} hours are allowed. {ended}{how}.",
        "See the run's run.log and `hearth audit verify`; then start `hearth run`.",
    )


def _plain(text: str) -> str:
    """Text as it may stand in a unit file outside quotes: one line, specifiers doubled."""
    return re.sub(r"[^\w .:@-]", "_", text).replace("%", "%%")


def _quoted(text: str, in_command: bool = True) -> str:
    """A path as one word of a unit file; in a command line a dollar sign stands for a variable."""
    if re.search(r"[\n\r\x00]", text):
        raise Fault("SCHEDULE_PATH", "A path holds a line break.", "Move the project to another folder.")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    if in_command:
        escaped = escaped.replace("$", "$$")
    return f'"{escaped}"' if re.search(r"[\s\"'\\;]", text) else escaped


def operator_name() -> str:
    """Return the account that asks, as the one that nights run under unless another is named."""
    import getpass

    return os.environ.get("SUDO_USER") or getpass.getuser()
