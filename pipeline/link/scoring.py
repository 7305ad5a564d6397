"""Scoring by Splink: blocking rules find candidate pairs, a scorecard gives each pair its match weight.

The match weight of a pair (log2) is the prior's plus the weights of the levels that it reaches. Splink
computes it from m and u; we pass the fitted weights instead (see `_comparison`).
"""

import logging
from collections.abc import Mapping
from typing import Any, Literal

import duckdb
from splink import DuckDBAPI, Linker, SettingsCreator

from pipeline.group.blocking import BlockingRule
from pipeline.link.comparison import Comparison
from pipeline.link.model import Parameters, Scorecard

#: The weights of two levels of a comparison differ by more than this, so a weight identifies its level.
_TAG = 1e-8


def settings_of(
    card: Scorecard,
    comparisons: tuple[Comparison, ...],
    rules: tuple[BlockingRule, ...],
    link_type: Literal["dedupe_only", "link_only"] = "dedupe_only",
) -> SettingsCreator:
    """Return Splink's settings for a scorecard.

    link_type: "dedupe_only" is for `predict_between`, which takes the two tables as left and right and joins
    pairs by the record's id. `predict` on two tables needs "link_only"; it joins by a text of table and id,
    which is slower, and finds the same pairs.
    """
    return SettingsCreator(
        link_type=link_type,
        linker_uid="hearth",
        unique_id_column_name="unit_id",
        probability_two_random_records_match=card.prior,
        comparisons=[_comparison(c, card.levels[c.name]) for c in comparisons],
        blocking_rules_to_generate_predictions=[
            {
                "blocking_rule": f"l.{rule.column} = r.{rule.column}",
                "arrays_to_explode": [rule.column],
                "sql_dialect": "duckdb",
            }
            for rule in rules
        ],
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=True,
    )


def score_pairs(
    connection: duckdb.DuckDBPyConnection,
    units: tuple[str, str],
    card: Scorecard,
    comparisons: tuple[Comparison, ...],
    rules: tuple[BlockingRule, ...],
    target: str,
) -> None:
    """Create table `target`: one row per candidate pair of a dwelling and an NHS unit.

    units: names of the two tables, the council's first; `unit_id` is unique in each.
    Columns of `target`: dwelling_id, nhs_id (unit ids), match_weight (log2), match_probability (0 to 1),
    match_key (id of the first blocking rule that found the pair), and for each comparison the id of the
    level reached (null: nothing to compare).
    """
    logging.getLogger("splink").setLevel(logging.ERROR)
    api = DuckDBAPI(connection)
    council, nhs = (api.register(unit, table_name=f"in_{unit}", dataset_display_name=unit) for unit in units)
    # `predict` would join the pairs twice to a union of both tables; `predict_between` reads each table once.
    linker = Linker(council, settings_of(card, comparisons, rules), log_level=None)
    pairs = linker.inference.predict_between(council, nhs)
    keys = " ".join(f"WHEN '{n}' THEN '{rule.id}'" for n, rule in enumerate(rules))
    levels = ",\n".join(f"{_level_of_weight(c, card.levels[c.name])} AS {c.name}" for c in comparisons)
    connection.execute(
        f"""
        CREATE TABLE {target} AS
        SELECT
            unit_id_l AS dwelling_id,
            unit_id_r AS nhs_id,
            match_weight,
            match_probability,
            CASE match_key {keys} END AS match_key,
            {levels}
        FROM {pairs.physical_name}
        """
    )
    pairs.drop_table_from_database_and_remove_from_cache()


def tagged_weights(parameters: Mapping[str, Parameters]) -> dict[str, float]:
    """Return each level's match weight, changed by less than a millionth where two would be equal.

    Splink returns the weight that a comparison adds; it returns the level only together with all columns
    compared, which is costly. If all weights differ, the weight identifies the level.
    """
    weights: dict[str, float] = {}
    for level, parameter in parameters.items():
        weight = parameter.match_weight
        # A comparison that is missing adds 0, so no level may have weight 0.
        while any(abs(weight - other) < 2 * _TAG for other in (0.0, *weights.values())):
            weight += 4 * _TAG
        weights[level] = weight
    return weights


def _comparison(comparison: Comparison, parameters: Mapping[str, Parameters]) -> dict[str, Any]:
    weights = tagged_weights(parameters)
    levels: list[dict[str, Any]] = [
        {"sql_condition": comparison.missing, "label_for_charts": "missing", "is_null_level": True}
    ]
    for level in comparison.levels:
        # Splink uses only the ratio of m and u. These two have the fitted weight as log2 of their ratio.
        odds = 2 ** weights[level.id]
        levels.append(
            {
                "sql_condition": level.sql or "ELSE",
                "label_for_charts": level.meaning,
                "m_probability": odds / (1 + odds),
                "u_probability": 1 / (1 + odds),
            }
        )
    return {
        "output_column_name": comparison.name,
        "comparison_levels": levels,
        "comparison_description": comparison.meaning,
    }


def _level_of_weight(comparison: Comparison, parameters: Mapping[str, Parameters]) -> str:
    """SQL: the id of the level that added this weight; null where nothing could be compared."""
    cases = " ".join(
        f"WHEN abs(mw_{comparison.name} - ({weight!r})) < {_TAG} THEN '{level}'"
        for level, weight in tagged_weights(parameters).items()
    )
    return f"CASE {cases} END"
