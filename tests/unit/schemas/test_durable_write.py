"""A durable write: whole or absent, private, flushed with its folder."""

import os
import stat
from pathlib import Path

import pytest

from schemas.storage import durable_write
from schemas.storage.durable_write import rename_durably, write_durably


def test_a_written_file_is_private_and_whole(tmp_path: Path) -> None:
    write_durably(tmp_path / "state.json", b"first")
    write_durably(tmp_path / "state.json", b"second")
    assert (tmp_path / "state.json").read_bytes() == b"second"
    assert stat.S_IMODE((tmp_path / "state.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_a_file_that_must_be_new_is_not_replaced(tmp_path: Path) -> None:
    write_durably(tmp_path / "key", b"first", replace=False)
    with pytest.raises(FileExistsError):
        write_durably(tmp_path / "key", b"second", replace=False)
    assert (tmp_path / "key").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_write_that_fails_leaves_the_old_file_and_no_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_durably(tmp_path / "state.json", b"first")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable_write.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_durably(tmp_path / "state.json", b"second")
    assert (tmp_path / "state.json").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_the_file_is_flushed_before_its_rename_and_the_folder_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def flushed(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def renamed(self: Path, target: Path) -> Path:
        done.append("rename")
        return replace(self, target)

    monkeypatch.setattr(durable_write.os, "fsync", flushed)
    monkeypatch.setattr(Path, "replace", renamed)
    write_durably(tmp_path / "state.json", b"first")
    assert done == ["file", "rename", "folder"]
    done.clear()
    (tmp_path / "staged").write_bytes(b"x")
    rename_durably(tmp_path / "staged", tmp_path / "final")
    assert done == ["file", "rename", "folder"]


def test_a_link_in_the_place_of_the_temporary_file_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"kept")
    (tmp_path / ".state.json.partial").symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic link"):
        write_durably(tmp_path / "state.json", b"second")
    assert elsewhere.read_bytes() == b"kept"
