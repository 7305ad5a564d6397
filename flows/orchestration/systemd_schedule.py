"""A project's runs as systemd services of the operator's machine, so that they start automatically.

The units start Python isolated (`-I`), so no variable and no folder of the account changes what runs.
The unit files contain paths, times and the project's name. systemd receives only the exit code of a run.
"""

import os
import re
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
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
from pipeline.transfer.settings import read_transfer_settings
from schemas.storage.zones import AUDIT

#: One day, and two hours for a run that takes long.
OVERDUE_HOURS = 26
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


@dataclass(frozen=True)
class Schedule:
    """When a project's runs start, and what happens if one fails.

    at: HH:MM in `timezone`. user: the account that runs start under. on_failure: path of a program that is
    called with the name of the failed unit; None for no call. network: whether runs may use the network
    (needed only for keys in Vault or AWS). controller: "council" or "nhs" at that controller's place, where a
    run makes a package; None where a run publishes.
    """

    at: str
    timezone: str
    user: str
    on_failure: Path | None = None
    network: bool = False
    overdue_hours: int = OVERDUE_HOURS
    controller: str | None = None

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
        if skipped := self.skipped_day(date.today()):  # noqa: DTZ011 a day is enough
            raise Fault(
                "SCHEDULE_TIME_SKIPPED",
                f"On {skipped} the clocks go forward, so {self.at} does not exist that night. The timer "
                "would not start the run.",
                "Use a time outside the change of clocks, such as `--at 03:30`.",
            )

    def skipped_day(self, first: date) -> date | None:
        """Return the first day of the two years from `first` on which the time does not exist, or None."""
        hour, minute = map(int, self.at.split(":"))
        zone = ZoneInfo(self.timezone)
        for number in range(2 * 366):
            local = datetime.combine(first + timedelta(days=number), time(hour, minute), zone)
            if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
                return local.date()
        return None

    @property
    def cron(self) -> str:
        """The same time of day in cron notation."""
        hour, minute = self.at.split(":")
        return f"{int(minute)} {int(hour)} * * *"


def write_units(project: Project, config: Path, schedule: Schedule, out: Path) -> list[Path]:
    """Write the systemd service and timer files of a project into `out`. Returns their paths.

    A run under systemd may write only to its workspace and, at a controller, to the outbox, or in the linkage
    environment to the inbox. Raises Fault if `out` already contains one of the files, if the workspace does
    not exist (the run cannot create it), or if hearth.toml is that of another role.
    """
    if not project.workspace.is_dir():
        raise Fault(
            "SCHEDULE_NO_WORKSPACE",
            "The project's workspace does not exist yet, and a run under systemd may not create it.",
            "Run the pipeline once yourself with `hearth run`, then repeat `hearth schedule write`.",
        )
    role = _role(project, schedule.controller)
    unit = f"hearth-{slug(project.name)}" + (f"-{schedule.controller}" if schedule.controller else "")
    on_failure = "" if schedule.on_failure is None else f"OnFailure={unit}-failed@%N.service"
    python = Path(sys.prefix) / "bin" / "python"
    values = {
        "name": _plain(project.name),
        "user": _plain(schedule.user),
        "hearth": f"{_quoted(str(python))} -I -m flows.cli",
        "config": _quoted(str(config.absolute())),
        "workspace": _quoted(str(project.workspace)),
        "workspace_path": _quoted(str(project.workspace), in_command=False),
        "command": role.command,
        "role": role.checked,
        "result": role.result,
        "writable": " ".join(_quoted(str(path), in_command=False) for path in role.writable),
        "address_families": f"AF_UNIX{' AF_INET AF_INET6' if schedule.network else ''}",
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
        own = values | {"unit": name.rpartition(".")[0]}
        if template == "failed.service":
            own |= {"private_network": "no", "address_families": "AF_UNIX AF_INET AF_INET6"}
        own["hardening"] = _template("hardening.conf").substitute(own)
        path = out / name
        path.write_text(_template(template).substitute(own), "utf-8")
        written.append(path)
    return written


def _template(name: str) -> Template:
    return Template((files("flows") / "deploy" / name).read_text("utf-8"))


@dataclass(frozen=True)
class _Role:
    """What a place's runs do. checked: option of `hearth schedule check`. writable: folders of a run."""

    command: str
    checked: str
    result: str
    writable: tuple[Path, ...]


def _role(project: Project, controller: str | None) -> _Role:
    """Return the role of the place that a hearth.toml describes; raises Fault if it cannot run by itself."""
    transfer = read_transfer_settings(project)
    if project.production and not project.signing_keys:
        raise Fault(
            "SCHEDULE_NO_SIGNING_KEYS",
            "signing_keys is missing under [project] in hearth.toml. A run that starts by itself would have "
            "no operator, and its gate would refuse it.",
            "Name the keys of the operator and of the releaser there, then repeat `hearth schedule write`.",
        )
    is_linkage = transfer.identity is not None or project.custody == "single-operator"
    if controller is None and not is_linkage:
        raise Fault(
            "SCHEDULE_ROLE",
            "This hearth.toml has no identity under [keys.transfer], so it is a controller's. A controller "
            "makes packages and does not publish.",
            "Add `--controller council` or `--controller nhs`, whichever this place is.",
        )
    if controller is not None and transfer.identity is not None:
        raise Fault(
            "SCHEDULE_ROLE",
            "This hearth.toml has an identity under [keys.transfer], so it is the linkage environment's. "
            "That place makes no packages.",
            "Leave --controller out, or use the hearth.toml of the controller.",
        )
    if controller is not None:
        transfer.outbox.mkdir(exist_ok=True, mode=0o700)
        return _Role(
            f"pseudonymise --controller {controller}",
            f" --controller {controller}",
            "made a package",
            (project.workspace, transfer.outbox),
        )
    writable = [project.workspace]
    if transfer.identity is not None:
        transfer.inbox.mkdir(exist_ok=True, mode=0o700)
        writable.append(transfer.inbox)
    return _Role("run --no-orchestrator", "", "published", tuple(writable))


def slug(name: str) -> str:
    """Return a project's name in a form that a unit's name may contain."""
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-") or "project"


@dataclass(frozen=True)
class LastRun:
    """When a workspace last published or made a package (None: never), and how its last run ended."""

    published: datetime | None
    run_id: str | None
    status: str | None
    code: str | None


def last_run(workspace: Path, wanted: str = "published") -> LastRun:
    """Read from the signed part of the audit log how the runs of a workspace ended.

    A run without an end (it was killed, or is in progress) is not counted, and run.json is not read.
    wanted: verdict of a successful end: "published", or "done" at a controller. Raises Refused if the log was
    changed.
    """
    audit = workspace / AUDIT
    report = verify_folder(audit)
    if report.tampered:
        raise changed_log(report.tampered[0].rstrip("."))
    if not (audit / LOG_NAME).is_file():
        return LastRun(None, None, None, None)
    ends = [e for e in islice(events(audit), report.signed_lines) if e["event"] == "run_end"]
    published = [e["ts"] for e in ends if e["verdict"] == wanted]
    when = datetime.fromisoformat(published[-1]) if published else None
    if not ends:
        return LastRun(when, None, None, None)
    return LastRun(when, ends[-1]["run"], ends[-1]["verdict"], (ends[-1]["evidence"] or {}).get("code"))


def check_published_lately(
    workspace: Path, hours: int, now: datetime | None = None, controller: str | None = None
) -> LastRun:
    """Return the last run. Raises Fault if nothing was published within this number of hours.

    controller: at a controller's place, a package counts instead of a release.
    """
    last = last_run(workspace, "published" if controller is None else "done")
    now = now or datetime.now(UTC)
    if last.published is not None and now - last.published <= timedelta(hours=hours):
        return last
    if controller is None:
        never, since, again = "Nothing has ever been published", "Nothing was published", "hearth run"
    else:
        never, since = "No package has ever been made", "No package was made"
        again = f"hearth pseudonymise --controller {controller}"
    what = never if last.published is None else f"{since} since {last.published:%Y-%m-%d %H:%M} UTC"
    ended = (
        "No run has finished"
        if last.run_id is None
        else f"The last run that finished, {last.run_id}, ended as {last.status}"
        f"{f' ({last.code})' if last.code else ''}"
    )
    raise Fault(
        "NIGHT_OVERDUE",
        f"{what}; the limit is {counted(hours, 'hour')}. {ended}.",
        f"Read runs/<run id>/run.log in the workspace, then start a run: `{again}`.",
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
