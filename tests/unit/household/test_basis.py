"""What a release says its figures rest on."""

from pipeline.aggregate.plan import make_plan
from pipeline.aggregate.stage import add_definitions, known_attributes
from pipeline.household.basis import create_basis
from pipeline.household.definition import VERSION
from schemas.contract import load_contract
from schemas.table import tables
from tests.unit.household.world import built_world, dwelling, record


def test_the_basis_names_definition_model_sources_share_placed_and_every_measure() -> None:
    placed = [record(f"r{n}", "home") for n in range(2)]
    with built_world([dwelling("home")], [*placed, record("r2", None)], events=[]) as connection:
        create_basis(connection, "abc", frozenset(("event",)))
        add_definitions(connection, make_plan(tables(), ("health",), known_attributes(connection)))
        rows = connection.execute("SELECT aspect, name, value FROM basis").fetchall()
        columns = [row[0] for row in connection.execute("DESCRIBE basis").fetchall()]
    told = {aspect: value for aspect, name, value in rows if not name}
    assert told == {
        "definition": VERSION,
        "model_digest": "abc",
        "sources": "event",
        "match_rate": "0.67",
    }
    named = {name: value for aspect, name, value in rows if aspect == "measures"}
    assert set(named) == {"households", "emergency_admission"}
    assert len(set(named.values())) == 2
    for stage in ("household", "aggregate", "protected", "published"):
        assert columns == list(load_contract(stage, "basis").names)


def test_without_any_person_nobody_was_placed() -> None:
    with built_world([dwelling("home")], []) as connection:
        create_basis(connection, "abc", frozenset(("event", "condition")))
        rows = connection.execute("SELECT aspect, value FROM basis").fetchall()
    assert dict(rows)["match_rate"] == "0.00"
    assert dict(rows)["sources"] == "condition, event"
