"""The sample's agreement: signed as it stands, in force, and about what the project has."""

from pathlib import Path

import pytest

from governance.agreement.agreement import read_agreement
from governance.errors import Refused
from governance.principals.roles import ROLES, clashes
from governance.principals.unsafe_demo_principals import IDS, sign_sample_agreement, write_unsafe_demo_keys
from schemas.contract import contracts
from schemas.table import tables

PATH = Path(__file__).parents[3] / "sample_data" / "sample" / "agreement.toml"


def test_its_signatures_hold_after_every_edit() -> None:
    assert read_agreement(PATH).signature == "valid", (
        "The sample agreement was edited: run "
        "`python -m governance.principals.unsafe_demo_principals sign sample_data/sample/agreement.toml`."
    )


def test_every_column_of_every_extract_has_a_purpose_and_every_output_is_registered() -> None:
    agreement = read_agreement(PATH)
    wanted = {(c.table, column.name) for c in contracts("extract") for column in c.columns}
    agreed = {(table, column) for table, columns in agreement.datasets.items() for column in columns}
    assert agreed == wanted
    assert set(agreement.outputs) <= set(tables())


def test_its_principals_bear_every_role_and_nobody_two_that_clash() -> None:
    principals = read_agreement(PATH).principals
    assert {person.id for person in principals} == set(IDS)
    assert {role for person in principals for role in person.roles} == set(ROLES)
    assert clashes(principals) == ()


def test_demo_keys_sign_no_other_agreement(tmp_path: Path) -> None:
    other = tmp_path / "agreement.toml"
    other.write_text(PATH.read_text("utf-8").replace('id = "SAMPLE-HOUSEHOLDS"', 'id = "REAL"'), "utf-8")
    with pytest.raises(Refused, match="UNSAFE_SIGNATURE_FORBIDDEN"):
        sign_sample_agreement(other)


def test_demo_keys_are_private_files_all_the_same(tmp_path: Path) -> None:
    write_unsafe_demo_keys(tmp_path / "keys")
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()}
    assert modes == {0o600}
