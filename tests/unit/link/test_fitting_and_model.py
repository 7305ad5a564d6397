"""Fitting finds known weights from any start; a model's file and card are exactly what was approved."""

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from governance.errors import Fault
from pipeline.link.comparison import SCORECARDS, Comparison, Level
from pipeline.link.model import default_model, read_model
from pipeline.link.scoring import tagged_weights
from pipeline.link.training.fitting import Cell, adapt_prior, fit
from pipeline.link.training.model_card import write_model_card
from pipeline.link.training.training import Training
from pipeline.link.training.uncertainty import bootstrap_intervals

ONE = Comparison("one", "", "FALSE", (Level("yes", "", "x"), Level("no", "", None)))
TWO = Comparison("two", "", "FALSE", (Level("yes", "", "y"), Level("no", "", None)))


def cells(dependent: bool) -> list[Cell]:
    """True candidates agree in each of two comparisons at .9, others at .1; TWO repeats ONE if dependent."""
    result = []
    for one in ("yes", "no"):
        for two in ("yes", "no"):
            m = 0.9 if one == "yes" else 0.1
            u = 1 - m
            if dependent:
                m, u = (m, u) if one == two else (0.0, 0.0)
            else:
                m *= 0.9 if two == "yes" else 0.1
                u *= 0.1 if two == "yes" else 0.9
            result.append(Cell((one, two), round(100_000 * m), round(100_000 * u)))
    return result


def odds_of(levels: dict[str, float]) -> float:
    return levels["yes"] - levels["no"]


def test_independent_comparisons_keep_their_counted_weights() -> None:
    fitted = fit(cells(dependent=False), (ONE, TWO))
    for name in ("one", "two"):
        weights = {level: p.match_weight for level, p in fitted.levels[name].items()}
        assert weights["yes"] == pytest.approx(np.log2(9), abs=0.01)
        assert weights["no"] == pytest.approx(-np.log2(9), abs=0.01)
        assert fitted.levels[name]["yes"].m == pytest.approx(0.9, abs=1e-4)
    assert fitted.converged


def test_a_comparison_that_repeats_another_is_not_counted_twice() -> None:
    fitted = fit(cells(dependent=True), (ONE, TWO))
    total = sum(
        odds_of({level: p.match_weight for level, p in fitted.levels[name].items()})
        for name in ("one", "two")
    )
    assert total == pytest.approx(2 * np.log2(9), abs=0.02)


def test_two_starts_end_in_the_same_weights() -> None:
    first = fit(cells(dependent=True), (ONE, TWO))
    start = {"one": {"yes": -4.0, "no": 4.0}, "two": {"yes": 5.0, "no": 0.0}}
    assert fit(cells(dependent=True), (ONE, TWO), start).levels == first.levels


def test_a_level_with_more_evidence_gets_the_weight_of_the_weaker_one_where_cells_say_less() -> None:
    ladder = Comparison(
        "one",
        "",
        "FALSE",
        (Level("best", "", "x"), Level("good", "", "y"), Level("none", "", None)),
        at_least=(("best", "good"), ("good", "none")),
    )
    few = [Cell(("best",), 5, 1), Cell(("good",), 900, 30), Cell(("none",), 40, 400)]
    free = fit(few, (replace(ladder, at_least=()),)).levels["one"]
    ordered = fit(few, (ladder,)).levels["one"]
    assert free["best"].match_weight < free["good"].match_weight
    assert ordered["best"].match_weight == ordered["good"].match_weight > ordered["none"].match_weight


def test_an_optional_comparison_leaves_the_weights_of_the_others_as_they_are_without_it() -> None:
    optional = replace(TWO, is_optional=True)
    alone = fit([Cell((one,), true, other) for one, true, other in (("yes", 90, 10), ("no", 10, 90))], (ONE,))
    both = fit(
        [
            Cell(("yes", "yes"), 60, 2),
            Cell(("yes", None), 30, 8),
            Cell(("no", "no"), 2, 70),
            Cell(("no", None), 8, 20),
        ],
        (ONE, optional),
    )
    assert both.levels["one"] == alone.levels["one"]
    assert both.levels["two"]["yes"].match_weight > 0.5 > both.levels["two"]["no"].match_weight


def test_a_level_of_few_candidates_has_a_larger_standard_error() -> None:
    errors = fit([Cell(("yes", None), 5, 1), Cell(("no", None), 500, 700)], (ONE, TWO)).standard_errors["one"]
    assert errors["yes"] > 2 * errors["no"] > 0


def test_a_level_that_no_candidate_reached_keeps_a_finite_weight() -> None:
    fitted = fit([Cell(("yes", None), 50, 0), Cell(("no", None), 0, 50)], (ONE, TWO))
    assert all(np.isfinite(p.match_weight) for levels in fitted.levels.values() for p in levels.values())


@pytest.mark.parametrize("start", [0.05, 0.5, 0.95])
def test_the_prior_of_unlabelled_candidates_is_found_from_any_start(start: float) -> None:
    share, m, u = 0.3, 0.9, 0.1
    agree = share * m + (1 - share) * u
    counts = [(float(np.log2(m / u)), round(1e6 * agree)), (float(np.log2(u / m)), round(1e6 * (1 - agree)))]
    prior, _, converged = adapt_prior(counts, start)
    assert (prior, converged) == (pytest.approx(0.3, abs=1e-3), True)


def test_the_shipped_model_reads_back_as_it_was_written(tmp_path: Path) -> None:
    model = default_model()
    model.write(tmp_path / "model.json")
    again = read_model(tmp_path / "model.json")
    assert (again, again.digest) == (model, model.digest)
    assert set(model.scorecards) == set(SCORECARDS)


def test_the_digest_follows_every_number_and_no_layout(tmp_path: Path) -> None:
    model = default_model()
    content = model.as_json()
    (tmp_path / "other_layout.json").write_text(json.dumps(content, sort_keys=True, indent=7))
    assert read_model(tmp_path / "other_layout.json").digest == model.digest
    content["scorecards"]["recorded"]["comparisons"]["place"]["neighbour"]["match_weight"] += 1e-3
    (tmp_path / "moved.json").write_text(json.dumps(content))
    assert read_model(tmp_path / "moved.json").digest != model.digest


#: Lines of a card with what only the training itself shows; each scorecard has one of every kind.
TRAINING_LINES = (
    "- candidates:",
    "- fit:",
    "- at the acceptance threshold",
    "- fits from two starting points",
)


def approved_numbers(card: str) -> list[tuple[str, ...]]:
    """The id, m, u and match weight of each level that a card prints, in its order."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in card.splitlines()]
    levels = [row for row in rows if len(row) > 4 and row[1].startswith("`")]
    return [(row[1], row[2], row[3], row[6] if len(row) > 5 else row[4]) for row in levels]


def test_the_shipped_card_prints_the_numbers_of_the_shipped_model(tmp_path: Path) -> None:
    shipped = (files("pipeline.link") / "models" / "household.md").read_text("utf-8")
    write_model_card(tmp_path / "card.md", Training(default_model(), {}, {}))
    generated = (tmp_path / "card.md").read_text("utf-8")
    assert default_model().digest in shipped
    assert approved_numbers(shipped) == approved_numbers(generated)
    lines = shipped.splitlines()
    assert [sum(line.startswith(kind) for line in lines) for kind in TRAINING_LINES] == [3, 3, 3, 3]


def test_each_weight_on_the_shipped_card_lies_in_its_bootstrap_interval_or_is_thin() -> None:
    shipped = (files("pipeline.link") / "models" / "household.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in shipped.splitlines()]
    levels = [row for row in rows if len(row) > 5 and row[1].startswith("`")]
    assert len(levels) == sum(len(c.levels) for card in SCORECARDS.values() for c in card)
    outside = []
    for row in levels:
        low, high = (float(value) for value in row[8].split(" to "))
        assert float(row[7]) > 0
        if row[9] != "thin" and not low - 0.1 <= float(row[6]) <= high + 0.1:
            outside.append(row[1])
    # Of 95% intervals from forty draws, a few may miss.
    assert len(outside) <= len(levels) * 0.1


def test_too_few_populations_have_no_bootstrap_interval_and_equal_ones_a_point() -> None:
    some = [Cell(("names_and_births", "family", "listed"), 20, 1), Cell(("other", "apart", "listed"), 2, 9)]
    assert bootstrap_intervals("moved", [some, some]) is None
    found = bootstrap_intervals("moved", [some, some, some])
    assert found is not None
    assert all(low == high for levels in found.values() for low, high in levels.values())


def test_populations_that_differ_have_a_wider_interval_than_equal_ones() -> None:
    cells = [
        [Cell(("names_and_births", "family", "listed"), 20 * n, 5), Cell(("other", "apart", "listed"), 2, 9)]
        for n in (1, 4, 9)
    ]
    found = bootstrap_intervals("moved", cells)
    assert found is not None
    low, high = found["elsewhere"]["names_and_births"]
    assert high - low > 0.1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "MODEL_INVALID"),
        ("[]", "MODEL_INVALID"),
        ('{"format": 1, "scorecards": {}, "trained_on": {}}', "MODEL_OF_OTHER_VERSION"),
    ],
)
def test_a_file_that_is_no_model_is_a_fault_with_a_code_of_its_own(
    tmp_path: Path, text: str, code: str
) -> None:
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(Fault) as caught:
        read_model(tmp_path / "model.json")
    assert caught.value.code == code


def test_a_missing_model_is_a_fault_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(Fault) as caught:
        read_model(tmp_path / "absent.json")
    assert (caught.value.code, "absent.json" in caught.value.reason) == ("MODEL_UNREADABLE", True)


def test_levels_of_equal_weight_stay_apart_and_off_zero() -> None:
    for card in default_model().scorecards.values():
        for levels in card.levels.values():
            weights = [0.0, *tagged_weights(levels).values()]
            gaps = np.diff(np.sort(weights))
            assert gaps.min() > 1.5e-8
            assert all(
                abs(tagged - levels[level].match_weight) < 1e-6
                for level, tagged in tagged_weights(levels).items()
            )


def test_more_evidence_of_people_never_weighs_less_in_the_shipped_model() -> None:
    people = default_model().scorecards["recorded"].levels["people"]
    ladder = ["name_and_birth", "name", "initial_surname", "surname", "nobody"]
    weights = [people[level].match_weight for level in ladder]
    assert weights == sorted(weights, reverse=True)
