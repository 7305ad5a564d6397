"""Cells before disclosure control: every table is registered and named in the agreement.

Facts: see `pipeline/aggregate/stage.py`.
"""

import re
from datetime import datetime

from governance.agreement.agreement import Agreement
from governance.counted import counted, percent
from governance.rules.columns import direct_identifiers, undeclared
from governance.rules.registry import NotShown, Shown, Verdict, failed, passed, rule
from schemas.condition import attributes_in
from schemas.dimension import dimensions
from schemas.measure import measures
from schemas.table import tables as registered_tables

#: Attributes that compare the council's list of residents with the NHS's. A person on only one of the
#: lists may have opted out.
_ROSTER = re.compile(r"roster|listed_by_council|opt_?out|listed_records", re.IGNORECASE)


@rule(
    id="AGG-00",
    version=1,
    title="Every table is registered and named in the agreement (P0)",
    stage="aggregate",
    source="disclosure-control.md, P0 table registry; UK GDPR art. 5(1)(b), purpose limitation",
    remedy="Register the table in schemas/tables/registry.yaml, add it to `tables` under [outputs] of the "
    "agreement and have the agreement signed (`hearth governance sign`); or do not produce it.",
)
def tables_are_registered_and_agreed(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse tables that are not registered or not in [outputs], undeclared columns, and an empty result."""
    produced = evidence.names("tables")
    unregistered, cells = evidence.count("unregistered"), evidence.count("cells")
    not_agreed = sorted(set(produced) - set(agreement.outputs))
    columns = {"cell": evidence.names("columns")}
    observed = (
        f"{counted(cells, 'cell')} of {counted(len(produced), 'table')}; {unregistered:,} not registered, "
        f"{len(not_agreed)} not in the agreement"
    )
    threshold = (
        f"only the {counted(len(agreement.outputs), 'table')} that the agreement names; at least 1 cell"
    )
    if unregistered:
        reason = counted(unregistered, "table is not registered", "tables are not registered")
        return failed("TABLE_NOT_REGISTERED", observed, threshold, reason)
    if not_agreed:
        reason = f"not named in the agreement: {', '.join(not_agreed)}"
        return failed("TABLE_NOT_AGREED", observed, threshold, reason)
    if found := [*direct_identifiers(columns), *undeclared("aggregate", columns)]:
        reason = f"columns that the contract does not allow: {', '.join(found)}"
        return failed("COLUMN_NOT_ALLOWED", observed, threshold, reason)
    if not cells:
        raise NotShown("cells", "a count above zero")
    return passed(observed, threshold)


@rule(
    id="AGG-08",
    version=1,
    title="The status that a rate counts is known of the agreed share of those it includes",
    stage="aggregate",
    source="Code of Practice for Statistics, Q1 suitable data sources; GSS guidance on item non-response",
    remedy="Report this as a defect: the stage must leave such measures out. To produce one, ask the "
    "controller for more complete columns, or agree another minimum_coverage under [thresholds].",
)
def status_is_known_of_enough(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a measure produced although the status of too few is known, and one without its share."""
    shares, little_known = _shares(evidence, "coverage"), _shares(evidence, "little_known")
    minimum = agreement.thresholds.minimum_coverage
    produced = {name for names in evidence.table("measures").values() for name in names}
    without = sorted(
        name for name in produced - set(shares) if name in measures() and measures()[name].count is not None
    )
    low = sorted(name for name, share in shares.items() if share < minimum)
    lowest = min(shares.values(), default=1.0)
    observed = (
        f"lowest coverage {percent(lowest)}, of {counted(len(shares), 'measure')}; "
        f"{counted(len(little_known), 'measure')} not produced: "
        f"{', '.join(f'{name} {percent(share)}' for name, share in sorted(little_known.items())) or 'none'}"
    )
    threshold = f"at least {percent(minimum)}"
    if without:
        raise NotShown(f"coverage of {without[0]}", "a share from 0 to 1")
    if low:
        reason = f"known of too few: {', '.join(f'{name} {percent(shares[name])}' for name in low)}"
        return failed("COVERAGE_BELOW_MINIMUM", observed, threshold, reason)
    return passed(observed, threshold)


def _shares(evidence: Shown, fact: str) -> dict[str, float]:
    shares = evidence.table(fact)
    return {name: Shown.of(shares).rate(name) for name in shares}


@rule(
    id="LNK-05",
    version=1,
    title="No output compares the two controllers' lists of residents",
    stage="aggregate",
    source="National Data Opt-Out operational policy: an opt-out must not be inferred; governance.md LNK-05",
    remedy="Remove the measure or dimension from the table in schemas/tables/registry.yaml. Differences "
    "between the lists may be used for quality checks only.",
)
def no_roster_difference_is_published(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a measure, dimension or column that shows who is on one list and missing from the other."""
    columns = [name for name in evidence.names("columns") if _ROSTER.search(name)]
    produced = evidence.names("tables")
    in_tables = [
        f"{name}: {thing}"
        for name in produced
        if name in registered_tables()
        for thing in (*registered_tables()[name].dimensions, *registered_tables()[name].measures)
        if _ROSTER.search(f"{thing} {measures().get(thing)!r}")
    ]
    observed = (
        f"{counted(len(produced), 'table')}, {len(columns) + len(in_tables)} items that compare the lists"
    )
    if columns or in_tables:
        reason = f"these compare the lists: {', '.join((*columns, *in_tables))}"
        return failed("ROSTER_DIFFERENCE_PUBLISHED", observed, "none", reason)
    return passed(observed, "none")


@rule(
    id="AGG-09",
    version=1,
    title="No measure is produced whose window the extracts do not cover",
    stage="aggregate",
    source="UK GDPR art. 5(1)(d), accuracy; Code of Practice for Statistics, Q2 sound methods",
    remedy="Ask the NHS body for an extract up to `reference_date`, state its period under `covers` of "
    "[extracts.…] in hearth.toml, or set an earlier reference_date.",
)
def windows_are_covered(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a measure or dimension that uses an attribute whose window is not covered."""
    withheld, periods = evidence.table("withheld"), evidence.table("periods")
    outside = sorted(
        f"{table_id}: {name}"
        for table_id, named in evidence.columns("measures").items()
        for name, attributes in _uses(table_id, named)
        if attributes & withheld.keys()
    )
    listed = "; ".join(f"{table} {period}" for table, period in periods.items()) or "none is dated"
    observed = f"periods: {listed}; {counted(len(withheld), 'attribute')} withheld"
    threshold = "no measure that uses an attribute whose window is not covered"
    if outside:
        reason = f"these use a window that is not covered: {', '.join(outside)}"
        return failed("WINDOW_NOT_COVERED", observed, threshold, reason)
    if withheld:
        observed += f" ({', '.join(sorted(withheld))})"
    return passed(observed, threshold)


def _uses(table_id: str, named: tuple[str, ...]) -> list[tuple[str, frozenset[str]]]:
    """Return each measure and dimension of a table, with the attributes that it uses."""
    chosen = [measures()[name] for name in named if name in measures()]
    used = [(m.name, attributes_in(m.include) | attributes_in(m.count)) for m in chosen]
    table = registered_tables().get(table_id)
    return used + [
        (name, frozenset(dimensions()[name].attributes)) for name in (table.dimensions if table else ())
    ]
