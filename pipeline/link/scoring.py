"""Splink's part: pairs brought together by the blocking rules, scored by the model."""

import logging
from collections.abc import Mapping
from typing import Any

import duckdb
from splink import DuckDBAPI, Linker, SettingsCreator

from pipeline.link.blocking import RULES
from pipeline.link.comparison import COMPARISONS, Comparison
from pipeline.link.model import Model, Parameters

#: By how much two levels of a comparison differ in weight at the least.
_TAG = 1e-8


def settings_of(model: Model) -> SettingsCreator:
    """Return Splink's settings for a model."""
    return SettingsCreator(
        link_type="link_only",
        linker_uid="hearth",
        unique_id_column_name="unit_id",
        probability_two_random_records_match=model.prior,
        comparisons=[_comparison(c, model) for c in COMPARISONS],
        blocking_rules_to_generate_predictions=[
            {
                "blocking_rule": f"l.{rule.column} = r.{rule.column}",
                "arrays_to_explode": [rule.column],
                "sql_dialect": "duckdb",
            }
            for rule in RULES
        ],
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=True,
    )


def score_pairs(connection: duckdb.DuckDBPyConnection, model: Model, target: str) -> None:
    """Create `target`: one row per candidate pair of `dwelling_unit` and `nhs_unit`.

    Columns: dwelling_id, nhs_id (unit ids), match_weight, match_probability, match_key (the
    blocking rule's id), and `place` and `people`, the ids of the levels reached (null: missing).
    """
    logging.getLogger("splink").setLevel(logging.ERROR)
    api = DuckDBAPI(connection)
    # Splink orders the sides by these names, so the council is `_l`.
    sides = [
        api.register("dwelling_unit", table_name="in_council", dataset_display_name="council"),
        api.register("nhs_unit", table_name="in_nhs", dataset_display_name="nhs"),
    ]
    linker = Linker(sides, settings_of(model))
    pairs = linker.inference.predict()
    keys = " ".join(f"WHEN '{n}' THEN '{rule.id}'" for n, rule in enumerate(RULES))
    levels = ",\n".join(f"{_level_of_weight(c, model)} AS {c.name}" for c in COMPARISONS)
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
        while any(abs(weight - other) < 2 * _TAG for other in weights.values()):
            weight += 4 * _TAG
        weights[level] = weight
    return weights


def _comparison(comparison: Comparison, model: Model) -> dict[str, Any]:
    parameters = model.levels[comparison.name]
    weights = tagged_weights(parameters)
    levels: list[dict[str, Any]] = [
        {"sql_condition": comparison.missing, "label_for_charts": "missing", "is_null_level": True}
    ]
    for level in comparison.levels:
        u = parameters[level.id].u
        levels.append(
            {
                "sql_condition": level.sql or "ELSE",
                "label_for_charts": level.meaning,
                "m_probability": u * 2 ** weights[level.id],
                "u_probability": u,
            }
        )
    return {
        "output_column_name": comparison.name,
        "comparison_levels": levels,
        "comparison_description": comparison.meaning,
    }


def _level_of_weight(comparison: Comparison, model: Model) -> str:
    """SQL: the id of the level that contributed this weight; null where nothing could be compared."""
    weights = tagged_weights(model.levels[comparison.name])
    cases = " ".join(
        f"WHEN abs(mw_{comparison.name} - ({weight!r})) < {_TAG} THEN '{level}'"
        for level, weight in weights.items()
    )
    return f"CASE {cases} END"
