"""Turn every exception into an error that contains no value.

Engines quote the offending cell in their messages. Of a foreign exception, only the type and the stack trace
without values are kept.
"""

import os
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from governance.errors import Fault, HearthError
from pipeline.engine.exhaustion import exhaustion_fault

#: What a file of stack traces is called, in the folder of a run and in the state folder of a user.
TRACE_LOG = "faults.log"
_STATE_HOME = "XDG_STATE_HOME"


class Interrupted(BaseException):
    """The operator or the service manager stopped the run."""


class StopRequest:
    """Whether this process was stopped. Engines turn the interruption into errors of their own."""

    was_made = False


def as_hearth_error(error: BaseException, stage: str, trace: Path | None = None) -> HearthError:
    """Return `error` if it is our own, else a Fault with only its type. A stop takes precedence.

    trace: the file that contains its stack trace, if it could be written.
    """
    if StopRequest.was_made or isinstance(error, KeyboardInterrupt | Interrupted):
        return Fault(
            "INTERRUPTED",
            f"The run was stopped during {stage}, so nothing was published.",
            "Start it again with the same command; finished stages are not run again.",
        )
    if isinstance(error, HearthError):
        return error
    if (invalid := _invalid_definition(error)) is not None:
        return invalid
    if (exhausted := exhaustion_fault(error, stage)) is not None:
        return exhausted
    where = (
        "The stack trace could not be written."
        if trace is None
        else f"Stack trace without data values: {trace}"
    )
    return Fault(
        "STAGE_FAULT",
        f"{stage} stopped because of an unexpected {type(error).__name__}, which Hearth cannot explain.",
        f"Run it again. If it stops again, report it to the maintainers of Hearth. {where}",
    )


def record_fault(error: BaseException, stage: str, run_folder: Path | None = None) -> HearthError:
    """Write the stack trace of an error, without values, and return the error to show, which names the file.

    run_folder: the folder of the run that stopped; without one, only the trace of an unexpected error is
    written, to a private file of this user.
    """
    if run_folder is not None:
        return as_hearth_error(error, stage, _write_trace(error, run_folder / TRACE_LOG))
    hearth_error = as_hearth_error(error, stage)
    if hearth_error.code != "STAGE_FAULT":
        return hearth_error
    return as_hearth_error(error, stage, _write_private_trace(error))


def _invalid_definition(error: BaseException) -> Fault | None:
    from schemas.strict_yaml import DefinitionInvalid  # here: YAML takes a while to import

    if not isinstance(error, DefinitionInvalid):
        return None
    return Fault(
        "DEFINITION_INVALID",
        f"{error}.",
        "Correct the file in schemas/, then check it with `hearth measures check FILE`.",
    )


def _write_private_trace(error: BaseException) -> Path | None:
    """Write to the user's state folder (XDG), or to a temporary file where that cannot be written."""
    home = os.environ.get(_STATE_HOME) or "~/.local/state"
    try:
        folder = Path(home).expanduser() / "hearth"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # RuntimeError: this user has no home
        folder = None
    if folder is not None and (written := _write_trace(error, folder / TRACE_LOG)) is not None:
        return written
    try:
        descriptor, name = tempfile.mkstemp(prefix="hearth-faults-", suffix=".log")
        os.close(descriptor)
    except OSError:
        return None
    return _write_trace(error, Path(name))


def _write_trace(error: BaseException, path: Path) -> Path | None:
    """Append an exception's type and stack trace to a private log, without its message and without values.

    Returns the log, or None where it cannot be written.
    """
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {type(error).__module__}.{type(error).__name__}"]
    lines += [f"  {Path(f.filename).name}:{f.lineno} {f.name}" for f in frames]
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "a") as log:
            log.write("\n".join(lines) + "\n")
    except OSError:
        return None
    return path
