"""The file of the decisions under an agreement, `<agreement>.decisions.toml`, read and checked for form.

It has waivers of warnings and approvals of releases. A principal of the agreement signs each one, so a
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
from typing import Any

import jsonschema

from governance.agreement.schema_fault import broken_rule, place_in_file
from governance.agreement.terms import Approval, Waiver
from governance.counted import counted
from governance.errors import Fault, Finding
from governance.toml_fault import fault_place

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
        Finding("DECISIONS", place_in_file(error.absolute_path, path.name), broken_rule(error))
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
