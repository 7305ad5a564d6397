"""A custodian takes a key from its making to its destruction with `hearth keys`, and none ever comes back."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.run.setup.custody import key_use
from governance.agreement.agreement import read_agreement
from governance.audit.signer import KEY_NAME, read_signing_key
from governance.errors import HearthError, Refused
from governance.keys.destruction import is_certificate
from governance.keys.providers import file_key
from governance.keys.providers.sealed_file import ScryptCost, read_sealed_key, seal, write_private_file
from governance.keys.pseudonyms.derivation import KeyContext, check_root
from governance.keys.settings import open_key, read_key_settings
from governance.principals.statement import public_key_of
from pipeline.project import read_project
from pipeline.workspace import Workspace

SAMPLE = Path(__file__).parents[3] / "sample_data" / "sample"
Keys = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample project with a key file of its own instead of the demo's."""
    for name in ("agreement.toml", "agreement.toml.sig"):
        shutil.copy(SAMPLE / name, tmp_path)
    head, _, extracts = (SAMPLE / "hearth.toml").read_text().partition("[extracts.")
    own = '[keys]\npath = "linkage.key"\npassphrase_file = "passphrase"\n\n'
    (tmp_path / "hearth.toml").write_text(f"{head}{own}[extracts.{extracts}")
    (tmp_path / "passphrase").write_text("four random words here\n")
    (tmp_path / "passphrase").chmod(0o600)
    monkeypatch.setattr(file_key, "ScryptCost", lambda n=2**10, r=8, p=1: ScryptCost(n, r, p))
    return tmp_path


@pytest.fixture
def keys(folder: Path) -> Keys:
    """Run `hearth keys ...` and return its JSON; what it refuses is raised."""

    def run(*arguments: str) -> Any:
        place = ["--config", str(folder / "hearth.toml"), "--workspace", str(folder / "workspace"), "--json"]
        ran = CliRunner().invoke(app, ["keys", *arguments, *place])
        if isinstance(ran.exception, HearthError):
            raise ran.exception
        assert ran.exit_code == 0, ran.output
        return json.loads(ran.stdout.splitlines()[-1])

    return run


def acts(folder: Path) -> list[tuple[str, str]]:
    lines = (folder / "workspace" / "audit" / "audit.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    return [(e["evidence"]["act"], e["verdict"]) for e in events if e["event"] == "key"]


def states(listed: list[dict[str, Any]]) -> dict[str, str]:
    return {row["key_id"].rpartition(":")[2]: row["state"] for row in listed}


def test_a_key_goes_from_its_making_to_a_certificate_and_is_refused_when_it_returns(
    folder: Path, keys: Keys
) -> None:
    made = keys("new")
    assert (made["state"], made["bits"], made["provider"]) == ("active", 256, "file")
    assert keys("check-value")["check_values"]["uprn"] == made["check_value"]
    rotated = keys("rotate", "--layer", "inner")
    assert (rotated["old"]["state"], rotated["new"]["state"]) == ("link-only", "active")
    assert states(keys("list")) == {"v2": "active", "v1": "link-only"}
    with pytest.raises(Refused, match="KEY_STATE_FORBIDDEN"):
        keys("destroy", "--version", "1", "--witness", "Ann Other")
    assert keys("retire", "--version", "1")["state"] == "retired"
    backup = (folder / "linkage.v1.key").read_bytes()
    for nobody in ("", "  "):
        with pytest.raises(Refused, match="KEY_WITNESS_MISSING"):
            keys("destroy", "--version", "1", "--witness", nobody)
    told = keys("destroy", "--version", "1", "--witness", "Ann Other")
    assert not (folder / "linkage.v1.key").exists()
    certificate = folder / "certificates" / told["certificate"]
    assert is_certificate(
        certificate, public_key_of(read_signing_key(folder / "workspace" / "keys" / KEY_NAME))
    )
    content = json.loads(certificate.read_bytes())["content"]
    assert (content["check_value"], content["witness"]) == (made["check_value"], "Ann Other")
    assert states(keys("list")) == {"v2": "active", "v1": "destroyed"}
    assert [act for act, verdict in acts(folder) if verdict == "done"] == [
        "new",
        "rotate",
        "retire",
        "destroy",
    ]
    assert [act for act, verdict in acts(folder) if verdict == "refused"] == ["destroy"] * 3

    (folder / "linkage.key").write_bytes(backup)
    project = read_project(folder / "hearth.toml", folder / "workspace")
    use = key_use(project, read_agreement(project.agreement), Workspace.open(project.workspace))
    with pytest.raises(Refused, match="KEY_REUSED"):
        open_key(read_key_settings(project.keys, folder, project.custody), use)


def test_no_command_prints_or_logs_a_key_or_passphrase(
    folder: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots: list[bytes] = []
    monkeypatch.setattr(file_key.os, "urandom", lambda n: roots.append(bytes(range(n, 2 * n))) or roots[-1])
    told = repr([keys("new"), keys("list"), keys("check-value"), keys("rotate", "--layer", "inner")])
    assert roots
    log = (folder / "workspace" / "audit" / "audit.jsonl").read_text()
    for secret in ("four random words here", *(root.hex() for root in roots if len(root) == 32)):
        assert secret not in told + log


def test_a_key_is_not_made_twice_and_another_ones_check_value_is_refused(folder: Path, keys: Keys) -> None:
    value = keys("new")["check_value"]
    with pytest.raises(HearthError, match="KEY_EXISTS"):
        keys("new")
    with pytest.raises(Refused, match="CHECK_VALUES_DIFFER"):
        keys("check-value", "--compare", "0" * 16)
    assert keys("check-value", "--compare", value.upper())["state"] == "active"
    assert acts(folder)[-1] == ("compare", "done")


def test_a_version_that_is_not_there_and_a_layer_that_is_not_held_are_told(folder: Path, keys: Keys) -> None:
    keys("new")
    with pytest.raises(HearthError, match="KEY_MISSING"):
        keys("retire", "--version", "7")
    with pytest.raises(HearthError, match="KEY_OUTER_MISSING"):
        keys("rotate", "--layer", "outer")


@pytest.mark.parametrize(
    ("root", "code"),
    [
        (bytes(range(16)), "KEY_TOO_SHORT"),
        (bytes(range(31)), "KEY_TOO_SHORT"),
        (bytes(32), "KEY_WEAK"),
        (b"\x01\x02" * 16, "KEY_WEAK"),
        (bytes(range(7)) * 5, "KEY_WEAK"),
        (bytes(range(8)) * 4, None),
    ],
)
def test_a_short_or_regular_root_makes_no_key(root: bytes, code: str | None) -> None:
    if code is None:
        check_root(root)
    else:
        with pytest.raises(HearthError, match=code):
            check_root(root)


def test_a_key_of_the_same_root_in_both_layers_is_refused(folder: Path, keys: Keys) -> None:
    keys("new")
    config = folder / "hearth.toml"
    outer = '[keys.outer]\npath = "outer.key"\npassphrase_file = "passphrase"\n\n'
    config.write_text(config.read_text().replace("[extracts.", f"{outer}[extracts.", 1))
    project = read_project(config, folder / "workspace")
    use = key_use(project, read_agreement(project.agreement), Workspace.open(project.workspace))
    settings = read_key_settings(project.keys, folder, project.custody)
    context = KeyContext(f"outer/{project.name}", use.period)
    sealed = read_sealed_key(folder / "linkage.key")
    root = sealed.unseal("four random words here")
    copied = replace(sealed.description, context=context)
    write_private_file(folder / "outer.key", seal(copied, root, "four random words here", ScryptCost(2**10)))
    with pytest.raises(Refused, match="KEY_REUSED"):
        open_key(settings, use)
