"""`hearth review`: clerical review of a sample of the last run's links."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption
from governance.counted import counted

if TYPE_CHECKING:
    from pipeline.project import Project

app = typer.Typer(
    name="review",
    no_args_is_help=True,
    help="Clerical review: export a sample of pairs for reviewers, and import their decisions.",
)
_CONFIG = Path("hearth.toml")
KeyOption = Annotated[
    Path | None,
    typer.Option(
        "--key",
        help="Your key as an operator (PEM, mode 0600), instead of signing_keys in hearth.toml.",
        dir_okay=False,
    ),
]

EXPORT_EXAMPLES = """
Example:

    hearth review export --config sample_data/sample/hearth.toml --workspace workspace --out review

Give each reviewer a copy of review.html or review.csv. The files contain no pseudonym, no identifier, and not
the ethnic group by which the sample is stratified.
"""

IMPORT_EXAMPLES = """
Examples:

    hearth review import review-1a2b-ann.csv review-1a2b-bob.csv --out review-findings

    hearth review import ann.csv bob.csv --partial --precision 0.99 --json

With two or more reviewers, the report shows how far each two of them agree (Cohen's kappa).
"""


def add_to(parent: typer.Typer) -> None:
    """Mount the commands."""
    parent.add_typer(app)


@app.command(epilog=EXPORT_EXAMPLES)
def export(
    out: Annotated[
        Path, typer.Option("--out", help="Folder for review.csv and review.html.", file_okay=False)
    ],
    config: ConfigOption = _CONFIG,
    workspace: WorkspaceOption = None,
    key: KeyOption = None,
    cases: Annotated[
        int,
        typer.Option("--cases", help="Cases per stratum (match weight band and group).", min=1, max=50),
    ] = 5,
    as_json: JsonOption = False,
) -> None:
    """Write a sample of the last run's pairs for reviewers, stratified by match weight and group."""
    from flows.actions.clerical_review import export_sample

    exported = export_sample(project_with_key(config, workspace, key), out, cases)
    table, page = exported.files
    typer.echo(
        f"Review {exported.review}: {counted(exported.cases, 'case')} in {table} and {page}", err=as_json
    )
    if as_json:
        typer.echo(
            json.dumps({"review": exported.review, "cases": exported.cases, "files": [str(table), str(page)]})
        )


@app.command(name="import", epilog=IMPORT_EXAMPLES)
def import_(
    files: Annotated[
        list[Path], typer.Argument(help="Reviewers' CSV files, one or more.", exists=True, dir_okay=False)
    ],
    config: ConfigOption = _CONFIG,
    workspace: WorkspaceOption = None,
    key: KeyOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for findings.json and findings.txt.", file_okay=False)
    ] = None,
    precision: Annotated[
        float,
        typer.Option(
            "--precision", help="Lowest precision that the proposed threshold may have.", min=0.5, max=1
        ),
    ] = 0.99,
    partial: Annotated[
        bool, typer.Option("--partial", help="Skip rows without a decision, instead of refusing the file.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check reviewers' decisions, and report their agreement, the precision by band, and thresholds.

    A row is refused, with its line number, if it belongs to another run, is unknown or repeated, or has no
    decision or no reviewer.
    """
    from flows.actions.clerical_review import import_decisions
    from pipeline.quality.review.text import review_text

    found = import_decisions(project_with_key(config, workspace, key), files, precision, partial=partial)
    text, record = review_text(found), found.as_json()
    if out is not None:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        (out / "findings.txt").write_text(text, "utf-8")
        (out / "findings.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    typer.echo(text, err=as_json)
    if as_json:
        typer.echo(json.dumps(record))


def project_with_key(config: Path, workspace: Path | None, key: Path | None) -> "Project":
    """Return the project. If the command line has a key, it replaces the project's signing keys."""
    from pipeline.project import read_project

    project = read_project(config, workspace)
    return project if key is None else replace(project, signing_keys=(key,))
