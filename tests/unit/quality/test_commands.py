"""The commands as they are typed: which attack is meant, and what the help shows."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app

runner = CliRunner()


@pytest.mark.parametrize(
    "command",
    [
        ("attack", "encoding"),
        ("review", "export"),
        ("review", "import"),
        ("link", "explain"),
        ("link", "export-splink"),
    ],
)
def test_the_help_shows_an_example(command: tuple[str, ...]) -> None:
    told = runner.invoke(app, [*command, "--help"])
    assert told.exit_code == 0
    assert f"hearth {' '.join(command)} " in told.output


@pytest.mark.parametrize("arguments", [("FOLDER",), ("--truth", "FOLDER", "FOLDER"), ("--json", "FOLDER")])
def test_what_names_no_attack_is_a_release(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    told = runner.invoke(app, ["attack", *(str(tmp_path) if a == "FOLDER" else a for a in arguments)])
    assert getattr(told.exception, "code", None) == "NOT_A_RELEASE"


def test_a_release_that_is_not_there_is_an_error_of_usage(tmp_path: Path) -> None:
    told = runner.invoke(app, ["attack", str(tmp_path / "none")])
    assert told.exit_code == 2
    assert "hearth attack releases" in told.output


def test_a_review_needs_a_run(tmp_path: Path) -> None:
    config = Path(__file__).parents[3] / "sample_data" / "sample" / "hearth.toml"
    where = ["--config", str(config), "--workspace", str(tmp_path / "none")]
    told = runner.invoke(app, ["review", "export", "--out", str(tmp_path / "out"), *where])
    assert getattr(told.exception, "code", None) == "NOTHING_RAN_HERE"
    assert not (tmp_path / "out").exists()


def test_the_model_is_exported_for_splink_without_a_run(tmp_path: Path) -> None:
    config = Path(__file__).parents[3] / "sample_data" / "sample" / "hearth.toml"
    done = runner.invoke(
        app, ["link", "export-splink", "--config", str(config), "--out", str(tmp_path / "splink")]
    )
    assert done.exit_code == 0
    assert {Path(line).name for line in done.output.split()} == {
        path.name for path in (tmp_path / "splink").iterdir()
    }
    assert (tmp_path / "splink" / "recorded.json").is_file()
