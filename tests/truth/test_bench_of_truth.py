"""The bench of truth itself: its counts by hand on a few homes, and its comparison with a small release."""

from pathlib import Path

import pandas as pd
import pytest

from tests.truth.comparison import compare
from tests.truth.measures import Population, true_counts, true_rates
from tests.truth.rooms import rooms_needed


def person(home: str, age: int, **recorded: object) -> dict[str, object]:
    return {"home": home, "age": age, "in_work": -1, "free_school_meals": -1, "conditions": 0} | recorded


def them() -> Population:
    people = pd.DataFrame(
        [
            person("a", 40, in_work=1),
            person("a", 38, in_work=0),
            person("a", 9, free_school_meals=1),
            person("b", 70, in_work=0),
            person("c", 50, in_work=0, conditions=2),
            person("c", 17),
            person("d", 66),
            person("d", 68),
        ]
    )
    homes = pd.DataFrame(
        {"tax_support": [False, False, True, False], "overcrowded": [True, False, False, False]},
        index=list("abcd"),
    )
    return Population(people, homes)


def test_rates_are_those_counted_by_hand() -> None:
    rates = true_rates(them())
    assert rates["workless"] == pytest.approx(50)  # "c" of "a" and "c"
    assert rates["adults_in_work"] == pytest.approx(25)  # one of four; 17 is of working age
    assert rates["older_person_alone"] == pytest.approx(50)  # "b" of "b" and "d"
    assert rates["low_income_with_children"] == pytest.approx(100)  # "a" by meals, "c" by tax support
    assert rates["deprived_household"] == pytest.approx(50)  # "a" rooms and meals, "c" support and illness
    assert rates["overcrowded"] == pytest.approx(25)


def test_a_measure_that_the_population_does_not_record_is_left_out() -> None:
    assert "damp_homes" not in true_rates(them())


def test_counts_are_of_homes_and_people() -> None:
    assert true_counts(them()) == {"households": 4, "residents": 8, "median_age": 45}


def household(*members: tuple[str, int], couple: tuple[int, ...] = ()) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "home": "H1",
            "is_female": [sex == "F" for sex, _ in members],
            "age": [age for _, age in members],
            "is_couple": [number in couple for number in range(len(members))],
        }
    )


@pytest.mark.parametrize(
    ("members", "couple", "rooms"),
    [
        ((("F", 30),), (), 1),
        ((("F", 30), ("M", 31)), (0, 1), 1),
        ((("F", 30), ("M", 31)), (), 2),
        ((("F", 20), ("M", 22)), (0, 1), 1),
        ((("F", 40), ("F", 10), ("F", 20)), (), 2),
        ((("F", 40), ("F", 10), ("M", 20)), (), 3),
        ((("F", 40), ("F", 12), ("F", 9)), (), 2),
        ((("F", 40), ("F", 12), ("M", 9)), (), 3),
        ((("F", 40), ("F", 9), ("M", 8)), (), 2),
        ((("F", 40), ("M", 41), ("F", 70), ("F", 4), ("M", 6)), (0, 1), 3),
    ],
)
def test_the_bedroom_standard_counts_rooms_by_relationship(
    members: tuple[tuple[str, int], ...], couple: tuple[int, ...], rooms: int
) -> None:
    assert rooms_needed(household(*members, couple=couple)).to_dict() == {"H1": rooms}


def test_the_comparison_states_what_is_published_and_how_far_it_is_off(tmp_path: Path) -> None:
    release = _release(tmp_path, {"workless": 60, "workless_percent": 60.0, "workless_population": 100})
    found = {one.measure: one for one in compare(release, them())}
    assert found["workless"].deviation == pytest.approx(10)
    assert found["workless"].is_within_chance is False
    assert found["overcrowded"].published is None
    assert found["overcrowded"].deviation is None


def _release(folder: Path, values: dict[str, float]) -> Path:
    pd.DataFrame(
        {"area_level": "LAD", "measure": list(values), "value": list(values.values())},
    ).to_parquet(folder / "work.parquet")
    pd.DataFrame({"dimensions": [""], "file": ["work.parquet"]}).to_parquet(folder / "catalogue.parquet")
    pd.DataFrame(
        {"measure": ["workless_percent"], "denominator_measure": ["workless_population"]}
    ).to_parquet(folder / "measure.parquet")
    return folder
