"""Whatever goes wrong becomes an error that names no value.

Engines quote the offending cell in their messages, so of a foreign exception
only its type and the places it passed through are kept.
"""

import traceback
from pathlib import Path

from governance.errors import Fault, HearthError
from pipeline.engine.exhaustion import exhaustion_fault
from schemas.strict_yaml import DefinitionInvalid


class Interrupted(BaseException):
    """The operator or the service manager asked the run to stop."""


class StopRequest:
    """Whether this process was asked to stop: engines turn the interruption into errors of their own."""

    was_made = False


def as_hearth_error(error: BaseException, stage: str) -> HearthError:
    """Return `error` itself when it is ours, else a Fault that carries its type alone; a stop comes first."""
    if StopRequest.was_made or isinstance(error, KeyboardInterrupt | Interrupted):
        return Fault(
            "INTERRUPTED",
            f"The run was asked to stop during {stage}; nothing was published.",
            "Start it again: finished stages are not run twice.",
        )
    if isinstance(error, HearthError):
        return error
    if isinstance(error, DefinitionInvalid):
        return Fault(
            "DEFINITION_INVALID",
            f"{error}.",
            "Mend the file in schemas/; `hearth measures check FILE` says the same before a run.",
        )
    if (exhausted := exhaustion_fault(error, stage)) is not None:
        return exhausted
    return Fault(
        "STAGE_FAULT",
        f"{stage} stopped on an unexpected {type(error).__name__}.",
        "The places it passed through are in the run's faults.log (without values); report it with them.",
    )


def write_places(error: BaseException, path: Path) -> None:
    """Append the type and the code places of an exception to a log, never its message."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{type(error).__module__}.{type(error).__name__}"]
    lines += [f"  {Path(f.filename).name}:{f.lineno} {f.name}" for f in frames]
    try:
        with path.open("a") as log:
            log.write("\n".join(lines) + "\n")
    except OSError:
        return
