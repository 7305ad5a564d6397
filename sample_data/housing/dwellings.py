"""The dwellings of a block: type, street address, postcode, UPRN and parent, one row each.

Types meet each LSOA's Census margin exactly. Houses are in numbered streets, converted flats
share a house number, and purpose-built flats share a named building with its own postcode. A
tower block has hundreds of flats in one postcode. Rows are in address order.
"""

from dataclasses import dataclass, fields

import numpy as np

from sample_data.population.draws import Flags, Texts, Whole, choose_same, happens, rank_within, stream
from sample_data.population.draws import share_out as share
from sample_data.population.geography import Block
from sample_data.population.reference import DWELLING_TYPES, word_list
from sample_data.settings import DefectRates

DETACHED, SEMI, TERRACED, PURPOSE_BUILT, CONVERTED, COMMERCIAL = range(len(DWELLING_TYPES))
#: Dwellings beyond the households: vacant ones and second homes.
VACANCY = 0.034
#: UPRNs rise in tens along a street: a dwelling's ends in 1-9, a building's in 0.
UPRN_STEP = 10
#: Added to a UPRN, to give the ranges of UPRNs that are no longer in use.
HISTORIC_RANGE = 2_000_000_000
DEMOLISHED_RANGE = 1_000_000_000
HOUSES_PER_STREET = 42
BLOCK_SIZES = (4, 6, 8, 12, 16, 24, 36, 60)
BLOCK_SIZE_WEIGHTS = (10, 16, 16, 18, 14, 10, 5, 2)


@dataclass
class Dwellings:
    """One row per dwelling; `kind` is household, vacant, hmo, care_home or student_hall.

    historic_uprn: the UPRN before the dwelling was re-numbered, 0 for most. demolished_uprn: UPRN of a
    demolished dwelling on the same plot, 0 for most.

    slot: the address slot (house or building) that a dwelling belongs to; dwellings of one slot share
    street, number and building. parent_uprn is zero for houses.
    """

    area: Whole
    dwelling_type: Whole
    slot: Whole
    street: Whole
    sub_name: Texts
    building: Texts
    number: Texts
    street_name: Texts
    locality: Texts
    town: Texts
    postcode: Texts
    uprn: Whole
    parent_uprn: Whole
    historic_uprn: Whole
    demolished_uprn: Whole
    kind: Texts

    def __len__(self) -> int:
        return len(self.area)

    def rows(self, positions: Whole) -> "Dwellings":
        """Return the dwellings at these positions."""
        return Dwellings(**{f.name: getattr(self, f.name)[positions] for f in fields(self)})

    @property
    def is_flat(self) -> Flags:
        return np.asarray(self.parent_uprn > 0)


def lay_out(block: Block, seed: int, first_uprn: int, rates: DefectRates | None = None) -> Dwellings:
    """Return the streets and buildings of a block; UPRNs rise along the streets from `first_uprn`."""
    rates = rates or DefectRates()
    rng = stream(seed, block.number, "dwellings")
    totals = np.array([round(area.households * (1 + VACANCY)) + 1 for area in block.areas])
    area = np.repeat(np.arange(len(block.areas)), totals)
    kinds = np.concatenate(
        [
            np.repeat(np.arange(len(DWELLING_TYPES)), share(int(n), a.dwelling_type))
            for n, a in zip(totals, block.areas, strict=True)
        ]
    )
    building_of, building_area, building_type = _group_into_buildings(rng, area, kinds)
    address = _address_buildings(rng, block, building_area, building_type, np.bincount(building_of))
    order = np.lexsort((np.arange(len(area)), address.place[building_of]))
    slot = building_of[order]
    unit = rank_within(slot)
    units = np.bincount(slot, minlength=len(building_area))[slot]
    flat = building_type[slot] >= PURPOSE_BUILT
    gaps = first_uprn + UPRN_STEP * np.arange(1, len(slot) + 1) + rng.integers(1, UPRN_STEP, len(slot))
    first_of_slot = np.full(len(building_area), np.iinfo(np.int64).max)
    np.minimum.at(first_of_slot, slot, gaps)
    renumbered = happens(rng, rates.uprn_historic, len(slot))
    rebuilt = ~flat & happens(rng, rates.demolished_still_listed, len(slot))
    sub_name = np.full(len(slot), "", dtype="<U24")
    sub_name[flat] = _sub_names(rng, building_type[slot], slot, unit, units)[flat]
    areas = np.array([(a.locality, a.post_town) for a in block.areas])
    return Dwellings(
        area=area[order],
        dwelling_type=kinds[order],
        slot=slot,
        street=address.street[slot],
        sub_name=sub_name,
        building=address.building[slot],
        number=address.number[slot],
        street_name=address.street_name[slot],
        locality=areas[area[order], 0],
        town=areas[area[order], 1],
        postcode=address.postcode[slot],
        uprn=gaps,
        parent_uprn=np.where(flat, first_of_slot[slot] // UPRN_STEP * UPRN_STEP, 0),
        historic_uprn=np.where(renumbered, gaps + HISTORIC_RANGE, 0),
        demolished_uprn=np.where(rebuilt, gaps + DEMOLISHED_RANGE, 0),
        kind=np.full(len(slot), "household", dtype="<U12"),
    )


def _group_into_buildings(rng: np.random.Generator, area: Whole, kinds: Whole) -> tuple[Whole, Whole, Whole]:
    """Return the building of each dwelling, and each building's area and type.

    `area` and `kinds` are sorted together, so a building is a run of equal (area, type).
    """
    cell = area * len(DWELLING_TYPES) + kinds
    position = rank_within(cell)
    cells, sizes = np.unique(cell, return_counts=True)
    starts = np.zeros(len(cell), dtype=bool)
    first: Whole = np.asarray(np.searchsorted(cell, cells))
    for number, size, begin in zip(cells.tolist(), sizes.tolist(), first.tolist(), strict=True):
        kind = number % len(DWELLING_TYPES)
        if kind < PURPOSE_BUILT:
            starts[begin : begin + size] = True
            continue
        units = _building_sizes(rng, kind, size)
        starts[begin + np.r_[0, np.cumsum(units)[:-1]]] = True
    starts |= position == 0
    building = np.cumsum(starts) - 1
    return building, area[starts], kinds[starts]


def _building_sizes(rng: np.random.Generator, kind: int, dwellings: int) -> Whole:
    """Return numbers of units that add up to `dwellings`; from 250 flats on, most are in one tower."""
    if kind == PURPOSE_BUILT:
        tower = [min(320, dwellings * 6 // 10)] if dwellings >= 250 else []
        drawn = np.array(BLOCK_SIZES)[choose_same(rng, BLOCK_SIZE_WEIGHTS, dwellings)]
        sizes = np.r_[np.array(tower, dtype=np.int64), drawn]
    else:
        weights = (0.0, 0.0, 5.0, 3.0, 2.0) if kind == CONVERTED else (0.0, 6.0, 3.0, 1.0)
        sizes = choose_same(rng, weights, dwellings)
    ends = np.cumsum(sizes)
    last = int(np.searchsorted(ends, dwellings))
    result = sizes[: last + 1].copy()
    result[-1] -= ends[last] - dwellings
    return np.asarray(result[result > 0])


@dataclass(frozen=True)
class _Address:
    """One row per building. place: position in address order."""

    place: Whole
    street: Whole
    number: Texts
    building: Texts
    street_name: Texts
    postcode: Texts


def _address_buildings(
    rng: np.random.Generator, block: Block, area: Whole, kind: Whole, units: Whole
) -> _Address:
    """Give every building a street, a number, perhaps a name, and a postcode.

    Similar buildings are neighbours: buildings are ordered by type, with noise, and divided into streets.
    Odd and even sides have different postcodes, and a block of six or more flats has its own postcode.
    """
    count = len(area)
    order = np.lexsort((np.minimum(kind, PURPOSE_BUILT) + rng.normal(0, 0.8, count), area))
    position = np.empty(count, dtype=np.int64)
    position[order] = rank_within(area[order])
    in_area = np.bincount(area, minlength=len(block.areas))
    streets = np.maximum(1, np.ceil(in_area / HOUSES_PER_STREET).astype(np.int64))
    length = np.ceil(in_area / streets).astype(np.int64)
    street = np.r_[0, np.cumsum(streets)[:-1]][area] + position // length[area]
    number = position % length[area] + 1
    suffix = np.where(happens(rng, np.where(kind <= TERRACED, 0.015, 0.0), count), "A", "")
    large = (kind == PURPOSE_BUILT) & (units >= 6)
    names = _building_names(rng, count)
    house_names = np.array(word_list("places", "house_names"))[
        choose_same(rng, [1.0] * len(word_list("places", "house_names")), count)
    ]
    named_house = (kind == DETACHED) & happens(rng, 0.05, count)
    only_name = named_house & happens(rng, 0.6, count)
    named_flats = (kind == PURPOSE_BUILT) & happens(rng, 0.85, count)
    numbered = ~only_name & ~(named_flats & happens(rng, 0.45, count))
    building = np.select([named_house, named_flats], [house_names, names], default="")
    text = np.char.add(number.astype("<U6"), suffix)
    postcode = _postcodes(rng, block, area, street, number, large)
    return _Address(
        place=_ranks(street, number),
        street=street,
        number=np.where(numbered, text, ""),
        building=building,
        street_name=_street_names(rng, int(streets.sum()))[street],
        postcode=postcode,
    )


def _ranks(street: Whole, number: Whole) -> Whole:
    ranks = np.empty(len(street), dtype=np.int64)
    ranks[np.lexsort((number, street))] = np.arange(len(street))
    return ranks


def _postcodes(
    rng: np.random.Generator, block: Block, area: Whole, street: Whole, number: Whole, large: Flags
) -> Texts:
    """Return a postcode per building: large blocks have their own while enough are left, others by street."""
    result = np.full(len(area), "", dtype="<U9")
    for index, place in enumerate(block.areas):
        here = np.flatnonzero(area == index)
        if len(here) == 0:
            continue
        available = np.array(place.postcodes)[rng.permutation(len(place.postcodes))]
        blocks_here = here[large[here]]
        own = min(len(blocks_here), len(available) // 2)
        if own:
            result[blocks_here] = available[np.arange(len(blocks_here)) % own]
        houses = here[~large[here]]
        walk = houses[np.lexsort((number[houses], number[houses] % 2, street[houses]))]
        kept = available[own:]
        needed = min(len(kept), max(1, len(walk) // 12))
        result[walk] = kept[np.arange(len(walk)) * needed // max(1, len(walk))]
    return result


def _street_names(rng: np.random.Generator, count: int) -> Texts:
    """Return `count` street names, all different within a block if there are enough words."""
    first = np.array(word_list("places", "street_words"))
    types = word_list("places", "street_types")
    distinct = np.array(sorted(set(types)))
    weight = np.array([types.count(t) for t in distinct], dtype=float)
    pairs = np.array([f"{w} {t}" for w in first for t in distinct])
    popularity = np.repeat(1 / np.sqrt(np.arange(1, len(first) + 1)), len(distinct)) * np.tile(
        weight, len(first)
    )
    keys = rng.exponential(size=len(pairs)) / popularity
    return pairs[np.argsort(keys, kind="stable")[np.arange(count) % len(pairs)]]


def _building_names(rng: np.random.Generator, count: int) -> Texts:
    first, last = word_list("places", "building_words"), word_list("places", "building_types")
    a, b = rng.integers(len(first), size=count), rng.integers(len(last), size=count)
    return np.char.add(np.char.add(np.array(first)[a], " "), np.array(last)[b])


def _sub_names(rng: np.random.Generator, kind: Whole, slot: Whole, unit: Whole, units: Whole) -> Texts:
    """Return FLAT 3, APARTMENT 12, FLAT B, GROUND FLOOR FLAT or 204: one style per building."""
    style = rng.random(int(slot.max(initial=0)) + 1)[slot]
    ordinal = (unit + 1).astype("<U4")
    letter = np.array([chr(65 + i) for i in range(26)])[np.minimum(unit, 25)]
    floor = np.array(["GROUND FLOOR FLAT", "FIRST FLOOR FLAT", "SECOND FLOOR FLAT", "TOP FLOOR FLAT"])
    by_floor = ((unit // 12 + 1) * 100 + unit % 12 + 1).astype("<U4")
    small = (kind != PURPOSE_BUILT) & (units <= 4)
    return np.select(
        [
            small & (style < 0.35),
            small & (style < 0.60),
            (units > 24) & (style < 0.55),
            style < 0.25,
        ],
        [
            floor[np.minimum(unit, 3)],
            np.char.add("FLAT ", letter),
            np.char.add("APARTMENT ", by_floor),
            np.char.add("APARTMENT ", ordinal),
        ],
        default=np.char.add("FLAT ", ordinal),
    )
