"""Our own dictionary attack recovers whatever can be recovered, over every UPRN of an extract."""

import base64
import hashlib
import hmac as stdlib_hmac
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives import hashes, hmac
from hypothesis import given
from hypothesis import strategies as st

from governance.clearance import Cleared
from governance.keys.providers.in_memory_key import InMemoryKey
from governance.keys.pseudonyms.base32 import is_base32, start_of_base32
from governance.keys.states import KeyState
from pipeline.context import RunContext
from pipeline.leakage import self_attack
from pipeline.leakage.guess_methods import plain_methods, salted_methods
from pipeline.leakage.guessing import SPELLINGS, _hmac_digests
from pipeline.leakage.self_attack import attack
from pipeline.pseudonymise.stage import pseudonymise

Ingested = Callable[..., Cleared]
FINGERPRINT = "c" * 64
PROPERTY = {"record_id": "P1", "uprn": "000012345678", "address_line_1": "12 Acacia Avenue"}
UPRNS = pa.array([f"{number:012d}" for number in (10_023_456, 12_345_678, 100_023_336_956)])


def base32(digest: bytes) -> str:
    return base64.b32encode(digest[:20]).decode()


def recovered(*pseudonyms: str, **more: Any) -> int:
    facts = attack(UPRNS, pa.array(pseudonyms), ("dsa-test",), **more)
    assert facts["pseudonyms"] >= len(pseudonyms)
    return int(facts["recovered"])


@pytest.mark.parametrize(
    "made",
    [
        base32(hashlib.sha256(b"000012345678").digest()),
        base32(hashlib.sha256(b"12345678").digest()),
        base32(hashlib.sha1(b"uprn|12345678", usedforsecurity=False).digest()),
        base32(hashlib.sha512(b"uprn|000012345678").digest()),
        base32(hashlib.blake2b(b"12345678").digest()),
        base32(hashlib.sha256(hashlib.sha256(b"12345678").digest()).digest()),
        base32(hashlib.sha256((12_345_678).to_bytes(8, "little")).digest()),
        base32(hashlib.sha256(b"salt12345678").digest()),
        base32(hashlib.sha256(b"000012345678dsa-test").digest()),
        base32(stdlib_hmac.digest(b"dsa-test", b"uprn|000012345678", "sha256")),
        base32(stdlib_hmac.digest(bytes(32), b"uprn|000012345678", "sha256")),
        hashlib.md5(b"12345678", usedforsecurity=False).hexdigest(),
        hashlib.sha256(b"12345678").hexdigest().upper(),
        base64.b64encode(hashlib.sha256(b"12345678").digest()).decode(),
        "12345678",
        "000012345678",
    ],
)
def test_a_pseudonym_made_without_a_secret_is_recovered_however_it_is_written(made: str) -> None:
    assert recovered(made) == 1


def test_a_pseudonym_of_no_uprn_of_the_extract_is_not_recovered() -> None:
    assert recovered(base32(hashlib.sha256(b"87654321").digest()), base32(bytes(20))) == 0


def test_numbers_between_those_of_the_extract_are_tried_too() -> None:
    few = pa.array([f"{number:012d}" for number in (10, 20, 30)])
    facts = attack(few, pa.array([base32(hashlib.sha256(b"14").digest())]), ())
    assert (facts["candidates"], facts["range_candidates"], facts["recovered"]) == (3, 3, 1)


def test_the_certificate_adds_up_and_quotes_no_uprn() -> None:
    facts = attack(UPRNS, pa.array([base32(bytes(20))] * 2 + [None]), ("a", "b"))
    plain, salted = len(plain_methods()), len(salted_methods(("a", "b")))
    assert facts == {
        "distinct": 3,
        "candidates": 3,
        "range_candidates": 3,
        "salted": 3,
        "methods": plain + salted,
        "previous_keys": 0,
        "tried": 6 * plain + 3 * salted,
        "pseudonyms": 1,
        "recovered": 0,
    }


def test_several_processes_find_what_one_finds(monkeypatch: pytest.MonkeyPatch, key: InMemoryKey) -> None:
    monkeypatch.setattr(self_attack, "_HASHES_WORTH_PROCESSES", 0)
    state = key.keyed_state("uprn")
    state.update(b"000010023456")
    pseudonyms = pa.array([base32(hashlib.md5(b"12345678").digest() + bytes(4)), base32(state.finalize())])
    alone, together = (
        attack(UPRNS, pseudonyms, (), [key.attack_key("uprn")], processes) for processes in (0, 2)
    )
    assert alone == together
    assert (together["recovered"], together["previous_keys"]) == (2, 1)


def test_salts_are_tried_over_an_even_spread_and_everything_else_over_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(self_attack, "MAXIMUM_SALTED", 10)
    many = pa.array([f"{number:012d}" for number in range(1000, 1095)])
    last = base32(hashlib.sha256(b"1094").digest())
    facts = attack(many, pa.array([last]), ())
    assert (facts["candidates"], facts["salted"], facts["recovered"]) == (95, 10, 1)


@given(st.binary(max_size=100), st.lists(st.binary(max_size=200), max_size=3))
def test_the_quick_hmac_is_that_of_the_library(key: bytes, messages: list[bytes]) -> None:
    assert _hmac_digests(key, messages) == [stdlib_hmac.digest(key, m, "sha256") for m in messages]


@given(st.lists(st.binary(min_size=20, max_size=20), min_size=1, max_size=5))
def test_a_pseudonym_is_read_back_to_the_bytes_it_was_made_of(digests: list[bytes]) -> None:
    texts = pa.array([base32(digest) for digest in digests])
    assert is_base32(texts).to_pylist() == [True] * len(digests)
    assert [bytes(row) for row in start_of_base32(texts, 16)] == [digest[:16] for digest in digests]
    assert not any(is_base32(pa.array(["", "A" * 31, "A" * 33, "a" * 32, "1" * 32])).to_pylist())


def test_every_spelling_is_of_the_number_itself() -> None:
    spelled = {spelling: write(12_345_678) for spelling, write in SPELLINGS.items()}
    assert spelled["padded"] == b"000012345678"
    assert spelled["plain"] == b"12345678"
    assert (
        int.from_bytes(spelled["big-endian"], "big")
        == 12_345_678
        == int.from_bytes(spelled["little-endian"], "little")
    )
    assert spelled["UTF-16"].decode("utf-16-le") == "12345678"


class UnkeyedBuild(InMemoryKey):
    """A deliberately broken build: every kind is hashed under the empty key."""

    __slots__ = ("_kind_enters",)

    def keyed_state(self, identifier: str) -> hmac.HMAC:
        state = hmac.HMAC(b"", hashes.SHA256())
        if self._kind_enters:
            state.update(f"{identifier}|".encode())
        return state


@pytest.mark.parametrize("kind_enters", [True, False])
@pytest.mark.parametrize("under_outer_layer", [True, False])
def test_an_unkeyed_build_is_recovered_even_beneath_the_outer_layer(
    ingested: Ingested,
    key: InMemoryKey,
    another_key: InMemoryKey,
    context: RunContext,
    kind_enters: bool,
    under_outer_layer: bool,
) -> None:
    unkeyed = UnkeyedBuild(bytes(range(32)), key.description, another_key if under_outer_layer else None)
    unkeyed._kind_enters = kind_enters
    rows = [PROPERTY | {"record_id": f"P{n}", "uprn": f"{10_000 + n:012d}"} for n in range(50)]
    _, evidence = pseudonymise(ingested("council", council_property=rows), unkeyed, FINGERPRINT, context)
    assert evidence.facts["self_attack"]["recovered"] >= 50


def test_a_keyed_build_is_not_recovered_and_the_certificate_says_how_much_was_tried(
    ingested: Ingested, key: InMemoryKey, context: RunContext
) -> None:
    rows = [PROPERTY | {"record_id": f"P{n}", "uprn": f"{10_000 + n:012d}"} for n in range(50)]
    _, evidence = pseudonymise(ingested("council", council_property=rows), key, FINGERPRINT, context)
    facts = evidence.facts["self_attack"]
    assert facts["recovered"] == 0
    assert (facts["distinct"], facts["candidates"], facts["salted"], facts["pseudonyms"]) == (50,) * 4
    assert facts["range_candidates"] == 0  # the fifty follow one another: the range holds no other number
    assert facts["tried"] == 50 * facts["methods"]
    assert facts["methods"] > 250


def test_a_key_that_is_the_agreements_own_name_is_guessed(
    ingested: Ingested, context: RunContext, key: InMemoryKey
) -> None:
    class NamedKey(InMemoryKey):
        __slots__ = ()

        def keyed_state(self, identifier: str) -> hmac.HMAC:
            state = hmac.HMAC(b"dsa-test", hashes.SHA256())
            state.update(f"{identifier}|".encode())
            return state

    named = NamedKey(bytes(range(32)), key.description)
    _, evidence = pseudonymise(ingested("council", council_property=[PROPERTY]), named, FINGERPRINT, context)
    assert evidence.facts["self_attack"]["recovered"] == 1


def test_a_build_that_goes_on_with_the_key_before_is_recovered_through_that_key(
    ingested: Ingested, make_key: Callable[..., InMemoryKey], key: InMemoryKey, context: RunContext
) -> None:
    """Whoever kept an old copy has the old key; hashing under it after its retirement is as if unkeyed."""
    stale = make_key(bytes(range(100, 132)))
    retired = make_key(bytes(range(100, 132)), KeyState.RETIRED)
    extract = ingested("council", council_property=[PROPERTY])
    for made_under, found in ((stale, 1), (key, 0)):
        _, evidence = pseudonymise(extract, made_under.with_previous([retired]), FINGERPRINT, context)
        facts = evidence.facts["self_attack"]
        assert (facts["previous_keys"], facts["recovered"]) == (1, found)
