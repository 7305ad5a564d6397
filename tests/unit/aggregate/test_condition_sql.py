"""A measure's condition as SQL: true, false and not known, on each side of every bound."""

from itertools import product

import duckdb
import pytest

from pipeline.aggregate.condition import category_sql, condition_sql
from pipeline.aggregate.contribution import (
    PACKED_BITS,
    ResidentCounts,
    packed,
    resident_count_sql,
    unpacked,
)
from schemas.condition import AttributeTest, Condition, Every, Negation, ResidentsWith, Several, Some
from schemas.dimension import Dimension, dimensions

ROWS = "(VALUES (1, 3, 'a', TRUE), (2, 4, 'b', FALSE), (3, 5, 'it''s', NULL), (4, NULL, NULL, NULL)) AS t"
WARM = AttributeTest("warm", (True,), None, None)
LARGE = AttributeTest("size", (), 4, None)


def column_of(_: Condition) -> str:
    return '"size"'


def answers(condition: Condition) -> list[bool | None]:
    found = duckdb.sql(
        f"SELECT {condition_sql(condition, column_of)} FROM {ROWS}(id, size, name, warm) ORDER BY id"
    ).fetchall()
    return [row[0] for row in found]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (AttributeTest("size", (), 4, None), [False, True, True, None]),
        (AttributeTest("size", (), None, 4), [True, True, False, None]),
        (AttributeTest("size", (), 4, 4), [False, True, False, None]),
        (AttributeTest("size", (), None, None), [True, True, True, False]),
        (AttributeTest("size", (), 0, None), [True, True, True, None]),
        (AttributeTest("size", (3, 5), None, None), [True, False, True, None]),
        (AttributeTest("name", ("a", "it's"), None, None), [True, False, True, None]),
        (WARM, [True, False, None, None]),
        (AttributeTest("warm", (False,), None, None), [False, True, None, None]),
        (Negation(WARM), [False, True, None, None]),
        (Every(()), [True, True, True, True]),
        (Every((WARM, LARGE)), [False, False, None, None]),
        (Some((WARM, LARGE)), [True, True, None, None]),
        (Several(1, (WARM, LARGE)), [True, True, None, None]),
        (Several(2, (WARM, LARGE)), [False, False, None, None]),
        (ResidentsWith(WARM, 4, None), [False, True, True, None]),
        (ResidentsWith(WARM, None, 3), [True, False, False, None]),
        (ResidentsWith(WARM, 0, 3), [True, False, False, None]),
    ],
)
def test_a_condition_is_true_false_or_not_known(condition: Condition, found: list[bool | None]) -> None:
    assert answers(condition) == found


THREE = (True, False, None)


def whole_table(columns: tuple[str, ...], condition: Condition) -> dict[tuple[bool | None, ...], bool | None]:
    """Return the answer for every combination of true, false and not known in flags of these names."""
    rows = list(product(THREE, repeat=len(columns)))
    texts = ", ".join(
        "(" + ", ".join(f"CAST({'NULL' if v is None else v} AS BOOLEAN)" for v in row) + ")" for row in rows
    )
    names = ", ".join(f'"{name}"' for name in columns)
    found = duckdb.sql(
        f"SELECT {names}, {condition_sql(condition, column_of)} FROM (VALUES {texts}) AS t({names})"
    ).fetchall()
    return {row[:-1]: row[-1] for row in found}


def flag(name: str) -> AttributeTest:
    return AttributeTest(name, (True,))


#: A flag that shows where people are, so it selects; the others are recorded or not.
SELECTS = "aqma"


def test_all_and_any_of_what_may_be_missing_are_known_only_where_every_part_is() -> None:
    a, b, c = flag("a"), flag("b"), flag("c")
    for combined, word in ((Every((a, b, c)), all), (Some((a, b, c)), any)):
        table = whole_table(("a", "b", "c"), combined)
        assert len(table) == 27
        assert table == {row: None if None in row else word(row) for row in table}
    table = whole_table(("a", "b", "c"), Several(2, (a, b, c)))
    assert table == {row: None if None in row else sum(row) >= 2 for row in table}  # type: ignore[arg-type]


def test_a_part_that_selects_decides_without_the_others() -> None:
    parts = (flag(SELECTS), flag("a"))
    assert whole_table((SELECTS, "a"), Every(parts)) == {
        (True, True): True,
        (True, False): False,
        (True, None): None,
        (False, True): False,
        (False, False): False,
        (False, None): False,
        (None, True): None,
        (None, False): None,
        (None, None): None,
    }
    assert whole_table((SELECTS, "a"), Some(parts)) == {
        (True, True): True,
        (True, False): True,
        (True, None): True,
        (False, True): True,
        (False, False): False,
        (False, None): None,
        (None, True): None,
        (None, False): None,
        (None, None): None,
    }


@pytest.mark.parametrize("columns", [("a", "b"), (SELECTS, "a"), (SELECTS, "a", "b")])
def test_not_all_is_any_not(columns: tuple[str, ...]) -> None:
    parts = tuple(map(flag, columns))
    opposite = Some(tuple(Negation(part) for part in parts))
    assert whole_table(columns, Negation(Every(parts))) == whole_table(columns, opposite)


def test_a_household_is_known_only_where_every_resident_is() -> None:
    for size in (1, 2, 3):
        for residents in product(THREE, repeat=size):
            texts = ", ".join(f"(CAST({'NULL' if v is None else v} AS BOOLEAN))" for v in residents)
            counted = resident_count_sql("a")
            found = duckdb.sql(f"SELECT {counted} FROM (VALUES {texts}) AS t(a)").fetchall()[0][0]
            assert found == (None if None in residents else sum(map(bool, residents)))


@pytest.mark.parametrize("name", sorted(dimensions()))
def test_a_category_is_the_place_of_the_first_that_holds_and_else_the_last(name: str) -> None:
    dimension = dimensions()[name]
    unknown = len(dimension.categories) - 1
    assert dimension.categories[unknown] == "unknown"
    if dimension.condition is not None:
        sql = category_sql(dimension, lambda _: "n")
        assert "ELSE" in sql
        return
    attribute = dimension.attribute or ""
    for place, codes in enumerate(dimension.code_sets.values()):
        for code in codes:
            assert category_of(dimension, f"SELECT '{code}' AS \"{attribute}\"") == place
    for place, (low, high) in enumerate(dimension.bands.values(), start=len(dimension.code_sets)):
        for bound in (low, high):
            if bound is not None:
                assert category_of(dimension, f'SELECT {bound} AS "{attribute}"') == place
    null = "INTEGER" if dimension.bands else "VARCHAR"
    assert category_of(dimension, f'SELECT CAST(NULL AS {null}) AS "{attribute}"') == unknown


def category_of(dimension: Dimension, row: str) -> int:
    return int(duckdb.sql(f"SELECT {category_sql(dimension, lambda _: 'n')} FROM ({row})").fetchall()[0][0])


def test_a_dimension_by_a_condition_is_yes_no_or_unknown() -> None:
    of_condition = [d for d in dimensions().values() if d.condition is not None]
    assert of_condition
    for dimension in of_condition:
        yes_no = {}
        for text in ("TRUE", "FALSE", "NULL"):
            sql = category_sql(dimension, lambda _: "n")
            condition = condition_sql(dimension.condition, lambda _: "n")
            yes_no[text] = duckdb.sql(f"SELECT {sql.replace(condition, text)}").fetchall()[0][0]
        assert yes_no == {"TRUE": 0, "FALSE": 1, "NULL": len(dimension.categories) - 1}


def test_equal_conditions_on_residents_share_a_column_and_others_have_their_own() -> None:
    residents = ResidentCounts()
    assert [residents(c) for c in (WARM, LARGE, WARM)] == [
        "residents_with_1",
        "residents_with_2",
        "residents_with_1",
    ]
    with pytest.raises(TypeError):
        residents(ResidentsWith(WARM, 1, None))


def test_packed_sums_come_apart_again_up_to_the_size_of_each_part() -> None:
    """Two rows at the greatest that a sum of an LSOA may reach, less one so that their sum still fits."""
    parts = {
        "household_key": 2**35 - 1,
        "households": 2**23 - 1,
        "person_key": 2**35 - 4097,
        "persons": 2**26 - 1,
    }
    row = packed(*(str(parts[name]) for name in PACKED_BITS))
    columns = ", ".join(unpacked("SUM(pack)", name) for name in PACKED_BITS)
    found = duckdb.sql(f"SELECT {columns} FROM (SELECT {row} AS pack FROM range(2))").fetchall()[0]
    assert dict(zip(PACKED_BITS, found, strict=True)) == {
        "household_key": (2**36 - 2) % 4096,
        "households": 2**24 - 2,
        "person_key": (2**36 - 8194) % 4096,
        "persons": 2**27 - 2,
    }
