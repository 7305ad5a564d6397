"""From exact cells to printed ones, cell by cell: what is printed, hidden, not produced, and found again.

Cells are made by hand; noise is set by hand too, so that every figure can be worked out on paper.
"""

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from governance.errors import Fault
from pipeline.disclosure.counts import create_counts, create_noise
from pipeline.disclosure.noise.record_key import RecordKeySecret
from pipeline.disclosure.rules.attribute import suppress_attribute
from pipeline.disclosure.rules.primary import suppress_primary
from pipeline.disclosure.rules.publish_rule import apply_publish_rule
from pipeline.disclosure.rules.table_registry import find_areas_below_floor
from pipeline.disclosure.statements import create_table

Row = dict[str, Any]
PLAIN: Row = {
    "table_id": "t", "measure": "households", "unit": "household", "population": "households",
    "area_level": "LAD", "area_code": "E08", "dimension_1": None, "category_1": None,
    "dimension_2": None, "category_2": None, "denominator": 100, "numerator": None,
    "denominator_households": 100, "denominator_persons": 250, "numerator_households": None,
    "numerator_persons": None, "complement_households": None, "complement_persons": None,
    "denominator_household_key": 7, "denominator_person_key": None, "numerator_household_key": None,
    "numerator_person_key": None, "complement_household_key": None, "complement_person_key": None,
    "structural_zero": False,
}  # fmt: skip
TEXT = {
    "table_id", "measure", "unit", "population", "area_level", "area_code", "dimension_1", "category_1",
    "dimension_2", "category_2",
}  # fmt: skip


def counted(n: int, **columns: Any) -> Row:
    """A plain count of n households, each of two persons unless stated otherwise."""
    return PLAIN | {"denominator": n, "denominator_households": n, "denominator_persons": 2 * n} | columns


def rated(n: int, of: int, **columns: Any) -> Row:
    """A measure that n of so many households have."""
    sides = {
        "numerator": n, "numerator_households": n, "numerator_persons": 2 * n, "numerator_household_key": 5,
        "complement_households": of - n, "complement_persons": 2 * (of - n), "complement_household_key": 2,
    }  # fmt: skip
    return counted(of) | {"measure": "ill"} | sides | columns


def residents(n: int, households: int, **columns: Any) -> Row:
    """A plain count of n residents of so many households."""
    return (
        counted(n, unit="resident", measure="residents", population="residents")
        | {
            "denominator_households": households,
            "denominator_persons": n,
            "denominator_household_key": None,
            "denominator_person_key": 9,
        }
        | columns
    )


def load(connection: duckdb.DuckDBPyConnection, rows: list[Row]) -> None:
    columns = ", ".join(
        f"{name} {'VARCHAR' if name in TEXT else 'BOOLEAN' if name == 'structural_zero' else 'BIGINT'}"
        for name in PLAIN
    )
    connection.execute(f"CREATE OR REPLACE TABLE cell ({columns})")
    for row in rows:
        connection.execute(f"INSERT INTO cell VALUES ({', '.join(f'${name}' for name in PLAIN)})", row)


def printed(
    connection: duckdb.DuckDBPyConnection,
    profile: Any,
    rows: list[Row],
    noise: int = 0,
    sparse: tuple[tuple[str, str, str], ...] = (),
) -> dict[tuple[Any, ...], tuple[float | None, str | None]]:
    """Print the cells; returns (table, measure, area, categories) -> (value, shorthand)."""
    load(connection, rows)
    create_counts(connection)
    create_noise(connection, profile, None)
    connection.execute(f"UPDATE count_noise SET noise = {noise}")
    suppress_primary(connection, profile)
    suppress_attribute(connection, profile, [], [])
    connection.execute(
        "CREATE OR REPLACE TABLE hidden AS SELECT * FROM primary_hidden UNION SELECT * FROM attribute_hidden"
    )
    find_areas_below_floor(connection, profile)
    connection.execute(
        "CREATE OR REPLACE TABLE too_sparse (table_id VARCHAR, count_measure VARCHAR, area_level VARCHAR, "
        "cells BIGINT, hidden_cells BIGINT)"
    )
    for place in sparse:
        connection.execute("INSERT INTO too_sparse VALUES (?, ?, ?, 0, 0)", list(place))
    create_table(connection, "published_measure")
    apply_publish_rule(connection, profile)
    create_table(
        connection, "protected_cell", rounding_base=profile.rounding_base, method="m", epoch="2026-Q1"
    )
    found = connection.execute(
        "SELECT table_id, measure, area_code, category_1, category_2, value, shorthand FROM protected_cell"
    ).fetchall()
    cells: dict[tuple[Any, ...], tuple[float | None, str | None]] = {}
    for table, measure, area, first, second, value, shorthand in found:
        key = (table, measure, area, *(c for c in (first, second) if c is not None))
        assert key not in cells
        cells[key] = (value, shorthand)
    return cells


@pytest.fixture
def exact(make_profile: Callable[..., Any]) -> Any:
    """No noise, no rounding, and no floors: what is hidden is hidden only by P1 and P4."""
    return make_profile(
        name="exact-count", noise_bound=0, rounding_base=1, floor_households=0, floor_persons=0,
        floor_households_multiway=0, floor_persons_multiway=0,
    )  # fmt: skip


@pytest.fixture
def noisy(make_profile: Callable[..., Any]) -> Any:
    return make_profile(
        floor_households=0, floor_persons=0, floor_households_multiway=0, floor_persons_multiway=0
    )


HERE = ("t", "households", "E08")


@pytest.mark.parametrize(
    ("row", "is_hidden"),
    [
        (counted(9), True),
        (counted(10), False),
        (counted(11), False),
        (counted(0), True),
        (counted(10, denominator_households=9), True),
        (counted(9, denominator_households=10), True),
        (counted(10, denominator_persons=9), False),
    ],
)
def test_a_count_of_fewer_than_ten_households_is_hidden(
    engine: duckdb.DuckDBPyConnection, exact: Any, row: Row, is_hidden: bool
) -> None:
    found = printed(engine, exact, [row])
    assert found == {HERE: (None, "[c]") if is_hidden else (row["denominator"], None)}


@pytest.mark.parametrize(
    ("n", "households", "is_hidden"), [(10, 10, False), (10, 9, True), (30, 9, True), (9, 10, True)]
)
def test_a_count_of_residents_needs_ten_of_them_and_ten_households(
    engine: duckdb.DuckDBPyConnection, exact: Any, n: int, households: int, is_hidden: bool
) -> None:
    found = printed(engine, exact, [residents(n, households)])
    assert found == {("t", "residents", "E08"): (None, "[c]") if is_hidden else (n, None)}


def test_residents_who_are_fewer_than_the_count_says_are_hidden(
    engine: duckdb.DuckDBPyConnection, exact: Any
) -> None:
    assert printed(engine, exact, [residents(10, 10, denominator_persons=9)]) == {
        ("t", "residents", "E08"): (None, "[c]")
    }


@pytest.mark.parametrize(
    ("n", "noise", "value"),
    [
        (10, 0, 10), (12, 0, 10), (13, 0, 15), (17, 0, 15), (18, 0, 20), (10, -1, None), (12, -2, 10),
        (12, -3, None), (11, -1, 10), (10, 3, 15), (10, 2, 10), (9, 3, None), (100, 3, 105), (100, 2, 100),
    ],
)  # fmt: skip
def test_a_count_is_printed_with_its_noise_rounded_to_five_and_not_below_ten(
    engine: duckdb.DuckDBPyConnection, noisy: Any, n: int, noise: int, value: int | None
) -> None:
    found = printed(engine, noisy, [counted(n)], noise)
    assert found == {HERE: (value, None if value is not None else "[c]")}


def test_a_structural_zero_is_marked_whatever_else_holds(
    engine: duckdb.DuckDBPyConnection, noisy: Any
) -> None:
    row = counted(0, structural_zero=True)
    assert printed(engine, noisy, [row]) == {HERE: (None, "[z]")}
    assert printed(engine, noisy, [row], sparse=(("t", "households", "LAD"),)) == {HERE: (None, "[z]")}


@pytest.mark.parametrize(
    ("n", "of", "value", "shorthand"),
    [
        (50, 200, 25.0, None),
        (9, 200, None, "[c]"),
        (10, 200, 5.0, None),
        (190, 200, 95.0, None),
        (191, 200, None, "[c]"),
        (1, 9, None, "[c]"),
        (100, 300, 33.3, None),
        (200, 300, 66.7, None),
    ],
)
def test_a_rate_needs_ten_in_numerator_denominator_and_complement(
    engine: duckdb.DuckDBPyConnection, exact: Any, n: int, of: int, value: float | None, shorthand: str | None
) -> None:
    found = printed(engine, exact, [counted(of), rated(n, of)])
    assert found["t", "ill_percent", "E08"] == (value, shorthand)


@pytest.mark.parametrize("side", ["numerator", "complement"])
@pytest.mark.parametrize(("households", "shorthand"), [(9, "[c]"), (10, None)])
def test_a_rate_needs_ten_households_on_either_side_whatever_their_number(
    engine: duckdb.DuckDBPyConnection, exact: Any, side: str, households: int, shorthand: str | None
) -> None:
    row = rated(50, 100, **{f"{side}_households": households})
    assert printed(engine, exact, [counted(100), row])["t", "ill_percent", "E08"][1] == shorthand


@pytest.mark.parametrize(
    ("n", "of", "shorthand"),
    [(15, 100, None), (14, 100, "[u]"), (85, 100, None), (86, 100, "[u]"), (50, 100, None)],
)
def test_a_rate_of_fewer_than_three_errors_of_a_count_is_unreliable(
    engine: duckdb.DuckDBPyConnection, noisy: Any, n: int, of: int, shorthand: str | None
) -> None:
    """Noise of 3 and rounding of 2: an error of 5, so 15 printed on the smaller side."""
    n = {14: 12, 86: 88}.get(n, n)
    found = printed(engine, noisy, [counted(of), rated(n, of)])["t", "ill_percent", "E08"]
    assert found[1] == shorthand
    assert (found[0] is None) == (shorthand is not None)


def test_a_rate_is_made_of_what_is_printed_and_not_of_the_counts(
    engine: duckdb.DuckDBPyConnection, noisy: Any
) -> None:
    found = printed(engine, noisy, [counted(101), rated(33, 101)])
    assert found[HERE] == (100, None)
    assert found["t", "ill", "E08"] == (35, None)
    assert found["t", "ill_percent", "E08"] == (35.0, None)


def test_a_printed_complement_below_ten_hides_the_rate(engine: duckdb.DuckDBPyConnection, noisy: Any) -> None:
    """83 of 93: the complement is 10, and 85 of 95 would leave 10; 88 of 97 print as 90 of 95."""
    assert printed(engine, noisy, [counted(93), rated(83, 93)])["t", "ill_percent", "E08"][1] == "[u]"
    assert printed(engine, noisy, [counted(98), rated(88, 98)])["t", "ill_percent", "E08"][1] == "[u]"
    assert printed(engine, noisy, [counted(97), rated(87, 97)])["t", "ill_percent", "E08"][1] == "[u]"
    hidden = rated(88, 98)
    hidden |= {"denominator": 97, "denominator_households": 97}
    assert printed(engine, noisy, [counted(97), hidden])["t", "ill_percent", "E08"][1] == "[c]"


def test_a_structural_zero_or_hidden_denominator_decides_before_its_numerator(
    engine: duckdb.DuckDBPyConnection, exact: Any
) -> None:
    nothing = {"structural_zero": True}
    found = printed(engine, exact, [counted(0, **nothing), rated(0, 0, **nothing)])
    assert found["t", "ill_percent", "E08"] == (None, "[z]")


def test_a_table_left_out_at_a_level_is_not_available_there_and_is_elsewhere(
    engine: duckdb.DuckDBPyConnection, exact: Any
) -> None:
    rows = [
        counted(100), rated(50, 100), counted(100, table_id="other"),
        counted(40, area_level="MSOA21", area_code="E02"),
        rated(20, 40, area_level="MSOA21", area_code="E02"),
    ]  # fmt: skip
    found = printed(engine, exact, rows, sparse=(("t", "households", "LAD"),))
    assert found == {
        HERE: (None, "[x]"),
        ("t", "ill", "E08"): (50, None),
        ("t", "ill_percent", "E08"): (None, "[x]"),
        ("other", "households", "E08"): (100, None),
        ("t", "households", "E02"): (40, None),
        ("t", "ill", "E02"): (20, None),
        ("t", "ill_percent", "E02"): (50.0, None),
    }
    found = printed(engine, exact, rows, sparse=(("t", "ill", "LAD"),))
    assert (found[HERE], found["t", "ill_percent", "E08"]) == ((100, None), (None, "[x]"))


def test_an_area_below_its_floor_has_no_values_in_that_table(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any]
) -> None:
    profile = make_profile(name="exact-count", noise_bound=0, rounding_base=1)
    rows = [
        counted(40, denominator_persons=100),
        counted(39, denominator_persons=100, area_code="E09"),
        counted(40, denominator_persons=99, area_code="E10"),
    ]
    assert printed(engine, profile, rows) == {
        HERE: (40, None),
        ("t", "households", "E09"): (None, "[x]"),
        ("t", "households", "E10"): (None, "[x]"),
    }


def test_the_size_of_an_area_is_the_most_that_any_table_finds_there(
    engine: duckdb.DuckDBPyConnection, exact: Any
) -> None:
    load(
        engine,
        [
            counted(30, table_id="by", dimension_1="tenure", category_1="owned"),
            counted(20, table_id="by", dimension_1="tenure", category_1="rented"),
            counted(45, table_id="all", denominator_persons=80),
            residents(70, 44, table_id="r"),
            residents(90, 46, table_id="r2", dimension_1="age", category_1="young"),
            residents(95, 20, table_id="r2", dimension_1="age", category_1="old"),
            counted(7, area_code="E09"),
        ],
    )
    create_counts(engine)
    sizes = {row[1]: row[2:] for row in engine.execute("SELECT * FROM area_size").fetchall()}
    assert sizes == {"E08": (50, 100), "E09": (7, 14)}


def test_a_count_in_two_tables_is_one_count_whatever_the_order_of_its_dimensions(
    engine: duckdb.DuckDBPyConnection, exact: Any
) -> None:
    one = {"dimension_1": "epc", "category_1": "D", "dimension_2": "tenure", "category_2": "owned"}
    other = {"dimension_1": "tenure", "category_1": "owned", "dimension_2": "epc", "category_2": "D"}
    load(engine, [counted(30, **one), counted(30, table_id="u", **other), counted(99)])
    assert create_counts(engine) == 2
    assert printed(engine, exact, [counted(30, **one), counted(30, table_id="u", **other)]) == {
        ("t", "households", "E08", "D", "owned"): (30, None),
        ("u", "households", "E08", "D", "owned"): (30, None),
    }


@pytest.mark.parametrize("change", [{"denominator": 31}, {"denominator_household_key": 8}])
def test_two_tables_that_disagree_on_a_count_stop_the_stage(
    engine: duckdb.DuckDBPyConnection, change: Row
) -> None:
    same = counted(30, table_id="u")
    load(engine, [counted(30), same])
    assert create_counts(engine) == 1
    load(engine, [counted(30), same | change])
    with pytest.raises(Fault, match="CELLS_DISAGREE"):
        create_counts(engine)


@pytest.mark.parametrize("column", ["denominator", "denominator_households", "denominator_persons"])
def test_a_count_below_zero_or_missing_stops_the_stage(
    engine: duckdb.DuckDBPyConnection, column: str
) -> None:
    for value in (-1, None) if column == "denominator" else (-1,):
        load(engine, [counted(30) | {column: value}])
        with pytest.raises(Fault, match="CELLS_DISAGREE"):
            create_counts(engine)


def test_zero_is_a_count_like_any_other(engine: duckdb.DuckDBPyConnection) -> None:
    load(engine, [counted(0, denominator_persons=0)])
    assert create_counts(engine) == 1


def test_noise_needs_a_key_of_every_count_and_is_zero_without_a_secret(
    engine: duckdb.DuckDBPyConnection, noisy: Any, exact: Any
) -> None:
    secret = RecordKeySecret(bytes(range(32)))
    load(engine, [counted(30), counted(40, area_code="E09", denominator_household_key=0)])
    create_counts(engine)
    create_noise(engine, noisy, secret)
    bound = engine.execute("SELECT COUNT(*), MIN(noise) >= -3, MAX(noise) <= 3 FROM count_noise").fetchall()
    assert bound == [(2, True, True)]
    for profile, held in ((exact, secret), (noisy, None)):
        create_noise(engine, profile, held)
        assert engine.execute("SELECT DISTINCT noise FROM count_noise").fetchall() == [(0,)]
    load(engine, [counted(30, denominator_household_key=None)])
    create_counts(engine)
    with pytest.raises(Fault, match="CELL_KEYS_MISSING"):
        create_noise(engine, noisy, secret)


def test_measures_are_published_as_counts_and_as_percentages_of_what_they_are_among(
    engine: duckdb.DuckDBPyConnection, exact: Any
) -> None:
    printed(engine, exact, [counted(100), rated(50, 100), residents(200, 90, table_id="r")])
    found = engine.execute("SELECT * FROM published_measure ORDER BY ALL").fetchall()
    assert found == [
        ("households", "household", "count", None, None),
        ("ill", "household", "count", None, "households"),
        ("ill_percent", "household", "percent", "ill", "households"),
        ("residents", "resident", "count", None, None),
    ]


def test_a_denominator_without_a_measure_of_its_own_is_named_after_its_population(
    engine: duckdb.DuckDBPyConnection, exact: Any
) -> None:
    found = printed(engine, exact, [rated(50, 100, population="known")])
    assert set(found) == {
        ("t", "known_population", "E08"),
        ("t", "ill", "E08"),
        ("t", "ill_percent", "E08"),
    }


FINDING = {
    "cells": 3, "cells_published": 3, "cells_hidden": 0, "cells_without_one_answer": 0,
    "published_below_minimum": 0, "smallest_published_group": 50, "fewest_sensitive_values": None,
    "published_unrounded": 0, "attribute_exposed": 0, "published_too_far_from_count": 0,
    "rates_below_minimum": 0, "rates_not_from_published_counts": 0,
}  # fmt: skip


def findings(connection: duckdb.DuckDBPyConnection, profile: Any, *changes: str) -> dict[str, Any]:
    """Write the cells back with some changes, and return what reading them finds."""
    connection.execute("CREATE OR REPLACE TABLE written AS SELECT * FROM protected_cell")
    for change in changes:
        connection.execute(change)
    create_table(
        connection,
        "finding",
        minimum_cell_count=10,
        rounding_base=profile.rounding_base,
        largest_error=profile.noise_bound + profile.rounding_base // 2,
    )
    cursor = connection.execute("SELECT * FROM finding")
    return dict(zip([c[0] for c in cursor.description], cursor.fetchall()[0], strict=True))


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ((), {}),
        (
            ("UPDATE written SET shorthand = '[c]' WHERE measure = 'ill'",),
            {"cells_without_one_answer": 1, "cells_hidden": 1},
        ),
        (
            ("UPDATE written SET value = NULL WHERE measure = 'ill_percent'",),
            {"cells_published": 2, "cells_without_one_answer": 1},
        ),
        (
            ("UPDATE written SET value = 105 WHERE measure = 'households'",),
            {"rates_not_from_published_counts": 1},
        ),
        (
            ("UPDATE written SET value = 110 WHERE measure = 'households'",),
            {"rates_not_from_published_counts": 1, "published_too_far_from_count": 1},
        ),
        (
            ("UPDATE written SET value = 90 WHERE measure = 'households'",),
            {"rates_not_from_published_counts": 1, "published_too_far_from_count": 1},
        ),
        (
            ("UPDATE written SET value = 101 WHERE measure = 'households'",),
            {"rates_not_from_published_counts": 1, "published_unrounded": 1},
        ),
        (("UPDATE written SET value = value + 0.05 WHERE measure = 'ill_percent'",), {}),
        (
            ("UPDATE written SET value = value - 0.06 WHERE measure = 'ill_percent'",),
            {"rates_not_from_published_counts": 1},
        ),
        (
            ("DELETE FROM written WHERE measure = 'ill'",),
            {
                "cells": 2,
                "cells_published": 2,
                "rates_not_from_published_counts": 1,
                "smallest_published_group": 100,
            },
        ),
        (
            (
                "UPDATE count SET n = 9, households = 9 WHERE role = 'numerator'",
                "UPDATE written SET value = 10 WHERE measure = 'ill'",
                "UPDATE written SET value = 10 WHERE measure = 'ill_percent'",
            ),
            {"published_below_minimum": 1, "smallest_published_group": 9, "rates_below_minimum": 1},
        ),
        (
            ("UPDATE count SET households = 9 WHERE role = 'numerator'",),
            {"published_below_minimum": 1, "smallest_published_group": 9},
        ),
        (
            (
                "UPDATE count SET n = 91 WHERE role = 'numerator'",
                "DELETE FROM written WHERE measure <> 'ill_percent'",
            ),
            {
                "cells": 1,
                "cells_published": 1,
                "rates_below_minimum": 1,
                "rates_not_from_published_counts": 1,
                "smallest_published_group": None,
            },
        ),
        (
            (
                "UPDATE count SET n = 90 WHERE role = 'numerator'",
                "DELETE FROM written WHERE measure <> 'ill_percent'",
            ),
            {
                "cells": 1,
                "cells_published": 1,
                "rates_not_from_published_counts": 1,
                "smallest_published_group": None,
            },
        ),
        (
            ("INSERT INTO attribute_hidden SELECT count_id FROM count WHERE role = 'numerator'",),
            {"attribute_exposed": 1},
        ),
        (
            (
                "UPDATE written SET value = 5 WHERE measure = 'ill'",
                "UPDATE written SET value = 5 WHERE measure = 'ill_percent'",
            ),
            {"published_unrounded": 1, "published_too_far_from_count": 1},
        ),
    ],
)
def test_cells_that_were_written_otherwise_are_found_when_they_are_read_back(
    engine: duckdb.DuckDBPyConnection, noisy: Any, changes: tuple[str, ...], found: dict[str, Any]
) -> None:
    printed(engine, noisy, [counted(100), rated(50, 100)])
    assert findings(engine, noisy, *changes) == FINDING | found


def test_residents_are_read_back_by_the_fewer_of_persons_and_households(
    engine: duckdb.DuckDBPyConnection, noisy: Any
) -> None:
    printed(engine, noisy, [residents(100, 40)])
    assert findings(engine, noisy)["smallest_published_group"] == 40
    few = "UPDATE count SET persons = 9"
    assert findings(engine, noisy, few)["published_below_minimum"] == 1
    assert (
        findings(engine, noisy, "UPDATE count SET persons = 10, unit = 'resident'")["published_below_minimum"]
        == 0
    )


@pytest.mark.parametrize(("n", "values"), [(0, 1), (50, 2), (100, 1)])
def test_the_values_of_something_sensitive_in_a_printed_group_are_counted(
    engine: duckdb.DuckDBPyConnection, noisy: Any, n: int, values: int
) -> None:
    printed(engine, noisy, [counted(100), rated(n, 100)])
    engine.execute("INSERT INTO sensitive_measure VALUES ('ill')")
    shown = "UPDATE written SET value = 10, shorthand = NULL WHERE measure = 'ill'"
    assert findings(engine, noisy, shown)["fewest_sensitive_values"] == values
    hidden = "UPDATE written SET value = NULL, shorthand = '[c]' WHERE measure = 'ill'"
    assert findings(engine, noisy, hidden)["fewest_sensitive_values"] is None


def test_the_printed_group_with_the_fewest_values_of_something_sensitive_counts(
    engine: duckdb.DuckDBPyConnection, noisy: Any
) -> None:
    there = {"area_code": "E09"}
    rows = [counted(100), rated(50, 100), counted(100, **there), rated(100, 100, **there)]
    printed(engine, noisy, rows)
    engine.execute("INSERT INTO sensitive_measure VALUES ('ill')")
    shown = "UPDATE written SET value = 50, shorthand = NULL WHERE measure = 'ill'"
    assert findings(engine, noisy, shown)["fewest_sensitive_values"] == 1
    assert findings(engine, noisy, shown)["smallest_published_group"] == 50
