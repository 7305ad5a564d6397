"""The audit and the repair that a run relies on, compared with slow functions that share no code with them.

`feasible_intervals` bounds every cell by programs of its own; `protect` hides cells by a method of its own.
"""

import ast
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.errors import Refused
from pipeline.context import RunContext
from pipeline.disclosure import secondary
from pipeline.disclosure.audit.auditor import MINIMUM_WIDTH, Auditor
from pipeline.disclosure.audit.published_system import PublicRules, PublishedSystem
from pipeline.disclosure.profile import Profile
from pipeline.disclosure.recoverability import feasible_intervals
from pipeline.disclosure.rules.publish_rule import round_to_base
from pipeline.disclosure.secondary import protect
from pipeline.disclosure.stage import protect_cells
from tests.unit.disclosure.generated_tables import (
    DESIGNS,
    OTHERS,
    Cell,
    Tables,
    area_table,
    create_cells,
    numbered,
    published_system,
    tables_of,
    with_bounds,
)

EXACT = PublicRules(minimum_cell_count=10, rounding_base=1, noise_bound=0)
NOISY = PublicRules(minimum_cell_count=10, rounding_base=5, noise_bound=3)
#: No agreement permits so little noise; with it many cells are narrow.
FAINT = PublicRules(minimum_cell_count=10, rounding_base=1, noise_bound=1)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as opened:
        yield opened


@pytest.mark.parametrize("design", DESIGNS)
def test_the_audit_finds_exposed_exactly_the_cells_that_the_oracle_finds_narrow(
    design: str, connection: duckdb.DuckDBPyConnection
) -> None:
    @settings(max_examples=40, deadline=None)
    @given(st.data())
    def compare(data: st.DataObject) -> None:
        tables = data.draw(tables_of(design))
        counts = tables.counts()
        shown = data.draw(st.lists(st.booleans(), min_size=len(counts), max_size=len(counts)))
        is_shown = dict(zip(counts, shown, strict=True))
        printed = {
            cell: counts[cell] if counts[cell] >= 10 and is_shown[cell] else None
            for cell in tables.printable()
        }
        system, cells = published_system(connection, tables, printed, EXACT)
        unknown = np.flatnonzero(~system.printed)

        result = Auditor(system, numbered(cells, counts), 10, targets=unknown).run()

        assert set(cells) == set(counts)
        oracle = feasible_intervals({cell: printed.get(cell) for cell in counts}, tables.relations())
        narrow = {c for c, found in oracle.items() if found.upper - found.lower < MINIMUM_WIDTH}
        assert {cells[number] for number in result.exposed} == narrow
        for number in unknown:  # whatever the audit found possible is possible
            assert oracle[cells[number]].lower <= result.low[number]
            assert result.high[number] <= oracle[cells[number]].upper
        for number, least, most in zip(
            result.exposed, result.least_possible, result.most_possible, strict=True
        ):  # whatever it proves is true
            assert least <= oracle[cells[number]].lower
            assert oracle[cells[number]].upper <= most

    compare()


@pytest.mark.parametrize("rules", [NOISY, FAINT], ids=["noise", "faint noise"])
@pytest.mark.parametrize("design", DESIGNS)
def test_the_audit_of_noisy_values_finds_what_the_oracle_finds(
    design: str, rules: PublicRules, connection: duckdb.DuckDBPyConnection
) -> None:
    @settings(max_examples=20, deadline=None)
    @given(st.data())
    def compare(data: st.DataObject) -> None:
        tables = data.draw(tables_of(design))
        counts = tables.counts()
        noise = st.integers(-rules.noise_bound, rules.noise_bound)
        drawn = data.draw(st.lists(noise, min_size=len(counts), max_size=len(counts)))
        noisy = {cell: counts[cell] + moved for cell, moved in zip(counts, drawn, strict=True)}
        printed = {
            cell: round_to_base(noisy[cell], rules.rounding_base)
            if min(counts[cell], noisy[cell]) >= rules.minimum_cell_count
            else None
            for cell in tables.printable()
        }
        system, cells = published_system(connection, tables, printed, rules)
        hidden = np.flatnonzero(system.hidden)

        result = Auditor(system, numbered(cells, counts), 10).run()

        oracle = feasible_intervals(
            *with_bounds(counts, tables.relations(), printed, rules), only=[cells[n] for n in hidden]
        )
        narrow = {c for c, found in oracle.items() if found.upper - found.lower < MINIMUM_WIDTH}
        assert {cells[number] for number in result.exposed} == narrow

    compare()


@pytest.mark.parametrize("rules", [EXACT, NOISY], ids=["exact counts", "noise"])
@pytest.mark.parametrize("design", DESIGNS)
def test_the_oracle_finds_no_small_count_in_what_the_repair_would_publish(
    design: str,
    rules: PublicRules,
    connection: duckdb.DuckDBPyConnection,
    make_profile: Callable[..., Profile],
    tmp_path: Path,
) -> None:
    profile, context = profile_of_rules(make_profile, rules), run_in(tmp_path)

    @settings(max_examples=10, deadline=None)
    @given(tables_of(design))
    def compare(tables: Tables) -> None:
        check_repaired(connection, tables, rules, profile, context)

    compare()


def test_the_repair_covers_counts_that_the_guess_of_no_zero_would_pin(
    connection: duckdb.DuckDBPyConnection, make_profile: Callable[..., Profile], tmp_path: Path
) -> None:
    """Five hidden counts of 1 add up to 5: each can be 0 to 5, and is 1 if none is 0."""
    tables = Tables(
        areas={"E01a": "E02a"},
        categories={"epc": tuple("abcdef")},
        breakdowns=((), ("epc",)),
        leaf={("E01a", name): (0, 1) for name in "abcde"} | {("E01a", "f"): (12, 12)},
    )

    check_repaired(connection, tables, EXACT, profile_of_rules(make_profile, EXACT), run_in(tmp_path))


@pytest.mark.parametrize("design", DESIGNS)
def test_the_audit_finds_nothing_exposed_in_what_the_oracle_protects(
    design: str, connection: duckdb.DuckDBPyConnection
) -> None:
    @settings(max_examples=20, deadline=None)
    @given(tables_of(design))
    def compare(tables: Tables) -> None:
        counts = tables.counts()
        printable = tables.printable()
        unsafe = [cell for cell in printable if counts[cell] < 10]
        known = {cell: None if cell[0] == OTHERS else count for cell, count in counts.items()}
        known |= dict.fromkeys(set(counts) - set(printable))

        hidden = protect(known, tables.relations(), unsafe, minimum_width=MINIMUM_WIDTH)

        printed = {cell: None if cell in hidden else counts[cell] for cell in printable}
        system, cells = published_system(connection, tables, printed, EXACT)
        targets = np.array([n for n, cell in enumerate(cells) if cell in set(unsafe)], dtype=np.int64)
        result = Auditor(system, numbered(cells, counts), 10, targets=targets).run()
        assert not len(result.exposed)

    compare()


def test_a_count_that_only_whole_numbers_pin_is_exposed() -> None:
    """5 = a + 6b: with fractions a is anywhere between 0 and 5, with whole numbers only 5."""
    none = np.full(3, "", dtype=object)
    system = PublishedSystem(
        lower=np.array([5.0, 0, 0]),
        upper=np.array([5.0, np.inf, np.inf]),
        hidden=np.array([False, True, True]),
        printed=np.array([True, False, False]),
        difference=np.zeros(3, dtype=bool),
        member_relation=np.zeros(3, dtype=np.int64),
        member_cell=np.arange(3),
        member_sign=np.array([-1.0, 1, 6]),
        member_over_areas=np.zeros(3, dtype=bool),
        measure_group=none,
        moves_with=none,
        breakdown=none,
        block_area=none,
        authority=none,
    )

    result = Auditor(system, np.array([5.0, 5, 0]), 10).run()

    oracle = feasible_intervals({"total": 5, "a": None, "b": None}, [("total", ["a", *"bbbbbb"])])
    assert oracle == {"a": (5, 5), "b": (0, 0)}
    assert result.exposed.tolist() == [1, 2]


def test_the_oracle_shares_only_the_form_of_cells_and_the_solver_with_the_audit() -> None:
    folder = Path(secondary.__file__).parent
    shared = {"pipeline.disclosure.audit.cell_system", "pipeline.disclosure.audit.solver"}
    oracle = {f"pipeline.disclosure.{name}" for name in ("secondary", "recoverability", "feasible_points")}

    def imports(module: str) -> set[str]:
        path = folder.parents[1] / f"{module.replace('.', '/')}.py"
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        return {
            str(node.module)
            for node in nodes
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("pipeline.")
        }

    audit = {f"pipeline.disclosure.audit.{path.stem}" for path in (folder / "audit").glob("*.py")} - shared
    assert {name for module in oracle for name in imports(module)} <= oracle | shared
    assert not {name for module in audit for name in imports(module)} & oracle
    assert {name for module in shared for name in imports(module)} == set()


def check_repaired(
    connection: duckdb.DuckDBPyConnection,
    tables: Tables,
    rules: PublicRules,
    profile: Profile,
    context: RunContext,
) -> None:
    """Protect tables as a run does, and let the oracle look for small counts in what would be published."""
    create_cells(connection, tables)
    facts = protect_cells(connection, profile, area_table(tables), context)
    assert facts["audit_exposed"] == 0

    counts, relations, printed = tables.counts(), tables.relations(), printed_cells(connection)
    small = [c for c in counts if counts[c] < 10 and (printed.get(c, 0) is None or c[0] == OTHERS)]
    oracle = feasible_intervals(*with_bounds(counts, relations, printed, rules), only=small)
    assert not [c for c, found in oracle.items() if found.upper - found.lower < MINIMUM_WIDTH]

    hidden = [cell for cell, value in printed.items() if value is None]
    try:
        guessing = feasible_intervals(*with_bounds(counts, relations, printed, rules, 1), only=hidden)
    except Refused:  # some hidden count is certainly zero, so the guess that none is fits nothing
        return
    assert not [c for c, found in guessing.items() if found.upper - found.lower < 1]


def profile_of_rules(make_profile: Callable[..., Profile], rules: PublicRules) -> Profile:
    return make_profile(
        name="exact-count" if rules.is_exact else "cell-key",
        rounding_base=rules.rounding_base,
        noise_bound=rules.noise_bound,
        floor_households=0,
        floor_persons=0,
        floor_households_multiway=0,
        floor_persons_multiway=0,
        maximum_hidden_share=1.0,
    )


def run_in(folder: Path) -> RunContext:
    secret = folder / "record-key.secret"
    secret.write_text(bytes(range(32)).hex())
    secret.chmod(0o600)
    project = SimpleNamespace(
        folder=folder,
        reference_date=date(2026, 3, 31),
        correction=None,
        keys={"record_key_file": secret.name},
    )
    return cast(
        RunContext, SimpleNamespace(project=project, workspace=SimpleNamespace(zone=lambda _: folder))
    )


def printed_cells(connection: duckdb.DuckDBPyConnection) -> dict[Cell, float | None]:
    """Return the counts that `protected_cell` prints, None where hidden; those not produced are left out."""
    printed: dict[Cell, float | None] = {}
    rows: list[tuple[Any, ...]] = connection.execute(
        """
        SELECT measure, area_code, dimension_1, category_1, dimension_2, category_2, value
        FROM protected_cell
        WHERE rounding_base IS NOT NULL AND COALESCE(shorthand, '') <> '[x]'
        """
    ).fetchall()
    for measure, area, dimension_1, category_1, dimension_2, category_2, value in rows:
        pairs = ((dimension_1, category_1), (dimension_2, category_2))
        printed[measure, area, tuple(pair for pair in pairs if pair[0] is not None)] = value
    return printed
