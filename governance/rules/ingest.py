"""Extracts: what was agreed, and readable; rows accounted for; opt-outs applied before.

Facts: see `pipeline/ingest/stage.py`.
"""

import re
from datetime import date, datetime, timedelta

from governance.agreement.agreement import Agreement
from governance.agreement.terms import OptOutCheck
from governance.rules.registry import NotShown, Shown, Verdict, failed, passed, rule
from schemas.contract import load_contract

_OPT_OUT = re.compile(r"opt_?out|objection|dissent|ndop|type_?1|9nu0|xaz89", re.IGNORECASE)
#: Required of the ingested table; no supplier delivers it.
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
    title="Each file was read whole and safely",
    stage="ingest",
    source="OWASP file upload guidance; governance.md, hostile extract",
    remedy="Ask the supplier to export the file again, as plain CSV or Parquet inside the project's folder.",
)
def file_was_read_whole(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse an empty file, one without a digest, and one without rows.

    Escapes, archive bombs and encodings that cannot be read stop ingest before any row is kept.
    """
    tables = supplied_tables(evidence)
    size = sum(facts.count("file_bytes") for facts in tables.values())
    rows = sum(facts.count("rows_in") for facts in tables.values())
    observed, threshold = (
        f"{len(tables)} files, {size} bytes, {rows} rows",
        "each with a digest, bytes and rows",
    )
    empty = [n for n, f in tables.items() if not f.count("file_bytes") or not f.count("rows_in")]
    unhashed = [n for n, f in tables.items() if not _DIGEST.fullmatch(f.text("file_sha256"))]
    if empty:
        return failed("FILE_EMPTY", observed, threshold, f"without rows: {', '.join(empty)}")
    if unhashed:
        return failed("FILE_NOT_HASHED", observed, threshold, f"without digest: {', '.join(unhashed)}")
    return passed(observed, threshold)


@rule(
    id="ING-03",
    version=1,
    title="Columns are the contract's, and every row is kept or in quarantine",
    stage="ingest",
    source="Open Data Contract Standard v3 contracts in schemas/; UK GDPR art. 5(1)(d), accuracy",
    remedy="Map the columns in hearth.toml; look into the quarantine with the supplier.",
)
def extract_keeps_its_contract(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse undeclared and missing columns, rows unaccounted for, and too many in quarantine."""
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
    aside = {name: facts.count("rows_quarantined") for name, facts in tables.items()}
    most = agreement.thresholds.maximum_quarantined_share
    worst = max(aside[name] / rows[name] if rows[name] else 0.0 for name in tables)
    observed = (
        f"{sum(rows.values())} rows, {sum(kept.values())} kept, {sum(aside.values())} in quarantine "
        f"(at most {worst:.4f} of a file)"
    )
    threshold = f"declared columns, every row accounted for, at most {most:g} of a file in quarantine"
    if undeclared or missing:
        told = "; ".join(
            f"{what}: {', '.join(names)}"
            for what, names in (("undeclared", undeclared), ("missing", missing))
            if names
        )
        return failed("COLUMNS_UNLIKE_CONTRACT", observed, threshold, told)
    removed = {name: facts.count("rows_removed") for name, facts in tables.items()}
    if lost := [name for name in tables if rows[name] != kept[name] + aside[name] + removed[name]]:
        return failed("ROWS_UNACCOUNTED", observed, threshold, f"rows are missing in {', '.join(lost)}")
    if much := [name for name in tables if aside[name] > most * rows[name]]:
        return failed("QUARANTINE_TOO_LARGE", observed, threshold, f"too many rows of {', '.join(much)}")
    return passed(observed, threshold)


@rule(
    id="ING-04",
    version=1,
    title="Every column that was read has a purpose in the agreement",
    stage="ingest",
    source="UK GDPR art. 5(1)(b) and (c); Caldicott Principle 3",
    remedy="Leave the column out ([extracts.…] ignore), or agree a purpose for it in [datasets].",
)
def every_column_has_a_purpose(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse tables and columns that the agreement does not name, and tables of another controller."""
    tables = supplied_tables(evidence)
    read = [(name, column) for name, facts in tables.items() for column in facts.names("columns_read")]
    purposeless = [f"{t}.{c}" for t, c in read if c not in agreement.datasets.get(t, {})]
    foreign = [
        name
        for name in tables
        if name in agreement.dataset_terms and agreement.dataset_terms[name].controller != evidence.part
    ]
    observed = f"{len(read)} columns read, {len(purposeless)} without a purpose"
    threshold = "a purpose for each, from the controller that agreed to it"
    if purposeless:
        return failed("COLUMN_WITHOUT_PURPOSE", observed, threshold, f"none for {', '.join(purposeless)}")
    if foreign:
        return failed(
            "TABLE_OF_ANOTHER_CONTROLLER", observed, threshold, f"another's to supply: {', '.join(foreign)}"
        )
    return passed(observed, threshold)


@rule(
    id="ING-05",
    version=1,
    title="UPRNs and NHS numbers are valid as often as agreed",
    stage="ingest",
    source="field-notes.md, UPRN and NHS number; NHS Data Dictionary (modulus 11)",
    remedy="Ask the supplier to export identifiers as text; spreadsheets damage them.",
)
def identifiers_are_valid(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a share of damaged identifiers above the agreed one, for each column of them."""
    agreed = agreement.thresholds
    shares: dict[str, float] = {}
    too_many: list[str] = []
    for name, facts in supplied_tables(evidence).items():
        for column, validity in facts.table("validity").items():
            share = (
                Shown.of({"share": validity["invalid_share"]}).rate("share") if validity["stated"] else 0.0
            )
            is_nhs_number = load_contract("extract", name).column(column).form == "nhs_number"
            most = (
                agreed.maximum_invalid_nhs_number_share
                if is_nhs_number
                else agreed.maximum_invalid_uprn_share
            )
            shares[f"{name}.{column}"] = share
            if share > most:
                too_many.append(f"{name}.{column} ({share:.4f})")
    observed = ", ".join(f"{name} {share:.4f}" for name, share in shares.items()) or "no identifier column"
    threshold = (
        f"invalid UPRNs at most {agreed.maximum_invalid_uprn_share:g}, "
        f"NHS numbers at most {agreed.maximum_invalid_nhs_number_share:g}"
    )
    if too_many:
        return failed("IDENTIFIERS_DAMAGED", observed, threshold, f"too many in {', '.join(too_many)}")
    return passed(observed, threshold)


@rule(
    id="ING-06",
    version=1,
    title="No identifier stands in a column that is not for one",
    stage="ingest",
    source="UK GDPR art. 5(1)(c); field-notes.md, defects",
    remedy="Ask the supplier what the column holds; leave it out, or have it cleaned at source.",
)
def no_identifier_out_of_place(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse any cell of a non-identifying column that looks like an NHS number, postcode, e-mail…"""
    cells: dict[str, int] = {}
    for name, facts in supplied_tables(evidence).items():
        for column, patterns in facts.table("identifier_patterns").items():
            cells[f"{name}.{column}"] = sum(Shown.of({"n": patterns}).counts("n").values())
    found = {place: count for place, count in cells.items() if count}
    observed = f"{sum(found.values())} cells in {len(found)} columns"
    if found:
        told = ", ".join(f"{place}: {count}" for place, count in found.items())
        return failed("IDENTIFIER_OUT_OF_PLACE", observed, "none", told)
    return passed(observed, "none")


def _latest(agreement: Agreement, register: str, controller: str, now: datetime) -> OptOutCheck | None:
    checks = [
        check
        for check in agreement.opt_outs.checks
        if (check.register, check.controller) == (register, controller) and check.applied_on <= now.date()
    ]
    return max(checks, key=lambda check: check.applied_on, default=None)


@rule(
    id="ING-07",
    version=1,
    title="The National Data Opt-Out was applied where it must be",
    stage="ingest",
    source="National Data Opt-Out operational policy (applies to section 251; lists within 21 days)",
    remedy="Have the supplier check the extract against the list and state it in [[opt_outs.checks]].",
    kind="attest",
    parts=("nhs",),
)
def national_opt_out_applied(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse, under section 251, an absent or stale check and one without its counts in and out."""
    route, days = agreement.confidentiality.route, agreement.opt_outs.maximum_age_days
    if route != "section-251":
        return passed(f"route {route}: it does not apply", "applied where the route is section 251")
    check = _latest(agreement, "national-data-opt-out", evidence.part, now)
    threshold = f"checked within {days} days before the extract, with counts in and out"
    if check is None:
        return failed("OPT_OUT_CHECK_MISSING", "no check", threshold, "no check is stated")
    observed = f"checked on {check.applied_on}, {check.residents_in} in, {check.residents_out} out"
    if check.residents_in is None or check.residents_out is None:
        return failed("OPT_OUT_CHECK_UNCOUNTED", observed, threshold, "the check states no counts")
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
    remedy="Have the supplier state the removal of Type 1 opt-outs in [[opt_outs.checks]].",
    kind="attest",
    parts=("nhs",),
)
def type_1_opt_outs_removed(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse GP data without a dated statement that Type 1 opt-outs were removed."""
    if not agreement.opt_outs.gp_data:
        return passed("no GP data: it does not apply", "removed at source from GP data")
    check = _latest(agreement, "type-1", evidence.part, now)
    if check is None:
        return failed(
            "TYPE_1_NOT_ATTESTED", "no statement", "a dated statement", "nobody attests the removal"
        )
    return passed(f"removed on {check.applied_on}, attested", "a dated statement")


@rule(
    id="ING-09",
    version=1,
    title="No opt-out is kept as a column",
    stage="ingest",
    source="National Data Opt-Out operational policy: an opt-out is itself confidential",
    remedy="Have the supplier remove the people and the column; ignore the column in hearth.toml until then.",
)
def no_opt_out_column(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse any column whose name speaks of an opt-out, in the extract or in the agreement."""
    read = [f"{n}.{c}" for n, f in supplied_tables(evidence).items() for c in f.names("columns_read")]
    agreed = [f"{table}.{column}" for table, columns in agreement.datasets.items() for column in columns]
    found = sorted({name for name in (*read, *agreed) if _OPT_OUT.search(name.split(".", 1)[1])})
    observed = f"{len(read)} columns read, {len(found)} speak of an opt-out"
    if found:
        return failed("OPT_OUT_KEPT", observed, "none", f"opt-outs in {', '.join(found)}")
    return passed(observed, "none")
