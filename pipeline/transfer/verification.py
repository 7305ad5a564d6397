"""In the linkage environment: the checks a package passes before a byte of it is used.

In this order, and nothing is read by a later check that an earlier one has not admitted:

 1. the folder holds regular files alone, of bounded size, the manifest and its signature among them
 2. the signature is that of the controller whose package it claims to be
 3. the manifest is canonical and has the fields of its format, no more and no fewer
 4. controller, agreement, period and recipient are this project's
 5. every file it names is a table of that controller, by a plain name; the folder holds those and no others
 6. the linkage key's id and check values are the agreed ones
 7. the sequence continues: no replay, no gap, and the manifest before it is the one we hold
 8. time went forward since the package before, and it does not come from the future
 9. every file has the length and digest that the manifest says
"""

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from governance.canonical import digest_of_file
from governance.errors import Refused
from governance.keys.pseudonyms.derivation import KeyContext
from pipeline.pseudonymise.tables import tables_of
from pipeline.transfer.manifest import (
    MANIFEST_FILE,
    NO_PACKAGE_BEFORE,
    SIGNATURE_FILE,
    Manifest,
    is_signed_by,
    parse_manifest,
)

_MAXIMUM_MANIFEST_BYTES = 4 * 2**20
_MAXIMUM_FILES = 64
#: Two organisations' clocks may differ by this much.
_CLOCK_TOLERANCE = timedelta(hours=1)


@dataclass(frozen=True)
class Received:
    """The last package accepted from a controller."""

    sequence: int = 0
    manifest: str = NO_PACKAGE_BEFORE
    created: str = ""


@dataclass(frozen=True)
class Expected:
    """What a package must be to be accepted.

    signers: controller -> Ed25519 public key (32 bytes). recipient: our age public key.
    key_version: of the linkage key, None for any. check_values: those the agreement records, by kind.
    """

    controller: str
    agreement: str
    period: str
    recipient: str
    signers: Mapping[str, bytes]
    now: datetime
    key_version: int | None = None
    check_values: Mapping[str, str] = field(default_factory=dict)


def verify_package(folder: Path, expected: Expected, last: Received) -> Manifest:
    """Perform the nine checks; raises Refused at the first that fails, having written nothing."""
    check_folder(folder)
    content = (folder / MANIFEST_FILE).read_bytes()
    check_signature(content, (folder / SIGNATURE_FILE).read_bytes(), expected)
    manifest = parse_manifest(content)
    check_addressed_to_us(manifest, expected)
    check_names(manifest, folder)
    check_linkage_key(manifest, expected)
    check_sequence(manifest, last)
    check_time(manifest, expected, last)
    check_files(manifest, folder)
    return manifest


def check_folder(folder: Path) -> None:
    """1. Regular files alone, of bounded number; the manifest and its signature of bounded size."""
    entries = list(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []
    if not all(stat.S_ISREG(entry.lstat().st_mode) for entry in entries):
        raise _refused("PACKAGE_NOT_FILES", "it holds links, folders or devices", folder)
    sizes = {entry.name: entry.lstat().st_size for entry in entries}
    if not (MANIFEST_FILE in sizes and SIGNATURE_FILE in sizes) or len(sizes) > _MAXIMUM_FILES:
        raise _refused("PACKAGE_INCOMPLETE", "manifest or signature is missing, or it holds too much", folder)
    if sizes[MANIFEST_FILE] > _MAXIMUM_MANIFEST_BYTES or sizes[SIGNATURE_FILE] != 64:
        raise _refused("PACKAGE_SIGNATURE_INVALID", "manifest or signature has an impossible size", folder)


def check_signature(manifest: bytes, signature: bytes, expected: Expected) -> None:
    """2. Signed by the controller whose package we look at; by nobody else."""
    own = expected.signers.get(expected.controller)
    if own is not None and is_signed_by(manifest, signature, own):
        return
    for other, public_key in expected.signers.items():
        if is_signed_by(manifest, signature, public_key):
            raise Refused(
                "PACKAGE_WRONG_SIGNER",
                f"The package offered as {expected.controller}'s is signed by {other}.",
                f"Ask {expected.controller} for its own package; find out how this one came here.",
            )
    raise Refused(
        "PACKAGE_SIGNATURE_INVALID",
        f"The signature is not {expected.controller}'s over this manifest: one of the two was altered, or "
        "the key is not the registered one.",
        "Have the package sent again; compare the controller's public key by telephone.",
    )


def check_addressed_to_us(manifest: Manifest, expected: Expected) -> None:
    """4. Made by this controller, under this agreement and period, for this environment."""
    wrong = [
        name
        for name in ("controller", "agreement", "period")
        if getattr(manifest, name) != getattr(expected, name)
    ]
    if wrong:
        raise Refused(
            "PACKAGE_OTHER_AGREEMENT",
            f"The package was made for another {' and '.join(wrong)}.",
            "Ask for a package under this project's agreement and period.",
        )
    if manifest.recipient != expected.recipient:
        raise Refused(
            "PACKAGE_OTHER_RECIPIENT",
            "The package is encrypted to another linkage environment.",
            "Give the controller this environment's public key and ask for the package again.",
        )


def check_names(manifest: Manifest, folder: Path) -> None:
    """5. Tables of this controller, each in the file of its name; nothing besides."""
    known = {table.name for table in tables_of(manifest.controller)}
    if any(t.table not in known or t.file != f"{t.table}.parquet.age" for t in manifest.tables):
        raise Refused(
            "PACKAGE_PATH_FORBIDDEN",
            "The manifest names a file that is not a table's, or outside the package.",
            "Treat the package as hostile: tell the controller, keep it apart.",
        )
    named = {t.file for t in manifest.tables} | {MANIFEST_FILE, SIGNATURE_FILE}
    present = {entry.name for entry in folder.iterdir()}
    if len(named) != len(manifest.tables) + 2 or named != present:
        raise Refused(
            "PACKAGE_INCOMPLETE",
            f"{len(named - present)} named files are missing, {len(present - named)} are new.",
            "Have the package sent again, whole.",
        )


def check_linkage_key(manifest: Manifest, expected: Expected) -> None:
    """6. Pseudonymised under the agreed linkage key: joins across keys find nothing, or strangers."""
    stem, _, version = manifest.key_id.rpartition(":v")
    wanted = KeyContext(expected.agreement, expected.period, expected.key_version or 1).key_id
    if stem != wanted.rpartition(":v")[0] or version not in _admitted(version, expected):
        raise Refused(
            "PACKAGE_OTHER_KEY",
            f"The package was made under key {manifest.key_id}; this project links under {wanted}.",
            "Both controllers pseudonymise under the same key version, then send again. After a rotation the "
            "agreement's check values, and [keys] version where hearth.toml names one, are the new key's.",
        )
    differing = [k for k, v in expected.check_values.items() if manifest.check_values.get(k) != v]
    if differing:
        raise Refused(
            "CHECK_VALUES_DIFFER",
            f"The key's check values for {', '.join(sorted(differing))} are not those of the agreement.",
            "Both controllers run `hearth keys check-value` and compare; one of them holds another key.",
        )


def _admitted(version: str, expected: Expected) -> set[str]:
    """Return the versions that may have made a package: the fixed one, else any with agreed check values."""
    if expected.key_version is not None:
        return {str(expected.key_version)}
    return {version} if version.isdecimal() and expected.check_values else {"1"}


def check_sequence(manifest: Manifest, last: Received) -> None:
    """7. The next package, and made after the one we hold."""
    if manifest.sequence <= last.sequence:
        raise Refused(
            "PACKAGE_REPLAYED",
            f"Package {manifest.sequence} of {manifest.controller} comes after {last.sequence} was accepted.",
            "Take it out of the inbox; ask the controller for its newest package.",
        )
    if manifest.sequence > last.sequence + 1:
        raise Refused(
            "PACKAGE_GAP",
            f"Package {manifest.sequence} of {manifest.controller} leaves out "
            f"{manifest.sequence - last.sequence - 1} after {last.sequence}.",
            "Ask the controller for the packages between.",
        )
    if manifest.previous != last.manifest:
        raise Refused(
            "PACKAGE_FORKED",
            f"Package {manifest.sequence} of {manifest.controller} does not follow from the one before.",
            "The controller's record of what it sent was changed or restored: find out why, then agree a new "
            "period.",
        )


def check_time(manifest: Manifest, expected: Expected, last: Received) -> None:
    """8. Not before the package before, not from the future."""
    if last.created and manifest.created < last.created:
        raise Refused(
            "CLOCK_SET_BACK",
            f"Package {manifest.sequence} of {manifest.controller} is dated before the one it follows.",
            "Set the controller's clock right and have the package made again.",
        )
    if manifest.created_at > expected.now + _CLOCK_TOLERANCE:
        raise Refused(
            "CLOCK_SET_BACK",
            f"Package {manifest.sequence} of {manifest.controller} is dated in the future of this machine.",
            "Set right whichever clock is wrong, this machine's or the controller's.",
        )


def check_files(manifest: Manifest, folder: Path) -> None:
    """9. Every file as long as, and the same bytes as, when the manifest was signed."""
    altered = [
        t.table
        for t in manifest.tables
        if (folder / t.file).stat().st_size != t.bytes or digest_of_file(folder / t.file) != t.sha256
    ]
    if altered:
        raise Refused(
            "PACKAGE_ALTERED",
            f"{len(altered)} of {len(manifest.tables)} files are not what was signed.",
            "Have the package sent again.",
        )


def check_same_linkage_key(manifests: Mapping[str, Manifest]) -> None:
    """Raise Refused unless all controllers' packages were made under one and the same key.

    The key ids name what the keys are for; the check values show whether their bytes agree.
    """
    if len({m.key_id for m in manifests.values()}) > 1:
        raise Refused(
            "KEY_IDS_DIFFER",
            "The controllers pseudonymised under keys of different ids.",
            "Both use the key of the agreement's period and current version, then send again.",
        )
    kinds = {kind for m in manifests.values() for kind in m.check_values}
    differing = [k for k in sorted(kinds) if len({m.check_values.get(k) for m in manifests.values()}) > 1]
    if differing:
        raise Refused(
            "CHECK_VALUES_DIFFER",
            f"The controllers' check values differ for {', '.join(differing)}: they hold different keys.",
            "Both run `hearth keys check-value` and compare; the one with the wrong key file replaces it.",
        )


def _refused(code: str, why: str, folder: Path) -> Refused:
    return Refused(code, f"{folder.name} is no transfer package: {why}.", "Have it sent again, whole.")
