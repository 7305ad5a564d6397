"""Run by the Python of the matcher's own environment: looks addresses up with uk-address-matcher.

    python -I worker.py FOLDER

Reads task.json, listed.parquet (listed_id, address, postcode) and sought.parquet (address_id, address,
postcode) in FOLDER; writes found.parquet (address_id, listed_id, match_reason, match_weight,
distinguishability) and, last, outcome.json. Ids are row numbers: neither UPRNs nor record ids come here.

It imports nothing of Hearth. What an engine says of an error may quote an address, so only the
error's type and the places it passed through are told.
"""

import json
import sys
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Any

TOOL = "uk-address-matcher"
#: As in Hearth's own engine: DuckDB calls a spill that outgrows its volume out of memory.
DISK_FULL_WORDS = ("no space left on device", "out of disk space", "max_temp_directory_size")


def main(folder: Path) -> int:
    """Do the task in `folder`; returns 0 when its result is there."""
    outcome: dict[str, Any] = {"version": None, "error": None, "disk_full": False, "places": []}
    try:
        outcome["version"] = version(TOOL)
        task = json.loads((folder / "task.json").read_text("utf-8"))
        _match(folder, task["threads"], task["memory_limit"])
    except BaseException as error:  # noqa: BLE001 its message may hold an address
        outcome["error"] = type(error).__name__
        outcome["disk_full"] = any(words in str(error).lower() for words in DISK_FULL_WORDS)
        outcome["places"] = [
            f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
    (folder / "outcome.json").write_text(json.dumps(outcome), "utf-8")
    return 0 if outcome["error"] is None else 1


def _match(folder: Path, threads: int, memory_limit: str) -> None:
    import duckdb
    import uk_address_matcher as matcher

    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": str(threads),
            "memory_limit": memory_limit,
            "temp_directory": str(folder / "spill"),
            "extension_directory": str(folder / "no_extensions"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    # The tool finds tables among its Python variables and changes settings as it goes, so this connection
    # cannot be locked like Hearth's own; but without an extension DuckDB knows no network.
    connection.execute("SET allow_community_extensions=false")
    connection.execute("SET allow_persistent_secrets=false")
    listed = connection.read_parquet(str(folder / "listed.parquet"))
    sought = connection.read_parquet(str(folder / "sought.parquet"))
    matched = matcher.AddressMatcher(
        canonical_addresses=listed.select("listed_id AS unique_id, address AS address_concat, postcode"),
        addresses_to_match=sought.select("address_id AS unique_id, address AS address_concat, postcode"),
        con=connection,
        stages=[
            matcher.ExactMatchStage(require_unique_match=True),
            matcher.PeeledAddressStage(),
            matcher.UniqueTrigramStage(),
            # the thresholds are Hearth's: whatever scored best is kept, with its scores
            matcher.SplinkStage(final_distinguishability_threshold=None),
        ],
        show_progress="off",
    ).match()
    found = matched.matches()
    scores = ", ".join(
        name if name in found.columns else f"CAST(NULL AS DOUBLE) AS {name}"
        for name in ("match_weight", "distinguishability")
    )
    found.select(
        f"unique_id AS address_id, resolved_canonical_id AS listed_id, match_reason, {scores}"
    ).order("address_id").write_parquet(str(folder / "found.parquet"))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
