"""The publish stage: protected cells in, a whole release out, staged until its gate has judged it.

    publish(protected, figures, fingerprint, context) -> (Artefact, Evidence)
                                               writes releases/.staged-<release id>/
    reveal(cleared, absence, context) -> Artefact   (reveal.py)         enters the ledger and renames it

A release's id follows from the reference date and the fingerprint. Where that release
stands already it is verified and returned; nothing is written.

Evidence facts, and the rule that reads them:

| fact | meaning | rule |
|---|---|---|
| release_id, epoch, reference_date | what the release is | AGG-05 |
| manifest_sha256 | digest of its manifest | |
| ledger_entries, ledger_head | lines of the ledger that was verified, and its head | AGG-05 |
| epoch_first_release | release whose values this one re-emits (null: it opens the epoch) | AGG-05 |
| values_changed_within_epoch | cells unlike the epoch's release; must be 0 | AGG-05 |
| areas_changed, areas_carried_forward | areas with new values as an epoch opens; with the old | AGG-05 |
| smallest_change | fewest households that changed in an area with new values (null: none) | AGG-05 |
| minimum_changed_households | K; smallest_change must not be below it | AGG-05 |
| attacks, attack_successes | the attacks tried on the finished files; successes must be 0 | AGG-06 |
| intruder | what a scripted neighbour achieved on this release, dated; shown in the IG report | |
| parquet_files | number of Parquet files | PUB-02 |
| undeclared_metadata_keys | keys of file or column metadata not declared; must be empty | PUB-02 |
| undeclared_files | files of no declared kind or name; must be empty | PUB-02 |
| statistics_beyond_data | columns whose footer statistics are not those of the rows; must be 0 | PUB-02 |
| undeclared_columns | columns outside the contract ("table.column"); must be empty | PUB-03 |
| missing_columns | contract columns a table lacks; must be empty | PUB-03 |
| tables | ids of the tables | PUB-04 |
| unregistered_tables | tables that the register does not hold; must be empty | PUB-04 |
| tables_outside_agreement | tables that are no output of the agreement; must be empty | PUB-04 |
| tables_without_catalogue_entry | must be empty | PUB-04 |
| disclosure_criteria | the method's numbers as stored with the release; null if absent | PUB-04 |
| quality_report | the linkage report's counts, read from its bytes: see `inspect_report` | PUB-06 |
| cells, cells_published, cells_hidden, cells_not_produced | rows of all tables | |
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from governance.artefact import Artefact, Evidence
from governance.canonical import canonical_json, digest_of_file
from governance.clearance import Cleared
from pipeline.context import RunContext
from pipeline.disclosure.epoch import epoch_of_project
from pipeline.disclosure.ledger import Ledger
from pipeline.disclosure.profile import FLOOR_ROUNDING_BASE, SPECIFICATION_VERSION, Profile, profile_of
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import load_table
from pipeline.link.model import model_of
from pipeline.publish.attacked import attack_finished, check_repelled
from pipeline.publish.catalogue import CatalogueEntry, write_catalogue
from pipeline.publish.commit_release import open_ledger
from pipeline.publish.dictionary import write_dictionary
from pipeline.publish.freeze import Frozen, freeze, may_report_anew
from pipeline.publish.inspection import inspect_release
from pipeline.publish.manifest import MANIFEST, STAGED_PREFIX, verify_release, write_manifest
from pipeline.publish.note import write_note
from pipeline.publish.register import PublishedTable, measure_titles, published_table
from pipeline.publish.release_record import write_cell_digests, write_record
from pipeline.publish.release_table import ReleaseIdentity, write_plain_parquet, write_release_table
from pipeline.publish.views import write_views
from pipeline.quality.protection import Terms
from pipeline.quality.writing import inspect_report, repeat_report, write_report

STAGE = "publish"
CRITERIA = "disclosure_criteria.json"
MEASURES = "measure.parquet"
AREAS = "area.parquet"
BASIS = "basis.parquet"
_BASIS_SCHEMA = pa.schema([(name, pa.string()) for name in ("aspect", "name", "value")])
#: Public facts of areas that a release repeats.
AREA_COLUMNS = ("lsoa21", "msoa21", "local_authority", "imd_decile", "aqma")


def fingerprint_settings(context: RunContext) -> dict[str, Any]:
    """Return what a release depends on beside the protected cells."""
    return {
        "reference_date": context.project.reference_date.isoformat(),
        "outputs": sorted(context.agreement.outputs),
    }


def release_id_of(context: RunContext, fingerprint: str) -> str:
    """Return the id of the release: its reference date and the start of the fingerprint."""
    return f"{context.project.reference_date.isoformat()}-{fingerprint[:12]}"


def publish(
    protected: Cleared,
    figures: Cleared,
    fingerprint: str,
    context: RunContext,
) -> tuple[Artefact, Evidence]:
    """Stage the release, or return it where it stands; `reveal` makes it appear.

    figures: what the quality stage counted.

    Raises Refused where the ledger is lost or edited, or a standing release was changed.
    """
    found = find_standing(fingerprint, context)
    if found is not None:
        return found
    release_id = release_id_of(context, fingerprint)
    ledger = open_ledger(context)
    staged = context.workspace.zone("releases") / f"{STAGED_PREFIX}{release_id}"
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(mode=0o700)
    try:
        frozen = _write(protected, figures, staged, release_id, fingerprint, ledger, context)
        evidence = _evidence(staged, context, ledger, frozen)
        check_repelled(evidence)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    return (
        Artefact(STAGE, "all", staged, fingerprint, verify_release(staged)),
        evidence,
    )


def find_standing(fingerprint: str, context: RunContext) -> tuple[Artefact, Evidence] | None:
    """Return the release of that fingerprint where it stands already, verified; None where it does not.

    Raises Refused where the ledger is lost or edited, or the standing release was changed.
    """
    release_id = release_id_of(context, fingerprint)
    ledger = open_ledger(context)
    standing = context.workspace.zone("releases") / release_id
    if not standing.is_dir():
        return None
    files = verify_release(standing)
    context.report(f"release {release_id} stands already and is whole")
    return Artefact(STAGE, "all", standing, fingerprint, files), _evidence(standing, context, ledger, None)


def _write(
    protected: Cleared,
    figures: Cleared,
    folder: Path,
    release_id: str,
    fingerprint: str,
    ledger: Ledger,
    context: RunContext,
) -> Frozen:
    profile = profile_of(context.agreement)
    identity = ReleaseIdentity(
        release_id,
        epoch_of_project(context.project, profile.epoch),
        context.project.reference_date,
        profile.method,
    )
    with locked_connection(context.project.engine, context.spill) as connection:
        for table in ("protected_cell", "published_measure", "area", "household_state", "basis"):
            load_table(connection, protected.artefact.path(table), table)
        frozen = freeze(
            connection, ledger, context.workspace, identity.epoch, profile.minimum_changed_households
        )
        tables = [published_table(table_id) for table_id in _table_ids(connection)]
        _write_tables(connection, tables, identity, folder)
        measures = _write_measures(connection, folder)
        _write_areas(connection, folder)
        _write_quality(connection, figures, identity, ledger, frozen, context, folder)
        _write_basis(connection, folder)
        cells_sha256, cells = write_cell_digests(connection, context.workspace)
    write_dictionary(
        {t.table_id: t.dimensions for t in tables}, {t.table_id: t.title for t in tables}, measures, folder
    )
    write_views({t.table_id: _file_of(t) for t in tables}, folder)
    _write_criteria(profile, context, folder)
    reason = _correction_reason(context)
    dated = identity.reference_date.isoformat()
    write_note(release_id, dated, identity.epoch, profile.settings(), folder, reason)
    manifest_sha256 = write_manifest(
        folder, release_id, identity.epoch, identity.reference_date.isoformat(), profile.method
    )
    write_record(
        context.workspace,
        {
            "release_id": release_id,
            "fingerprint": fingerprint,
            "reference_date": identity.reference_date.isoformat(),
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
    connection: duckdb.DuckDBPyConnection,
    figures: Cleared,
    identity: ReleaseIdentity,
    ledger: Ledger,
    frozen: Frozen,
    context: RunContext,
    folder: Path,
) -> None:
    """Write the report on linkage quality, or repeat the latest release's where its figures are frozen."""
    latest = ledger.latest_revealed()
    minimum = profile_of(context.agreement).minimum_changed_households
    if latest is not None and not may_report_anew(connection, frozen, minimum):
        earlier = context.workspace.zone("releases") / latest.release_id
        if repeat_report(earlier, folder):
            return
    for table in ("quality_count", "match_weight"):
        load_table(connection, figures.artefact.path(table), table)
    write_report(
        connection,
        model_of(context),
        quality_terms(context),
        identity.reference_date.isoformat(),
        identity.epoch,
        folder,
    )


def quality_terms(context: RunContext) -> Terms:
    """Return the numbers that protect the quality report: counts of records are always rounded."""
    profile = profile_of(context.agreement)
    return Terms(profile.minimum_cell_count, max(profile.rounding_base, FLOOR_ROUNDING_BASE))


def _table_ids(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [
        row[0]
        for row in connection.execute("SELECT DISTINCT table_id FROM protected_cell ORDER BY ALL").fetchall()
    ]


def _file_of(table: PublishedTable) -> str:
    return f"{table.table_id}.parquet"


def _write_tables(
    connection: duckdb.DuckDBPyConnection,
    tables: list[PublishedTable],
    identity: ReleaseIdentity,
    folder: Path,
) -> None:
    entries = []
    for table in tables:
        path = folder / _file_of(table)
        rows = write_release_table(
            connection,
            table.table_id,
            table.dimensions,
            identity,
            {"title": table.title, "description": table.description},
            path,
        )
        figures = connection.execute(
            """
            SELECT
                COUNT(*) FILTER (value IS NOT NULL),
                COUNT(*) FILTER (shorthand = '[c]'),
                COUNT(*) FILTER (shorthand = '[x]'),
                STRING_AGG(DISTINCT area_level, ', ' ORDER BY area_level)
            FROM protected_cell
            WHERE table_id = $table_id
            """,
            {"table_id": table.table_id},
        ).fetchall()[0]
        entries.append(
            CatalogueEntry(
                release_id=identity.release_id,
                table_id=table.table_id,
                title=table.title,
                description=table.description,
                unit=table.unit,
                dimensions=", ".join(table.dimensions),
                area_levels=figures[3],
                rows=rows,
                cells_published=figures[0],
                cells_hidden=figures[1],
                cells_not_produced=figures[2],
                file=_file_of(table),
                sha256=digest_of_file(path),
            )
        )
    write_catalogue(entries, folder)


def _write_measures(connection: duckdb.DuckDBPyConnection, folder: Path) -> list[dict[str, str | None]]:
    rows: list[dict[str, str | None]] = (
        connection.sql(
            "SELECT measure, unit, kind, numerator_measure, denominator_measure "
            "FROM published_measure ORDER BY ALL"
        )
        .to_arrow_table()
        .to_pylist()
    )
    titles = measure_titles(rows)
    described = [{"title": titles[str(row["measure"])], **row} for row in rows]
    names = ("measure", "title", "unit", "kind", "numerator_measure", "denominator_measure")
    table = pa.table({name: pa.array([row[name] for row in described], pa.string()) for name in names})
    write_plain_parquet(table, folder / MEASURES)
    return described


def _write_areas(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write the public facts of every area of the release: how areas nest, deprivation, air quality."""
    present = {row[0] for row in connection.execute("DESCRIBE area").fetchall()}
    kept = [name for name in AREA_COLUMNS if name in present]
    areas = connection.sql(
        f"SELECT {', '.join(kept)} FROM area WHERE lsoa21 IS NOT NULL ORDER BY lsoa21"
    ).to_arrow_table()
    write_plain_parquet(pa.table({name: areas.column(name).to_pylist() for name in kept}), folder / AREAS)


def _write_basis(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write what the figures rest on: definitions, linkage model and share placed; frozen with the values."""
    rows = connection.sql("SELECT aspect, name, value FROM basis ORDER BY ALL").to_arrow_table()
    write_plain_parquet(pa.table(rows.to_pydict(), schema=_BASIS_SCHEMA), folder / BASIS)


def _write_criteria(profile: Profile, context: RunContext, folder: Path) -> None:
    content: Mapping[str, Any] = {
        **profile.settings(),
        "agreement": context.agreement.id,
        "specification": "Hearth disclosure control, P0 to P7",
    }
    if reason := _correction_reason(context):
        content = {**content, "correction": reason}
    (folder / CRITERIA).write_bytes(canonical_json(content) + b"\n")


def _correction_reason(context: RunContext) -> str | None:
    """Return why this run corrects its epoch; None where it does not."""
    epoch = epoch_of_project(context.project, profile_of(context.agreement).epoch)
    correction = context.project.correction
    return correction.reason if correction and epoch.startswith(f"{correction.epoch}-correction-") else None


def _evidence(folder: Path, context: RunContext, ledger: Ledger, frozen: Frozen | None) -> Evidence:
    facts = inspect_release(folder, context.agreement.outputs) | {
        "release_id": folder.name.removeprefix(STAGED_PREFIX),
        "reference_date": context.project.reference_date.isoformat(),
        "manifest_sha256": digest_of_file(folder / MANIFEST),
        "ledger_entries": len(ledger.entries),
        "ledger_head": ledger.head,
        "epoch_first_release": None if frozen is None or frozen.is_boundary else frozen.release_id,
        "values_changed_within_epoch": 0 if frozen is None else frozen.values_changed,
        "areas_changed": 0 if frozen is None else frozen.areas_changed,
        "areas_carried_forward": 0 if frozen is None else frozen.areas_carried_forward,
        "smallest_change": None if frozen is None else frozen.smallest_change,
        "minimum_changed_households": profile_of(context.agreement).minimum_changed_households,
    }
    latest = None
    if frozen is not None and frozen.release_id is not None:
        latest = context.workspace.zone("releases") / frozen.release_id
    earlier = None if frozen is None or frozen.is_boundary else latest
    facts["quality_report"] = inspect_report(folder, quality_terms(context), earlier, latest)
    facts |= attack_finished(folder, context, ledger)
    return Evidence(STAGE, "all", facts)
