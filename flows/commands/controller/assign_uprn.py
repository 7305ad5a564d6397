"""`hearth assign-uprn`: UPRNs for an extract that has addresses, at the controller, before a run."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flows.commands.argument_types import a_config, a_delimiter, a_number, a_size
from flows.commands.operation.run import JsonOption
from governance.errors import Fault

if TYPE_CHECKING:
    from pipeline.assign_uprn.columns import NamedColumns
    from pipeline.project import ExtractSettings, Project

EXAMPLES = """
Examples:

    make assign-uprn-environment

    hearth assign-uprn --config sample_data/sample/hearth.toml --table nhs_person
    --address-list sample_data/sample/address_list.csv.gz --out assigned

    hearth assign-uprn --extract patients.csv --address line1 --address line2 --postcode pcode
    --address-list gazetteer.parquet --list-address full_address --out assigned

The folder holds the extract again under its own name, evidence.csv, unassigned.csv and summary.json; let
`path` in hearth.toml point to the new file. A manifest of the old one does not fit it.

It is optional: nothing else in Hearth calls it. uk-address-matcher runs in an environment of its own,
which the first example builds, and nothing leaves this machine.
"""
_EXTRACT, _LIST, _DECISION = "The extract", "The address list", "What is taken"
Table = Literal["council_property", "council_person", "nhs_person"]
Overwrite = Literal["never", "unusable", "supplied"]
Encoding = Literal["utf-8", "cp1252"]


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command("assign-uprn", epilog=EXAMPLES)(assign_uprn)


def assign_uprn(
    address_list: Annotated[
        Path,
        typer.Option(
            help="CSV (also .gz) or Parquet: one row per UPRN.", dir_okay=False, rich_help_panel=_LIST
        ),
    ],
    out: Annotated[Path, typer.Option(help="New folder for the results.", file_okay=False)],
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            help="A hearth.toml that maps the extract. [default: hearth.toml]",
            rich_help_panel=_EXTRACT,
            parser=a_config,
            metavar="<file>",
        ),
    ] = None,
    table: Annotated[
        Table, typer.Option(help="Which of its extracts.", rich_help_panel=_EXTRACT)
    ] = "nhs_person",
    extract: Annotated[
        Path | None,
        typer.Option(help="Or a file by itself, CSV or Parquet.", dir_okay=False, rich_help_panel=_EXTRACT),
    ] = None,
    address: Annotated[
        list[str] | None,
        typer.Option(
            help="Its address column; repeat it for lines. [default: address, or address_line_1 to _5]",
            rich_help_panel=_EXTRACT,
        ),
    ] = None,
    postcode: Annotated[
        str | None, typer.Option(help="[default: postcode]", rich_help_panel=_EXTRACT)
    ] = None,
    uprn: Annotated[
        str | None,
        typer.Option(help="[default: uprn; added where there is none]", rich_help_panel=_EXTRACT),
    ] = None,
    record_id: Annotated[
        str | None,
        typer.Option(help="[default: record_id; lines are told anyway]", rich_help_panel=_EXTRACT),
    ] = None,
    encoding: Annotated[Encoding, typer.Option(rich_help_panel=_EXTRACT)] = "utf-8",
    delimiter: Annotated[
        str,
        typer.Option(help="A comma, a bar, or 'tab'.", rich_help_panel=_EXTRACT, parser=a_delimiter),
    ] = ",",
    list_address: Annotated[
        list[str] | None,
        typer.Option(help="As --address, in the address list.", rich_help_panel=_LIST),
    ] = None,
    list_postcode: Annotated[
        str | None, typer.Option(help="[default: postcode]", rich_help_panel=_LIST)
    ] = None,
    list_uprn: Annotated[str | None, typer.Option(help="[default: uprn]", rich_help_panel=_LIST)] = None,
    list_encoding: Annotated[Encoding, typer.Option(rich_help_panel=_LIST)] = "utf-8",
    list_delimiter: Annotated[
        str, typer.Option(help="A comma, a bar, or 'tab'.", rich_help_panel=_LIST, parser=a_delimiter)
    ] = ",",
    several_addresses: Annotated[
        bool,
        typer.Option(
            "--several-addresses",
            help="A UPRN may stand with several addresses (alternatives of one dwelling).",
            rich_help_panel=_LIST,
        ),
    ] = False,
    skip_faulty_rows: Annotated[
        bool,
        typer.Option(
            "--skip-faulty-rows",
            help="Leave out, and count, rows whose UPRN is none and rows that are no rows.",
            rich_help_panel=_LIST,
        ),
    ] = False,
    minimum_match_weight: Annotated[
        float,
        typer.Option(
            help="Least evidence for a scored match, in bits; matches by rule need none.",
            rich_help_panel=_DECISION,
            parser=a_number(),
        ),
    ] = 15.0,
    minimum_distinguishability: Annotated[
        float,
        typer.Option(
            help="Least lead of a scored match over the next candidate, in bits.",
            rich_help_panel=_DECISION,
            parser=a_number(),
        ),
    ] = 5.0,
    overwrite: Annotated[
        Overwrite,
        typer.Option(
            help="Also write over UPRNs that are none ('unusable'), or over any that the list contradicts "
            "('supplied').",
            rich_help_panel=_DECISION,
        ),
    ] = "never",
    missing_only: Annotated[
        bool,
        typer.Option(
            "--missing-only",
            help="Look up only addresses of records without a UPRN: faster, but no supplied one is checked.",
            rich_help_panel=_DECISION,
        ),
    ] = False,
    memory_limit: Annotated[
        str | None, typer.Option(help="For each engine. [default: of hearth.toml, else 2GB]", parser=a_size)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Assign UPRNs to the records of an extract that have an address and none, from an address list.

    At the controller, before a run, and optional. A supplied UPRN is kept unless asked; what could not be
    assigned is listed with its reason. Exit code: 0 done, 1 fault (also where uk-address-matcher is not
    installed).
    """
    from flows.run.faults import record_fault
    from flows.run.signals import stop_on_signals
    from pipeline.assign_uprn.address_list import ListTolerance
    from pipeline.assign_uprn.assignment import AssignmentRequest, Thresholds, assign_uprns
    from pipeline.assign_uprn.columns import NamedColumns
    from pipeline.engine.duckdb import EngineSettings
    from pipeline.engine.spill_volume import check_spill_volume
    from pipeline.project import ExtractSettings

    def say(sentence: str) -> None:
        typer.echo(sentence, err=as_json)

    named = NamedColumns(tuple(address or ()), postcode, uprn, record_id)
    project, settings, columns = _extract(config, table, extract, named, encoding, delimiter)
    engine = project.engine if project else EngineSettings(memory_limit="2GB")
    if memory_limit is not None:
        engine = replace(engine, memory_limit=memory_limit)
    listing = ExtractSettings(
        "address_list",
        address_list.absolute(),
        encoding=list_encoding,
        delimiter=list_delimiter,
    )
    request = AssignmentRequest(
        settings,
        columns,
        listing,
        NamedColumns(tuple(list_address or ()), list_postcode, list_uprn),
        out.absolute(),
        Thresholds(minimum_match_weight, minimum_distinguishability),
        {"never": (), "unusable": ("unusable",), "supplied": ("unusable", "supplied")}[overwrite],
        not missing_only,
        ListTolerance(skip_faulty_rows, several_addresses),
        engine,
        say,
    )
    if warning := check_spill_volume(out.absolute().parent, project is not None and project.production):
        typer.echo(warning, err=True)
    try:
        with stop_on_signals():
            summary = assign_uprns(request)
    except BaseException as error:  # noqa: BLE001 told as our own error, without values
        raise record_fault(error, "assign-uprn") from None
    for sentence in told(summary):
        say(sentence)
    say(f"Results are in {out}; they name records and dwellings: keep them as you keep the extract.")
    if as_json:
        typer.echo(json.dumps(summary, sort_keys=True))


def told(summary: dict[str, Any]) -> list[str]:
    """Return a summary in sentences, every record counted once."""
    extract = summary["extract"]
    state, outcome = Counter(extract["by_uprn"]), Counter(extract["by_outcome"])
    without = state["missing"] + state["unusable"]
    assigned = outcome["assigned"]
    sentences = [
        f"{extract['records']:,} records: {state['supplied']:,} with a UPRN, {without:,} without "
        f"({state['unusable']:,} of these have one that is no UPRN).",
        f"Assigned: {assigned:,} of {without:,}{_listed(extract['assigned_by_match_reason'])}.",
        f"Not assigned: {without - assigned:,}{_listed(_unassigned(extract))}.",
        f"Of the supplied UPRNs the list confirms {outcome['agrees']:,}, contradicts "
        f"{outcome['differs'] + outcome['replaced']:,} ({outcome['replaced']:,} replaced), cannot say of "
        f"{outcome['not_confirmed']:,}; {outcome['not_compared']:,} were not compared.",
    ]
    if extract["broken_rows"]:
        sentences.append(f"{extract['broken_rows']:,} rows are no rows of the table; they stay as they were.")
    return sentences


def _unassigned(extract: dict[str, Any]) -> dict[str, int]:
    kept = extract["by_outcome"].get("left_unusable", 0)
    reasons: dict[str, int] = extract["not_assigned_by_reason"]
    return reasons | ({"UNUSABLE_KEPT": kept} if kept else {})


def _listed(counts: dict[str, int]) -> str:
    shown = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return f" ({shown})" if shown else ""


def _extract(
    config: Path | None,
    table: str,
    extract: Path | None,
    named: "NamedColumns",
    encoding: str,
    delimiter: str,
) -> "tuple[Project | None, ExtractSettings, NamedColumns]":
    """Return the project, if one is named, the extract's settings and its columns."""
    from pipeline.assign_uprn.columns import NamedColumns
    from pipeline.project import ExtractSettings, read_project

    if config is not None and extract is not None:
        raise Fault(
            "ASSIGN_WHICH_EXTRACT",
            "Both --config and --extract say which extract is meant.",
            "Give one of the two; `hearth assign-uprn --help` has an example of each.",
        )
    if extract is not None:
        return None, ExtractSettings(table, extract.absolute(), encoding=encoding, delimiter=delimiter), named
    config = config or Path("hearth.toml")
    project = read_project(config)
    if table not in project.extracts:
        raise Fault(
            "ASSIGN_WHICH_EXTRACT",
            f"{config.name} has no extract {table}.",
            f"Name one of its extracts with --table: {', '.join(sorted(project.extracts))}.",
        )
    if named != NamedColumns():
        raise Fault(
            "ASSIGN_WHICH_COLUMNS",
            "With --config the columns are those of hearth.toml.",
            "Leave out the options that name columns, or name the file with --extract.",
        )
    settings = project.extracts[table]
    return project, settings, NamedColumns.of_mapping(settings.columns)
