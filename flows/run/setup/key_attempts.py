"""A failed attempt to open a key is recorded in the audit log: its error code, never the passphrase."""

from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getuser

from governance.agreement.agreement import Agreement
from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.errors import HearthError
from pipeline.project import Project
from pipeline.workspace import Workspace

RUN = "keys"
#: Errors after which a key stays closed: a wrong passphrase or credential, or an altered file.
FAILED_OPENINGS = frozenset(
    {
        "IDENTITY_MALFORMED",
        "IDENTITY_PASSPHRASE_MISSING",
        "KEY_KEYRING_LOCKED",
        "KEY_KMS_DENIED",
        "KEY_PASSPHRASE_WRONG",
        "KEY_STATE_ALTERED",
        "KEY_VAULT_DENIED",
        "SIGNING_KEY_MALFORMED",
    }
)


@contextmanager
def failed_attempts_recorded(project: Project, agreement: Agreement, run: str = RUN) -> Iterator[None]:
    """Record an attempt that fails inside this block; the error is raised again.

    run: the run that the attempt belongs to.
    """
    try:
        yield
    except HearthError as error:
        if error.code in FAILED_OPENINGS:
            workspace = Workspace.open(project.workspace)
            signer = open_log_signer(workspace.zone("keys"), f"hearth/{project.name}")
            audit = AuditLog.open(workspace.zone("audit"), signer)
            facts = {"act": "open", "code": error.code}
            actor = f"unauthenticated:{getuser()}"
            audit.append(run, actor, None, "key", verdict="fault", evidence=facts, policy=agreement.digest)
            audit.checkpoint()
        raise
