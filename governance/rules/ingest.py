"""Extracts: as agreed and readable, every row accounted for, opt-outs applied before delivery.

Facts: see `pipeline/ingest/stage.py`.
"""

import re
from datetime import date, datetime, timedelta

from governance.agreement.agreement import Agreement
from governance.agreement.terms import OptOutCheck
from governance.counted import counted
from governance.rules.registry import NotShown, Shown, Verdict, failed, passed, rule
from schemas.contract import load_contract

_OPT_OUT = re.compile(r"opt_?out|objection|dissent|ndop|type_?1|9nu0|xaz89", re.IGNORECASE)
#: A required column that ingest adds; no supplier delivers it.
_ADDED_BY_INGEST = "line_number"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def supplied_tables(evidence: Shown) -> dict[str, Shown]:
    """Return the tables that a controller supplied; the packaged area lookup is Hearth's own."""
    tables = {
        name: facts for name, facts in evidence.tables("tables").items() if facts.text("source") != "packaged"
    }
    if not tables:
        raise NotShown("tables", "at least one table that the controller supplied")
    return tables


@rule(
    id="ING-02",
    version=1,
    title="Each file was read completely and safely",
    stage="ingest",
    source="OWASP file upload guidance; governance.md, hostile extract",
    remedy="Ask the supplier to export the file again as plain CSV or Parquet, and put it where `path` under "
    "[extracts] in hearth.toml expects it.",
)
def file_was_read_completely(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse an empty file, a file without a digest, and a file without rows.

    Paths outside the project, archive bombs and unreadable encodings stop ingest before any row is kept.
    """
    tables = supplied_tables(evidence)
    size = sum(facts.count("file_bytes") for facts in tables.values())
    rows = sum(facts.count("rows_in") for facts in tables.values())
    observed, threshold = (
        f"{counted(len(tables), 'file')}, {counted(size, 'byte')}, {counted(rows, 'row')}",
        "each file has content, rows and a digest",
    )
    empty = [n for n, f in tables.items() if not f.count("file_bytes") or not f.count("rows_in")]
    unhashed = [n for n, f in tables.items() if not _DIGEST.fullmatch(f.text("file_sha256"))]
    if empty:
        return failed("FILE_EMPTY", observed, threshold, f"no rows in {', '.join(empty)}")
    if unhashed:
        return failed("FILE_NOT_HASHED", observed, threshold, f"no digest for {', '.join(unhashed)}")
    return passed(observed, threshold)


@rule(
    id="ING-03",
    version=1,
    title="Each extract has the columns of its contract, and every row is accounted for",
    stage="ingest",
    source="Open Data Contract Standard v3 contracts in schemas/; UK GDPR art. 5(1)(d), accuracy",
    remedy="Map the columns under [extracts.….columns] in hearth.toml. Run `hearth quarantine` and go "
    "through the rejected rows with the supplier.",
)
def extract_matches_its_contract(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse undeclared and missing columns, unaccounted rows, and too many rows in quarantine."""
    tables = supplied_tables(evidence)
    undeclared = [
        f"{name}.{column}"
        for name, facts in tables.items()
        for column in facts.names("columns_read")
        if load_contract("extract", name).find(column) is None
    ]
    missing = [
        f"{name}.{column.name}"
        for name, facts in tables.items()
        for column in load_contract("extract", name).columns
        if column.required
        and column.name != _ADDED_BY_INGEST
        and column.name not in facts.names("columns_read")
    ]
    rows = {name: facts.count("rows_in") for name, facts in tables.items()}
    kept = {name: facts.count("rows_kept") for name, facts in tables.items()}
    quarantined = {name: facts.count("rows_quarantined") for name, facts in tables.items()}
    limit = agreement.thresholds.maximum_quarantined_share
    worst = max(quarantined[name] / rows[name] if rows[name] else 0.0 for name in tables)
    observed = (
        f"{counted(sum(rows.values()), 'row')}, {sum(kept.values()):,} kept, "
        f"{sum(quarantined.values()):,} in quarantine (highest share of a file: {worst:.2%})"
    )
    threshold = (
        f"columns as in the contract, every row accounted for, at most {limit:.2%} of a file in quarantine"
    )
    if undeclared or missing:
        reason = "; ".join(
            f"{what}: {', '.join(names)}"
            for what, names in (("columns not in the contract", undeclared), ("missing columns", missing))
            if names
        )
        return failed("COLUMNS_UNLIKE_CONTRACT", observed, threshold, reason)
    removed = {name: facts.count("rows_removed") for name, facts in tables.items()}
    if lost := [name for name in tables if rows[name] != kept[name] + quarantined[name] + removed[name]]:
        return failed(
            "ROWS_UNACCOUNTED", observed, threshold, f"rows are unaccounted for in {', '.join(lost)}"
        )
    if above := [name for name in tables if quarantined[name] > limit * rows[name]]:
        return failed(
            "QUARANTINE_TOO_LARGE",
            observed,
            threshold,
            f"too many rows in quarantine from {', '.join(above)}",
        )
    return passed(observed, threshold)


@rule(
    id="ING-04",
    version=1,
    title="Every column that is read has a purpose in the agreement",
    stage="ingest",
    source="UK GDPR art. 5(1)(b) and (c); Caldicott Principle 3",
    remedy="Add the column to `ignore` under [extracts.…] in hearth.toml, or agree a purpose for it under "
    "[datasets.….columns] in the agreement.",
)
def every_column_has_a_purpose(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse tables and columns that are not in the agreement, and tables of another controller."""
    tables = supplied_tables(evidence)
    read = [(name, column) for name, facts in tables.items() for column in facts.names("columns_read")]
    purposeless = [f"{t}.{c}" for t, c in read if c not in agreement.datasets.get(t, {})]
    foreign = [
        name
        for name in tables
        if name in agreement.dataset_terms and agreement.dataset_terms[name].controller != evidence.part
    ]
    observed = f"{counted(len(read), 'column')} read, {len(purposeless)} without a purpose"
    threshold = "a purpose for each column, and each table from the controller that agreed to supply it"
    if purposeless:
        return failed(
            "COLUMN_WITHOUT_PURPOSE", observed, threshold, f"no purpose for {', '.join(purposeless)}"
        )
    if foreign:
        reason = f"another controller supplies {', '.join(foreign)}"
        return failed("TABLE_OF_ANOTHER_CONTROLLER", observed, threshold, reason)
    return passed(observed, threshold)


@rule(
    id="ING-06",
    version=1,
    title="Columns that should not contain identifiers contain none",
    stage="ingest",
    source="UK GDPR art. 5(1)(c); field-notes.md, defects",
    remedy="Ask the supplier what the column contains. Add it to `ignore` under [extracts.…] in hearth.toml, "
    "or have it cleaned at source.",
)
def no_identifier_out_of_place(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a cell of a non-identifying column that looks like an NHS number, postcode or e-mail address."""
    cells: dict[str, int] = {}
    for name, facts in supplied_tables(evidence).items():
        for column, patterns in facts.table("identifier_patterns").items():
            cells[f"{name}.{column}"] = sum(Shown.of({"n": patterns}).counts("n").values())
    found = {place: count for place, count in cells.items() if count}
    observed = (
        f"{counted(sum(found.values()), 'cell')} that could be an identifier, "
        f"in {counted(len(found), 'column')}"
    )
    if found:
        listed = ", ".join(f"{place}: {counted(count, 'cell')}" for place, count in found.items())
        return failed("IDENTIFIER_OUT_OF_PLACE", observed, "none", f"possible identifiers in {listed}")
    return passed(observed, "none")


def latest_check(agreement: Agreement, register: str, controller: str, now: datetime) -> OptOutCheck | None:
    """Return the newest stated check of a register, not dated after today; None where there is none."""
    checks = [
        check
        for check in agreement.opt_outs.checks
        if (check.register, check.controller) == (register, controller) and check.applied_on <= now.date()
    ]
    return max(checks, key=lambda check: check.applied_on, default=None)


@rule(
    id="ING-07",
    version=1,
    title="The National Data Opt-Out was applied where it is required",
    stage="ingest",
    source="National Data Opt-Out operational policy (applies to section 251; lists within 21 days)",
    remedy="Have the supplier check the extract against the National Data Opt-Out list. Record the date, "
    "residents_in and residents_out under [[opt_outs.checks]] in the agreement.",
    kind="attest",
    parts=("nhs",),
)
def national_opt_out_applied(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse, under section 251, a missing or outdated check, and a check without counts before and after."""
    route, days = agreement.confidentiality.route, agreement.opt_outs.maximum_age_days
    if route != "section-251":
        return passed(f"not required: the route is {route}", "required where the route is section-251")
    check = latest_check(agreement, "national-data-opt-out", evidence.part, now)
    threshold = (
        f"checked no more than {counted(days, 'day')} before the extract, with counts before and after"
    )
    if check is None:
        return failed("OPT_OUT_CHECK_MISSING", "no check", threshold, "the agreement records no check")
    if check.residents_in is None or check.residents_out is None:
        observed = f"checked on {check.applied_on}, without counts"
        return failed("OPT_OUT_CHECK_UNCOUNTED", observed, threshold, "the check has no counts")
    observed = (
        f"checked on {check.applied_on}: {counted(check.residents_in, 'resident')} before, "
        f"{check.residents_out:,} after"
    )
    if check.applied_on < _extract_date(evidence) - timedelta(days=days):
        return failed("OPT_OUT_CHECK_STALE", observed, threshold, "the check is too old for this extract")
    return passed(observed, threshold)


def _extract_date(evidence: Shown) -> date:
    """Return the day of the newest supplied file, else the run's reference date."""
    supplied = [
        facts.within("manifest").text("supplied")
        for facts in supplied_tables(evidence).values()
        if not facts.is_null("manifest") and not facts.within("manifest").is_null("supplied")
    ]
    return date.fromisoformat(max(supplied, default=evidence.run.text("reference_date")))


@rule(
    id="ING-08",
    version=1,
    title="Type 1 opt-outs were removed at source from GP data",
    stage="ingest",
    source="NHS (General Practice) Type 1 opt-out; Secretary of State directions",
    remedy="Have the supplier confirm the removal of Type 1 opt-outs, and record it under "
    "[[opt_outs.checks]] in the agreement.",
    kind="attest",
    parts=("nhs",),
)
def type_1_opt_outs_removed(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse GP data without a dated statement that Type 1 opt-outs were removed."""
    if not agreement.opt_outs.gp_data:
        return passed("not required: no GP data", "required for GP data")
    check = latest_check(agreement, "type-1", evidence.part, now)
    if check is None:
        return failed(
            "TYPE_1_NOT_ATTESTED",
            "no statement",
            "a dated statement",
            "the supplier has not confirmed the removal",
        )
    return passed(f"removed on {check.applied_on}, as the supplier states", "a dated statement")


@rule(
    id="ING-09",
    version=1,
    title="No column records an opt-out",
    stage="ingest",
    source="National Data Opt-Out operational policy: an opt-out is itself confidential",
    remedy="Have the supplier remove these people and the column. Until then, add the column to `ignore` "
    "under [extracts.…] in hearth.toml and remove it from [datasets] of the agreement.",
)
def no_opt_out_column(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse any column that is named after an opt-out, in the extract or in the agreement."""
    read = [f"{n}.{c}" for n, f in supplied_tables(evidence).items() for c in f.names("columns_read")]
    found = sorted({*(name for name in read if _is_opt_out(name)), *opt_out_columns(agreement)})
    observed = f"{counted(len(read), 'column')} read, {len(found)} named after an opt-out"
    if found:
        return failed("OPT_OUT_KEPT", observed, "none", f"opt-out columns: {', '.join(found)}")
    return passed(observed, "none")


def opt_out_columns(agreement: Agreement) -> list[str]:
    """Return the columns of the agreement ("table.column") whose names are those of an opt-out."""
    agreed = [f"{table}.{column}" for table, columns in agreement.datasets.items() for column in columns]
    return [name for name in agreed if _is_opt_out(name)]


def _is_opt_out(name: str) -> bool:
    return _OPT_OUT.search(name.split(".", 1)[1]) is not None
