"""The protections of a finished release, judged by code that applies none of them.

Facts: see `pipeline/publish/read_back/read_back.py`.
"""

from datetime import datetime

from governance.agreement.agreement import Agreement
from governance.counted import counted
from governance.rules.registry import NotShown, Shown, Verdict, failed, passed, rule

#: Protection -> what a value of a finished file breaks.
PROTECTIONS = {
    "P0": "values of areas below their floor, or of no known count",
    "P1": "values of too few households or people",
    "P2": "values that show what everyone in a group has in common",
    "P3": "values without the noise of their contributors",
    "P4": "values that are not rounded, or rates that are not of printed counts",
    "P5": "hidden counts that addition and subtraction give away",
    "P6": "values that changed although they may not",
    "P7": "figures of the ledger that are not those of the files",
}
#: What the values were compared with.
_BASES = ("exact counts", "earlier release", "ledger")


@rule(
    id="AGG-10",
    version=1,
    title="Each protection is in force in the finished files, judged by other code (P0 to P7)",
    stage="publish",
    source="disclosure-control.md P0 to P7; governance.md, Nothing is its own witness",
    remedy="Report this as a defect in Hearth, with the run's id and the protection named above. Nothing "
    "was published.",
)
def protections_are_in_force(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a finished release in which a single value, hidden count or figure breaks a protection.

    A release without cells, or whose values were compared with nothing, is refused as not shown.
    """
    found = evidence.within("read_back")
    basis, cells = found.text("basis"), found.count("cells")
    if basis not in _BASES:
        raise NotShown("read_back.basis", f"one of {', '.join(_BASES)}")
    if not cells:
        raise NotShown("read_back.cells", "a count above zero")
    broken = {name: found.count(name) for name in PROTECTIONS}
    observed = (
        f"{counted(cells, 'cell')} compared with the {basis}, {found.count('fresh'):,} of them new; "
        f"{sum(broken.values()):,} break a protection"
    )
    threshold = "none breaks P0 to P7"
    if reason := "; ".join(
        f"{name}: {number:,} {PROTECTIONS[name]}" for name, number in broken.items() if number
    ):
        return failed("PROTECTION_NOT_IN_FORCE", observed, threshold, reason)
    return passed(observed, threshold)
