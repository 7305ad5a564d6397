"""What a release says its figures rest on."""

from dataclasses import FrozenInstanceError

import pytest

from pipeline.aggregate.plan import make_plan
from pipeline.aggregate.stage import add_definitions, known_attributes
from pipeline.household.accounts import STRICT_PROBABILITY
from pipeline.household.basis import create_basis
from pipeline.household.definition import (
    ALTERNATIVE_CAPS,
    CAPS,
    FLOOR_DATE,
    RULE_ORDER,
    RULES,
    VERSION,
)
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
    aspects = {aspect: value for aspect, name, value in rows if not name}
    assert aspects == {
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


def test_the_numbers_of_the_definition_are_those_of_its_document() -> None:
    caps = {caps.name: (caps.maximum_residents, caps.maximum_older_residents) for caps in ALTERNATIVE_CAPS}
    assert (CAPS.maximum_residents, CAPS.maximum_older_residents, CAPS.older_age) == (10, 4, 67)
    assert caps == {
        "up_to_12": (12, 4),
        "without_older_rule": (10, 10),
        "without_caps": (1_000_000, 1_000_000),
    }
    assert (FLOOR_DATE, STRICT_PROBABILITY) == ("1900-01-01", 0.9)
    assert [RULE_ORDER[rule.code] for rule in RULES] == list(range(1, len(RULES) + 1))
    for frozen, field in ((CAPS, "older_age"), (RULES[0], "code")):
        with pytest.raises(FrozenInstanceError):
            setattr(frozen, field, 1)
