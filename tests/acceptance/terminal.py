"""Hearth as its users meet it: the command line, in a process of its own."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_data" / "sample"
SHARED_PAIR = ROOT.parent / "shared" / "data" / "household_dev"


@dataclass(frozen=True)
class Ran:
    """A finished `hearth` process."""

    code: int
    out: str
    err: str

    @property
    def outcome(self) -> dict[str, Any]:
        """The last line of `--json` output."""
        outcome: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return outcome


def hearth(*arguments: str | Path, timeout: float = 300, **environment: str) -> Ran:
    """Run `hearth` and wait for it."""
    ran = subprocess.run(
        [sys.executable, "-I", "-m", "flows.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, **environment},
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def canary_seeds(workspace: Path) -> dict[str, str]:
    """Return controller -> the seed of its newest canary; only the clear zone's own records have it."""
    records = sorted(workspace.glob("clear/*/ingest-*/artefact.json"), key=lambda path: path.stat().st_mtime)
    return {path.parts[-3]: json.loads(path.read_bytes())["fingerprint"] for path in records}


@dataclass(frozen=True)
class SampleProject:
    """A project's folder that a test may spoil, and a workspace beside it."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "hearth.toml"

    @property
    def workspace(self) -> Path:
        return self.folder.parent / "workspace"

    def run(self, *arguments: str, **environment: str) -> Ran:
        """Run a night without Prefect."""
        return hearth(
            "run",
            "--config",
            self.config,
            "--workspace",
            self.workspace,
            "--no-orchestrator",
            "--json",
            *arguments,
            **environment,
        )

    def releases(self) -> list[str]:
        """Return the names of everything in the releases zone, hidden entries included."""
        zone = self.workspace / "releases"
        return sorted(p.name for p in zone.iterdir()) if zone.is_dir() else []

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace the one place where `old` stands in a file of the project."""
        path = self.folder / name
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new), "utf-8")

    def expire_agreement(self) -> None:
        """Let the agreement have ended in January."""
        path = self.folder / "agreement.toml"
        text, times = re.subn(r"^expires = \S+$", "expires = 2026-01-31", path.read_text("utf-8"), flags=re.M)
        assert times, "the agreement has no day on which it expires"
        path.write_text(text, "utf-8")
