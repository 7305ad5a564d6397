"""Invented or real: the data decide, whatever hearth.toml says, before anything of an extract is written."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from terminal import SampleProject, hearth

pytestmark = pytest.mark.slow

#: Valid NHS numbers of the range that is issued: invented here, but they could be somebody's.
REAL = ("4010232137", "943 476 5919")


def rewrite(path: Path, change: Callable[[int, dict[str, str]], None], delimiter: str = ",") -> None:
    """Change cells of an extract."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter=delimiter)
        names, rows = list(reader.fieldnames or ()), list(reader)
    for number, row in enumerate(rows):
        change(number, row)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, names, delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def one_real(number: str) -> Callable[[int, dict[str, str]], None]:
    def change(place: int, row: dict[str, str]) -> None:
        if place == 3:
            row["nhs_number"] = number

    return change


def without(_: int, row: dict[str, str]) -> None:
    row["nhs_number"] = ""


def refused(project: SampleProject, code: str) -> str:
    ran = project.run()
    assert (ran.code, ran.outcome["status"], ran.outcome["code"]) == (2, "refused", code), ran.err
    written = [path for zone in ("clear", "pseudonymised") for path in (project.workspace / zone).rglob("*")]
    assert [path for path in written if path.is_file()] == []
    assert project.releases() == []
    return ran.err + ran.out


@pytest.mark.parametrize("number", REAL)
def test_one_real_nhs_number_refuses_single_operator_custody(project: SampleProject, number: str) -> None:
    rewrite(project.folder / "nhs_person.csv", one_real(number))
    shown = refused(project, "REAL_NHS_NUMBERS")
    assert "1 NHS number of" in shown
    assert number not in shown
    assert number.replace(" ", "") not in shown


def test_a_real_number_of_an_event_counts_and_so_does_one_that_a_council_alone_would_not_read(
    project: SampleProject,
) -> None:
    rewrite(project.folder / "nhs_condition.csv", one_real(REAL[0]), "\t")
    refused(project, "REAL_NHS_NUMBERS")
    place = ("--config", project.config, "--workspace", project.workspace)
    council = hearth("pseudonymise", "--controller", "council", *place)
    assert (council.code, "REAL_NHS_NUMBERS" in council.err) == (2, True)


def test_people_without_nhs_numbers_are_not_shown_to_be_invented(project: SampleProject) -> None:
    rewrite(project.folder / "nhs_person.csv", without)
    assert "Nothing shows that the people are invented" in refused(project, "INVENTED_NOT_SHOWN")


def test_no_flag_makes_people_invented(project: SampleProject) -> None:
    project.edit("hearth.toml", 'custody = "single-operator"', 'custody = "at-source"')
    ran = project.run()
    found = {finding for finding in ("PRE-05", "PRE-08", "PRE-13") if f"{finding}:" in ran.err + ran.out}
    assert ran.code == 2
    assert found == {"PRE-05", "PRE-08", "PRE-13"}, ran.err


def test_a_new_project_is_for_real_people_and_says_when_one_operator_may_do_everything(
    tmp_path: Path,
) -> None:
    assert hearth("init", tmp_path / "new").code == 0
    text = (tmp_path / "new" / "hearth.toml").read_text("utf-8")
    assert 'custody = "at-source"\n' in text
    assert "\nproduction" not in text
    assert "Only for invented people: every NHS number must be of the" in text
