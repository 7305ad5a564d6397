"""Canaries take every row's road, and whatever a broken build lets through of them is found."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow.parquet as pq
import pytest

from governance.clearance import Cleared
from governance.keys.at_rest_keys import open_at_rest_keys
from governance.keys.providers.in_memory_key import InMemoryKey
from pipeline.context import RunContext
from pipeline.engine.at_rest import encrypted_at_rest
from pipeline.engine.statements import Statements
from pipeline.leakage.absence import prove_absence
from pipeline.leakage.canary import canary_of
from pipeline.pseudonymise.stage import pseudonymise

Ingested = Callable[..., Cleared]
FINGERPRINT = "c" * 64
#: The fingerprint of what the fixture ingested.
SEED = "f" * 64
PROPERTY = {"record_id": "P1", "uprn": "000012345678", "address_line_1": "12 Acacia Avenue"}
EXTRACTS: dict[str, dict[str, list[dict[str, Any]]]] = {
    "council": {
        "council_property": [PROPERTY],
        "council_person": [{"record_id": "C1", "property_record_id": "P1", "surname": "Smith"}],
    },
    "nhs": {
        "nhs_person": [{"record_id": "N1", "nhs_number": "9990000018", "uprn": "000012345678"}],
        "nhs_condition": [{"record_id": "D1", "person_record_id": "N1", "condition": "asthma"}],
        "nhs_event": [{"record_id": "E1", "person_record_id": "N1", "event": "ae_attendance"}],
    },
}


@pytest.mark.parametrize("controller", EXTRACTS)
def test_a_canary_is_hashed_like_everyone_and_counted_nowhere(
    ingested: Ingested, key: InMemoryKey, context: RunContext, controller: str
) -> None:
    artefact, evidence = pseudonymise(ingested(controller, **EXTRACTS[controller]), key, FINGERPRINT, context)
    canary = canary_of(controller, SEED)
    assert evidence.facts["canary_rows"] == len(EXTRACTS[controller])
    assert all(counts["distinct_in"] <= 1 for counts in evidence.facts["identifiers"].values())
    for name, shown in evidence.facts["tables"].items():
        apart = pq.read_table(artefact.folder / "canary" / f"{name}.parquet")
        table = pq.read_table(artefact.path(name))
        assert (apart.num_rows, table.num_rows, shown["rows_in"]) == (1, 1, 1)
        assert apart.schema.equals(table.schema)
        assert apart.to_pylist() != table.to_pylist()
        assert not any(value in repr(apart.to_pylist()) for value in canary.identifiers.values())


@pytest.mark.parametrize("controller", EXTRACTS)
def test_a_sound_run_leaves_no_canary_anywhere_outside_the_clear_zone(
    ingested: Ingested, key: InMemoryKey, context: RunContext, controller: str
) -> None:
    with encrypted_at_rest(context.workspace.root, open_at_rest_keys(context.workspace.zone("keys"))):
        extract = encrypted_copy(ingested(controller, **EXTRACTS[controller]))
        pseudonymise(extract, key, FINGERPRINT, context)
        facts = prove_absence(context.workspace, {controller: SEED}, [context.spill]).facts
    assert (facts["hits"], facts["unreadable"]) == (0, 0)
    assert facts["files"] > 2 * len(EXTRACTS[controller])


@pytest.mark.parametrize(
    ("table", "column", "expression"),
    [
        ("dwelling", "tenure", "property.postcode AS tenure"),
        ("dwelling", "landlord", "upper(property.uprn) AS landlord"),
        ("dwelling", "lsoa21", "base64(property.uprn::BLOB) AS lsoa21"),
        ("dwelling", "epc_rating", "hex(property.address_line_2) AS epc_rating"),
        ("dwelling", "bedrooms", "CAST(property.uprn AS BIGINT) AS bedrooms"),
    ],
)
def test_a_build_that_lets_an_identifier_through_is_found_out(
    ingested: Ingested,
    key: InMemoryKey,
    context: RunContext,
    monkeypatch: pytest.MonkeyPatch,
    table: str,
    column: str,
    expression: str,
) -> None:
    sound = Statements("pipeline.pseudonymise").read(table)
    broken = sound.replace(f"property.{column},", f"{expression},")
    assert broken != sound
    monkeypatch.setattr(Statements, "read", lambda _, name: {table: broken}[name])
    pseudonymise(ingested("council", council_property=[PROPERTY]), key, FINGERPRINT, context)
    assert prove_absence(context.workspace, {"council": SEED}).facts["hits"] > 0


def encrypted_copy(extract: Cleared) -> Cleared:
    """Write an ingested artefact's tables anew, as a run would have: encrypted."""
    import pyarrow as pa

    from pipeline.engine.tables import write_table

    for path in extract.artefact.folder.glob("*.parquet"):
        table = pa.BufferReader(path.read_bytes())
        read = pq.read_table(table)
        write_table(pa.RecordBatchReader.from_batches(read.schema, read.to_batches()), path)
    return replace(extract)
