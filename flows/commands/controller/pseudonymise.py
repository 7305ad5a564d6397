"""`hearth pseudonymise`: at a controller, turn its extract into a package without direct identifiers."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption

EXAMPLES = """
Example, on the council's own machine:

    hearth pseudonymise --controller council --config hearth.toml

The package in the outbox is signed, and only the linkage environment can decrypt it. Send the folder
unchanged.
"""


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command(epilog=EXAMPLES)(pseudonymise)


def pseudonymise(
    controller: Annotated[
        Literal["council", "nhs"], typer.Option(help="The controller whose extract this is.")
    ],
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pseudonymise this controller's extract and package it for the linkage environment.

    Exit code: 0 packaged, 2 refused by a gate (code, reason and remedy are printed), 1 fault.
    """
    from flows.run.controller_run import pseudonymise_at_source
    from flows.run.run import new_run_id
    from pipeline.project import read_project

    made = pseudonymise_at_source(read_project(config, workspace), controller, new_run_id(), quiet=as_json)
    if as_json:
        typer.echo(json.dumps(made.as_json(), sort_keys=True))
        return
    typer.echo(f"Package {made.sequence} of {controller}: {made.package}")
    typer.echo(f"Key {made.key_id}, UPRN check value {made.check_values['uprn']}")
