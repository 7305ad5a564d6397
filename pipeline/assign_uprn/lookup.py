"""Runs the matcher in a process of its own, which exchanges data only through files in a private folder.

The process receives addresses, postcodes, row numbers and a folder, and none of this process's environment
variables. Its output is discarded, because an engine's message can quote an address.
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
    """Look up every row of `address_to_match` in `listed`, and create the table `found`.

    found: one row per address: address_id, listed_id (NULL without a candidate), match_reason, match_weight
    (log2), distinguishability. The last two are NULL if an exact rule decided; the last also if there is
    no second candidate. folder: private; the caller removes it. Raises Fault if the matcher fails.
    """
    work = folder / "lookup"
    (work / "tmp").mkdir(parents=True, mode=0o700)
    for name, query in (
        ("listed", "SELECT listed_id, address, postcode FROM listed ORDER BY listed_id, address, postcode"),
        (
            "address_to_match",
            "SELECT address_id, address, postcode FROM address_to_match ORDER BY address_id",
        ),
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
            "Free space on the volume of --out, or choose another folder with --out. Then repeat "
            "`hearth assign-uprn`.",
        )
    if ended.returncode != 0:
        error = outcome["error"] or f"exit code {ended.returncode}"
        where = "".join(f" in {place}" for place in outcome["places"][-1:])
        raise Fault(
            "MATCHER_FAILED",
            f"uk-address-matcher stopped ({error}{where}), so no UPRNs were assigned. Its message is not "
            "shown, because it can quote addresses.",
            "Repeat the command with a higher --memory-limit, or with --out on a volume with more free "
            "space. If it stops again, report it as a defect of Hearth.",
        )
    if outcome["version"] != environment.version:
        raise Fault(
            "MATCHER_OUT_OF_DATE",
            f"uk-address-matcher {outcome['version']} is installed, but Hearth needs {environment.version}. "
            "No UPRNs were assigned.",
            "Run `make assign-uprn-environment` to build its environment again.",
        )
    found = pq.read_table(work / _FOUND)
    connection.register("supplied", found)
    connection.execute("CREATE TABLE found AS SELECT * FROM supplied")
    connection.unregister("supplied")


def _outcome(path: Path) -> dict[str, Any]:
    """Return the outcome that the process wrote at its end, or an empty one if the process was killed."""
    try:
        outcome: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {"version": None, "error": None, "disk_full": False, "places": []}
    return outcome
