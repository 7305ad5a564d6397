"""Whether the people of a run are invented, or must be taken for real: custody and data decide it.

Production is no setting. In at-source and third-party custody people are real, so
every rule applies in full. In single-operator custody rule ING-10 refuses every NHS number that could be
somebody's, so its people are invented. `production = true` in hearth.toml only makes a run stricter.
"""

from governance.rules.registry import Shown


def people_are_invented(run: Shown) -> bool:
    """Answer whether a run is one whose people ING-10 shows to be invented. run: the facts of the run."""
    return run.text("custody") == "single-operator" and not run.flag("production")
