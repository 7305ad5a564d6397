"""`hearth train` and `hearth evaluate`: the linkage model, and the quality of its links."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption

if TYPE_CHECKING:
    from pipeline.statistics.proportion import Proportion

EVALUATE_EXAMPLES = """
Example:

    hearth evaluate --config sample_data/sample/hearth.toml --workspace workspace \\
    --truth sample_data/sample/truth

Records are compared with residence_pairs (the dwelling where each record's person lives), and households with
household_pairs (the listed household with which an address group shares a person).

Allowed only in single-operator custody, because it joins links to the suppliers' record ids.
"""


TRAIN_EXAMPLES = """
Examples:

    hearth train --config hearth.toml --out model-2026

    hearth train --config my-sample/hearth.toml --truth my-sample/truth --out model-2026

    hearth train --config one/hearth.toml --truth one/truth --also two --also three --out model-2026

    hearth train --config hearth.toml --review --out model-2026

Then put `model = "model-2026/model.json"` in hearth.toml, and have the model's digest approved in the
agreement.
"""


def add_to(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command(epilog=TRAIN_EXAMPLES)(train)
    app.command(epilog=EVALUATE_EXAMPLES)(evaluate)


def train(
    out: Annotated[Path, typer.Option(help="Folder for model.json and model-card.md.", file_okay=False)],
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    truth: Annotated[
        Path | None,
        typer.Option(help="The truth folder that `hearth synth` wrote with these extracts.", file_okay=False),
    ] = None,
    also: Annotated[
        list[Path] | None,
        typer.Option(
            help="Another folder that `hearth synth` wrote, to train on as well. Repeatable.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    review: Annotated[
        bool,
        typer.Option(
            "--review", help="Adapt the project's model to the verdicts of reviewers that are on record."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a linkage model and write it with its model card.

    A pipeline run never trains: it uses the model that the agreement approves. Without --truth, only the
    priors are fitted to your records, and the weights of the project's model stay the same. With --review,
    the weights move from the project's model as far as the verdicts of reviewers support it.
    """
    from flows.actions.model_training import train_project
    from pipeline.project import read_project

    if review:
        _train_from_review(config, workspace, out, as_json=as_json)
        return
    training = train_project(read_project(config, workspace), out, truth, also or ())
    typer.echo(f"Wrote {out / 'model.json'} and {out / 'model-card.md'}", err=as_json)
    typer.echo(f"Digest for approval in the agreement: {training.model.digest}", err=as_json)
    for name, difference in training.starts.items():
        typer.echo(
            f"{name}: training from two starting points differs by at most {difference:g}", err=as_json
        )
    if as_json:
        typer.echo(json.dumps({"digest": training.model.digest, "starts": dict(training.starts)}))


def _train_from_review(config: Path, workspace: Path | None, out: Path, *, as_json: bool) -> None:
    from flows.actions.review_training import train_from_review
    from pipeline.project import read_project

    adapted = train_from_review(read_project(config, workspace), out)
    typer.echo(f"Wrote {out / 'model.json'} and {out / 'model-card.md'}", err=as_json)
    typer.echo(f"Verdicts: {adapted.verdicts:,} (effective number {adapted.effective:.0f})", err=as_json)
    typer.echo(f"Digest for approval in the agreement: {adapted.model.digest}", err=as_json)
    if as_json:
        typer.echo(json.dumps({"digest": adapted.model.digest, "verdicts": adapted.verdicts}))


def evaluate(
    truth: Annotated[
        Path,
        typer.Option(
            help="Folder with residence_pairs and household_pairs, or one file of true pairs "
            "(CSV or Parquet: council_record_id, nhs_record_id).",
            exists=True,
        ),
    ],
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    links_out: Annotated[
        Path | None, typer.Option("--links-out", help="File for the links with the suppliers' own ids (CSV).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the last run's links with known true pairs: precision and recall with 95% intervals."""
    from flows.actions.evaluation import evaluate_run
    from pipeline.project import read_project

    evaluated = evaluate_run(read_project(config, workspace), truth, links_out)
    for unit, measured in (
        ("NHS records", evaluated.evaluation.records),
        ("households", evaluated.evaluation.households),
    ):
        figures = (
            "not measured, because --truth contains no pairs for them"
            if measured is None
            else f"precision {_with_interval(measured.precision)}, recall {_with_interval(measured.recall)}"
        )
        typer.echo(f"{unit}: {figures}", err=as_json)
    if links_out is not None:
        typer.echo(
            f"The links are in {links_out}. They contain record ids: protect the file like an extract.",
            err=True,
        )
    if as_json:
        typer.echo(json.dumps(evaluated.as_json(), sort_keys=True))


def _with_interval(share: "Proportion") -> str:
    if share.value is None or share.interval is None:
        return "unknown (no cases)"
    low, high = share.interval
    return f"{share.value:.4f} ({low:.4f} to {high:.4f}, {share.successes:,} of {share.trials:,})"
