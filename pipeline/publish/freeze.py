"""P6 when a release is written: which of this run's values may be published, and which are repeated.

Inside an epoch everything is repeated. At its boundary an area takes this run's values only where 0 or
at least K households joined, left or changed a published attribute since its values last changed.
The unit is the MSOA with its LSOAs. A local authority changes only if 0 or at least K households also
changed inside its carried-forward MSOAs, and within each deprivation decile and air quality
zone of them: otherwise the difference between two releases would disclose those households.
"""

from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from governance.canonical import digest_of_file
from governance.errors import Refused
from pipeline.disclosure.ledger import Ledger, LedgerEntry
from pipeline.disclosure.statements import count_rows, create_table
from pipeline.publish.files.manifest import MANIFEST, RESTORE, verify_release
from pipeline.publish.ledger_table import keep_table, load_kept
from pipeline.workspace import Workspace

STATE = "state"
#: The fewest households for which the overlap with the earlier release is published.
LEAST_OVERLAP = 1000
_STATE = ("level", "lsoa21", "contribution", "digest")


@dataclass(frozen=True)
class Frozen:
    """The result of the freeze.

    release_id: release whose values were repeated; None where there was none before.
    is_boundary: whether this release opens an epoch.
    values_changed: cells that differ from that release inside an epoch, counted again from the rows.
    areas_changed, areas_carried_forward: areas with this run's values, and with the earlier ones.
    state_sha256: the record of which households each area's printed values count.
    """

    release_id: str | None
    is_boundary: bool = True
    values_changed: int = 0
    areas_changed: int = 0
    areas_carried_forward: int = 0
    smallest_change: int | None = None
    state_sha256: str | None = field(default=None)


def freeze(
    connection: duckdb.DuckDBPyConnection,
    ledger: Ledger,
    workspace: Workspace,
    epoch: str,
    minimum_changed_households: int,
) -> Frozen:
    """Replace in `protected_cell` every value that may not change; reads `household_state` and `area`.

    Raises Refused where the ledger's latest release is of a later epoch, or that release or its record
    of households is lost or changed: its values can then be neither repeated nor compared.
    """
    latest = ledger.latest_revealed()
    if latest is None:
        _create_kept_state(connection, all_new=True)
        return Frozen(None, state_sha256=_write_state(connection, workspace))
    if latest.epoch > epoch:
        raise Refused(
            "EPOCH_GOES_BACK",
            "The latest release belongs to a later epoch than this run's reference date.",
            "Set a later reference_date in hearth.toml; a past epoch cannot be opened again.",
        )
    connection.execute("ALTER TABLE protected_cell RENAME TO current_cell")
    _load_release(connection, _verified(workspace.zone("releases"), latest))
    if latest.epoch == epoch:
        connection.execute(
            "CREATE OR REPLACE TABLE protected_cell AS SELECT * FROM released_cell "
            "WHERE table_id IN (SELECT DISTINCT table_id FROM current_cell)"
        )
        _repeat_measures(connection, workspace.zone("releases") / latest.release_id)
        _repeat_basis(connection, workspace.zone("releases") / latest.release_id)
        changed = count_rows(connection, "protected_cell") - _unchanged(connection)
        return Frozen(latest.release_id, False, changed, state_sha256=latest.state_sha256)
    load_kept(connection, "released_state", _STATE, STATE, latest.state_sha256, workspace)
    _record_overlap(connection, latest.release_id)
    _create_whole_area(connection)
    create_table(connection, "area_change")
    create_table(connection, "area_verdict", minimum_changed_households=minimum_changed_households)
    create_table(connection, "protected_cell", "boundary_cell")
    _create_kept_state(connection, all_new=False)
    figures = connection.execute(
        """
        SELECT
            COUNT(*) FILTER (may_change),
            COUNT(*) FILTER (NOT may_change),
            MIN(changed) FILTER (may_change AND changed > 0)
        FROM area_verdict
        """
    ).fetchall()[0]
    return Frozen(
        latest.release_id,
        True,
        0,
        areas_changed=int(figures[0]),
        areas_carried_forward=int(figures[1]),
        smallest_change=None if figures[2] is None else int(figures[2]),
        state_sha256=_write_state(connection, workspace),
    )


def _record_overlap(connection: duckdb.DuckDBPyConnection, earlier: str) -> None:
    """Add to `basis` which share of the households the earlier release counts in the same way.

    `hearth compare` reads it: people who are in both releases narrow the interval of a change. A household
    is the same if nothing that a table shows of it, or of its residents, has changed. So the share is too
    small rather than too large. It is in hundredths, rounded down, and only where a hundredth is ten
    households.
    """
    shares = connection.execute(
        """
        WITH now AS (
            SELECT contribution, lsoa21, digest, COUNT(*) AS households FROM household_state GROUP BY ALL
        ),
        earlier AS (
            SELECT contribution, lsoa21, digest, COUNT(*) AS households
            FROM released_state
            WHERE level = 'LAD'
            GROUP BY ALL
        )
        SELECT SUM(now.households), SUM(LEAST(now.households, COALESCE(earlier.households, 0)))
        FROM now
        LEFT JOIN earlier USING (contribution, lsoa21, digest)
        GROUP BY now.contribution
        """
    ).fetchall()
    if not shares or min(households for households, _ in shares) < LEAST_OVERLAP:
        return
    shared = min(100 * same // households for households, same in shares) / 100
    connection.executemany(
        "INSERT INTO basis VALUES (?, '', ?)",
        [("overlap_with", earlier), ("overlap_shared", f"{shared:.2f}"), ("overlap_same_status", "1.00")],
    )


def may_report_anew(
    connection: duckdb.DuckDBPyConnection, frozen: Frozen, minimum_changed_households: int
) -> bool:
    """Answer whether figures of the whole population may differ from the latest release's.

    They may not within an epoch. At its boundary they may where every local authority may change and at
    least K households changed in total. The first release may always report.
    """
    if frozen.release_id is None:
        return True
    if not frozen.is_boundary:
        return False
    may, changed = connection.execute(
        "SELECT BOOL_AND(may_change), SUM(changed) FROM area_verdict WHERE area_level = 'LAD'"
    ).fetchall()[0]
    return bool(may) and int(changed or 0) >= minimum_changed_households


def _create_whole_area(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `whole_area`: the areas with the public facts tables may use, null where not known."""
    present = {row[0] for row in connection.execute("DESCRIBE area").fetchall()}
    facts = ", ".join(
        name if name in present else f"NULL::{kind} AS {name}"
        for name, kind in (("imd_decile", "BIGINT"), ("aqma", "BOOLEAN"))
    )
    connection.execute(
        f"CREATE OR REPLACE TABLE whole_area AS SELECT lsoa21, msoa21, local_authority, {facts} FROM area"
    )


def _verified(releases: Path, latest: LedgerEntry) -> Path:
    folder = releases / latest.release_id
    if not folder.is_dir():
        raise Refused(
            "EPOCH_RELEASE_LOST",
            f"Release {latest.release_id} is missing, and its values must be repeated or compared.",
            "Restore it from a copy; nothing is published without it.",
        )
    verify_release(folder)
    if digest_of_file(folder / MANIFEST) != latest.manifest_sha256:
        raise Refused(
            "RELEASE_CHANGED",
            f"Release {latest.release_id} differs from its entry in the ledger.",
            RESTORE,
        )
    return folder


def _repeat_measures(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Replace `published_measure` by the release's own, which belongs to its values."""
    connection.register("_measure", pq.read_table(folder / "measure.parquet"))
    try:
        connection.execute(
            "CREATE OR REPLACE TABLE published_measure AS "
            "SELECT measure, unit, kind, numerator_measure, denominator_measure FROM _measure"
        )
    finally:
        connection.unregister("_measure")


def _repeat_basis(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Replace `basis` by the release's own, where it has one: repeated values keep their basis."""
    if (folder / "basis.parquet").is_file():
        connection.register("_basis", pq.read_table(folder / "basis.parquet"))
        try:
            connection.execute("CREATE OR REPLACE TABLE basis AS SELECT aspect, name, value FROM _basis")
        finally:
            connection.unregister("_basis")


def _unchanged(connection: duckdb.DuckDBPyConnection) -> int:
    return count_rows(connection, "protected_cell", "TRUE") - int(
        connection.execute(
            "SELECT COUNT(*) FROM (SELECT * FROM protected_cell EXCEPT SELECT * FROM released_cell)"
        ).fetchall()[0][0]
    )


def _load_release(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Create `released_cell`, the rows of a published release in the form of `protected_cell`."""
    catalogue = pq.read_table(folder / "catalogue.parquet")
    parts: list[str] = []
    for table_id, dimensions, file in zip(
        *(catalogue.column(name).to_pylist() for name in ("table_id", "dimensions", "file")), strict=True
    ):
        ordered = [*sorted(d for d in dimensions.split(", ") if d), None, None][:2]
        columns = ", ".join(
            (
                f"'{name}' AS dimension_{i}, \"{name}\" AS category_{i}"
                if name
                else f"NULL::VARCHAR AS dimension_{i}, NULL::VARCHAR AS category_{i}"
            )
            for i, name in enumerate(ordered, 1)
        )
        view = f"_released_{len(parts)}"
        connection.register(view, pq.read_table(folder / file))
        parts.append(
            f"SELECT '{table_id}' AS table_id, unit, area_level, area_code, {columns}, measure, value, "
            f"shorthand, rounding_base, method, epoch FROM {view}"
        )
    connection.execute("CREATE OR REPLACE TABLE released_cell AS " + " UNION ALL ".join(parts))
    for number in range(len(parts)):
        connection.unregister(f"_released_{number}")


def _create_kept_state(connection: duckdb.DuckDBPyConnection, *, all_new: bool) -> None:
    """Create `kept_state`: for each level, the households that the published values count.

    Level "MSOA21" means an MSOA and its LSOAs, "LAD" the local authority.
    """
    current = "SELECT '{level}' AS level, lsoa21, contribution, digest FROM household_state {condition}"
    if all_new:
        parts = [current.format(level=level, condition="") for level in ("MSOA21", "LAD")]
    else:
        may = (
            "lsoa21 IN (SELECT lsoa21 FROM area INNER JOIN area_verdict "
            "ON area_code = {column} AND area_level = '{level}' WHERE may_change)"
        )
        parts = []
        for level, column in (("MSOA21", "msoa21"), ("LAD", "local_authority")):
            condition = may.format(level=level, column=column)
            parts.append(current.format(level=level, condition=f"WHERE {condition}"))
            parts.append(
                f"SELECT level, lsoa21, contribution, digest FROM released_state "
                f"WHERE level = '{level}' AND NOT {condition}"
            )
    connection.execute("CREATE OR REPLACE TABLE kept_state AS " + " UNION ALL ".join(parts))


def _write_state(connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> str:
    """Store `kept_state`; returns the digest of its rows. It contains digests and no pseudonym."""
    return keep_table(connection, "kept_state", _STATE, STATE, workspace)
