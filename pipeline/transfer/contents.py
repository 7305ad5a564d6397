"""The contents of a package: what only the linkage environment may read about the tables, encrypted to it.

The manifest in clear has what routing and authenticity need: the recipient, the place in the
sequence, the key's id and check values, and length and digest of each file. Numbers of rows, the facts that
the gate judges and the seed of the canary are in `contents.json.age`.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyrage

from governance.canonical import canonical_json
from governance.errors import Refused
from governance.keys.pseudonyms.derivation import ALGORITHM
from governance.keys.states import KeyState
from pipeline.project import CUSTODY_MODES
from pipeline.pseudonymise.tables import IDENTIFIERS, PseudonymisedTable, tables_of
from pipeline.transfer.manifest import Manifest

FORMAT = "hearth-contents/1"
CONTENTS_FILE = "contents.json.age"
#: Far more than the facts of any package.
MAXIMUM_BYTES = 4 * 2**20
_DIGEST = re.compile(r"[0-9a-f]{64}")
_DAY = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_PROVIDER = re.compile(r"[a-z][a-z0-9-]{0,30}")
_COUNTS = frozenset({"key_bits", "pseudonym_bytes", "key_version", "sentinels_hashed", "ages_withheld"}) | {
    "canary_rows"
}
_SELF_ATTACK = frozenset(
    {"distinct", "candidates", "range_candidates", "salted", "methods", "previous_keys", "tried"}
) | {"pseudonyms", "recovered"}
_ENCODING_ATTACK = frozenset({"column", "occurrences", "reidentified", "reidentified_share", "by_sector"})


@dataclass(frozen=True)
class DeclaredTable:
    """The declared size of one table. bytes: 8 for each value, and the length of each text."""

    table: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class Contents:
    """The contents of a package. evidence: facts of the pseudonymise stage, judged after receipt."""

    reference_date: str
    tables: tuple[DeclaredTable, ...]
    evidence: Mapping[str, Any]
    format: str = FORMAT

    def as_bytes(self) -> bytes:
        """Return the canonical JSON that is encrypted."""
        return canonical_json(asdict(self))


def seal(content: bytes, recipient: "pyrage.x25519.Recipient", path: Path) -> None:
    """Write `content` to `path`, encrypted to the linkage environment."""
    path.write_bytes(pyrage.encrypt(content, [recipient]))


def unseal(path: Path, identity: "pyrage.x25519.Identity") -> bytes | None:
    """Return the decrypted content of a small file; None if it is too large or cannot be decrypted."""
    try:
        if path.stat().st_size > MAXIMUM_BYTES:
            return None
        return bytes(pyrage.decrypt(path.read_bytes(), [identity]))
    except (pyrage.DecryptError, OSError):
        return None


def open_contents(folder: Path, manifest: Manifest, identity: "pyrage.x25519.Identity") -> Contents:
    """Decrypt and check the contents of a package whose manifest and files have been verified.

    Raises Refused unless the contents have exactly the fields of their format, are of the manifest's tables
    and key, and have only facts of known names and kinds.
    """
    content = unseal(folder / CONTENTS_FILE, identity)
    try:
        raw = json.loads(content or b"")
        declared = tuple(DeclaredTable(**table) for table in raw.pop("tables"))
        contents = Contents(tables=declared, **raw)
        sound = contents.as_bytes() == content and _is_sound(contents, manifest)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        sound = False
    if not sound:
        raise Refused(
            "PACKAGE_CONTENTS_INVALID",
            f"The package was not accepted: its contents cannot be decrypted here, or are not of format "
            f"{FORMAT}.",
            "Install the same version of Hearth here and at the controller. Then have the controller make "
            "the package again with `hearth pseudonymise`.",
        )
    return contents


def _is_sound(contents: Contents, manifest: Manifest) -> bool:
    known = {table.name: table for table in tables_of(manifest.controller)}
    names = set(manifest.tables)
    declared = [table.table for table in contents.tables]
    date.fromisoformat(contents.reference_date)
    return (
        contents.format == FORMAT
        and len(set(declared)) == len(declared)
        and set(declared) == names <= set(known)
        and all(_is_count(table.rows) and _is_count(table.bytes) for table in contents.tables)
        and _are_facts(contents.evidence, {name: known[name] for name in names}, manifest)
    )


def _are_facts(
    facts: Mapping[str, Any], tables: Mapping[str, PseudonymisedTable], manifest: Manifest
) -> bool:
    """Answer whether the evidence consists of known facts only, so that no other text can be printed."""
    kinds = {c.kind for t in tables.values() for c in t.hashed.values()} | set(IDENTIFIERS)
    same: Mapping[str, Any] = {
        "algorithm": ALGORITHM,
        "key_id": manifest.key_id,
        "check_values": dict(manifest.check_values),
        "key_agreement": manifest.agreement,
        "key_period": manifest.period,
        "agreement": manifest.agreement,
        "period": manifest.period,
        "outer_key_id": None,
        "outer_check_value": None,
    }
    other: Mapping[str, Callable[[Any], bool]] = {
        "key_state": lambda text: text in {str(state) for state in KeyState},
        "key_provider": lambda text: _PROVIDER.fullmatch(text) is not None,
        "custody": lambda text: text in CUSTODY_MODES,
        "canary_seed": lambda text: _DIGEST.fullmatch(text) is not None,
        "identifiers": lambda given: (
            set(given) <= kinds and all(_are_counts(counts, _IDENTIFIER_COUNTS) for counts in given.values())
        ),
        "self_attack": lambda given: _are_counts(given, _SELF_ATTACK),
        "tables": lambda given: (
            set(given) == set(tables) and all(_is_table(given[name], tables[name]) for name in given)
        ),
        "declared_periods": lambda given: set(given) <= set(tables) and all(map(_is_period, given.values())),
        "encoding_attack": lambda given: (
            set(given) <= set(tables)
            and all(_is_attack(item, tables[name]) for name, items in given.items() for item in items)
        ),
    }
    return (
        set(facts) == {*_COUNTS, *same, *other}
        and all(_is_count(facts[name]) for name in _COUNTS)
        and all(facts[name] == value for name, value in same.items())
        and all(is_allowed(facts[name]) for name, is_allowed in other.items())
    )


_IDENTIFIER_COUNTS = frozenset({"values", "distinct_in", "distinct_out"})


def _is_table(given: Mapping[str, Any], table: PseudonymisedTable) -> bool:
    return (
        set(given) == {"rows_in", "rows_out", "columns"}
        and _is_count(given["rows_in"])
        and _is_count(given["rows_out"])
        and set(given["columns"]) <= set(table.columns)
    )


def _is_attack(given: Mapping[str, Any], table: PseudonymisedTable) -> bool:
    numbers = [value for name, value in given.items() if name != "column"]
    return (
        set(given) == _ENCODING_ATTACK
        and given["column"] in table.columns
        and all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers)
    )


def _is_period(given: object) -> bool:
    """Answer whether the value is a first and a last day, in ISO form and in order."""
    return isinstance(given, list) and len(given) == 2 and all(map(_is_day, given)) and given[0] <= given[1]


def _is_day(given: object) -> bool:
    """Answer whether the value is a day of the calendar in ISO form: 2026-02-30 is none."""
    if not isinstance(given, str) or not _DAY.fullmatch(given):
        return False
    try:
        date.fromisoformat(given)
    except ValueError:
        return False
    return True


def _are_counts(given: Mapping[str, Any], names: frozenset[str]) -> bool:
    return set(given) <= names and all(map(_is_count, given.values()))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
