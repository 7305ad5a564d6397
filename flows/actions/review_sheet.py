"""Clerical review on clear data, at a controller: its own side of the pairs, on a sheet for its reviewers.

The sheet is made from the controller's own extracts and under its own key, and stays there. Only a file of
verdicts goes back. The other controller's side is added where the agreement has a clause for it.
"""

from pathlib import Path

from flows.run.setup.authorisation import authorised_principal, package_signers
from flows.run.setup.custody import open_controller_keys, open_run_keys
from governance.agreement.agreement import read_agreement
from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.canonical import digest_of_file
from governance.errors import Fault, Refused
from governance.keys.pseudonyms.column_hashing import keyed_hasher
from pipeline.ingest.inspection import inspect_extracts
from pipeline.project import Project
from pipeline.pseudonymise.tables import COUNCIL_PROPERTY_RECORD, NHS_PERSON_RECORD
from pipeline.quality.review.pairs.sheet import own_side, read_pairs, read_sheet, write_sheet
from pipeline.workspace import Workspace

_KINDS = {"council": COUNCIL_PROPERTY_RECORD, "nhs": NHS_PERSON_RECORD}


def make_sheet(
    project: Project, controller: str, pairs_file: Path, folder: Path, other: Path | None = None
) -> tuple[Path, ...]:
    """Write the sheet of a review into `folder`; returns the sheet (CSV and page) and the file for verdicts.

    other: the other controller's sheet. Raises Refused if the agreement does not allow it, or no key is a
    key-holder's, and Fault if a file or record cannot be used.
    """
    agreement = read_agreement(project.agreement)
    if other is not None and agreement.review_of_both_sides is None:
        raise Refused(
            "REVIEW_SIDES_NOT_AGREED",
            "The agreement has no clause by which a reviewer may see the clear data of both controllers.",
            "Leave --other out, or have [clerical_review] both_sides = true agreed and signed.",
        )
    actor = authorised_principal(project, agreement, "pseudonymise", None, further=package_signers(project))[
        0
    ]
    workspace = Workspace.open(project.workspace)
    pairs = read_pairs(pairs_file)
    theirs = None if other is None else read_sheet(other, pairs.review)
    keys = (
        open_run_keys(project, agreement, workspace)
        if project.custody == "single-operator"
        else open_controller_keys(project, agreement, workspace)
    ).linkage()
    layers = [keys] if keys.outer is None else [keys, keys.outer]
    kind = _KINDS[controller]
    with keyed_hasher(layers, [kind], 0) as hasher:
        own = own_side(
            controller,
            inspect_extracts((controller,), project)[controller],
            pairs,
            lambda ids: hasher.pseudonyms(kind, ids).result(),
        )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        files = write_sheet(folder, controller, pairs, own, theirs)
    except OSError as error:
        raise Fault(
            "REVIEW_NOT_WRITTEN",
            f"{folder.name} cannot be written ({error.strerror}), so no sheet was made.",
            "Use --out with a folder that you can write to.",
        ) from None
    signer = open_log_signer(workspace.zone("keys"), f"hearth/{project.name}")
    audit = AuditLog.open(workspace.zone("audit"), signer)
    facts = {
        "what": "review sheet made",
        "controller": controller,
        "cases": len(own),
        "both_sides": agreement.review_of_both_sides if other is not None else None,
        "pairs": digest_of_file(pairs_file),
    }
    run, policy = f"review-{pairs.review}", agreement.digest
    audit.append(run, actor, "quality", "note", verdict="done", evidence=facts, policy=policy)
    audit.checkpoint()
    return files
