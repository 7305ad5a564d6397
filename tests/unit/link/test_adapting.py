"""Without truth, training adapts how often candidates are true and keeps what evidence weighs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from elm_road import listed, patient, place

from pipeline.context import RunContext
from pipeline.link.model import default_model, read_model
from pipeline.link.training.train import MODEL_FILE, Training, adapt

Rows = list[dict[str, Any]]
HOMES = [place(f"D{n}", n, str(10 + n)) for n in range(1, 9)]
NAMES = ("Ada Byron", "Mary Shelley", "John Keats", "Fanny Brawne", "Leigh Hunt", "Jane Austen")


@pytest.fixture
def adapted(
    context: RunContext, pseudonymised: Callable[[Rows, Rows, Rows], Any], tmp_path: Path
) -> Callable[[Rows, Rows], Training]:
    def run(people: Rows, patients: Rows) -> Training:
        council, nhs = pseudonymised(HOMES, people, patients)
        return adapt(
            council.artefact, nhs.artefact, context.project.engine, context.spill, tmp_path, default_model()
        )

    return run


def _people(names: tuple[str, ...]) -> Rows:
    return [listed(f"c{n}", f"D{n}", name) for n, name in enumerate(names, 1)]


def _patients(names: tuple[str, ...]) -> Rows:
    return [patient(f"n{n}", n, name, 1980 + n, str(10 + n)) for n, name in enumerate(names, 1)]


def test_all_weights_and_limits_stay_and_the_written_model_is_the_adapted_one(
    adapted: Callable[[Rows, Rows], Training], tmp_path: Path
) -> None:
    training = adapted(_people(NAMES), _patients(NAMES))
    for name, card in training.model.scorecards.items():
        base = default_model().scorecards[name]
        assert (card.levels, card.upper_match_weight) == (base.levels, base.upper_match_weight)
    assert read_model(tmp_path / MODEL_FILE).digest == training.model.digest != default_model().digest
    assert training.model.trained_on["base_model"] == default_model().digest


def test_extracts_that_agree_raise_the_priors_and_strangers_lower_them(
    adapted: Callable[[Rows, Rows], Training],
) -> None:
    base = default_model().scorecards
    agreeing = adapted(_people(NAMES), _patients(NAMES)).model.scorecards
    assert agreeing["recorded"].prior > base["recorded"].prior
    assert agreeing["residence"].prior > base["residence"].prior
    strangers = adapted(_people(NAMES), _patients(NAMES[::-1])).model.scorecards
    assert strangers["recorded"].prior < base["recorded"].prior


def test_a_scorecard_without_candidates_keeps_its_prior(adapted: Callable[[Rows, Rows], Training]) -> None:
    training = adapted(_people(NAMES), _patients(NAMES))
    assert training.model.trained_on["candidates"]["moved"] == 0
    assert training.model.scorecards["moved"].prior == default_model().scorecards["moved"].prior
