"""A pair is explained by the levels that the run stored, and every step adds up to the stored weight."""

import hashlib
from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from elm_road import listed, patient, place

from governance.artefact import Artefact
from governance.clearance import Cleared
from pipeline.context import RunContext
from pipeline.group.stage import group
from pipeline.link.blocking_bits import rules_of
from pipeline.link.explain.pair import TABLES, TOLERANCE, Explanation, explain_pair
from pipeline.link.explain.text import explanation_text
from pipeline.link.model import default_model
from pipeline.link.stage import link
from pipeline.link.verdict_store import write_verdicts
from pipeline.link.verdicts import VERDICT

Rows = list[dict[str, Any]]
Explain = Callable[[str, str], Explanation | None]

STREET: Rows = [place(f"d{n}", n, uprn=str(100 + n)) for n in range(1, 5)]
LISTED = [
    listed("c1", "d1", "Ann Oldroyd"),
    listed("c2", "d2", "Bob Marsh"),
    listed("c3", "d3", "Cyd Penrose"),
    listed("c4", "d3", "Dee Penrose"),
]
PATIENTS = [
    patient("n1", 1, "Ann Oldroyd", 1980, uprn="101"),
    patient("n2", 1, "Xan Oldroyd", 1999, uprn="101"),
    patient("n3", 2, "Zoe Fairweather", 1970, uprn="102"),
    patient("n4", 3, "Cyd Penrose", 1960, uprn="103"),
]


@pytest.fixture
def links(
    context: RunContext,
    pseudonymised: Callable[[Rows, Rows, Rows], tuple[Cleared, Cleared]],
    cleared: Callable[[Artefact], Cleared],
) -> Artefact:
    """The link stage's artefact for the street."""
    council, nhs = pseudonymised(STREET, LISTED, PATIENTS)
    grouped, _ = group(council, nhs, "f" * 64, context)
    return link(cleared(grouped), council, nhs, "f" * 64, context)[0]


@pytest.mark.parametrize(("home", "record", "is_same"), [("d2", "n3", True), ("d3", "n4", False)])
def test_a_pair_that_people_decided_is_explained_by_their_verdict(
    context: RunContext,
    request: pytest.FixtureRequest,
    home: str,
    record: str,
    is_same: bool,
) -> None:
    row = {
        "dwelling_record_pseudonym": name(home),
        "nhs_record_pseudonym": name(record),
        "verdict_id": "v1",
        "is_same": is_same,
        "review": "r1",
        "reviewers": 2,
    }
    write_verdicts(context.workspace, context.recorded, pa.Table.from_pylist([row], VERDICT), 0.9)
    found = request.getfixturevalue("explain")(name(home), name(record))
    assert found is not None
    verdict = "Linked" if is_same else "Not linked"
    assert found.parts[0].verdict.startswith(f"{verdict}: reviewers decided that it is")


@pytest.fixture
def explain(links: Artefact) -> Explain:
    """Explain a pair of records of the street, by their pseudonyms."""
    connection = duckdb.connect()
    for name in TABLES:
        connection.register(name, pq.read_table(links.path(name)))
    return lambda dwelling, nhs: explain_pair(connection, default_model(), dwelling, nhs)


def test_each_step_adds_the_weight_of_the_model_and_the_sum_is_the_stored_weight(explain: Explain) -> None:
    found = explain(name("d1"), name("n1"))
    assert found is not None
    assert [part.scorecard for part in found.parts] == ["recorded", "residence"]
    cards = default_model().scorecards
    for part in found.parts:
        card, total = cards[part.scorecard], cards[part.scorecard].prior_match_weight
        assert part.steps[0].total == total
        for step in part.steps[1:]:
            if step.level is not None:
                total += card.levels[str(step.comparison)][step.level].match_weight
            assert step.total == pytest.approx(total)
            assert step.probability == pytest.approx(2**total / (1 + 2**total))
        assert part.stored == pytest.approx(total, abs=TOLERANCE)
    levels = {step.comparison: step.level for step in found.parts[0].steps[1:]}
    assert levels == {"place": "uprn_and_address", "people": "name"}
    assert found.parts[0].verdict.startswith("Linked: ")
    assert str(found.outcome).startswith("The record is linked to this dwelling. P(household)")


def test_every_pair_of_the_run_adds_up_to_its_stored_weight(links: Artefact, explain: Explain) -> None:
    pairs = pq.read_table(links.path("candidate_pair")).to_pylist()
    assert pairs
    for pair in pairs:
        found = explain(pair["dwelling_record_pseudonym"], pair["address_group"])
        assert found is not None
        assert found.parts[0].steps[-1].total == pytest.approx(pair["match_weight"], abs=TOLERANCE)


def test_the_rules_that_found_a_pair_are_named_and_those_that_did_not(explain: Explain) -> None:
    found = explain(name("d2"), name("n3"))
    assert found is not None
    assert found.shared == ("uprn", "address")
    assert found.not_shared == ("surname", "premises", "moved")


def test_the_first_rule_of_each_pair_is_the_match_key_that_splink_gives(links: Artefact) -> None:
    keys = {row["address_group"]: row for row in pq.read_table(links.path("decision")).to_pylist()}
    pairs = pq.read_table(links.path("candidate_pair")).to_pylist()
    compared = 0
    for pair in pairs:
        best = keys[pair["address_group"]]
        assert pair["blocking_bits"] > 0
        if best["dwelling_record_pseudonym"] == pair["dwelling_record_pseudonym"]:
            assert rules_of(pair["blocking_bits"])[0] == best["match_key"]
            compared += 1
    assert compared == len(keys)


def test_the_probabilities_of_one_groups_candidates_add_up_to_less_than_one(links: Artefact) -> None:
    sums: dict[str, float] = {}
    for pair in pq.read_table(links.path("candidate_pair")).to_pylist():
        sums[pair["address_group"]] = sums.get(pair["address_group"], 0) + pair["household_probability"]
        assert pair["household_probability"] <= pair["match_probability"] + 1e-12
    assert all(0 < total < 1 for total in sums.values())


def test_a_pair_that_no_rule_found_has_no_part_and_names_every_rule(explain: Explain) -> None:
    found = explain(name("d4"), name("n3"))
    assert found is not None
    assert not found.is_compared
    assert found.not_shared == ("uprn", "address", "surname", "premises", "moved")


@pytest.mark.parametrize("pair", [("d1", "nobody"), ("nowhere", "n1")])
def test_an_unknown_pseudonym_has_no_explanation(explain: Explain, pair: tuple[str, str]) -> None:
    assert explain(name(pair[0]), name(pair[1])) is None


def test_the_text_shows_numbers_and_levels_and_nothing_of_the_people(explain: Explain) -> None:
    found = explain(name("d1"), name("n2"))
    assert found is not None
    text = explanation_text(found)
    assert "prior: 0.8" in text
    assert "same UPRN, same dwelling by address" in text
    shown = text + str(found.as_json())
    assert not any(word in shown for word in ("Oldroyd", "Elm", "M31", "101"))


def name(record: str) -> str:
    """The pseudonym of a record id, as the fixtures make it."""
    return hashlib.sha256(record.encode()).hexdigest()[:12]
