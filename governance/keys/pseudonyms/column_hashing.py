"""Keyed hashing of columns: each distinct value of a batch once, in several processes.

Memory use depends on the batches being hashed, not on the number of rows. The
hashing processes run `hashing_worker` as a script and are fed through private
pipes.
"""

import struct
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

import pyarrow as pa

from governance.errors import Fault
from governance.keys.providers.provider import KeyProvider
from governance.keys.pseudonyms.base32 import DIGEST_BYTES, base32_text
from governance.keys.pseudonyms.derivation import PSEUDONYM_BYTES, TOKEN_BYTES
from governance.keys.pseudonyms.hashing_worker import hash_values
from governance.keys.pseudonyms.token import token_numbers, token_text
from governance.keys.pseudonyms.worker_process import pipes, worker_process

_SCRIPT = Path(__file__).with_name("hashing_worker.py")


class KeyedHasher:
    """Hashes columns of canonical text under the keys of one provider.

    Create one with `keyed_hasher`, which also ends its processes.
    """

    def __init__(self, kinds: Sequence[str], layers: int, workers: Sequence["_Worker"]) -> None:
        self._layers_of = {
            kind: [layer * len(kinds) + number for layer in range(layers)]
            for number, kind in enumerate(kinds)
        }
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        for worker in workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(len(workers), thread_name_prefix="keyed-hashing")

    def pseudonyms(self, kind: str, values: pa.Array) -> "Future[pa.Array]":
        """Return text values' pseudonyms as base32 text, nulls staying null; each distinct value once."""
        return self._threads.submit(self._pseudonyms, self._layers_of[kind], values)

    def tokens(self, kind: str, values: pa.Array) -> "Future[pa.Array]":
        """Return values' match tokens as 64-bit numbers, nulls staying null; each distinct value once.

        values: text; or tokens under another key, which are hashed again with this one.
        """
        return self._threads.submit(self._tokens, self._layers_of[kind], values)

    def close(self) -> None:
        """Wait for running requests and accept no more."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _pseudonyms(self, layers: Sequence[int], values: pa.Array) -> pa.Array:
        encoded = values.dictionary_encode()
        digests = self._digests(layers, encoded.dictionary, PSEUDONYM_BYTES)
        return base32_text(digests, PSEUDONYM_BYTES).take(encoded.indices)

    def _tokens(self, layers: Sequence[int], values: pa.Array) -> pa.Array:
        encoded = values.dictionary_encode()
        is_inner = pa.types.is_integer(values.type)
        texts = token_text(encoded.dictionary) if is_inner else encoded.dictionary
        return token_numbers(self._digests(layers, texts, TOKEN_BYTES)).take(encoded.indices)

    def _digests(self, layers: Sequence[int], values: pa.Array, kept_bytes: int) -> bytes:
        worker = self._idle.get()
        try:
            digests = worker.hash(layers[0], values)
            for layer in layers[1:]:
                digests = worker.hash(layer, base32_text(digests, kept_bytes))
        finally:
            self._idle.put(worker)
        return digests


class _Worker(Protocol):
    def hash(self, state: int, values: pa.Array) -> bytes: ...


@contextmanager
def keyed_hasher(
    layers: Sequence[KeyProvider], kinds: Sequence[str], processes: int
) -> Iterator[KeyedHasher]:
    """Provide a hasher for those identifier kinds, and end its processes afterwards.

    layers: the inner key, followed by the outer one if both are applied: the second hashes the base32
    text of the first, under the same kind.
    processes: 0 hashes in this process, for small extracts; else the number of separate processes.
    Raises Refused if the key's state does not allow new pseudonyms.
    """
    with ExitStack() as stack:
        workers: list[_Worker]
        if processes == 0:
            workers = [_InProcess(layers, kinds)]
        else:
            workers = [stack.enter_context(_hashing_process(layers, kinds)) for _ in range(processes)]
        hasher = KeyedHasher(kinds, len(layers), workers)
        stack.callback(hasher.close)
        yield hasher


class _InProcess:
    def __init__(self, layers: Sequence[KeyProvider], kinds: Sequence[str]) -> None:
        self._states = [keys.keyed_state(kind) for keys in layers for kind in kinds]

    def hash(self, state: int, values: pa.Array) -> bytes:
        return hash_values(self._states[state], values.cast(pa.binary()).to_pylist())


class _HashingProcess:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def hash(self, state: int, values: pa.Array) -> bytes:
        offsets, data = _buffers(values)
        requests, replies = pipes(self._process)
        try:
            requests.write(struct.pack("<II", state, len(values)))
            requests.write(offsets)
            requests.write(data)
            requests.flush()
            joined = bytes(replies.read(len(values) * DIGEST_BYTES))
        except OSError:
            joined = b""
        if len(joined) != len(values) * DIGEST_BYTES:
            raise Fault(
                "HASHING_PROCESS_DIED",
                "A hashing process ended too early. Nothing was written.",
                "Check the system log for a lack of memory, then run the command again.",
            ) from None
        return joined


@contextmanager
def _hashing_process(layers: Sequence[KeyProvider], kinds: Sequence[str]) -> Iterator[_HashingProcess]:
    with worker_process(_SCRIPT) as process:
        requests, _ = pipes(process)
        requests.write(struct.pack("<I", len(layers) * len(kinds)))
        for keys in layers:
            derived = keys.worker_keys(kinds)
            for kind in kinds:
                name = kind.encode()
                requests.write(struct.pack("<H", len(name)) + name)
                derived[kind].write_to(requests)
        requests.flush()
        yield _HashingProcess(process)


def _buffers(values: pa.Array) -> tuple[memoryview, memoryview]:
    """Return (offsets, bytes) of a text array that starts at offset 0, as dictionaries do."""
    if not len(values):
        return memoryview(bytes(4)), memoryview(b"")
    _, offsets, data = values.buffers()
    end = memoryview(offsets).cast("B").cast("i")[len(values)]
    return memoryview(offsets)[: 4 * (len(values) + 1)], memoryview(data)[:end] if data else memoryview(b"")
