"""A query over a release only reads: every other kind of statement is refused, and no file changes."""

import hashlib
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from governance.errors import Fault
from pipeline.publish.query import query_release

#: One statement of each kind that DuckDB has, but for SELECT. {folder}: the release.
OTHER_KINDS = {
    "COPY": "COPY (SELECT 1) TO '{folder}/health.parquet'",
    "CREATE": "CREATE TABLE mine AS SELECT 1",
    "INSERT": "INSERT INTO health VALUES ('E01', 1)",
    "UPDATE": "UPDATE health SET value = 0",
    "DELETE": "DELETE FROM health",
    "DROP": "DROP VIEW health",
    "ALTER": "ALTER TABLE health RENAME TO other",
    "ATTACH": "ATTACH '{folder}/x.duckdb' AS x",
    "DETACH": "DETACH memory",
    "EXPORT": "EXPORT DATABASE '{folder}/export'",
    "EXPLAIN": "EXPLAIN ANALYZE SELECT 1",
    "LOAD": "LOAD httpfs",
    "SET": "SET threads = 1",
    "VARIABLE_SET": "SET VARIABLE a = 1",
    "PRAGMA": "PRAGMA database_size",
    "CALL": "CALL pragma_version()",
    "TRANSACTION": "BEGIN TRANSACTION",
    "VACUUM": "VACUUM",
    "PREPARE": "PREPARE p AS SELECT 1",
    "EXECUTE": "EXECUTE p",
    "MERGE_INTO": "MERGE INTO health USING health AS h ON false WHEN NOT MATCHED THEN INSERT VALUES ('a', 1)",
    "UPDATE_EXTENSIONS": "UPDATE EXTENSIONS",
    "COPY_DATABASE": "COPY FROM DATABASE memory TO other",
    "MULTI": "SELECT 1; COPY (SELECT 1) TO '{folder}/new.parquet'",
    "NOTHING": "-- only a comment",
}
#: SELECT statements that would reach a file.
READS = [
    "SELECT * FROM read_parquet('{folder}/health.parquet')",
    "SELECT * FROM '{folder}/health.parquet'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM query('COPY (SELECT 1) TO ''{folder}/new.parquet''')",
]


@pytest.fixture
def release(tmp_path: Path) -> Path:
    folder = tmp_path / "2026-03-31-abc"
    folder.mkdir()
    pq.write_table(pa.table({"area_code": ["E01", "E02"], "value": [10, 15]}), folder / "health.parquet")
    (folder / "README.md").write_text("read me")
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_select_returns_its_rows(release: Path) -> None:
    table = query_release(release, "WITH h AS (FROM health) SELECT value FROM h WHERE area_code = 'E02';")
    assert table.to_pylist() == [{"value": 15}]


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_any_other_statement_is_refused_and_changes_nothing(kind: str, release: Path) -> None:
    before = digests(release.parent)
    with pytest.raises(Fault) as raised:
        query_release(release, OTHER_KINDS[kind].format(folder=release))
    assert raised.value.code in ("QUERY_NOT_A_SELECT", "QUERY_FAILED")
    assert digests(release.parent) == before


def test_every_kind_of_statement_that_the_engine_has_is_tried() -> None:
    kinds = {kind.name for kind in duckdb.StatementType.__members__.values()}
    not_reachable_from_sql = {"INVALID", "RELATION", "LOGICAL_PLAN", "EXTENSION", "ANALYZE", "CREATE_FUNC"}
    assert kinds - {"SELECT"} - not_reachable_from_sql <= set(OTHER_KINDS)


@pytest.mark.parametrize("sql", READS)
def test_a_select_reaches_no_file(sql: str, release: Path) -> None:
    before = digests(release.parent)
    with pytest.raises(Fault, match="QUERY_FAILED"):
        query_release(release, sql.format(folder=release))
    assert digests(release.parent) == before
