"""Change between releases."""

import pytest

from pipeline.findings.statistics.change import (
    changes_between,
    difference_of_proportions,
    judge,
    ratio_of_proportions,
)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((48, 80), (56, 70), (0.2, 0.0524, 0.3339)),
        ((3, 10), (9, 10), (0.6, 0.1705, 0.8090)),
        ((2, 7), (6, 7), (0.5714, 0.0582, 0.8062)),
        ((0, 29), (5, 56), (0.0893, -0.0381, 0.1926)),
        ((0, 10), (10, 10), (1.0, 0.6075, 1.0)),
    ],
)
def test_a_difference_agrees_with_newcombes_examples(
    before: tuple[int, int], after: tuple[int, int], expected: tuple[float, float, float]
) -> None:
    assert difference_of_proportions(*before, *after) == pytest.approx(expected, abs=5e-5)


def test_a_ratio_has_a_log_interval_that_turns_round_with_it() -> None:
    forth = ratio_of_proportions(41, 28010, 15, 19017)
    back = ratio_of_proportions(15, 19017, 41, 28010)
    assert forth == pytest.approx((1 / back.value, 1 / back.upper, 1 / back.lower))
    with pytest.raises(ValueError, match="above zero"):
        ratio_of_proportions(0, 10, 1, 10)


def test_higher_is_better_worse_or_neither_by_the_measures_direction() -> None:
    assert judge("lower_is_better", "higher") == "worse"
    assert judge("higher_is_better", "higher") == "better"
    assert judge("neutral", "higher") == "higher"
    assert judge("lower_is_better", "similar") == "similar"


def test_what_changed_beside_the_figures_is_said_and_what_did_not_is_not() -> None:
    before = {"definition": "household/v1", "match_rate": 0.94, "households": 1000, "model_digest": "a"}
    after = {"definition": "household/v2", "match_rate": 0.95, "households": 1020, "model_digest": "a"}
    changed = changes_between(before, after)
    assert [c.aspect for c in changed] == ["definition", "households"]
    assert "+2.0%" in changed[1].statement
    assert changes_between(before, before) == ()


def test_an_aspect_that_one_release_leaves_out_is_a_change() -> None:
    (only,) = changes_between({}, {"definition": "household/v1"})
    assert only.statement == "Only the later release records the household definition."
