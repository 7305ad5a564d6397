"""The data sharing agreement: one TOML file with what may be done, with which data, until when.

`agreement.schema.json` defines the file's structure, and `governance/agreement/terms.py` the meaning
and range of its numbers. Only this module reads the file.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema

from governance.agreement.agreement_file import read_agreement_file
from governance.agreement.column_limits import column_limits, limit_faults
from governance.agreement.decisions_file import decisions_path, read_decisions
from governance.agreement.schema_fault import broken_rule, place_in_file, shown_name
from governance.agreement.signature import SignatureStatus, signature_path, signature_status, signed_text
from governance.agreement.terms import (
    Approval,
    Confidentiality,
    Dataset,
    DisclosureTerms,
    Dpia,
    Dspt,
    IntruderReview,
    LawfulBases,
    OptOutCheck,
    OptOutTerms,
    Party,
    Principal,
    Purpose,
    RetentionClass,
    SignOff,
    Thresholds,
    Waiver,
)
from governance.canonical import digest_of
from governance.counted import counted
from governance.errors import Fault, Finding
from schemas.contract import contracts
from schemas.table import tables as registered_tables

PROFILES = ("cell-key", "exact-count", "nhs-hes", "opensafely", "uk-llc")
EPOCHS = ("month", "quarter", "year")
#: The template of `hearth init` contains this wherever a person must decide.
UNFILLED = "FILL IN"
#: Where a fault of the whole file is.
_WHOLE = "agreement.toml"


@dataclass(frozen=True)
class Agreement:
    """One agreement, checked.

    period: part of every key's derivation, so pseudonyms of two periods cannot be joined.
    controllers: ids of the parties that are controllers, such as ("council", "nhs").
    outputs: ids of the tables that may be published.
    linkage_check_values: identifier kind -> check value of the key that the controllers compared;
    empty if none is agreed yet.
    model_digest: digest of the approved linkage model; None if none is approved yet.
    code_digests: digests of the approved versions of the code, see `pipeline/code_version.py`.
    review_of_both_sides: the clause by which a reviewer may see a pair's clear data of both controllers; None
    if there is none, and each reviewer sees only their own controller's side.
    digest: SHA-256 of the agreement's content, independent of comments and layout.
    signature: status of the signature file; signed_by: principals with a valid signature.
    withdrawn: ids of waivers that were withdrawn, as the log shows (`governance/history.py`).
    waivers, approvals: decisions stored next to the file, not yet checked (see `agreement/decisions.py`).
    """

    id: str
    title: str
    version: int
    period: str
    starts: date
    expires: date
    parties: tuple[Party, ...]
    sign_offs: tuple[SignOff, ...]
    dpia: Dpia | None
    lawful_bases: LawfulBases
    confidentiality: Confidentiality
    purposes: Mapping[str, Purpose]
    dataset_terms: Mapping[str, Dataset]
    outputs: tuple[str, ...]
    thresholds: Thresholds
    disclosure: DisclosureTerms
    model_digest: str | None
    retention: Mapping[str, RetentionClass]
    opt_outs: OptOutTerms
    principals: tuple[Principal, ...]
    intruder_review: IntruderReview | None
    linkage_check_values: Mapping[str, str]
    digest: str
    code_digests: tuple[str, ...] = ()
    review_of_both_sides: str | None = None
    signature: SignatureStatus = "absent"
    signed_by: tuple[str, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    withdrawn: frozenset[str] = frozenset()
    approvals: tuple[Approval, ...] = ()

    @property
    def controllers(self) -> tuple[str, ...]:
        """Ids of the parties that are controllers, in the agreement's order."""
        return tuple(party.id for party in self.parties if party.role == "controller")

    @property
    def datasets(self) -> Mapping[str, Mapping[str, str]]:
        """Return table -> column -> id of the purpose it is used for."""
        return {table: terms.columns for table, terms in self.dataset_terms.items()}


def read_agreement(path: Path) -> Agreement:
    """Read and check an agreement; raises Fault with every mistake listed at once."""
    content = _with_texts_for_dates(read_agreement_file(path))
    unfilled = tuple(_unfilled(content))
    places = {finding.where for finding in unfilled}
    others = (*_structural_faults(content), *_contradictions_as_far_as_readable(content))
    findings = (*unfilled, *(finding for finding in others if finding.where not in places))
    if findings:
        raise Fault(
            "AGREEMENT_INVALID",
            f"The agreement {path} has {counted(len(findings), 'problem')}.",
            f"Correct each of them, then run `hearth governance check {path.name}`. `hearth init` writes a "
            "template with comments.",
            findings,
        )
    agreement = _build(content)
    status, signed_by = signature_status(
        signature_path(path),
        signed_text(agreement.id, agreement.version, agreement.digest),
        agreement.principals,
        agreement.controllers,
    )
    waivers, approvals = read_decisions(decisions_path(path))
    return replace(agreement, signature=status, signed_by=signed_by, waivers=waivers, approvals=approvals)


@cache
def agreement_schema() -> dict[str, Any]:
    """Return the JSON Schema of an agreement, with the ranges of `governance/agreement/terms.py`."""
    schema: dict[str, Any] = json.loads(
        files("governance.agreement").joinpath("agreement.schema.json").read_text("utf-8")
    )
    schema["properties"]["thresholds"] = _section_schema(Thresholds)
    disclosure = _section_schema(DisclosureTerms)
    disclosure["properties"]["profile"] = {"enum": list(PROFILES)}
    disclosure["properties"]["epoch"] = {"enum": list(EPOCHS)}
    schema["properties"]["disclosure"] = disclosure
    return schema


def _section_schema(section: type[Thresholds] | type[DisclosureTerms]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for item in fields(section):
        kind = {int: "integer", float: "number", str: "string"}[type(item.default)]
        limits = {key: item.metadata.get(key) for key in ("minimum", "maximum")}
        properties[item.name] = {"type": kind} | {k: v for k, v in limits.items() if v is not None}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _with_texts_for_dates(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_texts_for_dates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_texts_for_dates(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def _structural_faults(content: Mapping[str, Any]) -> Iterator[Finding]:
    checker = jsonschema.FormatChecker(formats=["date"])
    validator = jsonschema.Draft202012Validator(agreement_schema(), format_checker=checker)
    for error in sorted(validator.iter_errors(content), key=lambda e: [str(part) for part in e.path]):
        yield Finding("AGREEMENT", place_in_file(error.absolute_path, _WHOLE), broken_rule(error))


def _unfilled(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[Finding]:
    """Yield every place that still contains the template's text."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _unfilled(item, (*place, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _unfilled(item, (*place, number))
    elif value == UNFILLED:
        yield Finding("AGREEMENT", place_in_file(place, _WHOLE), "is not filled in yet")


def _contradictions_as_far_as_readable(content: Mapping[str, Any]) -> list[Finding]:
    """Return contradictions; if structural faults prevent the check, those found before them."""
    found: list[Finding] = []
    try:
        for finding in _contradictions(content):
            found.append(finding)
    except (KeyError, TypeError, AttributeError):
        return found
    return found


def _contradictions(content: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what has the right form but contradicts another part of the agreement."""
    terms = content["agreement"]
    if terms["expires"] <= terms["starts"]:
        yield Finding("AGREEMENT", "agreement.expires", "must be after agreement.starts")
    parties = {party["id"] for party in content["parties"]}
    purposes = {purpose["id"] for purpose in content["purposes"]}
    classes = {item["id"] for item in content["retention"]}
    if sum(party["role"] == "controller" for party in content["parties"]) < 2:
        yield Finding("AGREEMENT", "parties", "needs at least two parties with the role controller")
    for section in ("parties", "purposes", "retention", "principals"):
        ids = [item["id"] for item in content.get(section, [])]
        for repeated in sorted({i for i in ids if ids.count(i) > 1}):
            yield Finding("AGREEMENT", section, f"id {shown_name(str(repeated))} is used more than once")
    for table, terms in content["datasets"].items():
        if terms["controller"] not in parties:
            yield Finding("AGREEMENT", f"datasets.{table}.controller", "is not the id of a party")
        if terms["retention"] not in classes:
            yield Finding("AGREEMENT", f"datasets.{table}.retention", "is not the id of a retention class")
        for column, purpose in terms["columns"].items():
            if purpose not in purposes:
                yield Finding(
                    "AGREEMENT",
                    f"datasets.{table}.columns.{column}",
                    f"purpose {shown_name(str(purpose))} is not declared",
                )
    yield from _undeclared(content)
    for section in ("sign_offs", "principals"):
        for number, item in enumerate(content.get(section, []), 1):
            if item["party"] not in parties:
                yield Finding("AGREEMENT", f"{section}[{number}].party", "is not the id of a party")
    for number, check in enumerate(content.get("opt_outs", {}).get("checks", []), 1):
        if check.get("residents_out", 0) > check.get("residents_in", check.get("residents_out", 0)):
            place = f"opt_outs.checks[{number}]"
            yield Finding("AGREEMENT", place, "residents_out is larger than residents_in")
        if check["controller"] not in parties:
            yield Finding("AGREEMENT", f"opt_outs.checks[{number}].controller", "is not the id of a party")


def _undeclared(content: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield tables, columns and outputs that are in no contract and no register."""
    known = {contract.table: contract for contract in contracts("extract")}
    for table, terms in content["datasets"].items():
        if table not in known:
            yield Finding("AGREEMENT", f"datasets.{table}", "is not the name of an extract contract")
            continue
        for column in terms["columns"]:
            if known[table].find(column) is None:
                place = f"datasets.{table}.columns.{column}"
                yield Finding("AGREEMENT", place, "is not a column of that extract's contract")
        yield from limit_faults(table, terms.get("limits", {}), known[table])
    for table in content["outputs"]["tables"]:
        if table not in registered_tables():
            yield Finding("AGREEMENT", f"outputs.{table}", "is not a registered table")


def _build(content: Mapping[str, Any]) -> Agreement:
    terms = content["agreement"]
    opt_outs = content.get("opt_outs", {"gp_data": True})
    confidentiality = content["confidentiality"]
    return Agreement(
        id=terms["id"],
        title=terms["title"],
        version=terms["version"],
        period=terms["period"],
        starts=_day(terms["starts"]),
        expires=_day(terms["expires"]),
        parties=tuple(_party(item) for item in content["parties"]),
        sign_offs=tuple(
            SignOff(item["office"], item["party"], item["name"], _day(item["on"]))
            for item in content.get("sign_offs", [])
        ),
        dpia=_dpia(content.get("dpia")),
        lawful_bases=LawfulBases(**{key: tuple(value) for key, value in content["lawful_basis"].items()}),
        confidentiality=Confidentiality(
            confidentiality["route"],
            confidentiality["reference"],
            _day(confidentiality["expires"]) if "expires" in confidentiality else None,
        ),
        purposes={item["id"]: Purpose(**item) for item in content["purposes"]},
        dataset_terms={
            table: Dataset(table=table, **item | {"limits": column_limits(item.get("limits", {}))})
            for table, item in content["datasets"].items()
        },
        outputs=tuple(content["outputs"]["tables"]),
        thresholds=Thresholds(**content.get("thresholds", {})),
        disclosure=DisclosureTerms(**content.get("disclosure", {})),
        model_digest=content.get("linkage_model", {}).get("approved_digest"),
        retention={item["id"]: RetentionClass(**item) for item in content["retention"]},
        opt_outs=OptOutTerms(
            opt_outs["gp_data"],
            opt_outs.get("maximum_age_days", 21),
            tuple(_opt_out_check(item) for item in opt_outs.get("checks", [])),
        ),
        principals=tuple(
            Principal(item["id"], item["name"], item["party"], item["public_key"], tuple(item["roles"]))
            for item in content.get("principals", [])
        ),
        intruder_review=_intruder_review(content.get("intruder_review")),
        linkage_check_values=content.get("linkage_key", {}).get("check_values", {}),
        digest=digest_of(content),
        code_digests=tuple(content.get("code", {}).get("approved", [])),
        review_of_both_sides=_both_sides(content.get("clerical_review")),
    )


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _party(item: Mapping[str, Any]) -> Party:
    dspt = item.get("dspt")
    return Party(
        item["id"],
        item["name"],
        item["role"],
        item["ico_registration"],
        Dspt(dspt["status"], _day(dspt["published"]), _day(dspt["valid_until"])) if dspt else None,
    )


def _dpia(item: Mapping[str, Any] | None) -> Dpia | None:
    return Dpia(item["reference"], _day(item["approved_on"]), _day(item["review_by"])) if item else None


def _opt_out_check(item: Mapping[str, Any]) -> OptOutCheck:
    return OptOutCheck(
        item["register"],
        item["controller"],
        _day(item["applied_on"]),
        item["attested_by"],
        item.get("residents_in"),
        item.get("residents_out"),
    )


def _both_sides(item: Mapping[str, Any] | None) -> str | None:
    return item["reference"] if item and item["both_sides"] else None


def _intruder_review(item: Mapping[str, Any] | None) -> IntruderReview | None:
    return (
        IntruderReview(_day(item["on"]), item["by"], item["outcome"], item.get("of", "release"))
        if item
        else None
    )
