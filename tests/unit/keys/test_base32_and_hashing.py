"""The column-wise code agrees with the plain one, value for value."""

import base64
import hmac
import pickle
from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.errors import Fault
from governance.keys.providers.in_memory_key import InMemoryKey
from governance.keys.providers.provider import KeyDescription
from governance.keys.pseudonyms.base32 import base32_text
from governance.keys.pseudonyms.column_hashing import keyed_hasher
from governance.keys.pseudonyms.derivation import KeyContext, keyed_state
from governance.keys.pseudonyms.token import LARGEST_TOKEN, token_numbers, token_text
from governance.keys.states import KeyState

#: Agreement -> the root of its key.
ROOTS = {"dsa": bytes(range(32)), "dsa-project": bytes(range(64, 96))}


def held(agreement: str) -> InMemoryKey:
    description = KeyDescription(
        KeyContext(agreement, "2026"), "file", KeyState.ACTIVE, 256, date(2026, 1, 1), None
    )
    return InMemoryKey(ROOTS[agreement], description)


KEY, OUTER = held("dsa"), held("dsa-project")


@given(st.lists(st.binary(min_size=32, max_size=32)), st.sampled_from([5, 7, 8, 10, 16, 20]))
def test_base32_is_that_of_rfc_4648_without_padding(digests: list[bytes], token_bytes: int) -> None:
    tokens = [digest[:token_bytes] for digest in digests]
    expected = [base64.b32encode(token).decode().rstrip("=") for token in tokens]
    assert base32_text(b"".join(digests), token_bytes).to_pylist() == expected


@settings(deadline=None)
@given(st.lists(st.binary(min_size=32, max_size=32)))
def test_a_token_is_the_first_seven_bytes_as_a_number_and_its_text_the_base32_of_them(
    digests: list[bytes],
) -> None:
    tokens = token_numbers(b"".join(digests))
    assert tokens.type == pa.int64()
    assert tokens.to_pylist() == [int.from_bytes(digest[:7], "big") for digest in digests]
    assert all(0 <= token <= LARGEST_TOKEN == 2**56 - 1 for token in tokens.to_pylist())
    assert token_text(tokens) == base32_text(b"".join(digests), 7)


VALUES = ["000012345678", None, "å ø|", "", "000012345678", "x" * 100_000]


def plain_digest(agreement: str, kind: str, value: str) -> bytes:
    """One HMAC under the documented derivation of a key, with the standard library alone."""
    extracted = hmac.digest(bytes(32), ROOTS[agreement], "sha256")
    key = hmac.digest(extracted, f"{agreement}|2026|{kind}|1".encode() + b"\x01", "sha256")
    return hmac.digest(key, f"{kind}|{value}".encode(), "sha256")


def plain_text(digest: bytes) -> str:
    return base64.b32encode(digest).decode().rstrip("=")


@pytest.mark.parametrize("processes", [0, 1, 3])
def test_hashing_agrees_with_one_hmac_a_value_whatever_the_number_of_processes(processes: int) -> None:
    with keyed_hasher([KEY], ["uprn", "person.name"], processes) as hasher:
        column = pa.array(VALUES, pa.string())
        for kind in ("uprn", "person.name"):
            digests = [None if value is None else plain_digest("dsa", kind, value) for value in VALUES]
            assert hasher.pseudonyms(kind, column).result().to_pylist() == [
                digest and plain_text(digest[:20]) for digest in digests
            ]
            assert hasher.tokens(kind, column).result().to_pylist() == [
                digest and int.from_bytes(digest[:7], "big") for digest in digests
            ]
        nothing = pa.array([], pa.string())
        assert hasher.pseudonyms("uprn", nothing).result() == pa.array([], pa.string())
        assert hasher.tokens("uprn", nothing).result() == pa.array([], pa.int64())


@pytest.mark.parametrize("processes", [0, 2])
def test_two_layers_at_once_or_one_after_the_other_are_the_text_of_the_first_hashed_by_the_second(
    processes: int,
) -> None:
    column = pa.array(VALUES, pa.string())
    kind = "person.name"

    def under(keys: list[InMemoryKey], values: pa.Array, answer: str) -> pa.Array:
        with keyed_hasher(keys, [kind], processes) as hasher:
            return getattr(hasher, answer)(kind, values).result()

    for answer, kept in (("pseudonyms", 20), ("tokens", 7)):
        at_once = under([KEY, OUTER], column, answer)
        assert at_once == under([OUTER], under([KEY], column, answer), answer)
        for value, layered in zip(VALUES, at_once.to_pylist(), strict=True):
            if value is None:
                assert layered is None
                continue
            inner = plain_text(plain_digest("dsa", kind, value)[:kept])
            digest = plain_digest("dsa-project", kind, inner)[:kept]
            assert layered == (plain_text(digest) if kept == 20 else int.from_bytes(digest, "big"))


def test_equal_values_of_two_kinds_get_unrelated_pseudonyms() -> None:
    with keyed_hasher([KEY], ["uprn", "nhs_number"], 0) as hasher:
        same = pa.array(["9990000018"])
        assert hasher.pseudonyms("uprn", same).result() != hasher.pseudonyms("nhs_number", same).result()


def test_a_hashing_process_that_dies_stops_the_stage_with_a_fault() -> None:
    with keyed_hasher([KEY], ["uprn"], 1) as hasher:
        worker = hasher._idle.get()
        worker._process.kill()  # type: ignore[attr-defined]
        worker._process.wait()  # type: ignore[attr-defined]
        hasher._idle.put(worker)
        with pytest.raises(Fault, match="HASHING_PROCESS_DIED"):
            hasher.pseudonyms("uprn", pa.array(["1"])).result()


def test_a_key_shows_itself_nowhere() -> None:
    root = bytes(range(32))
    worker_key = KEY.worker_keys(["uprn"])["uprn"]
    for shown in (repr(KEY), str(KEY), repr(worker_key), repr(KEY.description)):
        assert root.hex() not in shown
        assert repr(root)[2:20] not in shown
    for secret in (KEY, worker_key):
        with pytest.raises(TypeError, match="never pickled"):
            pickle.dumps(secret)
    assert not [name for name in dir(KEY) if name.startswith("get") or name in ("root", "key", "_root")]


def test_a_kind_with_a_bar_is_no_kind() -> None:
    with pytest.raises(ValueError, match="without"):
        keyed_state(bytes(range(32)), "uprn|x")
