"""Clerical review: a fair sample goes out without any identifier, and decisions come back as evidence."""

import csv
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from governance.errors import Fault
from pipeline.link.interval import Proportion
from pipeline.link.review import COLUMNS, band_name, cohens_kappa, export_review, import_review


@pytest.fixture
def decisions() -> Iterator[duckdb.DuckDBPyConnection]:
    """A thousand decisions, match weights from -10 to 10."""
    with duckdb.connect() as connection:
        connection.execute(
            """
            CREATE TABLE decision AS
            SELECT
                'secretgroup' || n AS address_group,
                'secretdwelling' || n AS dwelling_record_pseudonym,
                -10 + n / 50.0 AS match_weight,
                'uprn' AS match_key,
                'uprn_and_address' AS place,
                CASE WHEN n % 3 = 0 THEN NULL ELSE 'surname' END AS people
            FROM range(1000) AS numbers(n)
            """
        )
        yield connection


def written(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_band_sends_the_same_number_of_cases(
    decisions: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    assert export_review(decisions, "decision", tmp_path, cases_per_band=7) == 8 * 7
    rows = written(tmp_path / "review.csv")
    assert {band_name(n): 7 for n in range(8)} == {
        band: sum(row["band"] == band for row in rows) for band in {row["band"] for row in rows}
    }


def test_a_reviewer_sees_levels_and_never_a_pseudonym(
    decisions: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    export_review(decisions, "decision", tmp_path)
    page = (tmp_path / "review.html").read_text("utf-8")
    table = (tmp_path / "review.csv").read_text("utf-8")
    assert "surname agrees" in page
    assert "same UPRN, same dwelling by address" in table
    for text in (page, table):
        assert "secret" not in text


def test_the_page_needs_no_network(decisions: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    export_review(decisions, "decision", tmp_path)
    page = (tmp_path / "review.html").read_text("utf-8")
    assert "http:" not in page
    assert "https:" not in page
    assert "default-src 'none'" in page
    assert "__" not in page


def test_one_run_gives_one_sample(decisions: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        export_review(decisions, "decision", tmp_path / name)
    assert (tmp_path / "a/review.csv").read_bytes() == (tmp_path / "b/review.csv").read_bytes()


def decided(path: Path, reviewer: str, **same_of_ten: int) -> Path:
    """A finished review: ten cases a band, so many of them the same household."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        for n in range(8):
            band = band_name(n)
            for case in range(10):
                same = case < same_of_ten.get(f"band_{n}", 10)
                writer.writerow(
                    {
                        **dict.fromkeys(COLUMNS, ""),
                        "case": f"{n}-{case}",
                        "band": band,
                        "decision": "same" if same else "different",
                        "reviewer": reviewer,
                    }
                )
    return path


def test_thresholds_follow_from_the_bands(tmp_path: Path) -> None:
    path = decided(tmp_path / "a.csv", "a", band_0=0, band_1=0, band_2=1, band_3=4, band_4=8)
    review = import_review([path])
    assert review.bands[3].precision == Proportion(4, 10)
    assert (review.proposed_upper, review.proposed_lower) == (0.0, -2.0)
    assert (review.cases, review.reviewers, review.kappa) == (80, 1, None)


def test_two_reviewers_are_compared_beyond_chance(tmp_path: Path) -> None:
    first = decided(tmp_path / "a.csv", "a", band_0=0, band_1=0)
    second = decided(tmp_path / "b.csv", "b", band_0=0, band_1=5)
    review = import_review([first, second])
    assert review.reviewers == 2
    # 75 of 80 agree; "same" is said 60 and 65 times, so (60 * 65 + 20 * 15) / 80**2 agree by chance.
    assert review.kappa == pytest.approx((0.9375 - 0.65625) / (1 - 0.65625))


def test_kappa_gives_the_textbook_value() -> None:
    """Cohen's example as given by Fleiss (Statistical Methods, ch. 18): 20, 5, 10, 15 of 50 give .4."""
    rows = []
    counts = {("same", "same"): 20, ("same", "different"): 5, ("different", "same"): 10}
    counts["different", "different"] = 15
    for (one, other), count in counts.items():
        for _ in range(count):
            case = str(len(rows))
            rows += [
                {"case": case, "reviewer": "a", "decision": one},
                {"case": case, "reviewer": "b", "decision": other},
            ]
    assert cohens_kappa(rows) == pytest.approx(0.4)


def test_every_fault_of_a_review_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(
        ",".join(COLUMNS) + "\n1,0 to 2,1,uprn,,,maybe,a,\n2,0 to 2,1,uprn,,,same,,\n3,nowhere,1,uprn,,,,,\n"
    )
    with pytest.raises(Fault) as caught:
        import_review([path])
    assert [finding.code for finding in caught.value.findings] == [
        "REVIEW_DECISION", "REVIEW_REVIEWER", "REVIEW_BAND",
    ]  # fmt: skip


def test_another_file_is_no_review(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(Fault) as caught:
        import_review([tmp_path / "x.csv"])
    assert caught.value.findings[0].code == "REVIEW_COLUMNS"
