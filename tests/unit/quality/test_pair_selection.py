"""Which pairs go to review: every cell in the sample, more of the uncertain; then what teaches most."""

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.quality.review.pairs.selection import ESTIMATE, TEACH, Cell, allocate, select_pairs, teach_most

CELLS = [Cell("sure", 1000, 0.999), Cell("unsure", 1000, 0.6), Cell("small", 3, 0.5)]


def test_each_cell_is_sampled_and_a_less_certain_one_more() -> None:
    taken = allocate(CELLS, 100)
    assert sum(taken.values()) == 100
    assert taken["small"] == 1
    assert taken["unsure"] > 2 * taken["sure"] > 0


def test_no_more_pairs_are_taken_than_there_are() -> None:
    assert allocate(CELLS[2:], 10) == {"small": 3}
    assert teach_most(CELLS[2:], 10, {"small": 2}) == {"small": 1}
    assert teach_most(CELLS[2:], 10, {"small": 3}).get("small", 0) == 0


def test_what_teaches_most_is_of_the_cell_with_most_uncertainty_per_verdict() -> None:
    assert teach_most(CELLS, 1, {"sure": 50, "unsure": 50, "small": 3})["unsure"] == 1
    # with many verdicts on it, the next one teaches less than one on the cell without any
    assert teach_most(CELLS, 1, {"sure": 50, "unsure": 900, "small": 0})["small"] == 1


@given(
    st.lists(st.tuples(st.integers(1, 50), st.floats(0, 1)), min_size=1, max_size=8),
    st.integers(1, 200),
    st.integers(0, 50),
)
def test_the_cases_are_given_out_completely(rows: list[tuple[int, float]], cases: int, more: int) -> None:
    cells = [Cell(f"cell {n}", *row) for n, row in enumerate(rows)]
    pairs = sum(cell.pairs for cell in cells)
    sampled = allocate(cells, cases)
    assert sum(sampled.values()) == min(cases, pairs)
    if cases >= len(cells):
        assert min(sampled.values()) >= 1
    further = teach_most(cells, more, sampled)
    assert sum(further.values()) == min(more, pairs - sum(sampled.values()))
    assert all(sampled[c.name] + further.get(c.name, 0) <= c.pairs for c in cells)


@pytest.fixture
def run() -> duckdb.DuckDBPyConnection:
    """Decisions of 300 groups in three cells, one of them decided by people before."""
    connection = duckdb.connect()
    people = ["name", "surname", "nobody"]
    groups = [f"g{n}" for n in range(300)]
    decided = [
        "decided_apart" if n == 0 else "linked" if n % 3 == 0 else "clerical_review" for n in range(300)
    ]
    decision = pa.table(
        {
            "address_group": groups,
            "dwelling_record_pseudonym": [f"d{n}" for n in range(300)],
            "place": ["uprn_and_address"] * 300,
            "people": [people[n % 3] for n in range(300)],
            "match_weight": [(5.0, -1.0, -3.0)[n % 3] for n in range(300)],
            "reason": decided,
        }
    )
    connection.register("decision", decision)
    probabilities = [(0.97, 0.33, 0.11)[n % 3] for n in range(300)]
    pairs = decision.select(["address_group", "dwelling_record_pseudonym"])
    connection.register(
        "candidate_pair", pairs.append_column("household_probability", pa.array(probabilities))
    )
    connection.register("address_group", pa.table({"address_group": groups, "nhs_records": [2] * 300}))
    return connection


def test_a_sampled_pair_represents_its_cell_and_what_people_decided_is_not_reviewed_again(
    run: duckdb.DuckDBPyConnection,
) -> None:
    select_pairs(run, 60, 12)
    rows = run.sql("SELECT * FROM review_pair").to_arrow_table().to_pylist()
    assert len(rows) == 72
    assert len({row["review_case"] for row in rows}) == 72
    assert {row["purpose"] for row in rows} == {ESTIMATE, TEACH}
    assert sum(row["purpose"] == TEACH for row in rows) == 12
    assert {row["cell"]: row["cell_pairs"] for row in rows} == {
        "uprn_and_address | name | linked": 99,
        "uprn_and_address | nobody | not linked": 100,
        "uprn_and_address | surname | not linked": 100,
    }
    assert "g0" not in {row["address_group"] for row in rows}


def test_one_run_gives_one_sample(run: duckdb.DuckDBPyConnection) -> None:
    select_pairs(run, 20, 5)
    first = run.execute("SELECT review_case, purpose FROM review_pair ORDER BY ALL").fetchall()
    run.execute("DROP TABLE review_pair")
    run.execute("DROP TABLE review_frame")
    select_pairs(run, 20, 5)
    assert run.execute("SELECT review_case, purpose FROM review_pair ORDER BY ALL").fetchall() == first
