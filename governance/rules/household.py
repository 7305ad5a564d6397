"""Households: only allowed columns, everyone accounted for, and never described as anonymous.

Facts: see `pipeline/household/stage.py`.
"""

import re
from datetime import datetime

from governance.agreement.agreement import Agreement
from governance.counted import counted
from governance.rules.columns import direct_identifiers, outlived, undeclared
from governance.rules.registry import Shown, Verdict, failed, passed, rule
from schemas.contract import load_contract

_ANONYMOUS = re.compile(r"(?<!not )(?<!pseud)anonym", re.IGNORECASE)


@rule(
    id="HHD-01",
    version=1,
    title="Household tables contain only allowed columns, and every person is accounted for",
    stage="household",
    source="UK GDPR art. 5(1)(c), data minimisation; Caldicott Principle 3",
    remedy="Remove the column from the household stage, or declare it with a purpose in "
    "schemas/contracts/household. If people are unaccounted for, report a defect with the run's id.",
)
def household_columns_allowed(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse undeclared columns, direct identifiers such as dates of birth, and unaccounted people."""
    columns = evidence.columns("columns")
    unexplained = evidence.count("unexplained")
    total = sum(len(names) for names in columns.values())
    observed = (
        f"{counted(total, 'column')} of {counted(len(columns), 'table')}, "
        f"{counted(unexplained, 'person', 'people')} unaccounted for"
    )
    threshold = "only the contracts' columns, no identifiers; everyone accounted for"
    if found := direct_identifiers(columns):
        return failed("IDENTIFIER_IN_HOUSEHOLDS", observed, threshold, f"identifiers: {', '.join(found)}")
    if found := undeclared("household", columns):
        return failed("COLUMN_NOT_ALLOWED", observed, threshold, f"not in the contract: {', '.join(found)}")
    if found := outlived("household", columns):
        return failed(
            "COLUMN_OUTLIVED", observed, threshold, f"had to end at an earlier stage: {', '.join(found)}"
        )
    if unexplained:
        reason = counted(unexplained, "person is", "people are")
        return failed(
            "PERSONS_UNEXPLAINED",
            observed,
            threshold,
            f"{reason} in no household and in no count of exclusions",
        )
    return passed(observed, threshold)


@rule(
    id="HHD-03",
    version=1,
    title="Household rows are labelled as controlled data and never described as anonymous",
    stage="household",
    source="UK GDPR recital 26; ICO anonymisation guidance (March 2025)",
    remedy="Label the tables `controlled`, and remove the word from their contracts in "
    "schemas/contracts/household. A household row is personal data even without a UPRN.",
)
def household_rows_are_labelled_controlled(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse any tier other than controlled, and contracts that call household rows anonymous."""
    tier, tables = evidence.text("tier"), sorted(evidence.columns("columns"))
    wrong = [name for name in tables if _ANONYMOUS.search(_words_of(name))]
    observed = f"labelled {tier}, {counted(len(tables), 'table')}, {len(wrong)} described as anonymous"
    threshold = "labelled controlled, none described as anonymous"
    if tier != "controlled":
        return failed("TIER_MISLABELLED", observed, threshold, f"the rows are labelled {tier}")
    if wrong:
        return failed("CALLED_ANONYMOUS", observed, threshold, f"described as anonymous: {', '.join(wrong)}")
    return passed(observed, threshold)


def _words_of(table: str) -> str:
    try:
        contract = load_contract("household", table)
    except KeyError:
        return table
    return " ".join((table, contract.title, contract.purpose, contract.row_meaning))


@rule(
    id="LNK-04",
    version=1,
    title="The share of improbable and communal dwellings is within the agreed limit",
    stage="household",
    source="CEG households (IJPDS 2024 9(1):2379); field-notes.md, Communal and improbable households",
    remedy="Check the addresses with too many residents; most are a surgery or a default UPRN. Correct them "
    "at source, or agree another maximum_improbable_household_share in [thresholds].",
)
def improbable_share_is_within_limit(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse more improbable dwellings than agreed, and a run without any household."""
    households, improbable = evidence.count("households"), evidence.count("improbable_dwellings")
    if not households:
        return failed("NO_HOUSEHOLDS", "0 households", "at least 1", "no household was formed")
    share, limit = (
        improbable / (households + improbable),
        agreement.thresholds.maximum_improbable_household_share,
    )
    observed, threshold = (
        f"{improbable:,} of {counted(households + improbable, 'dwelling')} ({share:.2%}) improbable or "
        "communal",
        f"at most {limit:.2%}",
    )
    if share > limit:
        return failed("HOUSEHOLD_TAIL_TOO_HEAVY", observed, threshold, "too many dwellings are improbable")
    return passed(observed, threshold)
