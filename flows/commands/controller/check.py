"""`hearth check`: try the extracts before any legal text is complete."""

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption

EXAMPLES = """
Examples:

    hearth check --config hearth.toml

    hearth check --html check.html

    hearth check --letter

Exit code: 0 if a run would go on, 2 if it would be refused, 1 fault.
"""


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command(epilog=EXAMPLES)(check)


def check(
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write the report as a page to this file too.", dir_okay=False),
    ] = None,
    letter: Annotated[
        bool,
        typer.Option(
            "--letter",
            help="Write a letter to each supplier, in the controller's own zone of the workspace.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read the extracts as a run would, and report columns, formats, consistency and volumes.

    No agreement is needed, nothing is linked, and nothing but the report is written. The tables are encrypted
    under a key that is never written, and are gone afterwards.
    """
    from flows.check.examine import examine
    from flows.check.letter import write_letter
    from flows.check.report import as_html, as_text
    from flows.check.report import as_json as report_as_json
    from flows.run.reporting.display import Display
    from pipeline.project import read_project
    from pipeline.workspace import Workspace

    project = read_project(config, workspace)
    with Display(quiet=as_json) as display:
        display.now("reading the extracts")
        examined = examine(project, display.now)
    if html is not None:
        html.write_text(as_html(examined), "utf-8")
    if letter:
        zone = Workspace.open(project.workspace).zone("clear")
        for controller in examined.controllers:
            written = write_letter(examined, project, controller, zone)
            typer.echo(f"Letter to the supplier of {controller}: {written}", err=True)
    if as_json:
        typer.echo(json.dumps(report_as_json(examined), sort_keys=True))
    else:
        typer.echo(as_text(examined))
    raise typer.Exit(2 if examined.would_stop else 0)
