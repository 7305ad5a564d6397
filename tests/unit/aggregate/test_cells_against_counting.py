"""Cells against a slow reference that counts each measure household by household, resident by resident."""

from itertools import product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.aggregate.cap_sensitivity import build_cap_sensitivity
from pipeline.aggregate.counting import build_all_cells
from pipeline.aggregate.plan import make_plan
from pipeline.aggregate.stage import known_attributes
from pipeline.disclosure.noise.record_key import RecordKeySecret, record_keys
from schemas.attribute import attributes_of
from schemas.condition import (
    AttributeTest,
    Condition,
    Every,
    Negation,
    ResidentsWith,
    Several,
    Some,
    is_selecting,
)
from schemas.dimension import UNKNOWN, Dimension, dimensions
from schemas.measure import Measure, measures
from schemas.table import Table, parse_tables, tables
from tests.unit.household.world import LSOA, OTHER_LSOA, REFERENCE_DATE, Row, built_world, dwelling, record

_SECRET = RecordKeySecret(b"0123456789abcdef" * 2)
_TABLES = (
    "health",
    "health_by_tenure",
    "health_by_composition",
    "health_by_tenure_and_overcrowding",
    "housing_condition_by_tenure",
    "resident_health",
    "resident_health_by_age",
    "resident_health_by_age_and_imd_quintile",
    "respiratory_admission_by_fuel_poverty_risk",
    "household_attendance_by_child_admitted",
    "attendance_by_child_admitted",
    "school_readiness_by_free_school_meals",
    "vaccination_by_ethnic_group",
    "deprivation",
    "work",
)

_dwelling = st.fixed_dictionaries(
    {
        "lsoa21": st.sampled_from([LSOA, OTHER_LSOA]),
        "tenure": st.sampled_from([None, "mortgage", "local_authority", "private_rented"]),
        "bedrooms": st.sampled_from([None, 1, 2]),
        "epc_rating": st.sampled_from([None, "C", "F"]),
        "council_tax_support": st.sampled_from([None, True, False]),
        "damp_report": st.sampled_from([None, True, False]),
    }
)
_record = st.fixed_dictionaries(
    {
        "home": st.sampled_from(["d0", "d1", "d2", "d3", "d4"]),
        "age_years": st.sampled_from([None, 3, 6, 12, 17, 30, 41, 66, 80]),
        "sex": st.sampled_from(["1", "2"]),
        "ethnic_category": st.sampled_from([None, "A", "H"]),
        "illness": st.sampled_from(["", "asthma", "copd", "asthma copd", "diabetes asthma"]),
        "admitted": st.sampled_from(["", "J00-J99", "I00-I99"]),
        "listed": st.sampled_from(["", "absent", "present", "working", "workless"]),
    }
)


def _holds(condition: Condition, row: Row, members: list[Row]) -> bool | None:
    match condition:
        case AttributeTest():
            value = row[condition.attribute]
            if value is None:
                return None
            if condition.values:
                return value in condition.values
            low, high = condition.at_least, condition.at_most
            return (low is None or value >= low) and (high is None or value <= high)
        case Negation():
            inner = _holds(condition.part, row, members)
            return None if inner is None else not inner
        case ResidentsWith():
            said = [_holds(condition.where, m, []) for m in members]
            if None in said:
                return None
            count = sum(map(bool, said))
            low, high = condition.at_least, condition.at_most
            return (low is None or count >= low) and (high is None or count <= high)
        case Several():
            said = [_holds(part, row, members) for part in condition.parts]
            return None if None in said else sum(map(bool, said)) >= condition.at_least
    said = [_holds(part, row, members) for part in condition.parts]
    selecting = [answer for part, answer in zip(condition.parts, said, strict=True) if is_selecting(part)]
    if isinstance(condition, Every):
        return False if False in selecting else (None if None in said else all(said))
    assert isinstance(condition, Some)
    return True if True in selecting else (None if None in said else any(said))


def _category(dimension: Dimension, row: Row, members: list[Row]) -> str:
    if dimension.condition is not None:
        said = _holds(dimension.condition, row, members)
        return UNKNOWN if said is None else dimension.outcome[0 if said else 1]
    value = row[dimension.attribute]
    for category, codes in dimension.code_sets.items():
        if value is not None and str(value).lower() in [c.lower() for c in codes]:
            return category
    for category, (low, high) in dimension.bands.items():
        if value is not None and (low is None or value >= low) and (high is None or value <= high):
            return category
    return UNKNOWN


def _counted(
    measure: Measure, table: Table, homes: list[tuple[Row, list[Row]]]
) -> dict[tuple[str, ...], dict[str, list[tuple[Row, Row]]]]:
    """Return (LSOA, categories) -> side -> the (household, person) pairs that contribute."""
    found: dict[tuple[str, ...], dict[str, list[tuple[Row, Row]]]] = {}
    for household, members in homes:
        rows = [household] if measure.unit == "household" else members
        for row in rows:
            seen = household | row
            counted = None if measure.count is None else _holds(measure.count, seen, members)
            if _holds(measure.include, seen, members) is not True:
                continue
            if measure.count is not None and counted is None:
                continue
            categories = tuple(
                _category(dimensions()[d], household if dimensions()[d].of == "household" else seen, members)
                for d in table.dimensions
            )
            sides = found.setdefault((household["lsoa21"], *categories), {})
            pairs = [(household, m) for m in members] if measure.unit == "household" else [(household, row)]
            sides.setdefault("denominator", []).extend(pairs)
            if measure.count is not None:
                sides.setdefault("numerator" if counted else "complement", []).extend(pairs)
    return found


def _figures(pairs: list[tuple[Row, Row]]) -> dict[str, int]:
    homes = {h["household_pseudonym"]: h["dwelling_anchor"] for h, _ in pairs}
    people = {m["person_pseudonym"] for _, m in pairs}
    return {
        "households": len(homes),
        "persons": len(people),
        "household_key": int(sum(record_keys(homes.values(), "household", _SECRET))) % 4096,
        "person_key": int(sum(record_keys(people, "person", _SECRET))) % 4096,
    }


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_dwelling, min_size=5, max_size=5), st.lists(_record, min_size=1, max_size=16))
def test_every_cell_counts_what_counting_by_hand_counts(homes: list[Row], people: list[Row]) -> None:
    records, conditions, events, council = [], [], [], []
    for i, person in enumerate(people):
        name, key = f"r{i}", {"resident_record_pseudonym": f"r{i}"}
        kept = {k: v for k, v in person.items() if k not in ("illness", "admitted", "listed")}
        records.append(record(name, **(kept | {"person_name_birth": f"t{i}"})))
        conditions += [key | {"condition": c} for c in person["illness"].split()]
        if person["admitted"]:
            event = {"event": "emergency_admission", "event_date": REFERENCE_DATE}
            events.append(key | event | {"icd10_chapter_group": person["admitted"]})
        if person["listed"]:
            said = {
                "absent": {
                    "service": "school_census",
                    "school_attendance_percent": 80.0,
                    "free_school_meals": True,
                },
                "present": {"service": "school_census", "school_attendance_percent": 95.0},
                "working": {"service": "benefits", "in_work": True},
                "workless": {"service": "benefits", "in_work": False},
            }[person["listed"]]
            listing = {"record_pseudonym": f"c{i}", "person_name_birth": f"t{i}"}
            council.append(listing | {"dwelling_record_pseudonym": person["home"]} | said)
    dwellings = [dwelling(f"d{i}", **columns) for i, columns in enumerate(homes)]
    registered = {name: tables()[name] for name in _TABLES}
    with built_world(dwellings, records, council, conditions, events) as connection:
        known, complete = (known_attributes(connection, of_everyone=e) for e in (False, True))
        plan = make_plan(registered, _TABLES, known, complete)
        build_all_cells(connection, plan, _SECRET)
        cells = connection.sql("SELECT * FROM cell").to_arrow_table().to_pylist()
        household_rows = connection.sql("SELECT * FROM household").to_arrow_table().to_pylist()
        member_rows = connection.sql("SELECT * FROM household_member").to_arrow_table().to_pylist()
    members = {
        h["household_pseudonym"]: [
            m for m in member_rows if m["household_pseudonym"] == h["household_pseudonym"]
        ]
        for h in household_rows
    }
    counted_homes = [
        (h, members[h["household_pseudonym"]]) for h in household_rows if h["standing"] == "household"
    ]
    covered = {LSOA: "E02000001", OTHER_LSOA: "E02000001"}
    for table, measure in ((t, measures()[m]) for t in plan.tables for m in t.measures):
        expected = _counted(measure, table, counted_homes)
        mine = [c for c in cells if (c["table_id"], c["measure"]) == (table.table_id, measure.name)]
        grid = list(product(*(dimensions()[d].categories for d in table.dimensions)))
        areas = {"LSOA21": 2, "MSOA21": 1, "LAD": 1}
        assert len(mine) == len(grid) * sum(areas[level] for level in table.area_levels)
        for cell in mine:
            categories = tuple(c for c in (cell["category_1"], cell["category_2"]) if c is not None)
            for side in ("denominator", "numerator", "complement"):
                pairs = [
                    pair
                    for (lsoa, *found), sides in expected.items()
                    if tuple(found) == categories and cell["area_code"] in (lsoa, covered[lsoa], "E08000009")
                    for pair in sides.get(side, [])
                ]
                figures = _figures(pairs)
                if side != "denominator" and measure.count is None:
                    figures = dict.fromkeys(figures)
                assert {k: cell[f"{side}_{k}"] for k in figures} == figures, (
                    table.table_id,
                    measure.name,
                    side,
                )
            unit = "households" if measure.unit == "household" else "persons"
            assert cell["denominator"] == cell[f"denominator_{unit}"]
            assert cell["numerator"] == cell[f"numerator_{unit}"]


def test_a_table_is_not_produced_without_its_attributes_or_the_agreement_and_says_so() -> None:
    with built_world(
        [dwelling("d", tenure="mortgage")], [record("r", "d", emergency_admissions=1)]
    ) as connection:
        known = known_attributes(connection)
        plan = make_plan(tables(), ("health", "health_by_damp"), known)
        build_all_cells(connection, plan, _SECRET)
        listed = connection.sql("SELECT table_id, measure FROM not_produced").fetchall()
        cells = connection.sql("SELECT DISTINCT measure FROM cell ORDER BY ALL").fetchall()
    assert ("health", "childhood_asthma") in listed
    assert ("health_by_damp", None) in listed
    assert ("health_by_tenure", None) in listed
    assert cells == [("emergency_admission",), ("households",)]


def test_the_plan_says_how_many_tables_and_measures_are_not_produced_and_why() -> None:
    registered = {name: tables()[name] for name in ("health", "health_by_damp", "health_by_tenure")}
    known = frozenset(attributes_of("household")) | frozenset(attributes_of("person"))
    plan = make_plan(registered, ("health", "health_by_damp"), known - {"damp_report"})
    assert plan.not_produced_in_words() == (
        "2 tables or measures were not produced: 1 is not named in the agreement, "
        "1 needs columns that your extracts lack (damp_report)"
    )
    assert (
        make_plan(registered, tuple(registered), known).not_produced_in_words() == "all tables were produced"
    )


def test_a_denominator_that_a_measure_counts_has_its_name() -> None:
    with built_world([dwelling("a")], [record("r", "a", emergency_admissions=1)]) as connection:
        known = known_attributes(connection), known_attributes(connection, of_everyone=True)
        build_all_cells(connection, make_plan(tables(), ("health", "resident_health"), *known), _SECRET)
        named = dict(connection.sql("SELECT DISTINCT measure, population FROM cell").fetchall())
    assert (named["emergency_admission"], named["residents"]) == ("households", "residents")


def test_an_unknown_tenure_is_a_category_and_not_a_loss() -> None:
    homes = [dwelling("a", tenure="mortgage"), dwelling("b"), dwelling("c", tenure="local_authority")]
    rows = [record("ra", "a"), record("rb", "b"), record("rc", "c")]
    with built_world(homes, rows) as connection:
        plan = make_plan(tables(), ("health_by_tenure",), known_attributes(connection))
        build_all_cells(connection, plan, _SECRET)
        found = connection.sql(
            "SELECT category_1, denominator FROM cell "
            "WHERE measure = 'households' AND area_level = 'LAD' ORDER BY ALL"
        ).fetchall()
    assert found == [("owned", 1), ("private_rented", 0), ("social_rented", 1), ("unknown", 1)]


def test_declared_structural_zeros_are_kept_and_an_empty_category_unknown_is_one() -> None:
    text = """
- name: by_size
  title: By composition and size
  measures: [households]
  dimensions: [composition, household_size]
  area_levels: [LAD]
  structural_zeros: [{composition: one_person_65_and_over, household_size: "3"}]
"""
    registered = parse_tables("test", text, measures())
    with built_world([dwelling("d")], [record("r", "d")]) as connection:
        build_all_cells(
            connection, make_plan(registered, ("by_size",), known_attributes(connection)), _SECRET
        )
        zeros = connection.sql(
            "SELECT category_1, category_2 FROM cell WHERE structural_zero AND category_2 <> 'unknown'"
        ).fetchall()
    assert ("one_person_65_and_over", "3") in zeros
    assert ("one_person_under_65", "1") not in zeros
    assert all(c1 == "unknown" for c1, c2 in zeros if (c1, c2) != ("one_person_65_and_over", "3"))


def test_other_caps_add_the_dwellings_that_they_would_admit_and_no_others() -> None:
    homes = [dwelling("family"), dwelling("crowd"), dwelling("crush"), dwelling("elders")]
    sizes = {"family": (3, 40), "crowd": (12, 40), "crush": (13, 40), "elders": (5, 70)}
    rows = [
        record(f"{home}{i}", home, age_years=age) for home, (size, age) in sizes.items() for i in range(size)
    ]
    with built_world(homes, rows) as connection:
        plan = make_plan(tables(), ("health", "resident_health"), known_attributes(connection))
        build_all_cells(connection, plan, _SECRET)
        build_cap_sensitivity(connection, plan)
        added = connection.sql(
            "SELECT caps, measure, added_denominator FROM cap_sensitivity "
            "WHERE area_level = 'LAD' ORDER BY ALL"
        ).fetchall()
    assert added == [
        ("up_to_12", "households", 1),
        ("up_to_12", "residents", 12),
        ("without_caps", "households", 3),
        ("without_caps", "residents", 30),
        ("without_older_rule", "households", 1),
        ("without_older_rule", "residents", 5),
    ]


def test_a_cell_key_is_the_sum_of_record_keys_without_its_whole_part() -> None:
    """SDC Handbook: record keys .9, .3 and .6 make the cell key .8; here in 4096ths."""
    keys = {"a": round(0.9 * 4096), "b": round(0.3 * 4096), "c": round(0.6 * 4096)}
    with built_world([dwelling(name) for name in keys], [record(f"r{n}", n) for n in keys]) as connection:
        connection.execute(
            "CREATE TABLE carried_record_key (kind VARCHAR, pseudonym VARCHAR, record_key INT)"
        )
        anchors = dict(
            connection.execute("SELECT household_pseudonym, dwelling_anchor FROM household").fetchall()
        )
        connection.executemany(
            "INSERT INTO carried_record_key VALUES ('household', ?, ?)",
            [(anchors[name], key) for name, key in keys.items()],
        )
        build_all_cells(connection, make_plan(tables(), ("health",), known_attributes(connection)), _SECRET)
        found = connection.sql(
            "SELECT denominator_household_key FROM cell WHERE measure = 'households' AND area_level = 'LAD'"
        ).fetchall()
    assert found == [(sum(keys.values()) - 4096,)]
    assert abs(found[0][0] - 0.8 * 4096) <= 1


def structural_zeros(homes: list[Row], rows: list[Row], *chosen: str) -> set[tuple[str, ...]]:
    with built_world(homes, rows) as connection:
        build_all_cells(connection, make_plan(tables(), chosen, known_attributes(connection)), _SECRET)
        found = connection.sql(
            "SELECT DISTINCT table_id, measure, category_1, category_2 FROM cell WHERE structural_zero"
        ).fetchall()
    return {tuple(part for part in row if part is not None) for row in found}


def test_unknown_is_a_structural_zero_of_each_table_and_measure_that_nobody_is_unknown_in() -> None:
    one, two = "health_by_tenure", "health_by_tenure_and_overcrowding"
    homes = [dwelling("a", tenure="mortgage", bedrooms=2), dwelling("b", tenure="mortgage")]
    rows = [record("ra", "a", emergency_admissions=1), record("rb", "b", emergency_admissions=0)]
    known = structural_zeros(homes, rows, one, two)
    assert {zero for zero in known if zero[0] == one} == {
        (one, measure, "unknown") for measure in ("households", "emergency_admission")
    }
    assert (two, "households", "unknown", "unknown") in known
    assert (two, "households", "owned", "unknown") not in known, "how many rooms b has is not known"
    assert (two, "households", "social_rented", "unknown") in known

    homes.append(dwelling("c", bedrooms=1))
    found = structural_zeros(homes, [*rows, record("rc", "c", emergency_admissions=0)], one, two)
    assert not {zero for zero in found if zero[0] == one}
    assert (two, "households", "unknown", "unknown") in found, "the rooms of c are known"
