"""The column-wise code agrees with the plain one, value for value."""

import base64
import pickle
from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import Fault
from governance.keys.base32 import base32_text
from governance.keys.derivation import KeyContext, keyed_state
from governance.keys.hashing import keyed_hasher
from governance.keys.held_key import HeldKey
from governance.keys.provider import KeyDescription
from governance.keys.states import KeyState

KEY = HeldKey(
    bytes(range(32)),
    KeyDescription(KeyContext("dsa", "2026"), "file", KeyState.ACTIVE, 256, date(2026, 1, 1), None),
)


@given(st.lists(st.binary(min_size=32, max_size=32)), st.sampled_from([5, 7, 8, 10, 16, 20]))
def test_base32_is_that_of_rfc_4648_without_padding(digests: list[bytes], token_bytes: int) -> None:
    tokens = [digest[:token_bytes] for digest in digests]
    expected = [base64.b32encode(token).decode().rstrip("=") for token in tokens]
    assert base32_text(b"".join(digests), token_bytes).to_pylist() == expected


@pytest.mark.parametrize("processes", [0, 1, 3])
def test_hashing_agrees_with_one_hmac_a_value_whatever_the_number_of_processes(processes: int) -> None:
    values = ["000012345678", None, "å ø|", "", "000012345678", "x" * 100_000]

    def plain(kind: str, value: str | None, size: int) -> str | None:
        if value is None:
            return None
        state = keyed_state_of(kind)
        state.update(value.encode())
        return base64.b32encode(state.finalize()[:size]).decode().rstrip("=")

    def keyed_state_of(kind: str):  # type: ignore[no-untyped-def]
        return KEY.keyed_state(kind)

    with keyed_hasher([KEY], ["uprn", "person.name"], processes) as hasher:
        answers = {
            (kind, size): hasher.pseudonyms(kind, pa.array(values, pa.string()), size)
            for kind in ("uprn", "person.name")
            for size in (7, 20)
        }
        empty = hasher.pseudonyms("uprn", pa.array([], pa.string()))
        for (kind, size), answer in answers.items():
            assert answer.result().to_pylist() == [plain(kind, value, size) for value in values]
        assert empty.result().to_pylist() == []


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
