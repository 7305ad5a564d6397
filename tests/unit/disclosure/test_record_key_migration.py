"""Over any number of rotations a household's record key is that of its first pseudonym."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pytest

from governance.errors import Refused
from pipeline.context import RunContext
from pipeline.disclosure.noise.record_key import RecordKeySecret, create_record_key_table, record_keys
from pipeline.disclosure.noise.record_key_migration import (
    load_migrated_keys,
    migrate_record_keys,
    migrated_keys_digest,
)
from pipeline.engine.duckdb import EngineSettings, locked_connection
from pipeline.workspace import Workspace
from tests.unit.conftest import recorded

SECRET = RecordKeySecret(bytes(range(32)))


@dataclass(frozen=True)
class Place:
    context: RunContext

    def carry(self, *pairs: tuple[str, str, str]) -> int:
        """pairs: (kind, old, new)."""
        columns = dict(zip(("kind", "old", "new"), map(list, zip(*pairs, strict=True)), strict=True))
        return migrate_record_keys(pa.table(columns).to_reader(), SECRET, self.context)

    def made(self, kind: str, anchors: Sequence[str]) -> list[int]:
        with locked_connection(self.context.project.engine, self.context.spill) as connection:
            load_migrated_keys(connection, self.context)
            connection.execute("CREATE TABLE household (anchor VARCHAR)")
            connection.executemany("INSERT INTO household VALUES (?)", [[a] for a in anchors])
            create_record_key_table(connection, "SELECT anchor FROM household", kind, "made", SECRET)
            keys = dict(connection.execute("SELECT anchor, record_key FROM made").fetchall())
        return [keys[anchor] for anchor in anchors]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "spill").mkdir()
    project = cast(Any, SimpleNamespace(engine=EngineSettings(threads=1, memory_limit="200MB")))
    workspace = Workspace.open(tmp_path / "workspace")
    log = recorded(workspace)
    return Place(RunContext("run", project, cast(Any, None), workspace, tmp_path / "spill", log=log))


def of(kind: str, *anchors: str) -> list[int]:
    return [int(key) for key in record_keys(anchors, kind, SECRET)]


def test_without_a_rotation_a_record_key_follows_from_the_pseudonym(place: Place) -> None:
    assert place.made("household", ["A", "B"]) == of("household", "A", "B")
    assert migrated_keys_digest(place.context) is None


def test_a_new_pseudonym_has_the_record_key_of_the_old_one(place: Place) -> None:
    pairs = ("uprn", "A", "A2"), ("record.council_property", "P", "P2"), ("nhs_number", "N", "N2")
    assert place.carry(*pairs, ("address_group", "G", "G2")) == 3
    assert place.made("household", ["A2", "P2", "NEW"]) == of("household", "A", "P", "NEW")
    assert place.made("person", ["N2"]) == of("person", "N")
    assert migrated_keys_digest(place.context) is not None


def test_a_second_rotation_carries_on_what_the_first_carried(place: Place) -> None:
    place.carry(("uprn", "A", "A2"), ("uprn", "B", "B2"))
    assert place.carry(("uprn", "A2", "A3")) == 2
    assert place.made("household", ["A3", "B2"]) == of("household", "A", "B")


def test_the_same_pairs_twice_as_after_a_crash_change_nothing(place: Place) -> None:
    place.carry(("uprn", "A", "A2"))
    for _ in range(2):
        assert place.carry(("uprn", "A2", "A3")) == 1
        assert place.made("household", ["A3"]) == of("household", "A")


def test_the_other_controllers_pairs_leave_what_was_carried(place: Place) -> None:
    place.carry(("uprn", "A", "A2"), ("record.council_property", "P", "P2"))
    assert place.carry(("uprn", "A", "A2"), ("nhs_number", "N", "N2")) == 3
    assert place.made("household", ["A2", "P2"]) == of("household", "A", "P")


def test_what_is_kept_does_not_join_the_old_pseudonym_to_the_new_one(place: Place) -> None:
    place.carry(("uprn", "OLD-PSEUDONYM", "NEW-PSEUDONYM"))
    kept = [p.read_bytes() for p in place.context.workspace.root.rglob("*") if p.is_file()]
    assert any(b"NEW-PSEUDONYM" in content for content in kept)
    assert not any(b"OLD-PSEUDONYM" in content for content in kept)


def test_only_its_owner_can_open_the_folder_of_carried_keys(place: Place) -> None:
    place.carry(("uprn", "A", "A2"))
    folder = place.context.workspace.zone("controlled") / "ledger"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in folder.iterdir()] == ["record-key.parquet"]


@pytest.mark.parametrize("change", ["edited", "deleted", "rolled back"])
def test_carried_record_keys_that_are_not_those_on_record_refuse_to_count(place: Place, change: str) -> None:
    place.carry(("uprn", "A", "A2"))
    (path,) = place.context.workspace.root.rglob("record-key.parquet")
    yesterday = path.read_bytes()
    place.carry(("uprn", "B", "B2"))
    if change == "edited":
        path.write_bytes(path.read_bytes() + b"x")
    elif change == "deleted":
        path.unlink()
    else:
        path.write_bytes(yesterday)
    for ask in (lambda: migrated_keys_digest(place.context), lambda: place.made("household", ["A2"])):
        with pytest.raises(Refused, match="LEDGER_LOST"):
            ask()


def test_carried_record_keys_that_a_killed_process_had_on_record_are_put_in_place(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr("pipeline.disclosure.noise.record_key_migration.rename_durably", die)
        with pytest.raises(KeyboardInterrupt):
            place.carry(("uprn", "A", "A2"))
    assert place.made("household", ["A2"]) == of("household", "A")
