"""Means and percentiles of a release: what is printed, hidden and repeated, and what attackers make of it."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from governance.agreement.terms import DisclosureTerms
from governance.errors import Fault, Refused
from pipeline.disclosure.attack.run import run_attacks
from pipeline.disclosure.rules.printed_magnitude import protect_magnitudes
from pipeline.engine.cell_id import define_cell_ids
from tests.unit.disclosure.conftest import AMOUNT_TABLES, SECRET
from tests.unit.disclosure.test_attack import edit_table, found, with_values

MEAN, SUM = "long_term_conditions_of_older_residents", "long_term_conditions_of_older_residents_sum"
#: Two conditions a person; no household adds more than `{largest}`; three bands of age.
AMOUNTS = """
INSERT INTO magnitude_cell BY NAME
SELECT table_id, 'long_term_conditions_of_older_residents' AS measure, area_level, area_code, category_1,
    category_2, denominator_persons AS units, denominator_households AS contributors,
    {each} * denominator_persons AS total, {largest} AS largest, 2 AS second_largest,
    denominator_person_key AS cell_key
FROM cell
WHERE table_id = 'older_resident_conditions';
INSERT INTO magnitude_cell BY NAME
SELECT table_id, 'median_age' AS measure, area_level, area_code, category_1, category_2, band,
    denominator_persons // 3 AS units, denominator_households AS contributors,
    CASE band WHEN 30 THEN 0 WHEN 40 THEN {below} ELSE 90 END AS contributors_below,
    CASE band WHEN 50 THEN 0 ELSE 80 END AS contributors_above, denominator_person_key AS cell_key
FROM cell CROSS JOIN (VALUES (30), (40), (50)) AS bands (band)
WHERE table_id = 'resident_age'
"""


def amounts(each: int = 2, largest: str = "6", below: int = 70) -> str:
    return AMOUNTS.format(each=each, largest=largest, below=below)


@pytest.fixture
def release(bench: Any, make_town: Callable[..., Any]) -> Path:
    bench.amounts = amounts()
    folder: Path = bench.publish_run(make_town(4), AMOUNT_TABLES)
    return folder


def rows_of(release: Path, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(release / f"{table}.parquet").to_pylist()
    return found


def by_measure(release: Path, table: str) -> dict[str, dict[str, Any]]:
    measures: dict[str, dict[str, Any]] = {}
    for row in rows_of(release, table):
        measures.setdefault(row["measure"], {})[row["area_code"]] = row
    return measures


def test_a_mean_is_the_printed_sum_over_the_printed_count(bench: Any, make_town: Callable[..., Any]) -> None:
    # Noise wide enough that five sums without any come up once in some ten thousand runs.
    bench.amounts = amounts(largest="20")
    printed = by_measure(bench.publish_run(make_town(4), AMOUNT_TABLES), "older_resident_conditions")
    assert set(printed) == {MEAN, SUM, "older_residents"}
    for area, row in printed[MEAN].items():
        total, count = printed[SUM][area], printed["older_residents"][area]
        assert total["value"] % 5 == 0
        assert row["value"] == round(total["value"] / count["value"], 1)
    exact = {
        row["value"] == 2 * printed["older_residents"][area]["value"] for area, row in printed[SUM].items()
    }
    assert exact != {True}


def test_a_median_is_the_lower_end_of_a_band_and_says_its_width(release: Path) -> None:
    printed = by_measure(release, "resident_age")["median_age"].values()
    assert {row["value"] for row in printed} == {40.0}
    assert {row["rounding_base"] for row in printed} == {10}


def test_the_release_describes_its_amounts_and_has_no_extreme(release: Path) -> None:
    told = {row["measure"]: row for row in pq.read_table(release / "measure.parquet").to_pylist()}
    assert told[MEAN]["kind"] == "mean"
    assert (told[MEAN]["numerator_measure"], told[MEAN]["denominator_measure"]) == (SUM, "older_residents")
    assert told["median_age"]["kind"] == "percentile"
    assert {row["kind"] for row in told.values()} == {"count", "sum", "mean", "percentile"}
    assert f"| `{MEAN}` |" in (release / "data_dictionary.md").read_text()
    catalogue = {row["table_id"]: row for row in pq.read_table(release / "catalogue.parquet").to_pylist()}
    assert "means and percentiles" in catalogue["resident_age"]["description"]
    assert "### Means and medians" in (release / "README.md").read_text()


def test_a_release_with_amounts_repels_every_attack_and_counts_them(release: Path) -> None:
    report = run_attacks([release])
    assert found(report) == {}
    (rate_reconstruction,) = (o for o in report.outcomes if o.number == 6)
    assert rate_reconstruction.figures["amounts"] == 3 * (4 + 1 + 1)


@pytest.mark.parametrize("largest", ["denominator_persons * 2", "denominator_persons * 2 - 3"])
def test_a_mean_that_one_household_makes_is_hidden_with_its_sum_and_the_count_is_not(
    bench: Any, make_town: Callable[..., Any], largest: str
) -> None:
    spared = f"CASE area_code WHEN 'E01000000' THEN {largest} ELSE 6 END"
    bench.amounts = amounts(largest=spared)
    printed = by_measure(bench.publish_run(make_town(8), AMOUNT_TABLES), "older_resident_conditions")
    for measure in (MEAN, SUM):
        assert printed[measure]["E01000000"]["shorthand"] == "[c]"
        assert printed[measure]["E01000000"]["value"] is None
        assert printed[measure]["E01000001"]["shorthand"] is None
    assert printed["older_residents"]["E01000000"]["value"] is not None


def test_an_amount_hidden_in_most_areas_is_not_produced_there(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    bench.amounts = amounts(below=9)
    printed = by_measure(bench.publish_run(make_town(4), AMOUNT_TABLES), "resident_age")
    assert {row["shorthand"] for row in printed["median_age"].values()} == {"[x]"}


def test_a_sum_of_next_to_nothing_is_hidden(bench: Any, make_town: Callable[..., Any]) -> None:
    bench.amounts = amounts(each=0, largest="0")
    printed = by_measure(bench.publish_run(make_town(4), AMOUNT_TABLES), "older_resident_conditions")
    assert {row["value"] for row in printed[MEAN].values()} == {None}


def test_a_release_of_exact_counts_has_no_means(bench: Any, make_town: Callable[..., Any]) -> None:
    bench.terms = DisclosureTerms(profile="exact-count")
    bench.amounts = amounts()
    release = bench.publish_run(make_town(4), AMOUNT_TABLES)
    printed = {**by_measure(release, "older_resident_conditions"), **by_measure(release, "resident_age")}
    for measure in (MEAN, SUM, "median_age"):
        assert {row["shorthand"] for row in printed[measure].values()} == {"[x]"}


def test_amounts_stay_as_they_are_until_the_epoch_ends(bench: Any, make_town: Callable[..., Any]) -> None:
    bench.amounts = amounts()
    first = bench.publish_run(make_town(4), AMOUNT_TABLES)
    bench.amounts = amounts(each=3)
    second = bench.publish_run(make_town(4), AMOUNT_TABLES)
    assert first != second
    for table in ("older_resident_conditions", "resident_age"):
        kept = [[{**r, "release_id": ""} for r in rows_of(folder, table)] for folder in (first, second)]
        assert kept[0] == kept[1]
    bench.reference_date = date(2026, 4, 1)
    third = bench.publish_run(make_town(4, seed=2), AMOUNT_TABLES)
    assert (
        by_measure(third, "older_resident_conditions")[SUM]
        != by_measure(second, "older_resident_conditions")[SUM]
    )


def test_a_count_without_its_amounts_is_a_fault(bench: Any, make_town: Callable[..., Any]) -> None:
    with pytest.raises(Fault, match="MAGNITUDE_MISSING"):
        bench.publish_run(make_town(4), AMOUNT_TABLES)


def test_broken_build_that_prints_the_exact_mean_is_caught(release: Path) -> None:
    edit_table(
        release,
        "older_resident_conditions.parquet",
        lambda t: with_values(
            t, lambda _, row: (2.0037037 if row["measure"] == MEAN else row["value"], row["shorthand"])
        ),
    )
    caught = found(run_attacks([release]))[6]
    assert caught["MEAN_NOT_FROM_PUBLISHED_SUM"] == 6


def test_broken_build_whose_mean_has_one_pair_of_numbers_is_reconstructed(release: Path) -> None:
    counts = {
        row["area_code"]: row["value"]
        for row in rows_of(release, "older_resident_conditions")
        if row["measure"] == "older_residents"
    }

    def change(_: int, row: dict[str, Any]) -> Any:
        n = counts[row["area_code"]] + 1
        return ((2 * n + 1) / n if row["measure"] == MEAN else row["value"], row["shorthand"])

    edit_table(release, "older_resident_conditions.parquet", lambda t: with_values(t, change))
    assert found(run_attacks([release]))[6]["MEAN_UNPICKED"] > 0


@pytest.mark.parametrize(
    ("table", "measure", "change", "code"),
    [
        ("older_resident_conditions", SUM, 1.0, "SUM_NOT_ROUNDED"),
        ("resident_age", "median_age", 1.0, "PERCENTILE_NOT_BANDED"),
        ("older_resident_conditions", "older_residents", None, "AMOUNT_OF_HIDDEN_COUNT"),
    ],
)
def test_broken_builds_of_amounts_are_caught(
    release: Path, table: str, measure: str, change: float | None, code: str
) -> None:
    def broken(_: int, row: dict[str, Any]) -> Any:
        if row["measure"] != measure:
            return row["value"], row["shorthand"]
        return (None, "[c]") if change is None else (row["value"] + change, None)

    edit_table(release, f"{table}.parquet", lambda t: with_values(t, broken))
    assert found(run_attacks([release]))[6][code] > 0


def test_a_build_whose_sums_are_not_rounded_is_refused_before_it_appears(
    bench: Any, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.amounts = amounts()
    monkeypatch.setattr(
        "pipeline.disclosure.rules.printed_magnitude.printed_sum", lambda c, noise, base: int(c.total) * 2 + 1
    )
    with pytest.raises(Refused, match="ATTACK_SUCCEEDED"):
        bench.publish_run(make_town(4), AMOUNT_TABLES)


def test_a_mean_finds_its_count_where_the_table_names_its_dimensions_in_another_order(
    engine: duckdb.DuckDBPyConnection, make_profile: Callable[..., Any]
) -> None:
    """The register may say tenure before EPC; printed cells have their dimensions in alphabetical order."""
    engine.execute(
        """
        CREATE TABLE cell AS
        SELECT 'older_resident_conditions_by_tenure' AS table_id, 'resident' AS unit,
            'tenure' AS dimension_1, 'epc' AS dimension_2;
        CREATE TABLE magnitude_cell AS
        SELECT 'older_resident_conditions_by_tenure' AS table_id,
            'long_term_conditions_of_older_residents' AS measure, 'LAD' AS area_level, 'E08' AS area_code,
            'owned' AS category_1, 'D' AS category_2, NULL::BIGINT AS band, 50 AS units, 40 AS contributors,
            100 AS total, 4 AS largest, 4 AS second_largest, 7 AS cell_key;
        CREATE TABLE protected_cell AS
        SELECT 'older_resident_conditions_by_tenure' AS table_id, 'resident' AS unit, 'LAD' AS area_level,
            'E08' AS area_code, 'epc' AS dimension_1, 'D' AS category_1, 'tenure' AS dimension_2,
            'owned' AS category_2, 'older_residents' AS measure, 50::DOUBLE AS value,
            NULL::VARCHAR AS shorthand, 5::BIGINT AS rounding_base, 'cell-key' AS method, '2026-Q1' AS epoch;
        CREATE TABLE published_measure (measure VARCHAR, unit VARCHAR, kind VARCHAR,
            numerator_measure VARCHAR, denominator_measure VARCHAR);
        """
    )
    define_cell_ids(engine)

    facts = protect_magnitudes(engine, make_profile(), SECRET, "2026-Q1")

    assert facts == {"magnitudes": 1, "magnitudes_hidden": 0}
