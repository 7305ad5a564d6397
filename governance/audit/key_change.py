"""A new signing key for the log: the old key signs for the new one, in the log and on a checkpoint.

A line names both keys, and the checkpoint that ends with it has both signatures. A person who knows
either key can therefore continue to verify the log. A change without the old key counts as tampering.
"""

from pathlib import Path

from governance.audit.log import AuditLog
from governance.audit.proof import prove_line
from governance.audit.signer import open_log_signer, open_next_log_signer, put_next_key_in_force


def change_log_key(audit_folder: Path, keys_folder: Path, origin: str, actor: str) -> tuple[int, str, bytes]:
    """Change the log's key; returns (number of the line that records it, the new public key, its proof).

    Deletes the old private key. Completes an interrupted change. Raises Refused if the key in
    `keys_folder` is not the log's.
    """
    old, new = open_log_signer(keys_folder, origin), open_next_log_signer(keys_folder, origin)
    number = AuditLog.open(audit_folder).change_key(actor, old, new)
    proof = prove_line(audit_folder, number)
    put_next_key_in_force(keys_folder)
    return number, new.verifier_key, proof
