"""The result of a training, for the model's file and its card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.link.model import Model
from pipeline.link.training.fitting import Fit
from pipeline.link.training.uncertainty import Intervals, Sensitivity


@dataclass(frozen=True)
class Training:
    """A finished training: the model and its fits.

    starts: scorecard -> largest difference between the fits from two starts (in match weight, or in prior).
    intervals: scorecard -> bootstrap intervals of its weights, if there were populations enough.
    """

    model: Model
    fits: Mapping[str, Fit]
    starts: Mapping[str, float]
    intervals: Mapping[str, Intervals | None] = field(default_factory=dict)
    sensitivity: Sequence[Sensitivity] = ()
