"""The ledger survives a crash at any step, and neither loss nor edit of it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from governance.errors import Refused
from pipeline.disclosure.ledger import Ledger
from pipeline.publish import commit_release as reveal_module


def ledger_of(bench: Any) -> Path:
    return bench.root / "workspace" / "controlled" / "ledger" / "ledger.jsonl"


def events(bench: Any) -> list[str]:
    return [json.loads(line)["event"] for line in ledger_of(bench).read_bytes().splitlines()]


class Killed(BaseException):
    """The process died here."""


def test_a_release_leaves_an_intent_and_a_revealed_line(bench: Any, make_town: Callable[..., Any]) -> None:
    bench.publish_run(make_town(6))

    assert events(bench) == ["intent", "revealed"]


def test_a_crash_before_the_rename_is_mended_by_finishing_it(
    bench: Any, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    town = make_town(6)

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as crash:
        crash.setattr(reveal_module, "_finish", die)
        with pytest.raises(Killed):
            bench.publish_run(town)
    assert events(bench) == ["intent"]

    release = bench.publish_run(town)

    assert events(bench) == ["intent", "revealed"]
    assert release.is_dir()


def test_a_crash_after_the_rename_is_mended_by_noting_it(
    bench: Any, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    town = make_town(6)

    def die(self: Ledger, event: str, entry: object) -> None:
        raise Killed

    with monkeypatch.context() as crash:
        crash.setattr(Ledger, "repeat", die)
        with pytest.raises(Killed):
            bench.publish_run(town)
    assert events(bench) == ["intent"]
    assert len(list((bench.root / "workspace" / "releases").iterdir())) == 1

    bench.publish_run(town)

    assert events(bench) == ["intent", "revealed"]


def test_an_intent_whose_folder_was_lost_becomes_void_and_the_release_is_made_again(
    bench: Any, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    town = make_town(6)

    def die(*_: object) -> None:
        for path in (bench.root / "workspace" / "releases").glob(".staged-*/manifest.json"):
            path.unlink()
        raise Killed

    with monkeypatch.context() as crash:
        crash.setattr(reveal_module, "_finish", die)
        with pytest.raises(Killed):
            bench.publish_run(town)

    bench.publish_run(town)

    assert events(bench) == ["intent", "void", "intent", "revealed"]


def test_a_line_that_a_crash_cut_short_is_dropped(bench: Any, make_town: Callable[..., Any]) -> None:
    town = make_town(6)
    bench.publish_run(town)
    with ledger_of(bench).open("ab") as stream:
        stream.write(b'{"cells":1,"ce')

    bench.publish_run(town)

    assert events(bench) == ["intent", "revealed"]


def test_a_lost_ledger_refuses_the_next_release(bench: Any, make_town: Callable[..., Any]) -> None:
    bench.publish_run(make_town(6))
    ledger_of(bench).unlink()

    with pytest.raises(Refused, match="LEDGER_LOST"):
        bench.publish_run(make_town(6, seed=2))


def test_an_edited_line_refuses_the_next_release(bench: Any, make_town: Callable[..., Any]) -> None:
    bench.publish_run(make_town(6))
    path = ledger_of(bench)
    path.write_bytes(path.read_bytes().replace(b'"epoch":"2026-Q1"', b'"epoch":"2025-Q1"'))

    with pytest.raises(Refused, match="LEDGER_EDITED"):
        bench.publish_run(make_town(6, seed=2))


def test_a_cut_ledger_refuses_the_next_release(bench: Any, make_town: Callable[..., Any]) -> None:
    bench.publish_run(make_town(6))
    path = ledger_of(bench)
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])

    with pytest.raises(Refused, match="LEDGER_EDITED"):
        bench.publish_run(make_town(6, seed=2))


def test_a_ledger_rewritten_with_its_head_but_without_the_secret_is_refused(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    bench.publish_run(make_town(6))
    head = bench.root / "workspace" / "keys" / "release-ledger.head"
    sealed = json.loads(head.read_bytes())
    first = ledger_of(bench).read_bytes().splitlines(keepends=True)[0]
    ledger_of(bench).write_bytes(first)
    head.write_text(json.dumps(sealed | {"entries": 1}))

    with pytest.raises(Refused, match="LEDGER_EDITED"):
        bench.publish_run(make_town(6, seed=2))


def test_a_folder_the_ledger_does_not_know_refuses_the_next_release(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    bench.publish_run(make_town(6))
    (bench.root / "workspace" / "releases" / "2020-01-01-000000000000").mkdir()

    with pytest.raises(Refused, match="RELEASE_NOT_IN_LEDGER"):
        bench.publish_run(make_town(6, seed=2))


def test_releases_of_one_epoch_share_one_list_of_cell_digests(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    bench.publish_run(make_town(6))
    bench.publish_run(make_town(6, seed=2))

    assert len(list(ledger_of(bench).parent.glob("cells-*.parquet"))) == 1
