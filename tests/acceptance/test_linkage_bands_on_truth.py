"""The band of linkage uncertainty on truth: real links of a pair whose true residences are known."""

from datetime import date
from types import SimpleNamespace

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from terminal import ROOT
from unkeyed_pair import PAIR, linked_pair

from pipeline.aggregate.counting import build_all_cells
from pipeline.aggregate.linkage_accounts import widen_linkage_bands
from pipeline.aggregate.plan import Plan, make_plan
from pipeline.aggregate.stage import known_attributes
from pipeline.disclosure.noise.record_key import RecordKeySecret
from pipeline.engine.duckdb import EngineSettings
from pipeline.household.accounts import build_accounts
from pipeline.household.building import build_households
from schemas.table import tables

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PAIR.is_dir(), reason="the independent pair is not beside this checkout"),
]

DAY = date(2026, 3, 31)
SECRET = RecordKeySecret(b"fedcba9876543210" * 2)
CHOSEN = (
    "health",
    "health_by_tenure",
    "health_by_council_tax_support",
    "health_by_composition",
    "health_by_imd_quintile",
    "housing_condition",
    "later_life",
    "resident_health",
    "resident_health_by_age",
    "resident_health_by_sex",
)
#: Rates of fewer than this many households or residents move with single links.
LARGE = 300
KEYS = ["table_id", "measure", "area_level", "area_code", "category_1", "category_2"]

_READ = "read_csv('{pair}/{file}.csv', all_varchar=true, header=true)"
#: No tokens: the council's list is not used.
_NAMES = ", ".join(
    f"NULL::{kind} AS {name}"
    for name, kind in {
        "person_name_birth": "BIGINT",
        "person_name_birth_part": "BIGINT[]",
        "person_surname_birth": "BIGINT[]",
        "person_forename_birth": "BIGINT[]",
        "person_name": "BIGINT",
        "person_name_sector": "BIGINT[]",
        "person_initial_surname_sector": "BIGINT[]",
    }.items()
)
_INPUTS = {
    "dwelling": """
        SELECT council_property_id AS record_pseudonym, uprn AS uprn_pseudonym, lsoa21cd AS lsoa21,
            NULL::VARCHAR AS blpu_class, NULL::VARCHAR AS blpu_state, NULL::VARCHAR AS property_type,
            council_tax_band, NULL::VARCHAR AS council_tax_exemption, NULL::BOOLEAN AS single_person_discount,
            ctr_claimant = 'Y' AS council_tax_support, tenure, NULL::VARCHAR AS landlord,
            CAST(bedrooms AS BIGINT) AS bedrooms, epc_rating, is_hmo = 'Y' AS is_hmo,
            NULL::BOOLEAN AS damp_report, ct_arrears = 'Y' AS arrears, is_empty = 'Y' AS is_empty
        FROM {council_properties}""",
    "nhs_resident": """
        SELECT nhs_person_id AS record_pseudonym, nhs_number AS nhs_number_pseudonym,
            CAST(date_diff('year', CAST(date_of_birth AS DATE), DATE '2026-03-31') AS BIGINT) AS age_years,
            CASE sex WHEN 'M' THEN '1' WHEN 'F' THEN '2' END AS sex, ethnic_category,
            NULL::DATE AS address_start, NULL::DATE AS address_end, NULL::DATE AS registration_start,
            NULL::DATE AS registration_end, FALSE AS is_deceased, 'usual' AS address_type,
            gp_practice_code AS practice_code, CAST(ltc_count AS BIGINT) AS long_term_conditions,
            CAST(emergency_admissions_12m AS BIGINT) AS emergency_admissions,
            {names}
        FROM {nhs_persons}""",
    "council_resident": """
        SELECT NULL::VARCHAR AS record_pseudonym, NULL::VARCHAR AS dwelling_record_pseudonym,
            NULL::VARCHAR AS service, NULL::BIGINT AS age_years, NULL::VARCHAR AS sex,
            NULL::BOOLEAN AS free_school_meals, NULL::VARCHAR AS sen,
            NULL::BOOLEAN AS good_level_of_development, NULL::DOUBLE AS school_attendance_percent,
            NULL::BOOLEAN AS in_work, NULL::VARCHAR AS uprn_pseudonym, {names}
        LIMIT 0""",
    "area": """
        SELECT lsoa21, msoa21, local_authority, CAST(imd_decile AS BIGINT) AS imd_decile, FALSE AS aqma
        FROM {area}""",
}
#: Each address where it was recorded to be, and each person where he lives (nobody's registration is stale).
TRUTHS = {"addresses": "recorded_council_property_id", "residents": "actual_council_property_id"}


@pytest.fixture(scope="module")
def rates(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Every large rate with its band, as linked, and by each truth."""
    folder = tmp_path_factory.mktemp("bands")
    links = folder / "resident_link.parquet"
    with linked_pair(folder) as table:
        pq.write_table(table("resident_link"), links)
        pq.write_table(table("decision"), folder / "decision.parquet")
    with _world(f"SELECT * FROM '{links}'") as connection:
        connection.execute(f"CREATE TABLE decision AS SELECT * FROM '{folder}/decision.parquet'")
        context = SimpleNamespace(project=SimpleNamespace(engine=EngineSettings()), spill=folder)
        build_accounts(connection, frozenset(), DAY, context)  # type: ignore[arg-type]
        plan = _count(connection)
        widen_linkage_bands(connection, plan)
        found = connection.sql(
            """
            SELECT linkage_band.*, cell.denominator
            FROM linkage_band
            INNER JOIN cell USING (table_id, measure, area_level, area_code)
            WHERE linkage_band.category_1 IS NOT DISTINCT FROM cell.category_1
                AND linkage_band.category_2 IS NOT DISTINCT FROM cell.category_2
            """
        ).to_df()
    for name, column in TRUTHS.items():
        placed = f"""
            SELECT nhs_person_id AS nhs_record_pseudonym, NULL::VARCHAR AS address_group,
                NULLIF({column}, '') AS dwelling_record_pseudonym,
                CASE WHEN NULLIF({column}, '') IS NULL THEN 'no_candidate' ELSE 'linked' END AS reason,
                1.0 AS match_probability, NULL::DOUBLE AS residence_match_weight
            FROM '{PAIR}/truth/nhs_persons.parquet'"""
        with _world(placed) as connection:
            _count(connection)
            true = connection.sql("SELECT * FROM linkage_band").to_df()
        found = found.merge(true[[*KEYS, "rate"]], on=KEYS, suffixes=("", f"_of_{name}"))
    return found[found["denominator"] >= LARGE]


def _world(links: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    files = {
        "council_properties": _READ.format(pair=PAIR, file="council_properties"),
        "nhs_persons": _READ.format(pair=PAIR, file="nhs_persons"),
        "names": _NAMES,
        "area": f"read_csv('{ROOT}/schemas/codes/area_lsoa21.csv', header=true)",
    }
    for table, query in _INPUTS.items():
        connection.execute(f"CREATE TABLE {table} AS {query.format(**files)}")
    connection.execute(f"CREATE TABLE resident_link AS {links}")
    build_households(connection, frozenset(), DAY)
    return connection


def _count(connection: duckdb.DuckDBPyConnection) -> Plan:
    plan = make_plan(
        tables(), CHOSEN, known_attributes(connection), known_attributes(connection, of_everyone=True)
    )
    build_all_cells(connection, plan, SECRET)
    return plan


def _covered(rates: pd.DataFrame, truth: str) -> float:
    true = rates[f"rate_of_{truth}"]
    return float(((rates["lower"] <= true + 1e-9) & (true <= rates["upper"] + 1e-9)).mean())


def test_the_band_covers_the_rate_that_faultless_linkage_would_give(rates: pd.DataFrame) -> None:
    """Linkage places nearly half of the people who moved where they live; here their old address counts."""
    assert len(rates) > 200
    assert _covered(rates, "addresses") >= 0.94


def test_the_band_mostly_covers_the_rate_of_those_who_really_live_there(rates: pd.DataFrame) -> None:
    """Stale and ghost registrations are errors of the register, which links can show only in part."""
    assert _covered(rates, "residents") >= 0.8


def test_the_band_is_no_wider_than_it_must_be(rates: pd.DataFrame) -> None:
    assert (rates["upper"] - rates["lower"]).mean() < 0.03
    assert ((rates["lower"] <= rates["rate"]) & (rates["rate"] <= rates["upper"])).all()
    alone = ((rates["rate"] - rates["rate_of_addresses"]).abs() < 1e-9).mean()
    assert alone < 0.2, "without the band few rates would be those of faultless linkage"
