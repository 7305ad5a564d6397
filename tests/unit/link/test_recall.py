"""Recall without the truth, what each blocking rule finds, other limits, and units that cannot be linked."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from elm_road import listed, patient, place

from governance.artefact import Artefact
from governance.clearance import Cleared
from pipeline.context import RunContext
from pipeline.group.stage import group
from pipeline.link.model import default_model
from pipeline.link.recall.blocking_sensitivity import blocking_sensitivity
from pipeline.link.recall.capture import Stratum, chapman, recall_of, strata
from pipeline.link.recall.report import TABLES, recall_report, report_text
from pipeline.link.recall.thresholds import AtLimit, at_limits, limits_for_uses
from pipeline.link.stage import link

Rows = list[dict[str, Any]]
CARD = default_model().scorecards["recorded"]


@pytest.fixture
def street(
    context: RunContext,
    pseudonymised: Callable[[Rows, Rows, Rows], tuple[Cleared, Cleared]],
    cleared: Callable[[Artefact], Cleared],
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The stored tables of a street. At home 5 no one is listed, and home 6 has neither UPRN nor list."""
    homes = [place(f"d{n}", n, uprn=str(100 + n) if n < 6 else None) for n in range(1, 7)]
    people = [
        listed("c1", "d1", "Ann Oldroyd"),
        listed("c2", "d2", "Bob Marsh"),
        listed("c3", "d3", "Cyd Penrose"),
        listed("c4", "d4", "Dee Averill"),
    ]
    patients = [
        # found by UPRN, address, surname and premises
        patient("n1", 1, "Ann Oldroyd", 1980, uprn="101"),
        # by UPRN and address only: no name agrees
        patient("n2", 2, "Zoe Fairweather", 1970, uprn="102"),
        # by surname in the postcode only: another number, no UPRN
        patient("n3", 33, "Cyd Penrose", 1960),
        # the UPRN of a home where no one is listed
        patient("n5", 5, "Eve Underhill", 1990, uprn="105"),
    ]
    council, nhs = pseudonymised(homes, people, patients)
    grouped, _ = group(council, nhs, "f" * 64, context)
    artefact, _ = link(cleared(grouped), council, nhs, "f" * 64, context)
    with duckdb.connect() as connection:
        for name in TABLES:
            connection.register(name, pq.read_table(artefact.path(name)))
        yield connection


def test_chapmans_estimate_is_that_of_the_published_example() -> None:
    # Ten captured, fifteen recaptured, five of them marked: Lincoln and Petersen say 30, Chapman 28.
    number, variance = chapman(10, 15, 5)
    assert number == pytest.approx(28.33, abs=0.01)
    assert variance == pytest.approx(11 * 16 * 5 * 10 / (36 * 7))


def test_the_estimate_finds_a_known_number_of_pairs_that_both_sources_miss() -> None:
    drawn = np.random.default_rng(16)
    by_place, by_names = drawn.random(40_000) < 0.9, drawn.random(40_000) < 0.8
    counted = Stratum(
        True,
        1,
        float(by_place.sum()),
        float(by_names.sum()),
        float((by_place & by_names).sum()),
        float((by_place | by_names).sum()),
    )
    recall = recall_of([counted])
    assert recall is not None
    assert recall.low < 0.98 < recall.high
    assert recall.pairs == pytest.approx(40_000, rel=0.005)


def test_recall_is_never_more_than_one_and_not_known_without_pairs_found_twice() -> None:
    found = recall_of([Stratum(True, 1, 10.0, 8.0, 8.0, 10.0)])
    assert found is not None
    assert found.value == 1.0
    assert recall_of([Stratum(True, 1, 10.0, 8.0, 0.0, 10.0)]) is None


def test_a_home_without_a_list_is_not_part_of_the_estimate(street: duckdb.DuckDBPyConnection) -> None:
    counted = strata(street)
    pairs = street.execute(
        "SELECT SUM(household_probability) FROM candidate_pair"
        " WHERE people NOT IN ('no_list', 'no_list_empty')"
    ).fetchall()[0][0]
    assert sum(s.linked for s in counted) <= pairs
    assert {(s.has_uprn, s.size) for s in counted} == {(True, 1), (False, 1)}
    no_uprn = counted[-1]
    assert no_uprn.by_place == 0
    assert no_uprn.by_names > 0.5


def test_without_a_rule_the_links_that_only_it_finds_are_lost(street: duckdb.DuckDBPyConnection) -> None:
    found = {rule.rule: rule for rule in blocking_sensitivity(street, replace(CARD, upper_match_weight=-4.0))}
    pairs = street.execute("SELECT blocking_bits FROM candidate_pair").fetchall()
    for n, name in enumerate(("uprn", "address", "surname", "premises")):
        assert found[name].found == sum(bits >> n & 1 for (bits,) in pairs)
        assert found[name].only == sum(bits == 1 << n for (bits,) in pairs)
    assert (found["surname"].only, found["surname"].lost) == (1, 1)
    assert 0 < found["surname"].lost_probability < 1
    assert found["uprn"].lost == 0


def test_the_links_at_the_models_own_limit_are_those_of_the_run(street: duckdb.DuckDBPyConnection) -> None:
    linked = street.execute("SELECT COUNT(*) FROM decision WHERE reason = 'linked'").fetchall()[0][0]
    limits = {limit.match_weight: limit for limit in at_limits(street, CARD)}
    assert limits[CARD.upper_match_weight].links == linked > 0
    counts = [limit.links for limit in limits.values()]
    assert counts == sorted(counts, reverse=True)


def test_a_use_gets_the_limit_that_it_needs() -> None:
    limits = [AtLimit(-1, 100, 0.98, 0.999), AtLimit(0, 99, 0.994, 0.997), AtLimit(2, 90, 0.999, 0.9)]
    found = limits_for_uses(limits)
    assert [x and x.match_weight for x in found.values()] == [2, 0]
    assert list(limits_for_uses(limits[:1]).values()) == [None, limits[0]]


def test_a_home_without_a_list_or_a_uprn_cannot_reach_a_high_limit(street: duckdb.DuckDBPyConnection) -> None:
    rows = street.execute("SELECT side, place, people, units FROM self_comparison ORDER BY ALL").fetchall()
    assert ("council", "no_uprn_exact", "no_list", 1) in rows
    assert ("council", "uprn_and_address", "no_list", 1) in rows
    assert sum(units for side, *_, units in rows if side == "council") == 6
    shares = {(u.side, u.match_weight): u.share for u in recall_report(street, CARD).unlinkable}
    assert shares["council", 8.0] == pytest.approx(2 / 6)
    assert shares["nhs", 8.0] == 0


def test_the_text_has_every_part(street: duckdb.DuckDBPyConnection) -> None:
    report = recall_report(street, CARD)
    text = report_text(report)
    for heading in (
        "Recall without the truth",
        "Blocking: ",
        "Limits of acceptance",
        "Limit by use",
        "never",
    ):
        assert heading in text
    assert report.as_json()["without_blocking_rule"][2]["rule"] == "surname"


def test_no_pairs_at_all_give_a_report_without_an_estimate() -> None:
    text, number = pa.string(), pa.float64()
    pair = {"address_group": text, "dwelling_record_pseudonym": text, "match_weight": number, "people": text}
    schemas = {
        "candidate_pair": {
            **pair,
            "household_probability": number,
            "blocking_bits": pa.int8(),
            "place": text,
        },
        "decision": {**pair, "margin_match_weight": number, "reason": text},
        "address_group": {"address_group": text, "nhs_records": pa.int64(), "has_uprn": pa.bool_()},
        "self_comparison": {"side": text, "units": pa.int64(), "match_weight": number},
    }
    with duckdb.connect() as connection:
        for name, columns in schemas.items():
            connection.register(name, pa.schema(list(columns.items())).empty_table())
        report = recall_report(connection, CARD)
    assert report.recall is None
    assert "not known" in report_text(report)
