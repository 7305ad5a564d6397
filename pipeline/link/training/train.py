"""Training a linkage model: writes the model's file and the card by which people approve it.

With truth (synthetic populations, or clerical decisions) all three scorecards are learned. Without truth the
weights of a given model stay, and its three priors are adapted to the extracts. In both cases the fit is
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
from pipeline.group.units import collect_units
from pipeline.link.comparison import SCORECARDS
from pipeline.link.comparison_inputs import ComparisonInputs, register_comparison_inputs
from pipeline.link.match_selection import select_matches, select_moved_matches
from pipeline.link.members import compare_with_lists, weigh_residence
from pipeline.link.model import Model
from pipeline.link.moves.units import build_moved_units, move_members
from pipeline.link.names import names_of
from pipeline.link.training.fitting import adapt_prior, fit
from pipeline.link.training.learning import (
    RESIDENCE_CANDIDATES,
    Population,
    learn_from_truth,
    level_columns,
    score_candidates,
)
from pipeline.link.training.model_card import write_model_card
from pipeline.link.training.training import Training as Training
from pipeline.link.training.uncertainty import bootstrap_intervals

MODEL_FILE, CARD_FILE = "model.json", "model-card.md"
#: The least prior, and the least share of other candidates, that unlabelled records can set.
_LEAST_PRIOR = 1e-4


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
        inputs = register_comparison_inputs(connection, collect_units(connection, council, nhs), council, nhs)
        training = _adapted(inputs, base)
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


def _adapted(inputs: ComparisonInputs, base: Model) -> Training:
    """Adapt the prior of each scorecard, from the prior of `base` and from 0.5; all weights stay.

    One after the other, because each scorecard decides on the results of the one before.
    """
    connection = inputs.connection
    cards = dict(base.scorecards)
    counts: dict[str, int] = {}
    starts: dict[str, float] = {}
    steps: dict[str, int] = {}
    converged = True

    def adapted(name: str, candidates: str) -> None:
        nonlocal converged
        card = cards[name]
        levels = ", ".join(level_columns(name))
        rows = connection.execute(
            f"SELECT {levels}, COUNT(*) FROM {candidates} GROUP BY {levels} ORDER BY {levels}"
        ).fetchall()
        counts[name] = sum(row[-1] for row in rows)
        if not rows:
            return
        cells = [(card.weight_of(row[:-1]) - card.prior_match_weight, row[-1]) for row in rows]
        prior, steps[name], reached = adapt_prior(cells, card.prior)
        starts[name] = abs(prior - adapt_prior(cells, 0.5)[0])
        converged = converged and reached
        # A share of zero or one would leave no odds.
        cards[name] = replace(card, prior=min(max(prior, _LEAST_PRIOR), 1 - _LEAST_PRIOR))

    score_candidates(connection, "recorded", cards["recorded"])
    adapted("recorded", "recorded_pair")
    score_candidates(connection, "recorded", cards["recorded"])
    select_matches(connection, cards["recorded"])
    compare_with_lists(inputs)
    build_moved_units(connection)
    score_candidates(connection, "moved", cards["moved"])
    adapted("moved", "moved_pair")
    score_candidates(connection, "moved", cards["moved"])
    select_moved_matches(connection, cards["moved"])
    move_members(connection)
    weigh_residence(connection, cards["residence"])
    adapted("residence", RESIDENCE_CANDIDATES)
    trained_on: dict[str, Any] = {
        "method": "priors adapted to unlabelled candidates",
        "base_model": base.digest,
        "candidates": counts,
        "steps": steps,
        "converged": converged,
    }
    return Training(Model(cards, trained_on), {}, starts)
