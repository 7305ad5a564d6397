"""Training a linkage model: writes the model's file and the card by which people approve it.

With truth (a synthetic population, or clerical decisions) all three scorecards are learned. Without truth
the weights of a given model stay, and its prior is adapted to the extracts. In both cases the fit is
repeated from a second start; the card shows the difference, which must be negligible.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from governance.artefact import Artefact
from pipeline.engine.duckdb import EngineSettings, locked_connection
from pipeline.group.blocking import RECORDED_RULES
from pipeline.group.units import collect_units
from pipeline.link.comparison import SCORECARDS
from pipeline.link.comparison_inputs import ComparisonInputs, register_comparison_inputs
from pipeline.link.model import Model
from pipeline.link.names import Names, names_of
from pipeline.link.scoring import score_pairs
from pipeline.link.training.fitting import Fit, adapt_prior, fit
from pipeline.link.training.learning import learn_from_truth
from pipeline.link.training.model_card import write_model_card

MODEL_FILE, CARD_FILE = "model.json", "model-card.md"


@dataclass(frozen=True)
class Truth:
    """True pairs (dwelling_record_pseudonym, nhs_record_pseudonym).

    household: the record's person belongs to the household listed at the dwelling.
    residence: the record's person lives in the dwelling.
    """

    household: pa.Table
    residence: pa.Table


@dataclass(frozen=True)
class Training:
    """A finished training: the model and its fits.

    starts: scorecard -> largest difference between the fits from two starts (in match weight, or in prior).
    """

    model: Model
    fits: Mapping[str, Fit]
    starts: Mapping[str, float]


def train(
    council: Artefact,
    nhs: Artefact,
    engine: EngineSettings,
    spill: Path,
    folder: Path,
    truth: Truth | None = None,
    base: Model | None = None,
) -> Training:
    """Train on two pseudonymised artefacts and write `model.json` and `model-card.md` into `folder`.

    base: without truth, the model whose weights stay. Raises ValueError without truth and base.
    """
    with locked_connection(engine, spill) as connection:
        link_inputs = collect_units(connection, council, nhs)
        inputs = register_comparison_inputs(connection, link_inputs, council, nhs)
        if truth is not None:
            training = _from_truth(inputs, truth, names_of(link_inputs, nhs))
        elif base is not None:
            training = _adapted(connection, base)
        else:
            raise ValueError("training needs truth, or a base model whose prior is adapted")
    training.model.write(folder / MODEL_FILE)
    write_model_card(folder / CARD_FILE, training.model, training.fits, training.starts)
    return training


#: One row per true pair.
_TRUTH = """
    CREATE TABLE {name}_truth AS
    SELECT DISTINCT
        dwelling.dwelling_id,
        record.member_id
    FROM _truth AS truth
    INNER JOIN _dwelling AS dwelling ON dwelling.name = truth.dwelling_record_pseudonym
    INNER JOIN _record AS record ON record.name = truth.nhs_record_pseudonym
"""


def _from_truth(inputs: ComparisonInputs, truth: Truth, names: Names) -> Training:
    """Learn all scorecards, and fit each a second time from weights of zero."""
    connection = inputs.connection
    dwelling_ids, member_ids = (np.arange(len(n)) for n in (names.dwellings, names.records))
    connection.register("_dwelling", pa.table({"name": names.dwellings, "dwelling_id": dwelling_ids + 1}))
    connection.register("_record", pa.table({"name": names.records, "member_id": member_ids}))
    for name in ("household", "residence"):
        connection.register("_truth", getattr(truth, name))
        connection.execute(_TRUTH.format(name=name))
    for view in ("_dwelling", "_record", "_truth"):
        connection.unregister(view)
    model, fits = learn_from_truth(inputs, "household_truth", "residence_truth")
    starts: dict[str, float] = {}
    for name, first in fits.items():
        zero = {c.name: {level.id: 0.0 for level in c.levels} for c in SCORECARDS[name]}
        second = fit(first.cells, SCORECARDS[name], zero)
        starts[name] = max(
            abs(p.match_weight - second.levels[c][level].match_weight)
            for c, levels in first.levels.items()
            for level, p in levels.items()
        )
    return Training(model, fits, starts)


def _adapted(connection: duckdb.DuckDBPyConnection, base: Model) -> Training:
    """Adapt the prior of the scorecard `recorded`, from the prior of `base` and from 0.5."""
    card = base.scorecards["recorded"]
    score_pairs(
        connection,
        ("dwelling_unit", "nhs_unit"),
        card,
        SCORECARDS["recorded"],
        RECORDED_RULES,
        "recorded_pair",
    )
    counts = connection.execute(
        """
        SELECT
            ANY_VALUE(match_weight),
            COUNT(*)
        FROM recorded_pair
        GROUP BY place, people
        ORDER BY place, people
        """
    ).fetchall()
    cells = [(weight - card.prior_match_weight, size) for weight, size in counts]
    prior, steps, converged = adapt_prior(cells, card.prior)
    other, _, _ = adapt_prior(cells, 0.5)
    trained_on: dict[str, Any] = {
        "method": "prior adapted to unlabelled candidates",
        "base_model": base.digest,
        "candidate_pairs": sum(size for _, size in counts),
        "steps": steps,
        "converged": converged,
    }
    cards = {**base.scorecards, "recorded": replace(card, prior=prior)}
    return Training(Model(cards, trained_on), {}, {"recorded": abs(prior - other)})
