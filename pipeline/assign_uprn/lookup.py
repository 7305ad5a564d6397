"""Running the matcher: private files in, private files out, and nothing else passes between the two.

The other process gets addresses, postcodes and row numbers, a folder to work in and no variable of
this one's environment. What it prints is thrown away, for an engine's message may quote an address.
"""

import json
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from governance.errors import Fault
from pipeline.assign_uprn.environment import MatcherEnvironment
from pipeline.engine.duckdb import EngineSettings

_FOUND = "found.parquet"
_OUTCOME = "outcome.json"


def look_up(
    connection: duckdb.DuckDBPyConnection,
    environment: MatcherEnvironment,
    settings: EngineSettings,
    folder: Path,
) -> None:
    """Look up every row of `sought` in `listed` and create `found`.

    found: address_id, listed_id (NULL where there is no candidate), match_reason, match_weight,
    distinguishability (these two NULL where a rule decided, the last where no other candidate was).
    folder: private; everything in it is removed by the caller. Raises Fault where the matcher fails.
    """
    work = folder / "lookup"
    (work / "tmp").mkdir(parents=True, mode=0o700)
    for name, query in (
        ("listed", "SELECT listed_id, address, postcode FROM listed ORDER BY listed_id, address, postcode"),
        ("sought", "SELECT address_id, address, postcode FROM sought ORDER BY address_id"),
    ):
        pq.write_table(connection.sql(query).to_arrow_table(), work / f"{name}.parquet")
    task = {"threads": settings.threads, "memory_limit": settings.memory_limit}
    (work / "task.json").write_text(json.dumps(task), "utf-8")
    worker = str(files("pipeline.assign_uprn") / "worker.py")
    ended = subprocess.run(  # noqa: S603 both files are Hearth's own
        [str(environment.python), "-I", "-B", worker, str(work)],
        env={"TMPDIR": str(work / "tmp"), "LC_ALL": "C.UTF-8", "DO_NOT_TRACK": "1"},
        cwd=work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    outcome = _outcome(work / _OUTCOME)
    if outcome["disk_full"]:
        raise Fault(
            "DISK_FULL",
            "The disk filled up while addresses were looked up; nothing was assigned.",
            "Free space beside --out, or name another place with it.",
        )
    if ended.returncode != 0:
        how = outcome["error"] or f"exit code {ended.returncode}"
        place = "".join(outcome["places"][-1:])
        raise Fault(
            "MATCHER_FAILED",
            f"uk-address-matcher stopped ({how} {place}); its message may hold addresses.".replace(" )", ")"),
            "Give it more memory (--memory-limit) or disk beside --out, or report it as a defect.",
        )
    if outcome["version"] != environment.version:
        raise Fault(
            "MATCHER_OUT_OF_DATE",
            f"uk-address-matcher {outcome['version']} is installed where {environment.version} is locked.",
            "Build its environment anew: `make assign-uprn-environment`.",
        )
    found = pq.read_table(work / _FOUND)
    connection.register("supplied", found)
    connection.execute("CREATE TABLE found AS SELECT * FROM supplied")
    connection.unregister("supplied")


def _outcome(path: Path) -> dict[str, Any]:
    """Return what the other process said at its end; of one that was killed, nothing."""
    try:
        said: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {"version": None, "error": None, "disk_full": False, "places": []}
    return said
