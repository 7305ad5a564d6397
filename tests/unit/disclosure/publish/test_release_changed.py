"""An edited release with a mended manifest: found by every command that reads it, and by the next run."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from flows.cli import app
from governance.audit.verify import MANIFEST, STATEMENT, verify_folder
from governance.canonical import canonical_json
from governance.errors import Refused
from pipeline.publish import commit_release as commit_module
from pipeline.publish.files.release_table import parquet_bytes
from pipeline.publish.stage import find_standing
from tests.unit.disclosure.conftest import Bench, build_town

FINGERPRINT = "0" * 64
REPOSITORY = Path(__file__).parents[4]


def mend(release: Path) -> None:
    """Put the manifest in order, and the words of the statement: all that can be done without the key."""
    before = (release / MANIFEST).read_bytes()
    manifest = json.loads(before)
    for entry in manifest["files"]:
        data = (release / entry["name"]).read_bytes()
        entry |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (release / MANIFEST).write_bytes(canonical_json(manifest) + b"\n")
    old, new = (hashlib.sha256(data).hexdigest() for data in (before, (release / MANIFEST).read_bytes()))
    statement = release / STATEMENT
    statement.write_bytes(statement.read_bytes().replace(old.encode(), new.encode()))


def edit_values(release: Path) -> None:
    """Print 500 more in the first value of a table."""
    path = release / "health_by_tenure.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    next(row for row in rows if row["value"] is not None)["value"] += 500
    path.write_bytes(parquet_bytes(type(table).from_pylist(rows, schema=table.schema)))


def edit_text(name: str) -> Callable[[Path], None]:
    def edit(release: Path) -> None:
        (release / name).write_bytes((release / name).read_bytes() + b"\nedited\n")

    return edit


EDITS: dict[str, Callable[[Path], None]] = {
    "a Parquet file": edit_values,
    "README.md": edit_text("README.md"),
    "views.sql": edit_text("views.sql"),
}
#: Every command that reads a release.
COMMANDS: dict[str, Callable[[Path], list[str]]] = {
    "query": lambda r: ["releases", "query", "--releases", str(r.parent), "SELECT COUNT(*) FROM catalogue"],
    "list": lambda r: ["releases", "list", "--releases", str(r.parent)],
    "findings": lambda r: ["findings", str(r)],
    "findings of the newest": lambda r: ["findings", "--releases", str(r.parent)],
    "findings since an earlier one": lambda r: ["findings", str(r), "--earlier", str(r)],
    "compare": lambda r: ["compare", str(r), str(r)],
    "allocate": lambda r: ["allocate", "--budget", "1000", "--count", "households", str(r)],
    "attack": lambda r: ["attack", "releases", str(r)],
}


def edited(name: str, *, mended: bool) -> Callable[[Path], None]:
    def change(release: Path) -> None:
        EDITS[name](release)
        if mended:
            mend(release)

    return change


def add(release: Path) -> None:
    (release / "extra.parquet").write_bytes((release / "health.parquet").read_bytes())


def add_and_mend(release: Path) -> None:
    add(release)
    manifest = json.loads((release / MANIFEST).read_bytes())
    manifest["files"].append({"name": "extra.parquet", "sha256": "", "bytes": 0})
    manifest["files"].sort(key=lambda entry: entry["name"])
    (release / MANIFEST).write_bytes(canonical_json(manifest))
    mend(release)


def remove(*names: str) -> Callable[[Path], None]:
    def change(release: Path) -> None:
        for name in names:
            (release / name).unlink()

    return change


def link(release: Path) -> None:
    """Put a link to an edited copy outside the workspace in the place of the release."""
    outside = release.parents[2] / "outside" / release.name
    outside.parent.mkdir()
    release.rename(outside)
    edit_values(outside)
    mend(outside)
    release.symlink_to(outside)


def without_log(release: Path) -> None:
    edit_values(release)
    mend(release)
    shutil.rmtree(release.parent.parent / "audit")


def edit_log(release: Path) -> None:
    log = release.parent.parent / "audit" / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b"2026-Q1", b"2026-Q2"))


#: What was done to a release or its log -> the code of every command that reads the release.
CHANGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a value, manifest mended": (edited("a Parquet file", mended=True), "RELEASE_CHANGED"),
    "README.md, manifest mended": (edited("README.md", mended=True), "RELEASE_CHANGED"),
    "views.sql, manifest mended": (edited("views.sql", mended=True), "RELEASE_CHANGED"),
    "README.md": (edited("README.md", mended=False), "RELEASE_CHANGED"),
    "a file added": (add, "RELEASE_CHANGED"),
    "a file added, manifest mended": (add_and_mend, "RELEASE_CHANGED"),
    "a file missing": (remove("health.parquet"), "RELEASE_CHANGED"),
    "no statement": (remove(STATEMENT), "RELEASE_CHANGED"),
    "no manifest": (remove(MANIFEST), "RELEASE_CHANGED"),
    "neither manifest nor statement": (remove(MANIFEST, STATEMENT), "RELEASE_CHANGED"),
    "a link to an edited copy": (link, "RELEASE_CHANGED"),
    "a value, manifest mended, log deleted": (without_log, "RELEASE_CHANGED"),
    "the log edited": (edit_log, "AUDIT_LOG_CHANGED"),
}


@pytest.fixture(scope="module")
def two_workspaces(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two workspaces with one release each; a test takes a copy."""
    folders = []
    for seed in (1, 2):
        bench = Bench(tmp_path_factory.mktemp("workspace"))
        folders.append(bench.publish_run(build_town(12, seed=seed)))
    return folders[0], folders[1]


@pytest.fixture
def published(two_workspaces: tuple[Path, Path], tmp_path: Path) -> Path:
    """A release in its own workspace."""
    release = two_workspaces[0]
    shutil.copytree(release.parent.parent, tmp_path / "workspace")
    return tmp_path / "workspace" / "releases" / release.name


def refusal_of(arguments: list[str]) -> tuple[str, int, str]:
    """Run a command; returns its code, its exit code and what it printed."""
    ran = CliRunner().invoke(app, arguments)
    raised = ran.exception
    return getattr(raised, "code", ""), getattr(raised, "exit_code", ran.exit_code), ran.stdout


@pytest.mark.parametrize(("change", "code"), CHANGES.values(), ids=CHANGES)
def test_every_command_that_reads_a_release_refuses_a_changed_one(
    published: Path, change: Callable[[Path], None], code: str
) -> None:
    change(published)
    refused = {name: refusal_of(command(published)) for name, command in COMMANDS.items()}
    assert refused == dict.fromkeys(COMMANDS, (code, 2, ""))


def test_every_command_reads_a_release_that_is_as_published(published: Path) -> None:
    codes = {name: refusal_of(command(published))[0] for name, command in COMMANDS.items()}
    assert not {"RELEASE_CHANGED", "AUDIT_LOG_CHANGED"} & set(codes.values())
    assert refusal_of(COMMANDS["query"](published))[1] == 0


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_release_of_another_workspace_is_refused(
    two_workspaces: tuple[Path, Path], published: Path, command: Callable[[Path], list[str]]
) -> None:
    foreign = published.with_name(two_workspaces[1].name)
    shutil.rmtree(published)
    shutil.copytree(two_workspaces[1], foreign)
    assert refusal_of(command(foreign)) == ("RELEASE_CHANGED", 2, "")


def test_every_command_of_the_table_above_is_every_command_that_reads_a_release() -> None:
    readers = {
        "pipeline.findings.all_findings": "find_all",
        "pipeline.findings.release_figures": "read_release",
        "pipeline.publish.query": "query_release",
        "pipeline.disclosure.attack.run": "run_attacks",
    }
    for path in (REPOSITORY / "flows").rglob("*.py"):
        source = path.read_text("utf-8")
        if any(f"from {module} import {name}" in source for module, name in readers.items()):
            assert "from flows.actions.release_reading import checked_release" in source, path


def test_the_list_shows_the_others_and_then_refuses(
    bench: Any, make_town: Callable[..., Any], release: Path
) -> None:
    other = bench.publish_run(make_town(12, seed=2))
    edit_values(release)
    mend(release)
    ran = CliRunner().invoke(app, ["releases", "list", "--releases", str(release.parent)])
    assert other.name in ran.stdout
    assert release.name not in ran.stdout
    assert isinstance(ran.exception, Refused)


@pytest.fixture
def release(bench: Any, make_town: Callable[..., Any]) -> Path:
    folder: Path = bench.publish_run(make_town(12))
    return folder


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_the_next_run_says_that_the_release_was_changed_and_blames_no_attack(
    bench: Any, make_town: Callable[..., Any], release: Path, edit: Callable[[Path], None]
) -> None:
    edit(release)
    mend(release)
    for attempt in (
        lambda: find_standing(FINGERPRINT, bench.context()),  # before the first stage, whatever it makes
        lambda: bench.publish_run(make_town(12)),
    ):
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.code == "RELEASE_CHANGED"
    assert {f.where for f in refused.value.findings} == {release.name}
    remarks = verify_folder(bench.root / "workspace" / "audit").remarks
    assert any(f"releases/{release.name} is not the one on record (RELEASE_CHANGED)" in r for r in remarks)


def test_the_next_run_finds_an_edit_of_any_earlier_release(
    bench: Any, make_town: Callable[..., Any], release: Path
) -> None:
    bench.publish_run(make_town(12, seed=2))
    assert find_standing(FINGERPRINT, bench.context()) is None
    edit_text("README.md")(release)
    with pytest.raises(Refused, match="RELEASE_CHANGED"):
        find_standing(FINGERPRINT, bench.context())


@pytest.mark.parametrize("lost", [STATEMENT, MANIFEST])
def test_the_next_run_refuses_a_release_that_lost_its_statement_or_manifest(
    bench: Any, release: Path, lost: str
) -> None:
    (release / lost).unlink()
    with pytest.raises(Refused, match="RELEASE_CHANGED"):
        find_standing(FINGERPRINT, bench.context())


def test_a_release_that_was_deleted_is_not_made_again_and_its_copy_is_accepted(
    bench: Any, make_town: Callable[..., Any], release: Path, tmp_path: Path
) -> None:
    release.rename(tmp_path / "copy")
    with pytest.raises(Refused, match="EPOCH_RELEASE_LOST"):
        bench.publish_run(make_town(12, seed=2))
    ran = CliRunner().invoke(app, ["releases", "list", "--releases", str(release.parent)])
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert f"1 release that is not in this folder (moved or deleted): {release.name}." in ran.stderr

    (tmp_path / "copy").rename(release)

    bench.publish_run(make_town(12, seed=2))
    assert CliRunner().invoke(app, ["releases", "verify", str(release)]).exit_code == 0


def test_a_crash_between_the_line_in_the_log_and_the_statement_is_mended_by_the_next_run(
    bench: Any, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    town = make_town(6)

    class Killed(BaseException):
        """The process died here."""

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as crash:
        crash.setattr(commit_module, "write_durably", die)
        with pytest.raises(Killed):
            bench.publish_run(town)
    assert not [p for p in (bench.root / "workspace" / "releases").iterdir() if not p.name.startswith(".")]

    release = bench.publish_run(town)

    assert CliRunner().invoke(app, ["releases", "verify", str(release)]).exit_code == 0


def test_verify_finds_the_audit_folder_of_the_workspace_and_says_so_in_one_sentence(release: Path) -> None:
    ran = CliRunner().invoke(app, ["releases", "verify", str(release)])
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.splitlines()[-1].startswith("As published: the ")
    told = json.loads(CliRunner().invoke(app, ["releases", "verify", str(release), "--json"]).stdout)
    assert (told["with_log"], told["signature"], told["changed"]) == (True, "valid", [])
    edit_values(release)
    mend(release)
    ran = CliRunner().invoke(app, ["releases", "verify", str(release)])
    assert (ran.exit_code, ran.stdout.splitlines()[-1][:8]) == (2, "Changed:")


def test_a_copy_elsewhere_can_be_read_and_what_was_not_checked_is_said(release: Path, tmp_path: Path) -> None:
    copy = tmp_path / "received" / "copy"
    copy.parent.mkdir()
    release.rename(copy)
    ran = CliRunner().invoke(app, ["findings", str(copy), "--json"])
    assert ran.exit_code == 0, ran.output
    assert "the signature was not checked" in ran.stderr
    (copy / STATEMENT).unlink()
    ran = CliRunner().invoke(app, ["findings", str(copy), "--json"])
    assert isinstance(ran.exception, Refused)
