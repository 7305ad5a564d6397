"""A coded column contains codes: every other value is set aside at ingest, with a reason, and counted."""

from typing import Any

import pytest


def test_what_is_not_an_ods_code_is_left_out_of_the_practice_code_and_counted(bench: Any) -> None:
    codes = [
        "P84021",
        "a1b2c",
        "Zyxquorble",
        "JSMITH1911",
        "SMITHJ",
        "SMITH",
        "P8402",
        "P840211",
        "=cmd|",
        "",
    ]
    rows = "".join(f"NP{n},{code}\n" for n, code in enumerate(codes))
    bench.put("nhs_person", f"record_id,practice_code\n{rows}")
    result = bench.ingest("nhs_person", "nhs")
    kept = [row["practice_code"] for row in result.kept]
    assert kept == ["P84021", "A1B2C", None, None, None, None, "P8402", None, None, None]
    assert result.facts["invalid"] == {"practice_code": {"PATTERN": 6}}
    assert result.facts["filled"]["practice_code"] == 3
    assert sorted(row["line_number"] for row in result.quarantine) == [4, 5, 6, 7, 9, 10]


AREA = "E01006147,E02001270,E08000009"


@pytest.mark.parametrize("value", ["=cmd|", "<script>", "E0200127", "E04001270", "", "Zyxquorble"])
@pytest.mark.parametrize("column", [0, 1, 2])
def test_an_area_whose_code_is_none_is_quarantined_with_its_reason(
    bench: Any, column: int, value: str
) -> None:
    cells = AREA.split(",")
    cells[column] = value
    bench.put("council_property", "record_id,lsoa21\nA,E01006147\n")
    bench.put(
        "area_lookup",
        f"lsoa21,msoa21,local_authority\n{AREA.replace('147', '149', 1)}\n{','.join(cells)}\n",
    )
    result = bench.ingest("area_lookup")
    assert [row["lsoa21"] for row in result.kept] == ["E01006149"]
    assert result.facts["quarantined_by_reason"] == {"PATTERN" if value else "MISSING": 1}
    assert (result.facts["rows_in"], result.facts["rows_kept"], result.facts["rows_quarantined"]) == (2, 1, 1)


@pytest.mark.parametrize("value", ["=cmd|", "<script>", "E02006147"])
def test_a_dwelling_whose_area_code_is_none_is_kept_without_it(bench: Any, value: str) -> None:
    bench.put("council_property", f"record_id,lsoa21\nA,{value}\nB,E01006147\n")
    result = bench.ingest("council_property")
    assert [row["lsoa21"] for row in result.kept] == [None, "E01006147"]
    assert result.facts["invalid"] == {"lsoa21": {"PATTERN": 1}}
