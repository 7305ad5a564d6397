"""One repair policy for codes, flags and numbers: what is certain is repaired and counted, nothing else."""

from typing import Any

import pytest


def column(bench: Any, table: str, name: str, cells: list[str]) -> Any:
    rows = "".join(f'{n},"{cell}"\n' for n, cell in enumerate(cells))
    bench.put("council_property", "record_id\nA\n")
    bench.put(table, f"record_id,{name}\n{rows}")
    result = bench.ingest(table, "council" if table.startswith("council") else "nhs")
    return [row[name] for row in result.kept], result.facts


def test_a_code_that_a_data_frame_wrote_as_a_float_is_the_code(bench: Any) -> None:
    kept, facts = column(bench, "nhs_person", "sex", ["1.0", "2.0", "1", "01", "2.50", "10.0"])
    assert kept == ["1", "2", "1", "1", None, None]
    assert facts["repaired"] == {"sex": {"LEADING_ZEROS": 1, "ZERO_FRACTION": 2}}
    assert facts["invalid"] == {"sex": {"UNKNOWN_CODE": 2}}


def test_a_flag_is_read_in_every_usual_form(bench: Any) -> None:
    cells = ["True", "False", "Y", "n", "1", "0", "1.0", "0.0", "2", "10"]
    kept, facts = column(bench, "council_property", "is_hmo", cells)
    assert kept == [True, False, True, False, True, False, True, False, None, None]
    assert facts["repaired"] == {"is_hmo": {"ZERO_FRACTION": 2}}
    assert facts["invalid"] == {"is_hmo": {"NOT_A_FLAG": 2}}


def test_a_whole_number_is_read_without_the_marks_of_its_export(bench: Any) -> None:
    cells = ["3.0", "03", "3", " 3 ", "3.5", "3,0", "three"]
    kept, facts = column(bench, "council_property", "bedrooms", cells)
    assert kept == [3, 3, 3, 3, None, None, None]
    assert facts["repaired"] == {"bedrooms": {"LEADING_ZEROS": 1, "ZERO_FRACTION": 1}}
    assert facts["invalid"] == {"bedrooms": {"NOT_A_WHOLE_NUMBER": 3}}


@pytest.mark.parametrize("cell", ["1,234", "1 234", "1234.0", "001234"])
def test_thousands_are_read_and_then_judged_by_the_contract(bench: Any, cell: str) -> None:
    kept, facts = column(bench, "council_property", "bedrooms", [cell])
    assert (kept, facts["invalid"]) == ([None], {"bedrooms": {"OUT_OF_RANGE": 1}})
    assert facts["repaired"] == {}


def test_several_blanks_in_a_name_are_one(bench: Any) -> None:
    kept, facts = column(bench, "nhs_person", "surname", ["Van  Dyke", "Van Dyke"])
    assert kept == ["Van Dyke", "Van Dyke"]
    assert facts["repaired"] == {"surname": {"BLANKS": 1}}
