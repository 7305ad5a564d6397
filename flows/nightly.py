"""The Prefect flow that takes the data's journey every night.

The flow is given a configuration's path and a run id, never a table, a key or an
identifier: Prefect keeps its parameters, results and log lines in its database.
"""

from flows.orchestration.tasks import Failed, State, as_task, flow, record_outcome
from flows.run.run import RunRequest, run_pipeline


@flow(name="hearth-nightly")
def nightly(
    config: str,
    workspace: str | None = None,
    run_id: str | None = None,
    signing_keys: list[str] | None = None,
) -> State | None:
    """Run one night under Prefect; a gate's refusal is a failed flow run that names code and remedy.

    signing_keys: paths of key files, see `actions/authorisation.py`; the keys stay in this process.
    """
    request = RunRequest.of(config, workspace, run_id, signing_keys or ())
    outcome = run_pipeline(request, perform=as_task)
    record_outcome(outcome)
    if outcome.status == "published":
        return None
    kind = "GOVERNANCE GATE" if outcome.status == "refused" else "FAULT"
    return Failed(message=f"{kind}: {outcome.code}")
