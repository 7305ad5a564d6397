"""The band of each rate: its formula on numbers worked out on paper, and its rows on a small street."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.aggregate.counting import build_all_cells
from pipeline.aggregate.linkage_accounts import widen_linkage_bands
from pipeline.aggregate.linkage_sensitivity import (
    ExpectedCounts,
    _reach,
    linkage_band,
    rate_of_uncertain_links,
)
from pipeline.aggregate.plan import make_plan
from pipeline.aggregate.stage import add_definitions, known_attributes
from pipeline.disclosure.noise.record_key import RecordKeySecret
from pipeline.engine.duckdb import EngineSettings
from pipeline.household.accounts import build_accounts
from schemas.table import tables
from tests.unit.household.world import (
    LSOA,
    OTHER_LSOA,
    REFERENCE_DATE,
    Row,
    built_world,
    dwelling,
    record,
)

SECRET = RecordKeySecret(b"0123456789abcdef" * 2)
Z = 1.959963984540054


def counts(*figures: float) -> ExpectedCounts:
    return ExpectedCounts(*(np.array([f]) for f in figures))


@pytest.mark.parametrize(
    ("figures", "rate", "error"),
    [
        ((30, 100, 0, 0), 0.3, 0.0),
        ((30, 100, 4, 9), 0.3, (0.4 * 4 + 0.09 * 9) ** 0.5 / 100),
        ((60, 100, 4, 9), 0.6, (-0.2 * 4 + 0.36 * 9) ** 0.5 / 100),
        ((90, 100, 9, 1), 0.9, 0.0),
        ((98, 100, 4, 40), 0.98, (-0.96 * 4 + 0.9604 * 40) ** 0.5 / 100),
        ((1, 100, 4, 9), 0.01, (0.98 * 4 + 0.0001 * 9) ** 0.5 / 100),
    ],
)
def test_the_error_of_a_ratio_follows_the_delta_method(
    figures: tuple[float, ...], rate: float, error: float
) -> None:
    found = rate_of_uncertain_links(counts(*figures))
    assert found.value[0] == pytest.approx(rate)
    assert found.lower[0] == pytest.approx(max(0.0, rate - Z * error))
    assert found.upper[0] == pytest.approx(min(1.0, rate + Z * error))
    downwards, upwards = rate - found.lower[0], found.upper[0] - rate
    assert _reach(counts(*figures))[0] == pytest.approx(max(downwards, upwards), abs=1e-12)


def test_a_rate_of_nobody_is_unknown_and_moves_nothing() -> None:
    nobody = counts(0, 0, 0, 0)
    assert np.isnan(rate_of_uncertain_links(nobody).value[0])
    assert _reach(nobody)[0] == 0
    band = linkage_band(np.array([0.5]), nobody, counts(20, 100, 0, 0))
    assert (band.value[0], band.lower[0], band.upper[0]) == (0.5, 0.2, 0.5)


def test_a_band_holds_the_published_rate_and_both_accounts() -> None:
    band = linkage_band(np.array([0.5]), counts(40, 100, 0, 0), counts(60, 100, 0, 0))
    assert (band.lower[0], band.upper[0]) == (0.4, 0.6)
    narrow = linkage_band(np.array([0.5]), counts(30, 100, 4, 9), counts(30, 100, 0, 0), confidence=0.9)
    wide = linkage_band(np.array([0.5]), counts(30, 100, 4, 9), counts(30, 100, 0, 0), confidence=0.99)
    assert wide.lower[0] < narrow.lower[0] < 0.3


def bands(
    folder: Path,
    homes: list[Row],
    rows: list[Row],
    chosen: tuple[str, ...],
    decision: dict[str, str] | None = None,
    weights: dict[str, float] | None = None,
) -> dict[tuple[Any, ...], dict[str, float]]:
    """Return (measure, area, category) -> the figures of its band."""
    with built_world(homes, rows) as connection:
        connection.execute("UPDATE resident_link SET address_group = nhs_record_pseudonym")
        for name, weight in (weights or {}).items():
            connection.execute(
                "UPDATE resident_link SET residence_match_weight = ? WHERE nhs_record_pseudonym = ?",
                [weight, name],
            )
        connection.execute("CREATE TABLE decision (address_group VARCHAR, dwelling_record_pseudonym VARCHAR)")
        for name, home in (decision or {}).items():
            connection.execute("INSERT INTO decision VALUES (?, ?)", [name, home])
        context = SimpleNamespace(project=SimpleNamespace(engine=EngineSettings()), spill=folder)
        build_accounts(connection, frozenset(), REFERENCE_DATE, context)  # type: ignore[arg-type]
        plan = make_plan(tables(), chosen, known_attributes(connection))
        build_all_cells(connection, plan, SECRET)
        widen_linkage_bands(connection, plan)
        found = connection.sql("SELECT * FROM linkage_band").to_arrow_table().to_pylist()
    return {
        (r["measure"], r["area_code"], r["category_1"]): {
            k: r[k] for k in ("rate", "lower", "upper", "reach")
        }
        for r in found
    }


def street(admitted: int, others: int, lsoa: str = LSOA, tenure: str | None = None, **columns: Any) -> Any:
    """Homes of one resident each, so many of them admitted."""
    names = [f"{lsoa[-2:]}{tenure or ''}{n:02d}" for n in range(admitted + others)]
    homes = [dwelling(name, lsoa21=lsoa, tenure=tenure) for name in names]
    rows = [
        record(f"r{name}", name, emergency_admissions=int(n < admitted), **columns)
        for n, name in enumerate(names)
    ]
    return homes, rows


CERTAIN = {"rate": 0.25, "lower": 0.25, "upper": 0.25, "reach": 0.0}


def test_certain_links_have_a_band_of_one_value_at_every_level_and_category(tmp_path: Path) -> None:
    homes, rows = street(2, 6, tenure="mortgage")
    more, people = street(1, 3, OTHER_LSOA, "local_authority")
    found = bands(tmp_path, homes + more, rows + people, ("health_by_tenure",))
    admitted = {key[1:]: band for key, band in found.items() if key[0] == "emergency_admission"}
    assert admitted["E08000009", "owned"] == CERTAIN
    assert admitted["E08000009", "social_rented"] == CERTAIN
    assert {category for _, category in admitted} == {"owned", "social_rented"}
    assert {key[0] for key in found} == {"emergency_admission"}, "a plain count has no rate"


@pytest.mark.parametrize(("probability", "is_doubted"), [(0.98, True), (0.995, False)])
def test_a_link_of_99_in_100_and_more_is_taken_to_be_certain(
    tmp_path: Path, probability: float, is_doubted: bool
) -> None:
    homes, rows = street(10, 30, match_probability=probability)
    band = bands(tmp_path, homes, rows, ("health",))["emergency_admission", "E08000009", None]
    assert band["rate"] == 0.25
    assert (band["lower"] < 0.25, band["upper"] > 0.25, band["reach"] > 0) == (is_doubted,) * 3


def test_doubt_moves_a_rate_by_the_variance_of_its_links(tmp_path: Path) -> None:
    """Each of 40 links holds with .8: the expected rate is as published, its error that of the formula."""
    homes, rows = street(10, 30, match_probability=0.8)
    found = bands(tmp_path, homes, rows, ("health",))
    band = found["emergency_admission", "E08000009", None]
    error = (0.5 * 10 * 0.16 + 0.0625 * 40 * 0.16) ** 0.5 / 32
    assert band["reach"] == pytest.approx(Z * error)
    assert band["lower"] == pytest.approx(0.25 - Z * error)
    assert band["upper"] == pytest.approx(0.25 + Z * error)
    assert found["emergency_admission", LSOA, None] == pytest.approx(band)
    with pytest.raises(KeyError):
        found["emergency_admission", OTHER_LSOA, None]


def test_people_who_were_not_placed_count_with_those_of_their_age_sex_and_admission(tmp_path: Path) -> None:
    """Ten more admitted people have no dwelling: each of the ten who has one stands for two."""
    homes, rows = street(10, 30)
    rows += [record(f"lost{n}", None, emergency_admissions=1) for n in range(10)]
    band = bands(tmp_path, homes, rows, ("resident_health",))["residents_admitted", "E08000009", None]
    assert (band["rate"], band["lower"]) == (0.25, 0.25)
    assert band["upper"] == pytest.approx(20 / 50)


def test_a_band_reaches_the_rate_of_the_strict_and_of_the_inclusive_account(tmp_path: Path) -> None:
    """Strictly 5 of 35 were admitted; inclusively 12 of 42. Elsewhere nothing moves."""
    homes, rows = street(10, 30)
    more, people = street(2, 8, OTHER_LSOA)
    spare = [dwelling("spare1"), dwelling("spare2")]
    lost = [record(name, None, emergency_admissions=1) for name in ("x1", "x2")]
    found = bands(
        tmp_path,
        homes + more + spare,
        rows + people + lost,
        ("health",),
        decision={"x1": "spare1", "x2": "spare2"},
        weights={f"r{home['record_pseudonym']}": 1.0 for home in homes[:5]},
    )
    here, there = (found["emergency_admission", lsoa, None] for lsoa in (LSOA, OTHER_LSOA))
    assert (here["rate"], here["reach"]) == (0.25, 0.0)
    assert (here["lower"], here["upper"]) == (pytest.approx(5 / 35), pytest.approx(12 / 42))
    # two were not placed: each of the twelve admitted counts for 14 / 12
    assert (there["rate"], there["lower"], there["upper"]) == (0.2, 0.2, pytest.approx(7 / 31))
    whole = found["emergency_admission", "E08000009", None]
    assert (whole["lower"], whole["upper"]) == (pytest.approx(7 / 45), pytest.approx(14 / 52))


def test_the_basis_names_each_measure_and_amount_with_a_digest_of_its_definition() -> None:
    with built_world(
        [dwelling("d")], [record("r", "d", emergency_admissions=1)], conditions=[]
    ) as connection:
        connection.execute("CREATE TABLE basis (aspect VARCHAR, name VARCHAR, value VARCHAR)")
        plan = make_plan(tables(), ("health", "older_resident_conditions"), known_attributes(connection))
        add_definitions(connection, plan)
        found = connection.execute("SELECT aspect, name, length(value) FROM basis ORDER BY ALL").fetchall()
    names = {m for t in plan.tables for m in t.measures} | {m for t in plan.tables for m in t.magnitudes}
    assert found == [("measures", name, 16) for name in sorted(names)]
    assert any(t.magnitudes for t in plan.tables)
