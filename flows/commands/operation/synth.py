"""`hearth synth`: a project with a synthetic population."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from governance.counted import counted
from governance.errors import Fault

_SAMPLE_AGREEMENT = Path(__file__).resolve().parents[3] / "sample_data" / "sample" / "agreement.toml"

SYNTH_EXAMPLES = """
Example:

    hearth synth --households 5000 --seed 7 --out my-sample

    hearth run --config my-sample/hearth.toml
"""


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command(epilog=SYNTH_EXAMPLES)(synth)


def synth(
    out: Annotated[Path, typer.Option(help="Folder to write; created if missing.", file_okay=False)],
    households: Annotated[int, typer.Option(help="Number of households.", min=1)] = 5000,
    seed: Annotated[int, typer.Option(help="Random seed; the same seed produces the same files.", min=0)] = 1,
) -> None:
    """Make a synthetic project: extracts with realistic defects, the true links, an agreement, a hearth.toml.

    All people, addresses, UPRNs and NHS numbers are invented. NHS numbers come from the range 999, which is
    reserved for tests (909,091 numbers, enough for about 350,000 households). In a larger population the
    people beyond that have no NHS number. The project includes an address list for hearth assign-uprn.
    """
    from sample_data.generate import synthesise

    if (out / "hearth.toml").exists():
        raise Fault(
            "WOULD_OVERWRITE",
            f"{out} already contains a project, so nothing was written.",
            "Name an empty folder with --out, or remove that project first.",
        )
    try:
        rows = synthesise(households, seed, out)
    except ValueError as error:
        raise Fault(
            "SYNTH_SETTINGS",
            f"No population was made: {error}.",
            "Run it again with a smaller number, such as `--households 5000`.",
        ) from None
    shutil.copyfile(_SAMPLE_AGREEMENT, out / "agreement.toml")
    for table, count in rows.items():
        typer.echo(f"{table}: {counted(count, 'row')}")
    typer.echo(f"Next: hearth run --config {out / 'hearth.toml'}")
