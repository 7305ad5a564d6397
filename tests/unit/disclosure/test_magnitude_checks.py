"""The check of written means and percentiles, and which of them are left out: each bound from both sides."""

from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from governance.errors import Fault
from pipeline.disclosure.profile import Profile
from pipeline.disclosure.rules import printed_magnitude
from pipeline.disclosure.rules.printed_magnitude import (
    Answer,
    _without_mostly_hidden,
    check_written_magnitudes,
    protect_magnitudes,
)
from pipeline.engine.cell_id import define_cell_ids
from schemas.magnitude import Magnitude, magnitudes

MEAN, MEDIAN = magnitudes()["long_term_conditions_of_older_residents"], magnitudes()["median_age"]
TABLES = {MEAN: "older_resident_conditions", MEDIAN: "resident_age"}
PLACE = {"unit": "resident", "area_level": "LAD", "area_code": "E08"}
NO_CATEGORIES = dict.fromkeys(("dimension_1", "category_1", "dimension_2", "category_2"))
TEXT = ("table_id", "measure", *PLACE, *NO_CATEGORIES, "shorthand")

#: Twelve households, none of which adds much: a mean of them may be published.
SAFE = {"contributors": 12, "total": 100, "largest": 9, "second_largest": 8}
#: The band from 40 has ten contributors on each side.
BANDS = [
    {"band": 30, "contributors_below": 0, "contributors_above": 20},
    {"band": 40, "contributors_below": 10, "contributors_above": 10},
    {"band": 50, "contributors_below": 20, "contributors_above": 0},
]


def create(connection: duckdb.DuckDBPyConnection, table: str, rows: list[dict[str, Any]]) -> None:
    """Create a table of rows; every row has all columns, null where it does not name them."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {
        name: pa.array([row.get(name) for row in rows], pa.string() if name in TEXT else None)
        for name in names
    }
    connection.register("_rows", pa.table(columns))
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM _rows")
    connection.unregister("_rows")


def exact(
    connection: duckdb.DuckDBPyConnection, magnitude: Magnitude, rows: list[dict[str, Any]], units: int = 20
) -> None:
    """Create the exact figures of a magnitude in one authority, and the cells of its table."""
    define_cell_ids(connection)
    table = TABLES[magnitude]
    categories = {"category_1": None, "category_2": None}
    place = {"area_level": "LAD", "area_code": "E08"}
    amounts = dict.fromkeys(("contributors_below", "contributors_above", *SAFE), 0)
    create(connection, "cell", [{"table_id": table, **PLACE, **NO_CATEGORIES}])
    create(
        connection,
        "magnitude_cell",
        [
            {"table_id": table, "measure": magnitude.name, **place, **categories, "band": None}
            | {"units": units, "cell_key": 7}
            | amounts
            | row
            for row in rows
        ],
    )
    connection.execute("ALTER TABLE magnitude_cell ALTER band TYPE BIGINT")


def found(
    connection: duckdb.DuckDBPyConnection, magnitude: Magnitude, profile: Profile, **values: float | None
) -> tuple[int, int, int]:
    """Check written values of a magnitude: not rounded, of too few, not from published values.

    values: measure -> value in the same cell.
    """
    rows = [
        {"table_id": TABLES[magnitude], "measure": name, "value": value, **PLACE, **NO_CATEGORIES}
        for name, value in values.items()
    ]
    create(connection, "written", rows)
    connection.execute("ALTER TABLE written ALTER value TYPE DOUBLE")
    facts = check_written_magnitudes(connection, profile)
    assert set(facts) == {
        "published_unrounded", "rates_below_minimum", "rates_not_from_published_counts",
    }  # fmt: skip
    return (
        facts["published_unrounded"],
        facts["rates_below_minimum"],
        facts["rates_not_from_published_counts"],
    )


@pytest.mark.parametrize(
    ("band", "result"),
    [
        (40.0, (0, 0, 0)),
        (45.0, (0, 1, 0)),  # a band of five years, and no one is in it
        (44.0, (1, 1, 0)),  # no band of five years begins with it
        (30.0, (0, 1, 0)),  # no one is below it
        (50.0, (0, 1, 0)),  # no one is above it
        (60.0, (0, 1, 0)),  # no one is in it
    ],
)
def test_a_written_percentile_is_the_lower_end_of_a_safe_band_of_its_width(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any], band: float, result: tuple[int, ...]
) -> None:
    exact(engine, MEDIAN, BANDS)

    assert found(engine, MEDIAN, make_profile(), median_age=band, residents_of_known_age=60.0) == result


def test_every_written_percentile_is_checked(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any]
) -> None:
    exact(engine, MEDIAN, BANDS)
    found(engine, MEDIAN, make_profile(), median_age=40.0, residents_of_known_age=60.0)
    engine.execute(
        "INSERT INTO written SELECT * REPLACE ('E09' AS area_code, value + 4 AS value) FROM written"
    )

    facts = check_written_magnitudes(engine, make_profile())

    assert (facts["published_unrounded"], facts["rates_below_minimum"]) == (1, 1)


@pytest.mark.parametrize("count", [{}, {"residents_of_known_age": None}])
def test_a_written_percentile_without_its_count_is_one_of_too_few(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any], count: dict[str, None]
) -> None:
    exact(engine, MEDIAN, BANDS)

    assert found(engine, MEDIAN, make_profile(), median_age=40.0, **count) == (0, 1, 0)


@pytest.mark.parametrize(
    ("changed", "few"),
    [
        ({}, 0),
        ({"contributors": 10}, 0),
        ({"contributors": 9}, 1),
        ({"largest": 50, "second_largest": 40}, 0),
        ({"largest": 51, "second_largest": 40}, 1),
    ],
)
def test_a_written_mean_has_enough_contributors_of_whom_two_do_not_dominate(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any], changed: dict[str, int], few: int
) -> None:
    exact(engine, MEAN, [SAFE | changed])

    result = found(
        engine, MEAN, make_profile(), older_residents=50.0, **{MEAN.name: 2.0, MEAN.sum_name: 100.0}
    )

    assert result == (0, few, 0)


@pytest.mark.parametrize(
    ("count", "total", "mean", "result"),
    [
        (50.0, 100.0, 2.0, (0, 0, 0)),
        (30.0, 100.0, 3.3, (0, 0, 0)),
        (30.0, 100.0, 3.4, (0, 0, 1)),
        (50.0, 100.0, 2.1, (0, 0, 1)),
        (50.0, 105.0, 2.1, (0, 0, 0)),
        (50.0, 104.0, 2.1, (1, 0, 0)),
        (50.0, None, 2.0, (1, 0, 1)),
        (None, 100.0, 2.0, (0, 0, 1)),
        (None, None, None, (0, 0, 0)),
    ],
)
def test_a_written_mean_is_the_rounded_sum_over_the_written_count(
    engine: duckdb.DuckDBPyConnection,
    make_profile: Callable[..., Any],
    count: float | None,
    total: float | None,
    mean: float | None,
    result: tuple[int, ...],
) -> None:
    exact(engine, MEAN, [SAFE])

    values = {"older_residents": count, MEAN.name: mean, MEAN.sum_name: total}

    assert found(engine, MEAN, make_profile(), **values) == result


@pytest.mark.parametrize("rows", [[SAFE, SAFE], [SAFE | {"area_code": "E09"}]])
def test_a_written_mean_has_exactly_one_row_of_exact_figures(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any], rows: list[dict[str, Any]]
) -> None:
    exact(engine, MEAN, rows)
    values = {"older_residents": 50.0, MEAN.name: 2.0, MEAN.sum_name: 100.0}

    assert found(engine, MEAN, make_profile(), **values) == (0, 1, 0)


def answers(
    shown: int, hidden: int, area_level: str = "MSOA21", magnitude: Magnitude = MEDIAN, **row: Any
) -> list[Answer]:
    cell = {"table_id": "t", "area_level": area_level, "category_1": None, "category_2": None} | row
    return [Answer(cell, magnitude, value=40.0)] * shown + [Answer(cell, magnitude, shorthand="[c]")] * hidden


def shorthands(given: list[Answer], profile: Profile) -> list[str | None]:
    return [answer.shorthand for answer in _without_mostly_hidden(given, profile)]


@pytest.mark.parametrize(("shown", "hidden", "is_left_out"), [(3, 1, False), (2, 1, True), (75, 26, True)])
def test_a_magnitude_is_left_out_at_a_level_if_more_than_the_agreed_share_is_hidden(
    make_profile: Callable[..., Any], shown: int, hidden: int, is_left_out: bool
) -> None:
    given = answers(shown, hidden)

    result = shorthands(given, make_profile(maximum_hidden_share=0.25))

    assert result == (["[x]"] * len(given) if is_left_out else [None] * shown + ["[c]"] * hidden)


@pytest.mark.parametrize(
    "further",
    [
        answers(0, 5, category_1="unknown"),
        answers(0, 5, category_2="unknown"),
        answers(0, 5, area_level="LSOA21"),
        answers(0, 5, magnitude=MEAN),
        answers(0, 5, table_id="other"),
        [Answer({"table_id": "t", "area_level": "MSOA21", "category_1": None, "category_2": None}, MEDIAN,
                shorthand="[x]")] * 5,
    ],
)  # fmt: skip
def test_hidden_cells_of_other_magnitudes_and_unknown_categories_do_not_count(
    make_profile: Callable[..., Any], further: list[Answer]
) -> None:
    """A quarter is hidden; one more cell of this magnitude, table and level would leave all of them out."""
    given = answers(3, 1)

    assert shorthands(given + further, make_profile(maximum_hidden_share=0.25))[:4] == [None] * 3 + ["[c]"]


def test_a_cell_that_cannot_exist_stays_not_applicable_where_its_magnitude_is_left_out(
    make_profile: Callable[..., Any],
) -> None:
    (cell,) = answers(1, 0)
    impossible = Answer(cell.count, MEDIAN, shorthand="[z]")

    assert shorthands([*answers(0, 3), impossible], make_profile()) == ["[x]"] * 3 + ["[z]"]


def print_counts(
    connection: duckdb.DuckDBPyConnection, magnitude: Magnitude, *counts: dict[str, Any]
) -> None:
    """Create `protected_cell` with the counts of a magnitude, and an empty `published_measure`."""
    plain = {
        "table_id": TABLES[magnitude], "measure": magnitude.among, "value": None, "shorthand": None,
        **PLACE, **NO_CATEGORIES, "rounding_base": 5, "method": "cell-key 1.0", "epoch": "2026-Q1",
    }  # fmt: skip
    create(connection, "protected_cell", [plain | count for count in counts])
    for column, kind in (("value", "DOUBLE"), ("method", "VARCHAR"), ("epoch", "VARCHAR")):
        connection.execute(f"ALTER TABLE protected_cell ALTER {column} TYPE {kind}")
    connection.execute(
        "CREATE OR REPLACE TABLE published_measure (measure VARCHAR, unit VARCHAR, kind VARCHAR, "
        "numerator_measure VARCHAR, denominator_measure VARCHAR)"
    )


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What noise is drawn for: (sums, keys, bound, secret) of each call; the noise is 1."""
    calls: list[tuple[Any, ...]] = []

    def noise_of(sums: Any, keys: Any, bound: int, secret: object) -> list[int]:
        calls.append((sums.tolist(), keys.tolist(), bound, secret))
        return [1] * len(sums)

    monkeypatch.setattr(printed_magnitude, "noise_of", noise_of)
    monkeypatch.setattr(printed_magnitude, "secret_for_magnitudes", lambda secret: f"magnitudes of {secret}")
    return calls


def protected(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT measure, value, shorthand, rounding_base, area_code, method, epoch FROM protected_cell "
        "WHERE measure NOT IN ('older_residents', 'residents_of_known_age') ORDER BY ALL"
    ).fetchall()


def test_a_mean_is_published_with_its_sum_and_noise_of_its_own(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any], drawn: list[tuple[Any, ...]]
) -> None:
    """A sum of 100 and noise of one largest contribution of 9: 109, rounded to 110; over 45 that is 2.4."""
    exact(engine, MEAN, [SAFE])
    print_counts(engine, MEAN, {"value": 45.0})

    facts = protect_magnitudes(engine, make_profile(), "secret", "2026-Q1")  # type: ignore[arg-type]

    assert drawn == [([100], [7], 3, "magnitudes of secret")]
    rest = (None, "E08", "cell-key 1.0", "2026-Q1")
    assert protected(engine) == [
        (MEAN.name, 2.4, None, *rest),
        (MEAN.sum_name, 110.0, None, 5, *rest[1:]),
    ]
    assert facts == {"magnitudes": 1, "magnitudes_hidden": 0}
    assert engine.execute("SELECT * FROM published_measure ORDER BY ALL").fetchall() == [
        (MEAN.name, "resident", "mean", MEAN.sum_name, "older_residents"),
        (MEAN.sum_name, "resident", "sum", None, "older_residents"),
    ]


def test_a_mean_that_must_be_hidden_is_hidden_with_its_sum(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any], drawn: list[tuple[Any, ...]]
) -> None:
    exact(engine, MEAN, [SAFE | {"contributors": 9}])
    print_counts(engine, MEAN, {"value": 45.0})

    facts = protect_magnitudes(
        engine,
        make_profile(maximum_hidden_share=1.0),
        "secret",
        "2026-Q1",  # type: ignore[arg-type]
    )

    assert [row[:3] for row in protected(engine)] == [(MEAN.name, None, "[c]"), (MEAN.sum_name, None, "[c]")]
    assert facts == {"magnitudes": 1, "magnitudes_hidden": 1}


def test_a_percentile_is_published_as_a_band_by_the_noise_of_its_people(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any], drawn: list[tuple[Any, ...]]
) -> None:
    """Sixty people, twenty in each band: the median is rank 29.5, and 30.5 with noise."""
    exact(engine, MEDIAN, [BANDS[0], BANDS[1] | {"cell_key": 8}, BANDS[2] | {"cell_key": 9}])
    print_counts(engine, MEDIAN, {"value": 60.0})

    protect_magnitudes(engine, make_profile(), "secret", "2026-Q1")  # type: ignore[arg-type]

    assert drawn == [([60], [7], 3, "magnitudes of secret")]
    assert protected(engine) == [("median_age", 40.0, None, 5, "E08", "cell-key 1.0", "2026-Q1")]
    assert engine.execute("SELECT * FROM published_measure").fetchall() == [
        ("median_age", "resident", "percentile", None, "residents_of_known_age")
    ]


def test_counts_of_other_measures_and_tables_have_no_amounts(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any], drawn: list[tuple[Any, ...]]
) -> None:
    exact(engine, MEAN, [SAFE])
    print_counts(
        engine, MEAN, {"value": 45.0, "measure": "other"}, {"value": 45.0, "table_id": "not registered"}
    )

    facts = protect_magnitudes(engine, make_profile(), "secret", "2026-Q1")  # type: ignore[arg-type]

    assert facts == {"magnitudes": 0, "magnitudes_hidden": 0}
    assert [row[0] for row in protected(engine)] == ["other"]


def test_a_published_count_without_amounts_is_a_fault(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any], drawn: list[tuple[Any, ...]]
) -> None:
    exact(engine, MEAN, [SAFE | {"area_code": "E09"}])
    print_counts(engine, MEAN, {"value": 45.0})

    with pytest.raises(Fault, match="MAGNITUDE_MISSING"):
        protect_magnitudes(engine, make_profile(), "secret", "2026-Q1")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("count", "with_noise", "without"), [("[c]", "[c]", "[x]"), ("[x]", "[x]", "[x]"), ("[z]", "[z]", "[z]")]
)
def test_an_amount_is_hidden_left_out_or_not_applicable_as_its_count_is(
    engine: duckdb.DuckDBPyConnection,
    make_profile: Callable[..., Any],
    drawn: list[tuple[Any, ...]],
    count: str,
    with_noise: str,
    without: str,
) -> None:
    for secret, expected in (("secret", with_noise), (None, without)):
        drawn.clear()
        exact(engine, MEDIAN, BANDS)
        print_counts(engine, MEDIAN, {"shorthand": count})

        facts = protect_magnitudes(
            engine,
            make_profile(maximum_hidden_share=1.0),
            secret,
            "2026-Q1",  # type: ignore[arg-type]
        )

        assert [row[:4] for row in protected(engine)] == [("median_age", None, expected, 5)]
        assert facts == {"magnitudes": 1, "magnitudes_hidden": int(expected == "[c]")}
        assert len(drawn) == (secret is not None)
