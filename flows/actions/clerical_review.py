"""Clerical review of a finished run: export a sample of pairs, import reviewers' decisions, record both.

A run destroys the key of its pseudonymised tables when it ends. The quality stage therefore draws the sample
before that, and stores it in the linkage zone under that zone's storage key and retention class.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from flows.actions.workspace_reading import last_judged, reading_workspace
from flows.run.setup.authorisation import authorised_principal
from governance.agreement.agreement import read_agreement
from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.canonical import digest_of_file
from governance.errors import Fault
from governance.linkage_precision import REVIEW_IMPORTED
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import load_table
from pipeline.project import Project
from pipeline.quality.review.decisions import read_decisions
from pipeline.quality.review.export import CSV_FILE, PAGE_FILE, export_review
from pipeline.quality.review.findings import Review, SampledCase, find
from pipeline.workspace import Workspace
from schemas.storage.artefact_record import RECORD

_SAMPLE = "review_case.parquet"


@dataclass(frozen=True)
class Exported:
    """What was exported. review: id of the sample, which is in every row."""

    review: str
    cases: int
    files: tuple[Path, Path]


def export_sample(project: Project, folder: Path, cases_per_stratum: int) -> Exported:
    """Write the last run's review sample into `folder`, readable only by its owner.

    Raises Fault if there is no sample, it was disposed of, or the folder cannot be written.
    """
    with _sample(project) as (workspace, sample, connection):
        review = _review_id(sample)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            cases = export_review(connection, review, folder, cases_per_stratum)
        except OSError as error:
            raise Fault(
                "REVIEW_NOT_WRITTEN",
                f"{folder.name} cannot be written ({error.strerror}), so no review was exported.",
                "Use --out with a folder that you can write to.",
            ) from None
        files = (folder / CSV_FILE, folder / PAGE_FILE)
        _record(project, workspace, review, {"what": "review exported", "cases": cases} | _digests(files))
        return Exported(review, cases, files)


def import_decisions(
    project: Project, paths: Sequence[Path], wanted_precision: float, *, partial: bool = False
) -> Review:
    """Check reviewers' files against the last run's sample and return what follows from the decisions.

    Raises Fault with every faulty row (see `read_decisions`). In that case nothing is recorded.
    """
    with _sample(project) as (workspace, folder, connection):
        review = _review_id(folder)
        cases = {
            row[0]: SampledCase(*row)
            for row in connection.execute(
                "SELECT review_case, band, stratum_group, match_weight, reason, stratum_pairs "
                "FROM review_case"
            ).fetchall()
        }
        decisions = read_decisions(paths, review, cases, partial=partial)
        found = find(review, decisions, cases, wanted_precision)
        links = found.links.as_json()
        facts = {
            "what": REVIEW_IMPORTED,
            "reviewers": len(found.decided),
            "decisions": len(decisions),
            "cases_resolved": found.cases,
            "kappa": [kappa.as_json()["kappa"] for kappa in found.kappas],
            "precision_of_links": links["value"],
            "precision_low": links["low"],
            "precision_high": links["high"],
            "links_reviewed": links["cases"],
            "partial": partial,
            "model_digest": json.loads((folder / RECORD).read_bytes())["facts"]["model_digest"],
        }
        _record(project, workspace, review, facts | _digests(paths))
        return found


@contextmanager
def _sample(project: Project) -> Iterator[tuple[Workspace, Path, duckdb.DuckDBPyConnection]]:
    """Open the sample; yield the workspace, the sample's folder and a connection with table `review_case`."""
    _reviewer(project)
    with (
        reading_workspace(project) as workspace,
        workspace.spill("review") as spill,
        locked_connection(project.engine, spill) as connection,
    ):
        folder = last_judged(project, workspace, workspace.zone("linkage"), "quality", "all")
        if folder is None or not (folder / _SAMPLE).is_file():
            raise Fault(
                "NO_REVIEW_SAMPLE",
                "The workspace contains no sample for review: nothing has run yet, or it was disposed of.",
                "Run `hearth run`; it draws a new sample.",
            )
        load_table(connection, folder / _SAMPLE, "review_case")
        yield workspace, folder, connection


def _review_id(sample: Path) -> str:
    return digest_of_file(sample / _SAMPLE)[:16]


def _reviewer(project: Project) -> str:
    """Return the principal who exports or imports the review. Raises Refused if none may."""
    return authorised_principal(project, read_agreement(project.agreement), "review-links", None)[0]


def _digests(files: Sequence[Path]) -> dict[str, Any]:
    return {"files": sorted(digest_of_file(path) for path in files)}


def _record(project: Project, workspace: Workspace, review: str, facts: dict[str, Any]) -> None:
    agreement = read_agreement(project.agreement)
    signer = open_log_signer(workspace.zone("keys"), f"hearth/{project.name}")
    audit = AuditLog.open(workspace.zone("audit"), signer)
    actor = _reviewer(project)
    audit.append(
        f"review-{review}", actor, "quality", "note", verdict="done", evidence=facts, policy=agreement.digest
    )
    audit.checkpoint()
