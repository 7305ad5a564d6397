"""`hearth attack`: everything an outsider could try on a release, tried."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.run import JsonOption

EXAMPLES = """
Examples:

    hearth attack workspace/releases/2026-03-31-0123456789ab

    hearth attack workspace/releases/* --truth sample_data/truth --json
"""


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command(epilog=EXAMPLES)(attack)


def attack(
    releases: Annotated[
        list[Path], typer.Argument(help="Folders of releases, in any order.", exists=True, file_okay=False)
    ],
    truth: Annotated[
        Path | None,
        typer.Option(help="Folder of synthetic truth with mover.parquet.", exists=True, file_okay=False),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="Where to write the certificate; in the workspace's audit by default.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="Ed25519 key (PEM) that signs it; the workspace's log key by default.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Try the seven attacks of the disclosure specification on releases, from their published files alone.

    Exit code 0: none succeeded; 2: at least one did. A signed certificate records which were tried.
    """
    from pipeline.disclosure.attack.certificate import certify
    from pipeline.disclosure.attack.run import run_attacks

    report = run_attacks(releases, truth)
    written = certify(report, datetime.now(UTC), releases[0], certificate, key)
    record: dict[str, Any] = report.record() | {
        "certificate": None if written is None else str(written.path),
        "signed_by": None if written is None else written.signed_by,
    }
    if as_json:
        typer.echo(json.dumps(record))
    else:
        for outcome in record["attacks"]:
            told = outcome["not_run"] or ", ".join(
                f"{name} {figure}" for name, figure in (outcome["findings"] or outcome["figures"]).items()
            )
            typer.echo(f"{outcome['number']}  {outcome['name']:<28} {outcome['verdict']:<10} {told}")
        typer.echo(
            "No attack succeeded."
            if not report.successes
            else f"Attacks succeeded {report.successes:,} times: withdraw the release and tell its approvers."
        )
        if written is not None:
            signed = (
                f"signed by {written.signed_by}" if written.signed_by else "not signed: no key was at hand"
            )
            typer.echo(f"Certificate: {written.path} ({signed})")
    if report.successes:
        raise typer.Exit(2)
