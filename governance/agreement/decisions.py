"""Dated human decisions under an agreement: waivers of warnings and approvals of releases.

A principal of the agreement signs each one, so a later decision does not change the agreement that the
parties signed. `governance/agreement/decisions_file.py` reads them; here it is decided which of them count.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from governance.agreement.agreement import Agreement
from governance.agreement.terms import Approval, Waiver
from governance.canonical import digest_of
from governance.principals.roles import may
from governance.principals.statement import is_signed
from schemas.magnitude import magnitudes
from schemas.measure import measures
from schemas.table import tables as registered_tables

#: Why no waiver applies where none was granted.
NO_WAIVER = "the agreement has no waiver for it"


def waiver_statement(agreement_id: str, waiver: Waiver) -> dict[str, Any]:
    """Return what the grantor signs: everything but the signature, and the agreement's id."""
    return {
        "agreement": agreement_id,
        "rule": waiver.rule,
        "reason": waiver.reason,
        "granted_by": waiver.granted_by,
        "granted_on": waiver.granted_on.isoformat(),
        "expires": waiver.expires.isoformat(),
    }


def waiver_id(agreement_id: str, waiver: Waiver) -> str:
    """Return the digest of a waiver with its signature, by which the log names it."""
    return digest_of({**waiver_statement(agreement_id, waiver), "signature": waiver.signature})


def waiver_ids(agreement: Agreement) -> list[str]:
    """Return the ids of all waivers under an agreement."""
    return sorted(waiver_id(agreement.id, waiver) for waiver in agreement.waivers)


def approval_statement(agreement_id: str, approval: Approval) -> dict[str, Any]:
    """Return what an approver signs: everything but the signature, and the agreement's id."""
    return {
        "agreement": agreement_id,
        "specification": approval.specification,
        "approved_by": approval.approved_by,
        "on": approval.on.isoformat(),
    }


def find_waiver(agreement: Agreement, rule_id: str, today: date) -> tuple[Waiver | None, str]:
    """Return the waiver in force for a rule's warning, or None and the reason.

    It must be in date and not withdrawn, granted by a principal who may waive, and signed by their key.
    """
    principals = {principal.id: principal for principal in agreement.principals}
    why = NO_WAIVER
    for waiver in agreement.waivers:
        if waiver.rule != rule_id:
            continue
        grantor = principals.get(waiver.granted_by)
        statement = waiver_statement(agreement.id, waiver)
        if not waiver.granted_on <= today < waiver.expires:
            why = f"its waiver is in force only from {waiver.granted_on} until {waiver.expires}"
        elif grantor is None or not may(grantor, "waive"):
            why = "its waiver was granted by someone who may not grant one"
        elif not is_signed("waiver", statement, waiver.signature, grantor.public_key):
            why = "its waiver's signature is not valid"
        elif waiver_id(agreement.id, waiver) in agreement.withdrawn:
            why = "its waiver was withdrawn before: a later run of this project did not have it any more"
        else:
            return waiver, ""
    return None, why


def approvers_of(agreement: Agreement, specification: str, today: date) -> tuple[str, ...]:
    """Return the principals who approved a specification, each public key once.

    They may approve, may not run, and their signatures are valid.
    """
    principals = {principal.id: principal for principal in agreement.principals}
    found: dict[str, str] = {}
    for approval in agreement.approvals:
        approver = principals.get(approval.approved_by)
        if (
            approval.specification == specification
            and approval.on <= today
            and approver is not None
            and may(approver, "approve-release")
            and not may(approver, "run")
            and is_signed(
                "approval",
                approval_statement(agreement.id, approval),
                approval.signature,
                approver.public_key,
            )
        ):
            found.setdefault(approver.public_key, approver.id)
    return tuple(found.values())


def release_specification(agreement: Agreement, criteria: Mapping[str, Any]) -> str:
    """Return the digest of what two people approve: what may be counted, and how it is protected.

    It changes when an agreed table, a measure, the model or a number of the method changes, and not with the
    data, so it is known before a run. A release may have fewer tables than are agreed, never more (PUB-04).
    criteria: the method's numbers as they are stored with the release.
    """
    wanted = sorted(agreement.outputs)
    known = registered_tables()
    used = sorted({name for item in wanted if item in known for name in known[item].measures})
    amounts = sorted({name for item in wanted if item in known for name in known[item].magnitudes})
    return digest_of(
        {
            "agreement": agreement.id,
            "tables": {item: repr(known.get(item)) for item in wanted},
            "measures": {name: repr(measures().get(name)) for name in used}
            | {name: repr(magnitudes().get(name)) for name in amounts},
            "model": agreement.model_digest,
            "criteria": dict(criteria),
        }
    )
