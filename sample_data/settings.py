"""Settings of a synthetic population: defect rates, planted effects and file formats.

Rates of `DefectRates` are shares (0-1) of the rows named in each comment. A published figure has its
source in the comment; the other figures are assumptions.
"""

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class DefectRates:
    """How often each recording defect occurs. Tests check for each of them in the output."""

    # UPRNs on the NHS side (ASSIGN, IJPDS 1674: 1.4% overall, 4.6% recent movers, 5.6% one GP system)
    nhs_uprn_missing: float = 0.030  # of recorded addresses of settled people
    nhs_uprn_missing_recent_mover: float = 0.06  # of recorded addresses moved to within a year
    nhs_uprn_missing_one_system: float = 0.056  # of recorded addresses at practices of one GP system
    # no figure published, 1-3% assumed
    uprn_parent_of_flat: float = 0.020  # of flats recorded by the NHS
    uprn_sibling_flat: float = 0.010  # of flats recorded by the NHS
    uprn_next_door: float = 0.008  # of houses recorded by the NHS
    uprn_historic: float = 0.010  # of dwellings re-numbered in the gazetteer
    nhs_keeps_historic: float = 0.7  # of those, recorded by the NHS under the former UPRN
    nhs_keeps_demolished: float = 0.5  # of ghosts on a plot that was rebuilt
    # damage to the digits, of rows that carry a UPRN; no figure published
    uprn_decimal_point: float = 0.006
    uprn_exponent: float = 0.002
    uprn_padded: float = 0.08
    uprn_spaces: float = 0.003
    uprn_thousands: float = 0.001
    uprn_sentinel: float = 0.001
    # the council's list
    council_uprn_missing: float = 0.011  # of dwellings
    epc_missing: float = 0.266  # of dwellings: no certificate, or one without UPRN (8%)
    shared_uprn: float = 0.0157  # of dwellings that share a UPRN (Census 2011)
    demolished_still_listed: float = 0.003  # demolished dwellings as a share of the list
    new_build_not_listed: float = 0.004  # of dwellings: occupied, not yet on the council's list
    previous_occupier_listed: float = 0.30  # of people who left a dwelling within three years
    landlord_listed: float = 0.16  # of private rented dwellings: the liable person lives elsewhere
    joint_name_field: float = 0.03  # of council tax rows: two people in one row
    false_single_discount: float = 0.03  # of dwellings with two or more adults
    tenure_missing: float = 0.098
    council_person_second_service: float = 0.10  # of listed people: known to another service too
    overlapping_account: float = 0.010  # of listed people: a second, older account row
    # names and birth dates
    council_initials: float = 0.30  # of council tax rows: initials for forenames
    known_by_middle_name: float = 0.012  # of council rows
    school_row_by_address: float = 0.25  # of school census rows: an address instead of a property id
    council_birth_date_disagrees: float = 0.012  # of council rows with a birth date
    council_name_typo: float = 0.020
    nhs_name_typo: float = 0.015
    council_accents: float = 0.5  # of names that can have an accent or apostrophe; the others are plain
    nhs_accents: float = 0.25  # the same, NHS rows
    nickname: float = 0.035  # of rows whose forename has a short form
    names_swapped: float = 0.003
    surname_changed: float = 0.015  # of women over 20: the NHS keeps a former surname
    double_barrelled_cut: float = 0.35  # of double-barrelled surnames: one side kept
    birth_date_disagrees: float = 0.0055  # of NHS rows (sex or birth date: 0.11% HES-PDS; lists are worse)
    sex_disagrees: float = 0.0011
    sex_missing: float = 0.001
    ethnic_category_unknown: float = 0.067
    # the NHS list
    unregistered: float = 0.02  # of residents
    duplicate_registration: float = 0.004  # of patients; half under a second NHS number
    duplicate_record_id: float = 0.0004
    invalid_nhs_number: float = 0.0015
    nhs_number_missing: float = 0.002
    care_home_at_former_home: float = 0.22  # of care-home residents (PMC8374378: 22% missed)
    shared_custody_twice: float = 0.03  # of children of lone parents
    temporary_address: float = 0.006  # of patients: a temporary address in addition to the usual one
    correspondence_address: float = 0.004  # of patients: a correspondence address in addition
    care_of: float = 0.002
    po_box: float = 0.0005
    no_fixed_abode: float = 0.001
    surgery_address: float = 0.0007
    # Audit Commission, National Duplicate Registration Initiative 2009-10: of the registrations removed from
    # lists, a third (34%) were of people whose death the list did not have. Here a quarter of such ghosts.
    deceased_still_registered: float = 0.020  # of the list
    death_date_recorded: float = 0.33  # of these
    left_still_registered: float = 0.45  # of people who left the area, when they leave; falls by 1.6 years
    # ONS, Understanding students across administrative data (2021): about 40% of first-year students had not
    # updated their address within a year
    student_still_registered: float = 0.66  # of grown children who leave before 20; 0.40 after a year
    # spells
    floor_date: float = 0.012  # address_start 1900-01-01
    start_missing: float = 0.01
    reversed_spell: float = 0.003
    overlapping_spell: float = 0.15  # of closed earlier spells: they end after the next began
    impossible_date: float = 0.0003  # 31/02 and the like


@dataclass(frozen=True)
class PlantedEffects:
    """Effects that an analyst must be able to find. Ratios are conditional on age band and IMD quintile.

    Rates are normalised within age band, IMD quintile and block, so that the published marginal
    rates are met and the planted ratio is the ratio between exposed and unexposed in one stratum.
    """

    damp_respiratory_admission: float = 2.2  # rate ratio, residents of dwellings with a damp report
    damp_asthma: float = 1.6  # odds ratio, all ages
    overcrowding_childhood_asthma: float = 2.0  # odds ratio, residents under 18
    overcrowding_child_admission: float = 1.6  # rate ratio, residents under 18
    fuel_poverty_respiratory_admission: float = 1.5  # rate ratio; tax support and EPC E-G
    aqma_child_respiratory_admission: float = 1.7  # rate ratio, residents under 18
    aqma_childhood_asthma: float = 1.4  # odds ratio, residents under 18
    living_alone_fall: float = 1.6  # rate ratio, residents 65 and over
    social_rent_drug_alcohol: float = 2.5  # odds ratio, residents 18-64, against owners
    private_rent_drug_alcohol: float = 1.5  # odds ratio, residents 18-64, against owners
    social_rent_copd: float = 1.8  # odds ratio, residents 35 and over (smoking), against owners
    social_rent_frailty: float = 1.6  # odds ratio, residents 65 and over, against other tenures
    vaccination_per_decile: float = 1.08  # odds ratio per IMD decile towards less deprived
    ill_health_in_work: float = 0.45  # odds ratio, 18-64 with two or more conditions
    free_meals_good_level: float = 0.50  # odds ratio, children of school starting age
    overcrowding_good_level: float = 0.65  # odds ratio
    serious_illness_attendance: float = -7.0  # percentage points, pupils admitted in the year


@dataclass(frozen=True)
class Dialect:
    """How one supplier writes a file: `name` is the file's name without suffix."""

    name: str
    encoding: str = "utf-8"
    byte_order_mark: bool = False
    delimiter: str = ","
    date_formats: tuple[str, ...] = ("%Y-%m-%d",)
    columns: tuple[tuple[str, str], ...] = ()  # (contract column, supplier's column)


DIALECTS: dict[str, Dialect] = {
    "council_property": Dialect(
        "council_property",
        columns=(
            ("record_id", "property_ref"),
            ("council_tax_band", "ct_band"),
            ("council_tax_support", "ctr_claimant"),
            ("arrears", "ct_arrears"),
        ),
    ),
    "council_person": Dialect(
        "council_person",
        encoding="cp1252",
        delimiter="|",
        date_formats=("%d/%m/%Y", "%d-%b-%Y"),
        columns=(("record_id", "person_ref"), ("property_record_id", "property_ref"), ("birth_date", "dob")),
    ),
    "nhs_person": Dialect(
        "nhs_person",
        byte_order_mark=True,
        date_formats=("%Y-%m-%d", "%Y%m%d"),
        columns=(
            ("birth_date", "date_of_birth"),
            ("address_group_id", "nhs_household_id"),
            ("practice_code", "gp_practice_code"),
        ),
    ),
    "nhs_condition": Dialect("nhs_condition", delimiter="\t"),
    "nhs_event": Dialect("nhs_event", date_formats=("%d/%m/%Y",)),
    "area_lookup": Dialect("area_lookup"),
}
#: Not an extract: the list in which `hearth assign-uprn` looks up addresses.
ADDRESS_LIST = Dialect("address_list")


@dataclass(frozen=True)
class SyntheticSettings:
    """Everything, in addition to size and seed, that decides what `synthesise` writes.

    msoas: whole MSOAs to fill, with their real numbers of households, scaled to add up to `households`;
    empty: MSOAs are chosen for the widest spread of IMD deciles.
    file_format: "csv", "csv.gz" or "parquet".
    manifests: whether to write a manifest for each extract (digest, rows, sequence number, date).
    address_model: "package" runs `address-errors` on every address, "patterns" draws from patterns
    learned by running it on a sample (set-based, for large populations), "auto" uses the package
    up to 25,000 households.
    """

    reference_date: date = date(2026, 3, 31)
    msoas: tuple[str, ...] = ()
    file_format: str = "csv"
    manifests: bool = False
    address_model: str = "auto"
    households_per_block: int = 20_000
    council_style: str = "wigan"
    nhs_styles: tuple[str, ...] = ("leeds", "derby", "wigan")
    council_prevalence: float = 1.0
    nhs_prevalence: float = 1.6
    nhs_typing_noise: float = 0.05
    defects: DefectRates = field(default_factory=DefectRates)
    effects: PlantedEffects = field(default_factory=PlantedEffects)

    def __post_init__(self) -> None:
        if self.file_format not in ("csv", "csv.gz", "parquet"):
            raise ValueError("file_format must be csv, csv.gz or parquet")
        if self.address_model not in ("auto", "package", "patterns"):
            raise ValueError("address_model must be auto, package or patterns")


#: The committed sample: four whole MSOAs whose 20 LSOAs cover IMD deciles 1 to 10.
SAMPLE_HOUSEHOLDS = 14_215
SAMPLE_SEED = 20_261_121
SAMPLE_SETTINGS = SyntheticSettings(
    msoas=("E02001270", "E02001276", "E02001277", "E02001280"),
    file_format="csv.gz",
    address_model="package",
)
