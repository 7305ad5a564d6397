"""`hearth assign-uprn` as an operator types it: columns of hearth.toml, figures that add up, its help."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from flows.commands.controller.assign_uprn import summary_sentences
from governance.errors import HearthError
from pipeline.engine.spill_volume import volume_of

from .conftest import LIST, Answer, Desk

ONE = "100000000001"
CONFIG = """
[project]
custody = "single-operator"
production = {production}
reference_date = 2026-03-31
[extracts.nhs_person]
path = "people.csv"
delimiter = "|"
[extracts.nhs_person.columns]
record_id = "patient"
uprn = "u"
address_line_1 = "line"
"""
PEOPLE = f"patient|u|line|postcode\nr1||A|M33 1AA\nr2|{ONE}|A|M33 1AA\nr3|0|A|M33 1AA\nr4||B|M33 1AA\n"


@pytest.fixture
def project(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk.put("list.csv", LIST)
    desk.put("people.csv", PEOPLE)
    desk.put("hearth.toml", CONFIG.format(production="false"))
    desk.answers["A"] = Answer(ONE, "exact: full match")
    monkeypatch.chdir(desk.folder)
    return desk


def _assign(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["assign-uprn", "--address-list", "list.csv", "--out", "out", *arguments])


def test_columns_and_dialect_are_those_of_hearth_toml(project: Desk) -> None:
    assert _assign("--config", "hearth.toml").exit_code == 0
    assert (project.out / "people.csv").read_text() == PEOPLE.replace("r1||", f"r1|{ONE}|")


def test_what_is_told_accounts_for_every_record(project: Desk) -> None:
    shown = _assign().output
    assert "4 records: 1 with a UPRN, 3 without (1 of these have an invalid UPRN)." in shown
    assert "Assigned: 1 of 3 (exact 1)." in shown
    assert "Not assigned: 2 (NO_CANDIDATE 1, UNUSABLE_KEPT 1)." in shown
    assert (
        "Supplied UPRNs: the address list confirms 1 and contradicts 0 (0 of these were replaced); "
        "0 could not be checked, "
    ) in shown


def test_json_is_the_summary_that_is_written(project: Desk) -> None:
    shown = _assign("--json").stdout
    summary = json.loads(shown.splitlines()[-1])
    assert summary == json.loads((project.out / "summary.json").read_text())
    assert summary["thresholds"] == {"match_weight": 15.0, "distinguishability": 5.0}
    assert len(summary_sentences(summary)) == 4


def test_nothing_that_is_told_or_summed_up_holds_a_value(project: Desk) -> None:
    everything = _assign().output + (project.out / "summary.json").read_text()
    assert [value for value in (ONE, "HIGH STREET", "M33", "r1") if value in everything] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--config", "hearth.toml", "--extract", "people.csv"], "ASSIGN_WHICH_EXTRACT"),
        (["--table", "council_person"], "ASSIGN_WHICH_EXTRACT"),
        (["--address", "line"], "ASSIGN_WHICH_COLUMNS"),
        (["--extract", "people.csv"], "ASSIGN_COLUMN_MISSING"),
        (["--extract", "summary.json"], "ASSIGN_FILE_NAME"),
    ],
)
def test_a_question_that_cannot_be_answered_is_told(project: Desk, arguments: list[str], code: str) -> None:
    failed = _assign(*arguments).exception
    assert isinstance(failed, HearthError)
    assert failed.code == code
    assert not project.out.exists()


def test_in_production_the_folder_must_be_on_a_protected_volume(project: Desk) -> None:
    if volume_of(project.folder) != "plain":
        pytest.skip("temporary files lie on a protected volume here")
    project.put("hearth.toml", CONFIG.format(production="true"))
    failed = _assign().exception
    assert isinstance(failed, HearthError)
    assert (failed.code, failed.exit_code) == ("SPILL_NOT_PROTECTED", 2)


def test_the_help_has_an_example_of_each_way_and_the_defaults() -> None:
    shown = CliRunner().invoke(app, ["assign-uprn", "--help"], env={"COLUMNS": "200"}).output
    for part in ("make assign-uprn-environment", "--config sample_data/sample/hearth.toml", "--extract"):
        assert part in shown
    assert "default: 15.0" in shown
    assert "default: never" in shown


def test_the_sample_project_has_the_list_that_the_help_names() -> None:
    assert (Path(__file__).resolve().parents[3] / "sample_data" / "sample" / "address_list.csv.gz").is_file()
