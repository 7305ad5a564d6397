"""`hearth attack`: try on a release, or on pseudonymised columns, what an attacker could try."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption
from governance.counted import counted

RELEASES = "releases"

EXAMPLES = """
Examples:

    hearth attack workspace/releases/2026-03-31-0123456789ab

    hearth attack workspace/releases/* --truth sample_data/sample/truth --json

    hearth attack encoding --config sample_data/sample/hearth.toml

Folders without a subcommand are releases. `hearth attack releases --help` shows the options for them.
"""

ENCODING_EXAMPLES = """
Examples:

    hearth attack encoding --config sample_data/sample/hearth.toml

    hearth attack encoding --config hearth.toml --sample 0.9 --json

Run it where the extracts are: the attack needs clear values, and needs no key.
"""


class _ReleasesUnlessNamed(TyperGroup):
    """A group of commands whose first argument may be a folder, which means the attack on releases."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `releases` before arguments that do not start with a command of the group."""
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = [RELEASES, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="attack",
    cls=_ReleasesUnlessNamed,
    no_args_is_help=True,
    help="Try what an attacker could try: on published releases, or on the encoding of names in packages.",
    epilog=EXAMPLES,
)


def add_to(parent: typer.Typer) -> None:
    """Mount the commands."""
    parent.add_typer(app)


@app.command(name=RELEASES, epilog=EXAMPLES)
def attack(
    releases: Annotated[
        list[Path], typer.Argument(help="Release folders, in any order.", exists=True, file_okay=False)
    ],
    truth: Annotated[
        Path | None,
        typer.Option(
            help="Truth folder of a synthetic population, with mover.parquet.", exists=True, file_okay=False
        ),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="File for the certificate. [default: in the workspace's audit folder]")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(help="Ed25519 key (PEM) to sign it with. [default: the workspace's log key]"),
    ] = None,
    independent: Annotated[
        bool,
        typer.Option(
            "--independent",
            help="Try the second attacker as well: other code, which finds relations from the files only.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Try the seven attacks of the disclosure specification on releases, using only their published files.

    A signed certificate records which attacks were tried. Exit code: 0 if none succeeded, 2 if one did or a
    release is not as it was published.
    """
    from flows.actions.release_reading import checked_releases
    from pipeline.disclosure.attack.certificate import certify
    from pipeline.disclosure.attack.from_files.attack import attack_from_files
    from pipeline.disclosure.attack.run import run_attacks

    folders = checked_releases(releases)
    report = run_attacks(folders, truth)
    second = {folder.name: attack_from_files(folder) for folder in folders} if independent else {}
    successes = report.successes + sum(found.successes for found in second.values())
    written = certify(report, datetime.now(UTC), releases[0], certificate, key)
    record: dict[str, Any] = report.record() | {
        "certificate": None if written is None else str(written.path),
        "signed_by": None if written is None else written.signed_by,
    }
    if independent:
        record["independent"] = {name: found.record() for name, found in second.items()}
    if as_json:
        typer.echo(json.dumps(record))
    else:
        for outcome in record["attacks"]:
            details = outcome["not_run"] or ", ".join(
                f"{name} {figure}" for name, figure in (outcome["findings"] or outcome["figures"]).items()
            )
            typer.echo(f"{outcome['number']}  {outcome['name']:<28} {outcome['verdict']:<10} {details}")
        for neighbour in record["intruders"]:
            typer.echo(
                f"   motivated intruder, {neighbour['release_id']}, {neighbour['on']}: "
                f"{neighbour['outcome']} ({counted(neighbour['groups'], 'group')} tried, "
                f"{neighbour['singled_out']} singled out, {neighbour['learnt']} certain)"
            )
        for name, found in second.items():
            typer.echo(f"   second attacker, {name}: {found.in_words()}")
        typer.echo(
            "No attack succeeded."
            if not successes
            else f"Attacks succeeded {counted(successes, 'time')}. "
            "Withdraw the release and inform its approvers."
        )
        if written is not None:
            signed = (
                f"signed by {written.signed_by}"
                if written.signed_by
                else "not signed: no key found; use --key"
            )
            typer.echo(f"Certificate: {written.path} ({signed})")
    if successes:
        raise typer.Exit(2)


@app.command(epilog=ENCODING_EXAMPLES)
def encoding(
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    sample: Annotated[
        float,
        typer.Option(
            "--sample", help="Share of the people whose clear values the attacker has.", min=0, max=1
        ),
    ] = 0.5,
    as_json: JsonOption = False,
) -> None:
    """Test whether counting how often values occur could re-identify people.

    The simulated attacker has all tokens, and clear values for a sample of the same people. Unsalted names
    are tested as well, to show what salting prevents. Exit code: 0 if every column resists, 2 if one does
    not (rule PSE-08 would refuse a run).
    """
    from flows.actions.encoding_attack import attack_encodings
    from governance.rules.pseudonymise import MAXIMUM_DECODED_SHARE
    from pipeline.project import read_project

    columns = attack_encodings(read_project(config, workspace), sample)
    exposed = [c for c in columns if not c.is_control and not c.attack.is_withstood]
    if as_json:
        record = {
            "sampled_share": sample,
            "maximum_share": MAXIMUM_DECODED_SHARE,
            "withstood": not exposed,
            "columns": [c.as_json() for c in columns],
        }
        typer.echo(json.dumps(record))
    else:
        typer.echo(
            f"{'table':<17} {'column':<30} {'tokens':>9} {'re-identified':>13} {'share':>7} {'by sector':>9}"
        )
        for c in columns:
            name = f"({c.attack.column}, unsalted)" if c.is_control else c.attack.column
            mark = (
                "" if c.attack.is_withstood else ("  exposed, as expected" if c.is_control else "  EXPOSED")
            )
            typer.echo(
                f"{c.table:<17} {name:<30} {c.attack.occurrences:>9,} {c.attack.reidentified:>13,} "
                f"{c.attack.reidentified_share:>7.2%} {c.attack.by_sector:>9.2%}{mark}"
            )
        typer.echo(
            f"Every column resists: at most {MAXIMUM_DECODED_SHARE:.0%} of its tokens are re-identified."
            if not exposed
            else f"{counted(len(exposed), 'column')} did not resist the attack: do not send these tables."
        )
        typer.echo("By sector: the share if the attacker also had every person's postcode sector.")
    if exposed:
        raise typer.Exit(2)
