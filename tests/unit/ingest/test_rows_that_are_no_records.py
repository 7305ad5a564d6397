"""A header line again, a trailer, a total and test patients are set aside and counted, and nobody else."""

from typing import Any

import pytest

HEADER = "record_id,nhs_number,forename,surname,birth_date,sex"
ANN = "N1,9990658854,Ann,Tarn,1979-06-03,2"


def set_aside(bench: Any, *rows: str, header: str = HEADER, **settings: Any) -> dict[str, int]:
    bench.put("nhs_person", "\n".join((header, ANN, *rows)) + "\n", **settings)
    result = bench.ingest("nhs_person", "nhs")
    assert result.kept[0]["record_id"] == "N1"
    assert len(result.kept) + result.facts["rows_quarantined"] == 1 + len(rows)
    return dict(result.facts["quarantined_by_reason"])


def test_a_header_line_in_the_middle_is_no_person(bench: Any) -> None:
    assert set_aside(bench, HEADER, HEADER.upper()) == {"REPEATED_HEADER": 2}


def test_a_header_is_known_by_the_suppliers_names(bench: Any) -> None:
    header = HEADER.replace("birth_date", "dob").replace("surname", "family_name")
    columns = {"birth_date": "dob", "surname": "family_name"}
    assert set_aside(bench, header, header=header, columns=columns) == {"REPEATED_HEADER": 1}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("TRAILER,1,,,,", "TRAILER_ROW"),
        ("TRL|,00001,,,,", "TRAILER_ROW"),
        ("*** End of file ***,,,,,", "TRAILER_ROW"),
        ("Record count: 3017,,,,,", "TRAILER_ROW"),
        ('"3,017 rows affected",,,,,', "TRAILER_ROW"),
        ("TOTAL,,,,,3017", "TOTAL_ROW"),
        ("Grand total:,3017,,,,", "TOTAL_ROW"),
    ],
)
def test_the_end_of_a_file_is_no_person(bench: Any, row: str, reason: str) -> None:
    assert set_aside(bench, row) == {reason: 1}


@pytest.mark.parametrize(
    "names",
    [
        "Test,Patient",
        "ZZZTest,Donotuse",
        "XX-DUMMY,XX-TESTPATIENT",
        "Unknown,Unknown",
        "Ann,XXTESTPATIENTT",
    ],
)
def test_a_test_patient_is_no_person(bench: Any, names: str) -> None:
    assert set_aside(bench, f"N2,9995165880,{names},1980-01-02,1") == {"TEST_RECORD": 1}


@pytest.mark.parametrize(
    "names", ["Anna,Test", "Test,Tarn", "Patience,Total", "Xxavier,Testa", ",Unknown", "Unknown,", "Zz,Zz"]
)
def test_a_person_with_an_unusual_name_is_kept(bench: Any, names: str) -> None:
    assert set_aside(bench, f"N2,9995165880,{names},1980-01-02,1") == {}


def test_a_record_whose_id_is_a_word_of_a_trailer_is_kept_if_it_is_full(bench: Any) -> None:
    assert set_aside(bench, "TOTAL,9995165880,Bo,Tarn,1980-01-02,1") == {}
