"""Limits of single columns in the agreement: read, checked against the contract, and within 0 to 1."""

from pathlib import Path

import pytest

from governance.agreement.agreement import read_agreement
from governance.agreement.column_limits import ColumnLimit
from governance.errors import Fault

SAMPLE = Path(__file__).parents[3] / "sample_data" / "sample" / "agreement.toml"


def agreement_with(folder: Path, limits: str) -> Path:
    path = folder / "agreement.toml"
    path.write_text(SAMPLE.read_text("utf-8") + f"\n[datasets.nhs_person.limits]\n{limits}\n", "utf-8")
    return path


def test_limits_of_a_column_are_read(tmp_path: Path) -> None:
    path = agreement_with(tmp_path, "death_date = { invalid = 0.02 }\nsex = { missing = 1 }")
    limits = read_agreement(path).dataset_terms["nhs_person"].limits
    assert limits == {"death_date": ColumnLimit(invalid=0.02), "sex": ColumnLimit(missing=1)}


@pytest.mark.parametrize(
    ("limits", "place"),
    [
        ("shoe_size = { invalid = 0.02 }", "datasets.nhs_person.limits.shoe_size"),
        ("sex = { invalid = 1.01 }", "datasets.nhs_person.limits.sex.invalid"),
        ("sex = { invalit = 0.1 }", "datasets.nhs_person.limits.sex"),
        ("sex = {}", "datasets.nhs_person.limits.sex"),
    ],
)
def test_a_limit_of_no_column_or_out_of_range_is_a_problem(tmp_path: Path, limits: str, place: str) -> None:
    with pytest.raises(Fault) as caught:
        read_agreement(agreement_with(tmp_path, limits))
    assert [finding.where for finding in caught.value.findings] == [place]
