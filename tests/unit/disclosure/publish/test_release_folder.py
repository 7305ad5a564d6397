"""A release is written whole, described, verified, and never changed."""

from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from governance.errors import Refused

REVEALED = {
    "README.md",
    "area.parquet",
    "basis.parquet",
    "catalogue.parquet",
    "data_dictionary.md",
    "data_dictionary.parquet",
    "disclosure_criteria.json",
    "health.parquet",
    "linkage_quality.html",
    "linkage_quality.json",
    "health_by_epc.parquet",
    "health_by_tenure.parquet",
    "manifest.json",
    "measure.parquet",
    "release.note",
    "resident_health.parquet",
    "views.sql",
}


def test_a_release_appears_under_its_id_with_every_file_it_promises(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    release = bench.publish_run(make_town(10))

    assert release.parent.name == "releases"
    assert release.name.startswith("2026-03-31-")
    assert {p.name for p in release.iterdir()} == REVEALED
    assert [p.name for p in release.parent.iterdir()] == [release.name]


def test_published_columns_are_exactly_those_of_the_specification(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    release = bench.publish_run(make_town(10))

    schema = pq.read_schema(release / "health_by_tenure.parquet")
    assert schema.names == [
        "release_id",
        "epoch",
        "reference_date",
        "table_id",
        "specification_version",
        "unit",
        "area_level",
        "area_code",
        "area_vintage",
        "tenure",
        "measure",
        "value",
        "shorthand",
        "rounding_base",
        "method",
        "lower",
        "upper",
        "linkage_lower",
        "linkage_upper",
        "coverage",
        "effective_n",
        "protection_margin",
        "reliability",
    ]
    assert all(schema.field(name).metadata[b"description"] for name in schema.names)


def test_a_staged_release_is_invisible_until_it_is_revealed(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    artefact, evidence = bench.stage(make_town(10))

    assert artefact.folder.name.startswith(".staged-")
    assert evidence.facts["undeclared_columns"] == []
    assert evidence.facts["undeclared_metadata_keys"] == []
    assert evidence.facts["undeclared_files"] == []
    assert evidence.facts["statistics_beyond_data"] == 0
    assert evidence.facts["values_changed_within_epoch"] == 0


def test_a_rerun_finds_the_same_release_again(bench: Any, make_town: Callable[..., Any]) -> None:
    town = make_town(10)
    first = bench.publish_run(town)
    before = {p.name: p.read_bytes() for p in first.iterdir()}

    assert bench.publish_run(town) == first
    assert {p.name: p.read_bytes() for p in first.iterdir()} == before


def test_a_release_that_was_edited_stops_the_next_run(bench: Any, make_town: Callable[..., Any]) -> None:
    town = make_town(10)
    release = bench.publish_run(town)
    (release / "README.md").write_text("other")

    with pytest.raises(Refused, match="RELEASE_CHANGED"):
        bench.publish_run(town)


def test_the_views_answer_a_question_from_within_the_release(
    bench: Any, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    release = bench.publish_run(make_town(10))
    monkeypatch.chdir(release)

    with duckdb.connect() as connection:
        connection.execute((release / "views.sql").read_text())
        note = (release / "README.md").read_text()
        rows = connection.execute(note.split("```sql")[1].split("```")[0]).fetchall()
        titles = connection.execute("SELECT COUNT(*) FROM catalogue WHERE title <> ''").fetchall()

    assert len(rows) > 0
    assert titles == [(4,)]


def test_a_second_run_of_an_epoch_repeats_the_values_although_households_moved(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    first = bench.publish_run(make_town(10, seed=1))
    second = bench.publish_run(make_town(10, seed=2))

    assert first != second
    for name in ("health.parquet", "health_by_tenure.parquet", "resident_health.parquet"):
        values = [pq.read_table(r / name).drop_columns(["release_id"]).to_pylist() for r in (first, second)]
        assert values[0] == values[1]
