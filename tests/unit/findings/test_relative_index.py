"""The indices of inequality: on the scale of a proportion, in both directions, with the error of protection.

Reference values: tests of the R package PHEindicatormethods 2.1.0 (ukhsa-collaboration, testdata_SII.xlsx).
"""

import numpy as np
import pytest
from scipy import special

from pipeline.findings.all_findings import find_all
from pipeline.findings.statistics import QuantileValues, inequality_indices, ridit_scores, wilson_interval
from tests.unit.findings.conftest import MakeRelease, rate_cells

DECILES = tuple(range(1, 11))
#: Children in year 6 measured, and obese, by IMD decile.
MEASURED = (34353, 32112, 27715, 25372, 23889, 23260, 23180, 24193, 23609, 24488)
OBESE = (7287, 6881, 5656, 4868, 4176, 3876, 3617, 3546, 3314, 2960)
#: Infant deaths per 1,000 births by IMD decile.
BIRTHS = (279012, 255993, 236961, 214315, 192812, 183546, 168593, 164822, 154836, 138165)
INFANT_DEATHS = (5.892219689475721, 4.7345044591063035, 3.827634083245766, 3.8681380211371112)
INFANT_DEATHS += (3.6771570234217785, 3.1436261209723995, 3.1258711808912585, 2.942568346458604)
INFANT_DEATHS += (2.82879950399132, 2.7648101907140012)
LOWER = (5.614959662410748, 4.475920770781004, 3.586926055445024, 3.6140791140579505, 3.4166969870147965)
LOWER += (2.8976177350029272, 2.870493809285979, 2.6924041297904315, 2.57630573787527, 2.501420619088458)
UPPER = (6.183085357576154, 5.0079519402470885, 4.0844291026854505, 4.1399822998098585, 3.9573934822289045)
UPPER += (3.4103317188858107, 3.4038909874130083, 3.2159015715579464, 3.1059621495836955, 3.05584866618335)
#: Few cases in the least deprived fifth: a straight line through the rates goes below zero there.
STEEP = {"1": 400, "2": 150, "3": 60, "4": 30, "5": 20}


def steep_release(make_release: MakeRelease, people: int = 5000) -> object:
    cells = [
        c for q, count in STEEP.items() for c in rate_cells("fuel_poverty", count, people, imd_quintile=q)
    ]
    return make_release({"housing_condition_by_imd_quintile": cells})


def test_the_indices_of_a_proportion_on_the_logit_scale_agree_with_the_published_ones() -> None:
    limits = wilson_interval(OBESE, MEASURED)
    values = QuantileValues(
        DECILES, MEASURED, None, "proportion", OBESE, lower_cl=limits.lower, upper_cl=limits.upper
    )
    found = inequality_indices(values, transform=True)
    assert found.slope.value == pytest.approx(-0.1096462611125906, rel=1e-9)
    assert found.relative.value == pytest.approx(0.5341775743253946, rel=1e-9)
    assert found.intercept == pytest.approx(0.2353821007088711, rel=1e-9)
    # the published limits are simulated too, with other random numbers
    assert found.slope[1:] == pytest.approx((-0.11490838449, -0.10443087776), rel=2e-3)
    assert found.relative[1:] == pytest.approx((0.5185333850, 0.5501741213), rel=2e-3)


def test_the_indices_of_a_rate_on_the_log_scale_agree_with_the_published_ones() -> None:
    values = QuantileValues(DECILES, BIRTHS, INFANT_DEATHS, "rate", lower_cl=LOWER, upper_cl=UPPER)
    found = inequality_indices(values, transform=True)
    assert found.slope.value == pytest.approx(-3.15590713895456, rel=1e-9)
    assert found.relative.value == pytest.approx(0.4418848436076823, rel=1e-9)
    assert found.intercept == pytest.approx(5.65458060546947, rel=1e-9)
    assert found.slope[1:] == pytest.approx((-3.4809615490, -2.8332373448), rel=3e-3)


def test_a_steep_gradient_has_a_relative_index_above_zero_with_both_limits(make_release: MakeRelease) -> None:
    rates = np.array(list(STEEP.values())) / 5000
    straight = np.polyfit(ridit_scores(np.full(5, 5000.0)), rates, 1)
    assert np.polyval(straight, 1) < 0  # what a line through the rates themselves would give

    (found,) = find_all(steep_release(make_release)).inequality.to_dict("records")  # type: ignore[arg-type]
    logit = np.polyfit(ridit_scores(np.full(5, 5000.0)), special.logit(rates), 1)
    least, most = 100 * special.expit(np.polyval(logit, [1, 0]))
    assert found["most_deprived"] == pytest.approx(most)
    assert found["least_deprived"] == pytest.approx(least)
    assert found["sii"] == pytest.approx(least - most)
    assert found["rii"] == pytest.approx(most / least)
    assert 1 < found["rii_lower"] < found["rii"] < found["rii_upper"]
    assert found["finding"] == "higher among the most deprived"


def test_the_relative_index_is_given_in_both_directions(make_release: MakeRelease) -> None:
    (found,) = find_all(steep_release(make_release)).inequality.to_dict("records")  # type: ignore[arg-type]
    turned = tuple(1 / found[name] for name in ("rii", "rii_upper", "rii_lower"))
    names = ("rii_least_to_most", "rii_least_to_most_lower", "rii_least_to_most_upper")
    assert tuple(found[name] for name in names) == pytest.approx(turned)


def test_noise_and_rounding_widen_the_indices_most_where_counts_are_small(make_release: MakeRelease) -> None:
    def width(people: int, criteria: dict[str, int]) -> float:
        cells = [
            c
            for quintile in range(1, 6)
            for c in rate_cells("fuel_poverty", people // 10, people, imd_quintile=str(quintile))
        ]
        release = make_release({"housing_condition_by_imd_quintile": cells}, criteria=criteria)
        (found,) = find_all(release).inequality.to_dict("records")
        return float(found["sii_upper"] - found["sii_lower"])

    exact = {"noise_bound": 0, "rounding_base": 1}
    small = width(200, {}) / width(200, exact)
    large = width(20_000, {}) / width(20_000, exact)
    assert small > 1.05
    assert 1 <= large < 1.01


def test_no_index_of_a_measure_whose_lower_limit_reaches_zero(make_release: MakeRelease) -> None:
    ages = ("0_to_17", "18_to_44", "45_to_64", "65_to_74", "75_and_over")
    cells = [
        c
        for quintile in range(1, 6)
        for age in ages
        for c in rate_cells(
            "residents_admitted", 10 if age == ages[4] else 0, 11, age_broad=age, imd_quintile=str(quintile)
        )
    ]
    found = find_all(
        make_release(
            {"resident_health_by_age_broad_and_imd_quintile": cells}, criteria={"rounding_base": 100}
        )
    )
    (index,) = found.inequality[found.inequality["is_age_standardised"]].to_dict("records")
    assert np.isnan(index["rii"])
    assert index["finding"] == "not calculated: the lower limit of a quantile is not above zero"
