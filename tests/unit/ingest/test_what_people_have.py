"""Files as people have them: other delimiters and encodings, spreadsheets and archives, lossy types."""

import bz2
import gzip
import io
import zipfile
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from governance.errors import Fault, Refused
from pipeline.ingest.converting.cell_text import repaired_mojibake
from pipeline.project import read_project

ROWS = "record_id,uprn,tenure\nA,100023336956,owned\nB,100023336957,owned\n"


def refusal(bench: Any) -> str:
    with pytest.raises(Refused) as caught:
        bench.inspect("council")
    (finding,) = caught.value.findings
    return str(finding.what)


@pytest.mark.parametrize("delimiter", [";", "^", "~", ":", "¬", "¦"])
def test_any_single_character_can_separate_cells(bench: Any, delimiter: str) -> None:
    quoted = f'C,100023336958,"owned{delimiter} outright"'
    content = (ROWS + quoted.replace(",", "\0")).replace(",", delimiter).replace("\0", delimiter)
    bench.put("council_property", content, delimiter=delimiter)
    result = bench.ingest("council_property")
    assert [row["uprn"] for row in result.kept] == ["100023336956", "100023336957", "100023336958"]


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n", "a", "1", " "])
def test_what_cannot_separate_cells_is_no_delimiter(tmp_path: Any, delimiter: str) -> None:
    path = tmp_path / "hearth.toml"
    text = delimiter.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    path.write_text(
        '[project]\nreference_date = 2026-03-31\n[extracts.council_property]\npath = "p.csv"\n'
        f'delimiter = "{text}"\n'
    )
    with pytest.raises(Fault) as caught:
        read_project(path)
    assert [finding.where for finding in caught.value.findings] == ["[extracts.council_property] delimiter"]


@pytest.mark.parametrize(
    ("written", "declared"),
    [
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-16-le", "utf-16"),
        ("utf-16", "utf-16-le"),
    ],
)
def test_utf16_is_read_with_its_mark_or_without(bench: Any, written: str, declared: str) -> None:
    bench.put("council_property", ROWS.encode(written), encoding=declared)
    assert len(bench.ingest("council_property").kept) == 2


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_undeclared_utf16_is_named_with_the_setting(bench: Any, encoding: str) -> None:
    bench.put("council_property", ROWS.encode(encoding))
    assert f'looks like UTF-16: set encoding = "{encoding}"' in refusal(bench)


def test_half_a_character_is_no_utf16(bench: Any) -> None:
    bench.put("council_property", ROWS.encode("utf-16-le") + b"A", encoding="utf-16-le")
    assert refusal(bench) == "is declared as utf-16-le, but is not utf-16-le"


def zipped(name: str, content: bytes = b"x") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (zipped("[Content_Types].xml"), "is an Excel workbook (.xlsx): save the sheet as CSV UTF-8"),
        (
            zipped("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
            "is an OpenDocument spreadsheet (.ods)",
        ),
        (zipped("people.csv", ROWS.encode()), "is a zip archive: unpack it"),
        (bz2.compress(ROWS.encode()), "is compressed with bzip2: unpack it"),
        (gzip.compress(ROWS.encode()), "its name does not end in .gz: rename it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "is an old Excel workbook (.xls)"),
        (b"PAR1" + bytes(40), "is a Parquet file, and its name does not end in .parquet"),
    ],
    ids=["xlsx", "ods", "zip", "bz2", "gzip", "xls", "parquet"],
)
def test_a_file_that_is_no_text_is_named_for_what_it_is(bench: Any, content: bytes, shown: str) -> None:
    bench.put("council_property", content)
    assert shown in refusal(bench)


def test_a_byte_undefined_in_cp1252_sets_its_row_aside_and_not_the_night(bench: Any) -> None:
    content = b"record_id,tenure\nA,owned\nB\x81,owned\nC\xe9,owned\n"
    bench.put("council_property", content, encoding="cp1252")
    result = bench.ingest("council_property")
    assert [row["record_id"] for row in result.kept] == ["A", "Cé"]
    assert result.facts["quarantined_by_reason"] == {"UNDEFINED_BYTE": 1}


@pytest.mark.parametrize(("allowed", "is_read"), [(3, True), (2, False)])
def test_undefined_bytes_are_tolerated_up_to_the_stated_number(
    bench: Any, allowed: int, is_read: bool
) -> None:
    content = b"record_id\nA\nB\x81\x8d\nC\x9d\n"
    bench.put("council_property", content, encoding="cp1252", undefined_bytes=allowed)
    if is_read:
        assert bench.ingest("council_property").facts["rows_quarantined"] == 2
    else:
        assert "more than 2 bytes are not cp1252" in refusal(bench)


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("MÃ¼ller", "Müller"),
        ("Oâ€™Neil", "O\u2019Neil"),
        ("Ã\x81lvarez", "Álvarez"),
        ("Müller", None),
        ("MÃ¼ller Müller", None),
        ("São", None),
        ("Ångström", None),
        ("M\ufffdller", None),
        ("Muller", None),
    ],
)
def test_mojibake_is_repaired_where_the_whole_cell_is_certain(text: str, repaired: str | None) -> None:
    assert repaired_mojibake(text) == repaired


def test_mojibake_and_lost_letters_are_counted(bench: Any) -> None:
    bench.put("nhs_person", "record_id,surname\n1,MÃ¼ller\n2,M\ufffdller\n3,Müller\n")
    result = bench.ingest("nhs_person", "nhs")
    assert [row["surname"] for row in result.kept] == ["Müller", "M\ufffdller", "Müller"]
    assert result.facts["repaired"] == {"surname": {"WRONG_ENCODING": 1}}
    assert result.facts["replacement_characters"] == {"surname": 1}


def test_a_declared_marker_is_a_missing_cell(bench: Any) -> None:
    rows = "record_id,birth_date,sex\n1,N/A, - \n2,1980-01-02,2\n"
    bench.put("nhs_person", rows, missing_markers=("N/A", "-"))
    result = bench.ingest("nhs_person", "nhs")
    assert [(row["birth_date"] is None, row["sex"]) for row in result.kept] == [(True, None), (False, "2")]
    assert result.facts["repaired"] == {"birth_date": {"MISSING_MARKER": 1}, "sex": {"MISSING_MARKER": 1}}
    assert result.facts["invalid"] == {}
    assert result.facts["cells"]["sex"]["missing"] == 1


def put_parquet(bench: Any, table: str, columns: dict[str, Any], **settings: Any) -> None:
    bench.put(table, b"", name=f"{table}.parquet", **settings)
    pq.write_table(pa.table(columns), bench.extracts[table].path)


def test_uprns_in_single_precision_are_refused_for_what_they_are(bench: Any) -> None:
    uprns = pa.array([100023336956.0, 12.0], pa.float64()).cast(pa.float32())
    put_parquet(bench, "council_property", {"record_id": ["A", "B"], "uprn": uprns})
    assert refusal(bench) == (
        "has column 2 'uprn' as float, which keeps seven digits, so long numbers are wrong: ask for text"
    )


def test_small_numbers_in_single_precision_are_read(bench: Any) -> None:
    put_parquet(bench, "council_property", {"record_id": ["A"], "bedrooms": pa.array([3], pa.float32())})
    assert bench.ingest("council_property").kept[0]["bedrooms"] == 3


def test_bytes_that_are_no_text_are_refused_as_such(bench: Any) -> None:
    tenure = pa.array([b"owned", "Caf\xe9".encode("latin-1")], pa.binary())
    put_parquet(bench, "council_property", {"record_id": ["A", "B"], "tenure": tenure})
    assert "has column 2 'tenure' as bytes that are not UTF-8 text" in refusal(bench)


def test_a_timestamp_is_a_day_of_the_declared_zone(bench: Any) -> None:
    births = [datetime(1980, 6, 2, 23, tzinfo=UTC), datetime(1980, 1, 3, tzinfo=UTC)]
    columns = {"record_id": ["1", "2"], "birth_date": pa.array(births, pa.timestamp("us", tz="UTC"))}
    put_parquet(bench, "nhs_person", columns)
    kept = bench.ingest("nhs_person", "nhs").kept
    assert [str(row["birth_date"]) for row in kept] == ["1980-06-03", "1980-01-03"]


def test_a_timestamp_that_is_no_midnight_of_the_declared_zone_is_refused(bench: Any) -> None:
    births = [datetime(1980, 6, 2, 23, tzinfo=UTC)]
    columns = {"record_id": ["1"], "birth_date": pa.array(births, pa.timestamp("us", tz="UTC"))}
    put_parquet(bench, "nhs_person", columns, time_zone="UTC")
    result = bench.ingest("nhs_person", "nhs")
    assert result.facts["invalid"] == {"birth_date": {"TIME_OF_DAY": 1}}
