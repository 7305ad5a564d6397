"""The publish stage: protected cells in, a whole release out, staged until its gate has judged it.

    publish(protected, figures, fingerprint, context) -> (Artefact, Evidence)
                                               writes releases/.staged-<release id>/
    commit_release(cleared, absence, context) -> Artefact     enters it in the ledger and renames it

A release's id follows from the reference date and the fingerprint. A release that is already
published is verified and returned; nothing is written.

Evidence facts, and the rule that reads them:

| fact | meaning | rule |
|---|---|---|
| release_id, epoch, reference_date | what the release is | AGG-05 |
| manifest_sha256 | digest of its manifest | |
| ledger_entries, ledger_head | entries of the verified ledger, and its head | AGG-05 |
| epoch_first_release | release whose values this one repeats (null: it opens the epoch) | AGG-05 |
| values_changed_within_epoch | cells that differ from the epoch's release; must be 0 | AGG-05 |
| areas_changed, areas_carried_forward | areas with new values as an epoch opens; with the old | AGG-05 |
| smallest_change | fewest households that changed in an area with new values (null: none) | AGG-05 |
| minimum_changed_households | K; smallest_change must not be below it | AGG-05 |
| attacks, attack_successes | the attacks tried on the finished files; successes must be 0 | AGG-06 |
| intruder | what a scripted neighbour achieved on this release, dated; shown in the governance report | |
| parquet_files | number of Parquet files | PUB-02 |
| undeclared_metadata_keys | keys of file or column metadata not declared; must be empty | PUB-02 |
| undeclared_files | files of no declared kind or name; must be empty | PUB-02 |
| statistics_beyond_data | columns whose footer statistics are not those of the rows; must be 0 | PUB-02 |
| undeclared_columns | columns outside the contract ("table.column"); must be empty | PUB-03 |
| missing_columns | contract columns a table lacks; must be empty | PUB-03 |
| tables | ids of the tables | PUB-04 |
| unregistered_tables | tables that are not in the register; must be empty | PUB-04 |
| tables_outside_agreement | tables that are no output of the agreement; must be empty | PUB-04 |
| tables_without_catalogue_entry | must be empty | PUB-04 |
| disclosure_criteria | the method's numbers as stored with the release; null if absent | PUB-04 |
| read_back | protections P0 to P7 judged again from the files: see `read_back/` | AGG-10 |
| quality_report | the linkage report's counts, read from its bytes: see `inspect_report` | PUB-06 |
| cells, cells_published, cells_hidden, cells_not_produced | rows of all tables | |
"""

import shutil
from pathlib import Path
from typing import Any

import duckdb

from governance.artefact import Artefact, Evidence
from governance.canonical import digest_of_file
from governance.clearance import Cleared
from pipeline.context import RunContext
from pipeline.disclosure.profile import SPECIFICATION_VERSION
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import load_table
from pipeline.link.model import model_of
from pipeline.publish.attacked import attack_finished, check_repelled
from pipeline.publish.files.dictionary import write_dictionary
from pipeline.publish.files.left_out import section_of_release
from pipeline.publish.files.manifest import MANIFEST, STAGED_PREFIX, verify_release, write_manifest
from pipeline.publish.files.note import write_note
from pipeline.publish.files.release_content import (
    file_of,
    published_tables,
    write_areas,
    write_basis,
    write_criteria,
    write_measures,
    write_tables,
)
from pipeline.publish.files.views import write_views
from pipeline.publish.freeze import Frozen, freeze, may_report_anew
from pipeline.publish.inspection import inspect_release
from pipeline.publish.publication import Publication
from pipeline.publish.read_back.read_back import Sources, read_back, read_back_published
from pipeline.publish.release_check import check_published, published_folders
from pipeline.publish.release_record import write_cell_digests, write_record
from pipeline.quality.writing import inspect_report, repeat_report, write_report

STAGE = "publish"
_READ = ("protected_cell", "published_measure", "area", "household_state", "basis")


def fingerprint_settings(context: RunContext) -> dict[str, Any]:
    """Return what a release depends on in addition to the protected cells."""
    return {
        "reference_date": context.project.reference_date.isoformat(),
        "outputs": sorted(context.agreement.outputs),
    }


def publish(
    protected: Cleared, figures: Cleared, counted: Cleared, fingerprint: str, context: RunContext
) -> tuple[Artefact, Evidence]:
    """Stage the release, or return it where it is published already; `commit_release` publishes it.

    figures: what the quality stage counted. counted: the exact cells of the aggregate stage, with which the
    finished files are compared. Raises Refused where the ledger is lost or edited, or a published release
    was changed.
    """
    publication = Publication.of(fingerprint, context)
    found = _find(publication)
    if found is not None:
        return found
    staged = publication.staged
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(mode=0o700)
    try:
        frozen = _write(publication, protected, figures)
        exact = counted.artefact
        sources = Sources(exact.path("cell"), exact.path("household_state"))
        evidence = _evidence(publication, staged, frozen, read_back(staged, sources, publication))
        check_repelled(evidence)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    return Artefact(STAGE, "all", staged, fingerprint, verify_release(staged)), evidence


def find_standing(fingerprint: str, context: RunContext) -> tuple[Artefact, Evidence] | None:
    """Return the published release of that fingerprint, verified; None where there is none.

    A run calls this before its first stage, so every published release is checked here.
    Raises Refused where the ledger is lost or edited, or a published release was changed.
    """
    publication = Publication.of(fingerprint, context)
    check_published(published_folders(publication.releases), publication.ledger, context.recorded)
    return _find(publication)


def _find(publication: Publication) -> tuple[Artefact, Evidence] | None:
    folder = publication.published
    if not folder.is_dir():
        return None
    check_published([folder], publication.ledger, publication.context.recorded)
    files = verify_release(folder)
    publication.context.report(f"Release {folder.name} is already published; nothing has changed.")
    release = Artefact(STAGE, "all", folder, publication.fingerprint, files)
    return release, _evidence(publication, folder, None, read_back_published(folder, publication))


def _write(publication: Publication, protected: Cleared, figures: Cleared) -> Frozen:
    """Write every file of the release into its staged folder, and its record for the ledger."""
    context, profile, identity = publication.context, publication.profile, publication.identity
    folder = publication.staged
    cells_of, counts_of = protected.artefact, figures.artefact
    with locked_connection(context.project.engine, context.spill) as connection:
        for table in _READ:
            load_table(connection, cells_of.path(table), table)
        frozen = freeze(
            connection,
            publication.ledger,
            context.workspace,
            identity.epoch,
            profile.minimum_changed_households,
        )
        tables = published_tables(connection)
        write_tables(connection, tables, identity, profile.settings(), folder)
        measures = write_measures(connection, folder)
        write_areas(connection, folder)
        _write_quality(connection, publication, counts_of, frozen)
        write_basis(connection, folder)
        left_out = section_of_release(connection, context.agreement.outputs)
        cells_sha256, cells = write_cell_digests(connection, context.workspace)
    write_dictionary(
        {t.table_id: t.dimensions for t in tables}, {t.table_id: t.title for t in tables}, measures, folder
    )
    write_views({t.table_id: file_of(t) for t in tables}, folder)
    write_criteria(publication, folder)
    dated, settings = publication.reference_date, profile.settings()
    corrected = publication.correction_reason
    write_note(identity.release_id, dated, identity.epoch, settings, folder, corrected, left_out)
    manifest_sha256 = write_manifest(folder, identity.release_id, identity.epoch, dated, profile.method)
    write_record(
        context,
        {
            "release_id": identity.release_id,
            "fingerprint": publication.fingerprint,
            "reference_date": dated,
            "epoch": identity.epoch,
            "specification_version": SPECIFICATION_VERSION,
            "manifest_sha256": manifest_sha256,
            "cells": cells,
            "cells_sha256": cells_sha256,
            "state_sha256": frozen.state_sha256,
        },
    )
    return frozen


def _write_quality(
    connection: duckdb.DuckDBPyConnection, publication: Publication, figures: Artefact, frozen: Frozen
) -> None:
    """Write the report on linkage quality, or repeat the latest release's where its figures are frozen."""
    latest = publication.ledger.latest_revealed()
    minimum = publication.profile.minimum_changed_households
    if latest is not None and not may_report_anew(connection, frozen, minimum):
        earlier = publication.releases / latest.release_id
        if repeat_report(earlier, publication.staged):
            return
    for table in ("quality_count", "match_weight"):
        load_table(connection, figures.path(table), table)
    write_report(
        connection,
        model_of(publication.context),
        publication.quality_terms,
        publication.reference_date,
        publication.identity.epoch,
        publication.staged,
    )


def _evidence(
    publication: Publication, folder: Path, frozen: Frozen | None, judged: dict[str, Any]
) -> Evidence:
    ledger, context = publication.ledger, publication.context
    facts = inspect_release(folder, context.agreement.outputs) | {
        "release_id": folder.name.removeprefix(STAGED_PREFIX),
        "reference_date": publication.reference_date,
        "manifest_sha256": digest_of_file(folder / MANIFEST),
        "ledger_entries": len(ledger.entries),
        "ledger_head": ledger.head,
        "epoch_first_release": None if frozen is None or frozen.is_boundary else frozen.release_id,
        "values_changed_within_epoch": 0 if frozen is None else frozen.values_changed,
        "areas_changed": 0 if frozen is None else frozen.areas_changed,
        "areas_carried_forward": 0 if frozen is None else frozen.areas_carried_forward,
        "smallest_change": None if frozen is None else frozen.smallest_change,
        "minimum_changed_households": publication.profile.minimum_changed_households,
        "read_back": judged,
    }
    latest = None
    if frozen is not None and frozen.release_id is not None:
        latest = publication.releases / frozen.release_id
    earlier = None if frozen is None or frozen.is_boundary else latest
    facts["quality_report"] = inspect_report(folder, publication.quality_terms, earlier, latest)
    facts |= attack_finished(folder, context, ledger)
    return Evidence(STAGE, "all", facts)
