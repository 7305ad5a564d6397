"""Who starts a run is known by a signature over that run, and his powers are the agreement's."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from flows.cli import app
from flows.run.setup.authorisation import authorised_principal, authorising_keys
from governance.agreement.agreement import Agreement
from governance.errors import Refused
from governance.principals.run_authorisation import (
    actor_of,
    authorised_by,
    principal_who_may,
    run_authorisation_facts,
)
from governance.principals.statement import public_key_of
from governance.principals.unsafe_demo_principals import (
    unsafe_demo_key,
    unsafe_demo_keys,
    write_unsafe_demo_keys,
)
from pipeline.project import read_project

PROJECT = """
[project]
name = "test"
custody = "single-operator"
reference_date = 2026-03-31
[extracts.council_property]
path = "council.csv"
"""


def keys(*names: str) -> list[Ed25519PrivateKey]:
    return [unsafe_demo_key(name) for name in names]


def test_operator_and_releaser_each_sign_for_their_own_act(agreement: Agreement) -> None:
    facts = run_authorisation_facts(agreement, "run-1", "run", keys("releaser", "operator"))
    for action, name in (("run", "operator"), ("release", "releaser")):
        found = authorised_by(agreement, "run-1", action, facts["mandates"])
        assert found is not None
        assert found.id == name
    assert actor_of(facts, "root") == "operator"


def test_a_mandate_cannot_be_carried_to_another_run_act_or_version_of_the_agreement(
    agreement: Agreement,
) -> None:
    mandates = run_authorisation_facts(agreement, "run-1", "run", keys("operator", "releaser"))["mandates"]
    assert authorised_by(agreement, "run-2", "run", mandates) is None
    assert authorised_by(replace(agreement, digest="0" * 64), "run-1", "run", mandates) is None
    assert authorised_by(agreement, "run-1", "release", {"release": mandates["run"]}) is None


def test_a_mandate_under_anothers_name_does_not_hold(agreement: Agreement) -> None:
    mandates = run_authorisation_facts(agreement, "run-1", "run", keys("operator"))["mandates"]
    mandates["release"] = {"principal": "releaser", "signature": mandates["run"]["signature"]}
    assert authorised_by(agreement, "run-1", "release", mandates) is None


@pytest.mark.parametrize("names", [(), ("council-keeper",), ("nhs-analyst", "nhs-ig-office")])
def test_whoever_may_not_start_a_run_is_unauthenticated_in_the_log(
    agreement: Agreement, names: tuple[str, ...]
) -> None:
    facts = run_authorisation_facts(agreement, "run-1", "run", keys(*names))
    assert facts["mandates"] == {"run": None, "release": None}
    assert facts["presented"] == list(names)
    assert actor_of(facts, "root") == "unauthenticated:root"


def test_a_strangers_key_is_counted_and_named_nowhere(agreement: Agreement) -> None:
    stranger = Ed25519PrivateKey.generate()
    facts = run_authorisation_facts(agreement, "run-1", "run", [stranger])
    assert (facts["presented"], facts["unknown_keys"]) == ([], 1)
    assert public_key_of(stranger) not in str(facts)
    with pytest.raises(Refused, match="NOT_A_PRINCIPAL"):
        principal_who_may(agreement, stranger, "run", "key.pem")


def test_the_refusal_says_who_may(agreement: Agreement) -> None:
    with pytest.raises(Refused, match="NOT_PERMITTED") as raised:
        principal_who_may(agreement, unsafe_demo_key("operator"), "witness-disposal", "operator.pem")
    assert "approver or auditor" in raised.value.remedy


def test_demo_keys_serve_a_sample_alone(agreement: Agreement) -> None:
    assert len(unsafe_demo_keys(agreement, "single-operator", False)) == 3
    assert unsafe_demo_keys(agreement, "single-operator", True) == ()
    assert unsafe_demo_keys(agreement, "at-source", False) == ()
    assert unsafe_demo_keys(replace(agreement, id="DSA-7"), "single-operator", False) == ()


def test_keys_come_from_the_command_line_else_the_project_else_the_sample(
    tmp_path: Path, agreement: Agreement
) -> None:
    write_unsafe_demo_keys(tmp_path)
    (tmp_path / "hearth.toml").write_text(PROJECT)
    bare = read_project(tmp_path / "hearth.toml")
    assert authorised_principal(bare, agreement, "dispose", None)[0] == "operator"
    named = PROJECT.replace("2026-03-31", '2026-03-31\nsigning_keys = ["UNSAFE-releaser.pem"]')
    (tmp_path / "hearth.toml").write_text(named)
    project = read_project(tmp_path / "hearth.toml")
    (key,) = authorising_keys(project, agreement)
    assert public_key_of(key) == public_key_of(unsafe_demo_key("releaser"))
    with pytest.raises(Refused, match="NOT_PERMITTED"):
        authorised_principal(project, agreement, "dispose", None)
    given = tmp_path / "UNSAFE-operator.pem"
    assert authorised_principal(project, agreement, "dispose", given)[0] == "operator"
    with pytest.raises(Refused, match="NOT_A_PRINCIPAL"):
        authorised_principal(project, agreement, "dispose", given, expected="releaser")


def test_outside_a_sample_nobody_acts_without_a_key(tmp_path: Path, agreement: Agreement) -> None:
    (tmp_path / "hearth.toml").write_text(PROJECT)
    with pytest.raises(Refused, match="NOT_AUTHENTICATED"):
        authorised_principal(
            read_project(tmp_path / "hearth.toml"), replace(agreement, id="DSA-7"), "dispose", None
        )


@pytest.mark.parametrize(
    ("layer", "person", "code"),
    [("inner", "operator", "NOT_PERMITTED"), ("outer", "council-keeper", "NOT_PERMITTED")],
)
def test_a_standing_key_is_rotated_retired_and_destroyed_by_those_who_may(
    tmp_path: Path, layer: str, person: str, code: str
) -> None:
    write_unsafe_demo_keys(tmp_path)
    sample = Path(__file__).parents[3] / "sample_data" / "sample" / "hearth.toml"
    place = ["--config", str(sample), "--workspace", str(tmp_path / "workspace"), "--layer", layer]
    for act in (["rotate"], ["retire", "--version", "1"], ["destroy", "--version", "1", "--witness", "x"]):
        done = CliRunner().invoke(
            app, ["keys", *act, *place, "--key", str(tmp_path / f"UNSAFE-{person}.pem")]
        )
        assert code in str(done.exception), act
