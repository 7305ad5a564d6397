"""Splink's part: pairs brought together by blocking rules, scored by a scorecard."""

import logging
from collections.abc import Mapping
from typing import Any, Literal

import duckdb
from splink import DuckDBAPI, Linker, SettingsCreator

from pipeline.group.blocking import BlockingRule
from pipeline.link.comparison import Comparison
from pipeline.link.model import Parameters, Scorecard

#: By how much two levels of a comparison differ in weight at the least.
_TAG = 1e-8


def settings_of(
    card: Scorecard,
    comparisons: tuple[Comparison, ...],
    rules: tuple[BlockingRule, ...],
    link_type: Literal["dedupe_only", "link_only"] = "dedupe_only",
) -> SettingsCreator:
    """Return Splink's settings for a scorecard.

    link_type: "dedupe_only" suits `predict_between`, which tells the sides by their roles, so that a
    record's id alone is what pairs are joined on. `predict` on two data sets wants "link_only"; it
    joins on texts of data set and id, and gives the same pairs.
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
    """Create `target`: one row per candidate pair of the council's and the NHS's units.

    units: names of the two tables (council's first), with a unique `unit_id`.
    Columns: dwelling_id, nhs_id (unit ids), match_weight, match_probability, match_key (the
    blocking rule's id), and for each comparison the id of the level reached (null: missing).
    """
    logging.getLogger("splink").setLevel(logging.ERROR)
    api = DuckDBAPI(connection)
    council, nhs = (api.register(unit, table_name=f"in_{unit}", dataset_display_name=unit) for unit in units)
    # `predict` joins the pairs to both sides laid one upon the other, twice; here each side is read once.
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
    """Return each level's match weight, moved by under a millionth where two would be equal.

    Splink returns the weight that a comparison contributed, and the level itself only together
    with every token compared; weights that differ tell the level at no cost.
    """
    weights: dict[str, float] = {}
    for level, parameter in parameters.items():
        weight = parameter.match_weight
        # A missing comparison weighs 0, so no level may.
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
        # Splink uses m and u through their ratio alone, which is the fitted weight.
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
    """SQL: the id of the level that contributed this weight; null where nothing could be compared."""
    cases = " ".join(
        f"WHEN abs(mw_{comparison.name} - ({weight!r})) < {_TAG} THEN '{level}'"
        for level, weight in tagged_weights(parameters).items()
    )
    return f"CASE {cases} END"
