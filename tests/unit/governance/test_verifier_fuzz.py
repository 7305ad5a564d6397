"""Generated damage to an audit folder: both verifiers end, agree, and keep a finding that was there."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from test_verifier_folder_shapes import SHAPES, Served, agreed, edit_an_entry, put
from verifiers import Verifiers

from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.audit.verify import INCOMPLETE, INTACT, TAMPERED, UNWITNESSED

FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
PLACES = (
    "audit.jsonl",
    "log.vkey",
    ".lock",
    "checkpoints/000000000003.note",
    "checkpoints/000000000001.note",
    "checkpoints/z.note",
    "torn/0.part",
    "timestamps",
    "other",
)
#: A file's name as a system allows it: any byte but "/" and NUL.
NAMES = st.binary(min_size=1, max_size=60).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
)
#: Text of JSON that readers differ over, and JSON that they do not.
ODD_JSON = st.one_of(
    st.sampled_from(
        [
            b"NaN",
            b"-Infinity",
            b"1e999",
            b"9" * 5000,
            b"-" + b"9" * 400,
            b"0." + b"9" * 5000,
            b"[" * 5000,
            b'{"a":' * 5000,
            b"[" * 64 + b"]" * 64,
            b"[" * 990 + b"]" * 990,
            b'"' + b"[\\" * 3000 + b'"',
            b'"\\ud800"',
            b'"\xff"',
            b'"\x00"',
            b'{"a":1,"a":2}',
            b"\xef\xbb\xbf1",
            b"true",
            b"1.0",
            b"[]",
            "٣".encode(),
        ]
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
        max_leaves=20,
    ).map(lambda value: json.dumps(value).encode()),
)
FIELDS = st.sampled_from([b"actor", b"event", b"evidence", b"policy", b"rule", b"run", b"seq", b"ts", b"v"])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Verifiers.in_folder(tmp_path_factory.mktemp("fuzz")).served() as both_programs:
        yield both_programs


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one run of three entries after the first, signed."""
    place = tmp_path_factory.mktemp("honest")
    (place / "keys").mkdir(mode=0o700)
    log = AuditLog.open(place / "audit", open_log_signer(place / "keys", "hearth/test"))
    log.append("run-1", "operator", None, "run_start")
    log.append("run-1", "operator", "ingest", "rule", rule="ING-03", verdict="pass", evidence={"rows": 20113})
    log.checkpoint()
    log.append("run-1", "operator", None, "run_end", verdict="published")
    log.checkpoint()
    return place / "audit"


def damaged(served: Served, honest: Path, damage: Callable[[Path], None], *, tampered: bool = False) -> int:
    """Damage a copy, ask both verifiers in plain form and as JSON; returns the exit code."""
    with TemporaryDirectory() as place:
        folder = Path(place) / "audit"
        shutil.copytree(honest, folder)
        if tampered:
            edit_an_entry(folder)
        damage(folder)
        answer = agreed(served, str(folder))
        facts = json.loads(agreed(served, str(folder), "--json").output)
        assert answer.code == facts["exit_code"]
        assert answer.last_line == facts["verdict"]
        assert answer.output.isascii()
        assert answer.code in (INTACT, TAMPERED, INCOMPLETE, UNWITNESSED)
        return answer.code


def following(lines: list[bytes]) -> bytes:
    """Return the log's third line as one that follows from its last: number, time and digest fit."""
    event = json.loads(lines[2])
    event |= {"seq": len(lines), "ts": json.loads(lines[-1])["ts"]}
    event["prev"] = hashlib.sha256(lines[-1]).hexdigest()
    return json.dumps(event, sort_keys=True, separators=(",", ":")).encode()


@settings(FUZZ, max_examples=25)
@given(shapes=st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(SHAPES)), min_size=1, max_size=4))
def test_no_shape_in_the_folder_lowers_a_finding(
    served: Served, honest: Path, shapes: list[tuple[str, Callable[[Path], None]]]
) -> None:
    def damage(folder: Path) -> None:
        for place, shape in shapes:
            put(folder, place, shape)

    assert damaged(served, honest, damage, tampered=True) == TAMPERED


@FUZZ
@given(
    name=NAMES,
    zone=st.sampled_from(["", "checkpoints", "torn"]),
    data=st.binary(max_size=200),
    note=st.booleans(),
)
def test_no_name_or_content_of_a_further_file_lowers_a_finding(
    served: Served, honest: Path, name: bytes, zone: str, data: bytes, note: bool
) -> None:
    def damage(folder: Path) -> None:
        path = folder / zone / os.fsdecode(name + (b".note" if note else b""))
        if not path.exists():
            path.write_bytes(data)

    assert damaged(served, honest, damage, tampered=True) == TAMPERED


@FUZZ
@given(
    place=st.sampled_from(["audit.jsonl", "log.vkey", "checkpoints/000000000004.note"]),
    at=st.floats(0, 1),
    data=st.binary(min_size=1, max_size=20),
    cut=st.integers(0, 20),
)
def test_changed_bytes_of_any_file_give_a_verdict(
    served: Served, honest: Path, place: str, at: float, data: bytes, cut: int
) -> None:
    before = (honest / place).read_bytes()
    start = int(at * len(before))
    after = before[:start] + data + before[start + cut :]

    def damage(folder: Path) -> None:
        (folder / place).write_bytes(after)

    code = damaged(served, honest, damage)
    if place == "audit.jsonl" and after[: len(before)] != before:
        assert code == TAMPERED


@FUZZ
@given(field=FIELDS, value=ODD_JSON, chained=st.booleans())
def test_odd_json_in_an_entry_is_found_and_both_verifiers_agree_on_it(
    served: Served, honest: Path, field: bytes, value: bytes, chained: bool
) -> None:
    """chained: a further entry that follows from the last, so that nothing but its content is wrong."""

    def damage(folder: Path) -> None:
        log = folder / "audit.jsonl"
        lines = log.read_bytes().splitlines()
        line = lines[2]
        if chained:
            line = following(lines)
        pattern = rb'"' + field + rb'":(?:\{[^}]*\}|[^,}]*)'
        before = line
        line, number = re.subn(pattern, lambda _: b'"' + field + b'":' + value, line, count=1)
        assert number == 1
        assume(chained or line != before)  # the value that the field has is no damage
        log.write_bytes(b"".join(item + b"\n" for item in (*lines, line)) if chained else log.read_bytes())
        if not chained:
            log.write_bytes(b"".join(item + b"\n" for item in (*lines[:2], line, *lines[3:])))

    assert damaged(served, honest, damage) in ((TAMPERED, INCOMPLETE) if chained else (TAMPERED,))


@FUZZ
@given(data=st.binary(max_size=300) | ODD_JSON | ODD_JSON.map(lambda value: b'{"log": ' + value + b"}"))
def test_no_content_of_trust_json_lowers_a_finding(served: Served, honest: Path, data: bytes) -> None:
    with TemporaryDirectory() as place:
        folder = Path(place) / "audit"
        shutil.copytree(honest, folder)
        trust = Path(place) / "trust.json"
        trust.write_bytes(data)
        assert agreed(served, str(folder), "--trust", str(trust)).code in (TAMPERED, INCOMPLETE, UNWITNESSED)
        edit_an_entry(folder)
        assert agreed(served, str(folder), "--trust", str(trust)).code == TAMPERED


@pytest.mark.parametrize(
    "value",
    [
        b"NaN",
        b"1e999",
        b"9" * 22,
        b'{"b":1,"b":2}',
        b'"\xff"',
        b'"\x00"',
        b"[" * 65 + b"]" * 65,
        b"[" * 990 + b"]" * 990,
        b"[" * 100_000,
    ],
)
def test_json_that_programs_read_differently_is_a_change_even_in_a_chained_entry(
    served: Served, honest: Path, value: bytes
) -> None:
    def add(folder: Path, content: bytes) -> None:
        log = folder / "audit.jsonl"
        lines = log.read_bytes().splitlines()
        line = following(lines).replace(b"20113", content)
        log.write_bytes(log.read_bytes() + line + b"\n")

    assert damaged(served, honest, lambda folder: add(folder, b"1")) == INCOMPLETE  # it is not signed
    assert damaged(served, honest, lambda folder: add(folder, value)) == TAMPERED
