"""What a row or a cell can have wrong with it, and where it then goes: no row is lost or let through."""

from collections.abc import Callable
from typing import Any

import pytest

from governance.errors import Refused

HEADER = "record_id,uprn,tenure,bedrooms,is_hmo"
Run = Callable[..., Any]


def quarantined(result: Any) -> list[tuple[int, str | None, str]]:
    return [(row["line_number"], row["column_name"], row["reason"]) for row in result.quarantine]


def test_every_bad_row_is_set_aside_with_line_and_reason_and_the_sum_is_whole(property_table: Run) -> None:
    result = property_table(
        HEADER,
        "A,100023336956,owned,3,N",
        "B,100023336957,owned,3",
        "C,1000233\0,owned,3,N",
        ",100023336959,owned,3,N",
        "D,100023336960,owned,3,N,N",
        f"E,{'1' * 70_000},owned,3,N",
        "F,100023336961,owned,3,N",
        "F,100023336962,owned,3,N",
        "G,100023336963,owned,3,N",
        "G,100023336963,owned,3,N",
        'H,"100023336964"0,owned,3,N',
    )
    assert quarantined(result) == [
        (3, None, "RAGGED_ROW"),
        (4, None, "NUL_BYTE"),
        (5, None, "MISSING"),
        (6, None, "RAGGED_ROW"),
        (7, None, "OVERSIZED_CELL"),
        (8, None, "DUPLICATE_RECORD_ID"),
        (9, None, "DUPLICATE_RECORD_ID"),
        (11, None, "DUPLICATE_ROW"),
        (12, None, "MALFORMED_QUOTE"),
    ]
    assert [(row["record_id"], row["line_number"]) for row in result.kept] == [("A", 2), ("G", 10)]
    assert (result.facts["rows_in"], result.facts["rows_kept"], result.facts["rows_quarantined"]) == (
        11,
        2,
        9,
    )
    assert result.facts["quarantined_by_reason"] == {
        "DUPLICATE_RECORD_ID": 2,
        "DUPLICATE_ROW": 1,
        "MALFORMED_QUOTE": 1,
        "MISSING": 1,
        "NUL_BYTE": 1,
        "OVERSIZED_CELL": 1,
        "RAGGED_ROW": 2,
    }


def test_a_damaged_uprn_becomes_null_with_a_note_and_its_row_is_kept(property_table: Run) -> None:
    result = property_table(
        HEADER,
        "A,100023336956.0,owned,3,N",
        "B,1.00023E+11,owned,3,N",
        "C,0,owned,3,N",
        "D,999999999999,owned,3,N",
        "E,000010023336,owned,3,N",
        "F, 100 023 336 956 ,owned,3,N",
        "G,,owned,3,N",
    )
    assert [row["uprn"] for row in result.kept] == [
        "100023336956",
        None,
        None,
        None,
        "000010023336",
        "100023336956",
        None,
    ]
    assert quarantined(result) == [
        (3, "uprn", "EXPONENT_FORM"),
        (4, "uprn", "SENTINEL"),
        (5, "uprn", "SENTINEL"),
    ]
    assert [row["cells"] for row in result.quarantine] == [["1.00023E+11"], ["0"], ["999999999999"]]
    assert result.facts["invalid"] == {"uprn": {"EXPONENT_FORM": 1, "SENTINEL": 2}}
    assert result.facts["repaired"] == {"uprn": {"BLANKS": 1, "ZERO_FRACTION": 1}}
    assert result.facts["validity"] == {"uprn": {"stated": 6, "valid": 3, "invalid_share": 0.5}}
    assert result.facts["rows_quarantined"] == 0


def test_uprns_that_a_spreadsheet_seems_to_have_rounded_are_kept_and_counted(property_table: Run) -> None:
    uprns = ["100023000000", "100023000000.0", "100023100000", "10023000000", "100023000001"]
    result = property_table("record_id,uprn", *(f"{n},{uprn}" for n, uprn in enumerate(uprns)))
    assert result.facts["rounding_suspected"] == {"uprn": 2}
    assert result.facts["invalid"] == {}


def test_an_nhs_number_with_a_wrong_check_digit_becomes_null_with_a_note(bench: Any) -> None:
    bench.put("nhs_person", "record_id,nhs_number\n1,943 476 5919\n2,9434765918\n")
    result = bench.ingest("nhs_person", "nhs")
    assert [row["nhs_number"] for row in result.kept] == ["9434765919", None]
    assert quarantined(result) == [(3, "nhs_number", "CHECK_DIGIT")]


def test_the_row_of_a_ten_megabyte_cell_is_set_aside_shortened(property_table: Run) -> None:
    result = property_table(HEADER, "A,1,owned,3,N", f"B,1,{'x' * 10_000_000},3,N", "C,1,owned,3,N")
    assert [row["record_id"] for row in result.kept] == ["A", "C"]
    assert quarantined(result) == [(3, None, "OVERSIZED_CELL")]
    assert max(len(cell) for cell in result.quarantine[0]["cells"]) == 1_000


def test_a_day_that_no_calendar_has_is_no_date(bench: Any) -> None:
    days = ["29/02/2024", "31/02/2024", "29/02/2023", "2024-02-28", "1/2/2024", "01/02/24", "01/02/1849", ""]
    lines = "".join(f"{n},{day}\n" for n, day in enumerate(days))
    bench.put("nhs_person", "record_id,birth_date\n" + lines, date_formats=("%d/%m/%Y",))
    result = bench.ingest("nhs_person", "nhs")
    assert [str(row["birth_date"]) for row in result.kept] == [
        "2024-02-29",
        "None",
        "None",
        "None",
        "2024-02-01",
        "None",
        "None",
        "None",
    ]
    assert result.facts["invalid"] == {"birth_date": {"NOT_A_DATE": 3, "OVER_AGE": 2}}


def test_a_date_that_two_declared_formats_read_differently_is_nobodys_guess(bench: Any) -> None:
    bench.put(
        "nhs_person",
        "record_id,birth_date\n1,03/04/1980\n2,04/04/1980\n3,25/12/1980\n",
        date_formats=("%d/%m/%Y", "%m/%d/%Y"),
    )
    result = bench.ingest("nhs_person", "nhs")
    assert [str(row["birth_date"]) for row in result.kept] == ["None", "1980-04-04", "1980-12-25"]
    assert result.facts["invalid"] == {"birth_date": {"AMBIGUOUS_DATE": 1}}


@pytest.mark.parametrize(
    ("rows", "kept", "reasons"),
    [
        (["A,1", "A,1", "A,1"], [2], ["DUPLICATE_ROW", "DUPLICATE_ROW"]),
        (["A,1", "A,2"], [], ["DUPLICATE_RECORD_ID"] * 2),
        (["A,1", "A,1", "A,2"], [], ["DUPLICATE_RECORD_ID"] * 3),
        (["A,1", "A ,1 "], [2], ["DUPLICATE_ROW"]),
        (["A,1", "a,1"], [2, 3], []),
        (["A,1", "A,"], [], ["DUPLICATE_RECORD_ID"] * 2),
        (["A,1", "A,1,1"], [2], ["RAGGED_ROW"]),
    ],
)
def test_equal_rows_count_once_and_rows_that_differ_under_one_record_id_count_never(
    property_table: Run, rows: list[str], kept: list[int], reasons: list[str]
) -> None:
    result = property_table("record_id,uprn", *rows, "Z,9")
    assert [row["line_number"] for row in result.kept] == [*kept, len(rows) + 2]
    assert [reason for _, _, reason in quarantined(result)] == reasons


def test_unknown_codes_flags_and_numbers_become_null_and_are_counted(property_table: Run) -> None:
    result = property_table(
        HEADER,
        "A,1,Council Rented,3.0,yes",
        "B,1,castle,2.5,perhaps",
        "C,1,OWNED OUTRIGHT,-1,0",
        "D,1,,51,",
    )
    assert [(row["tenure"], row["bedrooms"], row["is_hmo"]) for row in result.kept] == [
        ("local_authority", 3, True),
        (None, None, None),
        ("owned_outright", None, False),
        (None, None, None),
    ]
    assert result.facts["invalid"] == {
        "tenure": {"UNKNOWN_CODE": 1},
        "bedrooms": {"NOT_A_WHOLE_NUMBER": 1, "OUT_OF_RANGE": 2},
        "is_hmo": {"NOT_A_FLAG": 1},
    }


def test_an_identifier_in_a_code_column_is_dropped_and_counted_by_its_pattern(bench: Any) -> None:
    bench.put(
        "nhs_person",
        "record_id,sex,practice_code,long_term_conditions,forename\n"
        "1,943 476 5919,P84046,1,Ann\n"
        "2,M33 4JF,P84046,100023336956,Ann\n"
        "3,ann@example.org,07700900123,1,M33 4JF\n"
        "4,F,P84046,9434765918,Ann\n",
    )
    result = bench.ingest("nhs_person", "nhs")
    assert result.facts["identifier_patterns"] == {
        "long_term_conditions": {"uprn": 1},
        "practice_code": {"uprn": 1, "telephone": 1},
        "sex": {"email": 1, "nhs_number": 1, "postcode": 1},
    }
    assert [row["sex"] for row in result.kept] == [None, None, None, "2"]


def test_no_value_of_the_extract_enters_the_evidence_or_a_report(bench: Any) -> None:
    bench.put("council_property", f"{HEADER}\nCANARY-1,CANARY-2,CANARY-3,CANARY-4,CANARY-5\nCANARY-6\n")
    result = bench.ingest("council_property")
    assert "CANARY" not in repr(result.facts)
    assert "CANARY" not in repr(bench.reports)
    assert bench.reports[0] == "council_property: 1 row kept, 1 quarantined"


def test_the_kept_table_has_the_columns_and_types_of_the_contract(property_table: Run) -> None:
    import pyarrow.parquet as pq

    result = property_table("record_id,damp_report", "A,Y")
    schema = pq.read_schema(result.folder / "council_property.parquet")
    types = {field.name: str(field.type) for field in schema}
    assert types["record_id"] == types["uprn"] == "string"
    assert (types["bedrooms"], types["line_number"], types["is_hmo"]) == ("int64", "int64", "bool")
    assert result.kept[0]["damp_report"] is True
    assert result.kept[0]["tenure"] is None
    assert {"file_sha256", "manifest"} <= set(result.facts)
    assert "tenure" in result.facts["columns_absent"]


def test_rows_are_written_in_the_order_of_the_file(property_table: Run) -> None:
    result = property_table("record_id", *(f"R{n}" for n in range(5_000, 0, -1)))
    assert [row["line_number"] for row in result.kept] == list(range(2, 5_002))


@pytest.mark.parametrize("changed", [b"record_id\nB\n", b"record_id\n\xff\n", b"", b"uprn\nA\n", None])
def test_a_file_that_changes_between_inspection_and_reading_is_refused(
    bench: Any, monkeypatch: pytest.MonkeyPatch, changed: bytes | None
) -> None:
    from pipeline.ingest import table as module

    path = bench.put("council_property", "record_id\nA\n")
    load = module.load_records

    def change_first(*args: Any) -> int:
        path.unlink()
        if changed is not None:
            path.write_bytes(changed)
        return load(*args)

    monkeypatch.setattr(module, "load_records", change_first)
    with pytest.raises(Refused, match="changed while it was read"):
        bench.ingest("council_property")
    assert not list((bench.folder / "workspace" / "clear" / "council").iterdir())


def test_an_interrupt_while_reading_is_raised_unchanged_and_leaves_no_files(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.ingest import load as module

    bench.put("council_property", "record_id\nA\n")

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_parsed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bench.ingest("council_property")
    assert not list((bench.folder / "workspace" / "clear" / "council").iterdir())


def test_a_class_that_the_list_does_not_know_becomes_the_narrowest_that_it_does(property_table: Run) -> None:
    classes = ["RD02", "rd02", "RD99", "CR08", "CE03FS", "Residential", "Retail park", "Q", "", "RI02NC"]
    result = property_table("record_id,blpu_class", *(f"{n},{text}" for n, text in enumerate(classes)))
    assert [row["blpu_class"] for row in result.kept] == [
        "RD02",
        "RD02",
        "RD",
        "CR",
        "CE",
        "R",
        None,
        None,
        None,
        "RI02",
    ]


def test_the_packaged_areas_serve_where_no_lookup_is_supplied(bench: Any) -> None:
    bench.put("council_property", "record_id\nA\n")
    result = bench.ingest("area_lookup")
    assert len(result.kept) == result.facts["rows_kept"] == 139
    assert result.facts["source"] == "packaged"
    bench.put(
        "area_lookup", "lsoa21,msoa21,local_authority,imd_decile,aqma\nE01006074,E02001283,E08000009,5,Y\n"
    )
    result = bench.ingest("area_lookup")
    assert result.facts["source"] == "extract"
    assert [(row["imd_decile"], row["aqma"]) for row in result.kept] == [(5, True)]
