"""The sums that an outsider can write down of a release: each of them and no other, on a few cells."""

from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from pipeline.disclosure.attack import differencing
from pipeline.disclosure.audit.published_system import (
    PublicRules,
    PublishedSystem,
    create_system,
    known_households,
    with_any_size,
    with_known_households,
    with_none_zero,
)
from tests.unit.disclosure.test_attack_figures import release

AREA = pa.table(
    {
        "lsoa21": ["L1", "L2", "L3"],
        "msoa21": ["M1", "M1", "M2"],
        "local_authority": ["A", "A", "A"],
        "imd_decile": [1, 2, 2],
        "aqma": [True, False, False],
    }
)
LEVELS = {"L": "LSOA21", "M": "MSOA21", "A": "LAD"}
NOISY = PublicRules(10, 5, 3)
EXACT = PublicRules(10, 1, 0)

Sum = frozenset[tuple[str, int]]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def system_of(
    connection: duckdb.DuckDBPyConnection,
    cells: dict[str, float | str],
    rules: PublicRules = NOISY,
    among: dict[str, str] | None = None,
) -> PublishedSystem:
    """cells: "measure@area" or "measure@area tenure=owned epc=D" -> a value or a shorthand.

    among: numerator -> denominator.
    """
    rows = []
    for name, value in cells.items():
        place, *categories = name.split(" ")
        measure, area = place.split("@")
        named = sorted(tuple(c.split("=")) for c in categories)
        row: dict[str, Any] = {
            "unit": "resident" if measure == "residents" else "household",
            "measure": measure,
            "area_level": LEVELS[area[0]],
            "area_code": area,
            "value": None if isinstance(value, str) else float(value),
            "shorthand": value if isinstance(value, str) else None,
        }
        for number in (1, 2):
            dimension, category = named[number - 1] if len(named) >= number else (None, None)
            row |= {f"dimension_{number}": dimension, f"category_{number}": category}
        rows.append(row)
    text = [n for n in rows[0] if n != "value"]
    schema = pa.schema([*((n, pa.string()) for n in text), ("value", pa.float64())])
    connection.register("_shown", pa.Table.from_pylist(rows, schema=schema))
    connection.execute("CREATE OR REPLACE TABLE shown AS SELECT * FROM _shown")
    connection.execute(
        "CREATE OR REPLACE TABLE denominator_of (measure VARCHAR, unit VARCHAR, denominator_measure VARCHAR)"
    )
    for numerator, denominator in (among or {}).items():
        connection.execute("INSERT INTO denominator_of VALUES (?, 'household', ?)", [numerator, denominator])
    return create_system(connection, rules, AREA)


def names(connection: duckdb.DuckDBPyConnection) -> dict[int, str]:
    found = connection.execute(
        "SELECT cell, measure, area_code, dimension_1, category_1, dimension_2, category_2 FROM system_cell"
    ).fetchall()
    return {
        cell: " ".join([f"{measure}@{area}", *(f"{d}={c}" for d, c in ((d1, c1), (d2, c2)) if d is not None)])
        for cell, measure, area, d1, c1, d2, c2 in found
    }


def sums(connection: duckdb.DuckDBPyConnection, system: PublishedSystem) -> set[Sum]:
    """Return each relation as its cells with their signs."""
    named = names(connection)
    found: dict[int, set[tuple[str, int]]] = {}
    for relation, cell, sign in zip(
        system.member_relation, system.member_cell, system.member_sign, strict=True
    ):
        found.setdefault(int(relation), set()).add((named[int(cell)], int(sign)))
    return {frozenset(cells) for cells in found.values()}


def total(whole: str, *parts: str) -> Sum:
    return frozenset({(whole, -1), *((part, 1) for part in parts)})


def test_categories_add_up_to_their_area_and_areas_to_the_area_around_them(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    areas = ("L1", "L2", "L3", "M1", "M2", "A")
    cells: dict[str, float | str] = {f"n@{a} tenure={t}": 20 for a in areas for t in ("owned", "rented")}
    system = system_of(connection, cells)
    expected = {total(f"n@{a}", f"n@{a} tenure=owned", f"n@{a} tenure=rented") for a in areas}
    for rest in ("", " tenure=owned", " tenure=rented"):
        expected |= {
            total(f"n@M1{rest}", f"n@L1{rest}", f"n@L2{rest}"),
            total(f"n@M2{rest}", f"n@L3{rest}"),
            total(f"n@A{rest}", f"n@M1{rest}", f"n@M2{rest}"),
        }
    assert sums(connection, system) == expected
    over_areas = {int(r) for r, o in zip(system.member_relation, system.member_over_areas, strict=True) if o}
    assert len(over_areas) == 9
    assert len(sums(connection, system.within_areas())) == 6


def test_areas_that_are_not_all_there_make_no_sum(connection: duckdb.DuckDBPyConnection) -> None:
    system = system_of(connection, {"n@L1": 20, "n@M1": 40, "m@L2": 20, "m@L3": 20})
    assert sums(connection, system) == {total("m@M2", "m@L3"), total("m@A", "m@M1", "m@M2")}


def test_two_dimensions_add_up_each_to_the_other(connection: duckdb.DuckDBPyConnection) -> None:
    cells: dict[str, float | str] = {
        f"n@A tenure={t} epc={e}": 20 for t in ("owned", "rented") for e in ("C", "D")
    }
    assert sums(connection, system_of(connection, cells)) == {
        total("n@A epc=C", "n@A epc=C tenure=owned", "n@A epc=C tenure=rented"),
        total("n@A epc=D", "n@A epc=D tenure=owned", "n@A epc=D tenure=rented"),
        total("n@A tenure=owned", "n@A epc=C tenure=owned", "n@A epc=D tenure=owned"),
        total("n@A tenure=rented", "n@A epc=C tenure=rented", "n@A epc=D tenure=rented"),
        total("n@A", "n@A epc=C", "n@A epc=D"),
        total("n@A", "n@A tenure=owned", "n@A tenure=rented"),
    }


def test_a_numerator_and_its_complement_make_the_denominator_of_the_same_cell(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    system = system_of(connection, {"n@A": 100, "ill@A": 20, "n@L1": 50}, among={"ill": "n"})
    named = names(connection)
    assert total("n@A", "ill@A", "ill:complement@A") in sums(connection, system)
    (complement,) = (cell for cell, name in named.items() if name == "ill:complement@A")
    assert (system.measure_group[complement], system.moves_with[complement]) == (
        "household|ill",
        "household|n",
    )
    assert not system.printed[complement]
    assert not system.hidden[complement]


def test_a_cell_by_a_public_fact_of_areas_is_the_sum_of_those_areas(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    cells: dict[str, float | str] = {f"n@{a}": 20 for a in ("L1", "L2", "L3", "A")}
    cells |= {"n@A imd_decile=1": 20, "n@A imd_decile=2": 40, "n@A aqma=inside": 20, "n@A imd_quintile=1": 60}
    found = sums(connection, system_of(connection, cells))
    assert {
        total("n@A imd_decile=1", "n@L1"),
        total("n@A imd_decile=2", "n@L2", "n@L3"),
        total("n@A aqma=inside", "n@L1"),
        total("n@A imd_quintile=1", "n@L1", "n@L2", "n@L3"),
    } <= found
    by_tenure: dict[str, float | str] = {f"n@{a} tenure=owned": 20 for a in ("L1", "L2", "L3")}
    by_tenure |= {"n@A imd_decile=2 tenure=owned": 40}
    found = sums(connection, system_of(connection, by_tenure))
    assert total("n@A imd_decile=2 tenure=owned", "n@L2 tenure=owned", "n@L3 tenure=owned") in found


@pytest.mark.parametrize(
    ("rules", "value", "lower", "upper"),
    [
        (NOISY, 20, 15, 25), (NOISY, 10, 10, 15), (EXACT, 20, 20, 20), (PublicRules(10, 10, 0), 20, 15, 24),
        (NOISY, "[c]", 0, 12), (EXACT, "[c]", 0, np.inf), (NOISY, "[z]", 0, 0), (NOISY, "[x]", 0, np.inf),
    ],
)  # fmt: skip
def test_what_is_printed_bounds_a_count(
    connection: duckdb.DuckDBPyConnection, rules: PublicRules, value: float | str, lower: float, upper: float
) -> None:
    system = system_of(connection, {"n@M2": value, "n@M1": 50}, rules)
    (cell,) = (number for number, name in names(connection).items() if name == "n@M2")
    assert (system.lower[cell], system.upper[cell]) == (lower, upper)
    assert (bool(system.hidden[cell]), bool(system.printed[cell])) == (
        value == "[c]",
        value == 20 or value == 10,
    )


def test_hidden_residents_have_no_upper_bound(connection: duckdb.DuckDBPyConnection) -> None:
    system = system_of(connection, {"residents@A": "[c]"})
    assert (system.lower.tolist(), system.upper.tolist()) == ([0], [np.inf])


def test_an_attacker_with_more_knowledge_or_assumptions_has_other_bounds(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    cells: dict[str, float | str] = {
        "n@A": "[c]",
        "ill@A": "[c]",
        "n_population@A": 20,
        "n@A tenure=owned": 20,
    }
    system = system_of(connection, cells, among={"ill": "n"})
    households = known_households(connection)
    assert [names(connection)[int(c)] for c in households] == ["n@A"]
    reference = np.full(system.size, 7.0)
    known = with_known_households(system, households, reference)
    cell = int(households[0])
    assert (known.lower[cell], known.upper[cell], bool(known.hidden[cell])) == (7, 7, False)
    (ill,) = (number for number, name in names(connection).items() if name == "ill@A")
    guessed, open_ended = with_none_zero(system), with_any_size(system)
    assert (system.lower[ill], guessed.lower[ill], guessed.upper[ill]) == (0, 1, 12)
    assert (open_ended.lower[ill], open_ended.upper[ill]) == (0, np.inf)
    assert guessed.lower[~system.hidden].tolist() == system.lower[~system.hidden].tolist()


@pytest.mark.parametrize(
    ("base", "cells", "found"),
    [
        (1, {"households": 20, "households/owned": 15, "households/rented": None}, {"DIFFERENCE_EXACT": 1}),
        (
            1,
            {"households": 15, "households/owned": 15, "households/rented": None},
            {"DIFFERENCE_EXACT": 1, "DIFFERENCE_ZERO": 1},
        ),
        (3, {"households": 30, "households/owned": 24, "households/rented": None}, {"DIFFERENCE_NARROW": 1}),
        (5, {"households": 30, "households/owned": 25, "households/rented": None}, {}),
        (1, {"households": 30, "households/owned": 20, "households/rented": None}, {}),
        (1, {"households": 20, "households/owned": None, "households/rented": None}, {}),
        (1, {"households": 15, "households/owned": 20, "households/rented": None}, {}),
        (1, {"households": None, "households/owned": 10, "households/rented": 12}, {}),
    ],
)
def test_what_is_left_of_a_total_is_found_where_it_is_small_and_narrow(
    connection: duckdb.DuckDBPyConnection, base: int, cells: dict[str, float | None], found: dict[str, int]
) -> None:
    one = release(cells)
    one.criteria.update({"rounding_base": base, "noise_bound": 0})
    object.__setattr__(
        one, "area", pa.table({"lsoa21": ["E01"], "msoa21": ["E02"], "local_authority": ["E08"]})
    )
    outcome = differencing.attack(connection, one)
    assert outcome.findings == found
    object.__setattr__(one, "area", pa.table({"lsoa21": ["X"], "msoa21": ["Y"], "local_authority": ["Z"]}))
    assert differencing.attack(connection, one).findings.get("UNNESTED_GEOGRAPHY") == 1
