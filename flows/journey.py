"""The data's journey: every stage in its order, each behind its gate.

It needs no orchestrator; `flows.nightly` takes the same road under Prefect.
"""

from flows.night import Night
from governance.clearance import Cleared


def journey(night: Night) -> Cleared:
    """Take both controllers' data to a release; every stage has its gate."""
    council = night.pseudonymised("council")
    nhs = night.pseudonymised("nhs")
    grouped = night.group(council, nhs)
    linked = night.link(grouped, council, nhs)
    figures = night.quality(linked, council, nhs)
    households = night.household(linked, council, nhs)
    cells = night.aggregate(households)
    protected = night.disclosure(cells)
    return night.publish(protected, figures)
