"""The locked engine: what lies outside its folders cannot be read, written or reached, and the lock holds."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.engine.duckdb import EngineSettings, locked_connection

Connection = duckdb.DuckDBPyConnection


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """allowed/ may be reached; secret.*, allowed-sibling/ and everything else may not."""
    for name in ("allowed/inner", "allowed-sibling", "outside", "spill"):
        (tmp_path / name).mkdir(parents=True, mode=0o700)
    table = pa.table({"a": [1]})
    for folder in ("allowed", "allowed-sibling", "outside"):
        pq.write_table(table, tmp_path / folder / "t.parquet")
        (tmp_path / folder / "t.csv").write_text("a\n1\n")
    duckdb.connect(str(tmp_path / "outside" / "t.db")).execute("CREATE TABLE t AS SELECT 1").close()
    (tmp_path / "allowed" / "link.csv").symlink_to(tmp_path / "outside" / "t.csv")
    (tmp_path / "allowed" / "folder").symlink_to(tmp_path / "outside")
    return tmp_path


@pytest.fixture
def locked(place: Path) -> Iterator[Connection]:
    with locked_connection(EngineSettings(), place / "spill", (place / "allowed",)) as connection:
        yield connection


READS = [
    "SELECT * FROM '{0}/outside/t.csv'",
    "SELECT * FROM read_csv('{0}/outside/t.csv')",
    "SELECT * FROM read_csv_auto('{0}/outside/t.csv')",
    "SELECT * FROM read_parquet('{0}/outside/t.parquet')",
    "SELECT * FROM parquet_metadata('{0}/outside/t.parquet')",
    "SELECT * FROM parquet_schema('{0}/outside/t.parquet')",
    "SELECT * FROM read_text('{0}/outside/t.csv')",
    "SELECT * FROM read_blob('{0}/outside/t.csv')",
    "SELECT * FROM sniff_csv('{0}/outside/t.csv')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/proc/self/environ')",
    "SELECT * FROM read_text('{0}/allowed/../outside/t.csv')",
    "SELECT * FROM read_text('{0}/allowed/inner/../../outside/t.csv')",
    "SELECT * FROM read_text('{0}/allowed/./../outside/t.csv')",
    "SELECT * FROM read_text('{0}/allowed-sibling/t.csv')",
    "SELECT * FROM read_text('{0}/allowed/link.csv')",
    "SELECT * FROM read_text('{0}/allowed/folder/t.csv')",
    "SELECT * FROM read_text('file://{0}/outside/t.csv')",
    "SELECT * FROM read_text('outside/t.csv')",
    "SELECT * FROM read_csv('http://127.0.0.1:9/t.csv')",
    "SELECT * FROM read_parquet('s3://bucket/t.parquet')",
    "CREATE TABLE t AS FROM '{0}/outside/t.parquet'",
    "ATTACH '{0}/outside/t.db' AS other",
    "ATTACH '{0}/outside/t.db' AS other (READ_ONLY)",
    "IMPORT DATABASE '{0}/outside'",
]
WRITES = [
    "COPY (SELECT 1) TO '{0}/outside/leak.csv'",
    "COPY (SELECT 1) TO '{0}/outside/leak.parquet' (FORMAT parquet)",
    "COPY (SELECT 1) TO '{0}/allowed/../leak.csv'",
    "COPY (SELECT 1) TO '{0}/allowed/folder/leak.csv'",
    "COPY (SELECT 1 AS p, 2 AS v) TO '{0}/outside/leak' (FORMAT parquet, PARTITION_BY (p))",
    "EXPORT DATABASE '{0}/outside/leak'",
    "ATTACH '{0}/outside/leak.db' AS leak",
    "PRAGMA profiling_output='{0}/outside/leak.txt'",
    "PRAGMA enable_profiling='json'; PRAGMA profile_output='{0}/outside/leak.json'; SELECT 1",
    "SET log_query_path='{0}/outside/leak.log'",
    "CALL enable_logging(storage='file', storage_path='{0}/outside/leak')",
]
ESCAPES = [
    "INSTALL httpfs",
    "LOAD httpfs",
    "FORCE INSTALL httpfs FROM community",
    "LOAD '{0}/outside/evil.duckdb_extension'",
    "INSTALL '{0}/outside/evil.duckdb_extension'",
    "CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'k', SECRET 's')",
]
UNLOCKS = [
    "SET enable_external_access=true",
    "SET GLOBAL enable_external_access=true",
    "RESET enable_external_access",
    "SET lock_configuration=false",
    "RESET lock_configuration",
    "SET allowed_directories=['/']",
    "RESET allowed_directories",
    "SET allowed_paths=['/etc/passwd']",
    "SET temp_directory='{0}/outside'",
    "SET memory_limit='64GB'",
    "SET threads=64",
    "SET python_enable_replacements=true",
    "SET python_scan_all_frames=true",
    "SET autoinstall_known_extensions=true",
    "SET autoload_known_extensions=true",
    "SET allow_community_extensions=true",
    "SET allow_unsigned_extensions=true",
    "SET allow_persistent_secrets=true",
    "SET secret_directory='{0}/outside'",
    "SET home_directory='{0}/outside'",
    "SET extension_directory='{0}/outside'",
    "SET custom_extension_repository='http://127.0.0.1:9'",
    "SET enable_logging=true",
    "PRAGMA memory_limit='64GB'",
    "PRAGMA disable_profiling; SET lock_configuration=false",
]


@pytest.mark.parametrize("statement", READS + WRITES + ESCAPES + UNLOCKS)
def test_every_way_out_is_refused(locked: Connection, place: Path, statement: str) -> None:
    before = everything(place / "outside")
    with pytest.raises(duckdb.Error):
        locked.execute(statement.format(place)).fetchall()
    assert everything(place / "outside") == before


@pytest.mark.parametrize("statement", [s for s in READS if "outside" in s and "IMPORT" not in s] + WRITES[:8])
def test_the_corpus_is_real_for_without_the_lock_each_gets_through(place: Path, statement: str) -> None:
    with duckdb.connect(config={"allow_unsigned_extensions": "true"}) as unlocked:
        if "'outside/" in statement:
            statement = statement.replace("'outside/", "'{0}/outside/")
        unlocked.execute(statement.format(place)).fetchall()


def test_a_listing_shows_nothing_outside(locked: Connection, place: Path) -> None:
    for pattern in ("/etc/*", f"{place}/outside/*", f"{place}/*", f"{place}/allowed/../outside/*"):
        try:
            listed = locked.execute("SELECT * FROM glob($pattern)", {"pattern": pattern}).fetchall()
        except duckdb.Error:
            continue
        assert listed == []


def test_a_python_variable_is_no_table(locked: Connection) -> None:
    secret = pa.table({"a": [1]})
    with pytest.raises(duckdb.CatalogException):
        locked.execute("SELECT * FROM secret")
    assert secret.num_rows == 1


def test_a_second_cursor_is_as_locked_as_the_first(locked: Connection, place: Path) -> None:
    with pytest.raises(duckdb.Error):
        locked.cursor().execute(f"SELECT * FROM '{place}/outside/t.csv'")
    with pytest.raises(duckdb.Error):
        locked.cursor().execute("SET enable_external_access=true")


def test_what_the_stages_need_still_works(locked: Connection, place: Path) -> None:
    locked.register("arrow", pa.table({"a": [1, 2]}))
    assert locked.execute("SELECT SUM(a) FROM arrow").fetchall() == [(3,)]
    assert locked.execute(f"SELECT * FROM '{place}/allowed/t.parquet'").fetchall() == [(1,)]
    locked.execute(f"COPY (SELECT 1 AS a) TO '{place}/allowed/inner/out.parquet'")


def test_with_no_folder_lent_nothing_at_all_is_reached(place: Path) -> None:
    with (
        locked_connection(EngineSettings(), place / "spill") as connection,
        pytest.raises(duckdb.Error),
    ):
        connection.execute(f"SELECT * FROM '{place}/allowed/t.parquet'")


def test_what_spills_stays_in_the_private_folder_and_goes_with_the_connection(place: Path) -> None:
    settings = EngineSettings(threads=2, memory_limit="60MB")
    with locked_connection(settings, place / "spill") as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT range AS i, hash(range)::VARCHAR AS h FROM range(1500000)"
        )
        reader = connection.sql("SELECT * FROM t ORDER BY h").to_arrow_reader(1000)
        reader.read_next_batch()
        spilled = list((place / "spill").rglob("*"))
        assert spilled
        del reader
        assert (place / "spill").stat().st_mode & 0o077 == 0
    assert everything(place / "spill") == set()


def test_a_folder_with_a_quote_in_its_name_is_no_way_to_lend_another(tmp_path: Path) -> None:
    odd = tmp_path / "it's, '/'"
    odd.mkdir(parents=True)
    (odd / "t.csv").write_text("a\n1\n")
    (tmp_path / "spill").mkdir()
    with locked_connection(EngineSettings(), tmp_path / "spill", (odd,)) as connection:
        path = str(odd / "t.csv").replace("'", "''")
        assert connection.execute(f"SELECT * FROM '{path}'").fetchall() == [(1,)]
        with pytest.raises(duckdb.Error):
            connection.execute("SELECT * FROM read_text('/etc/passwd')")


def everything(folder: Path) -> set[str]:
    return {p.as_posix() for p in folder.rglob("*") if p.is_file()}
