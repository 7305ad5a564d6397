"""Wilson's score interval for a proportion.

Source: E. B. Wilson, JASA 22 (1927) 209-212; recommended for rates near 0 and 1, where links live.
"""

import math
from dataclasses import dataclass

_Z95 = 1.959963984540054


def wilson(share: float, trials: float) -> tuple[float, float]:
    """Return Wilson's 95% bounds of a share; trials above 0, not whole where it is an effective number."""
    z2 = _Z95**2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = _Z95 * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True)
class Proportion:
    """successes of trials, with the 95% Wilson interval; value is None where nothing was tried."""

    successes: int
    trials: int

    @property
    def value(self) -> float | None:
        """The observed share."""
        return self.successes / self.trials if self.trials else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper bound at 95%."""
        return None if not self.trials else wilson(self.successes / self.trials, self.trials)

    def as_json(self) -> dict[str, float | int | None]:
        """Return counts, share and bounds, rounded to four digits."""
        bounds = self.interval
        return {
            "successes": self.successes,
            "trials": self.trials,
            "value": None if self.value is None else round(self.value, 4),
            "low": None if bounds is None else round(bounds[0], 4),
            "high": None if bounds is None else round(bounds[1], 4),
        }
