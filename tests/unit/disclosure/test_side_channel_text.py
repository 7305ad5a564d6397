"""What no text of a release or log of a run may have: the nearest that is found and that is not."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.disclosure.attack import side_channel
from pipeline.publish.files.release_table import parquet_bytes

PSEUDONYM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
UPRN, NHS_NUMBER = "100012345678", "9434765919"


@pytest.fixture
def nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {
        "undeclared_files": ["x"],
        "undeclared_metadata_keys": ["y", "z"],
        "statistics_beyond_data": 3,
        "undeclared_columns": ["a", "b", "c", "d"],
    }
    monkeypatch.setattr(side_channel, "inspect_release", lambda folder, outputs: facts)


def attacked(folder: Path, text: str = "", **files: str) -> tuple[dict[str, int], dict[str, Any]]:
    """Attack a folder with a note of that text, and other files in its workspace."""
    release = folder / "workspace" / "releases" / "r1"
    release.mkdir(parents=True, exist_ok=True)
    (release / "note.md").write_text(text)
    for name, content in files.items():
        place = folder / "workspace" / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "log.json").write_text(content)
    outcome = side_channel.attack(SimpleNamespace(folder=release))  # type: ignore[arg-type]
    found = {code: n for code, n in outcome.findings.items() if code.endswith(("_IN_TEXT", "_IN_LOG"))}
    return found, dict(outcome.figures) | {"findings": dict(outcome.findings)}


@pytest.mark.usefixtures("nothing_else")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"see {PSEUDONYM}.", "PSEUDONYM"),
        (f"see {PSEUDONYM}A.", None),
        (f"see {PSEUDONYM[:-1]}.", None),
        (f"see {PSEUDONYM.replace('7', '8')}.", None),
        (f"see {UPRN},", "UPRN"),
        (f"see {UPRN}1,", None),
        (f"see {UPRN[:-1]},", None),
        (f"see {UPRN}.5,", None),
        (f"see a{UPRN},", None),
        (f"see {NHS_NUMBER},", "NHS_NUMBER"),
        (f"see -{NHS_NUMBER},", None),
        ("see /home/ann/x", "PATH"),
        ("/tmp/x", "PATH"),
        ('"/srv/x', "PATH"),
        ("see x/home/ann", None),
        ("see /houses/x", None),
    ],
)
def test_a_text_is_searched_for_what_looks_like_a_person_or_a_machine(
    tmp_path: Path, text: str, code: str | None
) -> None:
    found, figures = attacked(tmp_path, text)
    assert found == ({} if code is None else {f"{code}_IN_TEXT": 1})
    assert figures["files"] == 1


@pytest.mark.usefixtures("nothing_else")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f'{{"a": "{UPRN}", "b": "{NHS_NUMBER}"}}', {"UPRN_IN_LOG": 1, "NHS_NUMBER_IN_LOG": 1}),
        (f"|{UPRN}|{NHS_NUMBER}|", {"UPRN_IN_LOG": 1, "NHS_NUMBER_IN_LOG": 1}),
        (f'{{"a": {UPRN}}}', {}),
        (f"{PSEUDONYM} {PSEUDONYM}", {"PSEUDONYM_IN_LOG": 2}),
        ("/home/ann/x", {}),
    ],
)
def test_what_runs_wrote_is_searched_for_quoted_identifiers(
    tmp_path: Path, text: str, found: dict[str, int]
) -> None:
    none, figures = attacked(tmp_path, runs=text)
    assert (none, figures["files_of_runs"]) == ({}, 0), "without an audit folder it is no workspace"
    for name in ("audit", "runs", "orchestrator"):
        here = tmp_path / name
        assert attacked(here, **{"audit": "", name: text})[0] == found
    assert attacked(tmp_path / "more", audit="", linkage=text)[0] == {}


@pytest.mark.usefixtures("nothing_else")
def test_what_the_inspection_of_the_files_found_is_counted(tmp_path: Path) -> None:
    _, figures = attacked(tmp_path)
    assert figures["findings"] == {
        "UNDECLARED_FILE": 1,
        "UNDECLARED_METADATA": 2,
        "STATISTICS_BEYOND_ROWS": 3,
        "UNDECLARED_COLUMN": 4,
    }


@pytest.mark.usefixtures("nothing_else")
def test_texts_of_a_table_are_searched_and_its_digests_are_not(tmp_path: Path) -> None:
    release = tmp_path / "workspace" / "releases" / "r1"
    release.mkdir(parents=True)
    table = pa.table({"name": ["a", UPRN, UPRN], "sha256": [PSEUDONYM] * 3, "n": [1, 2, int(NHS_NUMBER)]})
    (release / "t.parquet").write_bytes(parquet_bytes(table))
    found, figures = attacked(tmp_path)
    assert found == {"UPRN_IN_TEXT": 1}
    assert "BYTES_BEYOND_ROWS" not in figures["findings"]
    pq.write_table(table, release / "t.parquet", row_group_size=1)
    assert attacked(tmp_path)[1]["findings"]["BYTES_BEYOND_ROWS"] == 1
