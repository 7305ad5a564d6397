"""Coverage: the share of a measure's households or residents whose status is known, and what it decides."""

import pytest

from pipeline.aggregate.coverage import (
    LEAST_PUBLISHED,
    Coverage,
    leave_out_unknown,
    measure_coverage,
    record_coverage,
)
from pipeline.aggregate.plan import NotProduced, Plan, make_plan
from pipeline.aggregate.stage import coverage_facts, known_attributes
from schemas.dimension import dimensions
from schemas.table import tables
from tests.unit.household.world import Row, built_world, dwelling, record

CHOSEN = ("housing_condition", "work", "adults_in_work_by_working_age_ill_health", "low_income_children")


def resident(name: str, home: str, age: int | None, **columns: object) -> Row:
    return record(name, home, age_years=age, long_term_conditions=0, person_name_birth=name, **columns)


def listed(name: str, **columns: object) -> Row:
    return {"record_pseudonym": f"c{name}", "service": "benefits", "person_name_birth": name} | columns


def coverage_of(homes: list[Row], people: list[Row], council: list[Row]) -> dict[str, Coverage]:
    placed = [row | {"dwelling_record_pseudonym": None} for row in council]
    with built_world(homes, people, placed) as connection:
        return measure_coverage(connection, make_plan(tables(), CHOSEN, known_attributes(connection)))


def test_a_home_counts_as_known_only_if_the_status_of_everyone_meant_is() -> None:
    """Of a and b everybody's work is known, of c one's in two, of d no one's; e has no one of working age."""
    people = [
        resident("a1", "a", 30),
        resident("b1", "b", 30),
        resident("b2", "b", 70),
        resident("c1", "c", 30),
        resident("c2", "c", 64),
        resident("d1", "d", 16),
        resident("e1", "e", 15),
        resident("e2", "e", 65),
    ]
    council = [listed("a1", in_work=True), listed("b1", in_work=False), listed("c1", in_work=True)]
    found = coverage_of([dwelling(home) for home in "abcde"], people, council)
    assert found["workless"] == Coverage(included=4, known=2)
    assert found["adults_in_work"] == Coverage(included=5, known=3)


def test_a_home_without_support_is_not_thereby_free_of_fuel_poverty() -> None:
    homes = [
        dwelling("a", council_tax_support=True, epc_rating="F"),
        dwelling("b", council_tax_support=True, epc_rating=None),
        dwelling("c", council_tax_support=False, epc_rating=None),
        dwelling("d", council_tax_support=None, epc_rating="A"),
        dwelling("e", council_tax_support=False, epc_rating="A"),
    ]
    people = [resident(home, home, 40) for home in "abcde"]
    assert coverage_of(homes, people, [])["fuel_poverty"] == Coverage(included=5, known=2)


def test_somebody_who_may_be_meant_is_not_known() -> None:
    people = [resident("a", "a", None), resident("b", "b", 40), resident("c", "c", 80)]
    found = coverage_of([dwelling(home) for home in "abc"], people, [listed("b", in_work=True)])
    assert found["adults_in_work"] == Coverage(included=2, known=1)
    assert found["workless"] == Coverage(included=2, known=1)


@pytest.mark.parametrize(
    ("included", "known", "share"),
    [(3, 2, 0.66), (1000, 699, 0.69), (1000, 700, 0.7), (7, 7, 1.0), (0, 0, 1.0)],
)
def test_the_share_is_rounded_down_to_hundredths(included: int, known: int, share: float) -> None:
    assert Coverage(included, known).share == share


def plan_of(*chosen: str) -> Plan:
    every = frozenset().union(*(_attributes(table) for table in chosen))
    return make_plan(tables(), chosen, every)


def _attributes(table: str) -> frozenset[str]:
    from schemas.dimension import dimensions
    from schemas.measure import attributes_in, measures

    found = tables()[table]
    of_measures = [
        attributes_in(condition)
        for name in found.measures
        for condition in (measures()[name].include, measures()[name].count)
    ]
    return frozenset().union(*of_measures, *(dimensions()[d].attributes for d in found.dimensions))


ENOUGH, LITTLE = Coverage(1000, 700), Coverage(1000, 699)


def test_a_measure_below_the_agreed_share_is_left_out_with_the_reason_and_its_neighbours_stay() -> None:
    plan = plan_of("housing_condition", "work")
    coverage = {"damp_homes": ENOUGH, "overcrowded": ENOUGH, "fuel_poverty": LITTLE, "workless": LITTLE}
    kept = leave_out_unknown(plan, coverage, 0.7)
    assert {table.table_id: table.measures for table in kept.tables} == {
        "housing_condition": ("damp_homes", "overcrowded")
    }
    reason = "the status of {} is known for 69% of those it includes; the agreement's minimum is 70%"
    assert [n for n in kept.not_produced if n.known_share is not None] == [
        NotProduced("housing_condition", "fuel_poverty", reason.format("fuel_poverty"), known_share=0.69),
        NotProduced("work", "workless", reason.format("workless"), known_share=0.69),
    ]
    assert "2 are known of too few households or residents (fuel_poverty 69%, workless 69%)" in (
        kept.not_produced_in_words()
    )
    assert coverage_facts(kept, coverage) == {
        "coverage": {"damp_homes": 0.7, "overcrowded": 0.7},
        "little_known": {"fuel_poverty": 0.69, "workless": 0.69},
    }
    assert leave_out_unknown(plan, coverage, 0.69) == plan


def test_coverage_is_published_only_where_a_hundredth_is_ten_or_more() -> None:
    kept = leave_out_unknown(plan_of("work", "housing_condition"), {"workless": LITTLE}, 0.7)
    few = Coverage(LEAST_PUBLISHED - 1, 1)
    coverage = {"workless": LITTLE, "damp_homes": ENOUGH, "overcrowded": few}
    with built_world([dwelling("a")], [record("r", "a")]) as connection:
        connection.execute("CREATE TABLE basis (aspect VARCHAR, name VARCHAR, value VARCHAR)")
        record_coverage(connection, coverage, kept)
        rows = connection.sql("SELECT * FROM basis ORDER BY ALL").fetchall()
        connection.execute("DELETE FROM basis")
        record_coverage(connection, {"workless": few}, kept)
        unshown = connection.sql("SELECT * FROM basis ORDER BY ALL").fetchall()
    assert rows[:2] == [("coverage", "damp_homes", "0.70"), ("coverage", "workless", "0.69")]
    assert rows[2][:2] == ("not_produced", "workless")
    assert "69%" in rows[2][2]
    assert unshown == [("not_produced", "workless", "its status is known of too few")]


def test_a_measure_left_out_for_its_window_is_recorded_as_one_left_out_for_its_coverage_is() -> None:
    reasons = {"emergency_admissions": "nhs_event ends too early"}
    with built_world([dwelling("a")], [record("r", "a")]) as connection:
        connection.execute("CREATE TABLE basis (aspect VARCHAR, name VARCHAR, value VARCHAR)")
        connection.execute("INSERT INTO basis VALUES ('withheld', 'emergency_admissions', 'too early')")
        chosen = ("health", "attendance_by_child_admitted", "work")
        known = frozenset().union(*(m.attributes for m in dimensions().values())) | {
            "emergency_admissions",
            "long_term_conditions",
            "age_years",
            "is_in_work",
            "residents_16_to_64",
            "is_often_absent",
            "is_pupil",
        }
        plan = make_plan(tables(), chosen, known, withheld=reasons)
        plan = leave_out_unknown(plan, {"workless": LITTLE}, 0.7)
        record_coverage(connection, {"workless": LITTLE}, plan)
        rows = connection.sql("SELECT aspect, name FROM basis ORDER BY ALL").fetchall()
    assert rows == [
        ("coverage", "workless"),
        ("not_produced", "attendance_by_child_admitted"),
        ("not_produced", "emergency_admission"),
        ("not_produced", "workless"),
    ]
