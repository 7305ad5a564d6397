"""The supplier's statement about a file: digest, rows, sequence number, date (rule ING-01).

The manifest is JSON, next to the extract (`<file>.manifest.json`) or where `hearth.toml` says:

    {"sha256": "…", "rows": 20113, "sequence": 7, "supplied": "2026-03-31",
     "signed_by": "council-supplier", "signature": "…"}

`hearth governance announce` makes it. The gate, not this module, verifies the signature.
"""

import json
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipeline.ingest.readers.supplied_file import FileRefused, check_path
from pipeline.project import ExtractSettings

_KEYS = frozenset({"sha256", "rows", "sequence", "supplied", "signed_by", "signature"})
_MAXIMUM_BYTES = 64 << 10


@dataclass(frozen=True)
class Manifest:
    """The manifest of one file.

    sha256: lower-case hexadecimal, of the file as supplied. sequence: increases with every file of a table;
    None if the supplier does not count. supplied: day of supply, None if not stated.
    signed_by, signature: a principal of the agreement and their signature; None if it is not signed.
    """

    sha256: str
    rows: int
    sequence: int | None
    supplied: date | None
    signed_by: str | None = None
    signature: str | None = None


def read_manifest(settings: ExtractSettings, project_folder: Path) -> Manifest | None:
    """Return the manifest of an extract; None if hearth.toml names none and none is next to the file.

    Raises FileRefused if the manifest that hearth.toml names is missing, or a manifest cannot be read.
    """
    default_path = settings.path.with_name(settings.path.name + ".manifest.json")
    if settings.manifest is None and not default_path.exists():
        return None
    path = settings.manifest or default_path
    try:
        check_path(path, project_folder)
        with path.open("rb") as stream:
            raw = json.loads(stream.read(_MAXIMUM_BYTES))
    except FileRefused as refusal:
        raise FileRefused("ING-01", f"has a manifest that {refusal.what}") from None
    except (OSError, ValueError):
        raise FileRefused("ING-01", "has a manifest that is not readable JSON") from None
    wrong = _wrong_keys(raw)
    if wrong:
        raise FileRefused("ING-01", f"has a manifest with wrong or missing entries: {', '.join(wrong)}")
    supplied = raw.get("supplied")
    return Manifest(
        raw["sha256"].lower(),
        raw["rows"],
        raw.get("sequence"),
        None if supplied is None else date.fromisoformat(supplied),
        raw.get("signed_by"),
        raw.get("signature"),
    )


def _wrong_keys(raw: object) -> list[str]:
    if not isinstance(raw, dict):
        return ["it is not a JSON object"]
    wrong = ["an unknown entry"] if set(raw) - _KEYS else []
    sha256 = raw.get("sha256")
    if not (isinstance(sha256, str) and re.fullmatch("[0-9a-fA-F]{64}", sha256)):
        wrong.append("sha256")
    if not _is_whole(raw.get("rows")):
        wrong.append("rows")
    if "sequence" in raw and not _is_whole(raw["sequence"]):
        wrong.append("sequence")
    if "supplied" in raw and not _is_date(raw["supplied"]):
        wrong.append("supplied")
    signing = [raw.get("signed_by"), raw.get("signature")]
    if any(signing) and not all(isinstance(item, str) and item for item in signing):
        wrong.append("signed_by and signature")
    return wrong


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_date(value: object) -> bool:
    try:
        date.fromisoformat(str(value))
    except ValueError:
        return False
    return True
