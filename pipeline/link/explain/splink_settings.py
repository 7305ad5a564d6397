"""The model as settings that Splink loads, with m and u as probabilities that a Splink user can read.

Hearth fits match weights jointly, so log2(m/u) of the counted shares is not the weight of a level (see
`training.fitting`). Splink has no separate weight: the ratio of m and u is the weight. `shares_of` finds the
m and u that are nearest to the counted ones and have the fitted weight as their ratio. Then Splink gives
every pair the match weight that Hearth gives it.

Two forms are written:

- by condition: scorecards `recorded` and `moved`, with the SQL on tokens and the blocking rules, for units
  with Hearth's columns;
- by level: all three scorecards, for vectors that are already known (columns with the name of a comparison
  and the id of its level), such as the stored tables `candidate_pair`, `moved_pair` and `resident_link`.
  The scorecard `residence` exists only in this form, because its levels are not conditions on a pair.
"""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.group.blocking import MOVED_RULES, RECORDED_RULES, BlockingRule
from pipeline.link.comparison import SCORECARDS, Comparison
from pipeline.link.model import Model, Parameters, Scorecard

#: Scored again by Splink, the match weight of a pair differs from Hearth's by less than this (log2).
TOLERANCE = 1e-5
#: Scorecards by condition -> their blocking rules.
BY_CONDITION: dict[str, tuple[BlockingRule, ...]] = {"recorded": RECORDED_RULES, "moved": MOVED_RULES}
#: In the form by level: the columns by which vectors are identified, and paired with the row of `a_vector`.
VECTOR_ID, VECTOR_BLOCK = "vector_id", "block"
_BISECTIONS = 200

README = """# The linkage model as Splink settings

Model: {digest}

`recorded.json` and `moved.json` are scorecards by condition. Their input is two tables of units with Hearth's
columns (docs/linkage-method.md, section 1) and list columns `block_*` of blocking values.

`recorded-levels.json`, `moved-levels.json` and `residence-levels.json` are scorecards by level. Their input
is a table of comparison vectors: `{vector_id}`, `{block}` = 1, and one column a comparison with the id of its
level or null. Register it as `vector`, and a table `a_vector` with one row of nulls and `{block}` = 1.
Predict between the two; the vectors are the right side. The scorecard `residence` exists only in this form.

m and u of a level have the fitted match weight as log2 of their ratio. They are the shares nearest to the
counted ones with that ratio, and add up to 1 over the levels of a comparison. `shares.json` has the counted
shares next to them. Match weights agree with Hearth's to {tolerance}.

Not in the settings, because Splink has no place for it: one dwelling a group, the least margin over the
second best, the levels that never link ({weak}), the limits of acceptance and review, and the
order in which the scorecards follow each other. `limits.json` has the limits.
"""


def shares_of(levels: Mapping[str, Parameters]) -> dict[str, tuple[float, float]]:
    """Return m and u of each level of one comparison, with the fitted weight w as log2(m/u).

    With g the geometric mean of the counted m and u, m = c g 2^((1/2-t)w) and u = c g 2^-((1/2+t)w). Here t
    and c are such that both add up to 1 over the levels. Where the counted shares have the fitted weights,
    t = 0 and c = 1, and they are returned as they are. If all weights have one sign, both cannot add up to 1;
    then the larger of the two does.
    """
    weights = {name: p.match_weight for name, p in levels.items()}
    means = {name: math.sqrt(p.m * p.u) for name, p in levels.items()}

    def sums(tilt: float) -> tuple[float, float]:
        exponents = (0.5 - tilt, -(0.5 + tilt))
        m, u = (math.fsum(g * 2 ** (e * weights[name]) for name, g in means.items()) for e in exponents)
        return m, u

    if min(weights.values()) >= 0 or max(weights.values()) <= 0:
        tilt = 0.0
    else:
        # log(sum of m / sum of u) falls as the tilt rises, so one tilt makes them equal.
        low, high = -64.0 / _largest(weights), 64.0 / _largest(weights)
        for _ in range(_BISECTIONS):
            tilt = (low + high) / 2
            m, u = sums(tilt)
            low, high = (tilt, high) if m > u else (low, tilt)
    scale = max(sums(tilt))
    return {
        name: (
            g * 2 ** ((0.5 - tilt) * weights[name]) / scale,
            g * 2 ** (-(0.5 + tilt) * weights[name]) / scale,
        )
        for name, g in means.items()
    }


def settings_by_condition(model: Model, card: str) -> dict[str, Any]:
    """Return Splink's settings of `recorded` or `moved`, with the SQL conditions on tokens."""
    rules = [
        {
            "blocking_rule": f"l.{rule.column} = r.{rule.column}",
            "arrays_to_explode": [rule.column],
            "sql_dialect": "duckdb",
        }
        for rule in BY_CONDITION[card]
    ]
    return _settings(model.scorecards[card], SCORECARDS[card], rules, "unit_id", by_level=False)


def settings_by_level(model: Model, card: str) -> dict[str, Any]:
    """Return Splink's settings of any scorecard, for vectors whose levels are known."""
    rule = {"blocking_rule": f"l.{VECTOR_BLOCK} = r.{VECTOR_BLOCK}", "sql_dialect": "duckdb"}
    return _settings(model.scorecards[card], SCORECARDS[card], [rule], VECTOR_ID, by_level=True)


def write_settings(model: Model, folder: Path, weak: Iterable[str]) -> tuple[Path, ...]:
    """Write all settings into `folder`, with limits, counted shares and a README; return the paths."""
    content: dict[str, Any] = {f"{card}.json": settings_by_condition(model, card) for card in BY_CONDITION}
    content |= {f"{card}-levels.json": settings_by_level(model, card) for card in SCORECARDS}
    content["limits.json"] = {
        name: {
            "upper_match_weight": card.upper_match_weight,
            "lower_match_weight": card.lower_match_weight,
            "margin_match_weight": card.margin_match_weight,
        }
        for name, card in model.scorecards.items()
    }
    content["shares.json"] = {name: _shares(card) for name, card in model.scorecards.items()}
    paths = []
    for name, value in content.items():
        paths.append(folder / name)
        paths[-1].write_text(json.dumps(value, indent=1) + "\n", "utf-8")
    paths.append(folder / "README.md")
    paths[-1].write_text(
        README.format(
            digest=model.digest,
            vector_id=VECTOR_ID,
            block=VECTOR_BLOCK,
            tolerance=f"{TOLERANCE:g}",
            weak=", ".join(weak),
        ),
        "utf-8",
    )
    return tuple(paths)


def _settings(
    card: Scorecard,
    comparisons: Iterable[Comparison],
    rules: list[dict[str, Any]],
    unique_id: str,
    *,
    by_level: bool,
) -> dict[str, Any]:
    return {
        "link_type": "link_only",
        "sql_dialect": "duckdb",
        "unique_id_column_name": unique_id,
        "probability_two_random_records_match": card.prior,
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": True,
        "blocking_rules_to_generate_predictions": rules,
        "comparisons": [_comparison(c, card.levels[c.name], by_level=by_level) for c in comparisons],
    }


def _comparison(
    comparison: Comparison, parameters: Mapping[str, Parameters], *, by_level: bool
) -> dict[str, Any]:
    column = f"{comparison.name}_r"
    missing = f"{column} IS NULL" if by_level else comparison.missing
    shares = shares_of(parameters)
    levels: list[dict[str, Any]] = [
        {"sql_condition": missing, "label_for_charts": "nothing to compare", "is_null_level": True}
    ]
    for level in comparison.levels:
        m, u = shares[level.id]
        levels.append(
            {
                "sql_condition": f"{column} = '{level.id}'" if by_level else level.sql or "ELSE",
                "label_for_charts": f"{level.id}: {level.meaning}",
                "m_probability": m,
                "u_probability": u,
            }
        )
    if by_level:
        # Splink needs a last level for everything else; a vector never reaches it.
        levels[-1]["sql_condition"] = "ELSE"
    return {
        "output_column_name": comparison.name,
        "comparison_description": comparison.meaning,
        "comparison_levels": levels,
    }


def _shares(card: Scorecard) -> dict[str, Any]:
    return {
        comparison: {
            level: {
                "m": shares[level][0],
                "u": shares[level][1],
                "counted_m": p.m,
                "counted_u": p.u,
                "match_weight": p.match_weight,
            }
            for level, p in levels.items()
        }
        for comparison, levels in card.levels.items()
        for shares in (shares_of(levels),)
    }


def _largest(weights: Mapping[str, float]) -> float:
    return max(1e-6, *(abs(weight) for weight in weights.values()))
