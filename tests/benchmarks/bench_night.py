"""The whole night without Prefect, at a quarter of the size and at the size, in one run."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from flows.actions.benchmark import Figure


def measure(households: int, folder: Path) -> list[Figure]:
    small = time_run(max(1000, households // 4), folder / "small")
    large = time_run(households, folder / "large")
    figures = [
        Figure(f"{name}: seconds", stage["seconds"], "s") for name, stage in by_stage(large).items()
    ] + [
        Figure(f"{name}: peak memory", stage["peak_memory_mib"] or 0, "MiB")
        for name, stage in by_stage(large).items()
    ]
    growth = seconds(large) / seconds(small) / (households / max(1000, households // 4))
    return [
        *figures,
        Figure("whole night", seconds(large), "s", "90 s at 100,000 households"),
        Figure("peak memory of any stage", peak(large), "MiB", "3,072 MiB"),
        Figure("growth of time beside growth of data", growth, "ratio", "1.00 or less"),
    ]


def time_run(households: int, folder: Path) -> dict[str, Any]:
    hearth = [sys.executable, "-m", "flows.cli"]
    project = folder / "project"
    subprocess.run(
        [*hearth, "synth", "--households", str(households), "--seed", "1", "--out", str(project)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    ran = subprocess.run(
        [
            *hearth,
            "run",
            "--no-orchestrator",
            "--json",
            "--config",
            str(project / "hearth.toml"),
            "--workspace",
            str(folder / "workspace"),
        ],
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )
    outcome: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    if outcome["status"] != "published":
        raise SystemExit(f"the night did not publish: {outcome['code']}")
    return outcome


def by_stage(outcome: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f"{stage['stage']} {stage['part']}": stage for stage in outcome["stages"]}


def seconds(outcome: dict[str, Any]) -> float:
    return float(sum(stage["seconds"] for stage in outcome["stages"]))


def peak(outcome: dict[str, Any]) -> float:
    return float(max(stage["peak_memory_mib"] or 0 for stage in outcome["stages"]))
