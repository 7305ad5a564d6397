"""What the repair hides and coarsens in each round, what it refuses, and what a cover costs."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from governance.errors import Refused
from pipeline.disclosure.audit import attacker_assumptions, repair
from pipeline.disclosure.audit.attacker_assumptions import exact_if_none_is_zero, worked_out_if_all_are_small
from pipeline.disclosure.audit.cell_system import CellSystem
from pipeline.disclosure.audit.cover import Covers
from pipeline.disclosure.audit.published_system import PublicRules
from pipeline.disclosure.audit.repair import (
    MAXIMUM_COARSENINGS,
    MAXIMUM_ROUNDS,
    _coarsen,
    _covers,
    _hide,
    audit_and_repair,
    true_system,
)
from pipeline.disclosure.utility import measure_utility
from pipeline.engine.cell_id import define_cell_ids
from tests.unit.disclosure.test_audit_bounds import system_of

NONE = np.zeros(0, dtype=np.int64)
AREA = pa.table({"lsoa21": ["E01a"], "msoa21": ["E02a"], "local_authority": ["E08"]})


class Rounds:
    """Replaces what the repair calls; `exposed` has the exposed cells of each audit, and the last repeats."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, exposed: list[list[int]]) -> None:
        self.exposed = exposed
        self.done: list[str] = []
        self.ways: set[str] = set()
        self.limits: list[tuple[Any, ...]] = []
        self.audits = 0
        system = SimpleNamespace(
            measure_group=np.array(["m"] * 9, dtype=object),
            breakdown=np.array(["|"] * 9, dtype=object),
            block_area=np.array(["E02a"] * 9, dtype=object),
        )
        monkeypatch.setattr(repair, "true_system", lambda *_: (system, system, NONE, NONE))
        monkeypatch.setattr(repair, "Auditor", self.auditor)
        monkeypatch.setattr(repair, "known_households", lambda _: NONE)
        monkeypatch.setattr(repair, "with_known_households", lambda *_: "knowing households")
        for name in ("exact_if_none_is_zero", "worked_out_if_all_are_small"):
            monkeypatch.setattr(repair, name, lambda *_: NONE)
        monkeypatch.setattr(repair, "_neighbours", lambda *of: self.found("neighbours", of[2]))
        monkeypatch.setattr(repair, "_covers", lambda *of: self.found("covers", of[2]))
        monkeypatch.setattr(repair, "_hide", lambda _, cells: self.note("hide", cells))
        monkeypatch.setattr(repair, "_coarsen", lambda _, cells: self.note("coarsen", cells))

    def found(self, how: str, cells: Any) -> Any:
        self.ways.add(how)
        return cells

    def note(self, what: str, cells: Any) -> int:
        self.done.append(f"{what} {len(cells)}")
        return 10

    def auditor(self, system: Any, *_: Any, **__: Any) -> Any:
        def run(*limits: Any) -> Any:
            self.limits.append(limits)
            if system == "knowing households":
                return SimpleNamespace(exposed=NONE, limits={})
            found = self.exposed[min(self.audits, len(self.exposed) - 1)]
            self.audits += 1
            return SimpleNamespace(exposed=np.array(found, dtype=np.int64), limits={})

        return SimpleNamespace(run=run)

    def repair(self, profile: Any) -> repair.Repaired:
        return audit_and_repair(None, profile, AREA, lambda: self.done.append("print"))  # type: ignore[arg-type]


def exact_profile(make_profile: Callable[..., Any]) -> Any:
    return make_profile(name="exact-count", rounding_base=1, noise_bound=0)


def test_values_without_an_exposed_cell_are_left_as_they_are(
    monkeypatch: pytest.MonkeyPatch, make_profile: Callable[..., Any]
) -> None:
    rounds = Rounds(monkeypatch, [[]])

    repaired = rounds.repair(make_profile())

    assert (repaired.rounds, repaired.hidden_counts, repaired.coarsened) == (1, 0, 0)
    assert rounds.done == []


def test_few_exposed_cells_are_covered_and_more_than_three_of_a_kind_coarsened(
    monkeypatch: pytest.MonkeyPatch, make_profile: Callable[..., Any]
) -> None:
    rounds = Rounds(monkeypatch, [[0, 1, 2], [0, 1, 2, 3], []])

    repaired = rounds.repair(make_profile())

    assert rounds.done == ["hide 3", "print", "coarsen 4", "print"]
    assert (repaired.rounds, repaired.hidden_counts, repaired.coarsened) == (3, 10, 10)
    assert {limits[0] for limits in rounds.limits} == {3, None}
    assert rounds.ways == {"neighbours"}


def test_exact_counts_are_covered_however_many_are_exposed(
    monkeypatch: pytest.MonkeyPatch, make_profile: Callable[..., Any]
) -> None:
    rounds = Rounds(monkeypatch, [[0, 1, 2, 3, 4], []])

    repaired = rounds.repair(exact_profile(make_profile))

    assert rounds.done == ["hide 5", "print"]
    assert (repaired.rounds, repaired.hidden_counts, repaired.coarsened) == (2, 10, 0)
    assert {limits[0] for limits in rounds.limits} == {None}
    assert rounds.ways == {"covers"}


@pytest.mark.parametrize("is_exact", [True, False])
def test_what_five_rounds_do_not_cover_is_coarsened_and_after_thirty_refused(
    monkeypatch: pytest.MonkeyPatch, make_profile: Callable[..., Any], is_exact: bool
) -> None:
    profile = exact_profile(make_profile) if is_exact else make_profile()
    stubborn = Rounds(monkeypatch, [[0, 1]])

    with pytest.raises(Refused, match="AUDIT_EXPOSED"):
        stubborn.repair(profile)

    assert (MAXIMUM_ROUNDS, MAXIMUM_COARSENINGS) == (5, 25)
    assert stubborn.done == ["hide 2", "print"] * 5 + ["coarsen 2", "print"] * 25


@pytest.mark.parametrize("attack", ["exact_if_none_is_zero", "worked_out_if_all_are_small"])
def test_what_an_assumption_works_out_is_covered_too(
    monkeypatch: pytest.MonkeyPatch, make_profile: Callable[..., Any], attack: str
) -> None:
    rounds = Rounds(monkeypatch, [[]])
    found = [np.array([4]), NONE]
    monkeypatch.setattr(repair, attack, lambda *_: found.pop(0))

    repaired = rounds.repair(make_profile())

    assert rounds.done == ["hide 1", "print"]
    assert (repaired.rounds, repaired.hidden_counts) == (2, 10)


COUNTED = ("unit", "count_measure", "area_level", "dimension_1", "dimension_2")


@pytest.fixture
def named(engine: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Three cells of one breakdown, with their counts and the tables that they appear in."""
    engine.execute(
        """
        CREATE TABLE system_cell AS
        SELECT * FROM (VALUES
            (0, 'household', 'm', 'LSOA21', 'epc', NULL, 'g0'),
            (1, 'household', 'm:complement', 'LSOA21', 'epc', NULL, 'g1'),
            (2, 'household', 'm', 'MSOA21', 'epc', 'tenure', 'g2')
        ) AS t (cell, unit, measure, area_level, dimension_1, dimension_2, group_id);
        CREATE TABLE count AS
        SELECT * FROM (VALUES
            (10, 'm', 'g0'), (11, 'm:complement', 'g1'), (12, 'm', 'g2'), (13, 'other', 'g0')
        ) AS t (count_id, count_measure, group_id);
        CREATE TABLE hidden AS SELECT 12 AS count_id;
        CREATE TABLE appearance AS
        SELECT * FROM (VALUES
            ('one', 'household', 'm', 'LSOA21', 'epc', NULL),
            ('two', 'household', 'm', 'LSOA21', 'epc', NULL),
            ('two', 'household', 'm', 'MSOA21', 'epc', NULL),
            ('other', 'household', 'other', 'LSOA21', 'epc', NULL),
            ('by tenure', 'household', 'm', 'LSOA21', 'epc', 'tenure'),
            ('residents', 'resident', 'm', 'LSOA21', 'epc', NULL)
        ) AS t (table_id, unit, count_measure, area_level, dimension_1, dimension_2);
        CREATE TABLE too_sparse AS
        SELECT 'one' AS table_id, 'm' AS count_measure, 'LSOA21' AS area_level, 8 AS cells, 4 AS hidden_cells;
        """
    )
    return engine


def test_the_count_of_a_cell_is_hidden_once(named: duckdb.DuckDBPyConnection) -> None:
    assert _hide(named, np.array([0, 1, 2])) == 2
    assert _hide(named, np.array([0, 1, 2])) == 0
    assert named.execute("SELECT count_id FROM hidden ORDER BY ALL").fetchall() == [(10,), (11,), (12,)]


def test_an_exposed_cell_or_complement_coarsens_the_tables_of_its_breakdown_and_level(
    named: duckdb.DuckDBPyConnection,
) -> None:
    assert _coarsen(named, np.array([1])) == 1
    assert _coarsen(named, np.array([0, 1])) == 0
    left_out = named.execute("SELECT table_id, area_level FROM too_sparse ORDER BY ALL").fetchall()
    assert left_out == [("one", "LSOA21"), ("two", "LSOA21")]


RULES = PublicRules(minimum_cell_count=10, rounding_base=5, noise_bound=3)


def printed(
    connection: duckdb.DuckDBPyConnection, numerator: int, denominator: int, rows: list[tuple[Any, ...]]
) -> Any:
    """Return the system of one area: rows of (measure, value, shorthand), and the exact counts."""
    define_cell_ids(connection)
    connection.execute(
        """
        CREATE OR REPLACE TABLE published_measure AS
        SELECT * FROM (VALUES ('ill', 'household', 'count', 'households'),
                              ('households', 'household', 'count', NULL))
            AS t (measure, unit, kind, denominator_measure);
        CREATE OR REPLACE TABLE protected_cell (measure VARCHAR, value DOUBLE, shorthand VARCHAR);
        """
    )
    connection.executemany("INSERT INTO protected_cell VALUES (?, ?, ?)", rows)
    connection.execute(
        """
        CREATE OR REPLACE TABLE protected_cell AS
        SELECT *, 'household' AS unit, 'LAD' AS area_level, 'E08' AS area_code, NULL::VARCHAR AS dimension_1,
            NULL::VARCHAR AS category_1, NULL::VARCHAR AS dimension_2, NULL::VARCHAR AS category_2
        FROM protected_cell;
        """
    )
    connection.execute(
        """
        CREATE OR REPLACE TABLE count AS
        SELECT measure AS count_measure, role, n, FALSE AS structural_zero,
            group_id('household', 'E08', NULL, NULL, NULL, NULL) AS group_id
        FROM (VALUES ('ill', 'numerator', $ill), ('households', 'denominator', $all),
                     ('ill:complement', 'complement', $all - $ill)) AS t (measure, role, n)
        """,
        {"ill": numerator, "all": denominator},
    )
    return true_system(connection, RULES, AREA)


@pytest.mark.parametrize(
    ("others", "value", "targets"),
    [(9, 25.0, ["ill:complement"]), (10, 25.0, []), (0, 25.0, ["ill:complement"]), (9, None, ["all"])],
)
def test_hidden_cells_and_complements_below_the_minimum_are_audited(
    engine: duckdb.DuckDBPyConnection, others: int, value: float | None, targets: list[str]
) -> None:
    shorthand = "[c]" if value is None else None
    rows = [("ill", value, shorthand), ("households", value and 30.0, shorthand)]

    _, system, reference, found = printed(engine, 25, 25 + others, rows)

    names = [name for (name,) in engine.execute("SELECT measure FROM system_cell ORDER BY cell").fetchall()]
    assert {names[cell] for cell in found} == ({"ill", "households"} if targets == ["all"] else set(targets))
    assert dict(zip(names, reference, strict=True)) == {
        "households": 25 + others, "ill": 25, "ill:complement": others,
    }  # fmt: skip
    if value is None:  # larger than a hidden count can be: without an upper bound
        assert {system.upper[names.index(name)] for name in ("ill", "households")} == {np.inf}


@pytest.mark.parametrize(("exact", "bound"), [(11, 12), (12, 12), (13, np.inf)])
def test_only_a_hidden_count_beyond_the_attackers_bound_has_none(
    engine: duckdb.DuckDBPyConnection, exact: int, bound: float
) -> None:
    """A hidden count is small, below 10, before or after noise of three: 12 at most."""
    rows = [("ill", None, "[c]"), ("households", 60.0, None)]

    attackers, system, _, _ = printed(engine, exact, 60, rows)

    names = [name for (name,) in engine.execute("SELECT measure FROM system_cell ORDER BY cell").fetchall()]
    assert attackers.upper[names.index("ill")] == 12
    assert system.upper[names.index("ill")] == bound


@pytest.mark.parametrize(
    ("exact", "is_possible"), [(20, True), (19, False), (30, True), (31, False), (25, True)]
)
def test_a_printed_count_further_from_the_truth_than_noise_and_rounding_refuses_the_release(
    engine: duckdb.DuckDBPyConnection, exact: int, is_possible: bool
) -> None:
    """25 is printed for 20 to 30: rounding of two either way, and noise of three."""
    rows = [("ill", 25.0, None), ("households", 60.0, None)]
    if is_possible:
        printed(engine, exact, 60, rows)
        return
    with pytest.raises(Refused, match="PRINTED_BEYOND_RULE"):
        printed(engine, exact, 60, rows)


@pytest.mark.parametrize(("is_exact", "largest"), [(True, np.inf), (False, 12)])
def test_a_hidden_count_is_at_most_small_and_noise_unless_counts_are_exact(
    is_exact: bool, largest: float
) -> None:
    rules = PublicRules(10, 1, 0) if is_exact else RULES
    assert (rules.is_exact, rules.largest_hidden) == (is_exact, largest)


def guess(hidden: list[float], total: float = 5.0, upper: float = 12.0) -> Any:
    """A printed total of hidden counts."""
    cells = list(range(len(hidden) + 1))
    lower, upper_bounds = [total, *[0.0] * len(hidden)], [total, *[upper] * len(hidden)]
    system = system_of(lower, upper_bounds, [cells], cells[1:])
    return system, np.array([total, *hidden])


@pytest.mark.parametrize(
    ("hidden", "total", "pinned"),
    [
        ([1, 1, 1, 1, 1], 5, [1, 2, 3, 4, 5]),
        ([1, 1, 1, 1, 2], 6, []),
        ([0, 1, 1, 1, 1], 4, []),  # some hidden count is zero: no guess fits
        ([5, 0, 0, 0, 0], 5, [1, 2, 3, 4, 5]),  # the guess is wrong, and still seems to prove counts
    ],
)
def test_counts_that_the_guess_of_no_zero_pins_are_found(
    hidden: list[float], total: float, pinned: list[int]
) -> None:
    system, reference = guess(hidden, total)

    assert exact_if_none_is_zero(system, reference, RULES).tolist() == pinned


@pytest.mark.parametrize(("limit", "found"), [(4, []), (3, [1, 2, 3])])
def test_beyond_the_joint_program_what_is_undecided_counts_as_pinned(
    monkeypatch: pytest.MonkeyPatch, limit: int, found: list[int]
) -> None:
    """Four cells; the search within their block decides none, so the joint program must."""
    monkeypatch.setattr(attacker_assumptions, "LARGEST_JOINT_PROGRAM", limit)
    system, reference = guess([4, 4, 4], 12)
    seen: list[Any] = []

    class Undecided:
        def __init__(self, candidate: Any, *_: Any, **settings: Any) -> None:
            seen.append(settings)

        def run(self, few: Any, largest: int) -> Any:
            seen.append((few, largest))
            return SimpleNamespace(pinned=NONE, exposed=np.array([1, 2, 3]))

    monkeypatch.setattr(attacker_assumptions, "Auditor", Undecided)

    assert exact_if_none_is_zero(system, reference, RULES).tolist() == found
    assert seen == [{"minimum_width": 1}, (None, limit)]


def test_nothing_is_worked_out_from_small_counts_where_all_are_small() -> None:
    system, reference = guess([4, 4, 4], 12)
    at_the_bound = reference.copy()
    at_the_bound[1] = 12.0

    for point in (reference, at_the_bound):
        assert not len(worked_out_if_all_are_small(None, system, point, RULES))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("exposed", "hidden"),
    [
        ([1], [0]),  # its sum is 0 = 1 + 2, and 2 = 3 + 4
        ([3], [4]),
        ([4], [3]),
        ([3, 4], []),
        ([1, 4], [2]),  # and 4 makes up for what 1 needs of 2
        ([], []),
    ],
)
def test_the_covers_of_exposed_cells_are_found_in_all_sums_of_the_system(
    exposed: list[int], hidden: list[int]
) -> None:
    """What covers one cell is hidden when the cover of the next is sought; hidden cells are none of it."""
    counts = np.array([300.0, 200, 100, 40, 60])
    system = system_of([0.0] * 5, [900.0] * 5, [[0, 1, 2], [2, 3, 4]], exposed)

    assert _covers(system, counts, np.array(exposed, dtype=np.int64)).tolist() == hidden


def test_cells_that_are_hidden_already_are_no_part_of_a_new_cover() -> None:
    counts = np.array([300.0, 200, 100, 40, 60])
    system = system_of([0.0] * 5, [900.0] * 5, [[0, 1, 2], [2, 3, 4]], [1, 4])

    assert _covers(system, counts, np.array([1])).tolist() == [2]
    assert _covers(system, counts, np.array([4])).tolist() == [3]


def cover_of(values: dict[str, int], *relations: tuple[str, tuple[str, ...]]) -> set[Any]:
    """Return what is hidden so that x can move by five."""
    system = CellSystem({name: float(value) for name, value in values.items()}, relations)
    return Covers(system, {"x"}, 5).cheapest("x")


@pytest.mark.parametrize(
    ("values", "cover"),
    [
        ({"all": 40, "x": 3, "a": 7, "b": 30}, {"a"}),
        ({"all": 40, "x": 3, "a": 30, "b": 7}, {"b"}),
        ({"all": 12, "x": 3, "a": 4, "b": 5}, {"b"}),  # a cannot fall by five
        ({"all": 15, "x": 3, "a": 4, "b": 8}, {"b"}),
    ],
)
def test_a_cover_hides_the_smallest_cell_that_can_make_up_for_the_move(
    values: dict[str, int], cover: set[str]
) -> None:
    assert cover_of(values, ("all", ("x", "a", "b"))) == cover


@pytest.mark.parametrize(
    ("value", "cover"),
    [
        (4, {"all"}),  # can only rise: its only partner has nothing to lose
        (5, {"a"}),  # can fall by five, and its partner rises
    ],
)
def test_a_cell_can_fall_by_the_width_only_if_it_has_as_much(value: int, cover: set[str]) -> None:
    assert cover_of({"all": value, "x": value, "a": 0}, ("all", ("x", "a"))) == cover


@pytest.mark.parametrize(("large", "cover"), [(7, {"large"}), (127, {"three", "two"})])
def test_a_cover_of_two_cells_is_preferred_to_one_that_costs_more_than_both(
    large: int, cover: set[str]
) -> None:
    """Hiding a cell of n costs 1 + log2(1 + n): 3 and 2.6 for the two, 4 for one of 7, 8 for one of 127."""
    values = {"all": large + 5, "x": 0, "large": large, "three": 3, "two": 2}

    assert cover_of(values, ("all", ("x", "large", "three", "two"))) == cover


def test_a_cell_that_its_sums_fix_cannot_be_covered() -> None:
    with pytest.raises(Refused, match="CANNOT_PROTECT"):
        cover_of({"x": 0, "a": 0}, ("a", ("x", "x")), ("x", ("a",)))


def test_a_cell_of_no_sum_needs_no_cover() -> None:
    assert cover_of({"x": 3, "a": 4, "b": 4}, ("a", ("b",))) == set()


def test_the_cost_of_protection_is_counted_by_level(engine: duckdb.DuckDBPyConnection) -> None:
    define_cell_ids(engine)
    place = "NULL AS dimension_1, NULL AS category_1, NULL AS dimension_2, NULL AS category_2"
    engine.execute(
        f"""
        CREATE TABLE protected_cell AS
        SELECT 'household' AS unit, *, {place}
        FROM (VALUES
            ('MSOA21', 'a', 'm', 20.0, NULL), ('MSOA21', 'b', 'm', 35.0, NULL),
            ('MSOA21', 'g', 'm', 50.0, NULL),
            ('MSOA21', 'c', 'm', NULL, '[c]'), ('MSOA21', 'd', 'm', NULL, '[x]'),
            ('MSOA21', 'e', 'm', NULL, '[x]'), ('LAD', 'f', 'm', NULL, '[c]')
        ) AS t (area_level, area_code, measure, value, shorthand);
        CREATE TABLE count AS
        SELECT 'm' AS count_measure, role, n, group_id('household', area, NULL, NULL, NULL, NULL) AS group_id
        FROM (VALUES ('denominator', 'a', 23), ('denominator', 'b', 34), ('complement', 'a', 99),
                     ('denominator', 'c', 4), ('denominator', 'g', 50)) AS t (role, area, n);
        INSERT INTO count SELECT 'other', role, n + 1, group_id FROM count;
        """
    )

    assert measure_utility(engine) == {
        "LAD": {"cells": 1, "published": 0, "hidden": 1, "not_produced": 0},
        "MSOA21": {
            "cells": 6, "published": 3, "hidden": 1, "not_produced": 2,
            "total_relative_error": 0.03738, "mean_absolute_error": 1.333, "largest_absolute_error": 3.0,
        },
    }  # fmt: skip
