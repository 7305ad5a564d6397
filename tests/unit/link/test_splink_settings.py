"""The exported settings load in Splink, and Splink then gives the match weights that Hearth gives."""

import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from elm_road import listed, patient, place
from hypothesis import given
from hypothesis import strategies as st
from splink import DuckDBAPI, Linker

from governance.clearance import Cleared
from pipeline.context import RunContext
from pipeline.group.blocking import MOVED_RULES, RECORDED_RULES
from pipeline.group.units import collect_units
from pipeline.link.comparison import SCORECARDS, TOO_WEAK_TO_LINK
from pipeline.link.comparison_inputs import register_comparison_inputs
from pipeline.link.explain.splink_settings import (
    TOLERANCE,
    VECTOR_BLOCK,
    VECTOR_ID,
    settings_by_condition,
    shares_of,
    write_settings,
)
from pipeline.link.model import Parameters, default_model
from pipeline.link.scoring import score_pairs

Rows = list[dict[str, Any]]
Vector = dict[str, str | None]


def vectors(card: str) -> list[Vector]:
    """Vectors that reach every level of every comparison, and one in which nothing can be compared."""
    choices = [[None, *(level.id for level in c.levels)] for c in SCORECARDS[card]]
    names = [c.name for c in SCORECARDS[card]]
    rows = (
        itertools.product(*choices)
        if math.prod(map(len, choices)) < 2_000
        else itertools.islice(zip(*map(itertools.cycle, choices), strict=True), 500)
    )
    return [dict(zip(names, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the settings of the model that ships."""
    folder = tmp_path_factory.mktemp("splink")
    write_settings(default_model(), folder, TOO_WEAK_TO_LINK)
    return folder


@pytest.mark.parametrize("card", sorted(SCORECARDS))
def test_splink_scores_every_vector_as_hearth_does(card: str, exported: Path) -> None:
    scorecard, rows = default_model().scorecards[card], vectors(card)
    expected = [
        scorecard.prior_match_weight
        + sum(scorecard.levels[name][level].match_weight for name, level in row.items() if level is not None)
        for row in rows
    ]
    schema = pa.schema([(c.name, pa.string()) for c in SCORECARDS[card]])
    with duckdb.connect() as connection:
        for table, content in (("a_vector", [dict.fromkeys(schema.names)]), ("vector", rows)):
            made = pa.Table.from_pylist(content, schema)
            made = made.append_column(VECTOR_ID, pa.array(range(len(content))))
            connection.register(table, made.append_column(VECTOR_BLOCK, pa.array([1] * len(content))))
        found = predicted(connection, exported / f"{card}-levels.json", ("a_vector", "vector"), VECTOR_ID)
    assert len(found) == len(rows)
    for (_, number), weight in found.items():
        assert weight == pytest.approx(expected[number], abs=TOLERANCE)


def test_splink_scores_pairs_of_units_as_hearth_does(
    made_units: Callable[[duckdb.DuckDBPyConnection], tuple[str, str]], exported: Path
) -> None:
    with duckdb.connect() as connection:
        units = made_units(connection)
        card = default_model().scorecards["moved"]
        score_pairs(connection, units, card, SCORECARDS["moved"], MOVED_RULES, "pair")
        ours = {
            row[:2]: row[2]
            for row in connection.execute("SELECT dwelling_id, nhs_id, match_weight FROM pair").fetchall()
        }
        found = predicted(connection, exported / "moved.json", units, "unit_id")
    assert len(ours) > 200
    assert found.keys() == ours.keys()
    assert all(weight == pytest.approx(ours[pair], abs=TOLERANCE) for pair, weight in found.items())


def test_splink_scores_a_street_as_hearth_does(
    context: RunContext,
    pseudonymised: Callable[[Rows, Rows, Rows], tuple[Cleared, Cleared]],
    exported: Path,
) -> None:
    names = ("Ann Oldroyd", "Bob Marsh", "Cyd Penrose", "Dee Marsh", "Eve Oldroyd", "Fay Penrose")
    homes = [place(f"d{n}", n, uprn=str(100 + n) if n % 3 else None) for n in range(1, 31)]
    people = [listed(f"c{n}", f"d{n}", names[n % 6]) for n in range(1, 28)]
    # Some at home, some next door, some with their neighbour's UPRN, some with their parent's surname only.
    patients = [
        patient(f"n{n}", n + (n % 5 == 0), names[(n + (n % 7 == 0)) % 6], 1950 + n, uprn=str(100 + n))
        for n in range(1, 30)
    ]
    council, nhs = pseudonymised(homes, people, patients)
    with duckdb.connect() as connection:
        inputs = collect_units(connection, council.artefact, nhs.artefact)
        register_comparison_inputs(connection, inputs, council.artefact, nhs.artefact)
        units = ("dwelling_unit", "nhs_unit")
        card = default_model().scorecards["recorded"]
        score_pairs(connection, units, card, SCORECARDS["recorded"], RECORDED_RULES, "pair")
        rows = connection.execute("SELECT dwelling_id, nhs_id, match_weight, place, people FROM pair")
        ours = {row[:2]: row[2:] for row in rows.fetchall()}
        found = predicted(connection, exported / "recorded.json", units, "unit_id")
    assert len(ours) > 40
    assert len({levels[1:] for levels in ours.values()}) > 5
    assert found.keys() == ours.keys()
    assert all(weight == pytest.approx(ours[pair][0], abs=TOLERANCE) for pair, weight in found.items())


def predicted(
    connection: duckdb.DuckDBPyConnection, file: Path, tables: tuple[str, str], unique_id: str
) -> dict[tuple[Any, Any], float]:
    """Load a settings file in Splink, as its user would, and return the match weight of each pair."""
    api = DuckDBAPI(connection)
    left, right = (api.register(name, dataset_display_name=name) for name in tables)
    linker = Linker([left, right], file, log_level=None)
    pairs = linker.inference.predict().physical_name
    rows = connection.execute(f"SELECT {unique_id}_l, {unique_id}_r, match_weight FROM {pairs}").fetchall()
    return {(left_id, right_id): weight for left_id, right_id, weight in rows}


@pytest.mark.parametrize(
    ("card", "comparison"), [(card, c.name) for card, cs in SCORECARDS.items() for c in cs]
)
def test_m_and_u_of_every_comparison_are_probabilities_that_add_up_to_one(card: str, comparison: str) -> None:
    levels = default_model().scorecards[card].levels[comparison]
    shares = shares_of(levels)
    for n in (0, 1):
        assert math.fsum(share[n] for share in shares.values()) == pytest.approx(1, abs=1e-9)
    for level, (m, u) in shares.items():
        assert 0 < m < 1
        assert 0 < u < 1
        assert math.log2(m / u) == pytest.approx(levels[level].match_weight, abs=1e-9)


def test_shares_that_have_the_fitted_weights_stay_as_they_are() -> None:
    counted = {"same": (0.9, 0.2), "near": (0.08, 0.1), "other": (0.02, 0.7)}
    levels = {name: Parameters(m, u, math.log2(m / u)) for name, (m, u) in counted.items()}
    for name, shares in shares_of(levels).items():
        assert shares == pytest.approx(counted[name], abs=1e-9)


@given(
    st.lists(st.tuples(st.floats(0.001, 1), st.floats(0.001, 1), st.floats(-12, 12)), min_size=2, max_size=6)
)
def test_any_weights_are_the_ratio_of_the_shares(rows: list[tuple[float, float, float]]) -> None:
    levels = {f"level {n}": Parameters(*row) for n, row in enumerate(rows)}
    shares = shares_of(levels)
    for name, (m, u) in shares.items():
        assert 0 < m <= 1 + 1e-9
        assert 0 < u <= 1 + 1e-9
        assert math.log2(m / u) == pytest.approx(levels[name].match_weight, abs=1e-6)
    assert max(math.fsum(s[n] for s in shares.values()) for n in (0, 1)) == pytest.approx(1)


def test_the_conditions_are_those_of_the_scorecard() -> None:
    settings = settings_by_condition(default_model(), "recorded")
    found = [
        [level["sql_condition"] for level in comparison["comparison_levels"][1:]]
        for comparison in settings["comparisons"]
    ]
    assert found == [[level.sql or "ELSE" for level in c.levels] for c in SCORECARDS["recorded"]]


def test_the_limits_and_the_counted_shares_are_written_as_well(exported: Path) -> None:
    model = default_model()
    limits = json.loads((exported / "limits.json").read_text("utf-8"))
    assert limits["recorded"]["upper_match_weight"] == model.scorecards["recorded"].upper_match_weight
    shares = json.loads((exported / "shares.json").read_text("utf-8"))
    nobody = model.scorecards["recorded"].levels["people"]["nobody"]
    assert shares["recorded"]["people"]["nobody"]["counted_u"] == nobody.u
    assert model.digest in (exported / "README.md").read_text("utf-8")
