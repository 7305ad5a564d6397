"""Whether those whose status is known differ from the others, and the word that is published for it."""

import pytest

from pipeline.aggregate.coverage import Coverage
from pipeline.aggregate.known_difference import largest_difference, record_known_differences, word_of
from pipeline.aggregate.plan import make_plan
from pipeline.aggregate.stage import known_attributes
from pipeline.publish.files.release_content import sentence_of_known
from schemas.measure import measures
from schemas.table import tables
from tests.unit.aggregate.test_coverage import listed, resident
from tests.unit.household.world import Row, built_world, dwelling

KNOWN_AT_30, UNKNOWN_AT_60 = ("a1", "a2"), ("b1", "b2")


def difference_of(homes: list[Row], people: list[Row], council: list[Row], measure: str) -> float:
    placed = [row | {"dwelling_record_pseudonym": None} for row in council]
    with built_world(homes, people, placed) as connection:
        unit = measures()[measure].unit
        return largest_difference(connection, unit, measures()[measure])


def of_ages(known: tuple[int, int], unknown: tuple[int, int]) -> tuple[list[Row], list[Row], list[Row]]:
    """Four people in one home; the work of the first two is known."""
    ages = dict(zip((*KNOWN_AT_30, *UNKNOWN_AT_60), (*known, *unknown), strict=True))
    people = [resident(name, "home", age) for name, age in ages.items()]
    return [dwelling("home")], people, [listed(name, in_work=True) for name in KNOWN_AT_30]


def test_the_difference_of_ages_is_in_standard_deviations() -> None:
    # means 30 and 40; both variances are 25
    assert difference_of(*of_ages((25, 35), (35, 45)), "adults_in_work") == pytest.approx(2.0)
    assert difference_of(*of_ages((25, 35), (25, 35)), "adults_in_work") == 0.0


def test_the_largest_difference_decides_and_may_be_of_tenure_or_deprivation() -> None:
    homes = [dwelling(name, tenure="owned_outright") for name in "ab"]
    homes += [dwelling(name, tenure="local_authority") for name in "cd"] + [dwelling("e", tenure="mortgage")]
    people = [resident(name, name, 40) for name in "abcde"]
    # known: two owners and a social tenant; unknown: a social tenant and an owner
    council = [listed(name, in_work=False) for name in "abc"]
    share, other = 2 / 3, 1 / 2
    spread = (share * (1 - share) + other * (1 - other)) / 2
    expected = (share - other) / spread**0.5
    assert difference_of(homes, people, council, "adults_in_work") == pytest.approx(expected)


def test_without_unknown_people_there_is_no_difference() -> None:
    homes, people, _ = of_ages((25, 35), (35, 45))
    everyone = [listed(str(row["record_pseudonym"]), in_work=True) for row in people]
    assert difference_of(homes, people, everyone, "adults_in_work") == 0.0


@pytest.mark.parametrize(
    ("difference", "share", "word"),
    [
        (0.09, 0.7, "little"),
        (0.1, 0.7, "somewhat"),
        (0.24, 0.7, "somewhat"),
        (0.25, 0.7, "strongly"),
        (0.25, 0.94, "strongly"),
        (3.0, 0.95, "little"),
    ],
)
def test_the_word_on_each_side_of_its_limits(difference: float, share: float, word: str) -> None:
    assert word_of(difference, share) == word


def test_the_word_is_recorded_only_for_measures_of_a_thousand_or_more() -> None:
    homes, people, council = of_ages((25, 35), (35, 45))
    placed = [row | {"dwelling_record_pseudonym": None} for row in council]
    with built_world(homes, people, placed) as connection:
        connection.execute("CREATE TABLE basis (aspect VARCHAR, name VARCHAR, value VARCHAR)")
        chosen = ("adults_in_work_by_working_age_ill_health",)
        plan = make_plan(tables(), chosen, known_attributes(connection))
        few = {"adults_in_work": Coverage(999, 500)}
        assert record_known_differences(connection, plan, few) == {}
        many = {"adults_in_work": Coverage(1000, 500)}
        assert record_known_differences(connection, plan, many) == {"adults_in_work": "strongly"}
        rows = connection.execute("SELECT * FROM basis").fetchall()
    assert rows == [("known_differ", "adults_in_work", "strongly")]


def test_the_catalogue_names_the_measures_whose_known_differ_strongly() -> None:
    basis = {("known_differ", "adults_in_work"): "strongly", ("known_differ", "damp_homes"): "somewhat"}
    sentence = sentence_of_known(("adults_in_work", "damp_homes"), basis)
    assert measures()["adults_in_work"].title in sentence
    assert measures()["damp_homes"].title not in sentence
    assert sentence_of_known(("damp_homes",), basis) == ""
