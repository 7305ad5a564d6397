"""Makes all seven attacks on one or more releases, and reports what they found."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from governance.canonical import digest_of_file
from pipeline.disclosure.attack import (
    averaging,
    cross_release,
    differencing,
    mover,
    rate_reconstruction,
    reconstruction,
    side_channel,
)
from pipeline.disclosure.attack.intruder import IntruderRecord, intrude
from pipeline.disclosure.attack.outcome import AttackOutcome
from pipeline.disclosure.attack.release_files import read_release
from pipeline.engine.duckdb import EngineSettings, locked_connection


@dataclass(frozen=True)
class AttackReport:
    """The results of all attacks. Results of attacks on single releases are added up over the releases.

    releases: id -> digest of the manifest. outcomes: one per attack. intruders: one record per release.
    """

    releases: dict[str, str]
    outcomes: tuple[AttackOutcome, ...]
    intruders: tuple[IntruderRecord, ...] = ()

    @property
    def successes(self) -> int:
        """Number of successes of all attacks, including those of the intruder."""
        return sum(sum(outcome.findings.values()) for outcome in self.outcomes) + sum(
            record.singled_out + record.learnt for record in self.intruders
        )

    def record(self) -> dict[str, Any]:
        """Return the report as values that JSON can express."""
        return {
            "releases": self.releases,
            "successes": self.successes,
            "attacks": [
                {
                    "number": o.number,
                    "name": o.name,
                    "verdict": "not run" if o.not_run else "repelled" if o.is_repelled else "succeeded",
                    "not_run": o.not_run,
                    "findings": dict(o.findings),
                    "figures": dict(o.figures),
                }
                for o in self.outcomes
            ],
            "intruders": [record.record() for record in self.intruders],
        }


def run_attacks(
    folders: Sequence[Path],
    truth: Path | None = None,
    engine: EngineSettings | None = None,
    spill: Path | None = None,
    on: date | None = None,
) -> AttackReport:
    """Attack releases, with nothing but their files.

    folders: of the releases, in any order. truth: folder of the synthetic truth, for the mover attack. spill:
    folder for DuckDB's temporary files; a private one by default. on: date of the intruder's record; today by
    default.
    """
    releases = sorted((read_release(f) for f in folders), key=lambda r: (r.reference_date, r.release_id))
    with (
        tempfile.TemporaryDirectory(prefix="hearth-attack-") as private,
        locked_connection(engine or EngineSettings(), spill or Path(private)) as connection,
    ):
        outcomes = [
            _together([differencing.attack(connection, r) for r in releases]),
            _together([reconstruction.attack(connection, r) for r in releases]),
            cross_release.attack(connection, releases),
            mover.attack(connection, releases, truth),
            averaging.attack(connection, releases),
            _together([rate_reconstruction.attack(connection, r) for r in releases]),
            _together([side_channel.attack(r) for r in releases]),
        ]
        intruders = [intrude(connection, r, on or datetime.now(UTC).date()) for r in releases]
    return AttackReport(
        {r.release_id: digest_of_file(r.folder / "manifest.json") for r in releases},
        tuple(outcomes),
        tuple(intruders),
    )


def _together(outcomes: list[AttackOutcome]) -> AttackOutcome:
    """Return one outcome for an attack on several releases.

    Findings and whole numbers are added up. Of other numbers the smallest is taken, of texts the first.
    """
    first = outcomes[0]
    findings: dict[str, int] = {}
    figures: dict[str, Any] = {}
    for outcome in outcomes:
        for code, number in outcome.findings.items():
            findings[code] = findings.get(code, 0) + number
        for name, figure in outcome.figures.items():
            if isinstance(figure, int) and not isinstance(figure, bool):
                figures[name] = figures.get(name, 0) + figure
            elif name not in figures or (figure is not None and figures[name] is None):
                figures[name] = figure
            elif isinstance(figure, float):
                figures[name] = min(figure, figures[name])
    return AttackOutcome.of(first.number, first.name, findings, figures)
