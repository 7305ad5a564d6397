"""The linkage model: a JSON file that the agreement approves by its digest and a run uses unchanged.

The model has three scorecards (see `comparison`), in the terms of Fellegi and Sunter:

| value | meaning |
|---|---|
| m, u of a level | share of the true candidates, and of the other candidates, that reach the level |
| match_weight of a level | log2 of its Bayes factor: what the level adds to the odds of a candidate |
| prior | share of candidates that are true |
| upper_match_weight, lower_match_weight, margin_match_weight | limits of a decision (see `Scorecard`) |

The weights are fitted jointly over the comparisons, so that evidence which two comparisons share is not
counted twice (see `training.fitting`). All numbers are rounded when they are fitted, so that training twice
on the same records gives the same digest.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from governance.canonical import digest_of
from governance.errors import Fault
from pipeline.context import RunContext
from pipeline.link.comparison import SCORECARDS

FORMAT = 1
DEFAULT_MODEL = "household.json"
_DIGITS = 6


@dataclass(frozen=True)
class Parameters:
    """One comparison level: m and u (above 0, at most 1) and its match weight (log2 of the Bayes factor)."""

    m: float
    u: float
    match_weight: float


@dataclass(frozen=True)
class Scorecard:
    """The parameters of one decision.

    prior: share of candidates that are true, above 0 and below 1. levels: comparison -> level -> parameters.
    A candidate at or above `upper_match_weight` is accepted, below `lower_match_weight` rejected, and from
    the lower to the upper goes to clerical review. margin_match_weight: the least difference between the
    best and the second best candidate. All match weights are log2, with the prior included.
    """

    prior: float
    levels: Mapping[str, Mapping[str, Parameters]]
    upper_match_weight: float
    lower_match_weight: float
    margin_match_weight: float

    @property
    def prior_match_weight(self) -> float:
        """The prior as a match weight: log2 of the prior odds."""
        return math.log2(self.prior / (1 - self.prior))

    def weight_of(self, levels: Sequence[str | None]) -> float:
        """Return the match weight of a comparison vector, with the prior; None is a missing comparison."""
        return self.prior_match_weight + sum(
            parameters[level].match_weight
            for parameters, level in zip(self.levels.values(), levels, strict=True)
            if level is not None
        )


@dataclass(frozen=True)
class Model:
    """A trained linkage model. trained_on: method and size of the training data, in words and counts."""

    scorecards: Mapping[str, Scorecard]
    trained_on: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return the content of the model's file."""
        return {
            "format": FORMAT,
            "scorecards": {name: _card_as_json(card) for name, card in self.scorecards.items()},
            "trained_on": dict(self.trained_on),
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical content; layout and order of the file do not change it."""
        return digest_of(self.as_json())

    def write(self, path: Path) -> None:
        """Write the model's file with one value per line, so that two models can be compared."""
        path.write_text(json.dumps(self.as_json(), indent=1, ensure_ascii=False) + "\n", "utf-8")


def rounded(value: float) -> float:
    """Round to six significant digits."""
    return float(f"{value:.{_DIGITS}g}")


def read_model(path: Path) -> Model:
    """Read a model's file. Raises Fault if it cannot be read, is not a model, or has other comparisons."""
    try:
        raw = json.loads(path.read_text("utf-8"))
        form = raw["format"]
        model = Model(
            {name: _card_from_json(card) for name, card in raw["scorecards"].items()}, raw["trained_on"]
        )
    except OSError as error:
        raise Fault(
            "MODEL_UNREADABLE",
            f"The linkage model {path.name} cannot be read ({error.strerror}).",
            "In hearth.toml, set model under [project] to the file that `hearth train` wrote, or remove the"
            " line to use the model that ships with Hearth.",
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Fault(
            "MODEL_INVALID",
            f"{path.name} is not a linkage model.",
            "In hearth.toml, set model under [project] to a model.json that `hearth train` wrote.",
        ) from None
    if form != FORMAT or not _fits(model):
        raise Fault(
            "MODEL_OF_OTHER_VERSION",
            f"The linkage model {path.name} does not have the comparison levels of this version of Hearth,"
            " or is damaged.",
            "Train a model with `hearth train`, and have its digest approved in the agreement.",
        )
    return _in_order(model)


def default_model() -> Model:
    """Return the model that ships with Hearth, trained on synthetic households."""
    with as_file(files("pipeline.link") / "models" / DEFAULT_MODEL) as path:
        return read_model(path)


def model_of(context: RunContext) -> Model:
    """Return the model that `hearth.toml` names, or the one that ships with Hearth if it names none."""
    return default_model() if context.project.model is None else read_model(context.project.model)


def _card_as_json(card: Scorecard) -> dict[str, Any]:
    return {
        "prior": card.prior,
        "upper_match_weight": card.upper_match_weight,
        "lower_match_weight": card.lower_match_weight,
        "margin_match_weight": card.margin_match_weight,
        "comparisons": {
            name: {level: {"m": p.m, "u": p.u, "match_weight": p.match_weight} for level, p in levels.items()}
            for name, levels in card.levels.items()
        },
    }


def _card_from_json(raw: Mapping[str, Any]) -> Scorecard:
    return Scorecard(
        prior=float(raw["prior"]),
        levels={
            name: {
                level: Parameters(float(p["m"]), float(p["u"]), float(p["match_weight"]))
                for level, p in levels.items()
            }
            for name, levels in raw["comparisons"].items()
        },
        upper_match_weight=float(raw["upper_match_weight"]),
        lower_match_weight=float(raw["lower_match_weight"]),
        margin_match_weight=float(raw["margin_match_weight"]),
    )


def _fits(model: Model) -> bool:
    """Answer whether the model has exactly the levels of `comparison`, with valid numbers."""
    expected = {
        card: {comparison.name: {level.id for level in comparison.levels} for comparison in comparisons}
        for card, comparisons in SCORECARDS.items()
    }
    found = {
        name: {comparison: set(levels) for comparison, levels in card.levels.items()}
        for name, card in model.scorecards.items()
    }
    return found == expected and all(
        0 < card.prior < 1
        and all(
            0 < p.m <= 1 and 0 < p.u <= 1 and math.isfinite(p.match_weight)
            for levels in card.levels.values()
            for p in levels.values()
        )
        for card in model.scorecards.values()
    )


def _in_order(model: Model) -> Model:
    """Return the model with comparisons and levels in the order of `comparison`."""
    cards = {
        name: replace(
            model.scorecards[name],
            levels={
                c.name: {level.id: model.scorecards[name].levels[c.name][level.id] for level in c.levels}
                for c in comparisons
            },
        )
        for name, comparisons in SCORECARDS.items()
    }
    return Model(cards, model.trained_on)
