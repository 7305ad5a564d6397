"""Fixtures of the governance room: a clock that can be set, a log with its key, the sample agreement."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from governance.agreement.agreement import Agreement, read_agreement
from governance.audit.log import AuditLog
from governance.audit.signer import LogSigner, open_log_signer

SAMPLE = Path(__file__).parents[3] / "sample_data" / "sample" / "agreement.toml"


class Clock:
    """Time that moves by a second each time it is read, and wherever a test puts it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def signer(tmp_path: Path) -> LogSigner:
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    return open_log_signer(keys, "hearth/test")


@pytest.fixture
def audit_folder(tmp_path: Path) -> Path:
    return tmp_path / "audit"


@pytest.fixture
def audit(audit_folder: Path, signer: LogSigner, clock: Clock) -> AuditLog:
    return AuditLog.open(audit_folder, signer, clock)


@pytest.fixture
def log_run(audit: AuditLog) -> Callable[[str], None]:
    """Writes one whole run: begun, two verdicts, ended, signed at each stage boundary."""

    def write(run: str) -> None:
        audit.append(run, "operator", None, "run_start", evidence={"extracts": 2})
        for stage in ("ingest", "link"):
            audit.append(
                run, "operator", stage, "rule", rule="ING-03", verdict="pass", evidence={"rows": 20113}
            )
            audit.append(run, "operator", stage, "gate", verdict="cleared", evidence={"rules": ["ING-03"]})
            audit.checkpoint()
        audit.append(run, "operator", None, "run_end", verdict="published", evidence={"stages": 2})
        audit.checkpoint()

    return write


@pytest.fixture
def agreement() -> Agreement:
    return read_agreement(SAMPLE)
