"""How stages run as Prefect tasks: without stored results, and without retries after a refusal.

Prefect receives a stage's name, counts and codes. It never receives tables, keys or exceptions: the work of
a task runs in a closure, and an exception goes around Prefect to the caller. Prefect sees only its code.
"""

# ruff: noqa: E402  Prefect reads its environment when it is imported
from flows.orchestration.prefect_settings import apply_prefect_settings

apply_prefect_settings()

from collections.abc import Callable
from typing import Any, TypeVar

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.run.reporting.faults import as_hearth_error
from flows.run.reporting.outcome import Outcome
from governance.errors import Refused

T = TypeVar("T")

__all__ = ["Completed", "Failed", "State", "as_task", "flow", "record_outcome"]


def as_task(name: str, work: Callable[[], T]) -> T:
    """Run a stage's work as a Prefect task of that name and return what it returns.

    The task itself takes and returns nothing. An exception reaches the caller unchanged; Prefect sees only
    the state "Failed" with a code.
    """
    done: list[T] = []
    raised: list[BaseException] = []

    @task(name=name, persist_result=False, cache_policy=NO_CACHE, retries=0)
    def stage() -> State[Any]:
        try:
            done.append(work())
        except BaseException as error:  # noqa: BLE001 raised again below
            raised.append(error)
            hearth_error = as_hearth_error(error, name)
            kind = "GOVERNANCE GATE" if isinstance(hearth_error, Refused) else "FAULT"
            return Failed(message=f"{kind}: {hearth_error.code}")
        return Completed(message="passed its gate")

    stage(return_state=True)
    if raised:
        raise raised.pop()
    return done.pop()


def record_outcome(outcome: Outcome) -> None:
    """Store stages and verdict as Prefect artifacts. Their keys are fixed, so Prefect shows a history."""
    create_table_artifact(
        key="hearth-stages",
        description=f"Stages of run {outcome.run_id}",
        table=[
            {"stage": s.stage, "part": s.part, "outcome": s.outcome, "seconds": s.seconds}
            for s in outcome.stages
        ],
    )
    lines = [f"# Run {outcome.run_id}: {outcome.status}"]
    if outcome.code is not None:
        lines += [f"**{outcome.code}**", outcome.remedy or ""]
    create_markdown_artifact(key="hearth-verdict", markdown="\n\n".join(lines))
