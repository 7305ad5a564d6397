"""Published figures of other areas next to a release's own, with both definitions."""

import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from governance.errors import Fault
from pipeline.findings.all_findings import find_all
from pipeline.findings.benchmark import COLUMNS, read_benchmark
from pipeline.findings.report import report_findings
from tests.unit.findings.conftest import MakeRelease, cell, rate_cells

#: measure (and dimension) -> the characteristic of the Census table, and which of its categories are counted.
COUNTED = {
    "overcrowded": ("occupancy_rating", {"-1", "-2 or less"}),
    "deprived_household": ("household_deprivation_dimensions", {"2", "3", "4"}),
    "hidden_deprivation": ("household_deprivation_dimensions", {"2", "3", "4"}),
}
SHARES = {
    "tenure": (
        "tenure",
        {
            "owned": {"owned_outright", "mortgage", "shared_ownership"},
            "social_rented": {"local_authority", "housing_association"},
            "private_rented": {"private_rented", "rent_free"},
        },
    ),
    "overcrowding": (
        "occupancy_rating",
        {
            "overcrowded": {"-1", "-2 or less"},
            "at_standard": {"0"},
            "under_occupied": {"+1", "+2 or more"},
        },
    ),
    "property_type": (
        "property_type",
        {
            "house": {"detached", "semi_detached", "terraced"},
            "flat": {"flat_purpose_built", "flat_converted", "flat_commercial"},
            "other": {"caravan"},
        },
    ),
    "ethnic_group": (
        "ethnic_group",
        {name: {name} for name in ("asian", "black", "mixed", "white", "other")},
    ),
}
DECILES = {
    "": lambda category: range(1, 11),
    "imd_decile": lambda category: [int(category)],
    "imd_quintile": lambda category: [2 * int(category) - 1, 2 * int(category)],
    "area_deprivation": lambda category: range(1, 4) if category.startswith("most") else range(4, 11),
}


def census() -> pd.DataFrame:
    with (files("schemas") / "codes" / "england_by_imd2025_decile.csv").open("rb") as source:
        return pd.read_csv(source)


def expected_counts(row: dict[str, str]) -> tuple[int, int]:
    """Return numerator and denominator of a benchmark row, straight from the Census table."""
    if row["measure"] in COUNTED:
        characteristic, counted = COUNTED[row["measure"]]
        deciles = DECILES[row["dimension"]](row["category"])
    else:
        characteristic, categories = SHARES[row["dimension"]]
        counted, deciles = categories[row["category"]], range(1, 11)
    if row["measure"] == "hidden_deprivation":
        deciles = range(4, 11)
    table = census()
    chosen = table[(table["characteristic"] == characteristic) & table["imd_decile"].isin(deciles)]
    return int(chosen.loc[chosen["category"].isin(counted), "count"].sum()), int(chosen["count"].sum())


def test_every_count_of_the_english_benchmark_is_what_the_census_table_adds_up_to() -> None:
    rows = read_benchmark()
    counted = rows[rows["numerator"].notna()]
    assert len(counted) > 45
    for row in counted.to_dict("records"):
        assert (row["numerator"], row["denominator"]) == expected_counts(row), row


def test_the_english_benchmark_agrees_with_the_published_percentages() -> None:
    """Census 2021: overcrowded 4.4%, two or more dimensions of deprivation 18.1%, White 81.0%."""
    known = read_benchmark().set_index(["measure", "dimension", "category"])["percent"].round(1)
    assert known["overcrowded", "", ""] == 4.4
    assert [known["overcrowded", "imd_decile", d] for d in ("1", "5", "10")] == [8.5, 4.0, 1.1]
    assert known["deprived_household", "", ""] == 18.1
    assert known["residents", "ethnic_group", "white"] == 81.0
    assert known["households", "tenure", "social_rented"] == 17.1


def test_a_figure_of_another_definition_is_shown_without_a_verdict(make_release: MakeRelease) -> None:
    release = make_release(
        {
            "deprivation": rate_cells("deprived_household", 200, 1000),
            "housing_condition": rate_cells("overcrowded", 100, 1000),
        }
    )
    found = find_all(release)
    shown = found.benchmarks.set_index("measure")
    assert shown.loc["deprived_household", "benchmark_percent"] == pytest.approx(18.1, abs=0.05)
    assert shown["is_comparable"].to_dict() == {"deprived_household": False, "overcrowded": True}
    assert shown["against_benchmark"].to_dict() == {
        "deprived_household": "not compared",
        "overcrowded": "worse",
    }
    assert "employment, education" in shown.loc["deprived_household", "definition"]
    assert "administrative sources" in shown.loc["deprived_household", "definition_here"]
    page = report_findings(found)
    assert "England 18.1 | another definition |" in page
    assert "England 18.1: another definition" in page
    assert "England 4.4: worse" in page


def test_the_shares_of_a_profile_are_of_those_whose_category_is_known(make_release: MakeRelease) -> None:
    counts = {"owned": 600, "social_rented": 250, "private_rented": 150, "unknown": 40}
    cells = [cell("households", n, tenure=t) for t, n in counts.items()]
    found = find_all(make_release({"health_by_tenure": cells}))
    profile = found.profile.set_index("category_1")
    assert list(profile.index) == ["owned", "social_rented", "private_rented"]  # as the dimension has them
    assert profile["percent"].to_dict() == {"owned": 60, "social_rented": 25, "private_rented": 15}
    assert profile["against_benchmark"].to_dict() == {
        "owned": "similar",
        "social_rented": "higher",
        "private_rented": "lower",
    }
    assert (profile["protection_margin"] > 0).all()
    assert "Tenure: social rented" in report_findings(found)


def test_a_profile_with_a_hidden_category_has_no_shares(make_release: MakeRelease) -> None:
    cells = [cell("households", n, tenure=t) for t, n in (("owned", 600), ("social_rented", None))]
    assert find_all(make_release({"health_by_tenure": cells})).profile["percent"].isna().all()


def test_what_a_share_may_have_been_moved_by_covers_noise_and_rounding(make_release: MakeRelease) -> None:
    rng = np.random.default_rng(8)
    share = np.array([153, 458, 885, 1104, 885, 458, 153]) / 4096
    true = np.array([60, 25, 15]) * 4
    held = 0
    for _ in range(100):
        shown = 5 * np.round((true + rng.choice(np.arange(-3, 4), 3, p=share)) / 5)
        cells = [
            cell("households", float(n), tenure=t)
            for t, n in zip(("owned", "social_rented", "private_rented"), shown, strict=True)
        ]
        profile = find_all(make_release({"health_by_tenure": cells})).profile.set_index("category_1")
        held += abs(profile.loc["owned", "percent"] - 60) <= profile.loc["owned", "protection_margin"]
    assert held >= 90


def rows_of(tmp_path: Path, text: str, head: str = ",".join(COLUMNS)) -> Path:
    path = tmp_path / "b.csv"
    path.write_text(f"{head}\n{text}\n")
    return path


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("nothing,,,1,2,E,2021,s", "line 2: the measure is not registered"),
        ("overcrowded,colour,red,1,2,E,2021,s", "line 2: the dimension is not registered"),
        ("overcrowded,tenure,red,1,2,E,2021,s", "line 2: the category is not one of the dimension"),
        ("overcrowded,tenure,,1,2,E,2021,s", "fill in both dimension and category, or neither"),
        ("overcrowded,,,3,2,E,2021,s", "must be above zero and below the denominator"),
        ("overcrowded,,,many,2,E,2021,s", "must be numbers"),
        ("overcrowded,,,1,,E,2021,s", "must be numbers"),
        ("overcrowded,,,,,E,2021,s", "numerator and denominator, or percent"),
        ("households,,,1,2,E,2021,s", "needs a dimension and a category"),
        ("overcrowded,,,1,2,E,2021,s\novercrowded,,,1,2,E,2021,s", "appears twice for one category"),
    ],
)
def test_a_mistake_in_a_benchmark_is_named_by_its_line(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(Fault, match=message):
        read_benchmark(rows_of(tmp_path, row))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("overcrowded,,,1,2,E,2021,s,50,yes", "and not both"),
        ("overcrowded,,,,,E,2021,s,100,yes", "below the denominator"),
        ("overcrowded,,,,,E,2021,s,some,yes", "must be numbers"),
        ("overcrowded,,,1,2,E,2021,s,,perhaps", "comparable is yes or no"),
    ],
)
def test_a_mistake_in_the_columns_that_may_be_left_out_is_named(
    tmp_path: Path, row: str, message: str
) -> None:
    head = ",".join((*COLUMNS, "percent", "comparable"))
    with pytest.raises(Fault, match=message):
        read_benchmark(rows_of(tmp_path, row, head))


def test_a_benchmark_without_its_columns_or_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="column numerator is missing"):
        read_benchmark(rows_of(tmp_path, "overcrowded,4", "measure,percent"))
    with pytest.raises(Fault, match="cannot be read"):
        read_benchmark(tmp_path / "none.csv")


def test_a_file_of_the_form_before_is_comparable_and_the_example_in_the_form_can_be_read(
    tmp_path: Path,
) -> None:
    (old,) = read_benchmark(rows_of(tmp_path, "overcrowded,,,1,4,E,2021,s")).to_dict("records")
    assert (old["percent"], old["is_comparable"], old["definition"]) == (25, True, "")
    form = (files("schemas") / "benchmarks" / "README.md").read_text("utf-8")
    (example,) = re.findall(r"```csv\n(.*?)```", form, re.DOTALL)
    (tmp_path / "e.csv").write_text(example)
    read = read_benchmark(tmp_path / "e.csv").set_index("measure")
    assert read["is_comparable"].to_dict() == {
        "overcrowded": True,
        "residents_with_multiple_conditions": False,
    }
    assert read.loc["residents_with_multiple_conditions", "percent"] == 24
