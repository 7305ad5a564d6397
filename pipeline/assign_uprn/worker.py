"""Looks up addresses with uk-address-matcher. It runs in the matcher's own Python environment.

    python -I worker.py FOLDER

Reads task.json, listed.parquet (listed_id, address, postcode) and address_to_match.parquet (address_id,
address, postcode) in FOLDER. Writes found.parquet (address_id, listed_id, match_reason, match_weight,
distinguishability) and, last, outcome.json. Ids are row numbers, so this process has no UPRNs or record ids.

It imports no module of Hearth. An engine's message can quote an address, so outcome.json contains only the
type of an error and its stack trace without values.
"""

import json
import sys
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Any

TOOL = "uk-address-matcher"
#: Same as in pipeline/engine/exhaustion.py: DuckDB reports a full volume during a spill as out of memory.
DISK_FULL_WORDS = ("no space left on device", "out of disk space", "max_temp_directory_size")


def main(folder: Path) -> int:
    """Carry out the task in `folder`; returns 0 if the result was written, otherwise 1."""
    outcome: dict[str, Any] = {"version": None, "error": None, "disk_full": False, "places": []}
    try:
        outcome["version"] = version(TOOL)
        task = json.loads((folder / "task.json").read_text("utf-8"))
        _match(folder, task["threads"], task["memory_limit"])
    except BaseException as error:  # noqa: BLE001 its message can quote an address
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
    # The tool refers to tables by its Python variables and changes settings while it runs, so this connection
    # cannot be locked like Hearth's own. Without extensions DuckDB has no network access.
    connection.execute("SET allow_community_extensions=false")
    connection.execute("SET allow_persistent_secrets=false")
    listed = connection.read_parquet(str(folder / "listed.parquet"))
    address_to_match = connection.read_parquet(str(folder / "address_to_match.parquet"))
    matched = matcher.AddressMatcher(
        canonical_addresses=listed.select("listed_id AS unique_id, address AS address_concat, postcode"),
        addresses_to_match=address_to_match.select(
            "address_id AS unique_id, address AS address_concat, postcode"
        ),
        con=connection,
        stages=[
            matcher.ExactMatchStage(require_unique_match=True),
            matcher.PeeledAddressStage(),
            matcher.UniqueTrigramStage(),
            # Hearth applies its own thresholds later, so keep the best candidate with its scores.
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
