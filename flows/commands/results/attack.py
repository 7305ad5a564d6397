"""`hearth attack`: what an outsider could try on a release, or on pseudonymised columns, tried."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption

RELEASES = "releases"

EXAMPLES = """
Examples:

    hearth attack workspace/releases/2026-03-31-0123456789ab

    hearth attack workspace/releases/* --truth sample_data/truth --json

    hearth attack encoding --config sample_data/sample/hearth.toml

Folders alone mean releases; `hearth attack releases --help` lists the options of that attack.
"""

ENCODING_EXAMPLES = """
Examples:

    hearth attack encoding --config sample_data/sample/hearth.toml

    hearth attack encoding --config hearth.toml --sample 0.9 --json

Run it where the extracts are: the attack needs clear values and no key.
"""


class _ReleasesUnlessNamed(TyperGroup):
    """A group whose first argument may be a folder: then the attack on releases is meant."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `releases` before arguments that name no command of the group."""
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = [RELEASES, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="attack",
    cls=_ReleasesUnlessNamed,
    no_args_is_help=True,
    help="Try what an outsider could try: on releases, from their files alone, or on the encoding of names.",
    epilog=EXAMPLES,
)


def add_to(parent: typer.Typer) -> None:
    """Mount the commands."""
    parent.add_typer(app)


@app.command(name=RELEASES, epilog=EXAMPLES)
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
        for neighbour in record["intruders"]:
            typer.echo(
                f"   motivated intruder, {neighbour['release_id']}, {neighbour['on']}: "
                f"{neighbour['outcome']} ({neighbour['groups']:,} groups tried, "
                f"{neighbour['singled_out']} singled out, {neighbour['learnt']} certain)"
            )
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


@app.command(epilog=ENCODING_EXAMPLES)
def encoding(
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    sample: Annotated[
        float,
        typer.Option("--sample", help="Share of the people whom the attacker knows in clear.", min=0, max=1),
    ] = 0.5,
    as_json: JsonOption = False,
) -> None:
    """Rank tokens and clear values by how many records bear them, and tell whom that names, column by column.

    The attacker holds a sample of the same population and every token. Bare names are attacked beside the
    columns, to show what salting prevents. Exit code 0: every column withstands; 2: one does not (a run
    would be refused by PSE-08).
    """
    from flows.actions.encoding_attack import attack_encodings
    from governance.rules.pseudonymise import MAXIMUM_DECODED_SHARE
    from pipeline.project import read_project

    columns = attack_encodings(read_project(config, workspace), sample)
    fallen = [c for c in columns if not c.is_control and not c.attack.is_withstood]
    if as_json:
        record = {
            "sampled_share": sample,
            "maximum_share": MAXIMUM_DECODED_SHARE,
            "withstood": not fallen,
            "columns": [c.as_json() for c in columns],
        }
        typer.echo(json.dumps(record))
    else:
        typer.echo(f"{'table':<17} {'column':<30} {'tokens':>9} {'named':>7} {'share':>7} {'by sector':>9}")
        for c in columns:
            name = f"({c.attack.column}, bare)" if c.is_control else c.attack.column
            mark = "" if c.attack.is_withstood else ("  falls, as it must" if c.is_control else "  FALLS")
            typer.echo(
                f"{c.table:<17} {name:<30} {c.attack.occurrences:>9,} {c.attack.reidentified:>7,} "
                f"{c.attack.reidentified_share:>7.2%} {c.attack.by_sector:>9.2%}{mark}"
            )
        typer.echo(
            f"Every column withstands: at most {MAXIMUM_DECODED_SHARE:.0%} of its tokens are named."
            if not fallen
            else f"{len(fallen)} columns fall: do not send these tables."
        )
        typer.echo("By sector: had the attacker known beforehand in which postcode sector everybody lives.")
    if fallen:
        raise typer.Exit(2)
