"""The cryptography under the pseudonyms, held against published vectors, and the layout, against its own.

The layout's vectors are worked out with the standard library alone, so that another
implementation, in another language, can be held against the same three lines.
"""

import base64
import hashlib
import hmac as stdlib_hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography_vectors import open_vector_file

from governance.keys.pseudonyms.derivation import KeyContext, derive_check_value, derive_key, keyed_state
from governance.keys.pseudonyms.token import token_numbers

VECTORS = Path(__file__).parents[2] / "vectors"
ROOT = bytes(range(32))


def records(name: str, first: str) -> Iterator[dict[str, str]]:
    """Read "Key = value" records, each of which begins with `first`."""
    record: dict[str, str] = {}
    with open_vector_file(name, "r") as lines:
        for line in lines:
            key, _, value = (part.strip() for part in line.partition("="))
            if line.startswith("#") or not value:
                continue
            if key == first and record:
                yield record
                record = {}
            record[key] = value
    yield record


def wycheproof(name: str) -> list[dict[str, Any]]:
    content = json.loads((VECTORS / name).read_bytes())
    return [{**group, **test} for group in content["testGroups"] for test in group["tests"]]


def standard_library_hkdf(root: bytes, info: bytes) -> bytes:
    """RFC 5869 with an empty salt and one block, in two lines."""
    extracted = stdlib_hmac.digest(bytes(32), root, "sha256")
    return stdlib_hmac.digest(extracted, info + b"\x01", "sha256")


def test_hmac_sha256_is_that_of_rfc_4231() -> None:
    cases = list(records("HMAC/rfc-4231-sha256.txt", "Len"))
    assert len(cases) == 6
    for case in cases:
        state = hmac.HMAC(bytes.fromhex(case["Key"]), hashes.SHA256())
        state.update(bytes.fromhex(case["Msg"]))
        assert state.copy().finalize().hex() == case["MD"]


def test_hkdf_sha256_is_that_of_rfc_5869() -> None:
    cases = list(records("KDF/rfc-5869-HKDF-SHA256.txt", "COUNT"))
    assert len(cases) >= 2
    for case in cases:
        salt, info = (bytes.fromhex(case.get(name, "")) for name in ("salt", "info"))
        derived = HKDF(hashes.SHA256(), int(case["L"]), salt, info).derive(bytes.fromhex(case["IKM"]))
        assert derived.hex() == case["OKM"]


def test_hmac_sha256_passes_every_wycheproof_case() -> None:
    cases = wycheproof("wycheproof_hmac_sha256.json")
    assert len(cases) == 174
    for case in cases:
        state = hmac.HMAC(bytes.fromhex(case["key"]), hashes.SHA256())
        state.update(bytes.fromhex(case["msg"]))
        tag = state.finalize()[: case["tagSize"] // 8]
        assert (tag.hex() == case["tag"]) is (case["result"] == "valid"), case["tcId"]


def test_hkdf_sha256_passes_every_wycheproof_case() -> None:
    cases = wycheproof("wycheproof_hkdf_sha256.json")
    assert len(cases) == 86
    for case in cases:
        salt, info, ikm = (bytes.fromhex(case[name]) for name in ("salt", "info", "ikm"))
        if case["result"] == "invalid":
            with pytest.raises(ValueError, match="larger"):
                HKDF(hashes.SHA256(), case["size"], salt, info)
        else:
            assert HKDF(hashes.SHA256(), case["size"], salt, info).derive(ikm).hex() == case["okm"]


@pytest.mark.parametrize(
    ("kind", "value", "pseudonym", "token", "check"),
    [
        (
            "uprn",
            "000010023456",
            "QTGI62FGROW3MDH7KXHRIZNQPBYJ5WA2",
            37_379_613_233_941_421,
            "7fe25422d6cc5be8",
        ),
        (
            "nhs_number",
            "9990000018",
            "GEU37ZP2FXJBJSJYV66X6LAI7OMIKEQC",
            13_838_178_032_692_690,
            "905c00f34d2613cd",
        ),
        (
            "person.surname-sector",
            "WIĘCKOWSKI|ZZ99 1",
            "Q4OGAWHZQNY66654LBOTVXC6PWMFC5D2",
            38_030_321_991_123_825,
            "2e291978951cd4b2",
        ),
    ],
)
def test_the_layout_of_key_pseudonym_token_and_check_value(
    kind: str, value: str, pseudonym: str, token: int, check: str
) -> None:
    context = KeyContext("dsa-2026-001", "2026", 3)
    info = f"dsa-2026-001|2026|{kind}|3".encode()
    assert context.info(kind) == info
    key = derive_key(ROOT, context, kind)
    assert key == standard_library_hkdf(ROOT, info)
    digest = stdlib_hmac.digest(key, f"{kind}|{value}".encode(), hashlib.sha256)
    state = keyed_state(key, kind)
    state.update(value.encode())
    assert state.finalize() == digest
    assert base64.b32encode(digest[:20]).decode() == pseudonym
    assert token_numbers(digest).to_pylist() == [int.from_bytes(digest[:7], "big")] == [token]
    assert derive_check_value(key) == check


def test_the_check_value_is_no_pseudonym_of_any_value() -> None:
    key = derive_key(ROOT, KeyContext("dsa", "2026"), "uprn")
    state = keyed_state(key, "uprn")
    with pytest.raises(InvalidSignature):
        state.verify(bytes.fromhex(derive_check_value(key)).ljust(32, b"\0"))


@pytest.mark.parametrize(
    ("number", "is_valid"),
    [
        ("9434765919", True),  # the worked example of the NHS Data Dictionary
        ("9434765918", False),
        ("9990000018", True),
        ("9990000019", False),
        ("4010232137", True),
        ("4010232138", False),
        ("9999999999", True),  # a true check digit; refused as a stand-in, not by its sum
    ],
)
def test_nhs_number_check_digits_are_those_of_the_data_dictionary(number: str, is_valid: bool) -> None:
    macros = Path(__file__).parents[3] / "pipeline" / "ingest" / "converting" / "sql" / "nhs_number.sql"
    weighted = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), number[:9], strict=True))
    assert ((11 - weighted % 11) % 11 == int(number[9])) is is_valid
    connection = duckdb.connect()
    connection.execute(macros.read_text("utf-8"))
    rows = connection.execute("SELECT nhs_number_check_fails(CAST($n AS BIGINT))", {"n": number}).fetchall()
    assert rows[0][0] is not is_valid
