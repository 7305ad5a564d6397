"""`hearth review`: clerical review of the last run's links, on vectors or on clear data."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption
from governance.counted import counted

if TYPE_CHECKING:
    from pipeline.project import Project

app = typer.Typer(
    name="review",
    no_args_is_help=True,
    help="Clerical review: on comparison vectors (export, import), or at each controller on its own clear"
    " data (pairs, sheet, verdicts).",
)
PrecisionOption = Annotated[
    float,
    typer.Option(
        "--precision", help="Lowest precision that the proposed threshold may have.", min=0.5, max=1
    ),
]
PartialOption = Annotated[
    bool, typer.Option("--partial", help="Skip rows without a decision, instead of refusing the file.")
]
_CONFIG = Path("hearth.toml")
KeyOption = Annotated[
    Path | None,
    typer.Option(
        "--key",
        help="Your key as an operator (PEM, mode 0600), instead of signing_keys in hearth.toml.",
        dir_okay=False,
    ),
]

EXPORT_EXAMPLES = """
Example:

    hearth review export --config sample_data/sample/hearth.toml --workspace workspace --out review

Give each reviewer a copy of review.html or review.csv. The files contain no pseudonym, no identifier, and not
the ethnic group by which the sample is stratified.
"""

IMPORT_EXAMPLES = """
Examples:

    hearth review import review-1a2b-ann.csv review-1a2b-bob.csv --out review-findings

    hearth review import ann.csv bob.csv --partial --precision 0.99 --json

With two or more reviewers, the report shows how far each two of them agree (Cohen's kappa).
"""


PAIRS_EXAMPLES = """
Example, in the linkage environment:

    hearth review pairs --sample 300 --teach 50 --out pairs

Send pairs-council.csv to the council and pairs-nhs.csv to the NHS body.
"""

SHEET_EXAMPLES = """
Example, at the council:

    hearth review sheet pairs-council.csv --controller council --out review

Two reviewers each open sheet-council.html, decide, and save a file of verdicts; or each fills in a copy of
verdicts-council.csv. The sheet contains personal data and stays here. Only the verdicts are sent back.
"""

VERDICTS_EXAMPLES = """
Example, in the linkage environment, with the files of all reviewers together:

    hearth review verdicts council-ann.csv council-bob.csv nhs-cat.csv
"""


def add_to(parent: typer.Typer) -> None:
    """Mount the commands."""
    parent.add_typer(app)


@app.command(epilog=EXPORT_EXAMPLES)
def export(
    out: Annotated[
        Path, typer.Option("--out", help="Folder for review.csv and review.html.", file_okay=False)
    ],
    config: ConfigOption = _CONFIG,
    workspace: WorkspaceOption = None,
    key: KeyOption = None,
    cases: Annotated[
        int,
        typer.Option("--cases", help="Cases per stratum (match weight band and group).", min=1, max=50),
    ] = 5,
    as_json: JsonOption = False,
) -> None:
    """Write a sample of the last run's pairs for reviewers, stratified by match weight and group."""
    from flows.actions.clerical_review import export_sample

    exported = export_sample(project_with_key(config, workspace, key), out, cases)
    table, page = exported.files
    typer.echo(
        f"Review {exported.review}: {counted(exported.cases, 'case')} in {table} and {page}", err=as_json
    )
    if as_json:
        typer.echo(
            json.dumps({"review": exported.review, "cases": exported.cases, "files": [str(table), str(page)]})
        )


@app.command(name="import", epilog=IMPORT_EXAMPLES)
def import_(
    files: Annotated[
        list[Path], typer.Argument(help="Reviewers' CSV files, one or more.", exists=True, dir_okay=False)
    ],
    config: ConfigOption = _CONFIG,
    workspace: WorkspaceOption = None,
    key: KeyOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for findings.json and findings.txt.", file_okay=False)
    ] = None,
    precision: PrecisionOption = 0.99,
    partial: PartialOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check reviewers' decisions, and report their agreement, the precision by band, and thresholds.

    A row is refused, with its line number, if it belongs to another run, is unknown or repeated, or has no
    decision or no reviewer.
    """
    from flows.actions.clerical_review import import_decisions
    from pipeline.quality.review.text import review_text

    found = import_decisions(project_with_key(config, workspace, key), files, precision, partial=partial)
    text, record = review_text(found), found.as_json()
    if out is not None:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        (out / "findings.txt").write_text(text, "utf-8")
        (out / "findings.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    typer.echo(text, err=as_json)
    if as_json:
        typer.echo(json.dumps(record))


@app.command(epilog=PAIRS_EXAMPLES)
def pairs(
    out: Annotated[Path, typer.Option("--out", help="Folder for the two files of pairs.", file_okay=False)],
    config: ConfigOption = _CONFIG,
    workspace: WorkspaceOption = None,
    key: KeyOption = None,
    sample: Annotated[
        int, typer.Option("--sample", help="Pairs of the sample, from which precision is estimated.", min=1)
    ] = 300,
    teach: Annotated[
        int, typer.Option("--teach", help="Further pairs whose verdicts teach most.", min=0)
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Choose pairs of the last run for review on clear data, and write a file for each controller.

    The files contain record pseudonyms and levels, and no match weight, probability or band.
    """
    from flows.actions.pair_review import send_pairs

    sent = send_pairs(project_with_key(config, workspace, key), out, sample, teach)
    sampled, where = counted(sent.sampled, "pair"), " and ".join(map(str, sent.files))
    typer.echo(
        f"Review {sent.review}: {sampled} of the sample and {sent.further:,} further, in {where}", err=as_json
    )
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "review": sent.review,
                    "sampled": sent.sampled,
                    "further": sent.further,
                    "files": list(map(str, sent.files)),
                }
            )
        )


@app.command(epilog=SHEET_EXAMPLES)
def sheet(
    pairs: Annotated[
        Path, typer.Argument(help="This controller's file of pairs.", exists=True, dir_okay=False)
    ],
    controller: Annotated[Literal["council", "nhs"], typer.Option(help="Whose records are shown.")],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the sheet and the file of verdicts.", file_okay=False)
    ],
    config: ConfigOption = _CONFIG,
    workspace: WorkspaceOption = None,
    key: KeyOption = None,
    other: Annotated[
        Path | None,
        typer.Option(help="The other controller's sheet (CSV), if the agreement allows it.", exists=True),
    ] = None,
) -> None:
    """At a controller: show its own side of the pairs in clear, on a page and as CSV, for its reviewers."""
    from flows.actions.review_sheet import make_sheet

    for path in make_sheet(project_with_key(config, workspace, key), controller, pairs, out, other):
        typer.echo(str(path))


@app.command(epilog=VERDICTS_EXAMPLES)
def verdicts(
    files: Annotated[
        list[Path], typer.Argument(help="Reviewers' files of verdicts.", exists=True, dir_okay=False)
    ],
    config: ConfigOption = _CONFIG,
    workspace: WorkspaceOption = None,
    key: KeyOption = None,
    precision: PrecisionOption = 0.99,
    partial: PartialOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take reviewers' verdicts in: report agreement and precision, and let later runs link by them.

    A verdict changes links only if two reviewers decided the pair. If two of them agree hardly more than by
    chance (kappa below 0.2), nothing is estimated and no verdict is kept.
    """
    from flows.actions.pair_review import take_verdicts
    from pipeline.quality.review.text import review_text

    taken = take_verdicts(project_with_key(config, workspace, key), files, precision, partial=partial)
    typer.echo(review_text(taken.found), err=as_json)
    kept = (
        f"{counted(taken.verdicts, 'verdict')} on record: the next run links by them."
        if taken.agreed
        else "The reviewers agree hardly more than by chance, so no verdict was kept."
    )
    typer.echo(kept, err=as_json)
    if as_json:
        typer.echo(json.dumps(taken.as_json()))


def project_with_key(config: Path, workspace: Path | None, key: Path | None) -> "Project":
    """Return the project. If the command line has a key, it replaces the project's signing keys."""
    from pipeline.project import read_project

    project = read_project(config, workspace)
    return project if key is None else replace(project, signing_keys=(key,))
