"""P6 at the moment of writing: inside an epoch the night's cells give way to the epoch's values."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from governance.canonical import digest_of_file
from governance.errors import Refused
from pipeline.disclosure.ledger import Ledger
from pipeline.publish.manifest import MANIFEST, verify_release

_IDENTITY = ("table_id", "unit", "area_level", "area_code", "measure")


@dataclass(frozen=True)
class Frozen:
    """What the freeze did.

    release_id: release whose values were re-emitted; None where this one opens its epoch.
    values_changed: cells of the outcome that differ from that release; nought by construction, and
    counted again from the rows.
    """

    release_id: str | None
    values_changed: int


def freeze(connection: duckdb.DuckDBPyConnection, ledger: Ledger, releases: Path, epoch: str) -> Frozen:
    """Replace `protected_cell` by the values of the epoch's release, if one was revealed.

    Raises Refused where the ledger's latest release is of a later epoch, or that release is
    lost or changed: its values can then neither be repeated nor compared.
    """
    latest = ledger.latest_revealed()
    if latest is None or latest.epoch < epoch:
        return Frozen(None, 0)
    if latest.epoch > epoch:
        raise Refused(
            "EPOCH_GOES_BACK",
            "The latest release belongs to a later epoch than this run's reference date.",
            "Set the reference date forward; a past epoch cannot be opened again.",
        )
    folder = releases / latest.release_id
    if not folder.is_dir():
        raise Refused(
            "EPOCH_RELEASE_LOST",
            f"Release {latest.release_id}, whose values hold until epoch {epoch} ends, is gone.",
            "Restore it from a copy; its values can be neither repeated nor compared.",
        )
    verify_release(folder)
    if digest_of_file(folder / MANIFEST) != latest.manifest_sha256:
        raise Refused(
            "RELEASE_CHANGED",
            f"Release {latest.release_id} is not what the ledger entered.",
            "Restore it from a copy and find out who changed it.",
        )
    connection.execute("ALTER TABLE protected_cell RENAME TO tonight_cell")
    _load_release(connection, folder)
    changed = connection.execute(
        """
        SELECT COUNT(*)
        FROM (
            (SELECT * FROM protected_cell EXCEPT SELECT * FROM released_cell)
            UNION ALL
            (SELECT * FROM released_cell EXCEPT SELECT * FROM protected_cell)
        )
        """
    ).fetchall()[0][0]
    return Frozen(latest.release_id, int(changed))


def _load_release(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Create `released_cell`, the rows of a standing release, and `protected_cell` as a copy of it.

    Tables that the register or agreement has dropped since are left out; new ones wait for the
    next epoch.
    """
    catalogue = pq.read_table(folder / "catalogue.parquet")
    parts: list[str] = []
    for table_id, dimensions, file in zip(
        *(catalogue.column(name).to_pylist() for name in ("table_id", "dimensions", "file")), strict=True
    ):
        named = [d for d in dimensions.split(", ") if d]
        ordered = sorted(named)
        padded = [*ordered, None, None][:2]
        columns = ", ".join(
            (
                f"'{name}' AS dimension_{i}, \"{name}\" AS category_{i}"
                if name
                else f"NULL::VARCHAR AS dimension_{i}, NULL::VARCHAR AS category_{i}"
            )
            for i, name in enumerate(padded, 1)
        )
        view = f"_released_{len(parts)}"
        connection.register(view, pq.read_table(folder / file))
        parts.append(
            f"SELECT '{table_id}' AS table_id, unit, area_level, area_code, {columns}, measure, value, "
            f"shorthand, rounding_base, method, epoch FROM {view}"
        )
    connection.execute("CREATE OR REPLACE TABLE released_cell AS " + " UNION ALL ".join(parts))
    connection.execute(
        "CREATE OR REPLACE TABLE protected_cell AS SELECT * FROM released_cell "
        "WHERE table_id IN (SELECT DISTINCT table_id FROM tonight_cell)"
    )
    for number in range(len(parts)):
        connection.unregister(f"_released_{number}")
