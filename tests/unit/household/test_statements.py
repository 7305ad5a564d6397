"""Each statement of household/v3 on a small world: every figure, on each side of its boundaries."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import duckdb
import pytest

from pipeline.engine.statements import Statements
from pipeline.household.definition import RULE_ORDER
from schemas.code_list import load_code_list
from tests.unit.household.world import (
    LSOA,
    OTHER_LSOA,
    Row,
    built_world,
    dwelling,
    households_of,
    record,
)

DAY = date(2026, 3, 31)


def rows_of(connection: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    found: list[Row] = connection.sql(query).to_arrow_table().to_pylist()
    return found


def people(home: str, *ages: int | None, **columns: Any) -> list[Row]:
    """Residents of a home, one of each age."""
    return [record(f"{home}-{n}", home, age_years=age, **columns) for n, age in enumerate(ages)]


@contextmanager
def street(homes: dict[str, list[Row]], **columns: dict[str, Any]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A world of dwellings with their residents; columns: of a dwelling, by its name."""
    dwellings = [dwelling(name, **columns.get(name, {})) for name in homes]
    with built_world(dwellings, [row for rows in homes.values() for row in rows]) as connection:
        yield connection


def test_residents_are_counted_by_age_on_each_side_of_every_boundary() -> None:
    ages = {"a": (4, 5), "b": (15, 16), "c": (64, 65), "d": (67, 68), "e": (None, 40)}
    with street({home: people(home, *years) for home, years in ages.items()}) as connection:
        found = rows_of(
            connection,
            "SELECT household_pseudonym AS home, residents_0_to_4 AS infants, residents_5_to_15 AS children, "
            "residents_16_to_64 AS adults, residents_65_and_over AS old, residents_over_67 AS older, "
            "residents_of_unknown_age AS unknown FROM composition ORDER BY ALL",
        )
    names = ("home", "infants", "children", "adults", "old", "older", "unknown")
    assert [tuple(row[name] for name in names) for row in found] == [
        ("a", 1, 1, 0, 0, 0, 0),
        ("b", 0, 1, 1, 0, 0, 0),
        ("c", 0, 0, 1, 1, 0, 0),
        ("d", 0, 0, 0, 2, 1, 0),
        ("e", 0, 0, 1, 0, 0, 1),
    ]


@pytest.mark.parametrize(
    ("ages", "dependants", "adults"),
    [
        ((15, 15), 2, 0),
        ((16, 31), 0, 2),
        ((16, 32), 1, 1),
        ((18, 34), 1, 1),
        ((18, 33), 0, 2),
        ((19, 50), 0, 2),
        ((15, 16), 1, 1),
    ],
)
def test_a_dependant_is_under_16_or_at_most_18_with_somebody_16_years_older(
    ages: tuple[int, ...], dependants: int, adults: int
) -> None:
    with street({"home": people("home", *ages)}) as connection:
        assert connection.sql("SELECT dependants, adults FROM composition").fetchall() == [
            (dependants, adults)
        ]


@pytest.mark.parametrize(
    ("ages", "composition"),
    [
        ((49, 33, 17), "multi_generation"),
        ((49, 33, 18), "other"),
        ((48, 33, 17), "couple_with_children"),
        ((49, 32, 17), "other"),
        ((40, 24), "other"),
        ((40, 25), "couple_without_children"),
        ((40, 25, 9), "couple_with_children"),
        ((40, 24, 3), "multi_generation"),
        ((39, 24, 3), "couple_with_children"),
        ((60, 40, 20), "other"),
        ((40, 10, 5), "lone_parent"),
        ((15,), "one_person_under_65"),
        ((15, 14), "other"),
    ],
)
def test_generations_and_couples_are_16_years_apart(ages: tuple[int, ...], composition: str) -> None:
    with street({"home": people("home", *ages)}) as connection:
        assert connection.sql("SELECT composition FROM composition").fetchall() == [(composition,)]


@pytest.mark.parametrize(
    ("residents", "bedrooms"),
    [
        ([(50, "1"), (36, "2"), (22, "1")], 2),
        ([(50, "1"), (34, "2"), (22, "1")], 3),
        ([(50, "1"), (35, "2"), (22, "1")], 2),
        ([(49, "1"), (36, "2"), (50, "1")], 2),
        ([(60, "X"), (50, "1"), (40, "2")], 2),
        ([(50, "2"), (36, "1"), (22, "1")], 2),
        ([(20, "1"), (18, "2")], 1),
        ([(21, "1"), (20, "2")], 1),
        ([(21, "1"), (20, "1")], 2),
        ([(21, "1"), (21, "2")], 1),
        ([(40, "1"), (20, "X"), (20, None)], None),
        ([(40, "1"), (10, "1"), (9, "1")], 2),
        ([(40, "1"), (10, "2"), (9, "2")], 2),
        ([(40, "1"), (10, "1"), (9, "2")], 3),
        ([(40, "1"), (10, "2"), (9, "1")], 3),
        ([(40, "1"), (20, "1"), (10, "1")], 2),
        ([(40, "1"), (20, "2"), (10, "2")], 2),
        ([(40, "1"), (21, "2"), (10, "2")], 3),
        # a grandmother does not break the couple, and grandparents are one too
        ([(70, "2"), (41, "1"), (38, "2"), (8, "1")], 3),
        ([(70, "2"), (72, "1"), (41, "1"), (38, "2"), (8, "1")], 3),
        # grown children are not each other's couple, unless they could be the parents of a child
        ([(60, "2"), (30, "1"), (28, "2")], 3),
        ([(60, "2"), (30, "1"), (28, "2"), (3, "1")], 3),
        ([(60, "2"), (30, "1"), (28, "2"), (15, "1")], 4),
        ([(60, "1"), (58, "2"), (30, "1"), (28, "2")], 3),
        # 16 years apart is no couple; with a child, two women are
        ([(40, "1"), (25, "2"), (1, "1")], 2),
        ([(40, "1"), (24, "2"), (1, "1")], 3),
        ([(40, "2"), (38, "2"), (8, "1")], 2),
        ([(40, "2"), (38, "2")], 2),
        ([(40, "2"), (38, "2"), (36, "2"), (8, "1")], 4),
        # a partner under 21 is not left to share with a teenager
        ([(30, "1"), (20, "2"), (12, "2")], 2),
        ([(19, "1"), (18, "2"), (0, "1")], 2),
    ],
)
def test_bedrooms_pair_couples_teenagers_of_one_sex_and_children(
    residents: list[tuple[int, str | None]], bedrooms: int | None
) -> None:
    rows = [record(f"r{n}", "home", age_years=age, sex=sex) for n, (age, sex) in enumerate(residents)]
    with street({"home": rows}) as connection:
        assert connection.sql("SELECT bedrooms_required FROM composition").fetchall() == [(bedrooms,)]


@pytest.mark.parametrize(
    ("residents", "bedrooms"),
    [
        ([(40, None)], 1),
        ([(40, "1"), (38, None)], None),
        ([(40, "1"), (20, None)], 2),
        ([(40, "1"), (5, None), (5, "1")], 2),
        ([(40, "1"), (12, "1"), (5, None)], None),
        ([(40, "1"), (12, "1"), (11, None)], None),
        ([(40, "1"), (12, "1"), (12, "2"), (11, None)], 3),
    ],
)
def test_a_sex_that_is_not_known_leaves_bedrooms_unknown_only_where_it_matters(
    residents: list[tuple[int, str | None]], bedrooms: int | None
) -> None:
    rows = [record(f"r{n}", "home", age_years=age, sex=sex) for n, (age, sex) in enumerate(residents)]
    with street({"home": rows}) as connection:
        assert connection.sql("SELECT bedrooms_required FROM composition").fetchall() == [(bedrooms,)]


def test_residents_of_a_house_in_multiple_occupation_are_not_taken_for_couples() -> None:
    homes = {name: [record(f"{name}1", name), record(f"{name}2", name, sex="2")] for name in "abc"}
    with street(homes, a={"is_hmo": True}, b={"blpu_class": "RH01"}, c={"is_hmo": False}) as connection:
        found = connection.sql(
            "SELECT household_pseudonym, bedrooms_required FROM composition ORDER BY ALL"
        ).fetchall()
    assert found == [("a", 2), ("b", 2), ("c", 1)]


def test_age_bands_are_of_five_years_and_end_at_ninety() -> None:
    ages = (0, 4, 5, 9, 10, 89, 90, 101, None)
    with street({f"h{n}": people(f"h{n}", age) for n, age in enumerate(ages)}) as connection:
        found = dict(connection.sql("SELECT age_years, age_band FROM household_member").fetchall())
    assert found == {
        0: "00-04", 4: "00-04", 5: "05-09", 9: "05-09", 10: "10-14",
        89: "85-89", 90: "90+", 101: "90+", None: None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("start", "moved"), [(date(2025, 4, 1), True), (date(2025, 3, 31), False), (None, None), (DAY, True)]
)
def test_a_mover_started_within_the_twelve_months_to_the_reference_date(
    start: date | None, moved: bool | None
) -> None:
    with street({"home": people("home", 40, address_start=start)}) as connection:
        assert connection.sql("SELECT moved_in_last_year FROM household_member").fetchall() == [(moved,)]
        assert connection.sql("SELECT has_recent_mover FROM household").fetchall() == [(moved,)]


def test_a_dwelling_keeps_its_anchor_area_and_what_the_council_records() -> None:
    homes = {name: people(name, 40) for name in ("plain", "hmo", "class", "rare")}
    with street(
        homes,
        plain={"uprn_pseudonym": "u1", "bedrooms": 3, "is_hmo": False, "blpu_class": "RD06"},
        hmo={"is_hmo": True, "lsoa21": OTHER_LSOA},
        rare={"blpu_class": "X", "is_hmo": None},
    ) as connection:
        found = {row["household_pseudonym"]: row for row in rows_of(connection, "SELECT * FROM household")}
    assert found["plain"]["dwelling_anchor"] == "u1"
    assert found["hmo"]["dwelling_anchor"] == "hmo"
    assert [found[name]["is_hmo"] for name in ("plain", "hmo", "rare")] == [False, True, None]
    assert (found["plain"]["imd_decile"], found["plain"]["imd_quintile"], found["plain"]["aqma"]) == (
        2, 1, True,
    )  # fmt: skip
    assert (found["hmo"]["imd_decile"], found["hmo"]["imd_quintile"], found["hmo"]["aqma"]) == (9, 5, False)
    assert (found["plain"]["lsoa21"], found["hmo"]["lsoa21"]) == (LSOA, OTHER_LSOA)
    assert found["plain"]["occupancy_rating"] == 2


def test_a_class_of_shared_houses_makes_an_hmo_whatever_is_licensed() -> None:
    with built_world([dwelling("home", blpu_class="RD06", is_hmo=False)], people("home", 40)) as connection:
        plain = connection.sql("SELECT is_hmo FROM household").fetchall()
        classes = connection.sql(
            "SELECT code FROM code_group WHERE code_list = 'blpu_class' AND code_group = 'hmo' ORDER BY code"
        ).fetchall()
    assert plain == [(False,)]
    with built_world([dwelling("home", blpu_class=classes[0][0], is_hmo=False)], people("home", 40)) as found:
        assert found.sql("SELECT is_hmo FROM household").fetchall() == [(True,)]


def test_only_areas_with_a_council_dwelling_are_covered() -> None:
    with street({"home": people("home", 40)}) as connection:
        assert connection.sql("SELECT lsoa21 FROM covered_area").fetchall() == [(LSOA,)]


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({"blpu_class": "PP", "lsoa21": None}, "imprecise"),
        ({"blpu_state": "4", "blpu_class": "RI01"}, "imprecise"),
        ({"lsoa21": None, "blpu_class": "RI01"}, "out_of_area"),
        ({"council_tax_exemption": "M", "blpu_class": "CR"}, "communal_recorded"),
    ],
)
def test_the_first_rule_of_a_dwelling_that_fails_is_the_one_recorded(
    columns: dict[str, Any], rule: str
) -> None:
    with street({"home": []}, home=columns) as connection:
        assert connection.sql("SELECT failed_rule FROM council_dwelling").fetchall() == [(rule,)]


def test_the_certainty_of_a_resident_is_that_of_link_and_residence_together() -> None:
    rows = people("a", 40, match_probability=0.8) + people("b", 40, match_probability=0.8)
    with built_world([dwelling("a"), dwelling("b")], rows) as connection:
        connection.execute(
            "UPDATE resident_link SET residence_match_weight = 2 WHERE nhs_record_pseudonym = 'b-0'"
        )
        text = Statements("pipeline.household").read("residence/20_registration")
        connection.execute(
            text.replace("CREATE TABLE registration", "CREATE TABLE again"),
            {"reference_date": DAY, "floor_date": "1900-01-01"},
        )
        found = dict(connection.sql("SELECT person_pseudonym, match_probability FROM again").fetchall())
    assert found["a-0"] == pytest.approx(0.8)
    assert found["b-0"] == pytest.approx(0.8 * 4 / 5)


LISTED: Row = {"dwelling_record_pseudonym": "home", "service": "benefits"}


def listed(name: str, **columns: Any) -> Row:
    return LISTED | {"record_pseudonym": name, "age_years": None, "sex": None} | columns


def said_of(rows: list[Row], council: list[Row]) -> dict[str, Row]:
    with built_world([dwelling("home"), dwelling("other")], rows, council) as connection:
        found = rows_of(connection, "SELECT * FROM council_record_of_resident")
    return {row["person_pseudonym"]: row for row in found}


@pytest.mark.parametrize(
    ("column", "values", "attribute"),
    [
        ("sen", {"K": True, "E": True, "N": False}, "has_special_educational_needs"),
        ("school_attendance_percent", {89.99: True, 90.0: False, 90.1: False}, "is_often_absent"),
        ("free_school_meals", {True: True, False: False}, "has_free_school_meals"),
        ("good_level_of_development", {True: True, False: False}, "has_good_level_of_development"),
        ("in_work", {True: True, False: False}, "is_in_work"),
        ("service", {"school_census": True, "benefits": False}, "is_pupil"),
    ],
)
def test_what_a_service_says_of_a_resident_is_taken_as_it_says_it(
    column: str, values: dict[Any, bool], attribute: str
) -> None:
    rows = [record(f"r{n}", "home", person_name_birth=f"t{n}") for n, _ in enumerate(values)]
    council = [listed(f"c{n}", person_name_birth=f"t{n}", **{column: v}) for n, v in enumerate(values)]
    found = said_of(rows, council)
    assert [found[f"r{n}"][attribute] for n, _ in enumerate(values)] == list(values.values())
    nothing = said_of(rows[:1], [listed("c", person_name_birth="t0", service="benefits")])["r0"]
    assert nothing[attribute] is (False if column == "service" else None)


def test_one_service_that_says_yes_is_enough() -> None:
    rows = [record("r", "home", person_name_birth="t")]
    both = [
        listed("c1", person_name_birth="t", in_work=False, free_school_meals=False, sen="N"),
        listed(
            "c2",
            person_name_birth="t",
            in_work=True,
            free_school_meals=True,
            sen="K",
            good_level_of_development=True,
            school_attendance_percent=80.0,
            service="school_census",
        ),
        listed(
            "c3",
            person_name_birth="t",
            good_level_of_development=False,
            school_attendance_percent=95.0,
            service="benefits",
        ),
    ]
    (found,) = said_of(rows, both).values()
    assert {k: v for k, v in found.items() if k != "person_pseudonym"} == {
        "evidence": "name_and_birth",
        "is_pupil": True,
        "has_free_school_meals": True,
        "has_special_educational_needs": True,
        "has_good_level_of_development": True,
        "is_often_absent": True,
        "sessions_missed_percent": 20,
        "is_in_work": True,
    }


def test_age_and_sex_join_only_where_both_are_alike_at_that_dwelling_and_of_one_resident() -> None:
    rows = [
        record("one", "home", age_years=7, sex="1"),
        record("two", "home", age_years=8, sex="1"),
        record("three", "home", age_years=9, sex="2"),
        record("far", "other", age_years=9, sex="2"),
    ]
    council = [
        listed("c1", age_years=7, sex="2"),
        listed("c2", age_years=9, sex="1"),
        listed("c3", age_years=8, sex="1"),
        listed("c4", age_years=9, sex="2"),
    ]
    found = said_of(rows, council)
    assert {name: row["evidence"] for name, row in found.items()} == {
        "two": "age_and_sex",
        "three": "age_and_sex",
    }


@pytest.mark.parametrize(
    ("tokens", "evidence"),
    [
        ({"person_name_birth": "t"}, "name_and_birth"),
        ({"person_name_birth_part": ["t"]}, "part_of_birth"),
        ({"person_surname_birth": ["t"]}, "part_of_name"),
        ({"person_forename_birth": ["t"]}, "part_of_name"),
        ({"person_name": "t"}, "name"),
        ({"person_name_sector": ["t"]}, "name"),
        ({"person_initial_surname_sector": ["t"]}, "initial_and_surname"),
    ],
)
def test_a_listed_person_without_a_birth_date_is_the_resident_with_that_name(
    tokens: dict[str, Any], evidence: str
) -> None:
    rows = [record("r", "home", **tokens), record("wife", "home", sex="2"), record("far", "other", **tokens)]
    found = said_of(rows, [listed("c", in_work=True, **tokens)])
    assert {name: (row["evidence"], row["is_in_work"]) for name, row in found.items()} == {
        "r": (evidence, True)
    }


def test_the_strongest_evidence_decides_whose_record_it_is() -> None:
    both = {"person_initial_surname_sector": ["J SMITH"]}
    rows = [
        record("john", "home", person_name="JOHN SMITH", **both),
        record("jane", "home", person_name="JANE SMITH", **both),
    ]
    named = listed("c", person_name="JANE SMITH", in_work=True, **both)
    assert set(said_of(rows, [named])) == {"jane"}


def test_a_record_that_two_residents_match_equally_well_is_of_neither() -> None:
    both = {"person_initial_surname_sector": ["J SMITH"]}
    rows = [record("john", "home", **both), record("jane", "home", sex="2", **both)]
    assert said_of(rows, [listed("c", in_work=True, **both)]) == {}
    assert set(said_of(rows, [listed("c", in_work=True, sex="2", **both)])) == {"jane"}


@pytest.mark.parametrize(("age", "joined"), [(39, True), (40, True), (41, True), (42, False), (38, False)])
def test_a_name_alone_does_not_join_records_whose_ages_differ_by_more_than_a_year(
    age: int, joined: bool
) -> None:
    found = said_of([record("r", "home", person_name="n")], [listed("c", person_name="n", age_years=age)])
    assert bool(found) is joined


@pytest.mark.parametrize(("sex", "joined"), [(None, True), ("1", True), ("X", True), ("2", False)])
def test_a_name_alone_does_not_join_records_of_a_man_and_a_woman(sex: str | None, joined: bool) -> None:
    found = said_of([record("r", "home", person_name="n")], [listed("c", person_name="n", sex=sex)])
    assert bool(found) is joined


def test_a_record_with_only_a_uprn_is_of_the_one_dwelling_that_has_it() -> None:
    council = [listed("c", dwelling_record_pseudonym=None, uprn_pseudonym="u", person_name="n", in_work=True)]
    rows = [record("r", "home", person_name="n")]
    for homes, found in (
        ([dwelling("home", uprn_pseudonym="u"), dwelling("other")], {"r"}),
        ([dwelling("home", uprn_pseudonym="u"), dwelling("other", uprn_pseudonym="u")], set()),
        ([dwelling("home"), dwelling("other", uprn_pseudonym="u")], set()),
    ):
        with built_world(homes, rows, council) as connection:
            joined = rows_of(connection, "SELECT person_pseudonym FROM council_record_of_resident")
        assert {row["person_pseudonym"] for row in joined} == found


def test_a_record_without_any_place_is_of_the_only_resident_with_that_name_and_birth_date() -> None:
    child = listed("c", dwelling_record_pseudonym=None, person_name_birth="t", free_school_meals=True)
    assert set(said_of([record("r", "other", person_name_birth="t")], [child])) == {"r"}
    twice = [record("r", "other", person_name_birth="t"), record("s", "home", person_name_birth="t")]
    assert said_of(twice, [child]) == {}
    nameless = listed("c", dwelling_record_pseudonym=None, person_name="n", age_years=40, sex="1")
    assert said_of([record("r", "other", person_name="n")], [nameless]) == {}


def test_somebody_who_left_does_not_hide_the_only_resident_of_that_age_and_sex() -> None:
    rows = [
        record("here", "home", age_years=7, sex="1"),
        record("gone", "home", age_years=7, sex="1", is_deceased=True),
    ]
    assert set(said_of(rows, [listed("c", age_years=7, sex="1")])) == {"here"}


def test_a_household_is_covered_by_the_council_in_all_some_or_none_of_its_residents() -> None:
    homes = {"all": (30, 40), "some": (30, 40), "none": (30, 40), "unlisted": (30, 40)}
    rows = [record(f"{h}-{age}", h, age_years=age, sex="1") for h, ages in homes.items() for age in ages]
    council = [
        {"record_pseudonym": f"{h}{age}", "dwelling_record_pseudonym": h, "service": "benefits"}
        | {"age_years": age, "sex": "1"}
        for h, age in (("all", 30), ("all", 40), ("some", 40), ("none", 50))
    ] + [{"record_pseudonym": "nowhere", "dwelling_record_pseudonym": None, "service": "benefits"}]
    with built_world([dwelling(name) for name in homes], rows, council) as connection:
        found = dict(connection.sql("SELECT household_pseudonym, roster_coverage FROM household").fetchall())
        roster = dict(connection.sql("SELECT * FROM council_roster").fetchall())
        checks = {
            name: counts
            for name, *counts in connection.sql(
                "SELECT plausibility_check, dwellings_checked, dwellings_contradicting FROM plausibility"
            ).fetchall()
        }
    assert found == {"all": "all", "some": "some", "none": "none", "unlisted": None}
    assert roster == {"all": 2, "some": 1, "none": 1}
    assert checks["council_listing"] == [3, 1]


def test_contradictions_are_counted_on_each_side_of_what_makes_one() -> None:
    homes = {
        "alone": people("alone", 40),
        "pair": people("pair", 40, 41),
        "child": people("child", 40, 5),
        "nobody": [],
        "void": people("void", 40),
        "empty": [],
        "vacant": people("vacant", 40),
        "students": people("students", 20),
        "full": [r for n in range(4) for r in [record(f"f{n}", "full", age_years=40 + 17 * n, sex="1")]],
        "packed": [r for n in range(4) for r in [record(f"p{n}", "packed", age_years=30 + 17 * n, sex="1")]],
    }
    discount = {"single_person_discount": True}
    with street(
        homes,
        alone=discount,
        pair=discount,
        child=discount,
        nobody=discount,
        void={"is_empty": True},
        empty={"is_empty": True},
        vacant={"council_tax_exemption": "F"},
        students={"council_tax_exemption": "N"},
        full={"bedrooms": 2},
        packed={"bedrooms": 1},
    ) as connection:
        vacant = connection.sql(
            "SELECT household_pseudonym FROM council_dwelling WHERE is_recorded_empty ORDER BY ALL"
        ).fetchall()
        found = {
            name: counts
            for name, *counts in connection.sql(
                "SELECT plausibility_check, dwellings_checked, dwellings_contradicting FROM plausibility"
            ).fetchall()
        }
        ratings = dict(
            connection.sql(
                "SELECT household_pseudonym, occupancy_rating FROM household WHERE bedrooms IS NOT NULL"
            ).fetchall()
        )
    assert found["single_person_discount"] == [3, 1]
    groups = load_code_list("council_tax_exemption").groups()
    assert (groups["F"], groups["N"]) == ("vacant", "occupied")
    assert vacant == [("empty",), ("vacant",), ("void",)]
    assert found["empty_dwelling"] == [3, 2], "void, vacant and empty; nobody lives in the last"
    assert ratings == {"full": -2, "packed": -3}
    assert found["severe_overcrowding"] == [2, 1]
    assert found["council_listing"] == [0, 0]


def test_attrition_counts_each_record_up_to_the_rule_that_left_it_out() -> None:
    rows = [
        record("dead", "home", is_deceased=True, age_years=17, sex="1", ethnic_category="A"),
        record("lost", None, age_years=18, sex="2", ethnic_category=None),
        record("here", "home", age_years=39, sex="2", ethnic_category="A"),
        record("there", "home", age_years=40, sex=None),
        record("old", "home", age_years=64, sex="1"),
        record("older", "home", age_years=65, sex="1"),
        record("ageless", "home", age_years=None, sex="1"),
    ]
    built = households_of([dwelling("home")], rows)
    steps = {step["rule"]: (step["records_in"], step["records_out"]) for step in built["attrition"]}
    order = sorted(RULE_ORDER, key=lambda rule: RULE_ORDER[rule])
    expected = {}
    left = 7
    for rule in order:
        after = left - (rule in ("deceased", "no_match"))
        expected[rule] = (left, after)
        left = after
    assert steps == expected

    def groups(rule: str, characteristic: str) -> dict[str, tuple[int, int]]:
        return {
            g["category"]: (g["records_in"], g["records_out"])
            for g in built["attrition_by_group"]
            if (g["rule"], g["characteristic"]) == (rule, characteristic)
        }

    assert groups("deceased", "age") == {
        "0-17": (1, 0), "18-39": (2, 2), "40-64": (2, 2), "65+": (1, 1), "unknown": (1, 1),
    }  # fmt: skip
    assert groups("no_match", "age")["18-39"] == (2, 1)
    assert groups("deceased", "sex") == {"1": (4, 3), "2": (2, 2), "unknown": (1, 1)}
    ethnic = groups("deceased", "ethnic_group")
    assert ethnic["unknown"] == (5, 5)
    assert sorted(ethnic.values()) == [(2, 1), (5, 5)]
    assert [(e["reason"], e["rule"], e["residents"]) for e in built["exclusion"]] == [
        ("residency", "deceased", 1),
        ("no_match", "no_match", 1),
    ]


def test_a_person_is_excluded_by_the_furthest_rule_that_any_record_of_theirs_reached() -> None:
    rows = [
        record("gone", "home", nhs_number_pseudonym="n", is_deceased=True),
        record("lost", None, nhs_number_pseudonym="n"),
        record("twice1", "home", nhs_number_pseudonym="m", age_years=40),
        record("twice2", "home", nhs_number_pseudonym="m", age_years=40),
    ]
    built = households_of([dwelling("home")], rows)
    assert {p["person_pseudonym"]: p["rule_order"] for p in built["judged_person"]} == {
        "n": RULE_ORDER["no_match"],
        "m": None,
    }
    assert [(e["rule"], e["residents"]) for e in built["exclusion"]] == [("no_match", 1)]


def test_duplicates_at_a_home_that_is_none_are_excluded_with_its_reason_and_not_with_theirs() -> None:
    rows = [record(name, "hall", nhs_number_pseudonym="n") for name in ("r", "s")]
    built = households_of([dwelling("hall", blpu_class="RI01")], rows)
    assert [(e["rule"], e["residents"]) for e in built["exclusion"]] == [("communal_recorded", 1)]


def test_people_who_could_not_be_placed_are_counted_by_age_sex_and_admission() -> None:
    ages = (17, 18, 39, 40, 64, 65, None)
    rows = [record(f"in{n}", "home", age_years=age) for n, age in enumerate(ages)]
    rows += [
        record("lost", None, age_years=30, sex=None, emergency_admissions=1),
        record("torn", None, age_years=30, sex=None, emergency_admissions=0, reason="ambiguous"),
        record("ghost", "hall", age_years=30, sex=None, emergency_admissions=0),
        record("ill", "home", age_years=30, sex="2", emergency_admissions=2),
    ]
    with built_world([dwelling("home"), dwelling("hall", blpu_class="RI01")], rows) as connection:
        found = {
            (row["age_group"], row["sex"], row["is_admitted"]): (
                row["persons_placed"],
                row["persons_not_placed"],
            )
            for row in rows_of(connection, "SELECT * FROM placement")
        }
    assert found == {
        ("0-17", "1", False): (1, 0),
        ("18-39", "1", False): (2, 0),
        ("40-64", "1", False): (2, 0),
        ("65+", "1", False): (1, 0),
        ("unknown", "1", False): (1, 0),
        ("18-39", "unknown", True): (0, 1),
        ("18-39", "unknown", False): (0, 1),
        ("18-39", "2", True): (1, 0),
    }


@pytest.mark.parametrize(
    ("later", "rule"),
    [
        ({"address_start": date(2020, 1, 2)}, "superseded"),
        ({"address_start": date(2020, 1, 1), "registration_start": date(2020, 1, 1)}, "superseded"),
        ({"address_start": date(2020, 1, 1)}, "multiple_address"),
        ({"address_start": None}, None),
    ],
)
def test_the_latest_spell_then_registration_decides_where_somebody_lives(
    later: dict[str, Any], rule: str | None
) -> None:
    first = record("first", "home", nhs_number_pseudonym="n", address_start=date(2020, 1, 1))
    second = record("second", "other", nhs_number_pseudonym="n", **later)
    built = households_of([dwelling("home"), dwelling("other")], [first, second])
    verdicts = {r["record_pseudonym"]: r["failed_rule"] for r in built["judged_record"]}
    assert verdicts["first"] == rule


def test_a_record_without_a_link_is_a_duplicate_of_one_of_the_same_day_with_one() -> None:
    rows = [record("a", None, nhs_number_pseudonym="n"), record("b", "home", nhs_number_pseudonym="n")]
    built = households_of([dwelling("home")], rows)
    assert {r["record_pseudonym"]: r["failed_rule"] for r in built["judged_record"]} == {
        "a": "duplicate_record",
        "b": None,
    }


@pytest.mark.parametrize(
    ("reason", "rule"), [("ambiguous", "imprecise"), ("split_off", "imprecise"), ("no_candidate", "no_match")]
)
def test_why_a_record_has_no_dwelling_decides_the_rule(reason: str, rule: str) -> None:
    built = households_of([dwelling("home")], [record("r", None, reason=reason)])
    assert [r["failed_rule"] for r in built["judged_record"]] == [rule]


@pytest.mark.parametrize(
    ("registered", "ages", "rule"),
    [
        ("P1", [75] * 9 + [74], "communal_evident"),
        ("P1", [75] * 8 + [74] * 2, "improbable_size"),
        ("P1", [24] * 10 + [25], "communal_evident"),
        ("P1", [17] * 10 + [16], "communal_evident"),
        ("P1", [17] * 9 + [16] * 2, "improbable_size"),
        (None, [80] * 6, "improbable_size"),
    ],
)
def test_a_crowd_is_communal_where_nine_in_ten_are_alike(
    registered: str | None, ages: list[int], rule: str
) -> None:
    rows = [record(f"r{n}", "home", age_years=age, practice_code=registered) for n, age in enumerate(ages)]
    built = households_of([dwelling("home")], rows)
    assert {r["failed_rule"] for r in built["judged_record"]} == {rule}


def test_people_who_left_do_not_count_towards_a_crowd_or_its_practice() -> None:
    rows = [record(f"r{n}", "home", age_years=40, practice_code="P1") for n in range(10)]
    rows += [record(f"d{n}", "home", age_years=40, nhs_number_pseudonym="same") for n in range(3)]
    with built_world([dwelling("home")], rows) as connection:
        assert connection.sql("SELECT residents, all_older FROM occupied_dwelling").fetchall() == [
            (11, False)
        ]


def test_an_entry_of_another_kind_is_no_condition_or_admission_of_this_one() -> None:
    rows = [record("ill", "home", nhs_number_pseudonym="n"), record("well", "home", nhs_number_pseudonym="m")]
    conditions = [{"nhs_number_pseudonym": "n", "condition": "copd"}]
    events = [{"nhs_number_pseudonym": "n", "event": "ae_attendance", "event_date": DAY}]
    members = households_of([dwelling("home")], rows, conditions=conditions, events=events)[
        "household_member"
    ]
    found = {m["person_pseudonym"]: m for m in members}
    assert (found["n"]["has_asthma"], found["n"]["long_term_conditions"]) == (False, 1)
    assert (found["n"]["emergency_admissions"], found["m"]["long_term_conditions"]) == (0, 0)
