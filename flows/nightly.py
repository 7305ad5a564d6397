"""The Prefect flow that takes the data's journey every night.

The flow is given a configuration's path and a run id, never a table, a key or an
identifier: Prefect keeps its parameters, results and log lines in its database.
"""

from flows.conduct import RunRequest, conduct
from flows.journey import journey
from flows.orchestrator import Failed, State, as_task, flow, tell_officers


@flow(name="hearth-nightly")
def nightly(
    config: str,
    workspace: str | None = None,
    run_id: str | None = None,
    signing_keys: list[str] | None = None,
) -> State | None:
    """Run one night under Prefect; a gate's refusal is a failed flow run that names code and remedy.

    signing_keys: paths of key files, see `flows.acting`; the keys themselves stay on this side.
    """
    request = RunRequest.of(config, workspace, run_id, signing_keys or ())
    outcome = conduct(request, journey, perform=as_task)
    tell_officers(outcome)
    if outcome.status == "published":
        return None
    kind = "GOVERNANCE GATE" if outcome.status == "refused" else "FAULT"
    return Failed(message=f"{kind}: {outcome.code}")
