"""The files of a release that come from tables in the engine: its tables, measures, areas and basis."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from governance.agreement.agreement import Agreement
from governance.canonical import canonical_json, digest_of_file
from pipeline.disclosure.epoch import epoch_of_project
from pipeline.disclosure.profile import profile_of
from pipeline.household.basis import basis_of
from pipeline.project import Project
from pipeline.publish.files.catalogue import CatalogueEntry, write_catalogue
from pipeline.publish.files.left_out import ASPECT, sentence_of_table
from pipeline.publish.files.register import PublishedTable, measure_titles, published_table
from pipeline.publish.files.release_table import ReleaseIdentity, write_plain_parquet, write_release_table
from pipeline.publish.files.uncertainty import PrintedFigures, count_variance
from pipeline.publish.publication import Publication, correction_reason
from schemas.measure import measures

CRITERIA = "disclosure_criteria.json"
MEASURES = "measure.parquet"
AREAS = "area.parquet"
BASIS = "basis.parquet"
_BASIS_SCHEMA = pa.schema([(name, pa.string()) for name in ("aspect", "name", "value")])
#: Public facts of areas that a release repeats.
AREA_COLUMNS = ("lsoa21", "msoa21", "local_authority", "imd_decile", "aqma")


def published_tables(connection: duckdb.DuckDBPyConnection) -> list[PublishedTable]:
    """Return the registered tables that `protected_cell` has cells of, by id."""
    ids = connection.execute("SELECT DISTINCT table_id FROM protected_cell ORDER BY ALL").fetchall()
    return [published_table(table_id) for (table_id,) in ids]


def file_of(table: PublishedTable) -> str:
    """Return the name of a table's file."""
    return f"{table.table_id}.parquet"


def write_tables(
    connection: duckdb.DuckDBPyConnection,
    tables: list[PublishedTable],
    identity: ReleaseIdentity,
    settings: Mapping[str, object],
    folder: Path,
) -> None:
    """Write one Parquet file for each table, and the catalogue that lists them.

    The catalogue's description also states which measures of a table are not produced, and why.
    settings: those of the disclosure control.
    """
    reasons = basis_of(connection, ASPECT)
    entries = []
    rows_of_basis = connection.execute("SELECT aspect, name, value FROM basis").fetchall()
    of_basis = {(aspect, name): value for aspect, name, value in rows_of_basis}
    printed = PrintedFigures(of_basis, count_variance(settings))
    for table in tables:
        path = folder / file_of(table)
        strongly = sentence_of_known(table.measures, of_basis)
        description = table.description + sentence_of_table(table.table_id, reasons) + strongly
        rows = write_release_table(
            connection,
            table.table_id,
            table.dimensions,
            identity,
            {"title": table.title, "description": description},
            printed,
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
                description=description,
                unit=table.unit,
                dimensions=", ".join(table.dimensions),
                area_levels=figures[3],
                rows=rows,
                cells_published=figures[0],
                cells_hidden=figures[1],
                cells_not_produced=figures[2],
                file=file_of(table),
                sha256=digest_of_file(path),
            )
        )
    write_catalogue(entries, folder)


def sentence_of_known(named: Sequence[str], basis: Mapping[tuple[str, str], str]) -> str:
    """Return what a description adds on measures whose known differ strongly, with a blank before it."""
    titles = [measures()[name].title for name in named if basis.get(("known_differ", name)) == "strongly"]
    if not titles:
        return ""
    return f" Those whose status is known differ strongly from the others in: {'; '.join(titles)}."


def write_measures(connection: duckdb.DuckDBPyConnection, folder: Path) -> list[dict[str, str | None]]:
    """Write `measure.parquet`, one row a published measure; returns its rows.

    coverage of a percentage: share of its households or residents whose status is known, in percent.
    known_differ: how far these differ from the others in age, tenure and deprivation.
    """
    known = basis_of(connection, "coverage")
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
    words = basis_of(connection, "known_differ")
    shares = [known.get(str(row["numerator_measure"])) for row in rows]
    table = pa.table(
        {name: pa.array([row[name] for row in described], pa.string()) for name in names}
        | {"coverage": pa.array([round(100 * float(s)) if s else None for s in shares], pa.int64())}
        | {"known_differ": pa.array([words.get(str(row["numerator_measure"])) for row in rows], pa.string())}
    )
    write_plain_parquet(table, folder / MEASURES)
    return described


def write_areas(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write the public facts of every area of the release: how areas nest, deprivation, air quality."""
    present = {row[0] for row in connection.execute("DESCRIBE area").fetchall()}
    kept = [name for name in AREA_COLUMNS if name in present]
    areas = connection.sql(
        f"SELECT {', '.join(kept)} FROM area WHERE lsoa21 IS NOT NULL ORDER BY lsoa21"
    ).to_arrow_table()
    write_plain_parquet(pa.table({name: areas.column(name).to_pylist() for name in kept}), folder / AREAS)


def write_basis(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write what the figures rest on: definitions, linkage model, share of people placed."""
    rows = connection.sql("SELECT aspect, name, value FROM basis ORDER BY ALL").to_arrow_table()
    write_plain_parquet(pa.table(rows.to_pydict(), schema=_BASIS_SCHEMA), folder / BASIS)


def write_criteria(publication: Publication, folder: Path) -> None:
    """Write the numbers of the disclosure control, and why the epoch is corrected where it is."""
    content = criteria_of(publication.context.project, publication.context.agreement)
    (folder / CRITERIA).write_bytes(canonical_json(content) + b"\n")


def criteria_of(project: Project, agreement: Agreement) -> dict[str, Any]:
    """Return the numbers of the disclosure control as a release of the project would store them."""
    profile = profile_of(agreement)
    content: dict[str, Any] = {
        **profile.settings(),
        "agreement": agreement.id,
        "specification": "Hearth disclosure control, P0 to P7",
    }
    if reason := correction_reason(project, epoch_of_project(project, profile.epoch)):
        content["correction"] = reason
    return content
