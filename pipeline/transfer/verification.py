"""The checks of a package in the linkage environment, before anything in it is used.

They are made in this order. Each check reads only what the checks before it have accepted:

 1. the folder contains only regular files, including the manifest and its signature, of limited size
 2. the signature was made by the controller whose package it is
 3. the manifest is canonical JSON with exactly the fields of its format
 4. controller, agreement, period and recipient are those of this project
 5. every file in the manifest is the contents or a table of that controller; the folder contains these files
    and no others
 6. the id and the check values of the linkage key are those of the agreement
 7. the sequence continues: no replay, no gap, and the previous manifest is that of the last accepted package
 8. the package is not older than the one before it, and not dated in the future
 9. every file has the length and digest given in the manifest

Then the receiver decrypts the contents and checks them (see `contents.py`).
"""

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from governance.canonical import digest_of_file
from governance.counted import counted
from governance.errors import Refused
from governance.keys.pseudonyms.derivation import KeyContext
from pipeline.printable import shown_file
from pipeline.pseudonymise.tables import tables_of
from pipeline.transfer.contents import CONTENTS_FILE
from pipeline.transfer.manifest import (
    MANIFEST_FILE,
    NO_PACKAGE_BEFORE,
    SIGNATURE_FILE,
    TABLE_SUFFIX,
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
    """The last package accepted from a controller; the default values mean that none was accepted yet.

    manifest: digest of its manifest. created: time in UTC.
    """

    sequence: int = 0
    manifest: str = NO_PACKAGE_BEFORE
    created: str = ""


@dataclass(frozen=True)
class Expected:
    """The values that a package must have to be accepted.

    recipient: age public key of this environment. signers: controller -> Ed25519 public key (32 bytes).
    now: current time. key_version: of the linkage key, None for any. check_values: identifier kind -> check
    value in the agreement.
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
    """Make the nine checks and return the manifest; writes nothing. Raises Refused at the first failure."""
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
    """1. Only regular files, not too many; the manifest and its signature are of limited size."""
    entries = list(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []
    if not all(stat.S_ISREG(entry.lstat().st_mode) for entry in entries):
        raise _refused("PACKAGE_NOT_FILES", "it contains links, folders or devices", folder)
    sizes = {entry.name: entry.lstat().st_size for entry in entries}
    if not (MANIFEST_FILE in sizes and SIGNATURE_FILE in sizes) or len(sizes) > _MAXIMUM_FILES:
        why = f"its manifest or signature is missing, or it has more than {_MAXIMUM_FILES} files"
        raise _refused("PACKAGE_INCOMPLETE", why, folder)
    if sizes[MANIFEST_FILE] > _MAXIMUM_MANIFEST_BYTES or sizes[SIGNATURE_FILE] != 64:
        why = "its manifest is too large, or its signature is not 64 bytes long"
        raise _refused("PACKAGE_SIGNATURE_INVALID", why, folder)


def check_signature(manifest: bytes, signature: bytes, expected: Expected) -> None:
    """2. Signed by the controller whose package it is, and by no one else."""
    own = expected.signers.get(expected.controller)
    if own is not None and is_signed_by(manifest, signature, own):
        return
    for other, public_key in expected.signers.items():
        if is_signed_by(manifest, signature, public_key):
            raise Refused(
                "PACKAGE_WRONG_SIGNER",
                f"The package was not accepted: it should be from {expected.controller}, but is signed by "
                f"{other}.",
                f"Ask {expected.controller} for its own package, and find out how this one got here.",
            )
    raise Refused(
        "PACKAGE_SIGNATURE_INVALID",
        f"The package was not accepted: its manifest is not signed with the key of {expected.controller} "
        "that hearth.toml gives. Manifest or signature was altered, or the key is a different one.",
        "Compare the controller's public key by telephone, then ask the controller to send the package "
        "again.",
    )


def check_addressed_to_us(manifest: Manifest, expected: Expected) -> None:
    """4. Made by this controller, for this agreement and period and for this environment."""
    wrong = [
        name
        for name in ("controller", "agreement", "period")
        if getattr(manifest, name) != getattr(expected, name)
    ]
    if wrong:
        raise Refused(
            "PACKAGE_OTHER_AGREEMENT",
            f"The package was not accepted: it was made for another {' and '.join(wrong)}.",
            "Ask the controller for a package made for the agreement and period of this project.",
        )
    if manifest.recipient != expected.recipient:
        raise Refused(
            "PACKAGE_OTHER_RECIPIENT",
            "The package was not accepted: it is encrypted to another linkage environment.",
            "Send the controller the public key of this environment, to enter as recipient under "
            "[keys.transfer], and ask for the package again.",
        )


def check_names(manifest: Manifest, folder: Path) -> None:
    """5. Tables of this controller, each in the file with its name, and no other files."""
    known = {table.name for table in tables_of(manifest.controller)}
    allowed = {CONTENTS_FILE, *(f"{name}{TABLE_SUFFIX}" for name in known)}
    if any(f.file not in allowed for f in manifest.files):
        raise Refused(
            "PACKAGE_PATH_FORBIDDEN",
            "The package was not accepted: its manifest lists a file that is not a table of the "
            "controller, or is outside the package.",
            "Treat the package as hostile: inform the controller, and keep the package away from other data.",
        )
    named = {f.file for f in manifest.files} | {MANIFEST_FILE, SIGNATURE_FILE}
    present = {entry.name for entry in folder.iterdir()}
    is_whole = CONTENTS_FILE in named and bool(manifest.tables)
    if len(named) != len(manifest.files) + 2 or named != present or not is_whole:
        raise Refused(
            "PACKAGE_INCOMPLETE",
            "The package was not accepted: its files are not those of its manifest. Missing: "
            f"{len(named - present)}; not in the manifest: {len(present - named)}.",
            "Ask the controller to send the whole package again.",
        )


def check_linkage_key(manifest: Manifest, expected: Expected) -> None:
    """6. Pseudonymised under the agreed linkage key. Pseudonyms of different keys cannot be linked."""
    stem, _, version = manifest.key_id.rpartition(":v")
    wanted = KeyContext(expected.agreement, expected.period, expected.key_version or 1).key_id
    if stem != wanted.rpartition(":v")[0] or version not in _admitted(version, expected):
        raise Refused(
            "PACKAGE_OTHER_KEY",
            f"The package was not accepted: it was made with key {manifest.key_id}, but this project expects "
            f"{wanted}.",
            "Have both controllers run `hearth pseudonymise` with the same key version and send new "
            "packages. After a rotation, enter the new check values in the agreement, and the new version "
            "under [keys] if hearth.toml gives one.",
        )
    differing = [k for k, v in expected.check_values.items() if manifest.check_values.get(k) != v]
    if differing:
        raise Refused(
            "CHECK_VALUES_DIFFER",
            "The package was not accepted: the key's check values differ from the agreement for "
            f"{', '.join(sorted(differing))}, so it was made with another key than the agreed one.",
            "Have both controllers run `hearth keys check-value` and compare. The one with the wrong key "
            "replaces it and sends a new package.",
        )


def _admitted(version: str, expected: Expected) -> set[str]:
    """Return the accepted key versions: the configured one, or any if the agreement has check values."""
    if expected.key_version is not None:
        return {str(expected.key_version)}
    return {version} if version.isdecimal() and expected.check_values else {"1"}


def check_sequence(manifest: Manifest, last: Received) -> None:
    """7. The next package, made after the last accepted one."""
    if manifest.sequence <= last.sequence:
        raise Refused(
            "PACKAGE_REPLAYED",
            f"Package {manifest.sequence} of {manifest.controller} was not accepted, because package "
            f"{last.sequence} was already accepted. An old package may have been sent again.",
            "Remove it from the inbox, and ask the controller for its newest package.",
        )
    if manifest.sequence > last.sequence + 1:
        skipped = manifest.sequence - last.sequence - 1
        missing = counted(skipped, "package before it has", "packages before it have")
        raise Refused(
            "PACKAGE_GAP",
            f"Package {manifest.sequence} of {manifest.controller} was not accepted, because {missing} not "
            "arrived.",
            f"Ask the controller for the packages from number {last.sequence + 1} on.",
        )
    if manifest.previous != last.manifest:
        raise Refused(
            "PACKAGE_FORKED",
            f"Package {manifest.sequence} of {manifest.controller} was not accepted, because the package "
            "that the controller made before it is not the one that was accepted here.",
            "The controller's record of sent packages was changed, or restored from a backup. Find out "
            "why, then agree a new period.",
        )


def check_time(manifest: Manifest, expected: Expected, last: Received) -> None:
    """8. Not older than the package before it, and not dated in the future."""
    if last.created and manifest.created < last.created:
        raise Refused(
            "CLOCK_SET_BACK",
            f"Package {manifest.sequence} of {manifest.controller} was not accepted, because it is dated "
            "before the package that it follows.",
            "Ask the controller to correct the clock of its machine and to make the package again.",
        )
    if manifest.created_at > expected.now + _CLOCK_TOLERANCE:
        raise Refused(
            "CLOCK_SET_BACK",
            f"Package {manifest.sequence} of {manifest.controller} was not accepted, because it is dated "
            "later than the clock of this machine shows.",
            "Correct the clock that is wrong. If it is the controller's, have the package made again.",
        )


def check_files(manifest: Manifest, folder: Path) -> None:
    """9. Every file has the length and the SHA-256 of the signed manifest."""
    altered = [
        f.file
        for f in manifest.files
        if (folder / f.file).stat().st_size != f.bytes or digest_of_file(folder / f.file) != f.sha256
    ]
    if altered:
        raise Refused(
            "PACKAGE_ALTERED",
            f"The package was not used: of its files, {len(altered)} of {len(manifest.files)} differ from "
            "the signed manifest.",
            "Ask the controller to send the package again, and find out where it was changed.",
        )


def check_same_linkage_key(manifests: Mapping[str, Manifest]) -> None:
    """Raise Refused unless the packages of all controllers were made with the same key.

    manifests: by controller. Key ids show for which agreement, period and version a key was made; check
    values show whether the keys are equal.
    """
    if len({m.key_id for m in manifests.values()}) > 1:
        raise Refused(
            "KEY_IDS_DIFFER",
            "The packages of the controllers were made with keys of different ids, so they cannot be linked.",
            "Have both controllers run `hearth pseudonymise` with the current key and send new packages.",
        )
    kinds = {kind for m in manifests.values() for kind in m.check_values}
    differing = [k for k in sorted(kinds) if len({m.check_values.get(k) for m in manifests.values()}) > 1]
    if differing:
        raise Refused(
            "CHECK_VALUES_DIFFER",
            f"The check values of the controllers' keys differ for {', '.join(differing)}. The keys are "
            "different, so the packages cannot be linked.",
            "Have both controllers run `hearth keys check-value` and compare. The one with the wrong key "
            "file replaces it and sends a new package.",
        )


def _refused(code: str, why: str, folder: Path) -> Refused:
    return Refused(
        code,
        f"{shown_file(folder)} is not a valid transfer package: {why}.",
        "Ask the controller to send the whole package again.",
    )
