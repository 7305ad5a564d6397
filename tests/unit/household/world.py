"""Small worlds for household tests: rows as dictionaries in, the stage's tables as dictionaries out."""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.household.building import build_households

REFERENCE_DATE = date(2026, 3, 31)
LSOA, OTHER_LSOA = "E01000001", "E01000002"

Row = dict[str, Any]

#: Tests write a token as a text; it becomes a number, as in the pseudonymised tables.
_NAME_TOKENS = {
    "person_name_birth": pa.int64(),
    "person_name_birth_part": pa.list_(pa.int64()),
    "person_surname_birth": pa.list_(pa.int64()),
    "person_forename_birth": pa.list_(pa.int64()),
    "person_name": pa.int64(),
    "person_name_sector": pa.list_(pa.int64()),
    "person_initial_surname_sector": pa.list_(pa.int64()),
}

_SCHEMAS = {
    "dwelling": {
        "record_pseudonym": pa.string(),
        "uprn_pseudonym": pa.string(),
        "lsoa21": pa.string(),
        "blpu_class": pa.string(),
        "blpu_state": pa.string(),
        "property_type": pa.string(),
        "council_tax_band": pa.string(),
        "council_tax_exemption": pa.string(),
        "single_person_discount": pa.bool_(),
        "council_tax_support": pa.bool_(),
        "tenure": pa.string(),
        "landlord": pa.string(),
        "bedrooms": pa.int64(),
        "epc_rating": pa.string(),
        "is_hmo": pa.bool_(),
        "damp_report": pa.bool_(),
        "arrears": pa.bool_(),
        "is_empty": pa.bool_(),
    },
    "area": {
        "lsoa21": pa.string(),
        "msoa21": pa.string(),
        "local_authority": pa.string(),
        "imd_decile": pa.int64(),
        "aqma": pa.bool_(),
    },
    "council_resident": {
        "record_pseudonym": pa.string(),
        "dwelling_record_pseudonym": pa.string(),
        "uprn_pseudonym": pa.string(),
        "service": pa.string(),
        "age_years": pa.int64(),
        "sex": pa.string(),
        "free_school_meals": pa.bool_(),
        "sen": pa.string(),
        "good_level_of_development": pa.bool_(),
        "school_attendance_percent": pa.float64(),
        "in_work": pa.bool_(),
    }
    | _NAME_TOKENS,
    "nhs_resident": {
        "record_pseudonym": pa.string(),
        "nhs_number_pseudonym": pa.string(),
        "age_years": pa.int64(),
        "sex": pa.string(),
        "ethnic_category": pa.string(),
        "address_start": pa.date32(),
        "address_end": pa.date32(),
        "registration_start": pa.date32(),
        "registration_end": pa.date32(),
        "is_deceased": pa.bool_(),
        "address_type": pa.string(),
        "practice_code": pa.string(),
        "long_term_conditions": pa.int64(),
        "emergency_admissions": pa.int64(),
    }
    | _NAME_TOKENS,
    "resident_link": {
        "nhs_record_pseudonym": pa.string(),
        "address_group": pa.string(),
        "dwelling_record_pseudonym": pa.string(),
        "reason": pa.string(),
        "match_probability": pa.float64(),
        "residence_match_weight": pa.float64(),
    },
    "nhs_condition": {
        "resident_record_pseudonym": pa.string(),
        "nhs_number_pseudonym": pa.string(),
        "condition": pa.string(),
        "onset_date": pa.date32(),
    },
    "nhs_event": {
        "resident_record_pseudonym": pa.string(),
        "nhs_number_pseudonym": pa.string(),
        "event": pa.string(),
        "event_date": pa.date32(),
        "icd10_chapter_group": pa.string(),
        "admission_method": pa.string(),
    },
}

_ORDER = {
    "household": "household_pseudonym",
    "household_member": "household_pseudonym, person_pseudonym",
    "attrition": "rule_order",
    "attrition_by_group": "rule_order, characteristic, category",
    "exclusion": "rule",
    "plausibility": "plausibility_check",
    "judged_record": "record_pseudonym",
    "judged_person": "person_pseudonym",
}

AREAS = (
    {"lsoa21": LSOA, "msoa21": "E02000001", "local_authority": "E08000009", "imd_decile": 2, "aqma": True},
    {
        "lsoa21": OTHER_LSOA,
        "msoa21": "E02000001",
        "local_authority": "E08000009",
        "imd_decile": 9,
        "aqma": False,
    },
)


@contextmanager
def built_world(
    dwellings: Sequence[Row],
    records: Sequence[Row],
    council: Sequence[Row] = (),
    conditions: Sequence[Row] | None = None,
    events: Sequence[Row] | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection in which household/v3 has run over rows; absent columns are null.

    A record names its dwelling in `home` (None: not linked) and why in `reason`; conditions and events
    that are None were not supplied.
    """
    links = [
        {
            "nhs_record_pseudonym": r["record_pseudonym"],
            "dwelling_record_pseudonym": r.get("home"),
            "reason": r.get("reason", "linked" if r.get("home") else "no_candidate"),
            "match_probability": r.get("match_probability", 1.0),
        }
        for r in records
    ]
    supplied = {"condition": conditions, "event": events}
    given: dict[str, Iterable[Row]] = {
        "dwelling": dwellings,
        "area": AREAS,
        "council_resident": council,
        "nhs_resident": [{k: v for k, v in r.items() if k in _SCHEMAS["nhs_resident"]} for r in records],
        "resident_link": links,
    }
    given |= {f"nhs_{kind}": rows for kind, rows in supplied.items() if rows is not None}
    with duckdb.connect(":memory:", config={"threads": "1"}) as connection:
        for name, rows in given.items():
            connection.register("given", _table(name, rows))
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
            connection.unregister("given")
        present = frozenset(kind for kind, rows in supplied.items() if rows is not None)
        build_households(connection, present, REFERENCE_DATE)
        yield connection


def households_of(
    dwellings: Sequence[Row],
    records: Sequence[Row],
    council: Sequence[Row] = (),
    conditions: Sequence[Row] | None = None,
    events: Sequence[Row] | None = None,
) -> dict[str, list[Row]]:
    """Run household/v3 over rows (see `built_world`); returns table -> rows in a stable order."""
    with built_world(dwellings, records, council, conditions, events) as connection:
        return {
            name: connection.sql(f"SELECT * FROM {name} ORDER BY {by}").to_arrow_table().to_pylist()
            for name, by in _ORDER.items()
        }


def dwelling(name: str, **columns: Any) -> Row:
    """Return a dwelling of the first LSOA."""
    return {"record_pseudonym": name, "lsoa21": LSOA} | columns


def record(name: str, home: str | None, **columns: Any) -> Row:
    """Return an NHS record of a person of 40, each record a person of its own by default."""
    return {"record_pseudonym": name, "home": home, "age_years": 40, "sex": "1"} | columns


def _table(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    schema = pa.schema(list(_SCHEMAS[name].items()))
    stray = {key for row in rows for key in row} - set(schema.names)
    if stray:
        raise KeyError(f"{name} has no column {', '.join(sorted(stray))}")
    return pa.Table.from_pylist(
        [
            {key: _token(value) if key in _NAME_TOKENS else value for key, value in row.items()}
            for row in rows
        ],
        schema=schema,
    )


def _token(value: Any) -> Any:
    if isinstance(value, list):
        return [_token(one) for one in value]
    return zlib.crc32(value.encode()) if isinstance(value, str) else value
