"""`hearth init`: a commented hearth.toml and agreement to fill in."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from governance.errors import Fault

EXAMPLES = """
Example:

    hearth init my-project

    hearth governance check my-project/agreement.toml
"""


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command(epilog=EXAMPLES)(init)


def init(
    folder: Annotated[Path, typer.Argument(help="Folder to write; made when missing.")] = Path(),
) -> None:
    """Start a project: a hearth.toml to map columns in, and an agreement whose open places are marked."""
    from governance.agreement.template import agreement_template

    texts = {
        "hearth.toml": files("flows.commands.operation").joinpath("project_template.toml").read_text("utf-8"),
        "agreement.toml": agreement_template(),
    }
    standing = [name for name in texts if (folder / name).exists()]
    if standing:
        raise Fault(
            "WOULD_OVERWRITE",
            f"{folder} holds {' and '.join(standing)} already.",
            "Name another folder, or remove them first.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
        typer.echo(f"Wrote {folder / name}")
    typer.echo("Fill in every place marked FILL IN, then: hearth governance check agreement.toml")
