"""Turn every exception into an error that contains no value.

Engines quote the offending cell in their messages. Of a foreign exception, only the type and the stack trace
without values are kept.
"""

import traceback
from pathlib import Path

from governance.errors import Fault, HearthError
from pipeline.engine.exhaustion import exhaustion_fault
from schemas.strict_yaml import DefinitionInvalid


class Interrupted(BaseException):
    """The operator or the service manager stopped the run."""


class StopRequest:
    """Whether this process was stopped. Engines turn the interruption into errors of their own."""

    was_made = False


def as_hearth_error(error: BaseException, stage: str) -> HearthError:
    """Return `error` if it is our own, else a Fault with only its type. A stop takes precedence."""
    if StopRequest.was_made or isinstance(error, KeyboardInterrupt | Interrupted):
        return Fault(
            "INTERRUPTED",
            f"The run was stopped during {stage}, so nothing was published.",
            "Start it again with the same command; finished stages are not run again.",
        )
    if isinstance(error, HearthError):
        return error
    if isinstance(error, DefinitionInvalid):
        return Fault(
            "DEFINITION_INVALID",
            f"{error}.",
            "Correct the file in schemas/, then check it with `hearth measures check FILE`.",
        )
    if (exhausted := exhaustion_fault(error, stage)) is not None:
        return exhausted
    return Fault(
        "STAGE_FAULT",
        f"{stage} stopped because of an unexpected {type(error).__name__}, which Hearth cannot explain.",
        "Report it to the maintainers of Hearth. Stack trace without data values: runs/<run id>/faults.log",
    )


def write_places(error: BaseException, path: Path) -> None:
    """Append an exception's type and stack trace to a log, without its message and without values."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{type(error).__module__}.{type(error).__name__}"]
    lines += [f"  {Path(f.filename).name}:{f.lineno} {f.name}" for f in frames]
    try:
        with path.open("a") as log:
            log.write("\n".join(lines) + "\n")
    except OSError:
        return
