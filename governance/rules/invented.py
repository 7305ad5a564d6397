"""Whether the people of a run are invented, or must be taken for real: custody and data decide it.

In at-source and third-party custody people are real, so every rule applies in full. In single-operator
custody ING-10 refuses every NHS number that could belong to someone, so its people are invented. The setting
`production = true` in hearth.toml only makes a run stricter.
"""

from datetime import datetime

from governance.agreement.agreement import Agreement
from governance.counted import counted
from governance.rules.ingest import supplied_tables
from governance.rules.registry import Shown, Verdict, failed, passed, rule

#: Share of people who must have an NHS number before the numbers can show that people are invented.
MINIMUM_NUMBERED_SHARE = 0.25


def people_are_invented(run: Shown) -> bool:
    """Return whether a run is one whose people ING-10 shows to be invented. run: the facts of the run."""
    return run.text("custody") == "single-operator" and not run.flag("production")


@rule(
    id="ING-10",
    version=1,
    title="In single-operator custody the people are invented: every NHS number is of the test range",
    stage="ingest",
    source="NHS England, synthetic data in live environments: NHS numbers from 999 000 0000 are never issued",
    remedy='For real people set custody = "at-source" or "third-party" in hearth.toml (docs/custody.md). For '
    "a trial use invented people with NHS numbers that begin with 999: `hearth synth` makes them.",
    parts=("nhs",),
)
def people_are_shown_to_be_invented(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse, in single-operator custody, one NHS number outside the test range, and people without numbers.

    At least a quarter of the people must have a number. An extract without a column of NHS numbers shows
    neither that its people are invented nor that they are real. It passes, and the verdict says so.
    """
    custody, tables = evidence.run.text("custody"), supplied_tables(evidence)
    numbers = {
        name: facts.within("nhs_numbers")
        for name, facts in tables.items()
        if not facts.is_null("nhs_numbers")
    }
    stated = sum(facts.count("stated") for facts in numbers.values())
    outside = sum(facts.count("outside_test_range") for facts in numbers.values())
    share = outside / stated if stated else 0.0
    rows = tables["nhs_person"].count("rows_in") if "nhs_person" in tables else 0
    shown = numbers["nhs_person"].count("stated") if "nhs_person" in numbers else 0
    observed = (
        f"custody {custody}, {counted(stated, 'NHS number')}, share outside the test range {share:.6f}, "
        f"{shown:,} of {counted(rows, 'person', 'people')} with a number"
    )
    threshold = (
        f"single-operator: none outside the test range, at least {MINIMUM_NUMBERED_SHARE:.0%} of the people "
        "with a number"
    )
    if custody != "single-operator":
        return passed(observed, threshold)
    if outside:
        numbered = counted(outside, "NHS number is", "NHS numbers are")
        reason = f"{numbered} outside the test range (999), so the people may be real"
        return failed("REAL_NHS_NUMBERS", observed, threshold, reason)
    if rows and "nhs_person" not in numbers:
        return passed(f"{observed} (allowed: the extract has no column of NHS numbers)", threshold)
    if not rows or shown < MINIMUM_NUMBERED_SHARE * rows:
        reason = f"{shown:,} of {counted(rows, 'person has', 'people have')} an NHS number"
        reason += ", so nothing shows that they are invented"
        return failed("INVENTED_NOT_SHOWN", observed, threshold, reason)
    return passed(observed, threshold)
