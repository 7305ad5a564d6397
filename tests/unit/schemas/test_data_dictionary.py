"""The data dictionary tells every column of every contract, and nothing else."""

from schemas.code_list import load_code_list
from schemas.contract import all_contracts, contracts, load_contract
from schemas.data_dictionary import as_markdown, as_rows, entries


def test_every_column_of_every_contract_has_one_entry_with_its_words() -> None:
    told = [(entry.stage, entry.table, entry.column) for entry in entries()]
    assert told == [(c.stage, c.table, column.name) for c in all_contracts() for column in c.columns]
    assert all(entry.title and entry.description and entry.kind for entry in entries())


def test_an_entry_says_in_words_what_the_contract_says_in_terms() -> None:
    by_column = {entry.column: entry for entry in entries([load_contract("extract", "council_property")])}
    uprn, bedrooms = by_column["uprn"], by_column["bedrooms"]
    assert (uprn.values, uprn.classification, uprn.on_invalid) == (
        "12 digits",
        "direct identifier",
        "the cell is emptied and counted",
    )
    assert (bedrooms.kind, bedrooms.unit, bedrooms.values) == ("whole number", "rooms", "0 to 50")
    assert by_column["tenure"].values == "code list tenure"
    assert by_column["record_id"].values == "at most 100 characters; unique"
    hashed = {entry.column: entry for entry in entries([load_contract("pseudonymised", "dwelling")])}
    assert (hashed["address_exact"].kind, hashed["address_unit_street"].kind) == (
        "whole number",
        "list of whole numbers",
    )
    assert hashed["address_unit_street"].values == f"0 to {2**56 - 1}"


def test_rows_hold_plain_values_alone() -> None:
    rows = as_rows(entries(contracts("published")))
    assert rows
    assert {type(value) for row in rows for value in row.values()} <= {str, int, bool}


def test_the_page_has_a_line_for_each_column_and_each_code_it_speaks_of() -> None:
    tables = contracts("extract")
    page = as_markdown(tables)
    lines = page.splitlines()
    for contract in tables:
        section = page.split(f"### {contract.table}\n")[1].split("###")[0].split("## ")[0]
        assert section.count("\n| `") == len(contract.columns)
    assert all(f"| `{code.code}` | " in page for code in load_code_list("tenure").codes)
    widths = {line.replace("\\|", "").count("|") for line in lines if line.startswith("| `")}
    assert widths == {4, 8}
    assert "ethnic_category_2021" not in page
