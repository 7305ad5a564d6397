"""`hearth init`: write a commented hearth.toml and agreement to complete."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from governance.counted import counted
from governance.errors import Fault

EXAMPLES = """
Example:

    hearth init my-project

    hearth init my-project council_properties.csv patients.csv

    hearth governance check my-project/agreement.toml
"""


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command(epilog=EXAMPLES)(init)


def init(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folder to write (created if missing), and extracts to look at.",
            metavar="[FOLDER] [FILES]...",
        ),
    ] = None,
) -> None:
    """Start a project: write a hearth.toml for your column names, and an agreement to complete.

    With files, hearth.toml proposes columns, delimiter, encoding, date formats and missing markers.
    No content of a cell is shown.
    """
    from flows.actions.project_proposal import proposed_project
    from governance.agreement.template import agreement_template
    from pipeline.ingest.proposal import propose

    supplied = [path for path in paths or [] if path.is_file()]
    folders = [path for path in paths or [] if path not in supplied]
    if len(folders) > 1:
        raise Fault(
            "INIT_FILES_NOT_FOUND",
            f"{len(folders)} of the names given are no files, and only one folder can be written.",
            "Correct the paths of the files: `hearth init FOLDER FILE FILE`.",
        )
    folder = folders[0] if folders else Path()
    template = files("flows.commands.operation").joinpath("project_template.toml").read_text("utf-8")
    proposals = [propose(path) for path in supplied]
    texts = {
        "hearth.toml": proposed_project(template, proposals, folder) if proposals else template,
        "agreement.toml": agreement_template(),
    }
    existing = [name for name in texts if (folder / name).exists()]
    if existing:
        raise Fault(
            "WOULD_OVERWRITE",
            f"{folder} already contains {' and '.join(existing)}, so nothing was written.",
            "Name another folder with `hearth init FOLDER`, or remove these files first.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
        typer.echo(f"Wrote {folder / name}")
    for proposal in proposals:
        missing = f"; required and not found: {', '.join(proposal.missing)}" if proposal.missing else ""
        unsure = f"; {', '.join(proposal.unsure)}" if proposal.unsure else ""
        typer.echo(
            f"{proposal.path.name}: {proposal.table}, {counted(proposal.found, 'column')} recognised, "
            f"{len(proposal.ignore)} ignored{missing}{unsure}"
        )
    if proposals:
        typer.echo(
            f"Read the proposal in hearth.toml, then run: hearth check --config {folder / 'hearth.toml'}"
        )
    typer.echo(
        f"Complete every place marked FILL IN, then run: hearth governance check {folder / 'agreement.toml'}"
    )
