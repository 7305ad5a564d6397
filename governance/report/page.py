"""The report as one HTML page without scripts or network access, suitable for printing."""

import re
from collections import Counter
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup, escape

from governance.agreement.decisions import approvers_of, find_waiver
from governance.report.crosswalk import SAFES
from governance.report.facts import ReportFacts, RuleLine, RunLine
from governance.report.lineage import columns_of_output
from governance.report.wording import (
    code,
    day,
    intruder,
    linkage,
    opt_outs,
    person_rows,
    reconciliation,
    requests,
    signature,
    summary,
    suppression,
)
from schemas.table import tables as registered_tables

_BACKTICKS = re.compile(r"`([^`]+)`")
_WORDS = {"pass": "passed", "warn": "warned", "waived": "waived", "fail": "refused"}
_REGISTERS = {"national-data-opt-out": "National Data Opt-Out", "type-1": "Type 1 opt-outs"}
#: Rules whose evidence is an attack or a search that Hearth runs itself.
_ATTACKS = ("PSE-03", "PSE-05", "PSE-06", "PSE-08", "AGG-03", "AGG-06", "PUB-05")

Rows = list[tuple[Any, ...]]


def render_page(facts: ReportFacts) -> str:
    """Return the page."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["day"] = day
    environment.filters["sentence"] = lambda text: text[:1].upper() + text[1:]
    environment.filters["commands"] = _commands
    folder = files("governance.report")
    template = environment.from_string(folder.joinpath("page.html.j2").read_text("utf-8"))
    # Our own style sheet and not user input, so it is not escaped.
    style = Markup(folder.joinpath("style.css").read_text("utf-8"))  # noqa: S704
    return template.render(
        facts=facts,
        style=style,
        summary=summary(facts),
        code=code(facts),
        linkage=linkage(facts),
        signature=signature(facts),
        opt_outs=opt_outs(facts),
        requests=requests(facts),
        reconciliation=reconciliation(facts),
        suppression=suppression(facts),
        intruder=intruder(facts),
        tables=_tables(facts),
    )


def _commands(text: str) -> Markup:
    """Return a text as HTML, with what is between backticks marked as code."""
    return Markup(_BACKTICKS.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704  (the text is escaped)


def _tables(facts: ReportFacts) -> dict[str, Any]:
    agreement = facts.agreement
    return {
        "runs": [
            (
                line.run,
                line.started.strftime("%d %b %Y %H:%M"),
                "" if line.ended is None else f"{(line.ended - line.started).total_seconds():,.0f} s",
                f"{line.outcome} {line.code}".strip(),
                _signer(line, "run") or f"no valid signature (started by {line.actor})",
                _signer(line, "release") or "no one",
            )
            for line in facts.runs
        ],
        "extracts": [
            (
                line.table,
                line.controller,
                line.clause,
                f"{line.rows_in:,}",
                f"{line.rows_kept:,}",
                _counted(line.rows_quarantined, line.reasons),
                f"{line.rows_removed:,}",
                line.file_sha256[:16],
                line.signed_by or "no one",
            )
            for line in facts.extracts
        ],
        "sign_offs": [(item.office, item.party, item.name, day(item.on)) for item in agreement.sign_offs],
        "parties": [
            (
                item.id,
                item.name,
                item.role,
                "none" if item.dspt is None else item.dspt.status,
                "" if item.dspt is None else day(item.dspt.valid_until),
            )
            for item in agreement.parties
        ],
        "decisions": _decisions(facts),
        "opt_outs": [
            (
                _REGISTERS[item.register],
                item.controller,
                day(item.applied_on),
                _or_not_counted(item.residents_in),
                _or_not_counted(item.residents_out),
                _or_not_counted(item.removed),
                _or_not_counted(person_rows(facts, item.controller)),
                item.attested_by,
            )
            for item in agreement.opt_outs.checks
        ],
        "safes": [
            (safe, heading, [_rule_row(line) for line in facts.rules if line.safe == safe])
            for safe, heading in SAFES.items()
        ],
        "not_produced": [
            (item["table_id"], item["measure"], item["area_level"], item["cells"], item["hidden_cells"])
            for item in facts.disclosure.get("not_produced", [])
        ],
        "left_out": sorted(facts.aggregate.get("left_out", {}).items()),
        "attacks": [
            (f"{line.rule} ({line.part})", _WORDS[line.verdict], line.observed)
            for line in facts.rules
            if line.rule in _ATTACKS
        ],
        "trials": [(trial.name, trial.verdict, trial.detail) for trial in facts.trials],
        "certificates": [
            (item.name, item.time, ", ".join(item.releases), item.attacks, item.successes, item.signed)
            for item in facts.certificates
        ],
        "holdings": _holdings(facts),
        "retention": [(item.id, item.what, f"{item.days:,}") for item in agreement.retention.values()],
        "disposals": [
            (
                item.name,
                "yes" if item.is_gone else "NO",
                "valid" if item.certified else "NO VALID ONE",
                "signed" if item.witnessed else "NOT SIGNED YET",
            )
            for item in facts.disposals
        ],
        "destroyed_keys": [(item["certificate_sha256"], item["files"]) for item in facts.key_destructions],
        "columns": _columns(facts),
        "outputs": [
            (
                name,
                ", ".join((*registered_tables()[name].measures, *registered_tables()[name].magnitudes))
                if name in registered_tables()
                else "not registered",
                ", ".join(registered_tables()[name].dimensions) or "area only"
                if name in registered_tables()
                else "",
                ", ".join(columns_of_output(name)) if name in registered_tables() else "",
            )
            for name in agreement.outputs
        ],
    }


def _rule_row(line: RuleLine) -> tuple[Any, ...]:
    name = line.rule if line.part == "all" else f"{line.rule} ({line.part})"
    several = sum(line.counts.values()) > 1
    verdict = _WORDS[line.verdict]
    if several:
        verdict += f" ({', '.join(f'{count} {_WORDS[word]}' for word, count in sorted(line.counts.items()))})"
    observed = f"{line.observed}. {line.reason}".rstrip(". ") if line.reason else line.observed
    return name, verdict, line.title, observed, line.threshold, ", ".join(line.satre), line.source


def _decisions(facts: ReportFacts) -> Rows:
    agreement, today = facts.agreement, facts.made.date()
    rows: Rows = []
    for waiver in agreement.waivers:
        if find_waiver(agreement, waiver.rule, today)[0] == waiver:
            what = f"{waiver.rule} waived: {waiver.reason}"
            rows.append((what, waiver.granted_by, day(waiver.granted_on), day(waiver.expires)))
    for specification in sorted({item.specification for item in agreement.approvals}):
        by = approvers_of(agreement, specification, today)
        if by:
            first = min(item.on for item in agreement.approvals if item.specification == specification)
            rows.append(
                (f"Release specification {specification[:16]} approved", ", ".join(by), day(first), "")
            )
    return rows


def _signer(line: RunLine, action: str) -> str:
    return line.mandates.get(action, "")


def _holdings(facts: ReportFacts) -> Rows:
    """Return the workspace's contents by retention class: number, size, and the next disposal date."""
    rows: Rows = []
    for name in sorted({item.retention or "no class" for item in facts.holdings}):
        found = [item for item in facts.holdings if (item.retention or "no class") == name]
        due = min((item.due for item in found if item.due is not None), default=None)
        overdue = sum(item.is_overdue(facts.made.date()) for item in found)
        size = sum(item.bytes for item in found) / 1e6
        rows.append((name, len(found), f"{size:,.1f}", "none" if due is None else day(due), overdue))
    return rows


def _columns(facts: ReportFacts) -> Rows:
    agreement = facts.agreement
    known = [name for name in agreement.outputs if name in registered_tables()]
    used = Counter(column for name in known for column in columns_of_output(name))
    return [
        (
            f"{table}.{column}",
            terms.clause,
            agreement.purposes[purpose].text,
            agreement.purposes[purpose].clause,
            f"{agreement.retention[terms.retention].days:,}",
            used[f"{table}.{column}"] or "none",
        )
        for table, terms in agreement.dataset_terms.items()
        for column, purpose in terms.columns.items()
    ]


def _counted(total: int, reasons: dict[str, int]) -> str:
    listed = ", ".join(
        f"{reason.lower().replace('_', ' ')} {count:,}" for reason, count in sorted(reasons.items())
    )
    return f"{total:,}: {listed}" if listed else f"{total:,}"


def _or_not_counted(count: int | None) -> str:
    return "not counted" if count is None else f"{count:,}"
