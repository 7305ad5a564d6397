"""The extract again: to the byte as it was, but for the UPRNs."""

import csv
import gzip
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.assign_uprn.extract_copy import UprnChange, write_copy
from pipeline.project import ExtractSettings

from .conftest import Answer, Desk

ONE = "100000000001"
HEADER = "record_id,uprn,address,postcode\n"


def _copied(folder: Path, content: bytes, change: UprnChange, name: str = "x.csv", **declared: str) -> bytes:
    source, target = folder / name, folder / f"copy-{name}"
    source.write_bytes(content)
    write_copy(ExtractSettings("nhs_person", source, **declared), change, target)
    return target.read_bytes()


@pytest.mark.parametrize(
    ("content", "declared"),
    [
        (b"\xef\xbb\xbfa,uprn\r\n1,\r\n2,7\r\n", {}),
        (b'\n\na,uprn\n"x\ny",\n\n2,"7"\n"open,\n3,', {}),
        ("a|uprn\nCafé|\n".encode("cp1252"), {"encoding": "cp1252", "delimiter": "|"}),
        (b"a,uprn\n1\n1,2,3\n\x00,4\n", {}),
    ],
)
def test_without_a_change_the_copy_has_the_same_bytes(
    tmp_path: Path, content: bytes, declared: dict[str, str]
) -> None:
    assert _copied(tmp_path, content, UprnChange(1, {}, {}), **declared) == content


def test_only_the_rows_that_get_a_uprn_are_written_anew(tmp_path: Path) -> None:
    before = b'a,uprn,b\r\n"1","",""\r\n"2",  ,"x, y"\r\n3,8,"z ""q"""\r\n'
    after = b'a,uprn,b\r\n"1","",""\r\n2,100000000001,"x, y"\r\n3,8,"z ""q"""\r\n'
    assert _copied(tmp_path, before, UprnChange(1, {3: ONE}, {})) == after


def test_a_row_over_several_lines_is_changed_whole(tmp_path: Path) -> None:
    before = b'a,uprn\n"one\ntwo",\n3,\n'
    after = f'a,uprn\n"one\ntwo",{ONE}\n3,{ONE}\n'.encode()
    assert _copied(tmp_path, before, UprnChange(1, {2: ONE, 4: ONE}, {})) == after


def test_a_packed_extract_is_packed_again_and_carries_no_time(tmp_path: Path) -> None:
    content = gzip.compress(b"a,uprn\n1,\n")
    copies = {_copied(tmp_path, content, UprnChange(1, {2: ONE}, {}), "x.csv.gz") for _ in range(2)}
    assert len(copies) == 1
    assert gzip.decompress(copies.pop()) == f"a,uprn\n1,{ONE}\n".encode()


def test_an_added_column_reaches_every_row_so_that_a_ragged_one_stays_ragged(tmp_path: Path) -> None:
    change = UprnChange(None, {2: ONE}, dict.fromkeys((2, 3, 5)), "uprn")
    before = b"a,b\n1,2\n1,2,3\n\n4,5"
    assert _copied(tmp_path, before, change) == f"a,b,uprn\n1,2,{ONE}\n1,2,3,\n\n4,5,".encode()


def test_ingest_meets_the_same_broken_rows_in_the_copy_as_in_the_extract(desk: Desk) -> None:
    desk.answers["A"] = Answer(ONE, "exact: full match")
    text = 'record_id,address,postcode\nr1,A,M33 1AA\nr2,A\nr3,A,M33,4\n"r4"x,A,\nr5,A,M33 1AA\nr6,\x01,M\n'
    before = desk.assign(text)["extract"]
    copy = (desk.out / "people.csv").read_text()
    desk.out.rename(desk.folder / "first")
    after = desk.assign(copy)["extract"]
    assert before["broken_rows"] == after["broken_rows"] == 4
    assert after["by_uprn"] == {"supplied": 2}


def test_parquet_keeps_every_other_column_its_type(tmp_path: Path) -> None:
    source, target = tmp_path / "x.parquet", tmp_path / "copy.parquet"
    table = pa.table({"id": [1, 2], "uprn": pa.array([100.0, None]), "seen": pa.array([1, 2], pa.date32())})
    pq.write_table(table, source)
    write_copy(ExtractSettings("nhs_person", source), UprnChange(1, {2: ONE}, {1: "100.0", 2: None}), target)
    copied = pq.read_table(target)
    assert copied.schema.types == [pa.int64(), pa.string(), pa.date32()]
    assert copied.column("uprn").to_pylist() == ["100.0", ONE]
    assert copied.drop_columns("uprn") == table.drop_columns("uprn")


def test_a_parquet_extract_without_the_column_gets_one_at_its_end(tmp_path: Path) -> None:
    source, target = tmp_path / "x.parquet", tmp_path / "copy.parquet"
    pq.write_table(pa.table({"id": [1, 2]}), source)
    write_copy(ExtractSettings("nhs_person", source), UprnChange(None, {2: ONE}, {1: None, 2: None}), target)
    assert pq.read_table(target).to_pydict() == {"id": [1, 2], "uprn": [None, ONE]}


_CELL = st.text(st.sampled_from('ab ,"\n\r|é'), max_size=6)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(_CELL, _CELL, _CELL), min_size=1, max_size=8), data=st.data())
def test_a_reader_of_the_copy_finds_the_new_uprns_and_every_other_cell_as_it_was(
    tmp_path: Path, rows: list[tuple[str, str, str]], data: st.DataObject
) -> None:
    text = io.StringIO()
    starts = []
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(("a", "uprn", "b"))
    for row in rows:
        starts.append(1 + len(list(io.StringIO(text.getvalue(), newline=""))))
        writer.writerow(row)
    changed = data.draw(st.sets(st.sampled_from(range(len(rows)))))
    change = UprnChange(1, {starts[n]: ONE for n in changed}, {})
    copy = _copied(tmp_path, text.getvalue().encode(), change).decode()
    expected = [[a, ONE if n in changed else uprn, b] for n, (a, uprn, b) in enumerate(rows)]
    assert list(csv.reader(io.StringIO(copy, newline=""), strict=True))[1:] == expected
