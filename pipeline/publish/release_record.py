"""The ledger entry of a staged release, stored next to the ledger until the release is published."""

import json
from pathlib import Path
from typing import Any

import duckdb

from governance.canonical import canonical_json, digest_of
from governance.errors import Refused
from governance.recorded_state import STAGED
from pipeline.context import RunContext
from pipeline.disclosure.ledger import FOLDER
from pipeline.publish.ledger_table import keep_table
from pipeline.workspace import Workspace
from schemas.storage.durable_write import write_durably

#: One row per cell: which it is, and a digest of what was printed for it.
_CELL_DIGESTS = """
SELECT
    sha256(concat_ws('|', table_id, unit, area_code, COALESCE(dimension_1, ''), COALESCE(category_1, ''),
        COALESCE(dimension_2, ''), COALESCE(category_2, ''), measure)) AS cell,
    sha256(concat_ws('|', table_id, unit, area_code, COALESCE(dimension_1, ''), COALESCE(category_1, ''),
        COALESCE(dimension_2, ''), COALESCE(category_2, ''), measure,
        COALESCE(CAST(value AS VARCHAR), shorthand))) AS value_digest,
    epoch,
    method
FROM protected_cell
"""
_CELL_COLUMNS = ("cell", "value_digest", "epoch", "method")


def write_cell_digests(connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> tuple[str, int]:
    """Store the list of cell digests of `protected_cell` under its own digest; returns digest and rows."""
    connection.execute(f"CREATE OR REPLACE TABLE cell_digest AS {_CELL_DIGESTS}")
    digest = keep_table(connection, "cell_digest", _CELL_COLUMNS, "cells", workspace)
    return digest, int(connection.execute("SELECT COUNT(*) FROM cell_digest").fetchall()[0][0])


def write_record(context: RunContext, record: dict[str, Any]) -> None:
    """Store the ledger fields of a staged release; their digest is in the audit log."""
    path = _path(context.workspace, record["release_id"])
    write_durably(path, canonical_json(record))
    context.recorded.record(STAGED, {"digest": digest_of(record)}, record["release_id"])


def read_record(context: RunContext, release_id: str, manifest_sha256: str) -> dict[str, Any]:
    """Return the ledger fields of a staged release.

    Raises Refused where none are stored, they belong to another manifest, or they are not those on record.
    """
    try:
        record: dict[str, Any] = json.loads(_path(context.workspace, release_id).read_bytes())
        is_whole = record["manifest_sha256"] == manifest_sha256
    except (OSError, ValueError, TypeError, KeyError):
        is_whole = False
    if not is_whole or digest_of(record) != context.recorded.last(STAGED, release_id).get("digest"):
        raise Refused(
            "RELEASE_RECORD_MISSING",
            f"The staged release {release_id} has no record for the ledger, or one that was changed.",
            "Run `hearth run` again; the publish stage writes both together.",
        )
    return record


def _path(workspace: Workspace, release_id: str) -> Path:
    return workspace.zone("controlled") / FOLDER / f"staged-{release_id}.json"
