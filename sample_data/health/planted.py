"""The content of `truth/planted_effects.json`: each planted effect with its outcome, exposure and measure.

Ratios are conditional. To recover a value, compare exposed with unexposed within age band (0-19, 20-37,
38-52, 53-66, 67 and over) and IMD quintile, with a Mantel-Haenszel estimate over these strata.
"""

from dataclasses import asdict, dataclass

from sample_data.settings import PlantedEffects, SyntheticSettings


@dataclass(frozen=True)
class PlantedEffect:
    """One effect, described so that an analyst can test it.

    measure: odds_ratio, rate_ratio or mean_difference. per: what one unit of exposure is.
    adjusted_for: other planted exposures that act on the same outcome.
    """

    name: str
    measure: str
    outcome: str
    exposure: str
    population: str
    adjusted_for: tuple[str, ...] = ()
    per: str = "exposed against not"


_AGE_AND_AREA = ("age band", "IMD quintile")
EFFECTS = (
    PlantedEffect(
        "damp_respiratory_admission",
        "rate_ratio",
        "emergency admissions with ICD-10 chapter J",
        "damp report on the dwelling",
        "residents",
        (*_AGE_AND_AREA, "fuel poverty", "air quality management area"),
    ),
    PlantedEffect(
        "damp_asthma",
        "odds_ratio",
        "asthma register",
        "damp report on the dwelling",
        "residents",
        _AGE_AND_AREA,
    ),
    PlantedEffect(
        "overcrowding_childhood_asthma",
        "odds_ratio",
        "asthma register",
        "occupancy rating below zero",
        "residents 3 to 17",
        _AGE_AND_AREA,
    ),
    PlantedEffect(
        "overcrowding_child_admission",
        "rate_ratio",
        "emergency admissions",
        "occupancy rating below zero",
        "residents under 18",
        _AGE_AND_AREA,
    ),
    PlantedEffect(
        "fuel_poverty_respiratory_admission",
        "rate_ratio",
        "emergency admissions with ICD-10 chapter J",
        "council tax support and EPC E to G",
        "residents",
        (*_AGE_AND_AREA, "damp"),
    ),
    PlantedEffect(
        "aqma_child_respiratory_admission",
        "rate_ratio",
        "emergency admissions with ICD-10 chapter J",
        "LSOA in an air quality management area",
        "residents under 18",
        _AGE_AND_AREA,
    ),
    PlantedEffect(
        "aqma_childhood_asthma",
        "odds_ratio",
        "asthma register",
        "LSOA in an air quality management area",
        "residents 3 to 17",
        (*_AGE_AND_AREA, "overcrowding"),
    ),
    PlantedEffect(
        "social_rent_frailty",
        "odds_ratio",
        "frailty register",
        "social rented against other tenures",
        "residents 65 and over",
        ("age", "IMD decile", "number of conditions"),
    ),
    PlantedEffect(
        "living_alone_fall", "rate_ratio", "falls", "one-person household", "residents 65 and over", ("age",)
    ),
    PlantedEffect(
        "social_rent_drug_alcohol",
        "odds_ratio",
        "drug or alcohol treatment",
        "social rented against owned",
        "residents 18 to 64",
        _AGE_AND_AREA,
    ),
    PlantedEffect(
        "private_rent_drug_alcohol",
        "odds_ratio",
        "drug or alcohol treatment",
        "private rented against owned",
        "residents 18 to 64",
        _AGE_AND_AREA,
    ),
    PlantedEffect(
        "social_rent_copd",
        "odds_ratio",
        "COPD register",
        "social rented against other tenures",
        "residents 35 and over",
        _AGE_AND_AREA,
    ),
    PlantedEffect(
        "vaccination_per_decile",
        "odds_ratio",
        "influenza vaccination",
        "IMD decile",
        "residents 65 and over",
        (),
        "one decile less deprived",
    ),
    PlantedEffect(
        "ill_health_in_work",
        "odds_ratio",
        "in work",
        "two or more long-term conditions",
        "residents 22 to 59",
        ("IMD decile", "council tax support"),
    ),
    PlantedEffect(
        "free_meals_good_level",
        "odds_ratio",
        "good level of development",
        "free school meals",
        "children 5 to 7",
        ("IMD decile", "overcrowding"),
    ),
    PlantedEffect(
        "overcrowding_good_level",
        "odds_ratio",
        "good level of development",
        "occupancy rating below zero",
        "children 5 to 7",
        ("IMD decile", "free school meals"),
    ),
    PlantedEffect(
        "serious_illness_attendance",
        "mean_difference",
        "school attendance, percentage points",
        "emergency admission in the year",
        "pupils 5 to 16",
        ("IMD decile",),
    ),
)


def planted_effects(settings: SyntheticSettings, households: int, seed: int) -> dict[str, object]:
    """Return the content of `planted_effects.json`: how the population was generated and what was planted."""
    values = asdict(settings.effects)
    return {
        "households": households,
        "seed": seed,
        "reference_date": settings.reference_date.isoformat(),
        "effects": [{**asdict(effect), "value": values[effect.name]} for effect in EFFECTS],
        "defect_rates": asdict(settings.defects),
    }


def unplanted() -> set[str]:
    """Return the fields of `PlantedEffects` that no entry describes (must be empty)."""
    return set(asdict(PlantedEffects())) - {effect.name for effect in EFFECTS}
