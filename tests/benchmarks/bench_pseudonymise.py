"""Pseudonymisation against a bare loop over the same keyed state, and its memory at forty times the rows."""

import json
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pyarrow as pa

from flows.actions.benchmark import Figure
from governance.keys.providers.in_memory_key import InMemoryKey
from governance.keys.providers.provider import KeyDescription
from governance.keys.pseudonyms.column_hashing import keyed_hasher
from governance.keys.pseudonyms.derivation import KeyContext
from governance.keys.states import KeyState
from pipeline.engine.tables import BATCH_ROWS
from pipeline.pseudonymise.streaming import hashed_batches
from pipeline.pseudonymise.tables import UPRN, HashedColumn

KEY = InMemoryKey(
    bytes(range(32)),
    KeyDescription(KeyContext("bench", "2026"), "file", KeyState.ACTIVE, 256, date(2026, 1, 1), None),
)
ROUNDS = 5


def measure(households: int, folder: Path) -> list[Figure]:
    rows = max(200_000, 10 * households)
    bare, one, ratio = best_ratio(rows)
    both = per_second(rows, processes=2)
    small, large = (peak_mib(n, folder) for n in (rows, 40 * rows))
    return [
        Figure("bare loop over the keyed state, a core", bare, "identifiers/s"),
        Figure("column to pseudonyms, a core", one, "identifiers/s", "600,000"),
        Figure("time of the column beside the bare loop", ratio, "ratio", "1.30 or less"),
        Figure("column to pseudonyms, two processes, by the clock", both, "identifiers/s"),
        Figure(f"peak memory at {rows:,} rows", small, "MiB"),
        Figure(f"peak memory at {40 * rows:,} rows", large, "MiB", "that at a fortieth of the rows"),
    ]


def best_ratio(rows: int) -> tuple[float, float, float]:
    """Both sides in turn, several times, in processor seconds; the quickest of each, whatever else runs."""
    values = [f"{n:012d}".encode() for n in range(rows)]
    column = pa.chunked_array(
        [pa.array(values[n : n + BATCH_ROWS]).cast(pa.string()) for n in range(0, rows, BATCH_ROWS)]
    )
    state = KEY.keyed_state(UPRN)
    bare = ours = float("inf")
    with keyed_hasher([KEY], [UPRN], 0) as hasher:
        for _ in range(ROUNDS):
            start = time.process_time()
            bare_loop(state, values)
            bare = min(bare, time.process_time() - start)
            start = time.process_time()
            for chunk in column.chunks:
                hasher.pseudonyms(UPRN, chunk).result()
            ours = min(ours, time.process_time() - start)
    return rows / bare, rows / ours, ours / bare


def bare_loop(state: object, values: list[bytes]) -> list[bytes]:
    pseudonyms = []
    for value in values:
        keyed = state.copy()  # type: ignore[attr-defined]
        keyed.update(value)
        pseudonyms.append(keyed.finalize()[:20])
    return pseudonyms


def per_second(rows: int, processes: int) -> float:
    with keyed_hasher([KEY], [UPRN], processes) as hasher:
        start = time.perf_counter()
        for _ in stream(rows, hasher):
            pass
        return rows / (time.perf_counter() - start)


def stream(rows: int, hasher: object):  # type: ignore[no-untyped-def]
    schema = pa.schema([("uprn_pseudonym", pa.string())])
    batches = (
        pa.RecordBatch.from_arrays(
            [pa.array([f"{i:012d}" for i in range(n, min(n + BATCH_ROWS, rows))])], schema=schema
        )
        for n in range(0, rows, BATCH_ROWS)
    )
    return hashed_batches(batches, {"uprn_pseudonym": HashedColumn(UPRN)}, hasher)  # type: ignore[arg-type]


def peak_mib(rows: int, folder: Path) -> float:
    """Peak memory of a process that streams that many rows into a Parquet file."""
    program = (
        "import json, resource, sys\n"
        "from pathlib import Path\n"
        "import importlib.util, pyarrow as pa\n"
        "spec = importlib.util.spec_from_file_location('bench', sys.argv[1])\n"
        "bench = importlib.util.module_from_spec(spec); spec.loader.exec_module(bench)\n"
        "from pipeline.engine.tables import write_table\n"
        "schema = pa.schema([('uprn_pseudonym', pa.string())])\n"
        "with bench.keyed_hasher([bench.KEY], [bench.UPRN], 2) as hasher:\n"
        "    batches = bench.stream(int(sys.argv[2]), hasher)\n"
        "    write_table(pa.RecordBatchReader.from_batches(schema, batches), Path(sys.argv[3]))\n"
        "print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, __file__, str(rows), str(folder / f"{rows}.parquet")],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(json.loads(ran.stdout))
