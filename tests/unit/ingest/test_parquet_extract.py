"""A Parquet extract meets the same contract as text does, whatever types its supplier chose."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from governance.errors import Refused


def put(bench: Any, table: str, columns: dict[str, Any], **settings: Any) -> None:
    bench.put(table, b"", name=f"{table}.parquet", **settings)
    pq.write_table(pa.table(columns), bench.extracts[table].path)


def test_typed_columns_become_what_their_contract_says(bench: Any) -> None:
    put(
        bench,
        "council_property",
        {
            "record_id": pa.array([11, 12, 13]),
            "uprn": pa.array([100023336956.0, None, 1e300]),
            "tenure": pa.array(["owned", "castle", None]).dictionary_encode(),
            "bedrooms": pa.array([Decimal("3.00"), Decimal("2.50"), None]),
            "is_hmo": pa.array([True, False, None]),
            "epc_rating": pa.array([b"C", b"D", None], pa.binary()),
        },
    )
    result = bench.ingest("council_property")
    shown = ("record_id", "uprn", "tenure", "bedrooms", "is_hmo", "epc_rating", "line_number")
    assert [tuple(row[name] for name in shown) for row in result.kept] == [
        ("11", "100023336956", "owned", 3, True, "C", 1),
        ("12", None, None, None, False, "D", 2),
        ("13", None, None, None, None, None, 3),
    ]
    assert result.facts["repaired"] == {"uprn": {"ZERO_FRACTION": 1}, "bedrooms": {"ZERO_FRACTION": 1}}
    assert result.facts["invalid"]["uprn"] == {"EXPONENT_FORM": 1}


def test_dates_need_no_format_where_the_file_types_them(bench: Any) -> None:
    put(
        bench,
        "nhs_person",
        {
            "record_id": ["1", "2"],
            "birth_date": pa.array([date(1935, 2, 28), None]),
            "address_start": pa.array([datetime(2024, 3, 1, 0, 0), None]),  # noqa: DTZ001
            "registration_start": pa.array(["31/02/24", "02/03/24"]),
        },
        date_formats=("%d/%m/%y",),
    )
    kept = bench.ingest("nhs_person", "nhs").kept
    assert [str(row["birth_date"]) for row in kept] == ["1935-02-28", "None"]
    assert [str(row["address_start"]) for row in kept] == ["2024-03-01", "None"]
    assert [str(row["registration_start"]) for row in kept] == ["None", "2024-03-02"]


def test_broken_cells_of_a_parquet_file_go_to_quarantine(bench: Any) -> None:
    put(
        bench,
        "council_property",
        {"record_id": ["A", "B", "C", None, "A2"], "uprn": ["1", "2\0", "x" * 70_000, "4", "5\x07"]},
    )
    result = bench.ingest("council_property")
    assert [row["record_id"] for row in result.kept] == ["A"]
    assert [(row["line_number"], row["reason"]) for row in result.quarantine] == [
        (2, "NUL_BYTE"),
        (3, "OVERSIZED_CELL"),
        (4, "MISSING"),
        (5, "CONTROL_CHARACTER"),
    ]
    assert result.facts["rows_in"] == result.facts["rows_kept"] + result.facts["rows_quarantined"] == 5


@pytest.mark.parametrize("spoil", [lambda b: b[:-20], lambda b: b"record_id\nA\n", lambda b: b""])
def test_a_damaged_parquet_file_is_refused(bench: Any, spoil: Any) -> None:
    put(bench, "council_property", {"record_id": ["A"] * 1_000})
    path = bench.extracts["council_property"].path
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(Refused, match="ING-02"):
        bench.inspect("council")


def test_a_parquet_file_damaged_in_its_pages_is_refused_without_its_values(bench: Any) -> None:
    put(bench, "council_property", {"record_id": [f"CANARY-{n}" for n in range(5_000)]})
    path = bench.extracts["council_property"].path
    content = bytearray(path.read_bytes())
    content[40:400] = b"\xff" * 360
    path.write_bytes(bytes(content))
    with pytest.raises(Refused, match="ING-02") as caught:
        bench.ingest("council_property")
    assert "CANARY" not in str(caught.value)


def test_nested_columns_are_refused(bench: Any) -> None:
    put(bench, "council_property", {"record_id": ["A"], "uprn": pa.array([[1, 2]])})
    with pytest.raises(Refused, match="lists or structures"):
        bench.inspect("council")


def test_a_parquet_file_without_rows_is_refused(bench: Any) -> None:
    put(bench, "council_property", {"record_id": pa.array([], pa.string())})
    with pytest.raises(Refused, match="is empty"):
        bench.inspect("council")


def test_a_parquet_file_that_is_replaced_while_it_is_opened_is_refused(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.ingest.readers.supplied_file import SuppliedFile

    put(bench, "council_property", {"record_id": ["A"]})
    path = bench.extracts["council_property"].path
    again = SuppliedFile.again

    def replace_first(file: SuppliedFile) -> Any:
        path.rename(path.with_name("kept.parquet"))
        put(bench, "council_property", {"record_id": ["B"]})
        return again(file)

    monkeypatch.setattr(SuppliedFile, "again", replace_first)
    with pytest.raises(Refused, match="was replaced while it was being opened"):
        bench.inspect("council")


def test_more_rows_than_record_ids_could_fill_are_a_bomb(bench: Any) -> None:
    bench.put("council_property", b"", name="council_property.parquet")
    schema = pa.schema({"record_id": pa.string()})
    same = pa.table({"record_id": pa.array(["A"]).take(pa.array([0] * 500_000))})
    with pq.ParquetWriter(bench.extracts["council_property"].path, schema, compression="zstd") as writer:
        for _ in range(20):
            writer.write_table(same)
    with pytest.raises(Refused, match="may be a decompression bomb"):
        bench.inspect("council")
