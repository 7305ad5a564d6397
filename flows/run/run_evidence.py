"""The evidence of a run before it starts: who started it, which code, which custody.

Facts:

    custody, production     from hearth.toml
    code_version            digest of the packages' files
    lock_digest             digest of requirements.lock; null if Hearth runs without its checkout
    commit                  the checkout's commit; null outside a checkout
    uncommitted_changes     number of changed files in the checkout; null outside one
    reference_date          the date for which households are formed
    extracts                names of the extract tables that are configured
    run_id, action, presented, unknown_keys, mandates      see `governance/principals/run_authorisation.py`
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from governance.artefact import Evidence
from governance.canonical import digest_of_file
from pipeline.code_version import code_version
from pipeline.printable import shown
from pipeline.project import Project

_ROOT = Path(__file__).resolve().parents[2]


def run_evidence(project: Project, authorisation: Mapping[str, Any]) -> Evidence:
    """Collect the facts that the rules before a run check. authorisation: who starts the run."""
    lock = _ROOT / "requirements.lock"
    changes = _git("status", "--porcelain")
    return Evidence(
        "run",
        "all",
        {
            "custody": project.custody,
            "production": project.production,
            "code_version": code_version(),
            "lock_digest": digest_of_file(lock) if lock.is_file() else None,
            "commit": (_git("rev-parse", "HEAD") or "").strip() or None,
            "uncommitted_changes": None if changes is None else len(changes.splitlines()),
            "reference_date": project.reference_date.isoformat(),
            "extracts": sorted(map(shown, project.extracts)),
            **authorisation,
        },
    )


def _git(*arguments: str) -> str | None:
    """Return the output of git in the checkout, or None if there is no git or no checkout."""
    if not (_ROOT / ".git").exists():
        return None
    try:
        ran = subprocess.run(  # noqa: S603 a fixed command
            ["git", "-C", str(_ROOT), *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return ran.stdout
