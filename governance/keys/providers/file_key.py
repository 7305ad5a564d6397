"""The file provider, the default: one encrypted file and its passphrase."""

import os
from dataclasses import replace
from pathlib import Path

from governance.errors import Fault
from governance.keys.providers.in_memory_key import InMemoryKey
from governance.keys.providers.provider import KeyDescription
from governance.keys.providers.sealed_file import (
    ScryptCost,
    read_sealed_key,
    seal,
    write_private_file,
)
from governance.keys.pseudonyms.derivation import KEY_BYTES
from governance.keys.states import KeyState, check_transition


def create_file_key(
    path: Path, description: KeyDescription, passphrase: str, cost: ScryptCost | None = None
) -> InMemoryKey:
    """Make a root from the operating system's generator and encrypt it in a new file.

    The root has the standard length, whatever `description.bits` says. Raises Fault if the file exists or
    the passphrase is weak.
    """
    made = replace(description, bits=8 * KEY_BYTES)
    root = os.urandom(KEY_BYTES)
    write_private_file(path, seal(made, root, passphrase, cost or ScryptCost()))
    return InMemoryKey(root, made)


def open_file_key(path: Path, passphrase: str) -> InMemoryKey:
    """Decrypt a key file; raises Fault if it is missing, readable by others or damaged, or on a wrong
    passphrase.
    """
    sealed = read_sealed_key(path)
    root = sealed.unseal(passphrase)
    return InMemoryKey(root, replace(sealed.description, bits=8 * len(root)))


def change_state(path: Path, passphrase: str, wanted: KeyState) -> KeyDescription:
    """Change a key's state and encrypt its file again with the same passphrase.

    Raises Refused if the change is not allowed (see `states`).
    """
    sealed = read_sealed_key(path)
    root = sealed.unseal(passphrase)
    if wanted is KeyState.DESTROYED:
        raise Fault(
            "KEY_DESTROY_OTHERWISE",
            "A key cannot be marked as destroyed while its file exists.",
            "Erase it and get a certificate with `hearth keys destroy`.",
        )
    check_transition(sealed.description.key_id, sealed.description.state, wanted)
    moved = replace(sealed.description, state=wanted)
    cost = sealed.header["scrypt"]
    content = seal(moved, root, passphrase, ScryptCost(cost["n"], cost["r"], cost["p"]))
    write_private_file(path, content, replace=True)
    return moved
