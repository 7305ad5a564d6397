"""Clerical review on clear data, in the linkage environment: send pairs out, take verdicts in.

The pairs leave by the record pseudonyms that each controller can compute. The verdicts come back with ids of
cases only. They measure the links (LNK-08), and change the links of later runs (LNK-10) if reviewers agree.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from flows.actions.link_explanation import reader, stored_links
from flows.actions.workspace_reading import reading_workspace
from flows.run.run import new_run_id
from flows.run.setup.custody import open_run_keys
from governance.agreement.agreement import read_agreement
from governance.artefact import Artefact, Evidence
from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.canonical import digest_of, digest_of_file
from governance.errors import Fault
from governance.keys.pseudonyms.column_hashing import keyed_hasher
from governance.linkage_precision import LEAST_REVIEWERS, REVIEW_IMPORTED
from governance.recorded_state import PAIRS_AT_REVIEW, RecordedState
from pipeline.artefact_store import find_artefact, recorded_facts, write_artefact
from pipeline.context import RunContext
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import load_table, write_query
from pipeline.link.verdict_store import write_verdicts
from pipeline.link.verdicts import VERDICT
from pipeline.project import Project
from pipeline.pseudonymise.tables import COUNCIL_PROPERTY_RECORD, NHS_PERSON_RECORD
from pipeline.quality.review.decisions import Decision, read_decisions
from pipeline.quality.review.export import write_private
from pipeline.quality.review.findings import Review, SampledCase, agree_enough, find, kappas_of, resolve
from pipeline.quality.review.pairs.selection import ESTIMATE, select_pairs
from pipeline.quality.review.pairs.sheet import PAIR_COLUMNS
from pipeline.transfer.receiving import held_package, read_columns
from pipeline.workspace import Workspace

_STAGE, _TABLES = "review", ("review_pair", "review_member")
#: Controller -> its table of records, and the kind of its record pseudonyms.
_RECORDS = {
    "council": ("dwelling", COUNCIL_PROPERTY_RECORD),
    "nhs": ("nhs_resident", NHS_PERSON_RECORD),
}


@dataclass(frozen=True)
class SentPairs:
    """What was exported: id of the review, pairs of the sample and further pairs, and the two files."""

    review: str
    sampled: int
    further: int
    files: tuple[Path, ...]


@dataclass(frozen=True)
class TakenVerdicts:
    """The result of an import. found: what the sample shows; verdicts: on record for later runs."""

    found: Review
    verdicts: int
    agreed: bool

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return {**self.found.as_json(), "verdicts": self.verdicts, "reviewers_agree": self.agreed}


def send_pairs(project: Project, folder: Path, sample: int, teach: int) -> SentPairs:
    """Choose pairs of the last run for review, and write a file for each controller into `folder`.

    sample: pairs of the sample; teach: further pairs whose verdicts teach most (see `selection`).
    """
    actor = reader(project)
    with stored_links(project) as links, links.workspace.lock():
        links.load(("decision", "candidate_pair", "address_group", "resident_link"))
        connection = links.connection
        select_pairs(connection, sample, teach)
        connection.execute(
            """
            CREATE TABLE review_member AS
            SELECT review_pair.review_case, resident_link.nhs_record_pseudonym
            FROM review_pair
            INNER JOIN resident_link
                ON resident_link.address_group IN (
                    review_pair.address_group, review_pair.address_group || '-moved'
                )
            """
        )
        record = _record(project, links.workspace, actor)
        facts = {"model_digest": links.facts["model_digest"], "links": links.digest}
        artefact = _keep_sample(connection, links.workspace, {**facts, "sample": sample, "teach": teach})
        review = artefact.digest[:16]
        rows = _rows_of_controllers(connection, review)
        names = {
            controller: _names_at_controller(
                project, links.workspace, record, controller, {r[2] for r in found}
            )
            for controller, found in rows.items()
        }
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            files = tuple(
                _write_pairs(folder / f"pairs-{controller}.csv", found, names[controller])
                for controller, found in rows.items()
            )
        except OSError as error:
            raise Fault(
                "REVIEW_NOT_WRITTEN",
                f"{folder.name} cannot be written ({error.strerror}), so no review was exported.",
                "Use --out with a folder that you can write to.",
            ) from None
        kept = {"fingerprint": artefact.fingerprint, "artefact": artefact.digest, "review": review}
        record.record(PAIRS_AT_REVIEW, kept)
        counts = dict(connection.execute("SELECT purpose, COUNT(*) FROM review_pair GROUP BY ALL").fetchall())
        noted = {"what": "review pairs exported", "files": [digest_of_file(path) for path in files], **counts}
        _note(record, review, noted)
        sampled = int(counts.get(ESTIMATE, 0))
        return SentPairs(review, sampled, sum(counts.values()) - sampled, files)


def take_verdicts(
    project: Project, paths: Sequence[Path], precision: float, *, partial: bool = False
) -> TakenVerdicts:
    """Check reviewers' files, report what the sample shows, and put verdicts on record for later runs.

    Raises Fault with every faulty row, or if a file has other columns than verdicts have.
    """
    actor = reader(project)
    with _pairs_at_review(project, actor) as (workspace, record, artefact, connection):
        review = artefact.digest[:16]
        rows = connection.execute(
            "SELECT review_case, band, cell, match_weight, reason, cell_pairs, purpose FROM review_pair"
        ).fetchall()
        cases = {row[0]: SampledCase(*row[:6]) for row in rows}
        sampled = {row[0]: cases[row[0]] for row in rows if row[6] == ESTIMATE}
        decisions = read_decisions(paths, review, cases, partial=partial, nothing_else=True)
        of_sample = [item for item in decisions if item.case in sampled]
        found = find(review, of_sample, sampled, precision)
        kappas = kappas_of(decisions)
        agreed = agree_enough(kappas) and agree_enough(found.kappas)
        verdicts = _verdicts(connection, decisions, review) if agreed else VERDICT.empty_table()
        lowest = min((kappa.value for kappa in kappas if kappa.value is not None), default=None)
        count = len(set(verdicts["verdict_id"].to_pylist()))
        if count:
            write_verdicts(workspace, record, verdicts, lowest)
        links = found.links.as_json()
        _note(
            record,
            review,
            {
                "what": REVIEW_IMPORTED,
                "on": "clear data at the controllers",
                "reviewers": len({item.reviewer for item in decisions}),
                "decisions": len(decisions),
                "cases_resolved": found.cases,
                "kappa": [kappa.as_json()["kappa"] for kappa in kappas],
                "precision_of_links": links["value"] if agreed else None,
                "precision_low": links["low"] if agreed else None,
                "precision_high": links["high"] if agreed else None,
                "links_reviewed": links["cases"],
                "partial": partial or len({item.case for item in of_sample}) < len(sampled),
                "model_digest": recorded_facts(artefact)["model_digest"],
                "verdicts": count,
                "files": sorted(digest_of_file(path) for path in paths),
            },
        )
        return TakenVerdicts(found, count, agreed)


@contextmanager
def _pairs_at_review(
    project: Project, actor: str
) -> Iterator[tuple[Workspace, RecordedState, Artefact, duckdb.DuckDBPyConnection]]:
    """Open the pairs that are at review, as the log names them; later runs do not change them."""
    with (
        reading_workspace(project) as workspace,
        workspace.lock(),
        workspace.spill("review") as spill,
        locked_connection(project.engine, spill) as connection,
    ):
        record = _record(project, workspace, actor)
        last = record.last(PAIRS_AT_REVIEW)
        found = last and find_artefact(workspace.zone("linkage"), _STAGE, "all", str(last["fingerprint"]))
        if not found or found[0].digest != last["artefact"]:
            raise Fault(
                "NO_REVIEW_SAMPLE",
                "No pairs of this workspace are at review: none were exported, or they were disposed of.",
                "Run `hearth review pairs`, and have these pairs reviewed.",
            )
        for table in _TABLES:
            load_table(connection, found[0].path(table), table)
        yield workspace, record, found[0], connection


def _verdicts(connection: duckdb.DuckDBPyConnection, decisions: Sequence[Decision], review: str) -> pa.Table:
    """Return a verdict for each case that enough reviewers decided, with one answer of most of them."""
    voters: dict[str, set[str]] = {}
    for item in decisions:
        if item.decision != "unsure":
            voters.setdefault(item.case, set()).add(item.reviewer)
    decided = [
        {"review_case": case, "is_same": same, "reviewers": len(voters[case])}
        for case, same in resolve(decisions).items()
        if same is not None and len(voters[case]) >= LEAST_REVIEWERS
    ]
    schema = pa.schema([("review_case", pa.string()), ("is_same", pa.bool_()), ("reviewers", pa.int64())])
    connection.register("decided", pa.Table.from_pylist(decided, schema))
    rows = connection.sql(
        """
        SELECT
            review_pair.dwelling_record_pseudonym,
            review_member.nhs_record_pseudonym,
            decided.review_case AS verdict_id,
            decided.is_same,
            $review AS review,
            decided.reviewers,
            review_pair.place,
            review_pair.people,
            review_pair.cell_pairs
        FROM decided
        INNER JOIN review_pair USING (review_case)
        INNER JOIN review_member USING (review_case)
        """,
        params={"review": review},
    ).to_arrow_table()
    return rows.cast(VERDICT)


def _keep_sample(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, facts: dict[str, Any]
) -> Artefact:
    orders = {"review_pair": "review_case", "review_member": "review_case, nhs_record_pseudonym"}

    def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
        rows: dict[str, int | None] = {
            f"{table}.parquet": write_query(
                connection, f"SELECT * FROM {table} ORDER BY {order}", folder / f"{table}.parquet"
            )
            for table, order in orders.items()
        }
        return rows, Evidence(_STAGE, "all", facts)

    return write_artefact(workspace.zone("linkage"), _STAGE, "all", digest_of(facts), fill)[0]


def _rows_of_controllers(
    connection: duckdb.DuckDBPyConnection, review: str
) -> dict[str, list[tuple[str, ...]]]:
    """Return controller -> rows of its file of pairs, by the pseudonyms of the linkage environment."""
    levels = "COALESCE(place, ''), COALESCE(people, '')"
    queries = {
        "council": f"SELECT $review, review_case, dwelling_record_pseudonym, {levels} FROM review_pair",
        "nhs": f"SELECT $review, review_case, nhs_record_pseudonym, {levels}"
        " FROM review_pair INNER JOIN review_member USING (review_case)",
    }
    return {
        controller: connection.execute(f"{query} ORDER BY ALL", {"review": review}).fetchall()
        for controller, query in queries.items()
    }


def _names_at_controller(
    project: Project, workspace: Workspace, record: RecordedState, controller: str, wanted: set[str]
) -> dict[str, str]:
    """Return pseudonym here -> pseudonym that the controller can compute, before the outer key.

    In single-operator custody one place has all keys, so the two are the same.
    """
    if project.custody == "single-operator":
        return {name: name for name in wanted}
    agreement = read_agreement(project.agreement)
    receiver, outer = open_run_keys(project, agreement, workspace).receiving()
    table, kind = _RECORDS[controller]
    names: dict[str, str] = {}
    run_id = new_run_id()
    with workspace.spill(run_id) as spill, keyed_hasher([outer], [kind], 0) as hasher:
        context = RunContext(run_id, project, agreement, workspace, spill, log=record)
        held = held_package(controller, context)
        if held is not None:
            for batch in read_columns(held, table, ["record_pseudonym"], receiver, context):
                inner = batch.column(0)
                here = hasher.pseudonyms(kind, inner).result()
                pairs = zip(here.to_pylist(), inner.to_pylist(), strict=True)
                names |= {name: theirs for name, theirs in pairs if name in wanted}
    if wanted - set(names):
        raise Fault(
            "REVIEW_RECORDS_MISSING",
            f"{len(wanted - set(names)):,} of {len(wanted):,} records to review are not in the newest package"
            f" of {controller}.",
            "Run `hearth run` with the newest packages, then export the pairs again.",
        )
    return names


def _write_pairs(path: Path, rows: Sequence[tuple[str, ...]], names: dict[str, str]) -> Path:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(PAIR_COLUMNS)
    writer.writerows((review, case, names[name], *levels) for review, case, name, *levels in rows)
    write_private(path, text.getvalue())
    return path


def _record(project: Project, workspace: Workspace, actor: str) -> RecordedState:
    signer = open_log_signer(workspace.zone("keys"), f"hearth/{project.name}")
    audit = AuditLog.open(workspace.zone("audit"), signer)
    return RecordedState(audit, new_run_id(), actor, read_agreement(project.agreement).digest)


def _note(record: RecordedState, review: str, facts: dict[str, Any]) -> None:
    run = f"review-{review}"
    record.audit.append(
        run, record.actor, "quality", "note", verdict="done", evidence=facts, policy=record.policy
    )
    record.audit.checkpoint()
