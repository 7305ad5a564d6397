"""A rotation killed between any two of its steps is completed by the same command."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import flows.actions.rekeying as rekeying
from governance.errors import HearthError
from governance.keys.key_store import KeyStore
from governance.keys.providers.sealed_file import read_sealed_key

from .killed import Killed, kill_at
from .test_keys_commands import folder, keys, states  # noqa: F401  (fixtures)

Keys = Callable[..., Any]
OUTER = '[keys.outer]\npath = "outer.key"\npassphrase_file = "passphrase"\n\n'
FILE = {"inner": "linkage", "outer": "outer"}
MANY = 400


@pytest.fixture
def carried(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The completed calls of the carrying over of record keys: (old version, new version)."""
    calls: list[tuple[int, int]] = []

    def carry(_: Any, place: KeyStore, from_version: int) -> int:
        # A step of its own, so that the process can be killed in the middle of it.
        place.path.with_name("probe").touch()
        place.path.with_name("probe").unlink()
        calls.append((from_version, read_sealed_key(place.path).description.context.version))
        return 0

    monkeypatch.setattr(rekeying, "carry_over_outer", carry)
    return calls


@pytest.fixture
def both_layers(folder: Path, keys: Keys) -> Keys:  # noqa: F811
    config = folder / "hearth.toml"
    config.write_text(config.read_text().replace("[extracts.", f"{OUTER}[extracts.", 1))
    keys("new")
    keys("new", "--layer", "outer")
    return keys


def roots(place: Path, layer: str) -> dict[int, bytes]:
    """Version -> root of every key file of a layer."""
    sealed = [read_sealed_key(p) for p in place.glob(f"{FILE[layer]}*.key")]
    return {s.description.context.version: s.unseal("four random words here") for s in sealed}


def rotations(place: Path) -> list[dict[str, Any]]:
    lines = (place / "workspace" / "audit" / "audit.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    return [e["evidence"] for e in events if e["event"] == "key" and e["verdict"] == "done"]


@pytest.mark.parametrize("layer", ["inner", "outer"])
def test_a_rotation_killed_at_any_step_is_completed_by_the_same_command(
    both_layers: Keys,
    folder: Path,  # noqa: F811
    layer: str,
    carried: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    first = roots(folder, layer)[1]
    for step in range(MANY):
        for path in folder.rglob("*"):
            if path.is_file():
                path.unlink()
        for path, content in before.items():
            path.write_bytes(content)
            path.chmod(0o600)
        carried.clear()
        with monkeypatch.context() as patch:
            steps = kill_at(step, patch)
            with contextlib.suppress(Killed):
                both_layers("rotate", "--layer", layer)
        if steps() < step:
            break
        if (folder / f".{FILE[layer]}.rotating").exists():
            with pytest.raises(HearthError, match="KEY_ROTATION_UNFINISHED"):
                both_layers("check-value", "--layer", layer)
            with pytest.raises(HearthError, match="KEY_ROTATION_UNFINISHED"):
                both_layers("new", "--layer", layer)
            told = both_layers("rotate", "--layer", layer)
        elif 2 not in roots(folder, layer):
            told = both_layers("rotate", "--layer", layer)
        else:
            told = rotations(folder)[-1]
            told = {"new": {"key_id": told["new_key_id"]}, "old": {"state": told["old_state"]}}
        assert told["new"]["key_id"].endswith(":v2"), step
        assert told["old"]["state"] == {"inner": "link-only", "outer": "retired"}[layer], step
        now = roots(folder, layer)
        assert set(now) == {1, 2}, step
        assert now[1] == first, step
        assert not list(folder.glob(".*rotating")) + list(folder.glob(".*next*key")), step
        if layer == "outer":
            assert carried[-1] == (1, 2), step
        done = [r["new_key_id"][-2:] for r in rotations(folder) if r["act"] == "rotate"]
        assert set(done) == {"v2"}, step
        assert both_layers("check-value", "--layer", layer)["state"] == "active"
    else:
        pytest.fail("the rotation has more steps than were tried")
    assert step > 12


def test_a_half_rotated_outer_key_is_recognised_without_its_mark(
    both_layers: Keys,
    folder: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def killed(*_: Any) -> int:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(rekeying, "carry_over_outer", killed)
        with pytest.raises(Killed):
            both_layers("rotate", "--layer", "outer")
    (folder / ".outer.rotating").unlink()
    with pytest.raises(HearthError, match="KEY_ROTATION_UNFINISHED"):
        both_layers("check-value", "--layer", "outer")
    both_layers("rotate", "--layer", "outer")
    layers = [row for row in both_layers("list") if row["layer"] == "outer"]
    assert states(layers) == {"v2": "active", "v1": "retired"}


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"replaces":"one"}', '{"replaces":null}'])
def test_an_altered_mark_is_refused(both_layers: Keys, folder: Path, content: str) -> None:  # noqa: F811
    (folder / ".linkage.rotating").write_text(content)
    (folder / ".linkage.rotating").chmod(0o600)
    with pytest.raises(HearthError, match="KEY_FILE_MALFORMED"):
        both_layers("rotate", "--layer", "inner")


def test_making_a_key_again_after_a_kill_leaves_the_key_as_it_was(
    folder: Path,  # noqa: F811
    keys: Keys,  # noqa: F811
) -> None:
    keys("new")
    made = (folder / "linkage.key").read_bytes()
    # What a process leaves that was killed after it linked the file and before it removed the other name.
    (folder / ".linkage.key.partial").hardlink_to(folder / "linkage.key")
    with pytest.raises(HearthError, match="KEY_EXISTS"):
        keys("new")
    assert (folder / "linkage.key").read_bytes() == made
