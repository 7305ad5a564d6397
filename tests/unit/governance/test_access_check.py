"""What the linking process can open: a linkage key is recognised by its content, wherever it is."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from governance import access_check
from governance.access_check import access_facts
from governance.keys.providers.file_key import create_file_key
from governance.keys.providers.provider import KeyDescription
from governance.keys.providers.sealed_file import ScryptCost
from governance.keys.pseudonyms.derivation import KeyContext
from governance.keys.states import KeyState
from pipeline.project import read_project

SAMPLE = Path(__file__).parents[3] / "sample_data" / "sample"


def make_key(path: Path, agreement: str = "DSA-1") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    create_file_key(
        path,
        KeyDescription(KeyContext(agreement, "2026"), "file", KeyState.ACTIVE, 256, date(2026, 11, 30), None),
        "four random words here",
        ScryptCost(n=2**10),
    )
    return path


@pytest.mark.parametrize("name", ["council-hmac.key", "notes.txt", ".hidden", "linkage/.part-0000.parquet"])
def test_a_linkage_key_counts_whatever_its_name_and_zone(tmp_path: Path, name: str) -> None:
    assert access_facts(tmp_path, {})["keys_in_reach"] == 0
    make_key(tmp_path / "keys" / name)
    assert access_facts(tmp_path, {})["keys_in_reach"] == 1
    assert access_facts(tmp_path / "keys", {})["keys_in_reach"] == 1


def test_a_key_of_the_outer_layer_does_not_count(tmp_path: Path) -> None:
    make_key(tmp_path / "keys" / "outer.key", "outer/islington")
    assert access_facts(tmp_path, {})["keys_in_reach"] == 0


def test_a_key_in_a_configured_folder_counts_once_and_the_facts_name_no_path(tmp_path: Path) -> None:
    key = make_key(tmp_path / "elsewhere" / "deep" / "a.key")
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "link").symlink_to(key)
    facts = access_facts(tmp_path / "workspace", {"inbox": tmp_path / "elsewhere"})
    assert facts["keys_in_reach"] == 1
    assert facts["examined"] == {"workspace": 1, "inbox": 1}
    assert str(tmp_path) not in json.dumps(facts)


def test_files_beyond_the_limit_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_check, "_MOST_FILES", 2)
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text("x")
    assert access_facts(tmp_path, {})["not_examined"] == 1


def test_every_folder_that_hearth_toml_names_is_examined(tmp_path: Path) -> None:
    project = read_project(SAMPLE / "hearth.toml", tmp_path / "workspace")
    for name in ("people", "drop", "inbox"):
        (tmp_path / name).mkdir()
    changed = replace(
        project,
        signing_keys=(tmp_path / "people" / "operator.pem",),
        keys={"outer": {"path": "nowhere.key"}, "transfer": {"inbox": str(tmp_path / "inbox")}},
        extracts={
            "council_property": replace(
                project.extracts["council_property"], path=tmp_path / "drop" / "a.csv"
            )
        },
    )
    folders = set(changed.configured_folders().values())
    assert {SAMPLE, tmp_path / "people", tmp_path / "drop", tmp_path / "inbox"} <= folders


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"header": 1}', b"\xff\xfe{", b'{"header": {"format": "hearth-key/1"']
)
def test_a_file_that_is_no_key_is_not_counted(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert access_facts(tmp_path, {})["keys_in_reach"] == 0


def test_a_file_is_read_once_and_again_only_after_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_key(tmp_path / "keys" / "a.key")
    (tmp_path / "notes.txt").write_text("nothing")
    read: list[str] = []
    original = access_check.is_linkage_key

    def noted(path: Path) -> bool:
        read.append(path.name)
        return original(path)

    monkeypatch.setattr(access_check, "is_linkage_key", noted)
    first = access_facts(tmp_path, {})
    assert sorted(read) == ["a.key", "notes.txt"]
    assert access_facts(tmp_path, {}) == first
    assert len(read) == 2
    (tmp_path / "notes.txt").write_bytes(key.read_bytes())
    assert access_facts(tmp_path, {})["keys_in_reach"] == 2
    assert read[2:] == ["notes.txt"]
