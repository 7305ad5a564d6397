"""The data's journey: every stage in its order, each behind its gate.

It needs no orchestrator; `flows.nightly` takes the same road under Prefect.
"""

from flows.run.nightly_run import NightlyRun
from governance.clearance import Cleared


def journey(this_run: NightlyRun) -> Cleared:
    """Take both controllers' data to a release; every stage has its gate."""
    council = this_run.pseudonymised("council")
    nhs = this_run.pseudonymised("nhs")
    grouped = this_run.group(council, nhs)
    linked = this_run.link(grouped, council, nhs)
    figures = this_run.quality(linked, council, nhs)
    households = this_run.household(linked, council, nhs)
    cells = this_run.aggregate(households)
    protected = this_run.disclosure(cells)
    return this_run.publish(protected, figures)
