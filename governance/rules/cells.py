"""Cells of an extract's columns: how many are invalid or missing, and whether their values are plausible.

Facts of each table: `cells`, `distribution`, `wrong_order`, `period`; see
`pipeline/ingest/counting/column_facts.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from governance.agreement.agreement import Agreement
from governance.agreement.column_limits import limits_of
from governance.counted import counted
from governance.rules.ingest import supplied_tables
from governance.rules.registry import Shown, Verdict, failed, passed, rule, warned
from schemas.contract import Column, load_contract

#: Fewer invalid or missing cells say nothing about a column, except in a column of identifiers.
FEWEST_CELLS = 3
#: Fewer rows say nothing about a distribution or a change since the last run.
FEWEST_ROWS = 200
#: The largest share of births on one day, on first days of January, and of other dates on one day.
MOST_BIRTHS_ON_A_DAY = 0.005
MOST_BIRTHS_ON_FIRST_OF_JANUARY = 0.03
MOST_ON_A_DAY: Mapping[str, float] = {"death": 0.1, "event": 0.25, "start": 0.5, "end": 0.5}
#: A flood has at least this many cells.
FEWEST_IN_A_FLOOD = 20
#: The largest share of one value in a column with `varies` in its contract.
MOST_OF_ONE_VALUE = 0.98
#: Seasonal events, such as vaccinations, have gaps of up to this length.
SEASONAL_GAP = timedelta(days=80)
#: A register may end this long before the reference date, and go on this long after it.
OLDEST_REGISTER, NEWEST_REGISTER = timedelta(days=183), timedelta(days=366)
#: The largest share of spells that end before they start, and of fewer than FEWEST_ROWS spells.
MOST_IN_WRONG_ORDER, MOST_OF_FEW_IN_WRONG_ORDER = 0.1, 0.2


@dataclass(frozen=True)
class _Cells:
    """The cells of one column, and its limits as shares."""

    place: str
    column: Column
    facts: Shown
    most_invalid: float
    most_missing: float

    @property
    def invalid_share(self) -> float:
        stated = self.facts.count("stated")
        return self.facts.count("invalid") / stated if stated else 0.0

    @property
    def missing_share(self) -> float:
        rows = self.facts.count("rows")
        return self.facts.count("missing") / rows if rows else 0.0

    @property
    def fewest(self) -> int:
        return 1 if self.column.form in ("uprn", "nhs_number") else FEWEST_CELLS

    @property
    def is_invalid(self) -> bool:
        return self.facts.count("invalid") >= self.fewest and self.invalid_share > self.most_invalid

    @property
    def is_missing(self) -> bool:
        return self.facts.count("missing") >= FEWEST_CELLS and self.missing_share > self.most_missing

    def described(self) -> str:
        """Return the column with its invalid share, reasons, and shapes of cells; never a cell."""
        reasons = ", ".join(f"{name} {n:,}" for name, n in self.facts.counts("reasons").items())
        shapes = " and ".join(self.facts.names("shapes"))
        shown = "; ".join(filter(None, (reasons, f"cells like {shapes}" if shapes else "", self._proposal())))
        return f"{self.place} ({self.invalid_share:.2%}{': ' if shown else ''}{shown})"

    def _proposal(self) -> str:
        markers = [f'"{marker}"' for marker in self.facts.counts("markers")]
        return f"declare missing_markers = [{', '.join(markers)}] if they mean missing" if markers else ""


def _cells(evidence: Shown, agreement: Agreement) -> Iterator[_Cells]:
    agreed = agreement.thresholds
    by_form = {
        "uprn": agreed.maximum_invalid_uprn_share,
        "nhs_number": agreed.maximum_invalid_nhs_number_share,
    }
    for name, facts in supplied_tables(evidence).items():
        contract = load_contract("extract", name)
        terms = agreement.dataset_terms.get(name)
        for column_name, shown in facts.tables("cells").items():
            column = contract.column(column_name)
            limit = terms.limits.get(column_name) if terms else None
            invalid, missing = limits_of(column, limit)
            if column.form in by_form and (limit is None or limit.invalid is None):
                invalid = by_form[column.form]
            yield _Cells(f"{name}.{column_name}", column, shown, invalid, missing)


@rule(
    id="ING-05",
    version=2,
    title="The shares of invalid and of missing cells of each column are within their limits",
    stage="ingest",
    source="field-notes.md, UPRN and NHS number; NHS Data Dictionary (modulus 11); UK GDPR art. 5(1)(d)",
    remedy="`hearth quarantine` lists the faults by column. Check `date_formats` and the mapping of columns "
    "in hearth.toml, ask the supplier to export identifiers as text, or agree other limits under "
    "[datasets.….limits] in the agreement.",
)
def cells_are_within_limits(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a column in which more cells are invalid or missing than its contract or the agreement allows.

    A column that is much worse than in the last run is a warning, also within the limits.
    """
    columns = list(_cells(evidence, agreement))
    identifiers = [c for c in columns if c.column.form in ("uprn", "nhs_number")]
    others = [c for c in columns if c not in identifiers]
    listed = ", ".join(f"{c.place} {c.invalid_share:.2%}" for c in identifiers) or "no identifier column"
    worst = max((c.invalid_share for c in others), default=0.0)
    agreed = agreement.thresholds
    observed = f"invalid: {listed}; highest of {counted(len(others), 'other column')} {worst:.2%}"
    threshold = (
        f"invalid: at most {agreed.maximum_invalid_uprn_share:.2%} of UPRNs, "
        f"at most {agreed.maximum_invalid_nhs_number_share:.2%} of NHS numbers, and the limit of each other "
        "column; missing: at most the limit of each column"
    )
    if invalid := [c for c in columns if c.is_invalid]:
        reason = f"too many are invalid in {', '.join(c.described() for c in invalid)}"
        is_of_identifiers = any(c in identifiers for c in invalid)
        return failed(
            "IDENTIFIERS_DAMAGED" if is_of_identifiers else "COLUMN_INVALID", observed, threshold, reason
        )
    if missing := [c for c in columns if c.is_missing]:
        places = ", ".join(f"{c.place} ({c.missing_share:.2%}, limit {c.most_missing:.2%})" for c in missing)
        return failed("COLUMN_UNFILLED", observed, threshold, f"too many are missing in {places}")
    remember = {c.place: [round(c.invalid_share, 3), round(c.missing_share, 3)] for c in columns}
    rise = agreed.maximum_share_rise
    worse = [
        f"{c.place} ({what} {now_share:.1%}, last run {before:.1%})"
        for c in columns
        if c.facts.count("rows") >= FEWEST_ROWS
        for what, now_share, before in zip(
            ("invalid", "missing"),
            remember[c.place],
            evidence.remembered.get(c.place, remember[c.place]),
            strict=True,
        )
        if now_share > before + rise
    ]
    if worse:
        reason = f"worse than in the last run: {', '.join(worse)}"
        return warned("COLUMN_WORSE", observed, threshold, reason, remember)
    return passed(observed, threshold, remember)


@rule(
    id="ING-11",
    version=1,
    title="The distribution of each date, code and number is plausible",
    stage="ingest",
    source="UK GDPR art. 5(1)(d), accuracy; field-notes.md, defects",
    remedy="Ask the supplier what the column contains. If one date means 'not known', list it under "
    "`default_values` of [extracts.…] in hearth.toml. A change since the last run needs a signed waiver.",
)
def distributions_are_plausible(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a value that floods a column, a column that became empty, and spells that end before they start.

    Also refuse rows that end long before the declared period does, or far from the reference date. A share
    that differs much from that of the last run is a warning.
    """
    found = list(_distributions(evidence))
    emptied = [place for place, _, shown in found if _is_emptied(place, shown, evidence)]
    flooded = [place for place, column, shown in found if _is_flooded(column, shown)]
    first_days = [place for place, column, shown in found if _has_first_days(column, shown)]
    constant = [place for place, column, shown in found if _is_constant(column, shown)]
    reversed_ = list(_wrong_orders(evidence))
    faults = len(emptied) + len(flooded) + len(first_days) + len(constant) + len(reversed_)
    overdeclared, far_off = _undated(evidence), _far_from_reference(evidence)
    faults += len(overdeclared) + len(far_off)
    observed = f"{counted(len(found), 'column')} of dates, codes and numbers, {faults} implausible"
    threshold = (
        "no value that floods its column, no column suddenly empty, no spell that ends before its start, and "
        "rows up to the reference date"
    )
    if emptied:
        reason = f"empty, and not in the last run: {', '.join(emptied)}"
        return failed("COLUMN_EMPTIED", observed, threshold, reason)
    if flooded:
        reason = f"one day, which may mean 'not known', fills too much of {', '.join(flooded)}"
        return failed("DATE_FLOODED", observed, threshold, reason)
    if first_days:
        reason = f"too many first days of January, as of a year without a day, in {', '.join(first_days)}"
        return failed("FIRST_OF_JANUARY", observed, threshold, reason)
    if constant:
        reason = f"one value fills nearly all of {', '.join(constant)}"
        return failed("COLUMN_CONSTANT", observed, threshold, reason)
    if reversed_:
        reason = f"too many end before they start: {', '.join(reversed_)}"
        return failed("DATES_IN_WRONG_ORDER", observed, threshold, reason)
    if overdeclared:
        reason = f"the data end long before the declared period does: {', '.join(overdeclared)}"
        return failed("PERIOD_NOT_IN_DATA", observed, threshold, reason)
    if far_off:
        reason = f"the newest rows are far from the reference date: {', '.join(far_off)}"
        return failed("REFERENCE_DATE_UNLIKE_EXTRACT", observed, threshold, reason)
    remember = {
        place: {"filled": shown.count("filled"), "shares": dict(shown.table("shares"))}
        for place, _, shown in found
    }
    rise = agreement.thresholds.maximum_share_rise
    if changed := [place for place, _, shown in found if _change(place, shown, evidence) > rise]:
        reason = f"shares changed by more than {rise:.0%} since the last run: {', '.join(changed)}"
        return warned("DISTRIBUTION_CHANGED", observed, threshold, reason, remember)
    return passed(observed, threshold, remember)


def _distributions(evidence: Shown) -> Iterator[tuple[str, Column, Shown]]:
    for name, facts in supplied_tables(evidence).items():
        contract = load_contract("extract", name)
        for column in facts.table("distribution"):
            shown = facts.within("distribution").within(column)
            yield f"{name}.{column}", contract.column(column), shown


def _is_flooded(column: Column, shown: Shown) -> bool:
    filled, top = shown.count("filled"), shown.count("top")
    if column.date_kind is None or filled < FEWEST_ROWS:
        return False
    most = MOST_ON_A_DAY.get(column.date_kind, MOST_BIRTHS_ON_A_DAY)
    return top >= FEWEST_IN_A_FLOOD and top > most * filled


def _has_first_days(column: Column, shown: Shown) -> bool:
    filled, january = shown.count("filled"), shown.optional_count("first_of_january") or 0
    is_judged = column.date_kind == "birth" and filled >= FEWEST_ROWS
    return is_judged and january > MOST_BIRTHS_ON_FIRST_OF_JANUARY * filled


def _is_constant(column: Column, shown: Shown) -> bool:
    filled, top = shown.count("filled"), shown.count("top")
    return column.varies and filled >= FEWEST_ROWS and top > MOST_OF_ONE_VALUE * filled


def _wrong_orders(evidence: Shown) -> Iterator[str]:
    for name, facts in supplied_tables(evidence).items():
        for column in facts.table("wrong_order"):
            spell = facts.within("wrong_order").within(column)
            both, wrong = spell.count("both"), spell.count("wrong")
            most = MOST_IN_WRONG_ORDER if both >= FEWEST_ROWS else MOST_OF_FEW_IN_WRONG_ORDER
            if wrong >= FEWEST_CELLS and wrong > most * both:
                yield f"{name}.{column}"


def _undated(evidence: Shown) -> list[str]:
    """Return tables whose rows end long before the period that the supplier stated, with both days."""
    found = []
    for name, facts in supplied_tables(evidence).items():
        period = facts.within("period")
        seen, stated = period.optional_text("seen_last"), period.optional_text("declared_last")
        if seen and stated and date.fromisoformat(stated) - date.fromisoformat(seen) > SEASONAL_GAP:
            found.append(f"{name} ends on {seen}, {stated} is declared")
    return found


def _far_from_reference(evidence: Shown) -> list[str]:
    """Return registers of people whose newest rows are long before or after the reference date."""
    found = []
    for name, facts in supplied_tables(evidence).items():
        seen = facts.within("period").optional_text("seen_last") if name == "nhs_person" else None
        if seen is not None:
            after = date.fromisoformat(seen) - date.fromisoformat(evidence.run.text("reference_date"))
            if after < -OLDEST_REGISTER or after > NEWEST_REGISTER:
                found.append(f"{name} ends on {seen}")
    return found


def _is_emptied(place: str, shown: Shown, evidence: Shown) -> bool:
    before: Mapping[str, Any] = evidence.remembered.get(place, {})
    return shown.count("filled") == 0 and before.get("filled", 0) >= FEWEST_CELLS


def _change(place: str, shown: Shown, evidence: Shown) -> float:
    """Return the largest difference of a category's share from that of the last run."""
    before: Mapping[str, float] = evidence.remembered.get(place, {}).get("shares", {})
    after = shown.table("shares")
    if not before or shown.count("filled") < FEWEST_ROWS:
        return 0.0
    names = {*before, *after}
    return max((round(abs(after.get(name, 0.0) - before.get(name, 0.0)), 3) for name in names), default=0.0)
