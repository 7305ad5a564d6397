"""The early check that a single operator's people are invented, before any row of theirs is written.

It reads the counts of the inspection. Rule ING-10 judges the same by the evidence of ingest.
"""

from collections.abc import Callable, Mapping

from governance.counted import counted
from governance.errors import Finding, Refused
from governance.rules.invented import MINIMUM_NUMBERED_SHARE
from pipeline.ingest.counting.nhs_number_range import NhsNumberCount
from pipeline.ingest.inspection import InspectedExtract, inspect_extracts
from pipeline.project import Project

_CONTROLLER, _PEOPLE = "nhs", "nhs_person"
_ONE_PERSON = (
    "In single-operator custody one person would have their data and the linkage key, so nothing was read in."
)
_NOT_SHOWN = (
    "WARNING: nhs_person has no column of NHS numbers, so the data do not show whether its people are "
    "invented. One operator has both the key and the data: use this custody only for invented people."
)
_REMEDY = (
    'Set custody = "at-source" or "third-party" in hearth.toml (docs/custody.md). For a trial, use invented '
    "people: `hearth synth` makes them, with NHS numbers that begin with 999."
)


def check_people_are_invented(
    project: Project,
    inspected: Mapping[str, tuple[InspectedExtract, ...]],
    report: Callable[[str], object],
) -> None:
    """Raise Refused unless the NHS numbers of a single operator's extracts show that its people are invented.

    inspected: what this run will read. A council's list is of the same people, so the NHS extracts are
    inspected even where only the council's are read. In another custody nothing is checked. report: receives
    a warning if the people's extract has no column of NHS numbers, so that it shows nothing.
    """
    if project.custody != "single-operator":
        return
    extracts = inspected.get(_CONTROLLER) or inspect_extracts((_CONTROLLER,), project)[_CONTROLLER]
    counts = {item.contract.table: item.nhs_numbers for item in extracts if item.nhs_numbers is not None}
    real = tuple(
        Finding(
            "ING-10",
            table,
            f"{counted(found.outside, 'NHS number')} of {found.stated:,} "
            f"{'is' if found.outside == 1 else 'are'} outside the test range (999)",
            found.outside,
        )
        for table, found in counts.items()
        if found.outside
    )
    if real:
        raise Refused(
            "REAL_NHS_NUMBERS",
            f"The people may be real: their NHS numbers are not of the test range. {_ONE_PERSON}",
            _REMEDY,
            real,
        )
    if any(item.contract.table == _PEOPLE and item.nhs_numbers is None for item in extracts):
        report(_NOT_SHOWN)
        return
    rows = sum(item.rows for item in extracts if item.contract.table == _PEOPLE)
    numbers = counts.get(_PEOPLE, NhsNumberCount()).stated
    if numbers < MINIMUM_NUMBERED_SHARE * rows or not rows:
        raise Refused(
            "INVENTED_NOT_SHOWN",
            f"Nothing shows that the people are invented: {counted(rows, 'row')} of people, "
            f"with {counted(numbers, 'NHS number')}. {_ONE_PERSON}",
            _REMEDY,
            (Finding("ING-10", _PEOPLE, "NHS numbers of the test range (999) are missing"),),
        )
