"""The Prefect flow that runs every stage of the pipeline, usually once a night.

The flow receives the path of a configuration and a run id, never a table, a key or an
identifier, because Prefect stores parameters, results and log lines in its database.
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
    """Run the pipeline once under Prefect. If a gate refuses, the flow run fails and its message is the code.

    signing_keys: paths of key files (see `run/authorisation.py`). The keys stay in this process.
    """
    request = RunRequest.of(config, workspace, run_id, signing_keys or ())
    outcome = run_pipeline(request, perform=as_task)
    record_outcome(outcome)
    if outcome.status == "published":
        return None
    kind = "GOVERNANCE GATE" if outcome.status == "refused" else "FAULT"
    return Failed(message=f"{kind}: {outcome.code}")
