"""One block with its dwellings and people, before any list is written: the order in which truth is drawn."""

from dataclasses import dataclass
from datetime import date

from sample_data.health.exposures import expose
from sample_data.health.health import Health, fall_ill
from sample_data.housing.dwellings import Dwellings, lay_out
from sample_data.housing.housing import Housing, describe
from sample_data.population.geography import Block
from sample_data.population.households import Households, settle
from sample_data.population.moves import Population, populate
from sample_data.settings import SyntheticSettings


@dataclass
class InhabitedBlock:
    """Dwellings, households, people, housing and health of one block; positions refer to each other."""

    block: Block
    dwellings: Dwellings
    households: Households
    population: Population
    housing: Housing
    health: Health
    today: int


def inhabit(block: Block, seed: int, settings: SyntheticSettings, first_uprn: int) -> InhabitedBlock:
    """Draw a block; `today` is the reference date in days since 1970-01-01."""
    today = (settings.reference_date - date(1970, 1, 1)).days
    dwellings = lay_out(block, seed, first_uprn, settings.defects)
    households = settle(block, dwellings, seed)
    population = populate(block, dwellings, households, seed, settings.reference_date)
    housing = describe(block, dwellings, households, population.resident_people, settings, seed)
    exposures = expose(block, dwellings, population, households, housing)
    health = fall_ill(block, population, exposures, settings.effects, today, seed)
    return InhabitedBlock(block, dwellings, households, population, housing, health, today)
