"""A small ingested extract of each controller, cleared, and a key that was never stored."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from governance.artefact import Artefact, Evidence
from governance.clearance import _MINT, Clearance, Cleared
from governance.keys.providers.in_memory_key import InMemoryKey
from governance.keys.providers.provider import KeyDescription
from governance.keys.pseudonyms.derivation import KeyContext
from governance.keys.states import KeyState
from pipeline.artefact_store import write_artefact
from pipeline.context import RunContext
from pipeline.leakage.canary import canary_of

_LINES = {f"address_line_{n}": pa.string() for n in range(1, 6)}
_TEXT, _FLAG, _DATE, _WHOLE = pa.string(), pa.bool_(), pa.date32(), pa.int64()
SCHEMAS = {
    "council_property": {
        "record_id": _TEXT,
        "uprn": _TEXT,
        "parent_uprn": _TEXT,
        "previous_uprn": _TEXT,
        **_LINES,
        **dict.fromkeys(
            ("postcode", "lsoa21", "blpu_class", "blpu_state", "property_type", "council_tax_band"), _TEXT
        ),
        "council_tax_exemption": _TEXT,
        "single_person_discount": _FLAG,
        "council_tax_support": _FLAG,
        "tenure": _TEXT,
        "landlord": _TEXT,
        "bedrooms": _WHOLE,
        "epc_rating": _TEXT,
        **dict.fromkeys(("is_hmo", "damp_report", "arrears", "is_empty"), _FLAG),
        "line_number": _WHOLE,
    },
    "council_person": {
        "record_id": _TEXT,
        "property_record_id": _TEXT,
        **_LINES,
        **dict.fromkeys(("postcode", "uprn", "title", "forename", "surname"), _TEXT),
        "birth_date": _DATE,
        **dict.fromkeys(("sex", "service", "role"), _TEXT),
        "free_school_meals": _FLAG,
        "sen": _TEXT,
        "good_level_of_development": _FLAG,
        "school_attendance_percent": pa.float64(),
        "in_work": _FLAG,
        "line_number": _WHOLE,
    },
    "nhs_person": {
        **dict.fromkeys(("record_id", "nhs_number", "title", "forename", "surname"), _TEXT),
        "birth_date": _DATE,
        "sex": _TEXT,
        "ethnic_category": _TEXT,
        **_LINES,
        **dict.fromkeys(("postcode", "uprn"), _TEXT),
        **dict.fromkeys(
            ("address_start", "address_end", "registration_start", "registration_end", "death_date"), _DATE
        ),
        **dict.fromkeys(("address_type", "practice_code", "address_group_id"), _TEXT),
        "long_term_conditions": _WHOLE,
        "emergency_admissions": _WHOLE,
        "line_number": _WHOLE,
    },
    "nhs_condition": {
        **dict.fromkeys(("record_id", "person_record_id", "nhs_number", "condition"), _TEXT),
        "onset_date": _DATE,
        "line_number": _WHOLE,
    },
    "nhs_event": {
        **dict.fromkeys(("record_id", "person_record_id", "nhs_number", "event"), _TEXT),
        "event_date": _DATE,
        "icd10": _TEXT,
        "admission_method": _TEXT,
        "line_number": _WHOLE,
    },
}

Rows = list[dict[str, Any]]
#: Of the ingested artefact, from which its canary follows.
FINGERPRINT = "f" * 64


def _held_key(
    root: bytes = bytes(range(32)),
    state: KeyState = KeyState.ACTIVE,
    agreement: str = "dsa-test",
    version: int = 1,
) -> InMemoryKey:
    context = KeyContext(agreement, "2026", version)
    return InMemoryKey(root, KeyDescription(context, "file", state, 8 * len(root), date(2026, 1, 1), None))


@pytest.fixture
def key() -> InMemoryKey:
    return _held_key()


@pytest.fixture
def make_key() -> Callable[..., InMemoryKey]:
    return _held_key


@pytest.fixture
def another_key() -> InMemoryKey:
    return _held_key(bytes(range(32, 64)))


@pytest.fixture
def ingested(context: RunContext) -> Callable[..., Cleared]:
    def make(controller: str, **tables: Rows) -> Cleared:
        def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
            rows: dict[str, int | None] = {}
            for name, records in tables.items():
                schema = pa.schema(list(SCHEMAS[name].items()))
                planted = canary_of(controller, FINGERPRINT).rows().get(name, [])
                full = [dict.fromkeys(schema.names) | record for record in (*records, *planted)]
                pq.write_table(pa.Table.from_pylist(full, schema), folder / f"{name}.parquet")
                rows[f"{name}.parquet"] = len(records)
            return rows, Evidence("ingest", controller, {})

        zone = context.workspace.zone("clear") / controller
        zone.mkdir(exist_ok=True)
        artefact, _ = write_artefact(zone, "ingest", controller, FINGERPRINT, fill)
        return _cleared(artefact)

    return make


def _cleared(artefact: Artefact) -> Cleared:
    return Cleared(artefact, Clearance("run-1", artefact.stage, artefact.digest, 1, ("TEST",), _MINT))
