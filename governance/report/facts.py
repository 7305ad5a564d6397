"""The report's facts, collected from the audit log, the agreement and the run's own counts.

Like the log, they contain only counts, rates, digests and codes, and never a row's value.
"""

import base64
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from governance.agreement.agreement import Agreement
from governance.agreement.decisions import find_waiver
from governance.audit.verify import ReleaseLog, Report, Trust, verify_folder, verify_release
from governance.canonical import digest_of
from governance.errors import Fault
from governance.history import events
from governance.linkage_precision import (
    REVIEW_IMPORTED,
    Precision,
    precision_of,
    review_that_counts,
)
from governance.principals.roles import may
from governance.principals.run_authorisation import authorised_by
from governance.report.crosswalk import CROSSWALK
from governance.report.trials import AttackCertificate, Trial, certificates_of, trials_of
from governance.retention.disposal import DisposalStatus, disposal_status
from governance.retention.holdings import Holding, holdings
from governance.rules import all_rules
from schemas.storage.zones import AUDIT, RELEASES, RUNS

_LOOK_AHEAD = timedelta(days=90)


@dataclass(frozen=True)
class RunLine:
    """One run: times, actor, result ("published", "refused", "fault", "abandoned", "unfinished").

    mandates: "run" and "release" -> the principal who validly signed it under the agreement.
    figures: digest of the stages' figures, as recorded in the log.
    code_version: digest of the code that ran; "" where the log does not show it.
    """

    run: str
    actor: str
    started: datetime
    ended: datetime | None
    outcome: str
    code: str
    mandates: Mapping[str, str] = field(default_factory=dict)
    figures: str = ""
    code_version: str = ""


@dataclass(frozen=True)
class RuleLine:
    """One rule's last verdict for one part in the period, and the number of verdicts of each kind."""

    rule: str
    part: str
    title: str
    stage: str
    source: str
    safe: str
    satre: tuple[str, ...]
    verdict: str
    observed: str
    threshold: str
    reason: str
    counts: dict[str, int]


@dataclass(frozen=True)
class ExtractLine:
    """One extract table, as the last run read it."""

    table: str
    controller: str
    clause: str
    rows_in: int
    rows_kept: int
    rows_quarantined: int
    rows_removed: int
    reasons: dict[str, int]
    file_sha256: str
    signed_by: str = ""


@dataclass(frozen=True)
class ReportFacts:
    """Everything that the page shows. scope: a run's id, or a month such as "2026-11"."""

    scope: str
    is_month: bool
    made: datetime
    agreement: Agreement
    agreement_is_the_runs: bool
    runs: tuple[RunLine, ...]
    rules: tuple[RuleLine, ...]
    not_evaluated: tuple[str, ...]
    extracts: tuple[ExtractLine, ...]
    disclosure: dict[str, Any]
    aggregate: dict[str, Any]
    linkage: dict[str, Any]
    precision: Precision | None
    disposals: tuple[DisposalStatus, ...]
    key_destructions: tuple[dict[str, Any], ...]
    requests: int
    verification: Report
    attention: tuple[str, ...]
    trials: tuple[Trial, ...] = ()
    certificates: tuple[AttackCertificate, ...] = ()
    holdings: tuple[Holding, ...] = ()


def gather(
    workspace: Path, agreement: Agreement, scope: str, trust: Trust | None = None, now: datetime | None = None
) -> ReportFacts:
    """Collect what happened in a run or a month; raises Fault if the log has no such run."""
    now = now or datetime.now(UTC)
    folder = workspace / AUDIT
    is_month = len(scope) == 7 and scope[4] == "-"
    every = list(events(folder))
    wanted = {
        event["run"]
        for event in every
        if event["event"] == "run_start"
        and (event["ts"].startswith(scope) if is_month else event["run"] == scope)
    }
    if not wanted:
        where = f" in {scope}" if is_month else f" with the id {scope}" if scope else ""
        raise Fault(
            "NOTHING_TO_REPORT",
            f"The audit log has no run{where}.",
            "Give a run's id with --run (`run` in the audit log), or a month such as 2026-11 with --month.",
        )
    chosen = [event for event in every if event["run"] in wanted]
    disposals = [
        event
        for event in every
        if event["event"] == "disposal" and (not is_month or event["ts"].startswith(scope))
    ]
    rules = _rule_lines(chosen)
    runs = _run_lines(chosen, agreement)
    evaluated = {line.rule for line in rules}
    stages = _stage_facts(workspace, runs)
    verification = verify_folder(folder, trust)
    statuses = tuple(
        disposal_status(workspace, folder, event["evidence"], agreement)
        for event in disposals
        if event["evidence"].get("what") == "artefact"
    )
    policies = {event["policy"] for event in chosen if event["policy"] is not None}
    return ReportFacts(
        scope=scope,
        is_month=is_month,
        made=now,
        agreement=agreement,
        agreement_is_the_runs=policies <= {agreement.digest},
        runs=runs,
        rules=rules,
        not_evaluated=tuple(item.id for item in all_rules() if item.id not in evaluated),
        extracts=_extract_lines(stages, agreement),
        disclosure=stages.get(("disclosure", "all"), {}),
        aggregate=stages.get(("aggregate", "all"), {}),
        linkage=stages.get(("link", "all"), {}),
        precision=_precision(stages.get(("quality", "all"), {}), every, now),
        disposals=statuses,
        key_destructions=tuple(
            event["evidence"] for event in disposals if event["evidence"].get("what") == "run key"
        ),
        requests=sum(event["event"] == "rights_request" for event in every),
        verification=verification,
        attention=(
            *_changed_releases(workspace, ReleaseLog.of(every, verification, trust)),
            *_attention(runs, rules, agreement, verification, statuses, now.date(), policies),
            *_findings_on_record(chosen),
            *_lost_figures(workspace, runs),
            *_unknown_witnesses(trust, agreement),
        ),
        trials=trials_of(stages),
        certificates=certificates_of(folder),
        holdings=holdings(workspace, agreement),
    )


def _precision(counted: dict[str, Any], every: list[dict[str, Any]], now: datetime) -> Precision | None:
    """Return the precision that rule LNK-08 judges, from the run's counts and the reviews in the log."""
    if not counted.get("model_digest"):
        return None
    reviews = [
        {**event["evidence"], "at": event["ts"]}
        for event in every
        if event["event"] == "note" and (event["evidence"] or {}).get("what") == REVIEW_IMPORTED
    ]
    value, low = counted["estimated_precision"], counted["estimated_precision_low"]
    known = counted["people_compared"] and value is not None
    return precision_of(
        {item["unit"]: (item["right"], item["links"]) for item in counted["measured"] if item["links"]},
        review_that_counts(reviews[-1] if reviews else None, counted["model_digest"], now),
        (value, low) if known else None,
    )


def _changed_releases(workspace: Path, log: ReleaseLog) -> tuple[str, ...]:
    """Return a sentence for each release that is not as it was published: its first difference."""
    if log.report.tampered:
        return ()  # such a log confirms no release, and it is reported itself
    found = []
    for folder in sorted((workspace / RELEASES).glob("[!.]*")):
        report = verify_release(folder, log=log)
        if wrong := (*report.changed, *report.incomplete):
            found.append(f"Release {folder.name} is not confirmed as published: {wrong[0]}")
    return tuple(found)


def _unknown_witnesses(trust: Trust | None, agreement: Agreement) -> tuple[str, ...]:
    """Return a sentence for each witness in trust.json who is not an auditor of the agreement."""
    auditors = {item.public_key for item in agreement.principals if may(item, "witness-audit")}
    return tuple(
        f"Witness {key.name} in trust.json is not an auditor named in the agreement."
        for key in (trust.witnesses if trust else ())
        if base64.b64encode(key.public).decode() not in auditors
    )


def _run_lines(chosen: list[dict[str, Any]], agreement: Agreement) -> tuple[RunLine, ...]:
    lines: dict[str, RunLine] = {}
    for event in chosen:
        run, moment = event["run"], datetime.fromisoformat(event["ts"])
        if event["event"] == "run_start":
            mandates = (event["evidence"] or {}).get("mandates", {})
            then = replace(agreement, digest=event["policy"] or agreement.digest)
            signed = {
                action: person.id
                for action in mandates
                if (person := authorised_by(then, run, action, mandates)) is not None
            }
            code = str((event["evidence"] or {}).get("code_version", ""))
            lines[run] = RunLine(
                run, event["actor"], moment, None, "unfinished", "", signed, code_version=code
            )
        elif event["event"] in ("run_end", "run_abandoned") and run in lines:
            started = lines[run]
            facts = event["evidence"] or {}
            lines[run] = replace(
                started,
                ended=moment,
                outcome=event["verdict"],
                code=facts.get("code", ""),
                figures=facts.get("figures", ""),
            )
    return tuple(lines.values())


def _rule_lines(chosen: list[dict[str, Any]]) -> tuple[RuleLine, ...]:
    known = {item.id: item for item in all_rules()}
    last: dict[tuple[str, str], dict[str, Any]] = {}
    counts: dict[tuple[str, str], Counter[str]] = {}
    for event in chosen:
        if event["event"] != "rule" or event["rule"] not in known:
            continue
        place = (event["rule"], event["evidence"]["part"])
        last[place] = event
        counts.setdefault(place, Counter())[event["verdict"]] += 1
    order = {item.id: number for number, item in enumerate(all_rules())}
    lines = []
    for rule_id, part in sorted(last, key=lambda place: (order[place[0]], place[1])):
        event, item = last[(rule_id, part)], known[rule_id]
        safe, satre = CROSSWALK[rule_id]
        facts = event["evidence"]
        lines.append(
            RuleLine(
                rule=rule_id,
                part=part,
                title=item.title,
                stage=item.stage,
                source=item.source,
                safe=safe,
                satre=satre,
                verdict=event["verdict"],
                observed=facts["observed"],
                threshold=facts["threshold"],
                reason=facts["reason"],
                counts=dict(counts[(rule_id, part)]),
            )
        )
    return tuple(lines)


def _stage_facts(workspace: Path, runs: tuple[RunLine, ...]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return (stage, part) -> facts of the newest run that made or reused the stage's artefact.

    A run's figures are used only if their digest is the one in the log.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for line in runs:
        for stage in _figures_on_record(workspace, line) or ():
            if stage.get("facts"):
                found[(stage["stage"], stage["part"])] = stage["facts"]
    return found


def _figures_on_record(workspace: Path, line: RunLine) -> list[dict[str, Any]] | None:
    """Return the stages of a run's `run.json`; None where they are missing or not those on record."""
    try:
        stages: list[dict[str, Any]] = json.loads((workspace / RUNS / line.run / "run.json").read_bytes())[
            "stages"
        ]
        is_on_record = digest_of(stages) == line.figures
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return stages if is_on_record else None


def _lost_figures(workspace: Path, runs: tuple[RunLine, ...]) -> tuple[str, ...]:
    """Return a sentence for each run whose figures are on record and cannot be shown."""
    return tuple(
        f"The figures of run {line.run} are not shown: its run.json is missing, or not the one on record."
        for line in runs
        if line.figures and _figures_on_record(workspace, line) is None
    )


def _findings_on_record(chosen: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return a sentence for each file that a run found changed."""
    return tuple(
        f"Run {event['run']} found that {event['evidence']['name']} is not the one on record "
        f"({event['evidence']['code']}); {event['evidence']['done']}."
        for event in chosen
        if event["event"] == "finding"
    )


def _extract_lines(
    stages: dict[tuple[str, str], dict[str, Any]], agreement: Agreement
) -> tuple[ExtractLine, ...]:
    lines = []
    for (stage, controller), facts in sorted(stages.items()):
        if stage != "ingest":
            continue
        for table, counted in sorted(facts["tables"].items()):
            terms = agreement.dataset_terms.get(table)
            lines.append(
                ExtractLine(
                    table=table,
                    controller=controller,
                    clause="Hearth's own"
                    if counted["source"] == "packaged"
                    else terms.clause
                    if terms
                    else "none",
                    rows_in=counted["rows_in"],
                    rows_kept=counted["rows_kept"],
                    rows_quarantined=counted["rows_quarantined"],
                    rows_removed=counted.get("rows_removed", 0),
                    reasons=counted.get("quarantined_by_reason", {}),
                    file_sha256=counted.get("file_sha256", ""),
                    signed_by=(counted.get("manifest") or {}).get("signed_by") or "",
                )
            )
    return tuple(lines)


def _attention(
    runs: tuple[RunLine, ...],
    rules: tuple[RuleLine, ...],
    agreement: Agreement,
    verification: Report,
    disposals: tuple[DisposalStatus, ...],
    today: date,
    policies: set[str],
) -> tuple[str, ...]:
    """Return what needs action by a person, the most serious first."""
    found = [f"The audit log was changed after it was written: {item}" for item in verification.tampered]
    found += [f"The audit log is incomplete: {item}" for item in verification.incomplete]
    for line in runs:
        if line.outcome == "refused":
            found.append(f"Run {line.run} was refused ({line.code}). It published nothing.")
        elif line.outcome in ("fault", "abandoned", "interrupted", "unfinished"):
            found.append(f"Run {line.run} did not end normally ({f'{line.outcome} {line.code}'.strip()}).")
    for judged in rules:
        name = judged.rule if judged.part == "all" else f"{judged.rule} ({judged.part})"
        if judged.verdict == "fail":
            found.append(f"Rule {name} refused the run: {judged.reason}.")
        elif judged.verdict == "warn":
            found.append(f"Rule {name} stopped the run with a warning that is not waived: {judged.reason}.")
        elif judged.verdict == "waived":
            waiver, _ = find_waiver(agreement, judged.rule, today)
            until = f"waived until {waiver.expires}" if waiver else "its waiver has ended since"
            found.append(f"Rule {name} gave a warning ({until}): {judged.reason}.")
    if verification.witnessed_lines < verification.lines:
        found.append(
            "An outside witness has not confirmed the newest entries of the audit log yet. "
            "`hearth audit request` writes the request to send to them."
        )
    if agreement.digest not in policies and policies:
        found.append(
            "The agreement has changed since the run. This page shows today's agreement with the run's "
            "verdicts."
        )
    if agreement.signature != "valid":
        found.append(
            "The agreement is not signed. Its signatories sign with `hearth governance sign`."
            if agreement.signature == "absent"
            else "The agreement lacks a valid signature of every controller. Its signatories sign with "
            "`hearth governance sign`."
        )
    if agreement.expires - today <= _LOOK_AHEAD:
        found.append(f"The agreement ends on {agreement.expires}.")
    if agreement.dpia is not None and agreement.dpia.review_by - today <= _LOOK_AHEAD:
        found.append(f"The DPIA must be reviewed by {agreement.dpia.review_by}.")
    found += [
        f"{party.name}: the toolkit status is valid until {party.dspt.valid_until}."
        for party in agreement.parties
        if party.dspt is not None and party.dspt.valid_until - today <= _LOOK_AHEAD
    ]
    for disposal in disposals:
        if not (disposal.certified and disposal.witnessed):
            missing = "second signature" if disposal.certified else "valid certificate"
            found.append(f"The disposal of {disposal.name} has no {missing}.")
    return tuple(found)
