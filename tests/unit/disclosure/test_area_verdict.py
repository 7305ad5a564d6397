"""P6 at the boundary of an epoch: who changed since the last values, and which areas may then change."""

from typing import Any

import duckdb
import pytest

from pipeline.disclosure.statements import create_table

State = dict[tuple[str, str], list[str]]


def states(connection: duckdb.DuckDBPyConnection, current: State, released: State) -> None:
    """(LSOA, contribution) -> digests, current and as they were when each level's values last changed."""
    connection.execute(
        "CREATE OR REPLACE TABLE household_state (lsoa21 VARCHAR, contribution VARCHAR, digest VARCHAR)"
    )
    connection.execute(
        "CREATE OR REPLACE TABLE released_state "
        "(level VARCHAR, lsoa21 VARCHAR, contribution VARCHAR, digest VARCHAR)"
    )
    for (lsoa, contribution), digests in current.items():
        for digest in digests:
            connection.execute("INSERT INTO household_state VALUES (?, ?, ?)", [lsoa, contribution, digest])
    for (lsoa, contribution), digests in released.items():
        for digest in digests:
            for level in ("MSOA21", "LAD"):
                connection.execute(
                    "INSERT INTO released_state VALUES (?, ?, ?, ?)", [level, lsoa, contribution, digest]
                )


def change_of(
    connection: duckdb.DuckDBPyConnection, current: State, released: State
) -> dict[tuple[str, str], tuple[bool, int]]:
    states(connection, current, released)
    create_table(connection, "area_change")
    found = connection.execute("SELECT level, lsoa21, is_changed, changed FROM area_change").fetchall()
    return {(level, lsoa): (is_changed, changed) for level, lsoa, is_changed, changed in found}


HOME, WHO = ("E01", "household|"), ("E01", "resident|")


@pytest.mark.parametrize(
    ("current", "released", "changed"),
    [
        (["a", "b"], ["a", "b"], (False, 0)),
        (["a", "b", "b"], ["a", "b"], (True, 1)),
        (["a", "c"], ["a", "b"], (True, 1)),
        (["a"], ["a", "b", "b"], (True, 2)),
        (["c", "d", "e"], ["a", "b"], (True, 3)),
        (["c"], ["a", "b"], (True, 2)),
        ([], ["a"], (True, 1)),
        (["a"], [], (True, 1)),
        (["b", "a"], ["a", "b"], (False, 0)),
    ],
)
def test_households_that_joined_left_or_changed_are_counted_once(
    engine: duckdb.DuckDBPyConnection, current: list[str], released: list[str], changed: tuple[bool, int]
) -> None:
    anchor = {("E99", "household|"): ["x"]}
    found = change_of(engine, {HOME: current} | anchor, {HOME: released} | anchor)
    assert {found["MSOA21", "E01"], found["LAD", "E01"]} == {changed}
    assert found["LAD", "E99"] == (False, 0)


def test_a_change_of_residents_only_is_one_household_where_households_are_counted_and_else_as_many(
    engine: duckdb.DuckDBPyConnection,
) -> None:
    current = {HOME: ["a"], WHO: ["p", "q", "r"]}
    found = change_of(engine, current, {HOME: ["a"], WHO: ["x", "y", "z"]})
    assert found["LAD", "E01"] == (True, 1)
    found = change_of(engine, {WHO: ["p", "q", "r"]}, {WHO: ["p", "y", "z"]})
    assert found["LAD", "E01"] == (True, 2)


def test_each_level_is_compared_with_its_own_last_values(engine: duckdb.DuckDBPyConnection) -> None:
    states(engine, {HOME: ["a", "b"]}, {HOME: ["a", "b"]})
    engine.execute("DELETE FROM released_state WHERE level = 'LAD' AND digest = 'b'")
    create_table(engine, "area_change")
    found = dict(engine.execute("SELECT level, changed FROM area_change").fetchall())
    assert found == {"MSOA21": 0, "LAD": 1}


#: LSOA -> (MSOA, authority, decile, in an air quality area)
AREAS = {
    "L1": ("M1", "A", 1, True), "L2": ("M1", "A", 2, True), "L3": ("M2", "A", 3, False),
    "L4": ("M3", "B", 4, False),
}  # fmt: skip


def verdicts(
    connection: duckdb.DuckDBPyConnection,
    near: dict[str, int],
    far: dict[str, int] | None = None,
    areas: dict[str, tuple[str, str, int, bool]] = AREAS,
) -> dict[str, tuple[int, bool]]:
    """near, far: households changed in an LSOA since its MSOA's, and its authority's, last values."""
    connection.execute(
        "CREATE OR REPLACE TABLE whole_area "
        "(lsoa21 VARCHAR, msoa21 VARCHAR, local_authority VARCHAR, imd_decile BIGINT, aqma BOOLEAN)"
    )
    connection.execute("CREATE OR REPLACE TABLE area_change (level VARCHAR, lsoa21 VARCHAR, changed BIGINT)")
    for lsoa, facts in areas.items():
        connection.execute("INSERT INTO whole_area VALUES (?, ?, ?, ?, ?)", [lsoa, *facts])
    for level, changes in (("MSOA21", near), ("LAD", near if far is None else far)):
        for lsoa, changed in changes.items():
            connection.execute("INSERT INTO area_change VALUES (?, ?, ?)", [level, lsoa, changed])
    create_table(connection, "area_verdict", minimum_changed_households=20)
    found = connection.execute("SELECT area_code, changed, may_change FROM area_verdict").fetchall()
    assert len(found) == len({row[0] for row in found})
    return {code: (int(changed), may) for code, changed, may in found}


@pytest.mark.parametrize(("changed", "may"), [(0, True), (1, False), (19, False), (20, True), (21, True)])
def test_an_msoa_and_its_lsoas_change_by_none_or_by_twenty(
    engine: duckdb.DuckDBPyConnection, changed: int, may: bool
) -> None:
    found = verdicts(engine, {"L1": changed, "L2": 0, "L3": 40, "L4": 0})
    assert found == {
        "L1": (changed, may), "L2": (0, may), "M1": (changed, may), "L3": (40, True), "M2": (40, True),
        "L4": (0, True), "M3": (0, True), "A": (changed + 40, may), "B": (0, True),
    }  # fmt: skip


def test_two_lsoas_that_changed_by_ten_do_not_make_up_twenty(engine: duckdb.DuckDBPyConnection) -> None:
    found = verdicts(engine, {"L1": 10, "L2": 10, "L3": 40})
    assert (found["M1"], found["L1"]) == ((20, False), (10, False))
    assert found["A"] == (60, False), "one of the two deciles hides ten"


@pytest.mark.parametrize(("changed", "may"), [(0, True), (19, False), (20, True)])
def test_an_authority_changes_by_none_or_by_twenty_since_its_own_last_values(
    engine: duckdb.DuckDBPyConnection, changed: int, may: bool
) -> None:
    found = verdicts(engine, {}, {"L1": changed})
    assert found["A"] == (changed, may)
    assert found["M1"] == (0, True)


def carried(
    engine: duckdb.DuckDBPyConnection, changes: dict[str, int], **facts: tuple[int, bool]
) -> tuple[int, bool]:
    """The verdict on an authority of LSOAs in MSOAs of their own, with their decile and air quality."""
    areas = {lsoa: (f"M-{lsoa}", "A", *facts.get(lsoa, (1, True))) for lsoa in changes}
    return verdicts(engine, changes, areas=areas)["A"]


def test_an_authority_waits_while_the_areas_carried_forward_hide_too_few(
    engine: duckdb.DuckDBPyConnection,
) -> None:
    assert carried(engine, {"L1": 40, "L2": 19}) == (59, False)
    assert carried(engine, {"L1": 40, "L2": 10, "L3": 10}) == (60, True)
    assert carried(engine, {"L1": 40, "L2": 10, "L3": 9}) == (59, False)


@pytest.mark.parametrize(
    ("first", "second", "may"),
    [
        ((1, True), (1, True), True),
        ((1, True), (2, True), False),
        ((1, True), (3, True), False),
        ((1, True), (1, False), False),
    ],
)
def test_it_waits_too_while_the_carried_areas_of_one_decile_quintile_or_air_hide_too_few(
    engine: duckdb.DuckDBPyConnection, first: tuple[int, bool], second: tuple[int, bool], may: bool
) -> None:
    """Twenty households are carried forward in all; ten in each of two areas that a table may distinguish."""
    found = carried(engine, {"L1": 40, "L2": 10, "L3": 10}, L2=first, L3=second)
    assert found == (60, may)


def test_two_deciles_of_one_quintile_differ_only_by_decile(engine: duckdb.DuckDBPyConnection) -> None:
    """Deciles 1 and 2 with 20 each are crowds; 19 in one of them is none, though the quintile has 39."""
    twenty = {"L1": 10, "L2": 10, "L3": 10, "L4": 10}
    facts = {"L1": (1, True), "L2": (1, True), "L3": (2, True), "L4": (2, True)}
    assert carried(engine, twenty, **facts) == (40, True)
    assert carried(engine, twenty | {"L4": 9}, **facts) == (39, False)
    one_each = {"L1": (1, True), "L2": (3, True), "L3": (1, True), "L4": (3, True)}
    assert carried(engine, twenty, **one_each) == (40, True)


def test_a_quintile_that_hides_too_few_is_found_where_deciles_are_not_known(
    engine: duckdb.DuckDBPyConnection,
) -> None:
    none: Any = None
    assert carried(engine, {"L1": 10, "L2": 10}, L1=(none, none), L2=(none, none)) == (20, True)
    assert carried(engine, {"L1": 10, "L2": 9}, L1=(none, none), L2=(none, none)) == (19, False)


def test_what_one_authority_carries_forward_does_not_freeze_another(
    engine: duckdb.DuckDBPyConnection,
) -> None:
    found = verdicts(engine, {"L1": 5, "L4": 40})
    assert (found["A"], found["B"]) == ((5, False), (40, True))


BOUNDARY = (
    "table_id VARCHAR, unit VARCHAR, area_level VARCHAR, area_code VARCHAR, dimension_1 VARCHAR, "
    "category_1 VARCHAR, dimension_2 VARCHAR, category_2 VARCHAR, measure VARCHAR, value DOUBLE, "
    "shorthand VARCHAR, rounding_base BIGINT, method VARCHAR, epoch VARCHAR"
)
CELL = {
    "table_id": "t", "unit": "household", "area_level": "LAD", "area_code": "A", "dimension_1": None,
    "category_1": None, "dimension_2": None, "category_2": None, "measure": "m", "value": 20.0,
    "shorthand": None, "rounding_base": 5, "method": "new", "epoch": "2026-Q2",
}  # fmt: skip


def boundary(
    connection: duckdb.DuckDBPyConnection, current: list[dict[str, Any]], released: list[dict[str, Any]]
) -> list[tuple[Any, ...]]:
    """Print an epoch's first cells; area A may change, area B may not, of C nothing was found out."""
    connection.execute(
        "CREATE TABLE area_verdict (area_level VARCHAR, area_code VARCHAR, may_change BOOLEAN)"
    )
    connection.execute("INSERT INTO area_verdict VALUES ('LAD', 'A', TRUE), ('LAD', 'B', FALSE)")
    for name, rows in (("current_cell", current), ("released_cell", released)):
        connection.execute(f"CREATE TABLE {name} ({BOUNDARY})")
        for row in rows:
            connection.execute(
                f"INSERT INTO {name} VALUES ({', '.join('$' + column for column in CELL)})", CELL | row
            )
    create_table(connection, "protected_cell", "boundary_cell")
    return connection.execute(
        "SELECT area_code, category_1, value, shorthand, method, epoch FROM protected_cell ORDER BY ALL"
    ).fetchall()


def test_an_area_that_may_not_change_repeats_its_values_and_one_that_may_has_new_ones(
    engine: duckdb.DuckDBPyConnection,
) -> None:
    old = {"method": "old", "epoch": "2026-Q1"}
    found = boundary(
        engine,
        [{"area_code": code} for code in "ABC"],
        [
            {"area_code": "A", "value": 15.0} | old,
            {"area_code": "B", "value": None, "shorthand": "[c]"} | old,
            {"area_code": "C", "value": 35.0} | old,
        ],
    )
    assert found == [
        ("A", None, 20.0, None, "new", "2026-Q2"),
        ("B", None, None, "[c]", "new", "2026-Q2"),
        ("C", None, 35.0, None, "new", "2026-Q2"),
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"table_id": "u"}, {"unit": "resident"}, {"measure": "n"}, {"dimension_1": "epc"},
        {"category_1": "D"}, {"dimension_2": "age"}, {"category_2": "old"},
    ],
)  # fmt: skip
def test_a_cell_that_a_carried_area_never_had_is_not_available(
    engine: duckdb.DuckDBPyConnection, other: dict[str, str]
) -> None:
    full = {"dimension_1": "tenure", "category_1": "owned", "dimension_2": "size", "category_2": "2"}
    current = [{"area_code": "A"} | full, {"area_code": "B"} | full]
    found = boundary(engine, current, [{"area_code": "B", "value": 5.0} | full | other])
    assert [row[:4] for row in found] == [("A", "owned", 20.0, None), ("B", "owned", None, "[x]")]
