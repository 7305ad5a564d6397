"""The self-attack: a dictionary attack on our own pseudonyms, as anyone with a list of UPRNs could make it.

OS Open UPRN lists every UPRN. Pseudonyms without a key, or with a key that can be guessed, could therefore be
turned back into UPRNs. In each run, every UPRN of the extract, and as many other numbers in the same range,
are hashed with every method of `guess_methods.py` and compared with the pseudonyms of both layers. The
extract's own UPRNs are the strongest list possible, because every answer is in it. One recovered pseudonym
refuses the run.

Methods with a salt are tried on at most `MAXIMUM_SALTED` UPRNs, evenly spread, because a salt recovers either
all pseudonyms or none. Other methods are tried on all UPRNs.

Facts, for rule PSE-05:

    distinct         number of UPRNs in the extract
    candidates       number of these that were hashed without a key and under previous keys: all of them
    range_candidates number of other numbers between the lowest and the highest UPRN
    salted           number of UPRNs that were hashed with known salts
    methods          number of methods, counting each spelling of a UPRN
    previous_keys    number of earlier versions of the key among them
    tried            number of hashes made and compared
    pseudonyms       number of distinct pseudonyms compared, of both layers
    recovered        number of pseudonyms recovered
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
#: With fewer hashes, starting further processes takes longer than they save.
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

    uprns: those of the extract, as distinct texts in canonical form. pseudonyms: texts, may repeat. guesses:
    salts and keys that an attacker would try first. previous: earlier keys. processes: number of processes
    for a large attack; 0 to use only this one. Raises Fault if a process ends early.
    """
    numbers = np.unique(uprns.cast(pa.uint64()).to_numpy(zero_copy_only=False))
    others = _other_numbers_in_range(numbers)
    plain = plain_methods() + previous_key_methods(len(previous))
    salted = salted_methods(guesses)
    sample = numbers[:: max(1, -(-len(numbers) // MAXIMUM_SALTED))]
    tasks = [_Task(plain, np.concatenate([numbers, others])), _Task(salted, sample)]
    targets = _prefixes(pseudonyms)
    tried, found = _guess(tasks, targets, previous, processes)
    return {
        "distinct": len(numbers),
        "candidates": len(numbers),
        "range_candidates": len(others),
        "salted": len(sample),
        "methods": len(plain) + len(salted),
        "previous_keys": len(previous),
        "tried": tried,
        "pseudonyms": len(targets) // PREFIX_BYTES,
        "recovered": len(found),
    }


def _other_numbers_in_range(numbers: Any) -> Any:
    """Return at most as many other numbers, evenly spread between the lowest and the highest."""
    if not len(numbers):
        return numbers
    spread = np.linspace(int(numbers[0]), int(numbers[-1]), 2 * len(numbers)).astype(np.uint64)
    return np.setdiff1d(spread, numbers)[: len(numbers)]


def _prefixes(pseudonyms: pa.Array) -> bytes:
    """Return the first 16 bytes of each distinct pseudonym's digest, joined.

    Pseudonyms are base32, but a faulty version of Hearth could write hexadecimal, base64 or the UPRN itself.
    """
    texts = pseudonyms.drop_null().unique()
    are_base32 = is_base32(texts)
    base32 = texts.filter(are_base32)
    prefixes = [
        start_of_base32(base32.slice(start, _BATCH), PREFIX_BYTES).tobytes()
        for start in range(0, len(base32), _BATCH)
    ]
    for text in texts.filter(pc.invert(are_base32)).to_pylist():
        prefixes += [digest.ljust(PREFIX_BYTES, b"\0")[:PREFIX_BYTES] for digest in _decodings(text)]
    return b"".join(prefixes)


def _decodings(text: str) -> Iterator[bytes]:
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
    is_small = sum(len(task) for task in tasks) < _HASHES_WORTH_PROCESSES
    count = 0 if is_small else processes
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
        received = _Keys()
        for key in previous:
            key.write_to(received)
        self._guessing = Guessing(targets, received.keys)

    def try_all(self, task: _Task) -> tuple[int, set[bytes]]:
        return len(task), self._guessing.recovered(task.methods, task.uprns.tolist())


class _Keys:
    """Collects the keys that are written to it, in the place of a process's pipe."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self.keys.append(data)
        return len(data)


class _Process:
    def __init__(self, requests: Any, replies: Any) -> None:
        self._requests, self._replies = requests, replies

    def start(self, targets: bytes, previous: Sequence[WorkerKey]) -> None:
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
                "A process of the self-attack on the pseudonyms ended too early, so nothing was written.",
                "Look in the system log whether memory ran out, then repeat the command.",
            ) from None
        return tried, {found[n : n + PREFIX_BYTES] for n in range(0, len(found), PREFIX_BYTES)}


@contextmanager
def _guessing_process(targets: bytes, previous: Sequence[WorkerKey]) -> Iterator[_Process]:
    with worker_process(_SCRIPT) as process:
        guesser = _Process(*pipes(process))
        guesser.start(targets, previous)
        yield guesser
