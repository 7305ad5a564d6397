"""The uncertainty of a published percentage: limits, and one word, from printed figures only.

| column | of a percentage |
|---|---|
| lower, upper | chance: Wilson's 95% limits, with the households as clusters where residents are counted |
| linkage_lower, linkage_upper | where the percentage would be if uncertain links were otherwise |
| coverage | share of the measure's households or residents whose status is known, of the whole run |
| effective_n | the denominator divided by the design effect |
| protection_margin | percentage points by which noise and rounding may have moved it (95%) |
| reliability | high, medium or low: see `reliability_of` |

Everything is calculated from the two printed counts and the figures of the measure in `basis`, which are of
the whole run (`pipeline/aggregate/uncertainty.py`). So no column adds anything to them; attack 6 checks it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log, sqrt

from pipeline.disclosure.noise.p_table import NOISE_VARIANCE

#: Columns of a published table, in order; each is null except for a percentage with a value.
UNCERTAINTY_COLUMNS = (
    "lower",
    "upper",
    "linkage_lower",
    "linkage_upper",
    "coverage",
    "effective_n",
    "protection_margin",
    "reliability",
)
_Z = 1.959963984540054
#: The reach of the combined interval, as a share of the percentage or of its complement, whichever is
#: smaller.
HIGH, MEDIUM = 0.15, 0.40
#: Coverage (percent) below which reliability is one step lower.
GOOD_COVERAGE = 80


@dataclass(frozen=True)
class MeasureFigures:
    """The figures of one measure in `basis`; None if they are not published.

    known_differ: those whose status is known differ from the others by so much that the rate may mislead.
    """

    coverage: float | None = None
    design_effect: float | None = None
    below: float | None = None
    above: float | None = None
    spread: float | None = None
    known_differ: bool = False

    @classmethod
    def of(cls, basis: Mapping[tuple[str, str], str], measure: str) -> "MeasureFigures":
        """Return the figures of a measure. basis: (aspect, name) -> value."""

        def number(aspect: str) -> float | None:
            text = basis.get((aspect, measure))
            return None if text is None else float(text)

        return cls(
            number("coverage"),
            number("design_effect"),
            number("linkage_below"),
            number("linkage_above"),
            number("linkage_spread"),
            basis.get(("known_differ", measure)) == "strongly",
        )


def count_variance(criteria: Mapping[str, object]) -> float:
    """Return the variance that noise and rounding add to one printed count.

    criteria: the settings of the disclosure control.
    """
    noise = NOISE_VARIANCE if float(str(criteria["noise_bound"])) else 0.0
    return noise + (float(str(criteria["rounding_base"])) ** 2 - 1) / 12


@dataclass(frozen=True)
class PrintedFigures:
    """What the uncertainty of a release's percentages is calculated from, in addition to the printed counts.

    basis: (aspect, name) -> value. variance: that of one printed count (see `count_variance`).
    """

    basis: Mapping[tuple[str, str], str]
    variance: float

    def columns_of(
        self, measure: str | None, numerator: float | None, denominator: float | None
    ) -> dict[str, float | int | str | None]:
        """Return the columns of a row. measure: of its numerator; None, or a hidden count: all are null."""
        if measure is None or numerator is None or not denominator:
            return dict.fromkeys(UNCERTAINTY_COLUMNS)
        figures = MeasureFigures.of(self.basis, measure)
        return uncertainty_of(numerator, denominator, figures, self.variance)


def uncertainty_of(
    numerator: float, denominator: float, figures: MeasureFigures, variance: float
) -> dict[str, float | int | str | None]:
    """Return the columns of one percentage from its printed counts. variance: see `count_variance`."""
    share = numerator / denominator
    margin = 100 * _Z * sqrt(variance * (1 + share**2)) / denominator
    found: dict[str, float | int | str | None] = dict.fromkeys(UNCERTAINTY_COLUMNS)
    found["protection_margin"] = round(margin, 1)
    found["coverage"] = None if figures.coverage is None else round(100 * figures.coverage)
    if figures.design_effect is not None:
        effective = denominator / figures.design_effect
        found["effective_n"] = round(effective)
        found["lower"], found["upper"] = (round(100 * limit, 1) for limit in _wilson(share, effective))
    if figures.below is not None and figures.above is not None and figures.spread is not None:
        chance = figures.spread / sqrt(denominator)
        found["linkage_lower"] = round(100 * _moved(share, -figures.below - chance), 1)
        found["linkage_upper"] = round(100 * _moved(share, figures.above + chance), 1)
    found["reliability"] = reliability_of(100 * share, found, known_differ=figures.known_differ)
    return found


def combined_interval(percent: float, columns: Mapping[str, object]) -> tuple[float, float] | None:
    """Return the limits by chance, linkage and protection together; None if a part is not published.

    On either side, the squares of the three distances are added.
    """
    parts = {name: columns.get(name) for name in (*UNCERTAINTY_COLUMNS[:4], "protection_margin")}
    if any(part is None for part in parts.values()):
        return None
    number = {name: float(str(part)) for name, part in parts.items()}
    below, above = (
        sqrt(
            (percent - number[side]) ** 2
            + (percent - number[f"linkage_{side}"]) ** 2
            + number["protection_margin"] ** 2
        )
        for side in ("lower", "upper")
    )
    return max(0.0, percent - below), min(100.0, percent + above)


def reliability_of(percent: float, columns: Mapping[str, object], *, known_differ: bool = False) -> str:
    """Return "high", "medium" or "low".

    By the larger distance to a limit of the combined interval, as a share of the percentage or of its
    complement, whichever is smaller: up to 15% is high, up to 40% medium. One step lower if the status of
    fewer than 80% is known. Low if the known differ strongly from the others, or a part of the interval is
    unknown.
    """
    interval = combined_interval(percent, columns)
    if interval is None or known_differ:
        return "low"
    reach = max(percent - interval[0], interval[1] - percent) / max(min(percent, 100 - percent), 0.05)
    step = 0 if reach <= HIGH else 1 if reach <= MEDIUM else 2
    coverage = columns.get("coverage")
    step += coverage is None or float(str(coverage)) < GOOD_COVERAGE
    return ("high", "medium", "low")[min(step, 2)]


def _wilson(share: float, effective: float) -> tuple[float, float]:
    centre = share + _Z**2 / (2 * effective)
    reach = _Z * sqrt(share * (1 - share) / effective + _Z**2 / (4 * effective**2))
    scale = 1 + _Z**2 / effective
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)


def _moved(share: float, shift: float) -> float:
    if not 0 < share < 1:
        return share
    return 1 / (1 + exp(-(log(share / (1 - share)) + shift)))
