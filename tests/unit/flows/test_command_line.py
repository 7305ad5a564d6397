"""`hearth` itself: what it prints without a command, its version, and how soon it reports a missing file."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from flows.actions import benchmark
from flows.cli import NEXT_STEPS, app
from flows.commands.operation import bench
from pipeline.code_version import code_version

ROOT = Path(__file__).parents[3]
#: Each takes a noticeable part of a second to import, Prefect several.
HEAVY = (
    "duckdb",
    "pandas",
    "prefect",
    "pyarrow",
    "splink",
    "numpy",
    "scipy",
    "sqlalchemy",
    "cryptography",
    "jsonschema",
    "yaml",
)
#: Types a missing file for every command that reads one, and prints what was loaded by then.
TYPED_EVERYWHERE = """
import json, sys
import typer.main
from typer.testing import CliRunner
from flows.cli import app

told = {}

def walk(group, path):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            walk(command, [*path, name])
            continue
        for parameter in command.params:
            if "--config" in parameter.opts:
                words, expected = ["--config", "nowhere.toml"], "CONFIG_UNREADABLE"
            elif parameter.type_descriptor.parameter_info.parser is an_agreement:
                words, expected = ["nowhere.toml"] * (2 if name == "diff" else 1), "AGREEMENT_UNREADABLE"
            else:
                continue
            ran = CliRunner().invoke(app, [*path, name, *words])
            is_told = expected in ran.output or expected == getattr(ran.exception, "code", None)
            told[" ".join([*path, name])] = [is_told, sorted(set(heavy) & set(sys.modules))]

heavy = sys.argv[1].split(",")
from flows.commands.argument_types import an_agreement
walk(typer.main.get_command(app), [])
print(json.dumps(told))
"""


def test_hearth_without_a_command_says_what_to_do_next() -> None:
    ran = CliRunner().invoke(app, [])
    assert (ran.exit_code, ran.stdout) == (0, f"{NEXT_STEPS}\n")
    assert [line.split(":")[0] for line in NEXT_STEPS.splitlines()] == [
        "Try the sample project",
        "Start your own project",
        "See all commands",
    ]


def test_the_version_is_that_of_the_package_with_the_digest_of_the_code() -> None:
    ran = CliRunner().invoke(app, ["--version"])
    expected = f"hearth {version('hearth')} (code {code_version()[:12]})\n"
    assert (ran.exit_code, ran.stdout) == (0, expected)


def test_help_begins_with_what_hearth_is_for() -> None:
    shown = CliRunner().invoke(app, ["--help"]).stdout
    assert "Link council and NHS extracts" in shown
    assert "--version" in shown


def test_bench_is_a_command_only_where_the_benchmarks_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def names_with_benchmarks_in(folder: Path) -> list[str]:
        monkeypatch.setattr(benchmark, "FOLDER", folder)
        hearth = typer.Typer()
        bench.add_to(hearth)
        return [str(command.callback and command.callback.__name__) for command in hearth.registered_commands]

    assert names_with_benchmarks_in(ROOT / "tests" / "benchmarks") == ["bench"]
    assert names_with_benchmarks_in(tmp_path / "tests" / "benchmarks") == []


def test_a_missing_file_is_reported_before_anything_heavy_is_imported() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", TYPED_EVERYWHERE, ",".join(HEAVY)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        cwd=ROOT,
    )
    told: dict[str, list[Any]] = json.loads(ran.stdout)
    assert {"run", "keys list", "assign-uprn", "governance check", "governance diff"} <= set(told)
    assert {command: found for command, found in told.items() if found != [True, []]} == {}


def test_a_missing_config_is_reported_as_json_too() -> None:
    ran = CliRunner().invoke(app, ["run", "--config", "nowhere.toml", "--json"])
    outcome = json.loads(ran.stdout.splitlines()[-1])
    assert (ran.exit_code, outcome["status"], outcome["code"]) == (1, "fault", "CONFIG_UNREADABLE")
    assert "Explain: hearth explain CONFIG_UNREADABLE" in ran.stderr
