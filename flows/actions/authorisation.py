"""Who acts: the keys that a command was given, else the project's, else a sample's own.

`hearth run --key operator.pem --key releaser.pem` says who starts the run and who lets its release
appear; `signing_keys` in hearth.toml says it for a timer. Which principal a key belongs to stands in
the agreement, and what he may do in `governance/principals/roles.py`.
"""

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.agreement.agreement import Agreement
from governance.audit.signer import read_signing_key
from governance.errors import Refused
from governance.principals.roles import may
from governance.principals.run_authorisation import principal_of, principal_who_may, run_authorisation_facts
from governance.principals.unsafe_demo_principals import unsafe_demo_keys
from pipeline.project import Project
from pipeline.transfer.identities import open_signing_key
from pipeline.transfer.settings import read_transfer_settings


def authorising_keys(
    project: Project, agreement: Agreement, given: Sequence[Path] = ()
) -> tuple[Ed25519PrivateKey, ...]:
    """Return the keys of those who act; raises Fault where one cannot be read."""
    paths = tuple(given) or project.signing_keys
    if paths:
        return tuple(read_signing_key(path) for path in paths)
    return unsafe_demo_keys(agreement, project.custody, project.production)


def authorisation_facts(
    project: Project,
    agreement: Agreement,
    run_id: str,
    action: str,
    further: Sequence[Ed25519PrivateKey] = (),
) -> dict[str, Any]:
    """Return the facts of who starts a run, for its evidence. further: keys that the run holds anyway."""
    return run_authorisation_facts(
        agreement, run_id, action, (*authorising_keys(project, agreement), *further)
    )


def authorised_principal(
    project: Project,
    agreement: Agreement,
    action: str,
    given: Path | None,
    expected: str | None = None,
    further: Sequence[Ed25519PrivateKey] = (),
) -> tuple[str, Ed25519PrivateKey]:
    """Return (id, key) of the principal who takes an action outside a run; raises Refused if none may.

    given: the key file of the command line. expected: the principal that the command line named.
    further: keys that this place holds anyway, tried where none was given.
    """
    keys = authorising_keys(project, agreement, () if given is None else (given,))
    keys += tuple(further) if given is None else ()
    if not keys:
        raise Refused(
            "NOT_AUTHENTICATED",
            f"No key was given, so nobody is known who may {action}.",
            "Give the key of a principal with --key, or name it in signing_keys of hearth.toml.",
        )
    named = [key for key in keys if (person := principal_of(agreement, key)) and may(person, action)]
    key = (named or list(keys))[0]
    told = "the key" if given is None else given.name
    principal = principal_who_may(agreement, key, action, told, expected)
    return principal.id, key


def package_signers(project: Project) -> tuple[Ed25519PrivateKey, ...]:
    """Return the key that signs this controller's packages; where it is a key holder's, it signs the run."""
    transfer = read_transfer_settings(project)
    if transfer.signing_key is None:
        return ()
    return (open_signing_key(transfer.signing_key, transfer.read_passphrase()),)


def login() -> str:
    """Return the name of the account, for a log line of someone who is not authenticated."""
    return getpass.getuser()
