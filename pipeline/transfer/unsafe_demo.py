"""The sample project's transfer keys: all three places on one machine, so that a package can be seen.

They lie in the workspace without a passphrase and protect nothing; single-operator custody alone uses them.
"""

from governance.errors import Refused
from pipeline.context import RunContext
from pipeline.transfer.identities import (
    create_identity,
    create_signing_key,
    open_recipient,
    open_signing_key,
    public_key_bytes,
    public_key_text,
    read_identity,
)
from pipeline.transfer.receiving import Receiver
from pipeline.transfer.sending import Sender

FOLDER = "UNSAFE-demo-transfer"


def unsafe_demo_receiver(context: RunContext) -> Receiver:
    """Return the receiver of what the demo's senders send, in the same workspace.

    Raises Refused outside single-operator custody and in production; Fault when nothing was ever sent.
    """
    _check_allowed(context)
    folder = context.workspace.zone("keys") / FOLDER
    signers = {path.stem: open_signing_key(path) for path in sorted(folder.glob("*.pem"))}
    return Receiver(
        read_identity(folder / "linkage.identity"),
        {controller: public_key_bytes(public_key_text(key)) for controller, key in signers.items()},
        context.workspace.root / "outbox",
    )


def unsafe_demo_sender(context: RunContext, controller: str) -> Sender:
    """Return a sender whose keys are made in the workspace on first use, its outbox beside them.

    Raises Refused outside single-operator custody and in production.
    """
    _check_allowed(context)
    folder = context.workspace.zone("keys") / FOLDER
    signing, identity = folder / f"{controller}.pem", folder / "linkage.identity"
    if not signing.exists():
        create_signing_key(signing)
    if not identity.exists():
        create_identity(identity)
    recipient = open_recipient(str(read_identity(identity).to_public()))
    return Sender(open_signing_key(signing), recipient, context.workspace.root / "outbox")


def _check_allowed(context: RunContext) -> None:
    if context.project.custody != "single-operator" or context.project.production:
        raise Refused(
            "UNSAFE_KEY_FORBIDDEN",
            "The demo's transfer keys are for single-operator custody outside production.",
            "Name the places' own keys in [keys.transfer].",
        )
