"""The ledger and its files are accepted only if the audit log has the same.

Each file is edited, deleted and replaced by yesterday's copy. The person who does it has every key of the
workspace, so a seal that is made anew helps them no further.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from governance.canonical import canonical_json
from governance.clearance import _MINT, Clearance, Cleared
from governance.errors import Refused
from pipeline.disclosure.ledger import Ledger
from pipeline.disclosure.noise.record_key import load_secret
from pipeline.publish.commit_release import commit_release

Change = Callable[[Any, Path], None]


def files(bench: Any) -> tuple[Path, Path, Path]:
    workspace = bench.root / "workspace"
    ledger = workspace / "controlled" / "ledger"
    return ledger, ledger / "ledger.jsonl", workspace / "keys" / "release-ledger.head"


def seal_anew(bench: Any) -> None:
    """Write the head that belongs to the ledger as it is now, with the secret of the workspace."""
    folder, lines, head = files(bench)
    context = bench.context()
    ledger = Ledger(folder, head, load_secret(context), context.recorded)
    for line in lines.read_bytes().splitlines():
        ledger._accept(ledger._parse(line))
    ledger._write_head()


def edit_and_seal(bench: Any, _: Path) -> None:
    lines = files(bench)[1]
    raw = [json.loads(line) for line in lines.read_bytes().splitlines()]
    raw[-1]["cells"] += 1
    lines.write_bytes(b"".join(canonical_json(line) + b"\n" for line in raw))
    seal_anew(bench)


def forge_a_line(bench: Any, _: Path) -> None:
    """Declare void what was published, under a valid seal."""
    ledger = Ledger.open(bench.context().workspace, load_secret(bench.context()), bench.context().recorded)
    entry = ledger.entries[-1]
    of = {k: v for k, v in entry.__dict__.items() if k not in ("seq", "prev", "event")}
    ledger._write(type(entry)(seq=len(ledger.entries), prev=ledger.head, event="void", **of))


def roll_back(bench: Any, yesterday: Path) -> None:
    """Put back yesterday's ledger with its seal, and remove the release that came after."""
    folder, _, head = files(bench)
    newest = json.loads(files(bench)[1].read_bytes().splitlines()[-1])["release_id"]
    shutil.rmtree(folder)
    shutil.copytree(yesterday / "ledger", folder)
    shutil.copy(yesterday / head.name, head)
    shutil.rmtree(bench.root / "workspace" / "releases" / newest)


def cut_two_lines_and_seal(bench: Any, _: Path) -> None:
    lines = files(bench)[1]
    lines.write_bytes(b"".join(lines.read_bytes().splitlines(keepends=True)[:-2]))
    seal_anew(bench)


def delete_all_trace(bench: Any, _: Path) -> None:
    folder, _, head = files(bench)
    shutil.rmtree(folder)
    head.unlink()
    shutil.rmtree(bench.root / "workspace" / "releases")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (edit_and_seal, "LEDGER_EDITED"),
        (forge_a_line, "LEDGER_EDITED"),
        (roll_back, "LEDGER_EDITED"),
        (cut_two_lines_and_seal, "LEDGER_EDITED"),
        (delete_all_trace, "LEDGER_LOST"),
    ],
)
def test_a_ledger_that_is_not_the_one_on_record_refuses_the_next_release(
    bench: Any, make_town: Callable[..., Any], tmp_path: Path, change: Change, code: str
) -> None:
    bench.publish_run(make_town(6))
    folder, _, head = files(bench)
    shutil.copytree(folder, tmp_path / "yesterday" / "ledger")
    shutil.copy(head, tmp_path / "yesterday")
    bench.publish_run(make_town(6, seed=2))

    change(bench, tmp_path / "yesterday")

    with pytest.raises(Refused, match=code):
        bench.publish_run(make_town(6, seed=3))


@pytest.mark.parametrize("change", ["edited", "deleted", "rolled back"])
def test_a_ledger_of_which_only_the_sealed_head_was_changed_is_refused(
    bench: Any, make_town: Callable[..., Any], change: str
) -> None:
    bench.publish_run(make_town(6))
    head = files(bench)[2]
    yesterday = head.read_bytes()
    bench.publish_run(make_town(6, seed=2))
    if change == "edited":
        head.write_text(json.dumps(json.loads(head.read_bytes()) | {"entries": 1}))
    elif change == "deleted":
        head.unlink()
    else:
        head.write_bytes(yesterday)
    with pytest.raises(Refused, match="LEDGER_EDITED"):
        bench.publish_run(make_town(6, seed=3))


def test_a_line_on_record_that_a_killed_run_did_not_write_is_written(
    bench: Any, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """The process died here."""

    def die(*_: object) -> None:
        raise Killed

    town = make_town(6)
    with monkeypatch.context() as crash:
        crash.setattr(Ledger, "_write", die)
        with pytest.raises(Killed):
            bench.publish_run(town)
    assert not files(bench)[1].exists()

    bench.publish_run(town)

    written = [json.loads(line)["event"] for line in files(bench)[1].read_bytes().splitlines()]
    assert written == ["intent", "revealed"]


def attacks_of(bench: Any) -> Path:
    (path,) = files(bench)[0].glob("attacks-*.json")
    return path


@pytest.mark.parametrize("change", ["edited", "deleted", "damaged", "rolled back"])
def test_a_verdict_of_attacks_that_is_not_the_one_on_record_is_made_again(
    bench: Any, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    town = make_town(6)
    _, evidence = bench.stage(town)
    kept = attacks_of(bench)
    true = kept.read_bytes()
    attacked: list[str] = []
    run_attacks = __import__("pipeline.publish.attacked", fromlist=["run_attacks"]).run_attacks
    monkeypatch.setattr(
        "pipeline.publish.attacked.run_attacks",
        lambda *given, **named: attacked.append("again") or run_attacks(*given, **named),
    )
    bench.stage(town)
    assert attacked == []  # the verdict on record is used
    forged = canonical_json(json.loads(true) | {"attack_successes": 0, "attacks": []})
    if change == "edited":
        kept.write_bytes(forged)
    elif change == "deleted":
        kept.unlink()
    elif change == "damaged":
        kept.write_bytes(b"{")
    else:
        kept.unlink()
        bench.stage(town)  # its verdict counts more files of runs, and is now the one on record
        kept.write_bytes(true)
        attacked.clear()

    _, again = bench.stage(town)

    assert attacked == ["again"]
    tried = [(attack["name"], attack["verdict"]) for attack in evidence.facts["attacks"]]
    assert [(attack["name"], attack["verdict"]) for attack in again.facts["attacks"]] == tried
    assert kept.read_bytes() != forged


@pytest.mark.parametrize("change", ["edited", "deleted", "rolled back"])
def test_a_staged_releases_record_that_was_changed_before_it_is_entered_is_refused(
    bench: Any, make_town: Callable[..., Any], change: str
) -> None:
    town = make_town(6)
    artefact, _ = bench.stage(town)
    (path,) = files(bench)[0].glob("staged-*.json")
    record = json.loads(path.read_bytes())
    if change == "deleted":
        path.unlink()
    else:
        other = {"epoch": "2025-Q4"} if change == "edited" else {"manifest_sha256": "0" * 64}
        path.write_bytes(canonical_json(record | other))
    cleared = Cleared(artefact, Clearance("test", "publish", artefact.digest, 0, (), _MINT))
    absence = Clearance("test", "leakage", artefact.digest, 0, (), _MINT)
    with pytest.raises(Refused, match="RELEASE_RECORD_MISSING"):
        commit_release(cleared, absence, bench.context())


@pytest.mark.parametrize("change", ["edited", "deleted", "rolled back"])
def test_a_frozen_epochs_record_of_households_that_was_changed_opens_no_new_epoch(
    bench: Any, make_town: Callable[..., Any], change: str
) -> None:
    from datetime import date

    bench.publish_run(make_town(6))
    ledger = files(bench)[0]
    (first,) = ledger.glob("state-*.parquet")
    yesterday = first.read_bytes()
    bench.reference_date = date(2026, 4, 1)
    bench.publish_run(make_town(6, seed=2))
    (second,) = set(ledger.glob("state-*.parquet")) - {first}
    if change == "edited":
        second.write_bytes(second.read_bytes()[:-30] + bytes(30))
    elif change == "deleted":
        second.unlink()
    else:
        second.write_bytes(yesterday)
    bench.reference_date = date(2026, 7, 1)
    with pytest.raises(Exception) as stopped:  # noqa: PT011 an encrypted table cannot even be read
        bench.publish_run(make_town(6, seed=3))
    assert change == "edited" or getattr(stopped.value, "code", "") == "LEDGER_LOST"
