"""The link stage: which council dwelling each NHS address group lives in, found from pseudonyms only.

1. Blocking rules find candidate pairs of a dwelling and an address group near it; Splink gives each pair
   a match weight by the approved model (`scoring`, scorecard `recorded`).
2. The best dwelling of each group is linked, left to clerical review or rejected (`match_selection`). Pairs
   that people decided are linked or not by their verdict (`verdicts`).
3. Each member of a linked group stays, moves to the dwelling where they are listed, or is split off
   (`members`, scorecards `moved` and `residence`).
4. The tables are written with names in place of ids (`tables`, `names`).

The method is that of Fellegi and Sunter (JASA 64 (1969) 1183-1210) with joint levels; see `comparison`.
Match weights are log2 of Bayes factors, throughout the stage.

Evidence facts, read by the rules of the gate:

- `model_digest`; the rule compares it with the digest in the agreement
- `dwellings`, `nhs_records`, `address_groups`, `candidate_pairs`, `candidate_pairs_by_rule`
- `candidate_pairs_per_record` (of dwellings and address groups), `most_candidates_of_a_group`
- `hot_blocking_values_by_rule`: values of the rule for moves that are not used, because more units of one
  controller share them than the rule allows (the group stage counts those of the other rules)
- `linked_groups`, `linked_records`, `linked_dwellings`, `match_rate` (share of NHS records linked, 0 to 1)
- `estimated_precision`, `estimated_recall` (0 to 1, from match probabilities; null if nothing is linked)
- `people_compared`: pairs in which both the list and the group have people to compare; if 0, the precision
  is null, because it cannot be estimated from UPRNs only
- `subgroups`: list of {attribute, category, records, linked} by sex, age band, ethnic category (LNK-03)
- `keys_in_reach`, `clear_files_in_reach`: linkage keys, recognised by content, and tables in clear that this
  process could open; `examined`, `not_examined`: files looked at, by what their folder is for (LNK-01)
- `records_by_reason`, `records_by_level`, `moved_records`
- `verdicts`, `verdict_links`, `verdict_non_links`, `verdicts_not_applied`, `verdict_reviewers`,
  `verdict_kappa`: pairs that people decided (see `verdicts`)
- `contradicted_links`: links with the same UPRN in which no names agree or, if there are no names to
  compare, the addresses differ
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb

from governance.access_check import access_facts
from governance.artefact import Artefact, Evidence
from governance.clearance import Cleared
from pipeline.artefact_store import write_artefact
from pipeline.context import RunContext
from pipeline.engine.duckdb import locked_connection
from pipeline.group.blocking import RECORDED_RULES
from pipeline.group.link_inputs import LinkInputs, read_link_inputs
from pipeline.link.blocking_bits import register_blocking_bits
from pipeline.link.comparison import NO_LIST, SCORECARDS
from pipeline.link.comparison_inputs import ComparisonInputs, register_comparison_inputs
from pipeline.link.match_selection import select_matches
from pipeline.link.members import judge_members
from pipeline.link.model import Model, model_of
from pipeline.link.names import names_of
from pipeline.link.recall.self_comparison import create_self_comparison
from pipeline.link.scoring import score_pairs
from pipeline.link.subgroup import subgroup_counts
from pipeline.link.tables import write_tables
from pipeline.link.verdict_store import read_verdicts
from pipeline.link.verdicts import apply_verdicts, no_verdicts


def fingerprint_settings(context: RunContext) -> dict[str, Any]:
    """Return what the links depend on in addition to the tables read and the code.

    The keys in reach are part of it, so that links made before a key was there are judged anew.
    """
    return {
        "model_digest": model_of(context).digest,
        "keys_in_reach": _access(context)["keys_in_reach"],
        "verdicts": read_verdicts(context.workspace, context.recorded).digest,
    }


def _access(context: RunContext) -> dict[str, Any]:
    return access_facts(context.workspace.root, context.project.configured_folders())


def link(
    grouped: Cleared, council: Cleared, nhs: Cleared, fingerprint: str, context: RunContext
) -> tuple[Artefact, Evidence]:
    """Link NHS address groups to dwellings and write the linked tables."""
    model = model_of(context)
    verdicts = read_verdicts(context.workspace, context.recorded)
    decided = no_verdicts()
    units, council_tables, nhs_tables = grouped.artefact, council.artefact, nhs.artefact

    def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
        nonlocal decided
        with (
            locked_connection(context.project.engine, context.spill) as connection,
            ThreadPoolExecutor(1, thread_name_prefix="names") as background,
        ):
            inputs = link_units(connection, read_link_inputs(units), council_tables, nhs_tables, model)
            # Only now, in parallel with what follows: most memory is in use while pairs are found.
            names = background.submit(lambda: names_of(read_link_inputs(units, ["unit"]), nhs_tables))
            if len(verdicts.rows):
                decided = apply_verdicts(connection, verdicts, names.result(), model.scorecards["recorded"])
            judge_members(inputs, model)
            inputs.drop_tokens()
            rows = write_tables(connection, names.result(), folder)
            facts = _facts(connection, model, rows) | _access(context) | decided
            facts["subgroups"] = subgroup_counts(connection)
        context.report(
            f"link: {facts['linked_records']:,} of {facts['nhs_records']:,} NHS records linked"
            f" ({facts['match_rate']:.1%}); pairs compared: {facts['candidate_pairs']:,}"
        )
        return rows, Evidence("link", "all", facts)

    return write_artefact(context.workspace.zone("linkage"), "link", "all", fingerprint, fill)


def link_units(
    connection: duckdb.DuckDBPyConnection,
    link_inputs: LinkInputs,
    council: Artefact,
    nhs: Artefact,
    model: Model,
) -> ComparisonInputs:
    """Create `recorded_pair` (scored candidate pairs) and `recorded_match` (one decision per group).

    Registers `pair_blocking`, the blocking rules that find each pair. Creates `self_comparison`: how much
    weight the units could have at most.
    """
    inputs = register_comparison_inputs(connection, link_inputs, council, nhs)
    del link_inputs
    score_pairs(
        connection,
        ("dwelling_unit", "nhs_unit"),
        model.scorecards["recorded"],
        SCORECARDS["recorded"],
        RECORDED_RULES,
        "recorded_pair",
    )
    register_blocking_bits(inputs)
    create_self_comparison(connection, model.scorecards["recorded"])
    inputs.drop_blocking_columns()
    select_matches(connection, model.scorecards["recorded"])
    return inputs


def _facts(
    connection: duckdb.DuckDBPyConnection, model: Model, rows: Mapping[str, int | None]
) -> dict[str, Any]:
    def number(query: str) -> int:
        return int(connection.execute(query).fetchall()[0][0])

    def rows_of(query: str) -> list[tuple[Any, ...]]:
        return connection.execute(query).fetchall()

    probable, linked_probable, linked, contradicted = rows_of(
        """
        SELECT
            SUM(match_probability),
            SUM(match_probability) FILTER (reason = 'linked'),
            COUNT(*) FILTER (reason = 'linked'),
            COUNT(*) FILTER (reason = 'linked' AND contradicted)
        FROM (
            SELECT match_probability, reason, contradicted FROM recorded_match
            UNION ALL
            SELECT match_probability, reason, FALSE AS contradicted
            FROM moved_match
            WHERE reason = 'linked'
        )
        """
    )[0]
    # Each large table is counted once, by all attributes together; the facts are sums over these few rows.
    compared = rows_of(
        f"SELECT match_key, COUNT(*), COUNT(people) FILTER (people NOT IN {NO_LIST}) FROM recorded_pair"
        " GROUP BY match_key"
    )
    compared += rows_of("SELECT match_key, COUNT(*), 0 FROM moved_pair GROUP BY match_key")
    outcomes = rows_of(
        "SELECT reason, level, COUNT(*), COUNT(dwelling_id) FROM outcome GROUP BY reason, level"
    )
    pairs, people_compared = (sum(row[n] for row in compared) for n in (1, 2))
    records, linked_records = (sum(row[n] for row in outcomes) for n in (2, 3))
    dwellings, groups = (number(f"SELECT COUNT(*) FROM {unit}") for unit in ("dwelling_unit", "nhs_unit"))
    units = dwellings + groups
    return {
        "model_digest": model.digest,
        "dwellings": dwellings,
        "nhs_records": records,
        "address_groups": groups,
        "candidate_pairs": pairs,
        "candidate_pairs_by_rule": _summed((row[0], row[1]) for row in compared),
        "candidate_pairs_per_record": round(pairs / units, 4) if units else 0.0,
        "most_candidates_of_a_group": number(
            "SELECT COALESCE(MAX(pairs), 0)"
            " FROM (SELECT COUNT(*) AS pairs FROM recorded_pair GROUP BY nhs_id)"
        ),
        "hot_blocking_values_by_rule": _summed(rows_of("SELECT rule, blocking_values FROM oversized_block")),
        "linked_groups": rows["link.parquet"],
        "linked_records": linked_records,
        "linked_dwellings": dwellings - (rows["unlinked_dwelling.parquet"] or 0),
        "match_rate": round(linked_records / records, 6) if records else 0.0,
        "people_compared": people_compared,
        "estimated_precision": round(linked_probable / linked, 6) if linked and people_compared else None,
        "estimated_recall": round((linked_probable or 0.0) / probable, 6) if probable else None,
        "records_by_reason": _summed((row[0], row[2]) for row in outcomes),
        "records_by_level": _summed((row[1], row[2]) for row in outcomes if row[1] is not None),
        "contradicted_links": contradicted,
        "moved_records": number("SELECT COUNT(*) FROM moved_member"),
    }


def _summed(counts: Iterable[tuple[Any, ...]]) -> dict[str, int]:
    """Return the sum of the counts of each key, sorted by key."""
    sums: Counter[str] = Counter()
    for key, count in counts:
        sums[str(key)] += int(count)
    return dict(sorted(sums.items()))
