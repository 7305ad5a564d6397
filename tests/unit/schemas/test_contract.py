"""A contract is read strictly: what it misspells, repeats or forgets is an error."""

from importlib.resources import files
from pathlib import Path

import pytest

from schemas.contract import (
    STAGES,
    ContractInvalid,
    all_contracts,
    contracts,
    load_contract,
    parse_contract,
)

PROPERTY = (files("schemas") / "contracts" / "extract" / "council_property.odcs.yaml").read_text("utf-8")


def parse(text: str) -> None:
    parse_contract("extract", "council_property", text.encode())


def test_every_contract_in_the_repository_fits_the_standard_and_our_additions() -> None:
    assert {contract.stage for contract in all_contracts()} <= set(STAGES)
    assert [contract.table for contract in contracts("extract")] == [
        "area_lookup",
        "council_person",
        "council_property",
        "nhs_condition",
        "nhs_event",
        "nhs_person",
    ]
    for stage in STAGES:
        shipped = {
            file.name.removesuffix(".odcs.yaml"): file.read_bytes()
            for file in (files("schemas") / "contracts" / stage).iterdir()
            if file.name.endswith(".odcs.yaml")
        }
        checked = [parse_contract(stage, table, shipped[table]) for table in sorted(shipped)]
        assert tuple(checked) == contracts(stage)


def test_a_shipped_contract_that_no_longer_meets_the_standard_names_every_fault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "contracts" / "extract").mkdir(parents=True)
    spoiled = "apiVersion: v3.1.0\nschema:\n- {}\n"
    (tmp_path / "contracts" / "extract" / "thing.odcs.yaml").write_text(spoiled)
    monkeypatch.setattr(
        "schemas.contract.files", lambda package: tmp_path if package == "schemas" else files(package)
    )
    contracts.cache_clear()
    try:
        with pytest.raises(ContractInvalid, match="'kind' is a required property"):
            contracts("extract")
    finally:
        contracts.cache_clear()


def test_a_column_says_what_a_gate_needs_to_know_of_it() -> None:
    uprn = load_contract("extract", "council_property").column("uprn")
    assert (uprn.logical_type, uprn.classification, uprn.must_not_outlive) == (
        "string",
        "direct_identifier",
        "extract",
    )
    assert (uprn.on_invalid, uprn.form, uprn.required) == ("null", "uprn", False)


@pytest.mark.parametrize(
    ("right", "wrong", "named"),
    [
        ("        required: true\n", "        requierd: true\n", "requierd"),
        ("status: active", "staus: active", "staus"),
        ("property: codeList", "property: codelist", "codelist"),
        ("logicalTypeOptions: {maxLength: 12}", "logicalTypeOptions: {maxlength: 12}", "maxlength"),
        ("classification: direct_identifier", "classification: identifier", "classification"),
        ("value: linkage", "value: linking", "purpose"),
        (
            "  - {property: retention, value: 30, unit: d}",
            "  - {property: retention, value: 1, unit: m}",
            "days",
        ),
        ("  purpose: ", "  purpsoe: ", "purpose"),
        ("      - name: uprn", "      - name: record_id", "is declared twice"),
        ("      - name: uprn", '      - name: "uprn*"', "is not a valid column name"),
        ("      - name: uprn", "      - name: 'uprn\"; --'", "is not a valid column name"),
        ("value: narrowest_class", "value: widest_class", "codeMatch"),
        ("version: 1.0.0", "version: 1.0.0\nversion: 1.0.1", "repeated keys"),
    ],
)
def test_a_slip_in_a_contract_is_an_error_that_names_it(right: str, wrong: str, named: str) -> None:
    assert right in PROPERTY
    with pytest.raises(ContractInvalid, match=named):
        parse(PROPERTY.replace(right, wrong, 1))


def test_an_array_says_what_it_lists_and_within_what_bounds() -> None:
    text = (files("schemas") / "contracts" / "pseudonymised" / "dwelling.odcs.yaml").read_text("utf-8")
    ways = load_contract("pseudonymised", "dwelling").column("address_unit_street")
    assert (ways.logical_type, ways.item_type) == ("array", "integer")
    assert (ways.minimum, ways.maximum) == (0, 2**56 - 1)
    wrong = text.replace("          logicalType: integer\n", "          logicalType: number\n", 1)
    assert wrong != text
    with pytest.raises(ContractInvalid, match="address_unit_postcode items logicalType"):
        parse_contract("pseudonymised", "dwelling", wrong.encode())


def test_every_fault_of_a_contract_is_listed_at_once() -> None:
    broken = PROPERTY.replace("value: linkage", "value: linking").replace(
        "controller, value", "controler, value"
    )
    with pytest.raises(ContractInvalid) as caught:
        parse(broken)
    assert len(caught.value.faults) > 2


def test_no_column_stands_in_a_contract_of_a_stage_it_must_not_reach() -> None:
    text = PROPERTY.replace(
        "{property: mustNotOutlive, value: extract}", "{property: mustNotOutlive, value: linked}"
    )
    parse(text)
    with pytest.raises(ContractInvalid, match="uprn must not outlive stage extract"):
        parse_contract("linked", "council_property", PROPERTY.encode())


def test_an_unknown_stage_or_table_is_an_error() -> None:
    with pytest.raises(KeyError):
        contracts("extrakt")
    with pytest.raises(KeyError):
        load_contract("extract", "nobody")


def test_no_direct_identifier_is_contracted_beyond_the_extracts() -> None:
    kept = [
        (contract.stage, contract.table, column.name)
        for contract in all_contracts()
        for column in contract.columns
        if column.classification == "direct_identifier" and contract.stage != "extract"
    ]
    assert kept == []


def test_nothing_but_attributes_and_areas_is_published() -> None:
    classes = {column.classification for contract in contracts("published") for column in contract.columns}
    assert classes <= {"attribute", "quasi_identifier", "technical"}


def test_a_column_that_two_extracts_share_has_one_class_in_both() -> None:
    classes: dict[str, set[str]] = {}
    for contract in contracts("extract"):
        for column in contract.columns:
            if contract.table != "area_lookup":
                classes.setdefault(column.name, set()).add(column.classification)
    assert {name: found for name, found in classes.items() if len(found) > 1} == {}
