"""What a package's tables must be, and that it does not matter where the outer layer was laid."""

import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyrage
import pytest

from governance.canonical import canonical_json, digest_of_file
from governance.errors import Refused
from governance.keys.providers.in_memory_key import InMemoryKey
from pipeline.pseudonymise.stage import pseudonymise
from pipeline.pseudonymise.tables import tables_of
from pipeline.transfer.declared_size import size_of
from pipeline.transfer.manifest import sign_manifest
from pipeline.transfer.receiving import admit_packages, receive

from .conftest import NOW, Places

HOME = {"address_line_1": "Flat 2, 12 Acacia Avenue", "postcode": "M31 4BQ", "uprn": "000012345678"}
NAMED = {"forename": "Zebedee Al", "surname": "Quixworthy-Smith", "birth_date": date(2000, 4, 1)}
#: Rows with every token, and rows with none.
EXTRACTS: dict[str, dict[str, list[dict[str, Any]]]] = {
    "council": {
        "council_property": [{"record_id": "P1", **HOME}, {"record_id": "P2"}],
        "council_person": [
            {"record_id": "C1", "property_record_id": "P1", **HOME, **NAMED},
            {"record_id": "C2"},
        ],
    },
    "nhs": {
        "nhs_person": [
            {"record_id": "N1", "nhs_number": "9990000018", **HOME, **NAMED},
            {"record_id": "N2"},
        ],
        "nhs_condition": [{"record_id": "K1", "person_record_id": "N1", "condition": "asthma"}],
        "nhs_event": [{"record_id": "E1", "person_record_id": "N1", "event_date": date(2026, 1, 2)}],
    },
}
Alter = Callable[[pa.Array], pa.Array]


def sign_again(places: Places, package: Path) -> None:
    """Sign a package whose files were replaced, as its own controller could."""
    manifest = json.loads((package / "manifest.json").read_bytes())
    for file in manifest["files"]:
        path = package / file["file"]
        file |= {"bytes": path.stat().st_size, "sha256": digest_of_file(path)}
    content = canonical_json(manifest)
    (package / "manifest.json").write_bytes(content)
    (package / "manifest.sig").write_bytes(sign_manifest(content, places.signing["council"]))


def seal_again(places: Places, package: Path, alter: Callable[[dict[str, Any]], None]) -> None:
    """Alter a package's contents as its own controller could: encrypted and signed anew."""
    identity = places.receiver.identity
    path = package / "contents.json.age"
    contents = json.loads(pyrage.decrypt(path.read_bytes(), [identity]))
    alter(contents)
    path.write_bytes(pyrage.encrypt(canonical_json(contents), [identity.to_public()]))
    sign_again(places, package)


def receive_all(places: Places, controller: str, outer: InMemoryKey) -> Any:
    held = admit_packages(controller, places.receiver, places.linkage, lambda: NOW)
    return receive(held, places.receiver, outer, "b" * 64, places.linkage)


def declared_size(content: bytes) -> dict[str, int]:
    """Return the size of a Parquet file as an honest controller declares it."""
    table = pq.read_table(io.BytesIO(content))
    return {"rows": table.num_rows, "bytes": sum(size_of(batch) for batch in table.to_batches())}


def declare(contents: dict[str, Any], size: dict[str, int]) -> None:
    (dwelling,) = (table for table in contents["tables"] if table["table"] == "dwelling")
    dwelling |= size


def rewrite(places: Places, package: Path, column: str, alter: Alter, declared: bool = True) -> None:
    """Alter a column of a package's dwellings as its controller could: encrypted and signed anew.

    declared: whether the package declares the new size of the table.
    """
    encrypted = package / "dwelling.parquet.age"
    table = pq.read_table(io.BytesIO(pyrage.decrypt(encrypted.read_bytes(), [places.receiver.identity])))
    plain = io.BytesIO()
    place = table.schema.get_field_index(column)
    pq.write_table(table.set_column(place, column, alter(table[column].combine_chunks())), plain)
    encrypted.write_bytes(pyrage.encrypt(plain.getvalue(), [places.receiver.identity.to_public()]))
    if declared:
        size = declared_size(plain.getvalue())
        seal_again(places, package, lambda contents: declare(contents, size))
    else:
        sign_again(places, package)


@pytest.mark.parametrize("controller", ["council", "nhs"])
def test_the_outer_layer_gives_the_same_tables_at_once_and_laid_over_a_package(
    places: Places, key: InMemoryKey, another_key: InMemoryKey, controller: str
) -> None:
    places.send(controller, extract=EXTRACTS[controller])
    after, _ = receive_all(places, controller, another_key)
    extract = places.ingested(controller, **EXTRACTS[controller])
    at_once, _ = pseudonymise(extract, key.with_outer(another_key), "c" * 64, places.context)
    inner, _ = pseudonymise(extract, key, "d" * 64, places.context)
    tables = {t.name: t.hashed for t in tables_of(controller) if t.source in EXTRACTS[controller]}
    for table, hashed in tables.items():
        laid = pq.read_table(after.path(table))
        assert laid.equals(pq.read_table(at_once.path(table)))
        beneath = pq.read_table(inner.path(table))
        for name, column in hashed.items():
            if column.is_token:
                assert laid[name].null_count < len(laid)
                assert not set(flat(laid[name])) & set(flat(beneath[name]))


def flat(column: pa.ChunkedArray) -> list[int]:
    values: list[int] = pc.drop_null(
        pc.list_flatten(column) if pa.types.is_list(column.type) else column
    ).to_pylist()
    return values


@pytest.mark.parametrize(
    ("column", "older", "told"),
    [
        ("address_exact", pa.string(), "address_exact is string, but int64 in contract 2.0.0."),
        (
            "address_unit_street",
            pa.list_(pa.string()),
            "address_unit_street is list<element: string>, but list<item: int64> in contract 2.0.0.",
        ),
    ],
)
def test_a_package_whose_tokens_are_texts_is_of_an_older_version_and_refused(
    places: Places, another_key: InMemoryKey, column: str, older: pa.DataType, told: str
) -> None:
    package = places.send("council", extract=EXTRACTS["council"])
    rewrite(places, package, column, lambda tokens: tokens.cast(older))
    with pytest.raises(Refused, match="PACKAGE_COLUMN_TYPE") as refusal:
        receive_all(places, "council", another_key)
    assert f"dwelling.parquet.age: column {told}" in refusal.value.reason
    assert "hearth pseudonymise --controller council" in refusal.value.remedy
    assert not [file for file in places.written() if file.endswith(".parquet")]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("address_exact", -1),
        ("address_exact", 2**56),
        ("address_unit_street", [7, -1]),
        ("address_unit_street", [2**56]),
        ("address_unit_street", [7, None]),
    ],
)
def test_a_number_that_is_no_token_is_refused(
    places: Places, another_key: InMemoryKey, column: str, value: Any
) -> None:
    package = places.send("council", extract=EXTRACTS["council"])
    rewrite(places, package, column, lambda tokens: pa.array([value] * len(tokens), tokens.type))
    with pytest.raises(Refused, match="PACKAGE_TOKEN_INVALID") as refusal:
        receive_all(places, "council", another_key)
    assert refusal.value.reason.startswith(f"dwelling.parquet.age: column {column} ")
    assert not [file for file in places.written() if file.endswith(".parquet")]
