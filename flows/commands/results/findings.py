"""`hearth findings`, `hearth compare` and `hearth allocate`: results derived from a release."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.argument_types import AreaLevel, a_confidence, a_number, a_percentage
from flows.commands.operation.run import JsonOption
from governance.errors import Fault

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.findings.overlap import Overlap

ReleasesOption = Annotated[
    Path, typer.Option("--releases", help="Folder that contains the releases.", file_okay=False)
]
OutOption = Annotated[
    Path | None,
    typer.Option(help="Folder for the tables (Parquet and CSV) and the page.", file_okay=False),
]
ConfidenceOption = Annotated[
    float,
    typer.Option(
        help="Confidence of every interval in percent: 95 or 99.8, as in Fingertips.", parser=a_confidence
    ),
]
OverlapOption = Annotated[
    float | None,
    typer.Option(
        help="Percent of the later release's people who are in the earlier one too; needs --same-status.",
        parser=a_percentage,
    ),
]
SameStatusOption = Annotated[
    float | None,
    typer.Option(
        help="Of the people in both, percent whose status is the same in both; needs --overlap.",
        parser=a_percentage,
    ),
]
_RELEASES = Path("workspace/releases")
_LARGEST_BUDGET = 1e12

FINDINGS_EXAMPLES = """
Examples:

    hearth findings

    hearth findings --out findings --confidence 99.8

    hearth findings --earlier workspace/releases/2026-03-31-e805f45a1e5a

    hearth findings --json | jq .inequality

Everything is calculated from published values, so it discloses nothing beyond the release itself.
"""

COMPARE_EXAMPLES = """
Examples:

    hearth compare workspace/releases/2026-03-31-e805f45a1e5a workspace/releases/2026-06-30-0a1b2c3d4e5f

    hearth compare EARLIER LATER --out change

    hearth compare EARLIER LATER --overlap 90 --same-status 97

Releases of the same epoch have the same values by rule, so compare releases of different epochs.
"""

ALLOCATE_EXAMPLES = """
Examples:

    hearth allocate --budget 1000000

    hearth allocate --budget 250000 --by LSOA21 --count households --ratio 3 --out allocation

The page shows the weights. Publish them with the amounts.
"""


def add_to(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command(epilog=FINDINGS_EXAMPLES)(findings)
    app.command(epilog=COMPARE_EXAMPLES)(compare)
    app.command(epilog=ALLOCATE_EXAMPLES)(allocate)


def findings(
    release: Annotated[
        Path | None, typer.Argument(help="Release folder; the newest if left out.", file_okay=False)
    ] = None,
    releases: ReleasesOption = _RELEASES,
    earlier: Annotated[
        Path | None,
        typer.Option(help="An earlier release folder, to show change since then.", file_okay=False),
    ] = None,
    benchmark: Annotated[
        Path | None,
        typer.Option(
            help="CSV of rates to compare with, with the columns of schemas/benchmarks/england.csv.",
            dir_okay=False,
        ),
    ] = None,
    framework: Annotated[str, typer.Option(help="Outcomes framework, a file in schemas/frameworks.")] = (
        "household_outcomes"
    ),
    confidence: ConfidenceOption = 95,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report rates with intervals, inequality, standardised rates and an outcomes framework from a release.

    Rates are compared with the local authority's and with a benchmark (England's, if one is published). A
    rate is shown only if numerator, denominator and complement are each at least the agreed minimum count.
    """
    from pipeline.findings.all_findings import find_all
    from pipeline.findings.report import report_findings
    from pipeline.findings.writing import write_findings

    folder = release or newest_release(releases)
    found = find_all(folder, earlier, benchmark, framework, confidence)
    report = report_findings(found)
    if out is not None:
        write_findings(out, found.tables(), report, "findings")
    if as_json:
        _print_json({"release": found.release.release_id} | _records(found.tables()))
        return
    typer.echo(report)
    _print_where(out)


def compare(
    earlier: Annotated[Path, typer.Argument(help="Folder of the earlier release.", file_okay=False)],
    later: Annotated[Path, typer.Argument(help="Folder of the later release.", file_okay=False)],
    confidence: ConfidenceOption = 95,
    overlap: OverlapOption = None,
    same_status: SameStatusOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what changed between two releases, and whether definition, linkage or coverage changed too."""
    from pipeline.findings.all_findings import check_confidence
    from pipeline.findings.release_comparison import compare_releases
    from pipeline.findings.release_figures import read_release
    from pipeline.findings.report import report_comparison
    from pipeline.findings.writing import write_findings

    before, after = read_release(earlier), read_release(later)
    comparison = compare_releases(before, after, check_confidence(confidence), _overlap(overlap, same_status))
    report = report_comparison(before, after, comparison)
    if out is not None:
        write_findings(out, {"changes": comparison.changes}, report, "comparison")
    if as_json:
        statements = [{"aspect": c.aspect, "statement": c.statement} for c in comparison.statements]
        _print_json({"statements": statements} | _records({"changes": comparison.changes}))
        return
    typer.echo(report)
    _print_where(out)


def allocate(
    budget: Annotated[
        float,
        typer.Option(
            help="Amount to share, in pounds, such as 1000000 or 2500.50.", min=0, max=_LARGEST_BUDGET
        ),
    ],
    release: Annotated[
        Path | None, typer.Argument(help="Release folder; the newest if left out.", file_okay=False)
    ] = None,
    releases: ReleasesOption = _RELEASES,
    by: Annotated[
        AreaLevel,
        typer.Option(
            help="Area level that receives the shares: LSOA21, MSOA21 or LAD.", case_sensitive=False
        ),
    ] = "MSOA21",
    count: Annotated[
        str, typer.Option(help="Count that shares are proportional to; it must be published for every LSOA.")
    ] = "residents",
    ratio: Annotated[
        float,
        typer.Option(
            help="Weight of the most deprived tenth; the least deprived tenth has weight 1.",
            min=1,
            parser=a_number(minimum=1),
        ),
    ] = 2.0,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Share a budget among areas by population and deprivation (IMD), and show the weights."""
    from pipeline.findings.budget import share_budget
    from pipeline.findings.release_figures import read_release
    from pipeline.findings.report import report_budget
    from pipeline.findings.writing import write_findings

    read = read_release(release or newest_release(releases))
    shared = share_budget(read, round(budget * 100), by, count, ratio)
    report = report_budget(read, shared, budget, ratio)
    tables = {"shares": shared.shares, "weights": shared.weights}
    if out is not None:
        write_findings(out, tables, report, "allocation")
    if as_json:
        _print_json({"release": read.release_id} | _records(tables))
        return
    typer.echo(report)
    _print_where(out)


def newest_release(releases: Path) -> Path:
    """Return the folder of the latest release: by reference date, then by file time. Raises Fault if none."""
    found = [p for p in releases.glob("*") if (p / "manifest.json").is_file() and not p.name.startswith(".")]
    if not found:
        raise Fault(
            "NO_RELEASE",
            f"There is no release in {releases}.",
            "Name another folder with --releases, or publish one with `hearth run`.",
        )
    return max(found, key=lambda p: (p.name[:10], (p / "manifest.json").stat().st_mtime))


def _overlap(shared: float | None, same_status: float | None) -> "Overlap | None":
    from pipeline.findings.overlap import EVERY_OTHER, Overlap

    if shared is None and same_status is None:
        return None
    if shared is None or same_status is None:
        raise typer.BadParameter("Give both --overlap and --same-status, or neither.")
    return Overlap(shared / 100, {EVERY_OTHER: same_status / 100})


def _records(tables: "dict[str, pd.DataFrame]") -> dict[str, Any]:
    return {name: json.loads(frame.to_json(orient="records")) for name, frame in tables.items()}


def _print_json(content: dict[str, Any]) -> None:
    typer.echo(json.dumps(content))


def _print_where(out: Path | None) -> None:
    if out is not None:
        typer.echo(f"Every table (Parquet and CSV) and this page are in {out}.")
