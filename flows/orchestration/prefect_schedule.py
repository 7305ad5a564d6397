"""A schedule kept in a Prefect server. This process carries out the runs."""

# ruff: noqa: E402  Prefect reads its environment when it is imported
from flows.orchestration.prefect_settings import apply_prefect_settings

apply_prefect_settings()

import os
from pathlib import Path
from typing import Any

import httpx
from prefect import serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.schedules import Cron

from flows.nightly import nightly
from flows.orchestration.systemd_schedule import Schedule, slug
from governance.errors import Fault
from pipeline.project import Project


def nightly_deployment(project: Project, config: Path, workspace: Path | None, schedule: Schedule) -> Any:
    """Return the deployment: at most one run at a time, and only paths as parameters."""
    return nightly.to_deployment(
        name=slug(project.name),
        description="One run a day. If a gate refuses, the flow run fails and its message is the code.",
        schedules=[Cron(schedule.cron, timezone=schedule.timezone)],
        parameters={
            "config": str(config.absolute()),
            "workspace": None if workspace is None else str(workspace.absolute()),
        },
        concurrency_limit=ConcurrencyLimitConfig(
            limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
        ),
    )


def check_server_needs_authentication(url: str) -> None:
    """Raise Fault unless the server refuses a request without its authentication string.

    An open server lets every account that reaches it read run parameters and delete flow runs.
    """
    try:
        answer = httpx.post(f"{url.rstrip('/')}/flow_runs/filter", json={"limit": 1}, timeout=30)
    except httpx.HTTPError as error:
        raise Fault(
            "NO_PREFECT_SERVER",
            f"The server that PREFECT_API_URL names does not answer ({type(error).__name__}).",
            "Start it with `prefect server start`, or use systemd: `hearth schedule write`.",
        ) from None
    if answer.status_code not in (401, 403):
        raise Fault(
            "PREFECT_SERVER_OPEN",
            "The Prefect server answers requests without authentication, so other accounts of this machine "
            "could read or delete runs.",
            "Set PREFECT_SERVER_API_AUTH_STRING for the server and PREFECT_API_AUTH_STRING here to one "
            "random value; `hearth schedule serve --help` shows how.",
        )


def serve_schedule(project: Project, config: Path, workspace: Path | None, schedule: Schedule) -> None:
    """Serve the deployment until stopped. Raises Fault without a Prefect server that runs permanently."""
    if not os.environ.get("PREFECT_API_URL"):
        raise Fault(
            "NO_PREFECT_SERVER",
            "PREFECT_API_URL is not set, and Prefect's temporary server cannot keep a schedule.",
            "Start a server with `prefect server start` and set PREFECT_API_URL to its address. "
            "Or use systemd instead: `hearth schedule write`.",
        )
    check_server_needs_authentication(os.environ["PREFECT_API_URL"])
    # Prefect starts a Python of its own for each run. It must not import from the current folder or from the
    # account's own site-packages (rule PRE-05).
    os.environ |= {"PYTHONSAFEPATH": "1", "PYTHONNOUSERSITE": "1"}
    serve(nightly_deployment(project, config, workspace, schedule), pause_on_shutdown=False, limit=1)
