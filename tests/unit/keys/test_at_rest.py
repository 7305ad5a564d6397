"""Intermediate tables rest encrypted, can be read while their key lives, and never again."""

import os
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.errors import Fault
from governance.keys.at_rest_keys import destroy_run_key, open_at_rest_keys
from governance.keys.destruction import is_certificate
from governance.principals.statement import public_key_of
from pipeline.engine.at_rest import encrypted_at_rest
from pipeline.engine.tables import export_plain, load_table, open_table, write_table

CANARY = "ZZ99 9CANARY"
ROWS = pa.table(
    {"record_id": ["a", "b", None], "note": [CANARY] * 3, "day": [date(2026, 1, 1)] * 3, "n": [1, 2, 3]}
)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    for zone in ("clear/council/quarantine", "pseudonymised", "linkage", "controlled", "releases", "keys"):
        (tmp_path / zone).mkdir(parents=True)
    return tmp_path


def write(path: Path, table: pa.Table = ROWS) -> None:
    write_table(pa.RecordBatchReader.from_batches(table.schema, table.to_batches()), path)


def read(path: Path, columns: list[str] | None = None) -> pa.Table:
    with open_table(path, columns) as reader:
        return reader.read_all()


@pytest.mark.parametrize("zone", ["clear/council", "pseudonymised", "linkage", "controlled"])
def test_a_table_written_in_a_run_is_ciphertext_and_reads_back_whole(workspace: Path, zone: str) -> None:
    path = workspace / zone / "t.parquet"
    with encrypted_at_rest(workspace, open_at_rest_keys(workspace / "keys")):
        write(path)
        content = path.read_bytes()
        assert content[:4] == content[-4:] == b"PARE"
        for clear in (CANARY.encode(), b"record_id", b"note"):
            assert clear not in content
        assert read(path) == ROWS
        assert read(path, ["n", "note"]) == ROWS.select(["n", "note"])
        connection = duckdb.connect()
        assert load_table(connection, path, "t", ["note"]) == 3


def test_what_is_published_is_not_encrypted(workspace: Path) -> None:
    path = workspace / "releases" / "t.parquet"
    with encrypted_at_rest(workspace, open_at_rest_keys(workspace / "keys")):
        write(path)
    assert path.read_bytes()[:4] == b"PAR1"
    assert read(path) == ROWS


def test_two_files_of_the_same_rows_share_no_key(workspace: Path) -> None:
    first, second = workspace / "clear/council/a.parquet", workspace / "clear/council/b.parquet"
    with encrypted_at_rest(workspace, open_at_rest_keys(workspace / "keys")):
        write(first)
        write(second)
    assert first.read_bytes()[4:200] != second.read_bytes()[4:200]


def test_the_next_process_resumes_with_the_key_of_a_killed_run(workspace: Path) -> None:
    path = workspace / "clear/council/t.parquet"
    with encrypted_at_rest(workspace, open_at_rest_keys(workspace / "keys")):
        write(path)
    with encrypted_at_rest(workspace, open_at_rest_keys(workspace / "keys")):
        assert read(path) == ROWS


def test_after_the_run_key_is_destroyed_its_tables_are_noise_and_stored_ones_are_not(workspace: Path) -> None:
    gone = [workspace / "clear/council/t.parquet", workspace / "pseudonymised/t.parquet"]
    kept = [
        workspace / "linkage/t.parquet",
        workspace / "controlled/t.parquet",
        workspace / "clear/council/quarantine/t.parquet",
    ]
    keys, signing = workspace / "keys", Ed25519PrivateKey.generate()
    with encrypted_at_rest(workspace, open_at_rest_keys(keys)):
        for path in gone + kept:
            write(path)
    certificate = destroy_run_key(keys, run_id="r1", files=len(gone), signing_key=signing)
    assert certificate is not None
    assert is_certificate(certificate, public_key_of(signing))
    assert not (keys / "run.key").exists()
    with encrypted_at_rest(workspace, open_at_rest_keys(keys)):
        for path in kept:
            assert read(path) == ROWS
        for path in gone:
            with pytest.raises(Fault, match="AT_REST_UNREADABLE"):
                read(path)
    with encrypted_at_rest(workspace, open_at_rest_keys(keys, run=False)):
        assert read(kept[0]) == ROWS


def test_a_certificate_with_one_letter_changed_is_none(workspace: Path) -> None:
    keys, signing = workspace / "keys", Ed25519PrivateKey.generate()
    open_at_rest_keys(keys)
    certificate = destroy_run_key(keys, run_id="r1", files=7, signing_key=signing)
    assert certificate is not None
    assert not is_certificate(certificate, public_key_of(Ed25519PrivateKey.generate()))
    certificate.write_bytes(certificate.read_bytes().replace(b'"files":7', b'"files":8'))
    assert not is_certificate(certificate, public_key_of(signing))


@pytest.mark.parametrize("place", [5, 60, -60, -20])
def test_one_flipped_bit_is_refused_without_quoting_what_the_file_holds(workspace: Path, place: int) -> None:
    path = workspace / "clear/council/t.parquet"
    with encrypted_at_rest(workspace, open_at_rest_keys(workspace / "keys")):
        write(path)
        content = bytearray(path.read_bytes())
        content[place] ^= 1
        path.write_bytes(content)
        with pytest.raises(Fault) as refusal:
            read(path)
    assert CANARY not in str(refusal.value)


def test_a_table_in_clear_where_a_run_encrypts_is_refused(workspace: Path) -> None:
    path = workspace / "pseudonymised/t.parquet"
    write(path)
    with (
        encrypted_at_rest(workspace, open_at_rest_keys(workspace / "keys")),
        pytest.raises(Fault, match="AT_REST_IN_CLEAR"),
    ):
        read(path)


def test_an_encrypted_table_is_not_read_without_its_key(workspace: Path) -> None:
    path = workspace / "linkage/t.parquet"
    with encrypted_at_rest(workspace, open_at_rest_keys(workspace / "keys")):
        write(path)
    with pytest.raises(Fault, match="AT_REST_UNREADABLE"):
        read(path)


def test_a_package_is_made_from_a_plain_copy_of_an_encrypted_table(workspace: Path, tmp_path: Path) -> None:
    path, plain = workspace / "pseudonymised/t.parquet", tmp_path / "plain.parquet"
    with encrypted_at_rest(workspace, open_at_rest_keys(workspace / "keys")):
        write(path)
        assert export_plain(path, plain) == 3
    assert read(plain) == ROWS


@pytest.mark.parametrize("damage", ["short", "exposed", "linked"])
def test_a_damaged_or_exposed_key_file_is_refused(workspace: Path, damage: str) -> None:
    keys = workspace / "keys"
    open_at_rest_keys(keys)
    path = keys / "storage.key"
    if damage == "short":
        path.write_bytes(os.urandom(16))
    elif damage == "exposed":
        path.chmod(0o644)
    else:
        path.rename(keys / "elsewhere.key")
        path.symlink_to(keys / "elsewhere.key")
    code = {"short": "KEY_TOO_SHORT", "exposed": "KEY_FILE_EXPOSED", "linked": "KEY_FILE_SYMLINK"}[damage]
    with pytest.raises(Fault, match=code):
        open_at_rest_keys(keys)
