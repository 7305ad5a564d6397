"""What the council records about a dwelling: bedrooms, tax band, discounts, EPC, damp, arrears, status.

Occupancy ratings meet each LSOA's Census margin. Bedrooms are the bedroom standard plus the rating.
"""

from dataclasses import dataclass

import numpy as np

from sample_data.housing.dwellings import PURPOSE_BUILT, Dwellings
from sample_data.population.draws import Flags, Texts, Whole, allot, choose, choose_same, happens, stream
from sample_data.population.geography import Block
from sample_data.population.households import (
    ASSOCIATION,
    COUNCIL,
    LONE,
    ONE_OLD,
    PRIVATE,
    SHARERS,
    STUDENT_HALL,
    Households,
)
from sample_data.population.people import CHILD, PARTNER, REFERENCE, People
from sample_data.settings import SyntheticSettings

PROPERTY_TYPES = np.array(
    [
        "Detached",
        "Semi-detached",
        "Terraced",
        "Flat (purpose built)",
        "Flat (converted)",
        "Flat (commercial)",
    ]
)
TENURE_LABELS = np.array(
    ["owned_outright", "mortgage", "private_rented", "local_authority", "housing_association"]
)
LANDLORD_LABELS = np.array(["", "", "private", "council", "housing_association"])

#: Council tax bands A-H of the most and the least deprived decile (adjusted from Manchester's list).
_BANDS_DEPRIVED = np.array([0.55, 0.21, 0.15, 0.06, 0.02, 0.008, 0.002, 0.0])
_BANDS_AFFLUENT = np.array([0.04, 0.10, 0.21, 0.24, 0.19, 0.12, 0.08, 0.02])
_BAND_BY_TYPE = np.array([1.6, 0.4, -0.3, -0.9, -1.1, -1.0])

_EPC = np.array([0.03, 0.11, 0.30, 0.37, 0.13, 0.04, 0.02])


@dataclass
class Housing:
    """One row per dwelling, including vacant ones; flags as known to the council.

    occupancy_rating: bedrooms minus the bedroom standard of the household (negative: overcrowded).
    """

    bedrooms: Whole
    occupancy_rating: Whole
    band: Texts
    exemption: Texts
    single_person_discount: Flags
    tax_support: Flags
    arrears: Flags
    epc: Texts
    is_hmo: Flags
    damp: Flags
    fuel_poor: Flags
    blpu_class: Texts
    blpu_state: Texts
    household_of: Whole


def describe(
    block: Block,
    dwellings: Dwellings,
    households: Households,
    people: People,
    settings: SyntheticSettings,
    seed: int,
) -> Housing:
    """Return the attributes of every dwelling. fuel_poor: tax support and a true EPC of E-G."""
    rng = stream(seed, block.number, "housing")
    count = len(dwellings)
    decile = np.array([area.imd_decile for area in block.areas])[dwellings.area]
    household_of = np.full(count, -1)
    household_of[households.dwelling] = np.arange(len(households))
    lived_in = household_of >= 0
    tenure = households.tenure_of_dwelling
    standard = bedroom_standard(households, people)
    rating = _ratings(rng, block, dwellings, households, standard)
    bedrooms = 1 + choose_same(rng, (0.2, 0.3, 0.35, 0.15), count)
    bedrooms[households.dwelling] = np.clip(standard + rating, 1, 9)
    adults = _adults(households, people)
    composition = np.full(count, -1)
    composition[households.dwelling] = households.composition
    adults_here = np.where(lived_in, adults[household_of], 0)
    support = _tax_support(rng, tenure, composition, decile) & lived_in
    epc = np.array(list("ABCDEFG"))[_epc(rng, dwellings, tenure, decile)]
    damp = happens(
        rng,
        np.array([0.016, 0.020, 0.095, 0.075, 0.065])[tenure]
        * np.where(lived_in, 1, 0.3)
        * (1.45 - 0.08 * decile),
        count,
    )
    alone = (adults_here == 1) & happens(rng, 0.93, count)
    false_claim = (adults_here >= 2) & happens(rng, settings.defects.false_single_discount, count)
    empty = dwellings.kind == "vacant"
    return Housing(
        bedrooms=bedrooms,
        occupancy_rating=np.where(lived_in, bedrooms - standard[household_of], 0),
        band=np.array(list("ABCDEFGH"))[_bands(rng, dwellings, decile)],
        exemption=np.select(
            [
                empty & happens(rng, 0.35, count),
                composition == STUDENT_HALL,
                (composition == SHARERS) & happens(rng, 0.18, count),
            ],
            [
                np.array(["F", "B", "E", "D", "G", "Q"])[choose_same(rng, (5, 2, 2, 0.3, 0.7, 0.3), count)],
                "M",
                "N",
            ],
            default="",
        ),
        single_person_discount=(alone | false_claim) & (dwellings.kind == "household"),
        tax_support=support,
        arrears=happens(rng, np.clip(0.02 + 0.10 * (tenure >= PRIVATE) + 0.008 * (10 - decile), 0, 1), count),
        epc=epc,
        is_hmo=(dwellings.kind == "hmo") & happens(rng, 0.85, count),
        damp=damp,
        fuel_poor=support & np.isin(epc, ("E", "F", "G")),
        blpu_class=_blpu_class(dwellings),
        blpu_state=np.where(
            empty, np.array(["3", "1", "6"])[choose_same(rng, (0.87, 0.10, 0.03), count)], "2"
        ),
        household_of=household_of,
    )


def bedroom_standard(households: Households, people: People) -> Whole:
    """Return the bedrooms that each household needs.

    Census definition: one bedroom for each couple, each other person aged 21 or over, each pair of the same
    sex aged 10-20, and each pair of children under 10. A remaining person aged 10-20 shares with a child
    under 10 of the same sex if there is one, and otherwise needs a bedroom. A remaining child under 10
    needs a bedroom.
    """
    rooms = np.zeros(len(households), dtype=np.int64)
    owner = people.household

    def per_household(mask: Flags) -> Whole:
        return np.bincount(owner[mask], minlength=len(households))

    # a partner shares the reference person's room, so the partner's age does not matter
    heads = people.relation == REFERENCE
    sharing = people.relation == PARTNER
    rooms += per_household(heads | ((people.age >= 21) & ~sharing))
    young = (people.age < 21) & ~sharing & ~heads
    teen_f = per_household(young & (people.age >= 10) & people.is_female)
    teen_m = per_household(young & (people.age >= 10) & ~people.is_female)
    child_f = per_household(young & (people.age < 10) & people.is_female)
    child_m = per_household(young & (people.age < 10) & ~people.is_female)
    rooms += teen_f // 2 + teen_m // 2
    for teen, child in ((teen_f % 2, child_f), (teen_m % 2, child_m)):
        rooms += teen
        child -= np.minimum(teen, child)
    rooms += -(-(child_f + child_m) // 2)
    return np.maximum(rooms, 1)


def _adults(households: Households, people: People) -> Whole:
    grown = (people.age >= 18) & ~np.isin(people.relation, (CHILD,))
    return np.bincount(people.household[grown], minlength=len(households))


def _ratings(
    rng: np.random.Generator, block: Block, dwellings: Dwellings, households: Households, standard: Whole
) -> Whole:
    """Return occupancy ratings, +2 to -2, by each LSOA's margin; the largest households have the lowest."""
    area = dwellings.area[households.dwelling]
    room = np.array([2.0, 1.5, 0.6, -0.2, -0.2])[households.tenure]
    size = households.size.astype(float)
    latent = 0.9 * size - room + rng.normal(0, 1.2, len(size))
    latent -= np.where(dwellings.dwelling_type[households.dwelling] >= PURPOSE_BUILT, -0.9, 0.0)
    latent = np.where(standard == 1, latent - 4.0, latent)
    margins = np.array([a.occupancy for a in block.areas])
    rating = 2 - allot(area, latent, margins)
    return np.maximum(rating, 1 - standard)


def _tax_support(rng: np.random.Generator, tenure: Whole, composition: Whole, decile: Whole) -> Flags:
    base = np.array([0.055, 0.02, 0.16, 0.46, 0.48])[tenure]
    factor = np.where(composition == LONE, 1.8, np.where(composition == ONE_OLD, 1.5, 0.9))
    return happens(rng, np.clip(base * factor * (1.35 - 0.07 * decile), 0, 0.9), len(tenure))


def _epc(rng: np.random.Generator, dwellings: Dwellings, tenure: Whole, decile: Whole) -> Whole:
    better = np.where(dwellings.dwelling_type == PURPOSE_BUILT, 0.8, 0.0)
    better = better + np.where(np.isin(tenure, (COUNCIL, ASSOCIATION)), 0.6, 0.0)
    better = better - np.where(tenure == PRIVATE, 0.35, 0.0) + (decile - 5.5) * 0.03
    grades = np.arange(len(_EPC))
    return choose(rng, _EPC * np.exp(-0.45 * better[:, None] * (grades - 3)))


def _bands(rng: np.random.Generator, dwellings: Dwellings, decile: Whole) -> Whole:
    mix = ((decile - 1) / 9)[:, None]
    weights = np.exp(np.log(_BANDS_DEPRIVED + 1e-4) * (1 - mix) + np.log(_BANDS_AFFLUENT) * mix)
    tilt = _BAND_BY_TYPE[dwellings.dwelling_type][:, None] * (np.arange(8) - 2.5) * 0.55
    return choose(rng, weights * np.exp(tilt))


def _blpu_class(dwellings: Dwellings) -> Texts:
    by_type = np.array(["RD02", "RD03", "RD04", "RD06", "RD06", "RD06"])[dwellings.dwelling_type]
    return np.select(
        [dwellings.kind == "care_home", dwellings.kind == "student_hall", dwellings.kind == "hmo"],
        ["RI01", "RI03", "RH03"],
        default=by_type,
    )
