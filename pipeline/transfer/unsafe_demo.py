"""Transfer keys for the sample project, so that packages can be tried out on one machine.

They are stored in the workspace without a passphrase, so they protect nothing. Only single-operator custody
uses them, never production.
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
    """Return a receiver of the packages that `unsafe_demo_sender` sends in the same workspace.

    Raises Refused outside single-operator custody and in production, and Fault if no package was ever sent.
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
    """Return a sender whose keys are made in the workspace on first use; its outbox is there too.

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
            "The demo transfer keys protect nothing, so they are refused in production and outside "
            "single-operator custody.",
            "Make keys with `hearth keys new --signing FILE` and `hearth keys new --identity FILE`, and "
            "enter them under [keys.transfer] in hearth.toml (see docs/custody.md).",
        )
