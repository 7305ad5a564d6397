"""Training a linkage model: writes the model's file and the card by which people approve it.

With truth (a synthetic population, or clerical decisions) all three scorecards are learned. Without truth
the weights of a given model stay, and its prior is adapted to the extracts. In both cases the fit is
repeated from a second start; the card shows the difference, which must be negligible.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from pipeline.link.comparison_inputs import register_comparison_inputs
from pipeline.link.model import Model
from pipeline.link.names import names_of
from pipeline.link.scoring import score_pairs
from pipeline.link.training.fitting import adapt_prior, fit
from pipeline.link.training.learning import Population, learn_from_truth
from pipeline.link.training.model_card import write_model_card
from pipeline.link.training.training import Training as Training
from pipeline.link.training.uncertainty import bootstrap_intervals

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
class Labelled:
    """The pseudonymised artefacts of a population, and its truth."""

    council: Artefact
    nhs: Artefact
    truth: Truth


@contextmanager
def registered(labelled: Labelled, engine: EngineSettings, spill: Path) -> Iterator[Population]:
    """Yield the population with its tables and true pairs in memory, so its artefacts may go."""
    with locked_connection(engine, spill) as connection:
        yield _registered(connection, labelled)


def train(populations: Sequence[Population], folder: Path) -> Training:
    """Train on labelled populations together; write `model.json` and `model-card.md` into `folder`."""
    return _written(_from_truth(populations), folder)


def adapt(
    council: Artefact, nhs: Artefact, engine: EngineSettings, spill: Path, folder: Path, base: Model
) -> Training:
    """Adapt `base` to two pseudonymised artefacts without truth; write its file and card into `folder`."""
    with locked_connection(engine, spill) as connection:
        register_comparison_inputs(connection, collect_units(connection, council, nhs), council, nhs)
        training = _adapted(connection, base)
    return _written(training, folder)


def _written(training: Training, folder: Path) -> Training:
    training.model.write(folder / MODEL_FILE)
    write_model_card(folder / CARD_FILE, training)
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


def _registered(connection: duckdb.DuckDBPyConnection, population: Labelled) -> Population:
    """Register a population's tables and its true pairs in the connection."""
    link_inputs = collect_units(connection, population.council, population.nhs)
    inputs = register_comparison_inputs(connection, link_inputs, population.council, population.nhs)
    names = names_of(link_inputs, population.nhs)
    dwelling_ids, member_ids = (np.arange(len(n)) for n in (names.dwellings, names.records))
    connection.register("_dwelling", pa.table({"name": names.dwellings, "dwelling_id": dwelling_ids + 1}))
    connection.register("_record", pa.table({"name": names.records, "member_id": member_ids}))
    for name in ("household", "residence"):
        connection.register("_truth", getattr(population.truth, name))
        connection.execute(_TRUTH.format(name=name))
    for view in ("_dwelling", "_record", "_truth"):
        connection.unregister(view)
    return Population(inputs)


def _from_truth(populations: Sequence[Population]) -> Training:
    """Learn all scorecards, and fit each a second time from weights of zero."""
    learned = learn_from_truth(populations)
    starts: dict[str, float] = {}
    for name, first in learned.fits.items():
        zero = {c.name: {level.id: 0.0 for level in c.levels} for c in SCORECARDS[name]}
        second = fit(first.cells, SCORECARDS[name], zero)
        starts[name] = max(
            abs(p.match_weight - second.levels[c][level].match_weight)
            for c, levels in first.levels.items()
            for level, p in levels.items()
        )
    intervals = {name: bootstrap_intervals(name, cells) for name, cells in learned.cells.items()}
    return Training(learned.model, learned.fits, starts, intervals, learned.sensitivity)


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
