"""The search is believed because it finds every kind of leak that is planted for it."""

import base64
import bz2
import gzip
import io
import json
import lzma
import os
import sqlite3
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from governance.keys.at_rest_keys import open_at_rest_keys
from pipeline.engine.at_rest import encrypted_at_rest
from pipeline.engine.tables import write_table
from pipeline.leakage.absence import prove_absence
from pipeline.leakage.canary import Canary, canary_of
from pipeline.leakage.search_pattern import PatternSearch, SearchPattern, search_patterns_of
from pipeline.workspace import Workspace

SEED = "5eed" * 16
CANARY = canary_of("nhs", SEED)
KINDS = ("UPRN", "NHS number", "surname", "postcode", "forename", "street", "record id")
NOISE = os.urandom(3_000_000)

ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "plain": lambda v: v.encode(),
    "lower case": lambda v: v.lower().encode(),
    "title case": lambda v: v.title().encode(),
    "without blanks": lambda v: v.replace(" ", "").encode(),
    "UTF-16 little-endian": lambda v: v.encode("utf-16-le"),
    "UTF-16 big-endian with mark": lambda v: b"\xfe\xff" + v.encode("utf-16-be"),
    "hexadecimal": lambda v: v.encode().hex().encode(),
    "hexadecimal upper case": lambda v: v.encode().hex().upper().encode(),
    "JSON": lambda v: json.dumps({"error": f"value {v!r} is wrong"}).encode(),
    "base64": lambda v: base64.b64encode(v.encode()),
    "base64 within a text, shifted 1": lambda v: base64.b64encode(b"x" + v.encode() + b"yz"),
    "base64 within a text, shifted 2": lambda v: base64.b64encode(b"xy" + v.encode() + b"z"),
    "URL-safe base64": lambda v: base64.urlsafe_b64encode(b"???" + v.encode() + b"???"),
    "gzip": lambda v: gzip.compress(b"row " * 50 + v.encode()),
    "zlib": lambda v: zlib.compress(b"row " * 50 + v.encode()),
    "zlib without effort": lambda v: zlib.compress(v.encode(), 1),
    "bzip2": lambda v: bz2.compress(v.encode()),
    "xz": lambda v: lzma.compress(v.encode()),
    "zstd": lambda v: pa.compress(b"row " * 50 + v.encode(), "zstd", asbytes=True),
    "gzip in gzip": lambda v: gzip.compress(gzip.compress(v.encode())),
    "base64 in gzip": lambda v: gzip.compress(base64.b64encode(v.encode())),
    "zip member": lambda v: _zipped(v.encode()),
    "gzip cut short": lambda v: gzip.compress(v.encode() + os.urandom(200_000))[:100_000],
}


def _zipped(content: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member.txt", b"row " * 50 + content)
    return written.getvalue()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "workspace")


def hits(workspace: Workspace, *further: Path) -> int:
    evidence = prove_absence(workspace, {"nhs": SEED}, further)
    assert evidence.facts["unreadable"] == 0
    found = int(evidence.facts["hits"])
    assert all(value not in repr(evidence.facts) for value in CANARY.identifiers.values())
    return found


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_leak_in_a_file_is_found_in_every_form(workspace: Workspace, kind: str, encoding: str) -> None:
    leak = ENCODINGS[encoding](CANARY.identifiers[kind])
    (workspace.zone("runs") / "run.log").write_bytes(NOISE[:1001] + leak + NOISE[2000:3000])
    assert hits(workspace) > 0


def test_nothing_is_found_where_nothing_leaked(workspace: Workspace) -> None:
    other = canary_of("nhs", "another seed")
    (workspace.zone("linkage") / "noise").write_bytes(NOISE)
    (workspace.zone("runs") / "run.log").write_text(" ".join(other.identifiers.values()))
    assert hits(workspace) == 0


def test_a_leak_across_two_reads_of_a_large_file_is_found(workspace: Workspace) -> None:
    leak = CANARY.surname.encode()
    for start in (4 * 2**20 - 5, 4 * 2**20, 8 * 2**20 - len(leak) + 1):
        content = bytearray(9 * 2**20)
        content[start : start + len(leak)] = leak
        (workspace.zone("runs") / "run.log").write_bytes(content)
        assert hits(workspace) == 1


@pytest.mark.parametrize(
    "place",
    [
        "pseudonymised/nhs/leak",
        "linkage/leak",
        "controlled/leak",
        "releases/r1/leak.parquet",
        "audit/audit.jsonl",
        "keys/leak",
        "runs/r1/spill/duckdb_temp_storage-0.tmp",
        "orchestrator/prefect.db-wal",
        "orchestrator/storage/leak",
    ],
)
def test_every_folder_of_the_workspace_is_searched(workspace: Workspace, place: str) -> None:
    path = workspace.root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"...." + CANARY.uprn.encode())
    if place.endswith(".parquet"):
        path.unlink()
        pq.write_table(pa.table({"note": [f"see {CANARY.uprn}"]}), path)
    assert hits(workspace) > 0


def test_only_the_clear_zone_may_hold_what_is_clear(workspace: Workspace) -> None:
    (workspace.zone("clear") / "nhs").mkdir()
    (workspace.zone("clear") / "nhs" / "t").write_text(CANARY.surname)
    assert hits(workspace) == 0


def test_a_further_folder_is_searched_once(workspace: Workspace, tmp_path: Path) -> None:
    home = tmp_path / "prefect"
    home.mkdir()
    (home / "leak").write_text(CANARY.surname)
    (workspace.zone("runs") / "leak").write_text(CANARY.surname)
    assert hits(workspace, home, workspace.zone("runs"), tmp_path / "absent") == 2


@pytest.mark.parametrize(
    "column",
    [
        pa.array([None, CANARY.postcode]),
        pa.array([b"", CANARY.surname.encode()]),
        pa.array([0, int(CANARY.uprn)]),
        pa.array([["a"], ["b", CANARY.surname.lower()]]),
        pa.array([{"x": CANARY.nhs_number}, None]),
        pa.array(["a", CANARY.forename]).dictionary_encode(),
    ],
    ids=["text", "bytes", "integer", "list", "struct", "dictionary"],
)
def test_a_leak_in_an_encrypted_table_is_found_in_any_type_of_column(
    workspace: Workspace, column: pa.Array
) -> None:
    table = pa.table({"c": column})
    with encrypted_at_rest(workspace.root, open_at_rest_keys(workspace.zone("keys"))):
        path = workspace.zone("controlled") / "t.parquet"
        write_table(pa.RecordBatchReader.from_batches(table.schema, table.to_batches()), path)
        assert path.read_bytes()[:4] == b"PARE"
        assert hits(workspace) == 1


def test_a_leak_in_a_column_name_is_found(workspace: Workspace) -> None:
    pq.write_table(pa.table({CANARY.surname: [1]}), workspace.zone("controlled") / "t.parquet")
    assert hits(workspace) > 0


def test_a_leak_in_a_database_is_found(workspace: Workspace) -> None:
    with sqlite3.connect(workspace.root / "prefect.db") as database:
        database.execute("CREATE TABLE log (message TEXT)")
        database.execute("INSERT INTO log VALUES (?)", (f"could not cast {CANARY.nhs_number}",))
        database.commit()
    assert hits(workspace) == 1


def test_a_file_that_cannot_be_searched_is_counted_for_its_absence_is_not_proven(
    workspace: Workspace,
) -> None:
    table = pa.table({"c": [1]})
    with encrypted_at_rest(workspace.root, open_at_rest_keys(workspace.zone("keys"))):
        write_table(
            pa.RecordBatchReader.from_batches(table.schema, table.to_batches()),
            workspace.zone("controlled") / "t.parquet",
        )
    assert prove_absence(workspace, {"nhs": SEED}).facts["unreadable"] == 1


def test_symbolic_links_are_not_followed_out_of_the_workspace(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text(CANARY.surname)
    (workspace.zone("runs") / "link").symlink_to(tmp_path / "outside")
    assert hits(workspace) == 0


def test_the_fast_search_agrees_with_searching_for_each_pattern_separately() -> None:
    patterns = search_patterns_of(CANARY.identifiers)
    search = PatternSearch(patterns)
    for number, pattern in enumerate(patterns):
        data = NOISE[number * 700 : number * 700 + number % 9] + pattern.encoded + NOISE[:11]
        slow = {p for p in patterns if p.encoded in (data.lower() if p.ignores_case else data)}
        assert pattern in slow
        assert search.find(data) == slow
    assert search.find(b"") == search.find(b"abc") == set()


def test_a_canary_is_nobody_and_is_the_same_for_the_same_seed() -> None:
    canaries = [canary_of(c, f"seed {n}") for n in range(200) for c in ("council", "nhs")]
    assert canary_of("nhs", "seed 3") == canaries[7]
    for field in ("record_id", "uprn", "forename", "surname", "street"):
        assert len({getattr(c, field) for c in canaries}) == len(canaries)
    assert all(_is_nobody(c) for c in canaries)


def test_pseudonyms_however_many_spell_no_canary_by_chance() -> None:
    """Of what pseudonyms can spell at all, only texts so long that no number of people brings them about."""
    base32 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    canaries = [canary_of(c, f"seed {n}") for n in range(200) for c in ("council", "nhs")]
    lengths = {
        len(pattern.encoded)
        for canary in canaries
        for pattern in search_patterns_of(canary.identifiers)
        if base32.issuperset(pattern.encoded.upper() if pattern.ignores_case else pattern.encoded)
    }
    assert lengths
    assert min(lengths) >= 10


def test_tokens_of_a_whole_nation_spell_no_canary_by_chance() -> None:
    """In a file's memory a token is seven random bytes and a zero; a pattern may begin at any of them."""

    def chance(pattern: SearchPattern, first: int) -> float:
        spelled = 1.0
        for place, byte in enumerate(pattern.encoded, first):
            if place % 8 == 7:
                spelled *= byte == 0
            else:
                spelled *= (2 if pattern.ignores_case and chr(byte).isalpha() else 1) / 256
        return spelled

    tokens = 60_000_000 * 40
    for controller in ("council", "nhs"):
        patterns = search_patterns_of(canary_of(controller, "seed").identifiers)
        expected = tokens * sum(chance(pattern, first) for pattern in patterns for first in range(8))
        assert 0 < expected < 1e-5


def _is_nobody(canary: Canary) -> bool:
    digits = [int(d) for d in canary.nhs_number]
    in_test_range = canary.nhs_number.startswith("999") and len(digits) == 10
    check_holds = sum(w * d for w, d in zip(range(10, 0, -1), digits, strict=True)) % 11 == 0
    return (
        in_test_range
        and check_holds
        and canary.uprn.startswith("8")
        and len(canary.uprn) == 12
        and canary.postcode[:2] in ("XQ", "QX", "JX")
    )
