"""`hearth assign-uprn`: at the controller, before a run, find UPRNs for the addresses of an extract."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flows.commands.argument_types import a_config, a_delimiter, a_number, a_size
from flows.commands.operation.run import JsonOption
from governance.counted import counted
from governance.errors import Fault

if TYPE_CHECKING:
    from pipeline.assign_uprn.columns import NamedColumns
    from pipeline.project import ExtractSettings, Project

EXAMPLES = """
Examples:

    make assign-uprn-environment

    hearth assign-uprn --config sample_data/sample/hearth.toml --table nhs_person \\
    --address-list sample_data/sample/address_list.csv.gz --out assigned

    hearth assign-uprn --extract patients.csv --address line1 --address line2 --postcode pcode \\
    --address-list gazetteer.parquet --list-address full_address --out assigned

The results folder contains a copy of the extract with UPRNs added, evidence.csv, unassigned.csv and
summary.json. Change `path` in hearth.toml to the copy. If the extract had a manifest, make a new one.

This command is optional: nothing else in Hearth calls it. The address matcher, uk-address-matcher, runs in
its own environment, which the first example builds. No data leaves this machine.
"""
_EXTRACT, _LIST, _DECISION = "The extract", "The address list", "Which matches are accepted"
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
            help="CSV (also .gz) or Parquet, one row per UPRN.", dir_okay=False, rich_help_panel=_LIST
        ),
    ],
    out: Annotated[Path, typer.Option(help="New folder for the results.", file_okay=False)],
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            help="The hearth.toml that maps the extract's columns. [default: hearth.toml]",
            rich_help_panel=_EXTRACT,
            parser=a_config,
            metavar="<file>",
        ),
    ] = None,
    table: Annotated[
        Table, typer.Option(help="Which extract of hearth.toml.", rich_help_panel=_EXTRACT)
    ] = "nhs_person",
    extract: Annotated[
        Path | None,
        typer.Option(
            help="A file (CSV or Parquet), instead of an extract of hearth.toml.",
            dir_okay=False,
            rich_help_panel=_EXTRACT,
        ),
    ] = None,
    address: Annotated[
        list[str] | None,
        typer.Option(
            help="Address column; repeat it for several lines. [default: address, or address_line_1 to _5]",
            rich_help_panel=_EXTRACT,
        ),
    ] = None,
    postcode: Annotated[
        str | None, typer.Option(help="Postcode column. [default: postcode]", rich_help_panel=_EXTRACT)
    ] = None,
    uprn: Annotated[
        str | None,
        typer.Option(help="UPRN column; added if missing. [default: uprn]", rich_help_panel=_EXTRACT),
    ] = None,
    record_id: Annotated[
        str | None,
        typer.Option(
            help="Record id column, reported in addition to line numbers. [default: record_id]",
            rich_help_panel=_EXTRACT,
        ),
    ] = None,
    encoding: Annotated[
        Encoding, typer.Option(help="Encoding of the CSV file.", rich_help_panel=_EXTRACT)
    ] = "utf-8",
    delimiter: Annotated[
        str,
        typer.Option(
            help="Delimiter of the CSV file: a comma, '|' or 'tab'.",
            rich_help_panel=_EXTRACT,
            parser=a_delimiter,
        ),
    ] = ",",
    list_address: Annotated[
        list[str] | None,
        typer.Option(help="Address column; repeat it for several lines.", rich_help_panel=_LIST),
    ] = None,
    list_postcode: Annotated[
        str | None, typer.Option(help="Postcode column. [default: postcode]", rich_help_panel=_LIST)
    ] = None,
    list_uprn: Annotated[
        str | None, typer.Option(help="UPRN column. [default: uprn]", rich_help_panel=_LIST)
    ] = None,
    list_encoding: Annotated[
        Encoding, typer.Option(help="Encoding of the CSV file.", rich_help_panel=_LIST)
    ] = "utf-8",
    list_delimiter: Annotated[
        str,
        typer.Option(
            help="Delimiter of the CSV file: a comma, '|' or 'tab'.",
            rich_help_panel=_LIST,
            parser=a_delimiter,
        ),
    ] = ",",
    several_addresses: Annotated[
        bool,
        typer.Option(
            "--several-addresses",
            help="Allow several addresses for one UPRN (alternative addresses of one dwelling).",
            rich_help_panel=_LIST,
        ),
    ] = False,
    skip_faulty_rows: Annotated[
        bool,
        typer.Option(
            "--skip-faulty-rows",
            help="Skip and count invalid UPRNs and rows that could not be parsed.",
            rich_help_panel=_LIST,
        ),
    ] = False,
    minimum_match_weight: Annotated[
        float,
        typer.Option(
            help="Lowest match weight (log2) for a scored match; matches by rule need none.",
            rich_help_panel=_DECISION,
            parser=a_number(),
        ),
    ] = 15.0,
    minimum_distinguishability: Annotated[
        float,
        typer.Option(
            help="Lowest difference in match weight from the next candidate.",
            rich_help_panel=_DECISION,
            parser=a_number(),
        ),
    ] = 5.0,
    overwrite: Annotated[
        Overwrite,
        typer.Option(
            help="Which UPRNs of the extract to replace: none ('never'), invalid ones ('unusable'), or also "
            "valid ones that the address list contradicts ('supplied').",
            rich_help_panel=_DECISION,
        ),
    ] = "never",
    missing_only: Annotated[
        bool,
        typer.Option(
            "--missing-only",
            help="Look up only records without a UPRN. Faster, but supplied UPRNs are not checked.",
            rich_help_panel=_DECISION,
        ),
    ] = False,
    memory_limit: Annotated[
        str | None,
        typer.Option(
            help="Memory limit for each engine. [default: that of hearth.toml, otherwise 2GB]",
            parser=a_size,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Assign UPRNs from an address list to records that have an address but no UPRN.

    Optional; run it at the controller, before a run. UPRNs in the extract are kept unless you choose
    --overwrite. Records without a match are listed with the reason. Exit code: 0 done, 1 fault (also if
    uk-address-matcher is not installed).
    """
    from flows.run.reporting.faults import record_fault
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
    except BaseException as error:  # noqa: BLE001 raised again as our own error, without values
        raise record_fault(error, "assign-uprn") from None
    for sentence in summary_sentences(summary):
        say(sentence)
    say(f"Results are in {out}. They identify records and dwellings: protect them like the extract.")
    if as_json:
        typer.echo(json.dumps(summary, sort_keys=True))


def summary_sentences(summary: dict[str, Any]) -> list[str]:
    """Return a summary as sentences in which every record is counted once."""
    extract = summary["extract"]
    state, outcome = Counter(extract["by_uprn"]), Counter(extract["by_outcome"])
    without = state["missing"] + state["unusable"]
    assigned = outcome["assigned"]
    sentences = [
        f"{counted(extract['records'], 'record')}: {state['supplied']:,} with a UPRN, {without:,} without "
        f"({state['unusable']:,} of these have an invalid UPRN).",
        f"Assigned: {assigned:,} of {without:,}{_listed(extract['assigned_by_match_reason'])}.",
        f"Not assigned: {without - assigned:,}{_listed(_unassigned(extract))}.",
        f"Supplied UPRNs: the address list confirms {outcome['agrees']:,} and contradicts "
        f"{outcome['differs'] + outcome['replaced']:,} ({outcome['replaced']:,} of these were replaced); "
        f"{outcome['not_confirmed']:,} could not be checked, {outcome['not_compared']:,} were not compared.",
    ]
    if extract["broken_rows"]:
        sentences.append(
            f"{counted(extract['broken_rows'], 'row')} could not be parsed; the copy contains them unchanged."
        )
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
    """Return the project (None for a single file), the extract's settings and its columns."""
    from pipeline.assign_uprn.columns import NamedColumns
    from pipeline.printable import shown
    from pipeline.project import ExtractSettings, read_project

    if config is not None and extract is not None:
        raise Fault(
            "ASSIGN_WHICH_EXTRACT",
            "--config and --extract both select an extract, so it is not clear which one to use.",
            "Use one of the two; `hearth assign-uprn --help` has an example of each.",
        )
    if extract is not None:
        return None, ExtractSettings(table, extract.absolute(), encoding=encoding, delimiter=delimiter), named
    config = config or Path("hearth.toml")
    project = read_project(config)
    if table not in project.extracts:
        raise Fault(
            "ASSIGN_WHICH_EXTRACT",
            f"{config.name} has no extract {table}, so there are no records to look up.",
            f"Use --table with one of its extracts: {', '.join(sorted(map(shown, project.extracts)))}.",
        )
    if named != NamedColumns():
        raise Fault(
            "ASSIGN_WHICH_COLUMNS",
            "Options name the columns of the extract, but with --config they come from hearth.toml.",
            "Remove --address, --postcode, --uprn and --record-id, or use --extract to name a file.",
        )
    settings = project.extracts[table]
    return project, settings, NamedColumns.of_mapping(settings.columns)
