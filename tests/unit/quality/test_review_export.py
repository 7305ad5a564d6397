"""Clerical review, outwards: a fair sample without any identifier, on a page that needs nothing else."""

import csv
import re
from collections import Counter
from pathlib import Path

import duckdb

from pipeline.quality.review.export import COLUMNS, export_review
from pipeline.quality.review.sample import CASES_PER_STRATUM


def written(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_band_and_group_sends_the_same_number_of_cases(
    sample: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    assert export_review(sample, "r1", tmp_path, cases_per_stratum=7) == 8 * 2 * 7
    rows = written(tmp_path / "review.csv")
    drawn = dict(sample.execute("SELECT review_case, band FROM review_case").fetchall())
    assert Counter(drawn[row["case"]] for row in rows) == dict.fromkeys(range(8), 14)
    assert tuple(rows[0]) == COLUMNS


def test_a_stratum_knows_how_many_pairs_its_cases_stand_for(sample: duckdb.DuckDBPyConnection) -> None:
    cases, pairs = sample.execute(
        """
        SELECT SUM(cases), SUM(pairs)
        FROM (
            SELECT COUNT(*) AS cases, ANY_VALUE(stratum_pairs) AS pairs
            FROM review_case
            GROUP BY band, stratum_group
        )
        """
    ).fetchall()[0]
    assert pairs == 1000
    assert cases < 1000
    (most,) = sample.execute("SELECT MAX(drawn_as) FROM review_case").fetchall()[0]
    assert most == CASES_PER_STRATUM


def test_a_reviewer_sees_levels_and_neither_pseudonym_nor_group(
    sample: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    export_review(sample, "r1", tmp_path, 5)
    page = (tmp_path / "review.html").read_text("utf-8")
    table = (tmp_path / "review.csv").read_text("utf-8")
    assert "surname agrees" in page
    assert "same UPRN, same dwelling by address" in table
    for text in (page, table):
        assert "secret" not in text
        assert "asian" not in text


def test_the_page_does_not_show_what_the_model_thinks(
    sample: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    export_review(sample, "r1", tmp_path, 5)
    page = (tmp_path / "review.html").read_text("utf-8")
    table = (tmp_path / "review.csv").read_text("utf-8")
    assert "match_weight" not in page + table
    assert "band" not in table
    assert not re.search(r'"band"', page)


def test_the_page_needs_no_network_and_runs_one_script_that_its_policy_names(
    sample: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    export_review(sample, "r1", tmp_path, 5)
    page = (tmp_path / "review.html").read_text("utf-8")
    assert "http:" not in page
    assert "https:" not in page
    assert "default-src 'none'" in page
    assert "script-src 'sha256-" in page
    assert "__" not in page
    assert page.count("<script") == 2


def test_what_is_written_is_for_its_owner_alone(sample: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    export_review(sample, "r1", tmp_path, 5)
    assert {p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == {0o600}


def test_one_run_gives_one_sample(sample: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        export_review(sample, "r1", tmp_path / name, 5)
    assert (tmp_path / "a/review.csv").read_bytes() == (tmp_path / "b/review.csv").read_bytes()
