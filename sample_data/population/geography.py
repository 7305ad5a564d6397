"""Where the population lives: LSOAs with real codes and Census margins, divided into blocks.

The data contain one English borough (96,250 households). A larger population repeats it as *replica
boroughs*, whose LSOA, MSOA and authority codes (E019…, E029…, E0899…) and postcode areas (ZA, ZB,
ZC …, which Royal Mail does not use) are invented, so that areas and postcodes keep their real size.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sample_data.population.draws import Floats, share_out, stream
from sample_data.population.reference import (
    DWELLING_TYPES,
    ETHNIC_FAMILIES,
    OCCUPANCY,
    TENURES,
    area_rows,
    postcodes_by_lsoa,
    word_list,
    words,
)

#: Two-letter postcode areas that do not exist (YO, ZE, UB and JE do).
REPLICA_POSTCODE_AREAS = tuple(
    first + second
    for first in "ZYUJ"
    for second in "ABCDEFGHKLMNOPQRSTUVWXY"
    if first + second not in ("YO", "ZE", "UB", "JE")
)


@dataclass(frozen=True)
class Area:
    """One LSOA of one block; margins are Census counts used as weights."""

    lsoa21: str
    msoa21: str
    local_authority: str
    imd_decile: int
    aqma: bool
    households: int
    tenure: Floats
    dwelling_type: Floats
    occupancy: Floats
    ethnic_family: Floats
    postcodes: tuple[str, ...]
    locality: str
    post_town: str


@dataclass(frozen=True)
class Block:
    """Whole LSOAs that are generated together; their size limits memory."""

    number: int
    areas: tuple[Area, ...]

    @property
    def households(self) -> int:
        return sum(area.households for area in self.areas)


def blocks(households: int, seed: int, msoas: tuple[str, ...], per_block: int) -> tuple[Block, ...]:
    """Divide a population of exactly `households` into blocks of about `per_block` households.

    Raises ValueError when an MSOA is unknown or more replicas would be needed than there are
    unused postcode areas.
    """
    areas = list(_areas(households, seed, msoas))
    result: list[Block] = []
    current: list[Area] = []
    for area in areas:
        if current and sum(a.households for a in current) + area.households > per_block:
            result.append(Block(len(result), tuple(current)))
            current = []
        current.append(area)
    result.append(Block(len(result), tuple(current)))
    return tuple(result)


def spread_of_msoas(minimum_households: int) -> tuple[str, ...]:
    """Return enough MSOAs for the households, chosen in turn to spread IMD deciles most evenly."""
    by_msoa: dict[str, list[int]] = {}
    size: dict[str, int] = {}
    for row in area_rows():
        by_msoa.setdefault(row["msoa21"], []).append(int(row["imd_decile"]))
        size[row["msoa21"]] = size.get(row["msoa21"], 0) + _households(row)
    chosen: list[str] = []
    counts = np.zeros(10)
    while len(chosen) < len(by_msoa) and (
        len(chosen) < 3 or sum(size[m] for m in chosen) < minimum_households
    ):

        def unevenness(msoa: str, chosen_so_far: Floats = counts) -> tuple[float, str]:
            after = chosen_so_far + np.bincount(np.array(by_msoa[msoa]) - 1, minlength=10)
            return float(((after / after.sum()) ** 2).sum()), msoa

        best = min((m for m in by_msoa if m not in chosen), key=unevenness)
        counts = counts + np.bincount(np.array(by_msoa[best]) - 1, minlength=10)
        chosen.append(best)
    return tuple(chosen)


def _households(row: dict[str, str]) -> int:
    return sum(int(row[tenure]) for tenure in TENURES)


def _areas(households: int, seed: int, msoas: tuple[str, ...]) -> Iterator[Area]:
    rows = area_rows()
    unknown = set(msoas) - {row["msoa21"] for row in rows}
    if unknown:
        raise ValueError(f"{len(unknown)} MSOA codes are not in the sample geography")
    capacity = sum(_households(row) for row in rows)
    if msoas:
        chosen, replicas = msoas, 1
    else:
        replicas = max(1, round(households / capacity))
        chosen = spread_of_msoas(households) if replicas == 1 else ()
    if replicas - 1 > len(REPLICA_POSTCODE_AREAS):
        raise ValueError("the sample geography allows at most 8,000,000 households")
    picked = [row for row in rows if not chosen or row["msoa21"] in chosen]
    counts = share_out(households, np.tile([float(_households(row)) for row in picked], replicas))
    rng = stream(seed, 0, "geography")
    for replica in range(replicas):
        names = _locality_names(rng, len(picked))
        towns = _replica_towns(replica)
        for index, row in enumerate(picked):
            yield _area(row, replica, int(counts[replica * len(picked) + index]), names[index], towns)


def _area(row: dict[str, str], replica: int, households: int, locality: str, towns: dict[str, str]) -> Area:
    postcodes = postcodes_by_lsoa()[row["lsoa21"]]
    district = postcodes[len(postcodes) // 2].split(" ")[0]
    lsoa21, msoa21, authority = row["lsoa21"], row["msoa21"], row["local_authority"]
    if replica:
        area = REPLICA_POSTCODE_AREAS[replica - 1]
        postcodes = tuple(area + postcode.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for postcode in postcodes)
        lsoa21 = f"E019{replica:02d}{int(lsoa21[-3:]):03d}"
        msoa21 = f"E029{replica:02d}{int(msoa21[-3:]):03d}"
        authority = f"E0899{replica:04d}"
    decile = int(row["imd_decile"])
    return Area(
        lsoa21=lsoa21,
        msoa21=msoa21,
        local_authority=authority,
        imd_decile=decile,
        aqma=_is_in_air_quality_area(row["lsoa21"], decile),
        households=households,
        tenure=_margin(row, TENURES),
        dwelling_type=_margin(row, DWELLING_TYPES),
        occupancy=_margin(row, OCCUPANCY),
        ethnic_family=_margin(row, ETHNIC_FAMILIES),
        postcodes=postcodes,
        locality=locality,
        post_town=towns[district],
    )


def _margin(row: dict[str, str], columns: tuple[str, ...]) -> Floats:
    return np.array([float(row[column]) for column in columns])


def _is_in_air_quality_area(lsoa21: str, decile: int) -> bool:
    """True for about a third of LSOAs, more often deprived ones; the same for every seed."""
    return (int(lsoa21[-4:]) * 37) % 100 < 55 - 4 * decile


def _locality_names(rng: np.random.Generator, count: int) -> list[str]:
    """Return a locality per LSOA; two in five LSOAs have none in their addresses."""
    beginnings, endings = word_list("places", "locality_beginnings"), word_list("places", "locality_endings")
    first = rng.integers(len(beginnings), size=count)
    last = rng.integers(len(endings), size=count)
    named = rng.random(count) < 0.6
    return [
        f"{beginnings[a]} {endings[b]}" if keep else "" for a, b, keep in zip(first, last, named, strict=True)
    ]


def _replica_towns(replica: int) -> dict[str, str]:
    """Return the post town of each district: the real one, or an invented one in a replica borough."""
    real: dict[str, str] = words("places")["post_towns"]
    if replica == 0:
        return real
    beginnings, endings = word_list("places", "town_beginnings"), word_list("places", "town_endings")
    towns = sorted(set(real.values()))
    invented = {
        town: beginnings[(replica * 7 + index * 3) % len(beginnings)]
        + endings[(replica + index) % len(endings)]
        for index, town in enumerate(towns)
    }
    return {district: invented[town] for district, town in real.items()}
