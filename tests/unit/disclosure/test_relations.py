"""Relations between counts by their definitions, compared with SQL and with counted random populations."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from pipeline.aggregate.condition import condition_sql
from pipeline.disclosure.relations.counted_set import CountedSet, conditions_of, contains
from pipeline.disclosure.relations.reasoner import derive, implies
from pipeline.disclosure.relations.relation import Relation
from pipeline.disclosure.relations.truth import truth
from pipeline.disclosure.relations.worlds import Worlds, domains_of, random_worlds
from schemas.dimension import dimensions
from schemas.measure import measures
from schemas.table import tables


def count(measure: str, unit: str = "household", **categories: str) -> CountedSet:
    return CountedSet(unit, measure, tuple(sorted(categories.items())))


def test_a_measure_equals_the_category_that_its_condition_describes() -> None:
    overcrowded = count("overcrowded")
    category = count("households", overcrowding="overcrowded")

    assert Relation(category, (overcrowded,), True) in derive([overcrowded, category])


def test_a_population_is_the_sum_of_the_categories_that_are_known() -> None:
    known = [
        count("households", overcrowding=name) for name in ("at_standard", "overcrowded", "under_occupied")
    ]
    everyone = [*known, count("households", overcrowding="unknown")]
    population = count("overcrowded_population")

    found = derive([*everyone, population, count("households")])

    assert Relation(population, tuple(known), True) in found
    assert Relation(count("households"), (population,), False) in found


def test_an_admission_for_respiratory_illness_is_an_admission() -> None:
    part, whole = count("respiratory_admission"), count("emergency_admission")

    assert derive([part, whole]) == (Relation(whole, (part,), False),)


def test_households_with_an_admission_are_at_most_the_residents_admitted() -> None:
    households, residents = count("emergency_admission"), count("residents_admitted", "resident")

    assert derive([households, residents]) == (Relation(residents, (households,), False),)


def test_counts_without_a_definition_have_no_relations() -> None:
    assert derive([count("households"), count("no_such_measure")]) == ()


def test_unrelated_counts_have_no_relation() -> None:
    assert derive([count("damp_homes"), count("drug_alcohol_treatment")]) == ()


def test_the_truth_of_every_condition_of_a_resident_is_that_of_the_sql_that_counts() -> None:
    """Each registered condition, on random residents; a household's conditions on residents need its rows."""
    listed = [m for m in measures().values() if m.unit == "resident"]
    conditions = [c for m in listed for c in (m.include, m.count) if c is not None]
    worlds = random_worlds(domains_of(conditions), 400, 1, seed=3)
    columns = {
        name: [worlds.domains[name][position] for position in positions[:, 0]]
        for name, positions in worlds.resident.items()
    }
    # a resident's measure may have conditions on their home; here each home has one resident
    columns |= {
        name: [worlds.domains[name][position] for position in positions]
        for name, positions in worlds.household.items()
        if name not in columns
    }
    connection = duckdb.connect()
    connection.register("resident", pa.table(columns))

    for condition in conditions:
        sql = condition_sql(condition, lambda _: "")
        counted = connection.sql(f"SELECT {sql} AS met FROM resident").fetchall()
        ours = truth(condition, worlds, of_resident=True)[:, 0]
        assert [-1 if met is None else int(met) for (met,) in counted] == ours.tolist(), condition


@pytest.fixture(scope="module")
def registered() -> list[CountedSet]:
    """Every count of a registered table at the level of authorities."""
    found = set()
    for table in tables().values():
        grid: list[tuple[tuple[str, str], ...]] = [()]
        for name in sorted(table.dimensions)[:1]:
            grid += [((name, category),) for category in dimensions()[name].categories]
        for name in table.measures:
            for categories in grid:
                found.add(CountedSet(table.unit, name, categories))
                if measures()[name].count is not None:
                    found.add(CountedSet(table.unit, f"{name}_population", categories))
    return sorted(found)


def test_what_holds_in_every_generated_population_is_in_the_model_and_the_reverse(
    registered: list[CountedSet],
) -> None:
    """Counts of other random populations than those that the reasoner draws.

    An inclusion that no population contradicts must be proven, and a proven one must hold in each of them.
    """
    households = [s for s in registered if s.unit == "household" and not s.categories]
    parts = sorted({part for s in households for part in s.parts})
    worlds = random_worlds(
        domains_of(condition for part in parts for condition in conditions_of(part)), 30_000, 3, seed=11
    )
    held = np.stack([_contains(one, worlds) for one in households])
    contradicted = (held.astype(np.float32) @ (~held).astype(np.float32).T) > 0

    wrong = {
        (one.measure, other.measure)
        for i, one in enumerate(households)
        for j, other in enumerate(households)
        if i != j and held[i].any() and implies(one, other) == contradicted[i, j]
    }

    assert wrong == set()


def _contains(one: CountedSet, worlds: Worlds) -> np.ndarray:
    return np.all([contains(part, worlds, of_resident=False) for part in one.parts], axis=0)
