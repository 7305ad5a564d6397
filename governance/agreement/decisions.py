"""Dated human decisions under an agreement: waivers of warnings and approvals of releases.

They are stored in `<agreement>.decisions.toml`. A principal of the agreement signs each one, so a
later decision does not change the agreement that the parties signed.

    [[waivers]]
    rule = "PRE-04"
    reason = "Toolkit published on 3 July, status pending"
    granted_by = "council-siro"
    granted_on = 2026-06-30
    expires = 2026-07-31
    signature = "…"             # `hearth governance waive` makes the whole entry

    [[approvals]]
    specification = "<64 hexadecimal digits>"   # printed when PUB-01 refuses a release
    approved_by = "nhs-analyst"
    on = 2026-06-30
    signature = "…"             # `hearth governance approve` makes the whole entry
"""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema

from governance.agreement.terms import Approval, Waiver
from governance.canonical import digest_of
from governance.counted import counted
from governance.errors import Fault, Finding
from governance.principals.roles import may
from governance.principals.statement import is_signed
from governance.toml_fault import fault_place
from schemas.magnitude import magnitudes
from schemas.measure import measures
from schemas.table import tables as registered_tables

if TYPE_CHECKING:
    from governance.agreement.agreement import Agreement

_TEXT = {"type": "string", "minLength": 1}
_DATE = {"type": "string", "format": "date"}
_WAIVER = {
    "rule": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{2}$"},
    "reason": _TEXT,
    "granted_by": _TEXT,
    "granted_on": _DATE,
    "expires": _DATE,
    "signature": _TEXT,
}
_APPROVAL = {
    "specification": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    "approved_by": _TEXT,
    "on": _DATE,
    "signature": _TEXT,
}


def decisions_path(agreement: Path) -> Path:
    """Return the path of the decisions under an agreement."""
    return agreement.with_suffix(".decisions.toml")


def read_decisions(path: Path) -> tuple[tuple[Waiver, ...], tuple[Approval, ...]]:
    """Read waivers and approvals; none if there is no file. Raises Fault with a list of every mistake."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return (), ()
    except OSError as error:
        raise Fault(
            "DECISIONS_UNREADABLE",
            f"The waivers and approvals in {path} cannot be read ({error.strerror}).",
            "Correct the file's owner or permissions.",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Fault(
            "DECISIONS_SYNTAX",
            f"The waivers and approvals in {path} are not valid TOML{fault_place(error)}.",
            "Correct the file at that line; `hearth governance waive` and `approve` write valid entries.",
        ) from None
    content = {
        section: [_with_dates_as_text(item) for item in items] if isinstance(items, list) else items
        for section, items in raw.items()
    }
    validator = jsonschema.Draft202012Validator(_schema(), format_checker=jsonschema.FormatChecker(["date"]))
    findings = tuple(
        Finding("DECISIONS", ".".join(map(str, error.absolute_path)) or path.name, error.message)
        for error in validator.iter_errors(content)
    )
    if findings:
        raise Fault(
            "DECISIONS_INVALID",
            f"The waivers and approvals in {path} have {counted(len(findings), 'problem')}.",
            "Remove each entry named and make it again with `hearth governance waive` or `approve`.",
            findings,
        )
    return (
        tuple(
            Waiver(
                **{
                    **item,
                    "granted_on": date.fromisoformat(item["granted_on"]),
                    "expires": date.fromisoformat(item["expires"]),
                }
            )
            for item in content.get("waivers", [])
        ),
        tuple(
            Approval(**{**item, "on": date.fromisoformat(item["on"])})
            for item in content.get("approvals", [])
        ),
    )


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


def approval_statement(agreement_id: str, approval: Approval) -> dict[str, Any]:
    """Return what an approver signs: everything but the signature, and the agreement's id."""
    return {
        "agreement": agreement_id,
        "specification": approval.specification,
        "approved_by": approval.approved_by,
        "on": approval.on.isoformat(),
    }


def find_waiver(agreement: "Agreement", rule_id: str, today: date) -> tuple[Waiver | None, str]:
    """Return the waiver in force for a rule's warning, or None and the reason.

    It must be in date, granted by a principal who may waive, and signed by that principal's key.
    """
    principals = {principal.id: principal for principal in agreement.principals}
    why = "the agreement has no waiver for it"
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
        else:
            return waiver, ""
    return None, why


def approvers_of(agreement: "Agreement", specification: str, today: date) -> tuple[str, ...]:
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


def release_specification(agreement: "Agreement", criteria: Mapping[str, Any]) -> str:
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


@cache
def _schema() -> dict[str, Any]:
    def entries(properties: Mapping[str, Any]) -> dict[str, Any]:
        item = {"type": "object", "additionalProperties": False, "required": sorted(properties)}
        return {"type": "array", "items": item | {"properties": properties}}

    sections = {"waivers": entries(_WAIVER), "approvals": entries(_APPROVAL)}
    return {"type": "object", "additionalProperties": False, "properties": sections}


def _with_dates_as_text(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    return {key: v.isoformat() if hasattr(v, "isoformat") else v for key, v in item.items()}
