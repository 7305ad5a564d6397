"""What the evidence shows of a column: counts, reasons and shapes, never a cell."""

import json
from datetime import date, timedelta
from typing import Any


def test_invalid_and_missing_cells_are_counted_with_reasons_shapes_and_markers(bench: Any) -> None:
    cells = ["1980-06-03", "03/06/1980", "04/06/1980", "13 Weir Rd", "N/A", "n/a", "", "1900-01-01"]
    rows = "".join(f"{n},{cell}\n" for n, cell in enumerate(cells))
    bench.put("nhs_person", f"record_id,birth_date\n{rows}")
    facts = bench.ingest("nhs_person", "nhs").facts["cells"]["birth_date"]
    assert facts == {
        "rows": 8,
        "stated": 6,
        "invalid": 5,
        "missing": 2,
        "reasons": {"NOT_A_DATE": 5},
        "shapes": ["`99/99/9999`", "`A/A`"],
        "markers": {"N/A": 2},
    }


def test_a_row_set_aside_for_its_column_is_counted_in_the_columns_share(bench: Any) -> None:
    bench.put("nhs_person", "record_id,death_date\n1,01/02/2024\n2,2024-02-01\n3,2024-02-01,\n")
    facts = bench.ingest("nhs_person", "nhs").facts["cells"]["death_date"]
    assert (facts["rows"], facts["stated"], facts["invalid"], facts["missing"]) == (2, 2, 1, 0)


def test_a_name_is_no_marker_and_no_letter_of_it_is_shown(bench: Any) -> None:
    bench.put("nhs_person", "record_id,surname,sex\n1,Null,Zyxquorble 7\n2,-,Ünal\n")
    facts = bench.ingest("nhs_person", "nhs").facts["cells"]
    assert facts["surname"]["markers"] == {"-": 1}
    assert facts["sex"]["shapes"] == ["`AAAA`", "`AAAAAAAAAA 9`"]
    assert "Zyx" not in json.dumps(facts)


def test_the_distribution_has_the_commonest_value_and_shares_of_large_categories(bench: Any) -> None:
    rows = "".join(f"{n},{'1' if n < 150 else '2'},{1950 + n % 40}-01-01\n" for n in range(240))
    bench.put("nhs_person", f"record_id,sex,birth_date\n{rows}")
    facts = bench.ingest("nhs_person", "nhs").facts["distribution"]
    assert facts["sex"] == {"filled": 240, "top": 150, "first_of_january": None, "shares": {"1": 0.625}}
    assert facts["birth_date"] == {"filled": 240, "top": 6, "first_of_january": 240, "shares": {}}


def test_spells_that_end_before_they_start_are_counted(bench: Any) -> None:
    bench.put(
        "nhs_person",
        "record_id,address_start,address_end\n1,2020-01-02,2020-01-01\n2,2020-01-02,2020-01-02\n3,,2020-01-01\n",
    )
    facts = bench.ingest("nhs_person", "nhs").facts
    assert facts["wrong_order"] == {"address_end": {"both": 2, "wrong": 1}}


def test_the_period_is_that_of_the_months_with_rows_next_to_the_declared_one(bench: Any) -> None:
    days = (date(2025, 4, 1) + timedelta(days=n) for n in range(0, 300, 3))
    rows = "".join(f"{n},{day}\n" for n, day in enumerate(days))
    bench.put("nhs_person", "record_id\n1\n")
    bench.put("nhs_event", f"record_id,event_date\n{rows}", covers=(date(2025, 4, 1), date(2026, 1, 31)))
    assert bench.ingest("nhs_event", "nhs").facts["period"] == {
        "seen_first": "2025-04-01",
        "seen_last": "2026-01-31",
        "declared_first": "2025-04-01",
        "declared_last": "2026-01-31",
    }
