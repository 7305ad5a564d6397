"""`hearth link`: what the last run decided about a pair, and the model for other tools."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.commands.linkage.review import KeyOption, project_with_key
from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption

app = typer.Typer(
    name="link",
    no_args_is_help=True,
    help="Links of the last run: explain a pair, list pairs, estimate what is missed, export for Splink.",
)
_CONFIG = Path("hearth.toml")

EXPLAIN_EXAMPLES = """
Examples:

    hearth link pairs --reason clerical_review --limit 5

    hearth link explain 5f0c…e2 91ab…07

    hearth link explain 5f0c…e2 91ab…07 --json

Only an operator of the agreement may read pairs, inside the secure environment. The audit log has an entry
for each read. docs/linkage-method.md explains the levels and weights.
"""


EXPORT_EXAMPLES = """
Example:

    hearth link export-splink --config sample_data/sample/hearth.toml --out splink

In Python, with Splink 5: `Linker([dwellings, groups], "splink/recorded.json")`. README.md there lists
the tables that each file needs, and what is not in the settings.
"""


RECALL_EXAMPLES = """
Examples:

    hearth link recall --config sample_data/sample/hearth.toml --workspace workspace

    hearth link recall --json

docs/linkage-quality.md explains the figures and what they assume. They are counts of the whole run, without
disclosure control: they stay in the secure environment.
"""


def add_to(parent: typer.Typer) -> None:
    """Mount the commands."""
    parent.add_typer(app)


@app.command(epilog=EXPLAIN_EXAMPLES)
def explain(
    dwelling: Annotated[str, typer.Argument(help="Record pseudonym of the dwelling.")],
    nhs: Annotated[str, typer.Argument(help="Record pseudonym of the NHS record, or its address group.")],
    config: ConfigOption = _CONFIG,
    workspace: WorkspaceOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show why a dwelling and an NHS record are linked or not: prior, each level, sum, limits, decision.

    The output contains levels and weights, and nothing clear.
    """
    from flows.actions.link_explanation import explain
    from pipeline.link.explain.text import explanation_text

    found = explain(project_with_key(config, workspace, key), dwelling.strip(), nhs.strip())
    typer.echo(json.dumps(found.as_json()) if as_json else explanation_text(found), nl=as_json)


@app.command()
def pairs(
    config: ConfigOption = _CONFIG,
    workspace: WorkspaceOption = None,
    key: KeyOption = None,
    reason: Annotated[
        Literal["linked", "clerical_review", "ambiguous", "below_threshold", "decided_apart"] | None,
        typer.Option(help="Only pairs with this decision."),
    ] = None,
    limit: Annotated[int, typer.Option(help="Most pairs to list.", min=1, max=1000)] = 20,
    as_json: JsonOption = False,
) -> None:
    """List pairs of the last run by their pseudonyms, those nearest to the limit of acceptance first."""
    from flows.actions.link_explanation import list_pairs

    found = list_pairs(project_with_key(config, workspace, key), reason, limit)
    if as_json:
        typer.echo(json.dumps([vars(pair) for pair in found]))
        return
    for pair in found:
        typer.echo(f"{pair.dwelling}  {pair.address_group}  {pair.match_weight:+8.4f}  {pair.reason}")


@app.command(name="export-splink", epilog=EXPORT_EXAMPLES)
def export_splink(
    out: Annotated[Path, typer.Option(help="Folder for the settings, made if needed.", file_okay=False)],
    config: ConfigOption = _CONFIG,
) -> None:
    """Write the project's linkage model as settings that Splink loads.

    The files contain weights and conditions, and no data of any record.
    """
    from flows.actions.splink_export import export_settings
    from pipeline.project import read_project

    for path in export_settings(read_project(config, None), out):
        typer.echo(str(path))


@app.command(epilog=RECALL_EXAMPLES)
def recall(
    config: ConfigOption = _CONFIG,
    workspace: WorkspaceOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Estimate without the truth what the last run's links miss: by source, by blocking rule, by limit."""
    from flows.actions.link_recall import link_recall
    from pipeline.link.recall.report import report_text

    report = link_recall(project_with_key(config, workspace, key))
    typer.echo(json.dumps(report.as_json()) if as_json else report_text(report), nl=as_json)
