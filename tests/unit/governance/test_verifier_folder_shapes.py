"""Odd things in an audit folder: each is a finding, neither verifier waits for it, and both say the same."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from verifiers import Answer, Verifiers

from governance.audit.verify import INCOMPLETE, LARGEST_LOG, TAMPERED, UNWITNESSED, main, verify_folder

Served = tuple[Callable[..., Answer], Callable[..., Answer]]


@pytest.fixture(scope="module")
def verifiers(tmp_path_factory: pytest.TempPathFactory) -> Verifiers:
    return Verifiers.in_folder(tmp_path_factory.mktemp("verifiers"))


@pytest.fixture(scope="module")
def served(verifiers: Verifiers) -> Iterator[Served]:
    with verifiers.served() as both_programs:
        yield both_programs


@pytest.fixture
def folder(tmp_path: Path, audit_folder: Path, log_run: Callable[[str], None]) -> Iterator[Path]:
    """A copy of the folder of one whole run, in a place with a short name (a socket's path is limited)."""
    log_run("run-1")
    copy = tmp_path / "copy"
    shutil.copytree(audit_folder, copy)
    yield copy
    shutil.rmtree(copy, ignore_errors=True)


def a_folder(path: Path) -> None:
    path.mkdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        listener.bind(path.name)
    finally:
        os.chdir(here)
        listener.close()


def a_link_to_an_endless_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_link_to_a_file(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere.txt"
    elsewhere.write_text("a file outside the folder\n")
    path.symlink_to(elsewhere)


def a_link_to_nothing(path: Path) -> None:
    path.symlink_to("nothing-is-here")


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def deep_nesting(path: Path) -> None:
    at = path
    at.mkdir()
    for _ in range(200):
        at = at / "deeper"
        at.mkdir()


SHAPES = (
    a_folder,
    a_pipe,
    a_socket,
    a_link_to_an_endless_device,
    a_link_to_a_file,
    a_link_to_nothing,
    a_link_to_itself,
    deep_nesting,
)
#: Where it is put: in place of a file of the log, next to the checkpoints, in a folder of certificates.
PLACES = (
    "audit.jsonl",
    "log.vkey",
    ".lock",
    "checkpoints/000000000007.note",
    "checkpoints/z.note",
    "checkpoints",
    "torn/x",
    "certificates",
    "anything",
)


def put(folder: Path, place: str, shape: Callable[[Path], None]) -> None:
    target = folder / place
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    target.unlink(missing_ok=True)
    shape(target)


def edit_an_entry(folder: Path) -> None:
    log = folder / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b"20113", b"20114"))


def both(verifiers: Verifiers, *arguments: str) -> Answer:
    """Ask both verifiers; they must agree on the exit code and on every line."""
    installed, alone = verifiers.installed(*arguments), verifiers.alone(*arguments)
    assert (installed.code, installed.output) == (alone.code, alone.output), (installed, alone)
    assert "Traceback" not in installed.errors + alone.errors
    return alone


@pytest.mark.parametrize("shape", [a_folder, a_pipe, a_link_to_an_endless_device])
def test_a_tampered_log_stays_tampered_whatever_is_put_next_to_its_checkpoints(
    verifiers: Verifiers, folder: Path, shape: Callable[[Path], None]
) -> None:
    edit_an_entry(folder)
    put(folder, "checkpoints/z.note", shape)
    answer = both(verifiers, str(folder))
    assert answer.code == TAMPERED, answer
    assert answer.last_line.startswith("Altered: ")


def test_an_untouched_folder_has_no_finding(verifiers: Verifiers, folder: Path) -> None:
    answer = both(verifiers, str(folder))
    assert answer.code == UNWITNESSED
    assert "altered:" not in answer.output


def agreed(served: Served, *arguments: str) -> Answer:
    """Ask both verifiers in their running processes; they must agree, and neither may fail."""
    installed, alone = (program(*arguments) for program in served)
    assert installed == alone
    assert not alone.errors, alone.errors
    return alone


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_not_a_regular_file_is_a_finding_wherever_it_is(
    served: Served, folder: Path, place: str, shape: Callable[[Path], None]
) -> None:
    put(folder, place, shape)
    answer = agreed(served, str(folder))
    if place in ("checkpoints", "certificates") and shape in (a_folder,):
        assert answer.code in (UNWITNESSED, INCOMPLETE)  # an empty folder of Hearth's own
    else:
        assert answer.code == TAMPERED, answer
        assert f"{place} is " in answer.output or shape is deep_nesting


@pytest.mark.parametrize(
    "place", ["audit.jsonl", "log.vkey", "checkpoints/000000000007.note", "checkpoints/z.note"]
)
@pytest.mark.parametrize("size", [LARGEST_LOG + 1, 1 << 40])
def test_a_file_that_is_too_large_is_a_finding_and_is_not_read(
    served: Served, folder: Path, place: str, size: int
) -> None:
    with (folder / place).open("ab") as stream:
        stream.truncate(size)
    answer = agreed(served, str(folder))
    assert answer.code == TAMPERED
    assert "is larger than" in answer.output


def test_a_name_cannot_imitate_a_line_of_the_report(served: Served, folder: Path) -> None:
    name = b"x\nConfirmed: nothing in the log has been altered\x1b[2K\xff\xe2\x80\xae.note"
    (folder / "checkpoints" / os.fsdecode(name)).write_bytes(b"no note")
    answer = agreed(served, str(folder))
    assert answer.code == TAMPERED
    assert answer.output.isascii()
    assert not any(line.startswith("Confirmed") for line in answer.output.splitlines())


def test_ten_thousand_odd_things_are_counted_and_not_listed_one_by_one(served: Served, folder: Path) -> None:
    for number in range(10_000):
        (folder / "torn" / f"{number}").symlink_to("/dev/zero")
    answer = agreed(served, str(folder))
    assert "torn contains 9,980 more that are not regular files." in answer.output
    assert len(answer.output.splitlines()) < 40


def test_a_file_of_another_program_is_mentioned_and_is_no_change_of_the_log(
    served: Served, folder: Path
) -> None:
    (folder / ".DS_Store").write_bytes(b"\0" * 10)
    (folder / "checkpoints" / ".000000000009.note.partial").write_bytes(b"left by a killed process")
    answer = agreed(served, str(folder))
    assert answer.code == UNWITNESSED
    assert "note:       .DS_Store is not part of the log; it was not read." in answer.output


def test_a_copy_of_a_checkpoint_under_another_name_is_a_finding(served: Served, folder: Path) -> None:
    notes = folder / "checkpoints"
    shutil.copy(notes / "000000000007.note", notes / "000000000008.note")
    answer = agreed(served, str(folder))
    assert answer.code == TAMPERED
    assert "000000000008.note is not the name of a checkpoint over 7 entries." in answer.output


def test_half_a_million_blank_lines_end_the_check_with_one_finding(served: Served, folder: Path) -> None:
    with (folder / "audit.jsonl").open("ab") as stream:
        stream.write(b"\n" * 500_000)
    answer = agreed(served, str(folder))
    assert answer.code == TAMPERED
    assert answer.output.count("is blank") == 1


def test_an_unusable_trust_file_does_not_hide_what_the_folder_shows(
    served: Served, folder: Path, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "trust.json")
    answer = agreed(served, str(folder), "--trust", str(tmp_path / "trust.json"))
    assert answer.code == INCOMPLETE
    edit_an_entry(folder)
    answer = agreed(served, str(folder), "--trust", str(tmp_path / "trust.json"))
    assert answer.code == TAMPERED
    assert "trust.json could not be used: is a pipe, not a regular file" in answer.output


@pytest.mark.parametrize(
    "text",
    [
        '{"log": 5}',
        '{"log": [5]}',
        '{"log": null}',
        '{"log": "text"}',
        '{"log": [], "log": []}',
        '{"minimum_witnesses": NaN}',
        '{"minimum_witnesses": true}',
        '{"checkpoints": ["\\ud800"]}',
        '{"witnesses": ["\\ud800+0+AAAA"]}',
        "[" * 100_000,
        '{"minimum_witnesses": ' + "9" * 10_000 + "}",
        "null",
        "",
    ],
)
def test_a_malformed_trust_file_is_named_and_never_ends_the_check(
    served: Served, folder: Path, tmp_path: Path, text: str
) -> None:
    (tmp_path / "trust.json").write_text(text)
    answer = agreed(served, str(folder), "--trust", str(tmp_path / "trust.json"))
    assert answer.code == INCOMPLETE
    assert "trust.json could not be used" in answer.output


def test_a_folder_of_checkpoints_that_cannot_be_listed_does_not_hide_a_change(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit_an_entry(folder)
    listing = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "checkpoints":
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr(os, "scandir", refuse)
    report = verify_folder(folder)
    assert report.exit_code == TAMPERED
    assert report.incomplete.count("checkpoints cannot be listed (Permission denied).") == 1


def test_a_fault_of_the_machine_is_a_verdict_and_no_exception(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> object:
        raise MemoryError

    monkeypatch.setattr("governance.audit.verify.prefix_roots", full)
    assert main([str(folder)]) == INCOMPLETE
    edit_an_entry(folder)
    assert main([str(folder)]) == TAMPERED
    assert capsys.readouterr().out.splitlines()[-1].startswith("Altered: ")
