"""Verdicts move the weights of a model as far as they support it, and never turn the order of levels."""

import pytest

from pipeline.link.comparison import SCORECARDS
from pipeline.link.model import default_model, read_model
from pipeline.quality.review.pairs.refit import Label, labels_of, refit, refit_card

BASE = default_model()
CARD = BASE.scorecards["recorded"]


def labels(place: str, people: str, same: int, different: int, pairs: int = 1000) -> list[Label]:
    return [Label(place, people, n < same, pairs) for n in range(same + different)]


def weight(model: object, comparison: str, level: str) -> float:
    return model.scorecards["recorded"].levels[comparison][level].match_weight  # type: ignore[attr-defined]


def total(model: object, place: str, people: str) -> float:
    card = model.scorecards["recorded"]  # type: ignore[attr-defined]
    return float(
        card.prior_match_weight
        + card.levels["place"][place].match_weight
        + card.levels["people"][people].match_weight
    )


def test_verdicts_that_the_model_expects_change_little() -> None:
    expected = total(BASE, "uprn_and_address", "surname")
    share = 2**expected / (1 + 2**expected)
    found = refit(BASE, labels("uprn_and_address", "surname", round(share * 200), round((1 - share) * 200)))
    assert total(found.model, "uprn_and_address", "surname") == pytest.approx(expected, abs=0.15)


def test_the_more_verdicts_contradict_the_model_the_further_it_moves() -> None:
    before = total(BASE, "uprn_and_address", "nobody")
    few = refit(BASE, labels("uprn_and_address", "nobody", 3, 2)).model
    many = refit(BASE, labels("uprn_and_address", "nobody", 300, 200)).model
    assert before < total(few, "uprn_and_address", "nobody") < total(many, "uprn_and_address", "nobody")
    # 300 of 500 are odds of 1.5, which are .58 bits
    assert total(many, "uprn_and_address", "nobody") == pytest.approx(0.58, abs=0.5)


def test_a_level_without_verdicts_moves_only_to_keep_the_order() -> None:
    found = refit(BASE, labels("uprn_and_address", "birth", 5, 5)).model
    assert weight(found, "people", "forename") == pytest.approx(weight(BASE, "people", "forename"), abs=1e-4)


def test_more_evidence_never_weighs_less() -> None:
    # Reviewers reject the strongest level and accept the weakest ones.
    rows = [
        *labels("uprn_and_address", "names_and_births", 0, 100),
        *labels("uprn_and_address", "nobody", 100, 0),
        *labels("neighbour", "surname", 100, 0),
    ]
    model = refit(BASE, rows).model
    for comparison in SCORECARDS["recorded"]:
        for more, less in comparison.at_least:
            assert weight(model, comparison.name, more) >= weight(model, comparison.name, less) - 1e-5


def test_a_verdict_counts_for_the_pairs_of_its_cell() -> None:
    rows = [
        *labels("uprn_and_address", "name", 10, 0, pairs=10_000),
        *labels("uprn_and_address", "nobody", 10, 0, pairs=10),
    ]
    found = refit(BASE, rows)
    assert found.verdicts == 20
    assert 10 < found.effective < 11


def test_only_the_scorecard_that_was_reviewed_changes_and_the_file_can_be_read(tmp_path: object) -> None:
    found = refit(BASE, labels("uprn_and_address", "surname", 1, 9))
    path = tmp_path / "model.json"  # type: ignore[operator]
    found.model.write(path)
    again = read_model(path)
    assert again.digest == found.model.digest != BASE.digest
    assert again.scorecards["residence"] == BASE.scorecards["residence"]
    assert again.scorecards["recorded"].upper_match_weight == CARD.upper_match_weight
    assert BASE.digest in refit_card(BASE, found)


def test_a_verdict_on_several_records_is_one_label() -> None:
    row = {"verdict_id": "v", "place": None, "people": "name", "is_same": True, "cell_pairs": 5}
    assert labels_of([row, row]) == (Label(None, "name", True, 5),)
