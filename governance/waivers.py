"""Waivers: a dated, signed permission to continue past one rule's warning. A failure has none."""

from datetime import date
from typing import Any

from governance.agreement import Agreement
from governance.roles import may
from governance.statement import is_signed
from governance.terms import Waiver


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


def find_waiver(agreement: Agreement, rule_id: str, today: date) -> tuple[Waiver | None, str]:
    """Return the waiver in force for a rule's warning, or None and why none is.

    It must be in date, granted by a principal who may waive, and signed by that principal's key.
    """
    principals = {principal.id: principal for principal in agreement.principals}
    why = "no waiver stands in the agreement"
    for waiver in agreement.waivers:
        if waiver.rule != rule_id:
            continue
        grantor = principals.get(waiver.granted_by)
        if not waiver.granted_on <= today < waiver.expires:
            why = f"its waiver runs from {waiver.granted_on} to {waiver.expires}"
        elif grantor is None or not may(grantor, "waive"):
            why = "its waiver was granted by someone who may not"
        elif not is_signed(
            "waiver", waiver_statement(agreement.id, waiver), waiver.signature, grantor.public_key
        ):
            why = "its waiver's signature does not hold"
        else:
            return waiver, ""
    return None, why
