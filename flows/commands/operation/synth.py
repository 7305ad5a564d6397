"""`hearth synth` and `hearth init`: a project of invented people, and the start of one of your own."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from governance.errors import Fault

_SAMPLE_AGREEMENT = Path(__file__).resolve().parents[3] / "sample_data" / "sample" / "agreement.toml"

SYNTH_EXAMPLES = """
Example:

    hearth synth --households 5000 --seed 7 --out my-sample

    hearth run --config my-sample/hearth.toml
"""


def add_to(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command(epilog=SYNTH_EXAMPLES)(synth)


def synth(
    out: Annotated[Path, typer.Option(help="Folder to write; made when missing.", file_okay=False)],
    households: Annotated[int, typer.Option(help="How many households.", min=1)] = 5000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.", min=0)] = 1,
) -> None:
    """Invent a population: extracts with their real defects, hidden truth, an agreement and a hearth.toml.

    People, addresses, UPRNs and NHS numbers belong to nobody. NHS numbers are of the range set aside for
    tests, 999, as long as it lasts (909,091 numbers, some 350,000 households); a larger population goes on
    with 998 and below, which are not issued either. An address list goes with it, for hearth assign-uprn.
    """
    from sample_data.generate import synthesise

    if (out / "hearth.toml").exists():
        raise Fault(
            "WOULD_OVERWRITE",
            f"{out} holds a project already.",
            "Name an empty folder with --out, or remove that one first.",
        )
    try:
        rows = synthesise(households, seed, out)
    except ValueError as error:
        raise Fault("SYNTH_SETTINGS", f"{error}.", "Ask for fewer households.") from None
    shutil.copyfile(_SAMPLE_AGREEMENT, out / "agreement.toml")
    for table, count in rows.items():
        typer.echo(f"{table}: {count:,} rows")
    typer.echo(f"Run it: hearth run --config {out / 'hearth.toml'}")
