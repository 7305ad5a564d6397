"""The strict and the inclusive account of who lives where, beside the published one."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from pipeline.engine.duckdb import EngineSettings
from pipeline.household.accounts import build_accounts
from tests.unit.household.world import REFERENCE_DATE, Row, built_world, dwelling, record


@contextmanager
def accounts(
    folder: Path,
    records: list[Row],
    weights: dict[str, float] | None = None,
    candidates: dict[str, str] | None = None,
    homes: tuple[str, ...] = ("a", "b", "c"),
    **others: Any,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """weights: of living there, by record. candidates: the best dwelling of a record's address group."""
    with built_world([dwelling(name) for name in homes], records, **others) as connection:
        connection.execute("UPDATE resident_link SET address_group = 'g-' || nhs_record_pseudonym")
        for name, weight in (weights or {}).items():
            connection.execute(
                "UPDATE resident_link SET residence_match_weight = ? WHERE nhs_record_pseudonym = ?",
                [weight, name],
            )
        connection.execute("CREATE TABLE decision (address_group VARCHAR, dwelling_record_pseudonym VARCHAR)")
        for name, home in (candidates or {}).items():
            connection.execute("INSERT INTO decision VALUES (?, ?)", [f"g-{name}", home])
        context = SimpleNamespace(project=SimpleNamespace(engine=EngineSettings()), spill=folder)
        supplied = frozenset(kind for kind in ("condition", "event") if others.get(f"{kind}s") is not None)
        build_accounts(connection, supplied, REFERENCE_DATE, context)  # type: ignore[arg-type]
        yield connection


def members(connection: duckdb.DuckDBPyConnection) -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {"strict": set(), "inclusive": set()}
    for account, home, person in connection.execute(
        "SELECT account, household_pseudonym, person_pseudonym FROM account_member"
    ).fetchall():
        found[account].add((home, person))
    return found


def affected(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT * FROM affected_dwelling").fetchall()}


@pytest.mark.parametrize(
    ("weight", "is_kept"),
    [
        (math.log2(9) - 1e-9, False),
        (math.log2(9) + 1e-9, True),
        (0.0, False),
        (-5.0, False),
        (None, True),
    ],
)
def test_the_strict_account_keeps_a_resident_of_nine_in_ten_and_more(
    tmp_path: Path, weight: float | None, is_kept: bool
) -> None:
    rows = [record("r1", "a"), record("r2", "a")]
    with accounts(tmp_path, rows, {} if weight is None else {"r1": weight}) as connection:
        assert affected(connection) == (set() if is_kept else {"a"})
        strict = members(connection)["strict"]
    assert strict == (set() if is_kept else {("a", "r2")})


def test_the_inclusive_account_places_whoever_has_a_candidate(tmp_path: Path) -> None:
    rows = [record("in", "a"), record("out", None), record("none", None), record("far", "c")]
    with accounts(tmp_path, rows, candidates={"out": "a"}) as connection:
        assert affected(connection) == {"a"}
        found = members(connection)
        homes = connection.execute(
            "SELECT account, household_pseudonym, residents FROM account_household ORDER BY ALL"
        ).fetchall()
    assert found == {"strict": {("a", "in")}, "inclusive": {("a", "in"), ("a", "out")}}
    assert homes == [("inclusive", "a", 2), ("strict", "a", 1)]


def test_a_candidate_does_not_move_somebody_who_was_placed(tmp_path: Path) -> None:
    with accounts(tmp_path, [record("r", "a")], candidates={"r": "b"}) as connection:
        assert affected(connection) == set()


def test_nothing_is_counted_again_where_no_link_is_in_doubt(tmp_path: Path) -> None:
    with accounts(tmp_path, [record("r", "a")]) as connection:
        for table in ("affected_dwelling", "account_household", "account_member"):
            assert connection.execute(f"SELECT COUNT(*) FROM {table}").fetchall() == [(0,)]


def test_other_dwellings_of_a_person_in_doubt_are_formed_too_but_not_told(tmp_path: Path) -> None:
    """The person's older record is at b. Strictly their home at a is empty; the older record stays older."""
    rows = [
        record("new", "a", nhs_number_pseudonym="n", address_start=REFERENCE_DATE),
        record("old", "b", nhs_number_pseudonym="n"),
        record("wife", "a"),
    ]
    with accounts(tmp_path, rows, {"new": 0.0}) as connection:
        assert affected(connection) == {"a"}
        assert members(connection) == {"strict": {("a", "wife")}, "inclusive": {("a", "n"), ("a", "wife")}}


def test_conditions_events_and_listings_of_those_concerned_come_with_them(tmp_path: Path) -> None:
    rows = [
        record("r1", "a", nhs_number_pseudonym="n1", person_name_birth="t1"),
        record("r2", "a", nhs_number_pseudonym="n2"),
        record("r3", "b", nhs_number_pseudonym="n3"),
    ]
    conditions = [
        {"nhs_number_pseudonym": "n2", "condition": "asthma"},
        {"resident_record_pseudonym": "r2", "condition": "copd"},
        {"nhs_number_pseudonym": "n3", "condition": "copd"},
    ]
    events = [
        {"resident_record_pseudonym": "r2", "event": "emergency_admission", "event_date": REFERENCE_DATE}
    ]
    council = [
        {"record_pseudonym": "c1", "dwelling_record_pseudonym": "a", "service": "benefits", "in_work": True}
        | {"person_name_birth": "t1"}
    ]
    with accounts(
        tmp_path, rows, {"r2": 1.0}, conditions=conditions, events=events, council=council
    ) as connection:
        found = connection.execute(
            "SELECT account, person_pseudonym, has_asthma, long_term_conditions, emergency_admissions, "
            "is_in_work FROM account_member ORDER BY ALL"
        ).fetchall()
    assert found == [
        ("inclusive", "n1", False, 0, 0, True),
        ("inclusive", "n2", True, 2, 1, None),
        ("strict", "n1", False, 0, 0, True),
    ]


def test_only_affected_dwellings_are_told_though_people_of_others_are_looked_at(tmp_path: Path) -> None:
    """One who lived at a lives at b now, so b is formed as well; nothing is in doubt there."""
    rows = [
        record("old", "a", nhs_number_pseudonym="n"),
        record("new", "b", nhs_number_pseudonym="n", address_start=REFERENCE_DATE),
        record("doubted", "a"),
        record("sure", "a"),
    ]
    with accounts(tmp_path, rows, {"doubted": 0.0}) as connection:
        assert affected(connection) == {"a"}
        found = members(connection)
        homes = connection.execute("SELECT DISTINCT household_pseudonym FROM account_household").fetchall()
    assert found == {"strict": {("a", "sure")}, "inclusive": {("a", "sure"), ("a", "doubted")}}
    assert homes == [("a",)]
