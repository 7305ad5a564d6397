from pathlib import Path

import pytest

from governance.errors import Fault
from pipeline.project import read_project

GOOD = """
[project]
name = "sample"
custody = "single-operator"
reference_date = 2026-03-31

[extracts.council_property]
path = "council.csv"
columns = { record_id = "id" }
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "hearth.toml"
    path.write_text(text)
    return path


def test_paths_are_taken_from_the_folder_of_the_file(tmp_path: Path) -> None:
    project = read_project(written(tmp_path, GOOD))
    assert project.extracts["council_property"].path == tmp_path / "council.csv"
    assert project.workspace == tmp_path / "workspace"
    assert project.custody == "single-operator"


def test_custody_is_at_source_unless_it_is_said(tmp_path: Path) -> None:
    assert (
        read_project(written(tmp_path, GOOD.replace('custody = "single-operator"', ""))).custody
        == "at-source"
    )


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    bad = GOOD.replace("2026-03-31", '"soon"').replace("columns", "colums").replace("single-op", "any-op")
    with pytest.raises(Fault) as raised:
        read_project(written(tmp_path, bad + "\n[enginee]\nthreads = 2\n"))
    assert sorted(finding.where for finding in raised.value.findings) == [
        "[extracts.council_property]",
        "[project] custody",
        "[project] reference_date",
        "hearth.toml",
    ]


@pytest.mark.parametrize(
    ("text", "code"), [("[project", "CONFIG_SYNTAX"), ("", "CONFIG_INVALID"), (None, "CONFIG_UNREADABLE")]
)
def test_a_file_that_cannot_be_used_is_a_fault(tmp_path: Path, text: str | None, code: str) -> None:
    path = tmp_path / "hearth.toml" if text is None else written(tmp_path, text)
    with pytest.raises(Fault, match=code):
        read_project(path)
