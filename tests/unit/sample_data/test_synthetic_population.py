"""The population has the margins and gradients of the Census and of England."""

import numpy as np
import pytest

from sample_data.housing.dwellings import VACANCY
from sample_data.population.draws import share_out
from sample_data.population.geography import blocks, spread_of_msoas
from sample_data.settings import SAMPLE_SETTINGS


def test_dwelling_types_and_tenures_meet_the_census_margin_of_every_lsoa(inhabited):
    for drawn in inhabited[:2]:
        for index, area in enumerate(drawn.block.areas):
            here = drawn.dwellings.area == index
            count = round(area.households * (1 + VACANCY)) + 1
            types = np.bincount(drawn.dwellings.dwelling_type[here], minlength=6)
            tenures = np.bincount(drawn.households.tenure_of_dwelling[here], minlength=5)
            assert types.tolist() == share_out(count, area.dwelling_type).tolist()
            assert tenures.tolist() == share_out(count, area.tenure).tolist()


def test_exactly_the_households_asked_for_are_made():
    for households in (1, 999, 14_215, 96_251, 250_000):
        assert sum(block.households for block in blocks(households, 1, (), 20_000)) == households


def test_overcrowding_follows_the_census_margin_and_rises_with_deprivation(residents, inhabited):
    crowded = sum(int((d.housing.occupancy_rating < 0).sum()) for d in inhabited)
    households = sum(len(d.households) for d in inhabited)
    census = sum(a.occupancy[3:].sum() for d in inhabited for a in d.block.areas)
    total = sum(a.occupancy.sum() for d in inhabited for a in d.block.areas)
    assert abs(crowded / households - census / total) < 0.012


@pytest.mark.parametrize("name", ["damp", "overcrowded", "fuel_poor", "tax_support", "asthma", "treated"])
def test_determinants_and_outcomes_fall_from_the_most_to_the_least_deprived(name, residents):
    deprived = residents[name][residents["decile"] <= 3].mean()
    affluent = residents[name][residents["decile"] >= 8].mean()
    assert deprived > affluent * 1.02


def test_multiple_conditions_come_earlier_where_deprivation_is_greater(residents):
    adults = residents["age"] >= 18
    many = residents["conditions"] >= 2
    overall = many[adults].mean()
    assert 0.19 < overall < 0.27  # England: 24% of adults
    middle = (residents["age"] >= 45) & (residents["age"] < 55)
    older = (residents["age"] >= 55) & (residents["age"] < 65)
    poor, rich = residents["decile"] <= 2, residents["decile"] >= 9
    assert many[middle & poor].mean() > 0.8 * many[older & rich].mean()


def test_household_sizes_and_compositions_are_those_of_england(inhabited):
    sizes = np.concatenate([d.households.size[d.households.size < 12] for d in inhabited])
    assert 2.25 < sizes.mean() < 2.5  # 2.4
    assert 0.27 < (sizes == 1).mean() < 0.34  # 30.2%


def test_ages_are_spread_as_in_england(residents):
    shares, _ = np.histogram(residents["age"], [0, 16, 35, 50, 65, 120])
    england = np.array([0.185, 0.255, 0.19, 0.19, 0.18])
    assert np.abs(shares / shares.sum() - england).max() < 0.05


def test_private_renters_move_far_more_often_than_owners(inhabited):
    recent = {0: [], 2: []}
    for drawn in inhabited:
        for tenure, found in recent.items():
            found.append((drawn.households.years_here[drawn.households.tenure == tenure] < 1).mean())
    assert np.mean(recent[2]) > 4 * np.mean(recent[0])
    assert abs(np.mean(recent[2]) - 0.205) < 0.03  # 1 - exp(-0.23)


def test_a_tower_block_puts_hundreds_of_flats_into_one_postcode(inhabited):
    postcodes = np.concatenate([d.dwellings.postcode for d in inhabited])
    assert np.unique(postcodes, return_counts=True)[1].max() >= 200


def test_names_are_shared_within_families_and_differ_between_siblings(inhabited):
    drawn = inhabited[0]
    people, names = drawn.population.people, drawn.population.names
    code = people.household * 10_000_000 + np.unique(names.forename, return_inverse=True)[1]
    children = people.relation == 2
    _, counts = np.unique(code[children], return_counts=True)
    assert (counts > 1).mean() < 0.004
    reference = np.full(int(people.household.max()) + 1, "", dtype="<U32")
    first = people.relation == 0
    reference[people.household[first]] = names.surname[first]
    shared = names.surname[children] == reference[people.household[children]]
    assert 0.6 < shared.mean() < 0.95
    assert (np.char.find(names.surname, "-") > 0).any()


def test_polish_women_bear_the_feminine_ending(inhabited):
    names, people = inhabited[0].population.names, inhabited[0].population.people
    feminine = np.char.endswith(names.surname, "SKA")
    masculine = np.char.endswith(names.surname, "SKI")
    assert feminine.any()
    assert masculine.any()
    assert people.is_female[feminine].all()
    assert not people.is_female[masculine].any()


def test_the_sample_covers_every_deprivation_decile():
    assert set(SAMPLE_SETTINGS.msoas) == set(spread_of_msoas(12_000))
    sample = blocks(14_215, 1, SAMPLE_SETTINGS.msoas, 20_000)
    assert {area.imd_decile for block in sample for area in block.areas} == set(range(1, 11))


def test_replica_boroughs_have_invented_codes_and_postcodes_of_their_own():
    made = blocks(400_000, 1, (), 20_000)
    areas = [area for block in made for area in block.areas]
    assert len({area.lsoa21 for area in areas}) == len(areas) == 4 * 139
    postcodes = [postcode for area in areas for postcode in area.postcodes]
    assert len(set(postcodes)) == len(postcodes)
    assert max(area.households for area in areas) < 1_400
    with pytest.raises(ValueError, match="8,000,000"):
        blocks(9_000_000, 1, (), 20_000)
