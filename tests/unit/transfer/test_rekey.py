"""After the linkage key is rotated, what was kept finds its new pseudonym and no UPRN travels."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.errors import Refused
from governance.keys.at_rest_keys import open_at_rest_keys
from governance.keys.destruction import is_certificate
from governance.keys.providers.in_memory_key import InMemoryKey
from governance.keys.providers.provider import KeyDescription
from governance.keys.states import KeyState
from governance.principals.statement import public_key_of
from pipeline.disclosure.noise.record_key import RecordKeySecret, create_record_key_table
from pipeline.disclosure.noise.record_key_migration import load_migrated_keys, migrate_record_keys
from pipeline.engine.at_rest import encrypted_at_rest
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import load_table, write_table
from pipeline.pseudonymise.stage import pseudonymise
from pipeline.transfer.identities import open_recipient
from pipeline.transfer.receiving import admit_packages, held_package, receive
from pipeline.transfer.rekey import PAIRS, PAIRS_FILE, make_pairs, outer_pairs, use_pairs
from pipeline.transfer.sending import Sender

from ..keys.killed import Killed, kill_at
from .conftest import EXTRACTS, NOW, Places

SIGNING = Ed25519PrivateKey.generate()


def version(key: InMemoryKey, number: int, state: KeyState, root: bytes) -> InMemoryKey:
    context = type(key.description.context)("dsa-test", "2026", number)
    return InMemoryKey(root, KeyDescription(context, "file", state, 256, key.description.created, None))


@pytest.fixture
def old(key: InMemoryKey) -> InMemoryKey:
    return version(key, 1, KeyState.LINK_ONLY, bytes(range(32)))


@pytest.fixture
def new(key: InMemoryKey) -> InMemoryKey:
    return version(key, 2, KeyState.ACTIVE, bytes(range(100, 132)))


def pairs_of(places: Places, old: InMemoryKey, new: InMemoryKey) -> Path:
    sender = Sender(
        places.signing["council"],
        open_recipient(str(places.receiver.identity.to_public())),
        places.tmp / "outbox",
    )
    return make_pairs(places.ingested("council", **EXTRACTS["council"]), old, new, sender, places.context)


def use(places: Places, folder: Path, outer: InMemoryKey, apply: Callable[[Any], None]) -> Path:
    return use_pairs(folder, "council", places.receiver, outer, places.linkage, apply, SIGNING)


def test_the_pairs_lead_from_every_old_pseudonym_to_its_new_one(
    places: Places, old: InMemoryKey, new: InMemoryKey, another_key: InMemoryKey
) -> None:
    kept: dict[int, list[str]] = {}
    for number, key in ((1, version(old, 1, KeyState.ACTIVE, bytes(range(32)))), (2, new)):
        extract = places.ingested("council", **EXTRACTS["council"])
        artefact, _ = pseudonymise(extract, key.with_outer(another_key), str(number) * 64, places.context)
        rows = pq.read_table(artefact.path("dwelling")).to_pylist()
        kept[number] = sorted(r["uprn_pseudonym"] for r in rows)
    inputs: list[pa.Table] = []
    folder = pairs_of(places, old, new)
    certificate = use(places, folder, another_key, lambda reader: inputs.append(reader.read_all()))
    rows = [r for r in inputs[0].to_pylist() if r["kind"] == "uprn"]
    leads = {r["old"]: r["new"] for r in rows}
    assert sorted(leads[p] for p in kept[1]) == kept[2]
    assert not set(kept[1]) & set(kept[2])
    assert is_certificate(certificate, public_key_of(SIGNING))
    assert json.loads(certificate.read_bytes())["content"]["pairs"] == inputs[0].num_rows


def test_no_identifier_travels_and_the_order_tells_nothing(
    places: Places, old: InMemoryKey, new: InMemoryKey
) -> None:
    folder = pairs_of(places, old, new)
    plain = pyrage.decrypt((folder / PAIRS_FILE).read_bytes(), [places.receiver.identity])
    table = pq.read_table(pa.BufferReader(plain))
    assert table.column_names == ["kind", "old", "new"]
    assert all(len(v) == 32 for name in ("old", "new") for v in table[name].to_pylist())
    assert b"00000001000" not in b"".join(p.read_bytes() for p in folder.iterdir()) + plain
    of_uprn = [r["old"] for r in table.to_pylist() if r["kind"] == "uprn"]
    assert of_uprn == sorted(of_uprn)


def test_pairs_serve_once_and_are_gone_afterwards(
    places: Places, old: InMemoryKey, new: InMemoryKey, another_key: InMemoryKey
) -> None:
    folder = pairs_of(places, old, new)
    copy = {p.name: p.read_bytes() for p in folder.iterdir()}
    use(places, folder, another_key, lambda reader: reader.read_all() and None)
    assert not folder.exists()
    assert not any(places.linkage.spill.iterdir())
    folder.mkdir()
    for name, content in copy.items():
        (folder / name).write_bytes(content)
    with pytest.raises(Refused, match="REKEY_USED"):
        use(places, folder, another_key, lambda reader: None)


def test_pairs_that_could_not_be_applied_may_be_used_again(
    places: Places, old: InMemoryKey, new: InMemoryKey, another_key: InMemoryKey
) -> None:
    def broken(_: Any) -> None:
        raise RuntimeError

    folder = pairs_of(places, old, new)
    with pytest.raises(RuntimeError):
        use(places, folder, another_key, broken)
    assert not any(places.linkage.spill.iterdir())
    use(places, folder, another_key, lambda reader: reader.read_all() and None)


@pytest.mark.parametrize("name", ["rekey.json", "manifest.sig", PAIRS_FILE])
def test_altered_pairs_are_refused(
    places: Places, old: InMemoryKey, new: InMemoryKey, another_key: InMemoryKey, name: str
) -> None:
    folder = pairs_of(places, old, new)
    content = bytearray((folder / name).read_bytes())
    content[30] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(Refused, match="REKEY_REFUSED"):
        use(places, folder, another_key, lambda reader: None)


@pytest.mark.parametrize(
    ("old_state", "new_state", "new_version"),
    [
        ("active", "active", 2),
        ("retired", "active", 2),
        ("link-only", "pending", 2),
        ("link-only", "active", 3),
    ],
)
def test_only_the_active_successor_of_a_key_out_of_service_rekeys(
    places: Places, key: InMemoryKey, old_state: str, new_state: str, new_version: int
) -> None:
    old = version(key, 1, KeyState(old_state), bytes(range(32)))
    new = version(key, new_version, KeyState(new_state), bytes(range(100, 132)))
    with pytest.raises(Refused, match="REKEY_FORBIDDEN"):
        pairs_of(places, old, new)
    assert not (places.tmp / "outbox").exists()


def test_pairs_made_in_a_run_that_encrypts_at_rest_open_elsewhere(
    places: Places, old: InMemoryKey, new: InMemoryKey, another_key: InMemoryKey
) -> None:
    root = places.context.workspace.root
    with encrypted_at_rest(root, open_at_rest_keys(places.context.workspace.zone("keys"))):
        extract = places.ingested("council", **EXTRACTS["council"])
        rewritten = {path: pq.read_table(path) for path in extract.artefact.folder.glob("*.parquet")}
        for path, table in rewritten.items():
            write_table(table.to_reader(), path)
        recipient = open_recipient(str(places.receiver.identity.to_public()))
        sender = Sender(places.signing["council"], recipient, places.tmp / "outbox")
        folder = make_pairs(extract, old, new, sender, places.context)
    inputs: list[int] = []
    use(places, folder, another_key, lambda reader: inputs.append(reader.read_all().num_rows))
    assert inputs == [10]  # five record ids, five UPRNs, no canary


def test_rotating_the_outer_key_needs_the_held_package_alone_and_keeps_every_record_key(
    places: Places, make_key: Callable[..., InMemoryKey]
) -> None:
    places.send("council")
    held = admit_packages("council", places.receiver, places.linkage, lambda: NOW)
    assert held_package("council", places.linkage) == held
    assert held_package("nhs", places.linkage) is None
    before = make_key(bytes(range(50, 82)))
    retiring = make_key(bytes(range(50, 82)), KeyState.LINK_ONLY)
    after = make_key(bytes(range(90, 122)), version=2)
    batches = outer_pairs(held, places.receiver, retiring, after, places.linkage)
    pairs = pa.RecordBatchReader.from_batches(PAIRS, batches)
    secret = RecordKeySecret(bytes(range(32)))
    assert migrate_record_keys(pairs, secret, places.linkage) == 10  # five records, five UPRNs
    assert not any(places.linkage.spill.iterdir())
    keys: list[list[int]] = []
    for number, outer in enumerate((before, after)):
        artefact, _ = receive(held, places.receiver, outer, str(number) * 64, places.linkage)
        with locked_connection(places.linkage.project.engine, places.linkage.spill) as connection:
            load_table(connection, artefact.path("dwelling"), "dwelling")
            load_migrated_keys(connection, places.linkage)
            create_record_key_table(
                connection, "SELECT uprn_pseudonym FROM dwelling", "household", "made", secret
            )
            keys.append([k for (k,) in connection.execute("SELECT record_key FROM made").fetchall()])
    assert sorted(keys[0]) == sorted(keys[1])


@pytest.mark.parametrize("step", range(60))
def test_pairs_killed_at_any_step_are_used_up_and_certified_by_the_same_call(
    places: Places, old: InMemoryKey, new: InMemoryKey, another_key: InMemoryKey, step: int
) -> None:
    folder = pairs_of(places, old, new)
    with pytest.MonkeyPatch.context() as patch:
        kill_at(step, patch)
        with contextlib.suppress(Killed):
            use(places, folder, another_key, lambda reader: reader.read_all() and None)
    if folder.exists():
        use(places, folder, another_key, lambda reader: reader.read_all() and None)
    assert not folder.exists()
    (certificate,) = (places.linkage.workspace.zone("keys") / "certificates").glob("rekey-*.json")
    assert is_certificate(certificate, public_key_of(SIGNING))
