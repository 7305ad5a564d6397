"""Whether the tables of a controller fit each other: people under numbers, areas in the lookup, homes."""

from typing import Any

from pipeline.ingest.consistency.areas import ended_lsoas

HEAD = "record_id,nhs_number,forename,surname,birth_date,address_line_1,postcode,uprn"
ROB = "Rob,Vail,1985-06-05,52 Weir Road,WA14 5TN,100012345678"
ANN, TOM = "9990658854", "9995165880"


def people(bench: Any, *rows: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ingest patients; return record id -> NHS number, and the facts."""
    bench.put("nhs_person", "\n".join([HEAD, *rows]) + "\n")
    done = bench.ingest("nhs_person", "nhs")
    return {row["record_id"]: row["nhs_number"] for row in done.kept}, done


def test_a_row_without_a_number_that_repeats_a_person_is_read_as_that_person(bench: Any) -> None:
    numbers, done = people(bench, f"N1,{ANN},{ROB}", f"N2,,{ROB.upper()}", f"N3,,{ROB.replace('Rob', 'Bob')}")
    assert numbers == {"N1": ANN, "N2": ANN, "N3": None}
    assert done.facts["people"]["rows_without_number_joined"] == 1
    assert done.facts["repaired"]["nhs_number"] == {"SAME_PERSON": 1}
    assert any("1 row without an NHS number, with name, birth date" in line for line in bench.reports)


def test_one_person_under_two_numbers_is_read_under_the_lowest(bench: Any) -> None:
    numbers, done = people(bench, f"N1,{TOM},{ROB}", f"N2,{ANN},{ROB}")
    assert numbers == {"N1": ANN, "N2": ANN}
    assert done.facts["people"]["people_under_two_numbers"] == 1


def test_the_same_name_and_birth_date_in_another_dwelling_are_another_person(bench: Any) -> None:
    other = ROB.replace("100012345678", "100012345679")
    assert people(bench, f"N1,{TOM},{ROB}", f"N2,{ANN},{other}")[0] == {"N1": TOM, "N2": ANN}


def test_a_mother_and_a_child_on_one_number_stay_two_people(bench: Any) -> None:
    child = "Kit,Vail,2015-01-02,52 Weir Road,WA14 5TN,100012345678"
    numbers, done = people(bench, f"N1,{ANN},{ROB}", f"N2,{ANN},{child}", f"N3,{TOM},{child}x")
    assert numbers["N1"] is None
    assert numbers["N2"] is None
    assert done.facts["people"]["numbers_of_two_people"] == 1
    noted = [
        (row["line_number"], row["reason"]) for row in done.quarantine if row["column_name"] == "nhs_number"
    ]
    assert noted == [(2, "NUMBER_OF_TWO_PEOPLE"), (3, "NUMBER_OF_TWO_PEOPLE")]


def test_one_man_in_two_rows_whose_number_is_another_persons_is_one_person(bench: Any) -> None:
    other = "Ann,Tarn,1979-06-03,50 Weir Road,WA14 5TN,100012345670"
    numbers, done = people(bench, f"N0,{ANN},{other}", f"N1,{ANN},{ROB}", f"N2,,{ROB}")
    assert numbers == {"N0": None, "N1": None}
    assert done.facts["quarantined_by_reason"] == {"REPEATED_PERSON": 1}
    assert done.facts["people"]["rows_repeated"] == 1


def test_one_forename_under_two_birth_dates_stays_one_person(bench: Any) -> None:
    slip = ROB.replace("1985-06-05", "1985-05-06")
    numbers, done = people(bench, f"N1,{ANN},{ROB}", f"N2,{ANN},{slip}")
    assert numbers == {"N1": ANN, "N2": ANN}
    assert done.facts["people"]["numbers_under_two_dates"] == 1


def test_codes_of_2011_other_areas_and_unknown_codes_are_told_apart(bench: Any) -> None:
    codes = ["E01006074", ended_lsoas()[0], "E01035762", "E01035763", ""]
    rows = [f"P{n},{n}00012345678,{n} Weir Road,WA14 5TN,{code}" for n, code in enumerate(codes, 1)]
    bench.put(
        "council_property",
        "\n".join(["record_id,uprn,address_line_1,postcode,lsoa21", *rows, rows[0].replace("P1", "P9")])
        + "\n",
    )
    bench.put(
        "area_lookup",
        "lsoa21,msoa21,local_authority\nE01006074,E02001283,E08000009\nE01006075,E02001283,E08000008\n",
    )
    bench.ingest("council_property")
    facts = bench.consistency
    assert facts["areas"] == {
        "properties": 6, "stated": 5, "listed": 2, "ended": 1, "ended_areas": 1, "elsewhere": 1,
        "elsewhere_areas": 1, "largest_elsewhere": 1, "unknown": 1, "unknown_areas": 1, "lookup_areas": 2,
        "empty_areas": 1, "split_msoas": 1,
    }  # fmt: skip
    assert facts["properties"] == {"properties": 6, "duplicates": 1}


def test_a_home_without_anyone_of_sixteen_is_counted(bench: Any) -> None:
    young = "Kit,Vail,2010-04-01,54 Weir Road,WA14 5TN,100012345670"
    old = "Ann,Tarn,2010-03-31,56 Weir Road,WA14 5TN,100012345671"
    people(bench, f"N1,{ANN},{young}", f"N2,{TOM},{old}")
    assert bench.consistency["homes"] == {"homes": 2, "minors_only": 1}
