"""Faults of a file as a whole: the run stops, and one refusal lists every fault of every file."""

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from governance.errors import Finding, Refused

GOOD = "record_id,uprn\nA,100023336956\nB,100023336957\n"


def faults(bench: Any, *controllers: str) -> list[tuple[str, str, str]]:
    with pytest.raises(Refused) as caught:
        bench.inspect(*(controllers or ("council",)))
    assert caught.value.exit_code == 2
    assert caught.value.findings
    return [(finding.code, finding.where, finding.what) for finding in caught.value.findings]


@pytest.mark.parametrize(
    ("content", "settings", "code", "shown"),
    [
        (b"", {}, "ING-02", "empty"),
        (b"record_id,uprn\n", {}, "ING-02", "empty"),
        (b"record_id,uprn", {}, "ING-02", "empty"),
        (b"\xef\xbb\xbf", {}, "ING-02", "empty"),
        (b"uprn\n1\n", {}, "ING-03", "record_id is missing"),
        (b"record_id,shoe_size\nA,9\n", {}, "ING-03", "'shoe_size' is not declared: map it under columns"),
        (b"record_id,record_id\nA,A\n", {}, "ING-03", "appears 2 times"),
        (b"record_id,\nA,A\n", {}, "ING-03", "1 column of the header has no name"),
        (
            b"record_id\nA\n",
            {"columns": {"tenure": "TENURE_CD"}},
            "ING-03",
            "TENURE_CD, which hearth.toml maps to tenure, is missing",
        ),
        (b"record_id\nA\n", {"date_formats": ()}, "ING-03", "the list date_formats in hearth.toml is empty"),
        (b"record_id\nA\n", {"columns": {"tenyure": "record_id"}}, "ING-03", "maps tenyure"),
        (b"record_id\nA\n", {"columns": {"line_number": "record_id"}}, "ING-03", "maps line_number"),
        (
            b"record_id;uprn\nA;1\n",
            {},
            "ING-03",
            'contains semicolons: set delimiter = ";" in [extracts.council_property]',
        ),
        (
            b"record_id|uprn\nA|1\n",
            {},
            "ING-03",
            'contains bars: set delimiter = "|" in [extracts.council_property]',
        ),
        (b"record_id\tuprn\nA\t1\n", {}, "ING-03", r'contains tabs: set delimiter = "\t"'),
        (b"record_id,uprn\nA,1\n", {"delimiter": "|"}, "ING-03", "one column, and it contains commas"),
        (
            b"record_id,uprn\nA,1\n",
            {"ignore": ("UPRN",)},
            "ING-03",
            "both mapped under columns and listed under ignore",
        ),
        (b"record_id\nCaf\xe9\n", {}, "ING-02", "is declared as utf-8, but line 2 is not utf-8"),
        (
            b"record_id\nA\x81\n",
            {"encoding": "cp1252", "undefined_bytes": 0},
            "ING-02",
            "is declared as cp1252, but line 2 is not cp1252",
        ),
        (
            "record_id\nCafé\n".encode(),
            {"encoding": "cp1252"},
            "ING-02",
            "is declared as cp1252 but is UTF-8",
        ),
        (b"\xef\xbb\xbfrecord_id\nA\n", {"encoding": "cp1252"}, "ING-02", "begins with the mark of UTF-8"),
        ("record_id\nA\n".encode("utf-16"), {}, "ING-02", "begins with the mark of UTF-16"),
        (b'record_id,"uprn\nA,1\n', {}, "ING-02", "header with a quote that is left open"),
    ],
)
def test_a_file_with_a_fault_is_refused_by_its_rule(
    bench: Any, content: bytes, settings: dict[str, Any], code: str, shown: str
) -> None:
    bench.put("council_property", content, **settings)
    found = faults(bench)
    assert [(c, w) for c, w, _ in found] == [(code, "council_property")] * len(found)
    assert any(shown in what for _, _, what in found), found


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        (b"\xef\xbb\xbf" + GOOD.encode(), {}),
        (GOOD.replace(",", "\t").encode(), {"delimiter": "\t"}),
        (GOOD.replace(",", "|").encode(), {"delimiter": "|"}),
        (GOOD.replace("\n", "\r\n").encode(), {}),
        (GOOD.replace("\n", "\r").encode(), {}),
        (GOOD.rstrip("\n").encode(), {}),
        (GOOD.replace("A", "Caf\xe9 \u2019").encode("cp1252"), {"encoding": "cp1252"}),
        (GOOD.replace("record_id", '" record_id "').encode(), {}),
    ],
)
def test_every_declared_dialect_is_read(bench: Any, content: bytes, settings: dict[str, Any]) -> None:
    bench.put("council_property", content, **settings)
    result = bench.ingest("council_property")
    assert [row["uprn"] for row in result.kept] == ["100023336956", "100023336957"]
    assert result.kept[0]["record_id"] in ("A", "Caf\xe9 \u2019")


def test_a_header_in_other_case_is_read_and_counted(bench: Any) -> None:
    bench.put("council_property", GOOD.replace("record_id", "Record_ID").replace("uprn", "UPRN"))
    result = bench.ingest("council_property")
    assert result.facts["header_case_differences"] == ["record_id", "uprn"]
    assert [row["record_id"] for row in result.kept] == ["A", "B"]


def test_an_ignored_column_is_not_read_whatever_its_case(bench: Any) -> None:
    bench.put("council_property", "record_id,Notes\nA,CANARY\nA,CANARY\n", ignore=("notes", "not there"))
    result = bench.ingest("council_property")
    assert result.facts["columns_ignored"] == 1
    assert "CANARY" not in repr(result.kept) + repr(result.quarantine) + repr(result.facts)


def test_two_columns_that_differ_in_case_alone_are_not_guessed_between(bench: Any) -> None:
    bench.put("council_property", "record_id,Uprn,UPRN\nA,1,2\n")
    assert sorted(what.split("'")[1] for _, _, what in faults(bench)) == ["UPRN", "Uprn"]


def test_every_fault_of_every_file_is_listed_at_once(bench: Any) -> None:
    bench.put("council_property", "uprn,shoe_size\n")
    bench.put("council_person", b"record_id\n\xff\n")
    bench.put("nhs_person", "", name="nhs_person.csv")
    bench.manifest("nhs_person", sha256="0" * 64, rows=3)
    bench.put("nhs_event", "record_id\n1\n").unlink()
    bench.put("mystery_list", "record_id\n1\n")
    found = faults(bench, "council", "nhs")
    assert [(code, where) for code, where, _ in found] == [
        ("ING-03", "mystery_list"),
        ("ING-02", "council_person"),
        ("ING-03", "council_property"),
        ("ING-03", "council_property"),
        ("ING-02", "council_property"),
        ("ING-02", "nhs_event"),
        ("ING-02", "nhs_person"),
        ("ING-01", "nhs_person"),
        ("ING-01", "nhs_person"),
    ]


def test_a_required_table_that_the_project_does_not_name_is_missed(bench: Any) -> None:
    bench.put("council_person", "record_id\nA\n")
    what = "hearth.toml has no [extracts.council_property], and this extract is required"
    assert faults(bench) == [("ING-03", "council_property", what)]


# compression


def test_a_gzip_file_is_read_and_its_digest_is_that_of_the_file_supplied(bench: Any) -> None:
    packed = gzip.compress(GOOD.encode())
    bench.put("council_property", packed, name="council_property.csv.gz")
    result = bench.ingest("council_property")
    assert len(result.kept) == 2
    assert result.facts["file_sha256"] == hashlib.sha256(packed).hexdigest()


def damaged(packed: bytes) -> bytes:
    return packed[:20] + bytes([packed[20] ^ 0xFF]) + packed[21:]


@pytest.mark.parametrize(
    ("spoil", "shown"),
    [
        (lambda packed: packed[:-9], "is an incomplete gzip file"),
        (lambda packed: packed[:5], "gzip"),
        (lambda packed: b"record_id\nA\n", "or not a gzip file"),
        (damaged, "gzip"),
        (lambda packed: packed + b"more", "gzip"),
        (lambda packed: packed[:-8] + b"\0\0\0\0" + packed[-4:], "is a damaged gzip file"),
    ],
)
def test_a_gzip_file_cut_short_or_damaged_is_refused(
    bench: Any, spoil: Callable[[bytes], bytes], shown: str
) -> None:
    body = "record_id\n" + "".join(f"R{n}\n" for n in range(1_000))
    bench.put("council_property", spoil(gzip.compress(body.encode())), name="council_property.csv.gz")
    found = faults(bench)
    assert [code for code, _, _ in found] == ["ING-02"]
    assert shown in found[0][2]


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(bench: Any, tmp_path: Path) -> None:
    with gzip.open(tmp_path / "council_property.csv.gz", "wb", compresslevel=9) as bomb:
        bomb.write(b"record_id\n")
        for _ in range(80):
            bomb.write(b"0123456789\n" * 100_000)
    packed = (tmp_path / "council_property.csv.gz").read_bytes()
    assert len(packed) < 1_000_000
    bench.put("council_property", packed, name="council_property.csv.gz")
    assert "decompression bomb" in faults(bench)[0][2]


def test_a_line_without_end_is_refused(bench: Any) -> None:
    bench.put("council_property", b"record_id\n" + b"x" * (17 << 20))
    assert "has a line of more than 16,777,216 bytes" in faults(bench)[0][2]


# path


def test_what_is_not_a_regular_file_is_refused(bench: Any, tmp_path: Path) -> None:
    import os

    path = bench.put("council_property", GOOD)
    path.rename(tmp_path / "elsewhere.csv")
    assert faults(bench)[0][2].startswith("cannot be found")
    path.symlink_to(tmp_path / "elsewhere.csv")
    assert faults(bench)[0][2] == "is a symbolic link"
    path.unlink()
    path.mkdir()
    assert faults(bench)[0][2] == "is not a regular file"
    path.rmdir()
    os.mkfifo(path)
    assert faults(bench)[0][2] == "is not a regular file"


def test_a_linked_folder_cannot_lead_out_of_the_project(
    bench: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "council_property.csv").write_text(GOOD)
    (bench.folder / "incoming").symlink_to(outside, target_is_directory=True)
    bench.put("council_property", GOOD, name="incoming/council_property.csv")
    assert faults(bench)[0][2] == "is reached through a symbolic link that leads out of the project's folder"


def test_a_file_outside_the_project_that_the_operator_names_is_read(
    bench: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    bench.put("council_property", GOOD, name=f"../{outside.name}/council_property.csv")
    assert len(bench.ingest("council_property").kept) == 2


# manifest


def sha256(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def test_a_manifest_that_agrees_is_recorded(bench: Any) -> None:
    bench.put("council_property", GOOD)
    bench.manifest("council_property", sha256=sha256(GOOD).upper(), rows=2, sequence=7, supplied="2026-03-31")
    facts = bench.ingest("council_property").facts
    assert facts["manifest"] == {
        "sequence": 7,
        "supplied": "2026-03-31",
        "signed_by": None,
        "signature": None,
    }


@pytest.mark.parametrize(
    ("entries", "shown"),
    [
        ({"sha256": "0" * 64, "rows": 2}, "a different SHA-256"),
        ({"sha256": sha256(GOOD), "rows": 3}, "has 2 rows, but 3 according to its manifest"),
        ({"sha256": sha256(GOOD)}, "wrong or missing entries: rows"),
        ({"rows": 2}, "wrong or missing entries: sha256"),
        ({"sha256": sha256(GOOD), "rows": 2, "rwos": 2}, "an unknown entry"),
        ({"sha256": sha256(GOOD), "rows": True}, "rows"),
        ({"sha256": sha256(GOOD), "rows": 2, "supplied": "31/03/2026"}, "supplied"),
        ({"sha256": sha256(GOOD), "rows": 2, "sequence": "7"}, "sequence"),
    ],
)
def test_a_file_unlike_its_manifest_is_refused(bench: Any, entries: dict[str, Any], shown: str) -> None:
    bench.put("council_property", GOOD)
    bench.manifest("council_property", **entries)
    found = faults(bench)
    assert [code for code, _, _ in found] == ["ING-01"]
    assert shown in found[0][2]


def test_a_manifest_that_is_named_must_be_there(bench: Any) -> None:
    bench.put("council_property", GOOD, manifest=bench.folder / "delivery.json")
    what = "has a manifest that cannot be found or reached (No such file or directory)"
    assert faults(bench) == [("ING-01", "council_property", what)]
    (bench.folder / "delivery.json").write_text("not JSON")
    what = "has a manifest that is not readable JSON"
    assert faults(bench) == [("ING-01", "council_property", what)]


# what a refusal shows


def test_a_header_that_is_really_a_row_of_data_is_not_shown(bench: Any) -> None:
    bench.put("council_property", "9434765919,Mary O'Canary 12 High Street,1980-01-02\nA,B,C\n")
    shown = repr(faults(bench))
    assert "9434765919" not in shown
    assert "1980" not in shown
    assert "Canary" not in shown


def test_a_finding_reads_as_place_fault_and_rule() -> None:
    finding = Finding("ING-02", "council_property", "is empty")
    assert str(finding) == "council_property: is empty [ING-02]"
