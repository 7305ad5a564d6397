"""The bench of truth: what a release publishes of the authority, and what is true of it.

`chance_lower` and `chance_upper` are Wilson's 95% limits of the published counts. The combined interval is
that of the release's own columns: on either side, the squares of the distances to the limits by chance and
by linkage, and of the protection margin, are added.
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


@dataclass(frozen=True)
class ComparedRate:
    """One published percentage of an authority or MSOA, with its combined interval, and the true one.

    lower, upper: NaN if the release does not publish a part of the interval.
    """

    area_level: str
    area_code: str
    measure: str
    published: float
    true: float
    lower: float
    upper: float
    reliability: str

    @property
    def has_truth(self) -> bool:
        """Answer whether the combined interval, printed with one decimal, contains the truth."""
        return self.lower - 0.05 <= self.true <= self.upper + 0.05


def compare_rates(release: Path, them: Population) -> list[ComparedRate]:
    """Compare every percentage of the release, of whole authorities and MSOAs, that the population has.

    them: its homes need a column `lsoa21`.
    """
    areas = pd.read_parquet(release / "area.parquet")
    columns = {"LAD": "local_authority", "MSOA21": "msoa21"}
    found = []
    for level, column in columns.items():
        area_of_home = them.homes["lsoa21"].map(areas.set_index("lsoa21")[column])
        if level == "LAD":  # people in homes of an unknown LSOA live in the authority nevertheless
            area_of_home = area_of_home.fillna(areas[column].iloc[0])
        rows = _whole_areas(release, level)
        for code in sorted(set(rows["area_code"])):
            homes = them.homes[area_of_home == code]
            true = true_rates(Population(them.people[them.people["home"].isin(homes.index)], homes))
            for row in rows[rows["area_code"] == code].to_dict("records"):
                measure = str(row["measure"]).removesuffix("_percent")
                if measure in true:
                    lower, upper = _combined(row)
                    reliability, value = str(row["reliability"]), float(row["value"])
                    found.append(
                        ComparedRate(level, code, measure, value, true[measure], lower, upper, reliability)
                    )
    return found


def estimated_residents(release: Path) -> tuple[float, float]:
    """Return between which numbers the residents of the authority are, by the release's completeness."""
    basis = pd.read_parquet(release / "basis.parquet")
    shares = basis[basis["aspect"] == "completeness"].set_index("name")["value"].astype(float)
    residents = _published_totals(release)["residents"]
    return (
        residents * shares["lives_there"] / (shares["homes"] * shares["adults_upper"]),
        residents / (shares["homes"] * shares["adults_lower"]),
    )


def _whole_areas(release: Path, level: str) -> pd.DataFrame:
    """Return the percentages with a value of the tables without dimensions, one row per area and measure."""
    catalogue = pd.read_parquet(release / "catalogue.parquet")
    rows = pd.concat([pd.read_parquet(release / f) for f in catalogue[catalogue["dimensions"] == ""]["file"]])
    kept = (rows["area_level"] == level) & rows["measure"].str.endswith("_percent") & rows["value"].notna()
    return rows[kept].drop_duplicates(["area_code", "measure"])


def _combined(row: dict[str, object]) -> tuple[float, float]:
    value, margin = (float(str(row[name])) for name in ("value", "protection_margin"))
    reach = [
        sqrt(sum((value - float(str(row[name]))) ** 2 for name in (side, f"linkage_{side}")) + margin**2)
        for side in ("lower", "upper")
    ]
    return value - reach[0], value + reach[1]
