"""True pairs are for invented people: elsewhere they are refused before anything is read."""

from dataclasses import replace
from pathlib import Path

import pytest

from flows.run.truth import check_truth_is_allowed
from governance.errors import Fault, Refused
from pipeline.context import RunContext
from pipeline.quality.truth_files import read_truth


@pytest.mark.parametrize(
    ("custody", "production", "allowed"),
    [
        ("single-operator", False, True),
        ("single-operator", True, False),
        ("at-source", False, False),
        ("third-party", False, False),
    ],
)
def test_a_truth_of_people_who_may_be_real_is_refused(
    context: RunContext, custody: str, production: bool, allowed: bool
) -> None:
    project = replace(context.project, custody=custody, production=production, truth=Path("truth"))
    check_truth_is_allowed(replace(project, truth=None))
    if allowed:
        check_truth_is_allowed(project)
        return
    with pytest.raises(Refused) as refused:
        check_truth_is_allowed(project)
    assert refused.value.code == "TRUTH_FORBIDDEN"


def test_a_folder_holds_the_truth_of_each_unit(tmp_path: Path) -> None:
    (tmp_path / "residence_pairs.csv").write_text("council_record_id,nhs_record_id\n007,1\n")
    found = read_truth(tmp_path)
    assert list(found) == ["residence"]
    assert found["residence"].to_pylist() == [{"council_record_id": "007", "nhs_record_id": "1"}]


def test_one_file_is_of_households_where_it_names_groups_and_of_both_units_where_it_does_not(
    tmp_path: Path,
) -> None:
    grouped, plain = tmp_path / "grouped.csv", tmp_path / "plain.csv"
    grouped.write_text("council_record_id,nhs_record_id,address_group_id,shared_people\nD1,N1,G1,2\n")
    plain.write_text("council_record_id,nhs_record_id\nD1,N1\n")
    assert list(read_truth(grouped)) == ["households"]
    assert sorted(read_truth(plain)) == ["households", "residence"]


@pytest.mark.parametrize("content", ["a,b\n1,2\n", ""])
def test_another_file_is_no_truth(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.csv").write_text(content)
    for path in (tmp_path / "x.csv", tmp_path):
        with pytest.raises(Fault) as caught:
            read_truth(path)
        assert caught.value.code == "TRUTH_UNREADABLE"


def test_a_truth_that_lacks_a_column_is_told_which(tmp_path: Path) -> None:
    (tmp_path / "household_pairs.csv").write_text("council_record_id,household\nD1,G1\n")
    with pytest.raises(Fault, match=r"household_pairs\.csv .* no column nhs_record_id"):
        read_truth(tmp_path)
