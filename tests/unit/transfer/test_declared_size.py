"""A package costs what it declares, and declares it only to the linkage environment."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyrage
import pytest

from governance.canonical import canonical_json, digest_of_file
from governance.errors import Refused
from governance.keys.providers.in_memory_key import InMemoryKey
from pipeline.pseudonymise.tables import PseudonymisedTable
from pipeline.transfer import declared_size, receiving
from pipeline.transfer.contents import DeclaredTable
from pipeline.transfer.declared_size import open_declared, size_of, within, write_measured
from pipeline.transfer.manifest import sign_manifest
from pipeline.transfer.receiving import admit_packages
from pipeline.transfer.rekey import PAIRS_FILE

from .conftest import NOW, Places
from .test_received_tables import EXTRACTS, receive_all, seal_again, sign_again
from .test_rekey import new, old, pairs_of, use

__all__ = ["new", "old"]

DWELLINGS = "dwelling.parquet.age"


def replaced(places: Places, package: Path, table: pa.Table, **options: Any) -> int:
    """Put another table in the place of the dwellings, encrypted and signed anew; returns its bytes."""
    plain = io.BytesIO()
    pq.write_table(table, plain, **options)
    (package / DWELLINGS).write_bytes(
        pyrage.encrypt(plain.getvalue(), [places.receiver.identity.to_public()])
    )
    sign_again(places, package)
    return len(plain.getvalue())


def dwellings(places: Places, package: Path) -> pa.Table:
    encrypted = (package / DWELLINGS).read_bytes()
    return pq.read_table(io.BytesIO(pyrage.decrypt(encrypted, [places.receiver.identity])))


def must_not_handle_dwellings(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> None:
    """Let a test fail if this function is called for the table of dwellings."""
    original = getattr(module, name)

    def guarded(*arguments: Any) -> Any:
        if any("tenure" in a.names if isinstance(a, pa.Schema) else a == DWELLINGS for a in arguments):
            pytest.fail(f"{name} was called for the table of dwellings")
        return original(*arguments)

    monkeypatch.setattr(module, name, guarded)


@pytest.fixture
def no_row_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test fail if a row of the dwellings is read, or stored in the database."""
    must_not_handle_dwellings(monkeypatch, declared_size, "within")
    must_not_handle_dwellings(monkeypatch, declared_size, "_check_texts")
    must_not_handle_dwellings(monkeypatch, receiving, "create_table")


@pytest.mark.usefixtures("no_row_is_read")
def test_a_table_of_millions_of_rows_whose_package_declares_two_is_refused_unread(
    places: Places, another_key: InMemoryKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = places.send("council", extract=EXTRACTS["council"])
    row = dwellings(places, package).slice(0, 1)
    rows = 2_000_000
    columns = [pa.repeat(column[0], rows) for column in row.columns]
    packed = replaced(places, package, pa.table(columns, schema=row.schema), use_dictionary=True)
    assert packed < rows
    used: list[int] = []
    check_table = receiving.check_table

    def measured(table: PseudonymisedTable, file: str, *rest: Any) -> None:
        used.append(sum(path.stat().st_size for path in places.linkage.spill.rglob("*")))
        try:
            check_table(table, file, *rest)
        finally:
            used.append(sum(path.stat().st_size for path in places.linkage.spill.rglob("*")))

    monkeypatch.setattr(receiving, "check_table", measured)
    with pytest.raises(Refused, match="PACKAGE_LARGER_THAN_DECLARED"):
        receive_all(places, "council", another_key)
    assert max(used) == packed
    assert not any(places.linkage.spill.iterdir())
    assert not [file for file in places.written() if file.endswith(".parquet")]


@pytest.mark.usefixtures("no_row_is_read")
def test_a_list_of_millions_in_one_row_is_refused_unread(places: Places, another_key: InMemoryKey) -> None:
    package = places.send("council", extract=EXTRACTS["council"])
    table = dwellings(places, package)
    place = table.schema.get_field_index("address_unit_street")
    long = pa.ListArray.from_arrays([0, 3_000_000, 3_000_001], pa.repeat(7, 3_000_001))
    assert replaced(places, package, table.set_column(place, "address_unit_street", long)) < 100_000
    with pytest.raises(Refused, match="PACKAGE_LARGER_THAN_DECLARED"):
        receive_all(places, "council", another_key)


def test_a_text_that_is_stored_once_and_repeated_is_refused_unexpanded(
    places: Places, another_key: InMemoryKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = places.send("council", extract=EXTRACTS["council"])
    row = dwellings(places, package).slice(0, 1)
    rows = 100_000
    columns = [pa.repeat(column[0], rows) for column in row.columns]
    columns[row.schema.get_field_index("tenure")] = pa.DictionaryArray.from_arrays(
        pa.repeat(pa.scalar(0, pa.int32()), rows), pa.array(["Z" * 1_000_000])
    )
    table = pa.table(columns, row.schema.names)
    assert replaced(places, package, table, use_dictionary=True, store_schema=False) < 2_000_000
    declare_as(places, package, rows, 10**12)
    must_not_handle_dwellings(monkeypatch, declared_size, "within")
    with pytest.raises(Refused, match="PACKAGE_ALTERED") as refusal:
        receive_all(places, "council", another_key)
    assert "contains a text of more than 64 bytes" in refusal.value.reason


def declare_as(places: Places, package: Path, rows: int, size: int) -> None:
    def alter(contents: dict[str, Any]) -> None:
        (dwelling,) = (table for table in contents["tables"] if table["table"] == "dwelling")
        dwelling.update(rows=rows, bytes=size)

    seal_again(places, package, alter)


@pytest.mark.parametrize(
    ("more_rows", "more_bytes", "code"),
    [
        (-1, 0, "PACKAGE_LARGER_THAN_DECLARED"),
        (0, -1, "PACKAGE_LARGER_THAN_DECLARED"),
        (1, 0, "PACKAGE_ALTERED"),
        (0, 0, None),
        (0, 1, None),
    ],
)
def test_a_table_must_have_its_declared_rows_and_at_most_its_declared_bytes(
    places: Places, another_key: InMemoryKey, more_rows: int, more_bytes: int, code: str | None
) -> None:
    package = places.send("council", extract=EXTRACTS["council"])
    size = sum(size_of(batch) for batch in dwellings(places, package).to_batches())
    declare_as(places, package, 2 + more_rows, size + more_bytes)
    if code is None:
        assert receive_all(places, "council", another_key)
        return
    with pytest.raises(Refused, match=code):
        receive_all(places, "council", another_key)
    assert not any(places.linkage.spill.iterdir())


@pytest.mark.parametrize(("rows", "size"), [(15, 10**9), (10**9, 8 * 15)])
def test_reading_stops_at_the_batch_that_exceeds_what_was_declared(rows: int, size: int) -> None:
    read = 0

    def endless() -> Iterator[pa.RecordBatch]:
        nonlocal read
        while True:
            read += 10
            yield pa.record_batch({"n": pa.array(range(10))})

    with pytest.raises(Refused, match="PACKAGE_LARGER_THAN_DECLARED"):
        for _ in within(endless(), DeclaredTable("t", rows, size), "t.parquet.age"):
            pass
    assert read == 20


def test_a_written_table_is_read_again_within_its_size(tmp_path: Path) -> None:
    table = pa.table({"a": ["x", None, "yyy"], "b": [[1, 2], [], None], "c": [1, None, 3]})
    declared = write_measured(table.to_reader(), tmp_path / "t.parquet", "t")
    assert declared == DeclaredTable("t", 3, 8 * 3 + 4 + 8 * 2 + 8 * 3)
    with open_declared(tmp_path / "t.parquet", declared, "t.parquet.age") as reader:
        assert reader.read_all().equals(table)


def test_what_is_no_parquet_file_is_refused_without_its_content(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"Zyxquorble" * 100)
    with (
        pytest.raises(Refused, match="PACKAGE_ALTERED") as refusal,
        open_declared(tmp_path / "t.parquet", DeclaredTable("t", 1, 8), "t.parquet.age"),
    ):
        pass
    assert "Zyxquorble" not in str(refusal.value)


# what is in clear


def test_the_clear_part_of_a_manifest_has_only_what_routing_and_authenticity_need(places: Places) -> None:
    package = places.send("council", extract=EXTRACTS["council"])
    manifest = json.loads((package / "manifest.json").read_bytes())
    assert sorted(manifest) == [
        *("agreement", "check_values", "controller", "created", "files", "format", "key_id", "period"),
        *("previous", "recipient", "sequence", "signer"),
    ]
    assert [sorted(file) for file in manifest["files"]] == [["bytes", "file", "sha256"]] * len(
        manifest["files"]
    )
    clear = b"".join(p.read_bytes() for p in package.iterdir())
    for told in (b"canary", b"encoding_attack", b"rows", b"f" * 64):
        assert told not in clear
    contents = json.loads(
        pyrage.decrypt((package / "contents.json.age").read_bytes(), [places.receiver.identity])
    )
    assert contents["evidence"]["canary_seed"] == "f" * 64
    assert {table["table"]: table["rows"] for table in contents["tables"]} == {
        "council_resident": 2,
        "dwelling": 2,
    }


ALTERED = {
    "a fact that is unknown": lambda c: c["evidence"].update(note="Zyxquorble"),
    "a fact that is missing": lambda c: c["evidence"].pop("canary_seed"),
    "a text for a key": lambda c: c["evidence"].update(key_id="Zyxquorble"),
    "a text for a provider": lambda c: c["evidence"].update(key_provider="Zyxquorble Qvetch"),
    "a text for a count": lambda c: c["evidence"].update(sentinels_hashed="Zyxquorble"),
    "a kind of identifier": lambda c: c["evidence"]["identifiers"].update(Zyxquorble={"values": 1}),
    "a column": lambda c: c["evidence"]["tables"]["dwelling"]["columns"].append("Zyxquorble"),
    "a table": lambda c: c["evidence"]["tables"].update(Zyxquorble={}),
    "an attack": lambda c: c["evidence"]["encoding_attack"]["dwelling"][0].update(column="Zyxquorble"),
    "a seed": lambda c: c["evidence"].update(canary_seed="Zyxquorble"),
    "another table": lambda c: c["tables"][0].update(table="area"),
    "no rows": lambda c: c["tables"][0].pop("rows"),
    "rows below zero": lambda c: c["tables"][0].update(rows=-1),
    "a format": lambda c: c.update(format="hearth-contents/9"),
    "a day": lambda c: c.update(reference_date="Zyxquorble"),
    "a field": lambda c: c.update(Zyxquorble=1),
}


@pytest.mark.parametrize("what", ALTERED)
def test_contents_with_anything_but_known_facts_are_refused_before_they_are_admitted(
    places: Places, what: str
) -> None:
    package = places.send("council", extract=EXTRACTS["council"])
    seal_again(places, package, ALTERED[what])
    with pytest.raises(Refused, match="PACKAGE_CONTENTS_INVALID") as refusal:
        admit_packages("council", places.receiver, places.linkage, lambda: NOW)
    assert "Zyxquorble" not in str(refusal.value)
    assert places.written() == []
    assert package.exists()


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b"[]", b"{}", None])
def test_contents_that_are_none_are_refused(places: Places, content: bytes | None) -> None:
    package = places.send("council", extract=EXTRACTS["council"])
    sealed = (
        b"Zyxquorble" if content is None else pyrage.encrypt(content, [places.receiver.identity.to_public()])
    )
    (package / "contents.json.age").write_bytes(sealed)
    sign_again(places, package)
    with pytest.raises(Refused, match="PACKAGE_CONTENTS_INVALID"):
        admit_packages("council", places.receiver, places.linkage, lambda: NOW)
    assert places.written() == []


def test_pairs_of_a_rotation_declare_their_number_only_in_their_contents(
    places: Places, old: InMemoryKey, new: InMemoryKey, another_key: InMemoryKey
) -> None:
    folder = pairs_of(places, old, new)
    manifest = json.loads((folder / "rekey.json").read_bytes())
    assert not {"pairs", "rows"} & set(manifest)
    contents = json.loads(
        pyrage.decrypt((folder / "contents.json.age").read_bytes(), [places.receiver.identity])
    )
    read: list[int] = []
    use(places, folder, another_key, lambda reader: read.append(reader.read_all().num_rows))
    assert read == [contents["rows"]]


def test_more_pairs_than_declared_are_refused(
    places: Places, old: InMemoryKey, new: InMemoryKey, another_key: InMemoryKey
) -> None:
    folder = pairs_of(places, old, new)
    plain = io.BytesIO()
    pq.write_table(pa.table({name: pa.repeat("Z" * 32, 1_000_000) for name in ("kind", "old", "new")}), plain)
    (folder / PAIRS_FILE).write_bytes(
        pyrage.encrypt(plain.getvalue(), [places.receiver.identity.to_public()])
    )
    manifest = json.loads((folder / "rekey.json").read_bytes())
    content = canonical_json(manifest | {"sha256": digest_of_file(folder / PAIRS_FILE)})
    (folder / "rekey.json").write_bytes(content)
    (folder / "manifest.sig").write_bytes(sign_manifest(content, places.signing["council"]))
    with pytest.raises(Refused, match="PACKAGE_LARGER_THAN_DECLARED"):
        use(places, folder, another_key, lambda reader: None)
    assert not any(places.linkage.spill.iterdir())
