"""Sums, largest contributors and bands against counting by hand; which amounts are a household's state."""

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.aggregate.counting import build_all_cells
from pipeline.aggregate.plan import make_plan
from pipeline.aggregate.stage import known_attributes
from pipeline.disclosure.noise.record_key import RecordKeySecret, record_keys
from schemas.table import tables
from tests.unit.household.world import LSOA, OTHER_LSOA, Row, built_world, dwelling, record

_SECRET = RecordKeySecret(b"0123456789abcdef" * 2)
_TABLES = ("older_resident_conditions", "older_resident_conditions_by_tenure", "resident_age")
_HOMES = {"d0": (LSOA, "mortgage"), "d1": (LSOA, "local_authority"), "d2": (OTHER_LSOA, None)}
_AREAS = {LSOA: ("LSOA21", LSOA), OTHER_LSOA: ("LSOA21", OTHER_LSOA)}

Person = tuple[str, int | None, int]


def built(people: Sequence[Person]) -> tuple[list[Row], list[Row], list[tuple[Any, ...]]]:
    """Return `magnitude_cell`, the counted members with their homes, and the states of their households."""
    records, conditions = [], []
    codes = ("asthma", "copd", "diabetes", "depression", "dementia", "hypertension")
    for i, (home, age, ill) in enumerate(people):
        records.append(record(f"r{i}", home, age_years=age, person_name_birth=f"t{i}"))
        conditions += [{"resident_record_pseudonym": f"r{i}", "condition": c} for c in codes[:ill]]
    homes = [dwelling(name, lsoa21=lsoa, tenure=tenure) for name, (lsoa, tenure) in _HOMES.items()]
    with built_world(homes, records, (), conditions) as connection:
        plan = make_plan(tables(), _TABLES, known_attributes(connection))
        build_all_cells(connection, plan, _SECRET)
        cells = connection.sql("SELECT * FROM magnitude_cell").to_arrow_table().to_pylist()
        members = (
            connection.sql(
                "SELECT household_member.*, household.lsoa21, household.tenure FROM household_member "
                "JOIN household USING (household_pseudonym) WHERE household.standing = 'household'"
            )
            .to_arrow_table()
            .to_pylist()
        )
        states = connection.sql("SELECT * FROM household_state ORDER BY ALL").fetchall()
    return cells, members, states


_person = st.tuples(
    st.sampled_from(sorted(_HOMES)), st.sampled_from([None, 5, 34, 39, 40, 65, 66, 80]), st.integers(0, 6)
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_person, min_size=1, max_size=10))
def test_every_mean_and_band_is_made_of_what_counting_by_hand_finds(people: list[Person]) -> None:
    anchor = ("d0", 40, 1)  # with it every attribute is known of somebody, so every table is produced
    cells, members, _ = built([*people, anchor])
    expected: dict[tuple[Any, ...], dict[str, Any]] = {}
    for level, column in (("LSOA21", "lsoa21"), ("MSOA21", None), ("LAD", None)):
        code = {"MSOA21": "E02000001", "LAD": "E08000009"}.get(level)
        for area in sorted({m[column] if column else code for m in members}, key=str):
            inside = [m for m in members if column is None or m[column] == area]
            older = [m for m in inside if (m["age_years"] or 0) >= 65]
            _expect_mean(expected, ("older_resident_conditions", level, area, None), older)
            if level == "LAD":
                names = {"mortgage": "owned", "local_authority": "social_rented", None: "unknown"}
                for tenure, name in names.items():
                    own = [m for m in older if m["tenure"] == tenure]
                    _expect_mean(expected, ("older_resident_conditions_by_tenure", level, area, name), own)
            _expect_bands(expected, ("resident_age", level, area, None), inside)
    mine = {}
    for cell in cells:
        key = (cell["table_id"], cell["area_level"], cell["area_code"], cell["category_1"], cell["band"])
        assert key not in mine
        mine[key] = {name: cell[name] for name in expected.get(key, cell)}
    assert mine == expected


def _households(members: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for member in members:
        found.setdefault(member["household_pseudonym"], []).append(member)
    return found


def _key(members: list[Row]) -> int:
    return int(sum(record_keys((m["person_pseudonym"] for m in members), "person", _SECRET))) % 4096


def _expect_mean(
    expected: dict[tuple[Any, ...], dict[str, Any]], cell: tuple[Any, ...], who: list[Row]
) -> None:
    if not who:
        return
    sums = [sum(m["long_term_conditions"] for m in home) for home in _households(who).values()]
    first, second = (*sorted(sums, reverse=True), 0)[:2]
    expected[(*cell, None)] = {
        "units": len(who),
        "contributors": sum(amount > 0 for amount in sums),
        "total": sum(sums),
        "largest": first,
        "second_largest": second,
        "cell_key": _key(who),
    }


def _expect_bands(
    expected: dict[tuple[Any, ...], dict[str, Any]], cell: tuple[Any, ...], who: list[Row]
) -> None:
    known = [m for m in who if m["age_years"] is not None]
    homes = _households(known).values()
    for band in {m["age_years"] // 5 * 5 for m in known}:
        expected[(*cell, band)] = {
            "units": sum(m["age_years"] // 5 * 5 == band for m in known),
            "contributors": len(homes),
            "contributors_below": sum(any(m["age_years"] < band for m in home) for home in homes),
            "contributors_above": sum(any(m["age_years"] >= band + 5 for m in home) for home in homes),
            "cell_key": _key(known),
        }


def test_a_household_has_changed_when_a_shown_amount_has_and_not_when_another_has() -> None:
    before = built([("d0", 41, 1), ("d1", 70, 1)])[2]
    assert built([("d0", 42, 1), ("d1", 70, 1)])[2] == before, "a birthday within a band"
    assert built([("d0", 41, 2), ("d1", 70, 1)])[2] == before, "conditions of somebody under 65"
    assert built([("d0", 51, 1), ("d1", 70, 1)])[2] != before, "another band"
    assert built([("d0", 41, 1), ("d1", 70, 2)])[2] != before, "a condition that the mean counts"
