"""The bench of truth: what a release publishes of the authority, and what is true of it.

`chance_lower` and `chance_upper` are Wilson's 95% limits of the published counts.
"""

from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import pandas as pd

from tests.truth.measures import Population, true_counts, true_rates


@dataclass(frozen=True)
class Compared:
    """One published total and the true one.

    published: None if it is not produced. unit: "%", or "" for a count.
    """

    measure: str
    unit: str
    published: float | None
    true: float
    chance_lower: float | None = None
    chance_upper: float | None = None

    @property
    def deviation(self) -> float | None:
        """Return published less true."""
        return None if self.published is None else self.published - self.true

    @property
    def is_within_chance(self) -> bool:
        """Answer whether the interval of the published counts has the truth in it."""
        if self.chance_lower is None or self.chance_upper is None:
            return False
        return self.chance_lower <= self.true <= self.chance_upper


def compare(release: Path, them: Population) -> list[Compared]:
    """Compare every total of the release that the population has the truth of; rates first."""
    totals = _published_totals(release)
    found = []
    for measure, true in true_rates(them).items():
        percent = totals.get(f"{measure}_percent")
        low, high = _wilson(totals, measure, release) if percent is not None else (None, None)
        found.append(Compared(measure, "%", percent, true, low, high))
    for measure, true in true_counts(them).items():
        found.append(Compared(measure, "", totals.get(measure), true))
    return found


def _published_totals(release: Path) -> dict[str, float]:
    """Return measure -> value of the authority, from the tables without dimensions."""
    totals: dict[str, float] = {}
    catalogue = pd.read_parquet(release / "catalogue.parquet")
    for file in catalogue[catalogue["dimensions"] == ""]["file"]:
        rows = pd.read_parquet(release / file)
        rows = rows[(rows["area_level"] == "LAD") & rows["value"].notna()]
        totals |= dict(zip(rows["measure"], rows["value"].astype(float), strict=True))
    return totals


def _wilson(totals: dict[str, float], measure: str, release: Path) -> tuple[float, float]:
    defined = pd.read_parquet(release / "measure.parquet").set_index("measure")
    whole = totals[str(defined.loc[f"{measure}_percent", "denominator_measure"])]
    share, z = totals[measure] / whole, 1.96
    middle = (share + z**2 / (2 * whole)) / (1 + z**2 / whole)
    reach = z * sqrt(share * (1 - share) / whole + z**2 / (4 * whole**2)) / (1 + z**2 / whole)
    return 100 * (middle - reach), 100 * (middle + reach)
