"""State of a key whose root is kept elsewhere: a private file, authenticated with the key itself.

The authentication code cannot be made without the key, so an edited file is
detected and a retired key stays retired.
"""

import json
from dataclasses import replace
from datetime import date
from hmac import compare_digest
from pathlib import Path

from cryptography.hazmat.primitives import hashes, hmac

from governance.canonical import canonical_json
from governance.errors import Fault
from governance.keys.providers.provider import KeyDescription
from governance.keys.providers.sealed_file import read_private_file, write_private_file
from governance.keys.pseudonyms.derivation import KeyContext, derive_key
from governance.keys.states import KeyState, check_transition

FORMAT = "hearth-key-state/1"
_KIND = "state-record"


def create_state_record(path: Path, description: KeyDescription, root: bytes) -> None:
    """Write the record of a new key; raises Fault if there is one already."""
    write_private_file(path, _content(description, root))


def read_context(path: Path, agreement: str, period: str, version: int | None) -> KeyContext:
    """Return the context in the record, before the key is available to authenticate it."""
    header = _read(path)["header"]
    try:
        return KeyContext(agreement, period, version or int(header["version"]))
    except (KeyError, TypeError, ValueError):
        raise _malformed(path) from None


def read_state_record(path: Path, root: bytes) -> KeyDescription:
    """Return the description of the key with this root; raises Fault if the record is not this key's."""
    record = _read(path)
    try:
        header = record["header"]
        description = KeyDescription(
            context=KeyContext(header["agreement"], header["period"], int(header["version"])),
            provider=str(header["provider"]),
            state=KeyState(header["state"]),
            bits=8 * len(root),
            created=date.fromisoformat(header["created"]),
            expires=date.fromisoformat(header["expires"]) if header["expires"] else None,
        )
        is_own = compare_digest(str(record["code"]), _code(description, root))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _malformed(path) from None
    if not is_own:
        raise Fault(
            "KEY_STATE_ALTERED",
            f"{path.name} was edited, or it belongs to another key.",
            "Restore the file from the key's custodian, and compare the key's check value (`hearth keys "
            "check-value`).",
        )
    return description


def change_recorded_state(path: Path, root: bytes, wanted: KeyState) -> KeyDescription:
    """Change the key's state; raises Refused if the change is not allowed."""
    current = read_state_record(path, root)
    check_transition(current.key_id, current.state, wanted)
    moved = replace(current, state=wanted)
    write_private_file(path, _content(moved, root), replace=True)
    return moved


def _content(description: KeyDescription, root: bytes) -> bytes:
    return canonical_json({"header": _header(description), "code": _code(description, root)}) + b"\n"


def _header(description: KeyDescription) -> dict[str, object]:
    return {
        "format": FORMAT,
        "agreement": description.context.agreement,
        "period": description.context.period,
        "version": description.context.version,
        "provider": description.provider,
        "state": str(description.state),
        "created": description.created.isoformat(),
        "expires": description.expires.isoformat() if description.expires else None,
    }


def _code(description: KeyDescription, root: bytes) -> str:
    state = hmac.HMAC(derive_key(root, description.context, _KIND), hashes.SHA256())
    state.update(canonical_json(_header(description)))
    return state.finalize().hex()


def _read(path: Path) -> dict[str, dict[str, str]]:
    content = read_private_file(path, "key state file")
    try:
        record: dict[str, dict[str, str]] = json.loads(content)
        sound = record["header"]["format"] == FORMAT
    except (ValueError, TypeError, KeyError):
        sound = False
    if not sound:
        raise _malformed(path)
    return record


def _malformed(path: Path) -> Fault:
    return Fault(
        "KEY_FILE_MALFORMED",
        f"{path.name} is not a key state file of format {FORMAT}.",
        "Restore it from the key's custodian, or make a key with `hearth keys new`.",
    )
