"""`hearth init`: write a commented hearth.toml and agreement to complete."""

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
    folder: Annotated[Path, typer.Argument(help="Folder to write; created if missing.")] = Path(),
) -> None:
    """Start a project: write a hearth.toml for your column names, and an agreement to complete."""
    from governance.agreement.template import agreement_template

    texts = {
        "hearth.toml": files("flows.commands.operation").joinpath("project_template.toml").read_text("utf-8"),
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
    typer.echo(
        f"Complete every place marked FILL IN, then run: hearth governance check {folder / 'agreement.toml'}"
    )
