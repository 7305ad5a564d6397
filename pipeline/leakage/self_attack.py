"""The dictionary attack that anyone with a list of UPRNs could make, made by ourselves first.

OS Open UPRN lists every UPRN, so pseudonyms that are unkeyed, or keyed with
anything guessable, are as good as clear. For each run every UPRN of the extract
(the strongest list there is: every answer is on it) is hashed in every way of
`guess_methods` and looked for among the pseudonyms of both layers, and as many
other numbers of the same range besides. One recovered refuses.

Salts are tried over `MAXIMUM_SALTED` UPRNs, evenly spread: one salt recovers all or none, so
there more would cost minutes and show nothing more. All other ways are tried over all.

Facts (what PSE-05 judges):

    distinct         UPRNs in the extract
    candidates       how many of them were hashed, unkeyed and under previous keys: all
    range_candidates other numbers between the lowest and the highest of them
    salted           how many of them were hashed with known salts
    methods          ways of hashing times ways of writing a UPRN
    previous_keys    earlier versions of the key among them
    tried            hashes made and compared
    pseudonyms       distinct pseudonyms they were compared with, both layers
    recovered        pseudonyms found
"""

import base64
import binascii
import json
import struct
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from governance.errors import Fault
from governance.keys.providers.provider import WorkerKey
from governance.keys.pseudonyms.base32 import is_base32, start_of_base32
from governance.keys.pseudonyms.worker_process import pipes, worker_process
from pipeline.leakage.guess_methods import Method, plain_methods, previous_key_methods, salted_methods
from pipeline.leakage.guessing import PREFIX_BYTES, Guessing

MAXIMUM_SALTED = 25_000
_SCRIPT = Path(__file__).with_name("guessing.py")
#: Below this many hashes the start of further processes costs more than it saves.
_HASHES_WORTH_PROCESSES = 2_000_000
_BATCH = 65_536


@dataclass(frozen=True)
class _Task:
    methods: list[Method]
    uprns: Any

    def __len__(self) -> int:
        return len(self.methods) * len(self.uprns)

    def parts(self, count: int) -> "list[_Task]":
        return [_Task(self.methods, self.uprns[n::count]) for n in range(count)]


def attack(
    uprns: pa.Array,
    pseudonyms: pa.Array,
    guesses: Sequence[str],
    previous: Sequence[WorkerKey] = (),
    processes: int = 0,
) -> dict[str, Any]:
    """Try to recover UPRNs from pseudonyms without the key; returns the facts of the attack.

    uprns: the extract's, canonical and distinct. pseudonyms: texts of all that is to be attacked.
    guesses: salts and keys that an attacker would think of. previous: keys held before.
    """
    numbers = np.unique(uprns.cast(pa.uint64()).to_numpy(zero_copy_only=False))
    others = _others_of_the_range(numbers)
    plain = plain_methods() + previous_key_methods(len(previous))
    salted = salted_methods(guesses)
    spread = numbers[:: max(1, -(-len(numbers) // MAXIMUM_SALTED))]
    tasks = [_Task(plain, np.concatenate([numbers, others])), _Task(salted, spread)]
    targets = _starts(pseudonyms)
    tried, found = _guess(tasks, targets, previous, processes)
    return {
        "distinct": len(numbers),
        "candidates": len(numbers),
        "range_candidates": len(others),
        "salted": len(spread),
        "methods": len(plain) + len(salted),
        "previous_keys": len(previous),
        "tried": tried,
        "pseudonyms": len(targets) // PREFIX_BYTES,
        "recovered": len(found),
    }


def _others_of_the_range(numbers: Any) -> Any:
    """Return as many numbers again, evenly spread from the lowest to the highest, that are none of them."""
    if not len(numbers):
        return numbers
    spread = np.linspace(int(numbers[0]), int(numbers[-1]), 2 * len(numbers)).astype(np.uint64)
    return np.setdiff1d(spread, numbers)[: len(numbers)]


def _starts(pseudonyms: pa.Array) -> bytes:
    """Return the first 16 bytes of each distinct pseudonym's digest, end to end.

    A broken build may write hexadecimal, base64 or the bare text instead of base32.
    """
    texts = pseudonyms.drop_null().unique()
    ours = is_base32(texts)
    sound = texts.filter(ours)
    starts = [
        start_of_base32(sound.slice(place, _BATCH), PREFIX_BYTES).tobytes()
        for place in range(0, len(sound), _BATCH)
    ]
    for text in texts.filter(pc.invert(ours)).to_pylist():
        starts += [read.ljust(PREFIX_BYTES, b"\0")[:PREFIX_BYTES] for read in _readings(text)]
    return b"".join(starts)


def _readings(text: str) -> Iterator[bytes]:
    yield text.encode()
    try:
        yield bytes.fromhex(text)
    except ValueError:
        try:
            yield base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return


def _guess(
    tasks: Sequence[_Task], targets: bytes, previous: Sequence[WorkerKey], processes: int
) -> tuple[int, set[bytes]]:
    few = sum(len(task) for task in tasks) < _HASHES_WORTH_PROCESSES
    count = 0 if few else processes
    with ExitStack() as stack:
        guessers: list[_Guesser] = (
            [stack.enter_context(_guessing_process(targets, previous)) for _ in range(count)]
            if count
            else [_InProcess(targets, previous)]
        )
        threads = stack.enter_context(ThreadPoolExecutor(len(guessers), thread_name_prefix="guessing"))

        def work(number: int) -> list[tuple[int, set[bytes]]]:
            parts = [task.parts(len(guessers))[number] for task in tasks]
            return [guessers[number].try_all(part) for part in parts]

        answers = [answer for part in threads.map(work, range(len(guessers))) for answer in part]
    return sum(tried for tried, _ in answers), set().union(*(found for _, found in answers))


class _Guesser(Protocol):
    def try_all(self, task: _Task) -> tuple[int, set[bytes]]: ...


class _InProcess:
    def __init__(self, targets: bytes, previous: Sequence[WorkerKey]) -> None:
        taken = _Keys()
        for key in previous:
            key.write_to(taken)
        self._guessing = Guessing(targets, taken.keys)

    def try_all(self, task: _Task) -> tuple[int, set[bytes]]:
        return len(task), self._guessing.recovered(task.methods, task.uprns.tolist())


class _Keys:
    """Takes keys as a process's pipe would."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self.keys.append(data)
        return len(data)


class _Process:
    def __init__(self, requests: Any, replies: Any) -> None:
        self._requests, self._replies = requests, replies

    def greet(self, targets: bytes, previous: Sequence[WorkerKey]) -> None:
        self._requests.write(struct.pack("<I", len(previous)))
        for key in previous:
            key.write_to(self._requests)
        self._requests.write(struct.pack("<I", len(targets) // PREFIX_BYTES) + targets)
        self._requests.flush()

    def try_all(self, task: _Task) -> tuple[int, set[bytes]]:
        methods = json.dumps(task.methods).encode()
        try:
            self._requests.write(struct.pack("<I", len(methods)) + methods)
            self._requests.write(struct.pack("<I", len(task.uprns)) + task.uprns.astype("<u8").tobytes())
            self._requests.flush()
            tried, count = struct.unpack("<QI", self._replies.read(12))
            found = self._replies.read(PREFIX_BYTES * count)
        except (OSError, struct.error):
            raise Fault(
                "GUESSING_PROCESS_DIED",
                "A process of the self-attack ended before its work did.",
                "Look for memory pressure in the system log, then run again; nothing was written.",
            ) from None
        return tried, {found[n : n + PREFIX_BYTES] for n in range(0, len(found), PREFIX_BYTES)}


@contextmanager
def _guessing_process(targets: bytes, previous: Sequence[WorkerKey]) -> Iterator[_Process]:
    with worker_process(_SCRIPT) as process:
        guesser = _Process(*pipes(process))
        guesser.greet(targets, previous)
        yield guesser
