"""What leaves a controller: pseudonyms that join, attributes that were agreed, and no identifier."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from governance.clearance import Cleared
from governance.errors import Refused
from governance.keys.providers.in_memory_key import InMemoryKey
from governance.keys.states import KeyState
from pipeline.context import RunContext
from pipeline.pseudonymise import stage
from pipeline.pseudonymise.match_fields import MATCH_FIELDS
from pipeline.pseudonymise.stage import fingerprint_settings, pseudonymise

Ingested = Callable[..., Cleared]

PROPERTY = {
    "record_id": "P1",
    "uprn": "000012345678",
    "parent_uprn": "000012345600",
    "address_line_1": "12 Acacia Avenue",
    "postcode": "ZZ99 1AA",
    "lsoa21": "E01005061",
    "tenure": "owned",
    "council_tax_band": "B",
    "bedrooms": 3,
    "damp_report": True,
}
PATIENT = {
    "record_id": "N1",
    "nhs_number": "9990000018",
    "forename": "Zebedee",
    "surname": "Quixworthy",
    "birth_date": date(2000, 4, 1),
    "address_line_1": "12 Acacia Avenue",
    "postcode": "ZZ99 1AA",
    "uprn": "000012345678",
    "address_group_id": "G1",
    "sex": "2",
}


def reference_digest(root: bytes, info: str, message: str) -> bytes:
    """The specification, written out once more with other tools."""
    key = HKDF(hashes.SHA256(), 32, None, info.encode()).derive(root)
    return hmac.digest(key, message.encode(), hashlib.sha256)


def reference_pseudonym(root: bytes, info: str, message: str) -> str:
    return base64.b32encode(reference_digest(root, info, message)[:20]).decode()


def reference_token(kind: str, value: str) -> int:
    digest = reference_digest(bytes(range(32)), f"dsa-test|2026|{kind}|1", f"{kind}|{value}")
    return int.from_bytes(digest[:7], "big")


def test_a_dwelling_leaves_with_the_pseudonyms_of_the_specification(
    ingested: Ingested, key: InMemoryKey, context: RunContext
) -> None:
    artefact, _ = pseudonymise(ingested("council", council_property=[PROPERTY]), key, "a" * 64, context)
    (row,) = pq.read_table(artefact.path("dwelling")).to_pylist()
    root = bytes(range(32))
    assert row["uprn_pseudonym"] == reference_pseudonym(root, "dsa-test|2026|uprn|1", "uprn|000012345678")
    assert row["parent_uprn_pseudonym"] == reference_pseudonym(
        root, "dsa-test|2026|uprn|1", "uprn|000012345600"
    )
    assert row["record_pseudonym"] == reference_pseudonym(
        root, "dsa-test|2026|record.council_property|1", "record.council_property|P1"
    )
    assert row["previous_uprn_pseudonym"] is None
    assert (row["tenure"], row["bedrooms"], row["damp_report"]) == ("owned", 3, True)


def test_every_token_is_the_hash_of_its_clear_value_cut_to_56_bits_as_a_number(
    ingested: Ingested, key: InMemoryKey, context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    clear: dict[str, Any] = {}
    made = stage.clear_match_fields

    def overheard(
        connection: duckdb.DuckDBPyConnection, table: str, source: str, target: str, *more: Any
    ) -> None:
        made(connection, table, source, target, *more)
        rows = connection.sql(f'SELECT * FROM "{target}"').to_arrow_table().to_pylist()
        clear.update({row["record_id"]: row for row in rows})

    monkeypatch.setattr(stage, "clear_match_fields", overheard)
    bare = {"record_id": "N2", "nhs_number": "9990000026", "forename": "Zebedee"}
    artefact, _ = pseudonymise(ingested("nhs", nhs_person=[PATIENT, bare]), key, "a" * 64, context)
    table = pq.read_table(artefact.path("nhs_resident"))
    rows = {row["record_pseudonym"]: row for row in table.to_pylist()}
    for record in ("N1", "N2"):
        kind = "record.nhs_person"
        named = reference_pseudonym(bytes(range(32)), f"dsa-test|2026|{kind}|1", f"{kind}|{record}")
        for field in MATCH_FIELDS["nhs_person"]:
            value = clear[record][field.name]
            expected = (
                None
                if value is None
                else [reference_token(field.kind, item) for item in value]
                if field.is_list
                else reference_token(field.kind, value)
            )
            assert rows[named][field.name] == expected, field.name
    for field in MATCH_FIELDS["nhs_person"]:
        column = table[field.name]
        assert column.type == (pa.list_(pa.int64()) if field.is_list else pa.int64())
        assert column.null_count == (rows[named][field.name] is None)
        tokens = pc.drop_null(pc.list_flatten(column) if field.is_list else column).to_pylist()
        assert tokens
        assert all(0 <= token < 2**56 for token in tokens)


def test_both_controllers_give_one_dwelling_one_pseudonym_and_one_address_token(
    ingested: Ingested, key: InMemoryKey, context: RunContext
) -> None:
    council, _ = pseudonymise(ingested("council", council_property=[PROPERTY]), key, "a" * 64, context)
    nhs, _ = pseudonymise(ingested("nhs", nhs_person=[PATIENT]), key, "a" * 64, context)
    dwelling = pq.read_table(council.path("dwelling")).to_pylist()[0]
    resident = pq.read_table(nhs.path("nhs_resident")).to_pylist()[0]
    assert dwelling["uprn_pseudonym"] == resident["uprn_pseudonym"]
    assert dwelling["address_exact"] == resident["address_exact"]


def test_no_direct_identifier_is_in_what_leaves(
    ingested: Ingested, key: InMemoryKey, context: RunContext
) -> None:
    artefact, _ = pseudonymise(ingested("nhs", nhs_person=[PATIENT]), key, "a" * 64, context)
    text = repr(pq.read_table(artefact.path("nhs_resident")).to_pylist()).upper()
    for identifier in ("9990000018", "ZEBEDEE", "QUIXWORTHY", "ACACIA", "ZZ99", "12345678", "N1", "G1"):
        assert f"'{identifier}'" not in text
        assert len(identifier) < 5 or identifier not in text
    columns = set(pq.read_schema(artefact.path("nhs_resident")).names)
    assert not columns & {"birth_date", "death_date", "postcode", "forename", "surname", "uprn", "nhs_number"}


@pytest.mark.parametrize(
    ("birth_date", "age_years"),
    [
        (date(2000, 3, 30), 26),
        (date(2000, 3, 31), 26),
        (date(2000, 4, 1), 25),
        (date(2026, 3, 31), 0),
        (date(2026, 4, 1), None),
        (None, None),
    ],
)
def test_age_is_in_whole_years_lived_at_the_reference_date(
    ingested: Ingested, key: InMemoryKey, context: RunContext, birth_date: date | None, age_years: int | None
) -> None:
    artefact, _ = pseudonymise(
        ingested("nhs", nhs_person=[PATIENT | {"birth_date": birth_date}]), key, "a" * 64, context
    )
    (row,) = pq.read_table(artefact.path("nhs_resident")).to_pylist()
    assert row["age_years"] == age_years


@pytest.mark.parametrize(
    ("death_date", "is_deceased"),
    [(None, False), (date(2026, 3, 31), True), (date(2026, 4, 1), False)],
)
def test_a_date_of_death_leaves_as_a_flag_at_the_reference_date(
    ingested: Ingested, key: InMemoryKey, context: RunContext, death_date: date | None, is_deceased: bool
) -> None:
    artefact, _ = pseudonymise(
        ingested("nhs", nhs_person=[PATIENT | {"death_date": death_date}]), key, "a" * 64, context
    )
    assert pq.read_table(artefact.path("nhs_resident")).to_pylist()[0]["is_deceased"] is is_deceased


@pytest.mark.parametrize(
    ("icd10", "group"),
    [
        ("J45.9", "J40-J47"),
        ("J459", "J40-J47"),
        ("J48", "J00-J99"),
        ("W01", "W00-W19"),
        ("W20", "V01-Y98"),
        ("F11.2", "F10-F19"),
        ("F20", "F00-F99"),
        ("D48", "C00-D48"),
        ("D50", "D50-D89"),
        ("h60", "H60-H95"),
        ("asthma", None),
        (None, None),
    ],
)
def test_a_diagnosis_leaves_as_its_chapter_or_as_a_block_that_a_measure_needs(
    ingested: Ingested, key: InMemoryKey, context: RunContext, icd10: str | None, group: str | None
) -> None:
    event = {"record_id": "E1", "person_record_id": "N1", "nhs_number": "9990000018", "icd10": icd10}
    artefact, _ = pseudonymise(
        ingested("nhs", nhs_person=[PATIENT], nhs_event=[event]), key, "a" * 64, context
    )
    (row,) = pq.read_table(artefact.path("nhs_event")).to_pylist()
    (resident,) = pq.read_table(artefact.path("nhs_resident")).to_pylist()
    assert row["icd10_chapter_group"] == group
    assert row["resident_record_pseudonym"] == resident["record_pseudonym"]
    assert row["nhs_number_pseudonym"] == resident["nhs_number_pseudonym"]


def test_the_same_uprn_gets_unrelated_pseudonyms_under_two_keys(
    ingested: Ingested, key: InMemoryKey, another_key: InMemoryKey, context: RunContext
) -> None:
    extract = ingested("council", council_property=[PROPERTY])
    tables = [
        pq.read_table(pseudonymise(extract, k, fingerprint, context)[0].path("dwelling")).to_pylist()[0]
        for k, fingerprint in ((key, "a" * 64), (another_key, "b" * 64))
    ]
    hashed = [{v for c, v in t.items() if c.endswith("pseudonym") or c == "address_exact"} for t in tables]
    assert all(isinstance(table["address_exact"], int) for table in tables)
    assert hashed[0] & hashed[1] == {None}


@pytest.mark.parametrize("state", [KeyState.PENDING, KeyState.LINK_ONLY, KeyState.RETIRED])
def test_a_key_that_is_not_active_makes_no_pseudonyms_and_leaves_nothing_written(
    ingested: Ingested, make_key: Callable[..., InMemoryKey], context: RunContext, state: KeyState
) -> None:
    extract = ingested("council", council_property=[PROPERTY])
    with pytest.raises(Refused, match="KEY_NOT_ACTIVE"):
        pseudonymise(extract, make_key(state=state), "a" * 64, context)
    assert not any(context.workspace.zone("pseudonymised").rglob("*.parquet"))


def test_the_evidence_shows_key_counts_and_columns(
    ingested: Ingested, key: InMemoryKey, context: RunContext
) -> None:
    properties = [
        PROPERTY,
        PROPERTY | {"record_id": "P2"},
        PROPERTY | {"record_id": "P3", "uprn": "000012345679", "previous_uprn": "000012345678"},
        PROPERTY | {"record_id": "P4", "uprn": None, "parent_uprn": None},
    ]
    _, evidence = pseudonymise(ingested("council", council_property=properties), key, "a" * 64, context)
    facts = evidence.facts
    assert facts["algorithm"] == "HMAC-SHA-256"
    assert facts["key_bits"] == 256
    assert facts["key_id"] == "dsa-test:2026:v1"
    assert facts["key_state"] == "active"
    assert facts["check_values"] == {kind: key.check_value(kind) for kind in ("uprn", "nhs_number")}
    assert facts["identifiers"] == {
        "record.council_property": {"values": 4, "distinct_in": 4, "distinct_out": 4},
        "uprn": {"values": 7, "distinct_in": 3, "distinct_out": 3},
    }
    assert facts["sentinels_hashed"] == 0
    assert facts["tables"]["dwelling"]["rows_in"] == facts["tables"]["dwelling"]["rows_out"] == 4
    assert "000012345678" not in repr(facts)


def test_a_hashed_sentinel_is_counted(ingested: Ingested, key: InMemoryKey, context: RunContext) -> None:
    rows = [PROPERTY | {"uprn": "999999999999"}, PROPERTY | {"record_id": "P2", "uprn": "000000000000"}]
    _, evidence = pseudonymise(ingested("council", council_property=rows), key, "a" * 64, context)
    assert evidence.facts["sentinels_hashed"] == 2


def test_the_order_written_is_that_of_the_pseudonyms_and_the_bytes_are_the_same_twice(
    ingested: Ingested, key: InMemoryKey, context: RunContext
) -> None:
    rows = [PROPERTY | {"record_id": f"P{n}", "uprn": f"{n:012d}"} for n in range(1, 300)]
    extract = ingested("council", council_property=rows)
    first, _ = pseudonymise(extract, key, "a" * 64, context)
    digest = first.digest
    second, _ = pseudonymise(extract, key, "a" * 64, context)
    pseudonyms = pq.read_table(first.path("dwelling"))["record_pseudonym"].to_pylist()
    assert pseudonyms == sorted(pseudonyms)
    assert digest == second.digest


def test_the_fingerprint_follows_the_key_without_showing_it(
    key: InMemoryKey, another_key: InMemoryKey, context: RunContext
) -> None:
    assert fingerprint_settings(key, context) != fingerprint_settings(another_key, context)
    assert bytes(range(32)).hex() not in repr(fingerprint_settings(key, context))
