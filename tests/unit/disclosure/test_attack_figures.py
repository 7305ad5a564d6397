"""Each attack on a few printed cells, made by hand: what it counts as found, on each side of its bounds."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.disclosure.attack import averaging, cross_release, mover, rate_reconstruction
from pipeline.disclosure.attack.amounts import _pairs_that_give, attack_amounts
from pipeline.disclosure.attack.intruder import IntruderRecord, intrude
from pipeline.disclosure.attack.outcome import AttackOutcome
from pipeline.disclosure.attack.release_files import ReleaseFiles, load_cells, load_system_tables
from pipeline.disclosure.attack.run import AttackReport, _together
from pipeline.disclosure.audit.published_system import PublicRules

CRITERIA = {"minimum_cell_count": 10, "rounding_base": 5, "noise_bound": 3, "agreement": "D"}
COLUMNS = (
    "table_id", "unit", "area_level", "area_code", "measure", "value", "shorthand", "dimension_1",
    "category_1", "dimension_2", "category_2", "reliability",
    "lower", "upper", "linkage_lower", "linkage_upper", "coverage", "effective_n", "protection_margin",
)  # fmt: skip
MEASURES = [
    ("households", "household", "count", None, None),
    ("ill", "household", "count", None, "households"),
    ("ill_percent", "household", "percent", "ill", "households"),
]

Cell = tuple[str, float | None]


def release(
    cells: dict[str, float | None],
    name: str = "r1",
    day: str = "2026-03-31",
    epoch: str = "2026-Q1",
    **more: Any,
) -> ReleaseFiles:
    """A release of one area: measure (or "measure/category") -> value; None is hidden."""
    rows = []
    for key, value in cells.items():
        measure, _, category = key.partition("/")
        row: dict[str, Any] = dict.fromkeys(COLUMNS)
        row |= {"table_id": "t", "unit": "household", "area_level": "LSOA21", "area_code": "E01"}
        row |= {"measure": measure, "value": value, "shorthand": None if value is not None else "[c]"}
        row |= {"dimension_1": "tenure", "category_1": category} if category else {}
        rows.append(row | more)
    kinds = [(c, pa.float64() if c in ("value", *COLUMNS[12:]) else pa.string()) for c in COLUMNS]
    measures = list(zip(*MEASURES, strict=True))
    names = ("measure", "unit", "kind", "numerator_measure", "denominator_measure")
    return ReleaseFiles(
        folder=Path(name),
        release_id=name,
        epoch=epoch,
        reference_date=day,
        criteria=dict(CRITERIA),
        cell=pa.Table.from_pylist(rows, schema=pa.schema(kinds)),
        measure=pa.table({n: pa.array(c, pa.string()) for n, c in zip(names, measures, strict=True)}),
        area=pa.table({"lsoa21": ["E01"]}),
    )


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


@pytest.mark.parametrize(
    ("cells", "groups", "alone", "learnt", "share"),
    [
        ({"households": 100, "ill": 20}, 1, 0, 0, 0.2),
        ({"households": 100, "ill": 0}, 1, 0, 1, 0.0),
        ({"households": 100, "ill": 110}, 1, 0, 1, 1.1),
        ({"households": 100, "ill": 109}, 1, 0, 0, 1.09),
        ({"households": -4, "ill": None}, 1, 1, 0, None),
        ({"households": -3, "ill": None}, 1, 0, 0, None),
        ({"households": None, "ill": 20}, 0, 0, 0, None),
        ({"households": 30, "ill": None}, 1, 0, 0, None),
    ],
)
def test_a_neighbour_learns_where_a_group_is_one_household_or_all_or_none_of_it_have_something(
    connection: duckdb.DuckDBPyConnection,
    cells: dict[str, float | None],
    groups: int,
    alone: int,
    learnt: int,
    share: float | None,
) -> None:
    """An error of a count is 5, so that 100 can be 105 and 110 can be 105."""
    found = intrude(connection, release(cells), date(2026, 4, 1))
    assert found == IntruderRecord("r1", date(2026, 4, 1), groups, alone, learnt, share)
    assert found.outcome == ("disclosure" if alone or learnt else "nothing learnt")
    assert found.record()["outcome"] == found.outcome


@pytest.mark.parametrize(
    ("rate", "found"),
    [
        (20.0, {}),
        (20.1, {"RATE_NOT_FROM_PUBLISHED_COUNTS": 1}),
        (19.94, {"RATE_NOT_FROM_PUBLISHED_COUNTS": 1}),
        (20.04, {"RATE_NOT_FROM_PUBLISHED_COUNTS": 1}),
    ],
)
def test_a_rate_that_is_not_what_the_printed_counts_give_is_found(
    connection: duckdb.DuckDBPyConnection, rate: float, found: dict[str, int]
) -> None:
    outcome = rate_reconstruction.attack(
        connection, release({"households": 100, "ill": 20, "ill_percent": rate})
    )
    assert {code: n for code, n in outcome.findings.items() if code != "RATE_UNPICKED"} == found
    assert (outcome.number, outcome.figures["rates"]) == (6, 1)


def test_a_rate_whose_counts_are_hidden_is_found_and_a_single_pair_is_a_success(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    exact = 100 * 37 / 263
    cells = {"households": None, "ill": None, "ill_percent": exact}
    found = rate_reconstruction.attack(connection, release(cells)).findings
    assert found == {"RATE_NOT_FROM_PUBLISHED_COUNTS": 1, "RATE_OF_HIDDEN_COUNTS": 1, "RATE_UNPICKED": 1}
    found = rate_reconstruction.attack(connection, release(cells | {"ill_percent": 50.0})).findings
    assert found == {"RATE_NOT_FROM_PUBLISHED_COUNTS": 1, "RATE_OF_HIDDEN_COUNTS": 1}


@pytest.mark.parametrize(
    ("value", "bounds", "pairs"),
    [
        (50.0, (0, 4, 1, 4), 2),
        (50.0, (1, 1, 2, 2), 1),
        (50.0, (2, 4, 4, 8), 3),
        (100.0, (0, 3, 1, 3), 3),
        (0.0, (-2, 0, 1, 3), 3),
        (0.0, (0, 0, -3, 1), 1),
        (33.3, (0, 9, 1, 9), 3),
        (33.33333333, (1, 1, 1, 3), 0),
        (100 / 3, (1, 1, 1, 3), 1),
        (33.4, (0, 9, 1, 9), 0),
        (150.0, (0, 3, 1, 2), 0),
    ],
)
def test_pairs_that_give_a_rate_are_counted_within_their_bounds(
    value: float, bounds: tuple[int, int, int, int], pairs: int
) -> None:
    assert rate_reconstruction._pairs_that_give(value, *bounds) == pairs


RULES = PublicRules.read(CRITERIA)


def amounts(
    connection: duckdb.DuckDBPyConnection, *parts: tuple[str, float, float | None, float | None]
) -> Any:
    """parts: (kind, value, numerator, denominator)."""
    connection.execute(
        "CREATE OR REPLACE TABLE printed_part "
        "(kind VARCHAR, value DOUBLE, numerator DOUBLE, denominator DOUBLE)"
    )
    connection.executemany("INSERT INTO printed_part VALUES (?, ?, ?, ?)", list(parts))
    found, figures = attack_amounts(connection, RULES)
    assert figures == {"amounts": sum(part[0] != "percent" for part in parts)}
    return {code: number for code, number in found.items() if number}


@pytest.mark.parametrize(
    ("part", "found"),
    [
        (("sum", 10.0, None, 20.0), {}),
        (("sum", 5.0, None, 20.0), {"SUM_NOT_ROUNDED": 1}),
        (("sum", 12.0, None, 20.0), {"SUM_NOT_ROUNDED": 1}),
        (("sum", 15.0, None, None), {"AMOUNT_OF_HIDDEN_COUNT": 1}),
        (("mean", 2.5, 50.0, 20.0), {}),
        (("mean", 2.6, 50.0, 20.0), {"MEAN_NOT_FROM_PUBLISHED_SUM": 1}),
        (("mean", 3.3, 100.0, 30.0), {}),
        (("mean", 3.4, 100.0, 30.0), {"MEAN_NOT_FROM_PUBLISHED_SUM": 1}),
        (("mean", 2.55, 51.0, 20.0), {"MEAN_NOT_FROM_PUBLISHED_SUM": 1}),
        (("mean", 2.5, None, 20.0), {"MEAN_NOT_FROM_PUBLISHED_SUM": 1}),
        (("mean", 2.5, 50.0, None), {"AMOUNT_OF_HIDDEN_COUNT": 1, "MEAN_NOT_FROM_PUBLISHED_SUM": 1}),
        (("mean", 2.5, 50.0, 0.0), {"MEAN_NOT_FROM_PUBLISHED_SUM": 1}),
        (("mean", 74 / 23, 75.0, 25.0), {"MEAN_NOT_FROM_PUBLISHED_SUM": 1, "MEAN_UNPICKED": 1}),
        (("percentile", 40.0, None, 20.0), {}),
        (("percentile", 45.0, None, 20.0), {}),
        (("percentile", 42.0, None, 20.0), {"PERCENTILE_NOT_BANDED": 1}),
        (("maximum", 90.0, None, 20.0), {"AMOUNT_OF_UNKNOWN_KIND": 1}),
        (("percent", 90.0, None, None), {}),
    ],
)
def test_an_amount_is_found_if_it_discloses_more_than_its_printed_parts(
    connection: duckdb.DuckDBPyConnection,
    part: tuple[str, float, float | None, float | None],
    found: dict[str, int],
) -> None:
    findings = amounts(connection, part)
    if "MEAN_UNPICKED" not in found and part[0] == "mean":
        findings.pop("MEAN_UNPICKED", None)
    assert findings == found


def test_values_that_change_within_an_epoch_are_found_and_across_epochs_are_counted(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    before = release({"households": 100, "ill": 20})
    same = release({"households": 100, "ill": 20}, "r2", "2026-04-01")
    moved = release({"households": 105, "ill": None}, "r2", "2026-04-01")
    later = release({"households": 105, "ill": None}, "r3", "2026-04-01", "2026-Q2")
    assert cross_release.attack(connection, [before]).not_run
    assert cross_release.attack(connection, [before, same]).findings == {}
    changed = cross_release.attack(connection, [before, moved])
    assert changed.findings == {"CHANGED_WITHIN_EPOCH": 2}
    across = cross_release.attack(connection, [before, same, later])
    assert (across.findings, across.figures) == ({}, {"pairs": 2, "changed_across_epochs": 2})


def test_only_builds_of_one_date_epoch_and_agreement_are_averaged(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    one, other = release({"households": 100, "ill": 20}), release({"households": 105, "ill": None}, "r2")
    found = averaging.attack(connection, [one, other])
    assert (found.findings, found.figures) == ({"NOISE_REDRAWN": 2}, {"pairs": 1})
    assert averaging.attack(connection, [one, release({"households": 100, "ill": 20})]).is_repelled
    for stranger in (
        release({"households": 105}, "r2", "2026-04-01"),
        release({"households": 105}, "r2", epoch="2026-Q1-correction-01"),
    ):
        assert averaging.attack(connection, [one, stranger]).not_run
    stranger = release({"households": 105}, "r2")
    stranger.criteria["agreement"] = "other"
    assert averaging.attack(connection, [one, stranger]).not_run


def moved(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    before: dict[str, float | None],
    after: dict[str, float | None],
    movers: int = 20,
    tenure: str = "rented",
    day: date = date(2026, 4, 1),
) -> AttackOutcome:
    """The mover attack on two releases of so many equal areas, in each of which one household moved in."""
    areas = [f"E{n:02d}" for n in range(movers)]

    def town(cells: dict[str, float | None], name: str, on: str) -> ReleaseFiles:
        parts = [release(cells, name, on, area_code=area).cell for area in areas]
        whole = release(cells, name, on)
        return ReleaseFiles(**{**whole.__dict__, "cell": pa.concat_tables(parts)})

    truth = {"lsoa21": areas, "moved_in": [day] * movers, "tenure": [tenure] * movers}
    pq.write_table(pa.table(truth), folder / "mover.parquet")
    two = [town(before, "r1", "2026-03-31"), town(after, "r2", "2026-04-01")]
    return mover.attack(connection, two, folder)


STILL = {"households/owned": 80.0, "households/rented": 20.0}


def test_a_mover_is_predicted_from_the_minority_category_that_grew(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    grown = STILL | {"households/rented": 25.0}
    found = moved(connection, tmp_path, STILL, grown)
    assert found.findings == {"MOVERS_PREDICTED": 20}
    assert found.figures == {"movers": 20, "predictions": 20, "precision": 1.0, "base_rate": 0.238}
    assert moved(connection, tmp_path, STILL, grown, tenure="owned").figures["precision"] == 0.0
    assert moved(connection, tmp_path, STILL, grown, tenure="owned").findings == {}


@pytest.mark.parametrize(
    ("before", "after", "predictions"),
    [
        (STILL, STILL, 0),
        (STILL, STILL | {"households/rented": 15.0}, 0),
        (STILL, {"households/owned": 75.0, "households/rented": 25.0}, 20),
        (STILL, {"households/owned": 74.0, "households/rented": 25.0}, 0),
        ({"households/owned": 80.0, "households/rented": None}, STILL, 20),
        (STILL | {"households/rented": 4.0}, STILL | {"households/rented": None}, 20),
        (
            STILL | {"households/owned": 15.0, "households/rented": 4.0},
            {"households/owned": 15.0, "households/rented": None},
            20,
        ),
        (
            STILL | {"households/owned": 14.0, "households/rented": 4.0},
            {"households/owned": 14.0, "households/rented": None},
            0,
        ),
        ({"households": 10.0}, {"households": 20.0}, 0),
        ({"ill/owned": 80.0, "ill/rented": 10.0}, {"ill/owned": 80.0, "ill/rented": 20.0}, 0),
    ],
)
def test_only_a_category_of_at_most_a_quarter_that_grew_is_predicted(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    before: dict[str, float | None],
    after: dict[str, float | None],
    predictions: int,
) -> None:
    assert moved(connection, tmp_path, before, after).figures["predictions"] == predictions


@pytest.mark.parametrize(
    ("movers", "found"), [(19, {}), (20, {"MOVERS_PREDICTED": 20}), (21, {"MOVERS_PREDICTED": 21})]
)
def test_fewer_than_twenty_predictions_prove_nothing(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, movers: int, found: dict[str, int]
) -> None:
    grown = STILL | {"households/rented": 25.0}
    assert moved(connection, tmp_path, STILL, grown, movers).findings == found


@pytest.mark.parametrize(
    ("day", "movers"),
    [(date(2026, 3, 31), 0), (date(2026, 4, 1), 20), (date(2026, 4, 2), 0)],
)
def test_a_mover_came_after_the_first_release_and_by_the_second(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, day: date, movers: int
) -> None:
    grown = STILL | {"households/rented": 25.0}
    assert moved(connection, tmp_path, STILL, grown, day=day).figures["movers"] == movers


def test_the_mover_attack_needs_truth_and_two_releases(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    one = release(STILL)
    assert mover.attack(connection, [one, one], None).not_run
    assert mover.attack(connection, [one, one], tmp_path).not_run
    pq.write_table(pa.table({"lsoa21": ["E01"], "moved_in": [date(2026, 4, 1)]}), tmp_path / "mover.parquet")
    assert mover.attack(connection, [one], tmp_path).not_run


def test_an_outcome_keeps_what_occurred_and_is_repelled_where_nothing_did() -> None:
    assert AttackOutcome.of(1, "a", {"X": 0, "Y": 2}, {}).findings == {"Y": 2}
    assert AttackOutcome.of(1, "a", {"X": 0}, {}).is_repelled
    assert not AttackOutcome.of(1, "a", {"X": 1}, {}).is_repelled
    assert not AttackOutcome(1, "a", not_run="why").is_repelled


def test_outcomes_of_several_releases_add_up_and_intervals_keep_the_narrowest() -> None:
    parts = [
        AttackOutcome.of(2, "a", {"X": 1}, {"counts": 3, "narrow": 2.5, "odd": None, "is_zero": True}),
        AttackOutcome.of(2, "a", {"X": 2, "Y": 1}, {"counts": 4, "narrow": 1.5, "odd": 0.5}),
        AttackOutcome.of(2, "a", {}, {"counts": 0, "narrow": None}),
    ]
    whole = _together(parts)
    assert dict(whole.findings) == {"X": 3, "Y": 1}
    assert whole.figures == {"counts": 7, "narrow": 1.5, "odd": 0.5, "is_zero": True}


def test_the_successes_of_a_report_are_those_of_attacks_and_of_neighbours() -> None:
    neighbour = IntruderRecord("r", date(2026, 4, 1), 9, 2, 3, 0.5)
    report = AttackReport(
        {"r": "0"},
        (
            AttackOutcome.of(1, "a", {"X": 4}, {}),
            AttackOutcome.of(2, "b", {}, {}),
            AttackOutcome(3, "c", not_run="x"),
        ),
        (neighbour,),
    )
    assert report.successes == 9
    assert [a["verdict"] for a in report.record()["attacks"]] == ["succeeded", "repelled", "not run"]


def test_a_value_of_a_measure_that_the_release_does_not_declare_is_attacked_all_the_same(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    load_cells(connection, release({"households": 100, "ill_percent": 20.0, "undeclared": 7}), "released")
    load_system_tables(connection, "released")
    kinds = dict(connection.execute("SELECT measure, kind FROM released").fetchall())
    shown = {row[0] for row in connection.execute("SELECT measure FROM shown").fetchall()}
    assert kinds == {"households": "count", "ill_percent": "percent", "undeclared": None}
    assert shown == {"households", "undeclared"}


@pytest.mark.parametrize(
    ("value", "count", "pairs"),
    [
        (74 / 23, 25.0, 1), (47 / 21, 26.0, 1), (47 / 21, 27.0, 0), (100 / 31, 26.0, 1), (100 / 31, 25.0, 0),
        (37 / 16, 25.0, 0),
    ],
)  # fmt: skip
def test_the_sums_that_give_a_mean_are_sought_within_the_error_of_its_count(
    value: float, count: float, pairs: int
) -> None:
    """An error of 5 either way: 26 can be 21 to 31."""
    assert _pairs_that_give(value, count, RULES) == pairs


def test_a_group_is_one_of_its_own_area(connection: duckdb.DuckDBPyConnection) -> None:
    here = release({"households": 100, "ill": 20})
    there = release({"households": 50, "ill": None}, area_code="E02")
    both = ReleaseFiles(**{**here.__dict__, "cell": pa.concat_tables([here.cell, there.cell])})
    found = intrude(connection, both, date(2026, 4, 1))
    assert (found.groups, found.largest_share) == (2, 0.2)
