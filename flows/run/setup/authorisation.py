"""Who authorises an action: the keys of the command line, else of hearth.toml, else of the sample project.

`hearth run --key operator.pem --key releaser.pem` names the keys of the person who starts the run and of
the person who releases. For a timer, `signing_keys` in hearth.toml does the same. The agreement lists which
principal a key belongs to, and `governance/principals/roles.py` what each principal may do.
"""

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from flows.run.setup.key_attempts import failed_attempts_recorded
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
    """Return the keys that authorise an action. Raises Fault if one cannot be read."""
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
    """Return the facts about who starts a run, for its evidence. further: other keys that the run has."""
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
    """Return (id, key) of the principal who takes an action outside a run.

    given: the key file of the command line. expected: the principal that the command line names.
    further: other keys of this environment, tried if the command line has no key.

    Raises Refused if none of the keys belongs to a principal who may take the action.
    """
    with failed_attempts_recorded(project, agreement):
        keys = authorising_keys(project, agreement, () if given is None else (given,))
    keys += tuple(further) if given is None else ()
    if not keys:
        raise Refused(
            "NOT_AUTHENTICATED",
            f"No key was given, so Hearth cannot check who does this ({action}). Nothing was done.",
            "Add --key FILE with the key of a principal who may, or list the file under signing_keys in "
            "hearth.toml. `hearth governance check AGREEMENT` lists the principals and their roles.",
        )
    named = [key for key in keys if (person := principal_of(agreement, key)) and may(person, action)]
    key = (named or list(keys))[0]
    key_name = "the key" if given is None else given.name
    principal = principal_who_may(agreement, key, action, key_name, expected)
    return principal.id, key


def package_signers(project: Project) -> tuple[Ed25519PrivateKey, ...]:
    """Return the key that signs this controller's packages. A key-holder's also signs the run."""
    transfer = read_transfer_settings(project)
    if transfer.signing_key is None:
        return ()
    return (open_signing_key(transfer.signing_key, transfer.read_passphrase()),)


def login() -> str:
    """Return the account name, for log entries of a person who is not authenticated."""
    return getpass.getuser()
