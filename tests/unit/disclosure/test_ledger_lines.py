"""The ledger line by line: what a killed process may leave unfinished, and changes that are refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from governance.canonical import canonical_json
from governance.errors import Refused
from pipeline.disclosure.ledger import FILE, FOLDER, GENESIS, HEAD, Ledger
from pipeline.disclosure.noise.record_key import RecordKeySecret
from pipeline.workspace import Workspace
from tests.unit.conftest import recorded

SECRET = RecordKeySecret(bytes(range(32)))
RELEASE: dict[str, Any] = {
    "release_id": "r1", "fingerprint": "f" * 64, "reference_date": "2026-03-31", "epoch": "2026-Q1",
    "specification_version": "1.0", "manifest_sha256": "a" * 64, "cells": 3, "cells_sha256": "b" * 64,
    "state_sha256": None,
}  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "workspace")


def opened(workspace: Workspace, secret: RecordKeySecret = SECRET) -> Ledger:
    return Ledger.open(workspace, secret, recorded(workspace))


def file_of(workspace: Workspace) -> Path:
    return workspace.zone("controlled") / FOLDER / FILE


def head_of(workspace: Workspace) -> Path:
    return workspace.zone("keys") / HEAD


def written(workspace: Workspace, *events: str) -> Ledger:
    ledger = opened(workspace)
    for event in events:
        ledger.append(event, RELEASE)
    return ledger


def stands(workspace: Workspace, name: str) -> None:
    (workspace.zone("releases") / name).mkdir()


def test_an_empty_ledger_has_no_line_and_the_first_head(workspace: Workspace) -> None:
    ledger = opened(workspace)
    assert (ledger.entries, ledger.head) == ((), GENESIS)
    assert (ledger.last("r1"), ledger.latest_revealed(), ledger.pending()) == (None, None, ())


def test_lines_follow_from_each_other_and_are_read_again_as_they_were(workspace: Workspace) -> None:
    ledger = written(workspace, "intent", "revealed")
    ledger.append("intent", RELEASE | {"release_id": "r2"})

    again = opened(workspace)

    assert again.entries == ledger.entries
    assert again.head == ledger.head
    assert [(e.seq, e.event) for e in again.entries] == [(0, "intent"), (1, "revealed"), (2, "intent")]
    assert again.entries[0].prev == GENESIS
    assert len({e.prev for e in again.entries}) == 3
    assert [e.release_id for e in again.pending()] == ["r2"]
    latest = again.latest_revealed()
    assert latest is not None
    assert (latest.release_id, latest.seq) == ("r1", 1)
    last = again.last("r1")
    assert last is not None
    assert last.event == "revealed"


def test_something_new_of_a_release_repeats_what_was_said_of_it(workspace: Workspace) -> None:
    ledger = written(workspace, "intent")
    made = ledger.repeat("void", ledger.entries[0])
    assert (made.seq, made.event, made.release_id, made.cells) == (1, "void", "r1", 3)
    assert ledger.pending() == ()
    with pytest.raises(ValueError, match="lost"):
        ledger.append("lost", RELEASE)


def test_a_release_folder_is_known_by_a_line_that_is_not_void(workspace: Workspace) -> None:
    ledger = written(workspace, "intent", "revealed")
    stands(workspace, "r1")
    stands(workspace, ".staged-r9")
    (workspace.zone("releases") / "note.txt").write_text("a file is no release")
    assert opened(workspace).entries == ledger.entries
    stands(workspace, "r2")
    with pytest.raises(Refused, match="RELEASE_NOT_IN_LEDGER"):
        opened(workspace)


def test_a_release_whose_only_line_is_void_was_never_entered(workspace: Workspace) -> None:
    written(workspace, "void")
    stands(workspace, "r1")
    with pytest.raises(Refused, match="RELEASE_NOT_IN_LEDGER"):
        opened(workspace)


@pytest.mark.parametrize("left", ["head", "release"])
def test_a_ledger_is_lost_where_its_head_or_a_release_is_left(workspace: Workspace, left: str) -> None:
    written(workspace, "intent")
    file_of(workspace).unlink()
    if left == "release":
        head_of(workspace).unlink()
        stands(workspace, "r1")
    with pytest.raises(Refused, match="LEDGER_LOST"):
        opened(workspace)


def test_one_line_that_was_written_before_its_head_is_taken_and_sealed(workspace: Workspace) -> None:
    ledger = written(workspace, "intent")
    sealed = head_of(workspace).read_bytes()
    ledger.append("revealed", RELEASE)
    head_of(workspace).write_bytes(sealed)

    assert len(opened(workspace).entries) == 2
    assert json.loads(head_of(workspace).read_bytes())["entries"] == 2


def test_the_first_line_may_be_without_a_head_and_the_second_may_not(workspace: Workspace) -> None:
    ledger = written(workspace, "intent")
    head_of(workspace).unlink()
    assert len(opened(workspace).entries) == 1
    ledger.append("revealed", RELEASE)
    head_of(workspace).unlink()
    with pytest.raises(Refused, match="LEDGER_EDITED"):
        opened(workspace)


def test_two_lines_beyond_the_head_are_an_edit(workspace: Workspace) -> None:
    ledger = written(workspace, "intent")
    sealed = head_of(workspace).read_bytes()
    ledger.append("revealed", RELEASE)
    ledger.append("intent", RELEASE | {"release_id": "r2"})
    head_of(workspace).write_bytes(sealed)
    with pytest.raises(Refused, match="LEDGER_EDITED"):
        opened(workspace)


def test_a_line_cut_off_is_an_edit_and_a_line_cut_short_is_dropped(workspace: Workspace) -> None:
    written(workspace, "intent", "revealed")
    whole = file_of(workspace).read_bytes()
    file_of(workspace).write_bytes(whole + b'{"cells":1')
    assert len(opened(workspace).entries) == 2
    assert file_of(workspace).read_bytes() == whole
    file_of(workspace).write_bytes(whole.splitlines(keepends=True)[0])
    with pytest.raises(Refused, match="LEDGER_EDITED"):
        opened(workspace)


def line_with(workspace: Workspace, change: dict[str, Any], number: int = 0) -> None:
    lines = file_of(workspace).read_bytes().splitlines()
    raw = {k: v for k, v in (json.loads(lines[number]) | change).items() if v != "drop"}
    lines[number] = canonical_json(raw)
    file_of(workspace).write_bytes(b"\n".join(lines) + b"\n")


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2}, {"more": 1}, {"cells": "drop"}, {"seq": 1}, {"prev": "1" * 64}, {"event": "forgotten"},
        {"epoch": "2025-Q1"},
    ],
)  # fmt: skip
def test_a_line_of_another_form_place_or_content_is_an_edit(
    workspace: Workspace, change: dict[str, Any]
) -> None:
    written(workspace, "intent")
    line_with(workspace, change)
    with pytest.raises(Refused, match="LEDGER_EDITED"):
        opened(workspace)


@pytest.mark.parametrize("text", [b"no JSON\n", b"[]\n", b'{"v": 1}\n', b"1\n"])
def test_a_line_that_is_no_canonical_record_is_an_edit(workspace: Workspace, text: bytes) -> None:
    written(workspace, "intent")
    file_of(workspace).write_bytes(text)
    with pytest.raises(Refused, match="LEDGER_EDITED"):
        opened(workspace)


def test_a_line_spaced_otherwise_is_an_edit(workspace: Workspace) -> None:
    written(workspace, "intent")
    raw = json.loads(file_of(workspace).read_bytes())
    file_of(workspace).write_text(json.dumps(raw) + "\n")
    with pytest.raises(Refused, match="LEDGER_EDITED"):
        opened(workspace)


@pytest.mark.parametrize(
    "head",
    ["no JSON", "[]", "{}", '{"entries": "x", "head": "0", "mac": "0"}', '{"entries": 1, "head": "0"}'],
)
def test_a_damaged_head_is_an_edit(workspace: Workspace, head: str) -> None:
    written(workspace, "intent")
    head_of(workspace).write_text(head)
    with pytest.raises(Refused, match="LEDGER_EDITED"):
        opened(workspace)


@pytest.mark.parametrize("change", [{"entries": 1}, {"entries": 3}, {"head": "1" * 64}, {"mac": "1" * 64}])
def test_a_head_that_the_secret_did_not_seal_is_an_edit(workspace: Workspace, change: dict[str, Any]) -> None:
    written(workspace, "intent", "revealed")
    sealed = json.loads(head_of(workspace).read_bytes())
    head_of(workspace).write_text(json.dumps(sealed | change))
    with pytest.raises(Refused, match="LEDGER_EDITED"):
        opened(workspace)


def test_another_secret_opens_no_ledger(workspace: Workspace) -> None:
    written(workspace, "intent")
    with pytest.raises(Refused, match="LEDGER_EDITED"):
        opened(workspace, RecordKeySecret(b"x" * 32))


def test_only_its_owner_can_open_the_ledgers_folder(workspace: Workspace) -> None:
    opened(workspace)
    assert file_of(workspace).parent.stat().st_mode & 0o777 == 0o700
