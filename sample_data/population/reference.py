"""The real figures and ordinary words that the population is drawn from, read once from `data/`.

Area figures are Census 2021 and IoD 2025, postcodes are ONS geography, surname frequencies are
ONS (all Open Government Licence v3, see data/README.md). Everything else is a list of words.
"""

import csv
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from sample_data.population.draws import Floats, Texts

DATA = Path(__file__).parents[1] / "data"

TENURES = ("owned_outright", "owned_mortgage", "private_rented", "social_council", "social_other")
DWELLING_TYPES = (
    "detached",
    "semi_detached",
    "terraced",
    "flat_purpose_built",
    "flat_converted",
    "flat_commercial",
)
OCCUPANCY = ("rooms_spare_2", "rooms_spare_1", "rooms_ideal", "rooms_short_1", "rooms_short_2")
ETHNIC_FAMILIES = ("white", "asian", "black", "mixed", "other")


@cache
def area_rows() -> tuple[dict[str, str], ...]:
    """Return one row per LSOA 2021, in MSOA order: codes, IMD decile, Census counts."""
    with (DATA / "area_profile.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def postcodes_by_lsoa() -> dict[str, tuple[str, ...]]:
    """Return the real postcodes of each LSOA."""
    with (DATA / "postcodes.csv").open(encoding="utf-8", newline="") as file:
        return {row["lsoa21"]: tuple(row["postcodes"].split("|")) for row in csv.DictReader(file)}


@cache
def surname_frequency() -> tuple[Texts, Floats]:
    """Return the thousand most common surnames and their relative frequency (sum 0.59)."""
    with (DATA / "surname_frequency.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return np.array([row["surname"] for row in rows]), np.array([float(row["freq"]) for row in rows])


@cache
def words(name: str) -> dict[str, Any]:
    """Return the word lists of `data/<name>.toml`."""
    return tomllib.loads((DATA / f"{name}.toml").read_text("utf-8"))


def word_list(name: str, key: str) -> tuple[str, ...]:
    """Return one list of a word file; an underscore means a space."""
    return tuple(word.replace("_", " ") for word in str(words(name)[key]).split())
