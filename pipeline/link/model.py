"""The linkage model: a small JSON file of our own, approved by digest, used and never retrained overnight.

m and u of a level are the shares of true and of other *candidate* pairs (pairs that a
blocking rule brought together) that reach it; `prior` is the share of candidate pairs that
are true. Parameters are rounded when they are written, so that one training gives one digest.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from governance.canonical import canonical_json, digest_of
from governance.errors import Fault
from pipeline.context import RunContext
from pipeline.link.comparison import COMPARISONS

FORMAT = 1
DIGITS = 6
DEFAULT_MODEL = "household.json"


@dataclass(frozen=True)
class Parameters:
    """m and u of one comparison level, both above 0 and at most 1."""

    m: float
    u: float

    @property
    def match_weight(self) -> float:
        """log2 of the Bayes factor."""
        return math.log2(self.m / self.u)


@dataclass(frozen=True)
class Model:
    """A trained linkage model.

    levels: comparison -> level -> parameters, for exactly the levels of `comparison.COMPARISONS`.
    upper_match_weight: a pair at or above it is linked. lower_match_weight: below it is no link;
    between the two lies clerical review. margin_match_weight: by how much the best dwelling must
    lead the second best. trained_on: what it learned from, in words and counts.
    """

    prior: float
    levels: Mapping[str, Mapping[str, Parameters]]
    upper_match_weight: float
    lower_match_weight: float
    margin_match_weight: float
    trained_on: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return the content of the model's file."""
        return {
            "format": FORMAT,
            "prior": self.prior,
            "upper_match_weight": self.upper_match_weight,
            "lower_match_weight": self.lower_match_weight,
            "margin_match_weight": self.margin_match_weight,
            "comparisons": {
                name: {level: {"m": p.m, "u": p.u} for level, p in levels.items()}
                for name, levels in self.levels.items()
            },
            "trained_on": dict(self.trained_on),
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical content; layout and order of the file do not enter."""
        return digest_of(self.as_json())

    def write(self, path: Path) -> None:
        """Write the model's file, one level a line for people who compare two of them."""
        canonical_json(self.as_json())
        path.write_text(json.dumps(self.as_json(), indent=1, ensure_ascii=False) + "\n", "utf-8")


def rounded(value: float) -> float:
    """Round a probability to `DIGITS` significant digits."""
    return float(f"{value:.{DIGITS}g}")


def read_model(path: Path) -> Model:
    """Read a model's file; raises Fault where it is not one, or fits other comparisons than ours."""
    try:
        raw = json.loads(path.read_text("utf-8"))
        model = Model(
            prior=float(raw["prior"]),
            levels={
                name: {level: Parameters(float(p["m"]), float(p["u"])) for level, p in levels.items()}
                for name, levels in raw["comparisons"].items()
            },
            upper_match_weight=float(raw["upper_match_weight"]),
            lower_match_weight=float(raw["lower_match_weight"]),
            margin_match_weight=float(raw["margin_match_weight"]),
            trained_on=raw["trained_on"],
        )
        form = raw["format"]
    except OSError as error:
        raise Fault(
            "MODEL_UNREADABLE",
            f"The linkage model {path.name} cannot be read ({error.strerror}).",
            "Name the file that `hearth train` wrote under [project] model, or leave that out.",
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Fault(
            "MODEL_INVALID",
            f"{path.name} is not a linkage model.",
            "Name a file that `hearth train` wrote.",
        ) from None
    expected = {comparison.name: [level.id for level in comparison.levels] for comparison in COMPARISONS}
    found = {name: list(levels) for name, levels in model.levels.items()}
    sound = all(0 < p.m <= 1 and 0 < p.u <= 1 for levels in model.levels.values() for p in levels.values())
    if form != FORMAT or found != expected or not sound or not 0 < model.prior < 1:
        raise Fault(
            "MODEL_OF_OTHER_VERSION",
            f"{path.name} was trained for other comparisons or is damaged.",
            "Train it again with `hearth train`, and have its digest approved in the agreement.",
        )
    return model


def default_model() -> Model:
    """Return the model that ships with the package, trained on synthetic households."""
    with as_file(files("pipeline.link") / "models" / DEFAULT_MODEL) as path:
        return read_model(path)


def model_of(context: RunContext) -> Model:
    """Return the project's model, or the one that ships where `hearth.toml` names none."""
    return default_model() if context.project.model is None else read_model(context.project.model)
