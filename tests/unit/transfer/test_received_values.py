"""A controller's package is input: its coded columns may contain codes and nothing else."""

from typing import Any

import pyarrow as pa
import pytest

from governance.errors import Refused
from governance.keys.providers.in_memory_key import InMemoryKey
from pipeline.transfer.received_value import value_checks
from schemas.contract import contracts, load_contract

from .conftest import Places
from .test_received_tables import EXTRACTS, receive_all, rewrite


@pytest.mark.parametrize(
    ("column", "value", "allowed"),
    [
        ("lsoa21", "=cmd|", "E01005061"),
        ("lsoa21", "<script>", None),
        ("lsoa21", "E02005061", "E01033768"),
        ("tenure", "Zyxquorble", "mortgage"),
        ("council_tax_band", "a", "A"),
        ("blpu_class", "RD0", "RD02"),
        ("bedrooms", -1, 0),
        ("bedrooms", 51, 50),
        ("uprn_pseudonym", "Z" * 33, "Z" * 32),
        ("uprn_pseudonym", "100023336956", None),
        ("record_pseudonym", "Zyxquorble", "Z" * 32),
        ("record_pseudonym", None, "Z" * 32),
    ],
)
def test_a_value_that_the_contract_does_not_allow_is_refused_by_count_and_not_shown(
    places: Places, another_key: InMemoryKey, column: str, value: Any, allowed: Any
) -> None:
    package = places.send("council", extract=EXTRACTS["council"])
    rewrite(places, package, column, lambda values: pa.array([allowed, value], values.type))
    with pytest.raises(Refused, match="PACKAGE_VALUE_INVALID") as refusal:
        receive_all(places, "council", another_key)
    assert refusal.value.reason == (
        "dwelling.parquet.age: values are not in the code list or format of their column, or are missing: "
        f"{column} (1 value). The package was not used."
    )
    assert not [file for file in places.written() if file.endswith(".parquet")]


@pytest.mark.parametrize(
    "code", ["ZYXQUORBLE", "JSMITH1911", "SMITHJ", "SMITH", "P8402", "P840211", "p84021"]
)
def test_a_practice_code_that_is_not_an_ods_code_counts_as_wrong(code: str) -> None:
    check = value_checks(load_contract("pseudonymised", "nhs_resident"))["practice_code"]
    values = ["P84021", "A1B2C", None, code]
    assert check(pa.array(values)) == (0 if code == "P8402" else 1)


def test_every_text_that_leaves_a_controller_is_a_pseudonym_or_a_code() -> None:
    loose = [
        f"{contract.table}.{column.name}"
        for contract in contracts("pseudonymised")
        for column in contract.columns
        if column.logical_type == "string"
        and column.classification != "pseudonym"
        and column.code_list is None
        and column.pattern is None
    ]
    assert loose == []


def test_every_text_of_an_extract_that_identifies_no_one_is_a_code_or_has_a_format() -> None:
    loose = [
        f"{contract.table}.{column.name}"
        for contract in contracts("extract")
        for column in contract.columns
        if column.logical_type == "string"
        and column.classification != "direct_identifier"
        and column.code_list is None
        and column.pattern is None
        and column.form is None
    ]
    assert loose == []
