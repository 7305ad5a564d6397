"""Reads the extracts with the code of the ingest stage, and asks the rules that need no legal text.

The typed tables exist only during the check: in a temporary folder, in memory where that is possible,
encrypted under a key that is never written.
"""

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from flows.check.findings import CheckFinding, cell_findings
from governance.agreement.agreement import Agreement, read_agreement
from governance.agreement.terms import Thresholds
from governance.artefact import Artefact, Evidence
from governance.errors import HearthError, Refused
from governance.gate import judged
from governance.keys.at_rest_keys import AtRestKeys, WrappingKey
from governance.rules import rules_for
from governance.rules.registry import Shown
from pipeline.context import RunContext
from pipeline.engine.at_rest import encrypted_at_rest
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import load_table, open_table
from pipeline.ingest.inspection import InspectedExtract, contracts_of, inspect_each
from pipeline.ingest.stage import ingest
from pipeline.project import Project
from pipeline.workspace import Workspace
from schemas.storage.zones import QUARANTINE

CONTROLLERS = ("council", "nhs")
#: Rules that need the agreement's text, a manifest or the log of earlier runs.
_NEED_PAPERS = frozenset({"ING-01", "ING-04", "ING-07", "ING-08", "RET-04"})
#: Line numbers that a report shows of one finding.
_LINES_SHOWN = 5


@dataclass
class Examined:
    """What a check found. lines: (extract, column or None, reason) -> all line numbers."""

    findings: list[CheckFinding] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    controllers: tuple[str, ...] = ()
    seconds: float = 0.0
    lines: dict[tuple[str, str | None, str], list[int]] = field(default_factory=dict)

    @property
    def would_stop(self) -> bool:
        """Answer whether a run would be refused."""
        return any(finding.level == "stops" for finding in self.findings)


def examine(project: Project, report: Callable[[str], None]) -> Examined:
    """Read every extract that hearth.toml lists and return what was found; nothing is written or linked.

    report: receives sentences about progress.
    """
    start = time.monotonic()
    found = Examined()
    found.controllers = tuple(c for c in CONTROLLERS if _has_extracts(project, c)) or CONTROLLERS
    agreement = _agreement_or_defaults(project.agreement)
    inspected, faults = inspect_each(found.controllers, project)
    found.findings += [
        CheckFinding(
            "stops",
            fault.code,
            fault.where,
            fault.what,
            None,
            "No extract is loaded until it is mended.",
            "Correct hearth.toml, or ask the supplier for a corrected file.",
        )
        for fault in faults
    ]
    with _throw_away_workspace() as (workspace, spill):
        context = RunContext("check", project, agreement, workspace, spill, report)
        folders: dict[str, Path] = {}
        for controller in found.controllers:
            if not inspected[controller]:
                continue
            try:
                artefact, evidence = _ingested(controller, inspected[controller], context)
            except Refused as refused:
                found.findings.append(_stopping(refused.code, controller, refused.reason, refused.remedy))
                continue
            folders[controller] = artefact.folder
            _add_controller(found, controller, evidence, artefact, context)
        if len(folders) == len(CONTROLLERS):
            found.findings += _both_sides(folders, context)
    found.seconds = time.monotonic() - start
    found.findings = [_with_lines(finding, found) for finding in found.findings]
    return found


def _has_extracts(project: Project, controller: str) -> bool:
    return any(contract.table in project.extracts for contract in contracts_of(controller))


def _agreement_or_defaults(path: Path) -> Agreement:
    """Return the agreement for its numbers; until its text is complete, Hearth's own numbers."""
    try:
        return read_agreement(path)
    except HearthError:
        return cast(Agreement, SimpleNamespace(thresholds=Thresholds(), dataset_terms={}, datasets={}))


@contextmanager
def _throw_away_workspace() -> Iterator[tuple[Workspace, Path]]:
    memory = Path("/dev/shm")  # noqa: S108 a private folder is made in it, and only encrypted tables
    parent = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="hearth-check-", dir=parent))
    key = WrappingKey(f"run:{secrets.token_hex(8)}", secrets.token_bytes(32))
    try:
        workspace = Workspace.open(folder)
        with workspace.spill("check") as spill, encrypted_at_rest(folder, AtRestKeys(key, key)):
            yield workspace, spill
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ingested(
    controller: str, extracts: tuple[InspectedExtract, ...], context: RunContext
) -> tuple[Artefact, Evidence]:
    return ingest(controller, extracts, "0" * 64, replace(context))


def _add_controller(
    found: Examined, controller: str, evidence: Evidence, artefact: Artefact, context: RunContext
) -> None:
    run = Evidence(
        "run",
        "all",
        {
            "custody": context.project.custody,
            "production": context.project.production,
            "reference_date": context.project.reference_date.isoformat(),
        },
    )
    for rule in rules_for("ingest", controller):
        if rule.id in _NEED_PAPERS:
            continue
        judgement = judged(rule, Shown(evidence, run), context.agreement, datetime.now(UTC))
        verdict = judgement.verdict
        if verdict.outcome != "pass":
            found.findings.append(
                _stopping(verdict.code, f"{controller} ({rule.id})", verdict.reason, rule.remedy)
            )
    for table, facts in evidence.facts["tables"].items():
        if facts["source"] == "packaged":
            continue
        found.rows[table], found.kept[table] = facts["rows_in"], facts["rows_kept"]
        found.findings += cell_findings(table, facts)
        _read_lines(found, table, artefact.folder / QUARANTINE / f"{table}.parquet")


def _stopping(code: str, where: str, reason: str, remedy: str) -> CheckFinding:
    effect = "The run stops before anything is linked."
    return CheckFinding("stops", code, where, reason, None, effect, remedy)


def _read_lines(found: Examined, table: str, path: Path) -> None:
    if not path.exists():
        return
    with open_table(path, ("line_number", "column_name", "reason")) as reader:
        for batch in reader:
            for line, column, reason in zip(*(c.to_pylist() for c in batch.columns), strict=True):
                found.lines.setdefault((table, column, reason), []).append(line)


def _with_lines(finding: CheckFinding, found: Examined) -> CheckFinding:
    table, _, column = finding.where.partition(".")
    lines = found.lines.get((table, column or None, finding.code), [])
    return replace(finding, lines=tuple(lines[:_LINES_SHOWN])) if lines else finding


def _both_sides(folders: dict[str, Path], context: RunContext) -> Iterator[CheckFinding]:
    """Yield what only both controllers' extracts together show, where both are here."""
    with locked_connection(context.project.engine, context.spill) as connection:
        load_table(
            connection, folders["council"] / "council_property.parquet", "home", ("uprn", "line_number")
        )
        load_table(connection, folders["nhs"] / "nhs_person.parquet", "patient", ("uprn", "line_number"))
        homes, dwellings, patients, groups, on_list = connection.execute(
            """
            WITH listed AS (SELECT DISTINCT uprn FROM home WHERE uprn IS NOT NULL),
            recorded AS (SELECT DISTINCT uprn FROM patient WHERE uprn IS NOT NULL)
            SELECT
                (SELECT COUNT(line_number) FROM home),
                (SELECT COUNT(*) FROM listed),
                (SELECT COUNT(line_number) FROM patient),
                (SELECT COUNT(*) FROM recorded),
                (SELECT COUNT(*) FROM recorded SEMI JOIN listed USING (uprn))
            """
        ).fetchall()[0]
    shared: dict[str, Any] = {"dwellings": dwellings, "address_groups": groups, "on_list": on_list}
    for rule in rules_for("group", "all"):
        if rule.id == "ING-15":
            evidence = Evidence("group", "all", {"shared_uprns": shared})
            verdict = judged(rule, Shown(evidence), context.agreement, datetime.now(UTC)).verdict
            if verdict.outcome != "pass":
                yield _stopping(verdict.code, f"both ({rule.id})", verdict.reason, rule.remedy)
    if homes and not 0.5 <= patients / homes <= 6:
        yield CheckFinding(
            "note",
            "VOLUMES_UNLIKE",
            "council_property, nhs_person",
            f"{patients:,} patients for {homes:,} properties",
            None,
            "Most people or most homes would stay unlinked.",
            "Ask whether each extract covers the whole area, and only it.",
        )
