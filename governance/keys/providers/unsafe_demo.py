"""UnsafeDemoKey: a key stored next to its own passphrase, for the sample project only.

It protects nothing from a person who can read the workspace. It is refused
outside single-operator custody and in production, and every use prints a warning.
"""

import secrets
from datetime import date
from pathlib import Path

from governance.errors import Fault, Refused
from governance.keys.key_store import KeyStore
from governance.keys.passphrase import PassphraseSource
from governance.keys.providers.file_key import create_file_key
from governance.keys.providers.provider import KeyDescription
from governance.keys.providers.sealed_file import ScryptCost, write_private_file
from governance.keys.pseudonyms.derivation import KEY_BYTES, KeyContext
from governance.keys.states import KeyState

KEY_FILE = "UNSAFE-demo.key"
PASSPHRASE_FILE = "UNSAFE-demo.passphrase"  # noqa: S105 (the name of the file)
REGISTER_FILE = "UNSAFE-demo.created"
WARNING = (
    "UNSAFE DEMO KEY: it is stored in the workspace with its passphrase, and one operator has both the key "
    "and the data. Use it only for invented people."
)


def unsafe_demo_store(
    folder: Path, context: KeyContext, *, custody: str, production: bool, today: date
) -> KeyStore:
    """Return where the sample project's key is kept; makes it on the first run in a workspace.

    folder: the workspace's `keys` zone. Raises Refused outside single-operator custody and in
    production, and Fault if the key was made here before and is missing.
    """
    if custody != "single-operator" or production:
        raise Refused(
            "UNSAFE_KEY_FORBIDDEN",
            "The demo key works only in single-operator custody outside production; this project has custody "
            f"{custody}{' and is in production' if production else ''}.",
            "Set `provider` and `path` under [keys] in hearth.toml and make a key with `hearth keys new`.",
        )
    key_folder = folder / f"{context.agreement}-{context.period}".replace("/", "-")
    key, passphrase = key_folder / KEY_FILE, key_folder / PASSPHRASE_FILE
    if not key.exists():
        if (key_folder / REGISTER_FILE).exists():
            raise Fault(
                "KEY_MISSING",
                f"The demo key {context.key_id} was made in this workspace and is now missing.",
                "Restore it, or start with an empty workspace: a new key makes different pseudonyms.",
            )
        passphrase.unlink(missing_ok=True)
        secret = secrets.token_urlsafe(32)
        write_private_file(passphrase, secret.encode() + b"\n")
        described = KeyDescription(context, "unsafe-demo", KeyState.ACTIVE, 8 * KEY_BYTES, today, None)
        create_file_key(key, described, secret, ScryptCost(n=2**14))
        write_private_file(key_folder / REGISTER_FILE, f"{today.isoformat()} {context.key_id}\n".encode())
    return KeyStore(context.agreement, context.period, None, key, PassphraseSource(passphrase))
