"""Learning: all three scorecards from records whose truth is known.

The truth is that of a synthetic population, or the decisions of clerical reviewers. A candidate pair is true
if a person of the NHS unit belongs to the household listed at the dwelling. For the scorecard `residence`,
a member is true if the person lives in the dwelling that the record is linked to.

The scorecards are fitted one after the other, because each decides on the results of the one before. Pairs
are scored twice: first to count the levels that they reach, then with the fitted weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from pipeline.group.blocking import MOVED_RULES, RECORDED_RULES
from pipeline.link.comparison import SCORECARDS
from pipeline.link.comparison_inputs import ComparisonInputs
from pipeline.link.match_selection import select_matches, select_moved_matches
from pipeline.link.members import compare_with_lists, weigh_residence
from pipeline.link.model import Model, Parameters, Scorecard
from pipeline.link.moves.units import build_moved_units, move_members
from pipeline.link.scoring import score_pairs
from pipeline.link.training.fitting import Cell, Fit, fit, pooled
from pipeline.link.training.uncertainty import Sensitivity, residence_sensitivity, sensitivity

#: Limits in log2 odds: a pair is linked if it is more likely true than not, and goes to clerical review down
#: to odds of 1 to 11; the best must have twice the odds of the second best.
_UPPER, _LOWER, _MARGIN = 0.0, -3.5, 1.0
#: A move contradicts the recorded address, so its odds must be at least 4 to 1.
_MOVED_UPPER = 2.0
#: Keeping a ghost registration counts as twice as bad as leaving a resident out: the limit is log2(2).
_RESIDENCE_UPPER = 1.0


@dataclass(frozen=True)
class Population:
    """A labelled population. inputs: its registered tables (see `ComparisonInputs`).

    household_truth, residence_truth: names of tables of true pairs (dwelling_id, member_id): the record's
    person belongs to the household listed at the dwelling; the person lives there.
    """

    inputs: ComparisonInputs
    household_truth: str = "household_truth"
    residence_truth: str = "residence_truth"

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection in which the tables are registered."""
        return self.inputs.connection


@dataclass(frozen=True)
class Learned:
    """A model with what shows how sure it is.

    cells: scorecard -> the cells of each population. sensitivity: see `uncertainty.sensitivity`.
    """

    model: Model
    fits: Mapping[str, Fit]
    cells: Mapping[str, Sequence[Sequence[Cell]]]
    sensitivity: Sequence[Sensitivity]


def learn_from_truth(populations: Sequence[Population]) -> Learned:
    """Return the model learned from the candidates of all populations together."""
    fits: dict[str, Fit] = {}
    cells: dict[str, list[list[Cell]]] = {}
    cards: dict[str, Scorecard] = {}
    for population in populations:
        _true_units(population)
        _score(population, "recorded", _blank("recorded"))
    # A pair whose people cannot be compared, although some are listed, has no truth.
    cells["recorded"] = [
        _cells(p.connection, "recorded_pair", "recorded", "pair.people IS NOT NULL") for p in populations
    ]
    fits["recorded"] = fit(pooled(cells["recorded"]), SCORECARDS["recorded"])
    cards["recorded"] = _card(fits["recorded"], _UPPER)
    for population in populations:
        _score(population, "recorded", cards["recorded"])
        select_matches(population.connection, cards["recorded"])
        compare_with_lists(population.inputs)
        build_moved_units(population.connection)
        _score(population, "moved", _blank("moved"))
    cells["moved"] = [_cells(p.connection, "moved_pair", "moved", "TRUE") for p in populations]
    fits["moved"] = fit(pooled(cells["moved"]), SCORECARDS["moved"])
    cards["moved"] = _card(fits["moved"], _MOVED_UPPER)
    for population in populations:
        _score(population, "moved", cards["moved"])
        select_moved_matches(population.connection, cards["moved"])
        move_members(population.connection)
        weigh_residence(population.connection, _blank("residence"))
    cells["residence"] = [_residence_cells(p.connection, p.residence_truth) for p in populations]
    fits["residence"] = fit(pooled(cells["residence"]), SCORECARDS["residence"])
    cards["residence"] = _card(fits["residence"], _RESIDENCE_UPPER)
    connections = [p.connection for p in populations]
    limits = sensitivity(connections, cards)
    limits += residence_sensitivity(fits["residence"], cards["residence"])
    return Learned(Model(cards, _trained_on(populations)), fits, cells, limits)


#: Scorecard -> the tables of its units, the council's first, and its blocking rules.
_COMPARED = {
    "recorded": (("dwelling_unit", "nhs_unit"), RECORDED_RULES),
    "moved": (("moved_dwelling_unit", "moved_nhs_unit"), MOVED_RULES),
}


#: Members of linked units with a list to be compared with. Only current registrations: others are left out
#: by the rules of registration, whatever their weight.
RESIDENCE_CANDIDATES = """(
    SELECT outcome.*
    FROM outcome
    INNER JOIN nhs_member ON nhs_member.member_id = outcome.member_id
    WHERE outcome.listed_level IS NOT NULL
      AND outcome.unit_dwelling_id IS NOT NULL
      AND nhs_member.is_current
)"""


def level_columns(card: str) -> list[str]:
    """Return the columns of a scorecard's candidates that name the levels reached."""
    suffix = "_level" if card == "residence" else ""
    return [f"{comparison.name}{suffix}" for comparison in SCORECARDS[card]]


def score_candidates(connection: duckdb.DuckDBPyConnection, name: str, card: Scorecard) -> None:
    """Create `<name>_pair` with this card; an earlier one is dropped."""
    units, rules = _COMPARED[name]
    connection.execute(f"DROP TABLE IF EXISTS {name}_pair")
    score_pairs(connection, units, card, SCORECARDS[name], rules, f"{name}_pair")


def _score(population: Population, name: str, card: Scorecard) -> None:
    score_candidates(population.connection, name, card)


def _trained_on(populations: Sequence[Population]) -> dict[str, Any]:
    counts = [
        p.connection.execute(
            "SELECT (SELECT COUNT(*) FROM dwelling_unit), (SELECT COUNT(*) FROM nhs_member)"
        ).fetchall()[0]
        for p in populations
    ]
    return {
        "method": "labelled truth",
        "populations": len(populations),
        "dwellings": sum(dwellings for dwellings, _ in counts),
        "nhs_records": sum(records for _, records in counts),
    }


def _true_units(population: Population) -> None:
    """Create `true_unit`: one row per dwelling and NHS unit that are a true pair.

    At a dwelling where no one is listed there is no listed household. There a pair is true if a member of
    the unit lives in the dwelling.
    """
    population.connection.execute(
        f"""
        CREATE TABLE true_unit AS
        WITH truth AS (
            SELECT dwelling_id, member_id FROM {population.household_truth}
            UNION ALL
            SELECT truth.dwelling_id, truth.member_id
            FROM {population.residence_truth} AS truth
            INNER JOIN dwelling_unit ON dwelling_unit.unit_id = truth.dwelling_id
            WHERE dwelling_unit.people = 0
        )
        SELECT DISTINCT
            truth.dwelling_id,
            nhs_member.unit_id AS nhs_id
        FROM truth
        INNER JOIN nhs_member ON nhs_member.member_id = truth.member_id
        """
    )


def _cells(connection: duckdb.DuckDBPyConnection, pairs: str, card: str, condition: str) -> list[Cell]:
    """Return the cells of a scorecard's candidates: one per comparison vector."""
    names = ", ".join(f"pair.{c.name}" for c in SCORECARDS[card])
    rows = connection.execute(
        f"""
        SELECT
            {names},
            COUNT(true_unit.nhs_id),
            COUNT(*) - COUNT(true_unit.nhs_id)
        FROM {pairs} AS pair
        LEFT JOIN true_unit
            ON true_unit.dwelling_id = pair.dwelling_id AND true_unit.nhs_id = pair.nhs_id
        WHERE {condition}
        GROUP BY {names}
        ORDER BY {names}
        """
    ).fetchall()
    return [Cell(tuple(row[:-2]), row[-2], row[-1]) for row in rows]


def _residence_cells(connection: duckdb.DuckDBPyConnection, truth: str) -> list[Cell]:
    """Return the cells of the scorecard `residence`."""
    levels = ", ".join(f"member.{column}" for column in level_columns("residence"))
    rows = connection.execute(
        f"""
        SELECT
            {levels},
            COUNT(truth.member_id),
            COUNT(*) - COUNT(truth.member_id)
        FROM {RESIDENCE_CANDIDATES} AS member
        LEFT JOIN {truth} AS truth
            ON truth.member_id = member.member_id AND truth.dwelling_id = member.unit_dwelling_id
        GROUP BY {levels}
        ORDER BY {levels}
        """
    ).fetchall()
    return [Cell(tuple(row[:-2]), row[-2], row[-1]) for row in rows]


def _card(fitted: Fit, upper: float) -> Scorecard:
    return Scorecard(fitted.prior, fitted.levels, upper, _LOWER, _MARGIN)


def blank_model() -> Model:
    """Return a model in which nothing is evidence: for a project that is about to be trained on."""
    return Model({name: _blank(name) for name in SCORECARDS}, {"method": "none"})


def _blank(card: str) -> Scorecard:
    """Return a scorecard in which every level has weight zero, to count the levels that pairs reach."""
    even = Parameters(0.5, 0.5, 0.0)
    levels = {c.name: {level.id: even for level in c.levels} for c in SCORECARDS[card]}
    return Scorecard(0.5, levels, 0.0, 0.0, 0.0)
