"""What a run can count: the tables, measures and means that its extracts fill, and what is left out."""

import pytest

from pipeline.aggregate.cap_sensitivity import check_looser
from pipeline.aggregate.cube import Family, families_of
from pipeline.aggregate.plan import Plan, make_plan
from pipeline.aggregate.stage import known_attributes
from pipeline.household.definition import ALTERNATIVE_CAPS, CAPS, Caps
from schemas.attribute import household_attributes, resident_attributes
from schemas.condition import attributes_in
from schemas.measure import measures
from schemas.table import Table, tables
from tests.unit.household.world import built_world, dwelling, record

EVERYTHING = (
    frozenset(household_attributes()) | {a.name for a in resident_attributes()} | {"age_years", "sex"}
)


def plan_without(*absent: str, agreed: tuple[str, ...] = tuple(tables())) -> Plan:
    return make_plan(tables(), agreed, plan_known() - set(absent))


def plan_known() -> frozenset[str]:
    return frozenset().union(
        EVERYTHING, *(_attributes(name) for t in tables().values() for name in t.measures)
    )


def _attributes(name: str) -> frozenset[str]:
    return attributes_in(measures()[name].include) | attributes_in(measures()[name].count)


def test_only_agreed_tables_are_counted_and_the_others_are_listed_whole() -> None:
    plan = plan_without(agreed=("health", "resident_health"))
    assert {table.table_id for table in plan.tables} == {"health", "resident_health"}
    left_out = {(n.table_id, n.measure) for n in plan.not_produced}
    assert left_out == {(name, None) for name in tables()} - {("health", None), ("resident_health", None)}


def test_a_table_whose_dimension_no_extract_fills_is_left_out_and_its_attribute_named() -> None:
    plan = plan_without("tenure", agreed=("health", "health_by_tenure"))
    assert [table.table_id for table in plan.tables] == ["health"]
    (reason,) = (n.reason for n in plan.not_produced if n.table_id == "health_by_tenure")
    assert "tenure" in reason


def test_a_measure_whose_attribute_no_extract_fills_is_left_out_of_its_table_alone() -> None:
    plan = plan_without("emergency_admissions", agreed=("health",))
    (table,) = plan.tables
    assert "emergency_admission" not in table.measures
    assert "households" in table.measures
    assert [n.measure for n in plan.not_produced if n.measure == "emergency_admission"] == [
        "emergency_admission"
    ]


def test_a_mean_is_kept_only_with_the_count_that_it_is_taken_among() -> None:
    agreed = ("older_resident_conditions",)
    whole = plan_without(agreed=agreed)
    assert whole.tables[0].magnitudes == tables()["older_resident_conditions"].magnitudes
    assert whole.amounts_of("resident") == ("long_term_conditions",)
    assert whole.amounts_of("household") == ()
    assert plan_without("age_years", agreed=agreed).tables == ()


def test_a_plan_lists_measures_breakdowns_and_units_that_some_table_needs() -> None:
    plan = plan_without(agreed=("health", "health_by_tenure", "resident_health"))
    assert plan.units == ("household", "resident")
    assert plan.breakdowns_of("household") == ((), ("tenure",))
    assert plan.breakdowns_of("resident") == ((),)
    names = [m.name for m in plan.measures_of("household")]
    assert names == sorted(set(tables()["health"].measures) | set(tables()["health_by_tenure"].measures))
    assert plan_without(agreed=("health",)).units == ("household",)


def test_measures_of_the_same_breakdowns_are_counted_together() -> None:
    def table(name: str, chosen: tuple[str, ...], *dims: str, unit: str = "household") -> Table:
        return Table(name, name, unit, chosen, dims, ("LAD",), (), False, ())

    chosen = (
        table("one", ("a", "b")),
        table("two", ("a", "b"), "tenure"),
        table("three", ("c",), "epc"),
        table("other", ("d",), unit="resident"),
    )
    found = families_of(chosen, "household")
    assert found == (
        Family("household", ("a", "b"), ((), ("tenure",))),
        Family("household", ("c",), (("epc",),)),
    )


def test_a_breakdown_is_known_by_the_dimensions_that_it_sums_over() -> None:
    family = Family("household", ("a",), ((), ("tenure",), ("epc", "tenure")))
    assert family.dimensions == ("epc", "tenure")
    assert [family.grouping(b) for b in family.breakdowns] == [3, 2, 0]
    assert Family("household", ("a",), ((), ("epc",), ("tenure",))).grouping(("epc",)) == 1


@pytest.mark.parametrize(
    ("residents", "older", "is_looser"),
    [(10, 4, True), (9, 4, False), (10, 3, False), (11, 5, True), (9, 3, False)],
)
def test_caps_stricter_than_those_in_force_are_refused(residents: int, older: int, is_looser: bool) -> None:
    assert (CAPS.maximum_residents, CAPS.maximum_older_residents, CAPS.older_age) == (10, 4, 67)
    caps = Caps("other", residents, older)
    if is_looser:
        check_looser(caps)
        return
    with pytest.raises(ValueError, match="other"):
        check_looser(caps)


def test_the_caps_compared_with_are_those_of_the_definition() -> None:
    assert {c.name: (c.maximum_residents, c.maximum_older_residents) for c in ALTERNATIVE_CAPS} == {
        "up_to_12": (12, 4),
        "without_older_rule": (10, 10),
        "without_caps": (1_000_000, 1_000_000),
    }


def test_an_attribute_is_known_of_someone_or_of_everyone_in_a_household() -> None:
    homes = [dwelling("a", tenure="mortgage", bedrooms=2), dwelling("b", bedrooms=1), dwelling("crowd")]
    rows = [record("ra", "a"), record("rb", "b", age_years=None)]
    rows += [record(f"c{n}", "crowd", ethnic_category="A") for n in range(11)]
    with built_world(homes, rows) as connection:
        somebody = known_attributes(connection)
        everyone = known_attributes(connection, of_everyone=True)
    assert {"tenure", "bedrooms", "age_years"} <= somebody
    assert "ethnic_group" not in somebody, "a dwelling too large to be a household counts for nothing"
    assert "bedrooms" in everyone
    assert not {"tenure", "age_years"} & everyone


def test_a_measure_whose_window_is_not_covered_is_left_out_with_the_reason_and_never_counted() -> None:
    reason = "nhs_event covers 2024-04-01 to 2026-03-31, which ends before the reference date"
    withheld = {"emergency_admissions": reason}
    plan = make_plan({"health": tables()["health"]}, ("health",), plan_known(), frozenset(), withheld)
    (table,) = plan.tables
    assert "emergency_admission" not in table.measures
    (left_out,) = (n for n in plan.not_produced if n.measure == "emergency_admission")
    assert (left_out.reason, left_out.uncovered, left_out.missing) == (reason, ("emergency_admissions",), ())
    assert "a period that your extracts do not cover (emergency_admissions)" in plan.not_produced_in_words()
