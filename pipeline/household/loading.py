"""The columns of the linked and pseudonymised tables that the household stage loads; it reads no others."""

import duckdb

from governance.artefact import Artefact
from pipeline.engine.tables import load_table
from schemas.contract import SQL_TYPES, load_contract

#: The evidence that a person listed by the council is a resident, from strong to weak.
_NAME_TOKENS = (
    "person_name_birth",
    "person_name_birth_part",
    "person_surname_birth",
    "person_forename_birth",
    "person_name",
    "person_name_sector",
    "person_initial_surname_sector",
)
COUNCIL_RESIDENT_COLUMNS = (
    "record_pseudonym",
    "dwelling_record_pseudonym",
    "uprn_pseudonym",
    "service",
    "age_years",
    "sex",
    "free_school_meals",
    "sen",
    "good_level_of_development",
    "school_attendance_percent",
    "in_work",
    *_NAME_TOKENS,
)
NHS_RESIDENT_COLUMNS = (
    "record_pseudonym",
    "nhs_number_pseudonym",
    "age_years",
    "sex",
    "ethnic_category",
    "address_start",
    "address_end",
    "registration_start",
    "registration_end",
    "is_deceased",
    "address_type",
    "practice_code",
    "long_term_conditions",
    "emergency_admissions",
    *_NAME_TOKENS,
)
DWELLING_COLUMNS = (
    "record_pseudonym",
    "uprn_pseudonym",
    "lsoa21",
    "blpu_class",
    "blpu_state",
    "property_type",
    "council_tax_band",
    "council_tax_exemption",
    "single_person_discount",
    "council_tax_support",
    "tenure",
    "landlord",
    "bedrooms",
    "epc_rating",
    "is_hmo",
    "damp_report",
    "arrears",
    "is_empty",
)
RESIDENT_LINK_COLUMNS = (
    "nhs_record_pseudonym",
    "address_group",
    "dwelling_record_pseudonym",
    "reason",
    "match_probability",
    "residence_match_weight",
)
DECISION_COLUMNS = ("address_group", "dwelling_record_pseudonym")


def load_inputs(
    connection: duckdb.DuckDBPyConnection, linked: Artefact, council: Artefact, nhs: Artefact
) -> frozenset[str]:
    """Load every table that the definition reads; returns which of "condition" and "event" were supplied."""
    load_table(connection, linked.path("resident_link"), "resident_link", RESIDENT_LINK_COLUMNS)
    load_table(connection, linked.path("decision"), "decision", DECISION_COLUMNS)
    load_table(connection, council.path("dwelling"), "dwelling", DWELLING_COLUMNS)
    load_table(connection, council.path("area"), "area")
    if council.has("council_resident"):
        load_table(connection, council.path("council_resident"), "council_resident", COUNCIL_RESIDENT_COLUMNS)
    else:
        _create_empty(connection, "council_resident", COUNCIL_RESIDENT_COLUMNS)
    load_table(connection, nhs.path("nhs_resident"), "nhs_resident", NHS_RESIDENT_COLUMNS)
    supplied = frozenset(source for source in ("condition", "event") if nhs.has(f"nhs_{source}"))
    for source in sorted(supplied):
        load_table(connection, nhs.path(f"nhs_{source}"), f"nhs_{source}")
    return supplied


def _create_empty(connection: duckdb.DuckDBPyConnection, table: str, columns: tuple[str, ...]) -> None:
    """Create an empty table in place of a pseudonymised table that was not supplied."""
    contract = load_contract("pseudonymised", table)
    typed = ", ".join(
        f"{name} {'BIGINT[]' if (kind := contract.column(name).logical_type) == 'array' else SQL_TYPES[kind]}"
        for name in columns
    )
    connection.execute(f"CREATE OR REPLACE TABLE {table} ({typed})")
