"""UnsafeDemoKey: a key that lies beside its own passphrase, for the sample project alone.

It protects nothing from whoever can read the workspace. It refuses to work
outside single-operator custody and in production, and says loudly what it is.
"""

import secrets
from datetime import date
from pathlib import Path

from governance.errors import Fault, Refused
from governance.keys.key_store import KeyStore
from governance.keys.passphrase import PassphraseSource
from governance.keys.providers.file_key import create_file_key
from governance.keys.providers.sealed_file import ScryptCost, write_private_file
from governance.keys.pseudonyms.derivation import KeyContext
from governance.keys.states import KeyState

KEY_FILE = "UNSAFE-demo.key"
PASSPHRASE_FILE = "UNSAFE-demo.passphrase"  # noqa: S105 (the name of the file)
REGISTER_FILE = "UNSAFE-demo.created"
WARNING = (
    "UNSAFE DEMO KEY: it lies in the workspace beside its passphrase, and one operator holds both the key "
    "and the data. Good for invented people only."
)


def unsafe_demo_place(
    folder: Path, context: KeyContext, *, custody: str, production: bool, today: date
) -> KeyStore:
    """Return where the sample project's key lies, having made it on the first run in a workspace.

    folder: the workspace's `keys` zone. Raises Refused outside single-operator custody and in
    production; Fault when the key was made here before and is gone.
    """
    if custody != "single-operator" or production:
        raise Refused(
            "UNSAFE_KEY_FORBIDDEN",
            f"The demo key is for single-operator custody outside production; this project is {custody}"
            f"{', production' if production else ''}.",
            "Name a provider in [keys] and make a key with `hearth keys new`.",
        )
    place = folder / f"{context.agreement}-{context.period}".replace("/", "-")
    key, passphrase = place / KEY_FILE, place / PASSPHRASE_FILE
    if not key.exists():
        if (place / REGISTER_FILE).exists():
            raise Fault(
                "KEY_MISSING",
                f"The demo key {context.key_id} was made in this workspace and is no longer there.",
                "Restore it, or start with an empty workspace: another key makes other pseudonyms.",
            )
        passphrase.unlink(missing_ok=True)
        secret = secrets.token_urlsafe(32)
        write_private_file(passphrase, secret.encode() + b"\n")
        create_file_key(
            key,
            context,
            secret,
            state=KeyState.ACTIVE,
            provider="unsafe-demo",
            today=today,
            cost=ScryptCost(n=2**14),
        )
        write_private_file(place / REGISTER_FILE, f"{today.isoformat()} {context.key_id}\n".encode())
    return KeyStore(context.agreement, context.period, None, key, PassphraseSource(passphrase))
