"""The pseudonymised contracts list every token column by name, so that no clear column can pass for one."""

import pytest

from governance.keys.pseudonyms.token import LARGEST_TOKEN
from pipeline.pseudonymise.match_fields import ADDRESS_FIELDS, PERSON_FIELDS
from pipeline.pseudonymise.match_fields.catalogue import MatchField
from schemas.contract import load_contract


@pytest.mark.parametrize(
    ("table", "fields"),
    [
        ("dwelling", ADDRESS_FIELDS),
        ("council_resident", ADDRESS_FIELDS + PERSON_FIELDS),
        ("nhs_resident", ADDRESS_FIELDS + PERSON_FIELDS),
    ],
)
def test_the_token_columns_of_a_table_are_the_match_fields_that_are_made(
    table: str, fields: tuple[MatchField, ...]
) -> None:
    contract = load_contract("pseudonymised", table)
    declared = {
        column.name: (column.logical_type, column.item_type, column.minimum, column.maximum)
        for column in contract.columns
        if column.name.startswith(("address_", "person_"))
        and column.classification == "pseudonym"
        and column.name != "address_group_pseudonym"
    }
    types = {False: ("integer", None), True: ("array", "integer")}
    assert declared == {field.name: (*types[field.is_list], 0, LARGEST_TOKEN) for field in fields}


@pytest.mark.parametrize("table", ["dwelling", "council_resident", "nhs_resident"])
def test_no_clear_address_or_name_passes_as_a_token(table: str) -> None:
    contract = load_contract("pseudonymised", table)
    assert [name for name in ("address_line_1", "postcode", "surname", "uprn") if contract.find(name)] == []
