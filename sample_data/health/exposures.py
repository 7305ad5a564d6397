"""The determinants that each person is exposed to; planted effects act on them."""

from dataclasses import dataclass

import numpy as np

from sample_data.housing.dwellings import Dwellings
from sample_data.housing.housing import Housing
from sample_data.population.draws import Flags, Floats, Whole
from sample_data.population.geography import Block
from sample_data.population.households import Households
from sample_data.population.moves import Population

#: Lowest ages of the age bands of the published admission rates.
_BAND_EDGES = (20, 38, 53, 67)


@dataclass
class Exposures:
    """One value per person of the population; former people have no exposures of a household."""

    decile: Whole
    tenure: Whole
    damp: Flags
    overcrowded: Flags
    fuel_poor: Flags
    tax_support: Flags
    aqma: Flags
    alone: Flags


def expose(
    block: Block, dwellings: Dwellings, population: Population, households: Households, housing: Housing
) -> Exposures:
    """Return the determinants that each person is exposed to."""
    resident = population.is_resident
    home = np.where(resident, population.home, population.former_home)
    area = np.array([a.imd_decile for a in block.areas])
    aqma = np.array([a.aqma for a in block.areas])
    area_of = dwellings.area[home]
    household = np.where(resident, population.people.household, 0)
    return Exposures(
        decile=area[area_of],
        tenure=households.tenure_of_dwelling[home],
        damp=housing.damp[home] & resident,
        overcrowded=(housing.occupancy_rating[home] < 0) & resident,
        fuel_poor=housing.fuel_poor[home] & resident,
        tax_support=housing.tax_support[home] & resident,
        aqma=aqma[area_of] & resident,
        alone=(households.size[household] == 1) & resident,
    )


def age_band(age: Whole) -> Whole:
    """Return the age band of the published admission rates: 0-19, 20-37, 38-52, 53-66, 67 and over."""
    return np.digitize(age, _BAND_EDGES)


def quintile(decile: Whole) -> Whole:
    """Return the quintile, 0 (most deprived) to 4."""
    return (decile - 1) // 2


def from_log_odds(log_odds: Floats) -> Floats:
    """Return the probabilities for log odds."""
    return np.asarray(1 / (1 + np.exp(-log_odds)))
