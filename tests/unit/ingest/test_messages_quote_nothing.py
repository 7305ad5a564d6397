"""No message quotes an input: neither a header, nor a cell, nor a name that others gave."""

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import Fault, Refused
from pipeline.printable import printable_name, resembles, shown_file
from pipeline.project import read_project

#: A person as a supplier could name them.
PERSON = ("Zyxquorble", "Qvetch", "9991234560", "XQ10 1AB", "7 Zwimble Way")
ROWS = "NP1,9991234560,Zyxquorble,Qvetch,1931-02-03,7 Zwimble Way,XQ10 1AB\n"
OTHER = ROWS.replace("NP1", "NP2").replace("Zyxquorble", "Wubblethorp")


def message(bench: Any, *controllers: str) -> str:
    with pytest.raises(Refused) as caught:
        bench.inspect(*(controllers or ("nhs",)))
    return str(caught.value)


def test_a_file_without_a_header_is_told_as_that_and_nothing_of_its_first_row_is_shown(bench: Any) -> None:
    bench.put("nhs_person", ROWS)
    told = message(bench)
    assert (
        "nhs_person: the first line does not look like a header (0 of 25 declared columns found). Add the "
        "header line, or declare `header = false` with the columns in order" in told
    )
    assert not [cell for cell in PERSON if cell in told]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("note for Zyxquorble Qvetch 999 123 4560", "column 2 (name withheld) is not declared"),
        ("Zyxquorble", "column 2 (name withheld) is not declared"),
        ("Zyxquorble Qvetch", "column 2 (name withheld) is not declared"),
        ("9991234560", "column 2 (name withheld) is not declared"),
        ("flat_xq10_1ab", "column 2 (name withheld) is not declared"),
        ("a_9991234560", "column 2 (name withheld) is not declared"),
        ("shoe_size", "column 2 'shoe_size' is not declared"),
        ("Date of Birth", "column 2 'Date of Birth' is not declared"),
        ("surnme", "column 2 'surnme' is not declared and its name resembles surname"),
        ("surname!", "column 2 (name withheld) is not declared and its name resembles surname"),
    ],
)
def test_an_undeclared_column_is_told_by_its_place_and_by_what_its_name_resembles(
    bench: Any, name: str, told: str
) -> None:
    bench.put("nhs_person", f'record_id,"{name}"\nNP1,x\n')
    assert f"nhs_person: {told}" in message(bench)


@pytest.mark.parametrize(
    ("header", "settings"),
    [
        ("record_id,Zyxquorble,Zyxquorble", {}),
        ("record_id,Zyxquorble", {"columns": {"surname": "Qvetch"}}),
        ("record_id,Zyxquorble", {"columns": {"surname": "Zyxquorble"}, "ignore": ("zyxquorble",)}),
        ("record_id,surname", {"columns": {"Zyxquorble": "surname"}}),
        ("Zyxquorble;Qvetch;9991234560", {}),
        ('record_id,"Zyxquorble', {}),
        ("Zyxquorble", {"header": False, "column_order": ("record_id", "surname")}),
        ("Zyxquorble,Qvetch", {"header": False, "column_order": ("Zyxquorble", "Qvetch")}),
    ],
)
def test_no_fault_of_a_header_or_of_its_map_shows_a_name(
    bench: Any, header: str, settings: dict[str, Any]
) -> None:
    bench.put("nhs_person", f"{header}\n{ROWS}", **settings)
    told = message(bench)
    assert not [cell for cell in PERSON if cell.casefold() in told.casefold()], told


def test_no_fault_of_a_parquet_file_shows_a_name(bench: Any) -> None:
    content = io.BytesIO()
    pq.write_table(pa.table({"record_id": ["Zyxquorble"], "Qvetch": ["x"]}), content)
    bench.put("nhs_person", content.getvalue(), name="Zyxquorble.parquet")
    assert "column 2 (name withheld) is not declared" in message(bench)
    content = io.BytesIO()
    pq.write_table(pa.table({"record_id": ["x"], "Qvetch": [["Zyxquorble"]]}), content)
    bench.put("nhs_person", content.getvalue(), name="Zyxquorble.parquet")
    told = message(bench)
    assert "1 column of lists or structures" in told
    assert not [cell for cell in PERSON if cell in told]


# a file without a header line


def test_a_file_without_a_header_is_read_in_the_declared_order(bench: Any) -> None:
    order = ("record_id", "nhs_number", "forename", "surname", "birth_date", "address_line_1", "postcode")
    bench.put("nhs_person", ROWS + OTHER, header=False, column_order=order)
    result = bench.ingest("nhs_person", "nhs")
    assert [row["record_id"] for row in result.kept] == ["NP1", "NP2"]
    assert [row["line_number"] for row in result.kept] == [1, 2]
    assert result.kept[0]["surname"] == "Qvetch"
    assert result.kept[0]["postcode"] == "XQ10 1AB"
    assert result.facts["columns_read"] == sorted(order)


def test_a_column_of_a_file_without_a_header_can_be_ignored(bench: Any) -> None:
    bench.put("nhs_person", "NP1,x\n", header=False, column_order=("record_id", "spare"), ignore=("spare",))
    result = bench.ingest("nhs_person", "nhs")
    assert (result.facts["columns_read"], result.facts["columns_ignored"]) == (["record_id"], 1)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (ROWS, "has 7 cells in its first line, but hearth.toml lists 2 columns"),
        ("record_id,surname\nNP1,Qvetch\n", "has a first line that looks like a header, but hearth.toml has"),
        ("", "is empty: it has no rows of data"),
    ],
)
def test_a_file_that_is_not_as_declared_without_a_header_is_refused(
    bench: Any, content: str, told: str
) -> None:
    bench.put("nhs_person", content, header=False, column_order=("record_id", "surname"))
    assert told in message(bench)


PROJECT = """
[project]
name = "sample"
reference_date = 2026-03-31

[extracts.nhs_person]
path = "nhs.csv"
"""


def test_hearth_toml_can_declare_a_file_without_a_header(tmp_path: Path) -> None:
    path = tmp_path / "hearth.toml"
    path.write_text(PROJECT + 'header = false\ncolumns = ["record_id", "surname"]\n')
    settings = read_project(path).extracts["nhs_person"]
    assert (settings.header, settings.column_order, settings.columns) == (
        False,
        ("record_id", "surname"),
        {},
    )


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("header = false", "must list the columns in the order of the file"),
        ("header = false\ncolumns = {record_id = 'id'}", "must list the columns in the order of the file"),
        ("header = false\ncolumns = []", "must list the columns in the order of the file"),
        ("columns = ['record_id']", "is a list, which needs `header = false`"),
        ("header = 'no'", "must be true or false"),
    ],
)
def test_a_wrong_declaration_of_columns_is_named(tmp_path: Path, lines: str, told: str) -> None:
    path = tmp_path / "hearth.toml"
    path.write_text(PROJECT + lines + "\n")
    with pytest.raises(Fault, match="CONFIG_INVALID") as caught:
        read_project(path)
    assert told in str(caught.value)


def test_a_parquet_file_always_has_the_names_of_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "hearth.toml"
    text = PROJECT.replace("nhs.csv", "nhs.parquet") + "header = false\ncolumns = ['record_id']\n"
    path.write_text(text)
    with pytest.raises(Fault, match="a Parquet file always has the names"):
        read_project(path)


@pytest.mark.parametrize(
    "text",
    [
        PROJECT + '"Zyxquorble" = 1\n',
        PROJECT + '[extracts.Zyxquorble]\npath = "x.csv"\n"note for Qvetch" = 1\n',
        PROJECT + '[extracts.nhs_person.columns]\n"Zyxquorble" = 1\n',
        PROJECT + "[extracts.nhs_person.columns]\nZyxquorble = 'a'\nZyxquorble = 'b'\n",
        PROJECT + "Zyxquorble Qvetch\n",
        PROJECT + "x = {Zyxquorble = 1, Zyxquorble = 2}\n",
        PROJECT + "[Zyxquorble]\n",
    ],
)
def test_no_fault_of_hearth_toml_shows_a_name_that_could_be_a_persons(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hearth.toml"
    path.write_text(text)
    with pytest.raises(Fault) as caught:
        read_project(path)
    assert "Zyxquorble" not in str(caught.value)
    assert "Qvetch" not in str(caught.value)


def test_the_place_of_a_fault_of_toml_is_told(tmp_path: Path) -> None:
    path = tmp_path / "hearth.toml"
    path.write_text("[project\n")
    with pytest.raises(Fault, match=r"not valid TOML, so nothing was started \(the fault is at line 1,"):
        read_project(path)


# which names may be shown


@given(st.text(max_size=60))
def test_a_shown_name_is_short_plain_and_without_an_identifier(name: str) -> None:
    told = printable_name(name)
    assert told in (None, name)
    if told is not None:
        assert told.isascii()
        assert len(told) <= 40
        assert told.replace(" ", "").replace("_", "").replace("-", "").isalnum()
        assert sum(letter.isdigit() for letter in told) <= 20


@given(st.from_regex(r"[A-Za-z]{1,8}[ _-]?[0-9]{3}[ _-]?[0-9]{3}[ _-]?[0-9]{4}", fullmatch=True))
def test_a_name_with_an_nhs_number_is_withheld(name: str) -> None:
    assert printable_name(name) is None


def test_what_a_name_resembles_is_a_declared_name_or_nothing() -> None:
    assert resembles("NHS Number", ["nhs_number", "uprn"]) == "nhs_number"
    assert resembles("Zyxquorble", ["nhs_number", "uprn"]) is None
    assert resembles("x" * 10_000, ["nhs_number", "uprn"]) is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nhs_person.csv.gz", "nhs_person.csv.gz"),
        ("council-000003", "council-000003"),
        ("Zyxquorble Qvetch.csv", "(file name withheld)"),
        ("council-Zyxquorble", "(file name withheld)"),
        ("9991234560.csv", "(file name withheld)"),
    ],
)
def test_a_file_name_is_shown_if_it_could_not_name_someone(name: str, told: str) -> None:
    assert shown_file(Path(name)) == told
