"""A list or extract that cannot be used: where, what, how many, what to do, and never the value."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from governance.errors import Fault
from pipeline.assign_uprn.address_list import ListTolerance
from pipeline.assign_uprn.assignment import assign_uprns
from pipeline.assign_uprn.columns import NamedColumns

from .conftest import LIST, Answer, Desk

PEOPLE = "record_id,uprn,address,postcode\nr1,,A,M33 1AA\n"
ROW = '100000000009,"9 SECRET LANE, SALE",M33 9ZZ\n'


def _refusal(desk: Desk, content: bytes | str, name: str = "list.csv", **changes: object) -> Fault:
    people = desk.put("people.csv", PEOPLE)
    with pytest.raises(Fault) as caught:
        assign_uprns(desk.request(people, desk.put(name, content), **changes))
    for told in (str(caught.value), repr(caught.value)):
        assert "SECRET" not in told
        assert "100000000009" not in told
    assert not desk.out.exists()
    return caught.value


def test_an_address_list_that_is_not_there_is_told_by_name(desk: Desk) -> None:
    people = desk.put("people.csv", PEOPLE)
    with pytest.raises(Fault, match=r"ASSIGN_FILE_UNREADABLE.*missing\.csv cannot be found"):
        assign_uprns(desk.request(people, desk.folder / "missing.csv"))


@pytest.mark.parametrize("missing", ["uprn", "address", "postcode"])
def test_a_missing_column_is_named_with_the_option_that_names_it(desk: Desk, missing: str) -> None:
    told = str(_refusal(desk, LIST.replace(missing, "other", 1) + ROW))
    assert f"list.csv has 3 columns: the column {missing} is missing (--list-{missing}). No UPRNs" in told


def test_every_missing_column_is_told_at_once(desk: Desk) -> None:
    told = str(_refusal(desk, "a,b\n1,2\n"))
    assert told.count("is missing") == 3


def test_a_column_that_appears_twice_is_not_guessed(desk: Desk) -> None:
    assert "the column postcode appears 2 times (--list-postcode)" in str(
        _refusal(desk, "uprn,address,postcode,Postcode\n1,2,3,4\n")
    )


def test_malformed_uprns_are_counted_by_reason_with_their_lines(desk: Desk) -> None:
    fault = _refusal(desk, LIST + "1.0E+11,9 SECRET LANE,M33 9ZZ\n" + "SECRET,8 SECRET LANE,M33 9ZZ\n" * 7)
    assert [(finding.code, finding.count) for finding in fault.findings] == [
        ("EXPONENT_FORM", 1),
        ("NOT_DIGITS", 7),
    ]
    assert "1 row has an invalid UPRN, line 5; to leave out such rows, add --skip-faulty-rows" in str(fault)
    assert "7 rows have an invalid UPRN, lines 6, 7, 8, 9, 10 and others" in str(fault)


def test_malformed_uprns_and_broken_rows_are_left_out_where_that_is_asked_for(desk: Desk) -> None:
    people = desk.put("people.csv", PEOPLE)
    listed = desk.put("list.csv", LIST + "SECRET,9 SECRET LANE,M33 9ZZ\nragged\n")
    summary = assign_uprns(desk.request(people, listed, tolerance=ListTolerance(faulty_rows=True)))
    counts = summary["address_list"]
    assert (counts["rows"], counts["usable"], counts["faulty"]) == (5, 3, 2)


def test_rows_that_are_no_rows_are_told_with_their_lines(desk: Desk) -> None:
    fault = _refusal(desk, LIST + "one,two\n")
    assert fault.findings[0].code == "BROKEN_ROW"
    assert "1 row could not be parsed, line 5" in str(fault)


def test_one_uprn_with_two_addresses_is_refused_and_taken_where_that_is_asked_for(desk: Desk) -> None:
    twice = LIST + ROW + ROW.replace("9 SECRET LANE", "THE SECRET COTTAGE")
    fault = _refusal(desk, twice)
    assert fault.findings[0].code == "SEVERAL_ADDRESSES"
    assert "1 UPRN has several addresses, 2 in total" in str(fault)
    desk.answers["A"] = Answer("100000000009", "exact: full match")
    people = desk.put("people.csv", PEOPLE)
    tolerance = ListTolerance(several_addresses=True)
    summary = assign_uprns(desk.request(people, desk.put("list.csv", twice), tolerance=tolerance))
    assert (summary["address_list"]["uprns"], summary["address_list"]["addresses"]) == (4, 5)
    assert desk.uprns() == ["100000000009"]


def test_a_row_that_repeats_counts_once_however_it_is_spelt(desk: Desk) -> None:
    people = desk.put("people.csv", PEOPLE)
    again = '0100000000001,"1, high street SALE",m331aa\n'.removeprefix("0")
    summary = assign_uprns(desk.request(people, desk.put("list.csv", LIST + again)))
    assert (summary["address_list"]["usable"], summary["address_list"]["addresses"]) == (4, 3)


def test_rows_without_uprn_or_address_are_left_out_and_counted(desk: Desk) -> None:
    people = desk.put("people.csv", PEOPLE)
    listed = desk.put("list.csv", LIST + ",9 HIGH STREET,M33 1AA\n100000000009,,M33 1AA\n")
    counts = assign_uprns(desk.request(people, listed))["address_list"]
    assert (counts["usable"], counts["without_uprn"], counts["without_address"]) == (3, 1, 1)


@pytest.mark.parametrize("content", ["uprn,address,postcode\n", "uprn,address,postcode\n\n\n", ""])
def test_an_empty_list_is_told_as_such(desk: Desk, content: str) -> None:
    fault = _refusal(desk, content)
    assert fault.code in ("ASSIGN_FILE_EMPTY", "ASSIGN_COLUMN_MISSING")


def test_a_list_in_which_nothing_can_be_found_is_refused(desk: Desk) -> None:
    assert _refusal(desk, "uprn,address,postcode\n,9 SECRET LANE,M33 9ZZ\n").findings[0].code == "NO_ADDRESS"


def test_bytes_that_are_no_utf8_are_told_by_their_line(desk: Desk) -> None:
    told = str(_refusal(desk, LIST.encode() + "100000000009,9 SECRET CAFÉ,M33 9ZZ\n".encode("cp1252")))
    assert "list.csv is declared as utf-8, but line 5 is not utf-8. No UPRNs were assigned." in told


def test_a_parquet_list_may_hold_its_uprns_as_numbers(desk: Desk) -> None:
    listed = desk.folder / "list.parquet"
    pq.write_table(
        pa.table({"UPRN": [1, 2], "Address": ["1 HIGH ST", "2 HIGH ST"], "Postcode": ["M33 1AA"] * 2}), listed
    )
    desk.answers["A"] = Answer("000000000002", "exact: full match")
    assign_uprns(desk.request(desk.put("people.csv", PEOPLE), listed))
    assert desk.uprns() == ["000000000002"]


def test_a_file_that_is_no_parquet_is_told_without_the_engines_message(desk: Desk) -> None:
    assert "is not a readable Parquet file" in str(_refusal(desk, "SECRET", "list.parquet"))


def test_an_extract_without_a_named_record_id_column_is_told(desk: Desk) -> None:
    people = desk.put("people.csv", PEOPLE)
    with pytest.raises(Fault, match=r"the column nhs_id is missing \(--record-id\)"):
        assign_uprns(desk.request(people, columns=NamedColumns(record_id="nhs_id")))


def test_a_link_to_a_list_is_not_followed(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(desk.put("list.csv", LIST))
    with pytest.raises(Fault, match="is a symbolic link"):
        assign_uprns(desk.request(desk.put("people.csv", PEOPLE), tmp_path / "link.csv"))
