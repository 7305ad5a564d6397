"""Whether published releases are as they were published: files, manifest, signed statement and audit log.

    ReleaseChecker     releases, before a command reads them
    check_published    the releases of a workspace, before a run does anything

A run also compares each manifest with the ledger. What is compared, and how, is in
`governance/audit/verify.py`, which an analyst can also use without Hearth.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from governance.audit.verify import (
    MANIFEST,
    STATEMENT,
    ReleaseLog,
    ReleaseReport,
    Report,
    verify_release,
)
from governance.counted import counted
from governance.errors import Finding, Refused
from governance.history import events
from governance.recorded_state import RecordedState
from pipeline.disclosure.ledger import Ledger
from pipeline.publish.files.manifest import RESTORE
from schemas.storage.zones import AUDIT, CONTROLLED, LINKAGE

#: Zones of which a workspace has at least one, whatever was deleted from it.
_ZONES = (AUDIT, CONTROLLED, LINKAGE)
#: Printed after a check without the log and its key.
NO_LOG = (
    "Note: the files were compared with the manifest, but the signature was not checked, because no audit "
    "folder is next to the releases. `hearth releases verify RELEASE --trust trust.json` checks it."
)


def audit_folder_of(release: Path) -> Path | None:
    """Return the audit folder of the workspace that a release is in; None where it is in none.

    A workspace without an audit folder is still a workspace: what was deleted confirms nothing.
    """
    for folder in (release.absolute(), release.resolve()):  # a link inside a workspace is in that workspace
        root = folder.parent.parent
        if any((root / zone).is_dir() for zone in _ZONES):
            return root / AUDIT
    return None


def is_release(folder: Path) -> bool:
    """Return whether a folder contains what every release has."""
    return any(os.path.lexists(folder / name) for name in (MANIFEST, STATEMENT))


class ReleaseChecker:
    """Checks releases before they are read; the audit log of each workspace is checked once."""

    def __init__(self) -> None:
        self._logs: dict[Path, ReleaseLog] = {}

    def findings(self, folder: Path) -> tuple[tuple[Finding, ...], str]:
        """Check one release; returns what is not as published, and what the check left open, or nothing.

        In a workspace, a release that the audit log does not confirm is not as published. A folder that is
        not a release, and that the log does not record as one, is left to its reader.
        Raises Refused where the audit log was changed.
        """
        audit = audit_folder_of(folder)
        log = None if audit is None else self._log(audit)
        if not is_release(folder) and (log is None or folder.name not in log.releases):
            return (), ""
        found = _findings(folder, verify_release(folder, log=log), needs_log=log is not None)
        return found, "" if log is not None else NO_LOG

    def check(self, folder: Path) -> str:
        """Check one release; returns what the check left open, or nothing.

        Raises Refused where the release is not as it was published, or the audit log was changed.
        """
        found, note = self.findings(folder)
        if found:
            raise release_changed(found)
        return note

    def recorded(self, releases: Path) -> frozenset[str]:
        """Return the releases of a workspace that its audit log records; none outside a workspace."""
        audit = audit_folder_of(releases / "any")
        return frozenset() if audit is None else self._log(audit).releases

    def _log(self, audit: Path) -> ReleaseLog:
        if audit not in self._logs:
            self._logs[audit] = ReleaseLog.read(audit)
        log = self._logs[audit]
        if log.report.tampered:
            raise Refused(
                "AUDIT_LOG_CHANGED",
                "The audit log of the workspace was changed "
                f"({counted(len(log.report.tampered), 'finding')}), so it cannot confirm a release.",
                "Run `hearth audit verify`, find out who changed it, and restore the log from its copy.",
            )
        return log


def published_folders(releases: Path) -> list[Path]:
    """Return the folders of a workspace's published releases."""
    return sorted(p for p in releases.iterdir() if p.is_dir() and not p.name.startswith("."))


def check_published(folders: Sequence[Path], ledger: Ledger, recorded: RecordedState) -> None:
    """Check published releases of a workspace, under the log that this run has open.

    Each changed release is put on record as a finding. Raises Refused with every difference: a release is
    never edited.
    """
    if not folders:
        return
    # The run has this log open: its chain, and its growth since the last signature, were checked then.
    every = list(events(recorded.audit.folder))
    log = ReleaseLog.of(every, Report(lines=len(every), signed_lines=len(every)))
    findings: list[Finding] = []
    for folder in folders:
        report = verify_release(folder, log=log)
        findings += _findings(folder, report, needs_log=True)
        entry = ledger.last(folder.name)
        if entry is not None and report.manifest_sha256 not in ("", entry.manifest_sha256):
            findings.append(
                Finding("RELEASE_CHANGED", folder.name, f"{MANIFEST} is not the one that the ledger records.")
            )
    if findings:
        refusal = release_changed(tuple(findings))
        for name in sorted({finding.where for finding in findings}):
            recorded.report(f"releases/{name}", refusal.code, "the run is refused", name)
        raise refusal


def _findings(folder: Path, report: ReleaseReport, *, needs_log: bool) -> tuple[Finding, ...]:
    sentences: Iterable[str] = report.changed
    if needs_log or report.signature == "missing":
        sentences = (*report.changed, *report.incomplete)
    return tuple(Finding("RELEASE_CHANGED", folder.name, sentence) for sentence in sentences)


def release_changed(findings: tuple[Finding, ...]) -> Refused:
    """Return the refusal of releases that are not as they were published."""
    names = sorted({finding.where for finding in findings})
    what = f"Release {names[0]} is" if len(names) == 1 else f"{len(names)} releases are"
    return Refused("RELEASE_CHANGED", f"{what} not as published.", RESTORE, findings)
