"""Households: only what was allowed about them, everyone accounted for, and never called anonymous.

Facts: see `pipeline/household/stage.py`.
"""

import re
from datetime import datetime

from governance.agreement.agreement import Agreement
from governance.rules.columns import direct_identifiers, outlived, undeclared
from governance.rules.registry import Shown, Verdict, failed, passed, rule
from schemas.contract import load_contract

_ANONYMOUS = re.compile(r"(?<!not )(?<!pseud)anonym", re.IGNORECASE)


@rule(
    id="HHD-01",
    version=1,
    title="Household tables hold the allowed columns alone, and everyone is accounted for",
    stage="household",
    source="UK GDPR art. 5(1)(c), data minimisation; Caldicott Principle 3",
    remedy="Take the column out of the stage, or declare it in the contract with its purpose.",
)
def household_columns_allowed(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse undeclared columns, direct identifiers such as dates of birth, and persons unaccounted for."""
    columns = evidence.columns("columns")
    unexplained = evidence.count("unexplained")
    total = sum(len(names) for names in columns.values())
    observed = f"{total} columns of {len(columns)} tables, {unexplained} persons without a reason"
    threshold = "the contracts' columns, none an identifier; no person without a reason"
    if found := direct_identifiers(columns):
        return failed("IDENTIFIER_IN_HOUSEHOLDS", observed, threshold, f"identifiers: {', '.join(found)}")
    if found := undeclared("household", columns):
        return failed("COLUMN_NOT_ALLOWED", observed, threshold, f"undeclared: {', '.join(found)}")
    if found := outlived("household", columns):
        return failed("COLUMN_OUTLIVED", observed, threshold, f"should have ended before: {', '.join(found)}")
    if unexplained:
        return failed(
            "PERSONS_UNEXPLAINED", observed, threshold, f"{unexplained} persons are in no count at all"
        )
    return passed(observed, threshold)


@rule(
    id="HHD-03",
    version=1,
    title="Household rows are labelled controlled, and nowhere called anonymous",
    stage="household",
    source="UK GDPR recital 26; ICO anonymisation guidance (March 2025)",
    remedy="Label the tables controlled; a household row is personal data even without a UPRN.",
)
def household_rows_are_not_called_anonymous(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse another tier than controlled, and contracts that call household rows anonymous."""
    tier, tables = evidence.text("tier"), sorted(evidence.columns("columns"))
    wrong = [name for name in tables if _ANONYMOUS.search(_words_of(name))]
    observed = f"tier {tier}, {len(tables)} tables, {len(wrong)} called anonymous"
    threshold = "tier controlled, none called anonymous"
    if tier != "controlled":
        return failed("TIER_MISLABELLED", observed, threshold, f"the rows are labelled {tier}")
    if wrong:
        return failed("CALLED_ANONYMOUS", observed, threshold, f"so called: {', '.join(wrong)}")
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
    title="Improbable and communal dwellings are as rare as agreed",
    stage="household",
    source="CEG households (IJPDS 2024 9(1):2379); field-notes.md, Communal and improbable households",
    remedy="Look at the addresses that attract too many residents: a surgery or a default UPRN, mostly.",
)
def improbable_dwellings_are_rare(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a size tail beyond the agreed share, and a night without any household."""
    households, improbable = evidence.count("households"), evidence.count("improbable_dwellings")
    if not households:
        return failed("NO_HOUSEHOLDS", "0 households", "at least one", "no household was formed")
    share, most = (
        improbable / (households + improbable),
        agreement.thresholds.maximum_improbable_household_share,
    )
    observed, threshold = (
        f"{improbable} of {households + improbable} dwellings ({share:.4f})",
        f"at most {most:g}",
    )
    if share > most:
        return failed("HOUSEHOLD_TAIL_TOO_HEAVY", observed, threshold, "too many dwellings are improbable")
    return passed(observed, threshold)
