"""Settings that keep Prefect private and its output short. Call this before anything imports Prefect.

Prefect has three channels of telemetry: the server's heartbeat, the SDK's events and the script of the
bundled page. Environment variables close all three. Results are not persisted, and log lines are not sent to
the API.
"""

import os
import secrets
from pathlib import Path

SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
}
DEFAULTS = {
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
}


def apply_prefect_settings(home: Path | None = None) -> None:
    """Close every telemetry channel. `home` becomes PREFECT_HOME (mode 0700) unless the operator has set one.

    With a server of the operator's own (PREFECT_API_URL), the same settings apply to this process.
    """
    os.environ.update(SETTINGS)
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    if home is not None and "PREFECT_HOME" not in os.environ:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.environ["PREFECT_HOME"] = str(home)
    if "PREFECT_API_URL" not in os.environ:
        _require_authentication()


def _require_authentication() -> None:
    """Let only this process use its ephemeral server, which any account of the machine can reach.

    The server and its client share one random value, new for each run and stored nowhere.
    """
    value = f"hearth:{secrets.token_urlsafe(32)}"
    os.environ["PREFECT_SERVER_API_AUTH_STRING"] = value
    os.environ["PREFECT_API_AUTH_STRING"] = value
