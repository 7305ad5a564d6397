"""The quality report: gaps are named, small groups are not, and what nobody can know is said aloud."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.link.model import default_model
from pipeline.quality.page import render_page
from pipeline.quality.precision_interval import interval
from pipeline.quality.protection import Terms
from pipeline.quality.report import Row, merge_small_categories, report_content
from pipeline.quality.writing import FILES, PAGE, REPORT, inspect_report, repeat_report, write_report

TERMS = Terms(minimum_cell_count=10, rounding_base=5)
Counted = tuple[str, str, str, int, int]

WHOLE: list[Counted] = [
    ("nhs_record", "all", "all", 1835, 1700),
    ("nhs_record", "sex", "1", 900, 813),
    ("nhs_record", "sex", "2", 935, 887),
    ("nhs_record", "compared", "people", 900, 890),
    ("nhs_record", "compared", "place", 900, 900),
    ("nhs_record", "supplied", "UPRN", 1835, 1700),
    ("nhs_record", "reason", "linked", 1700, 1700),
    ("nhs_record", "reason", "no_candidate", 90, 0),
    ("nhs_record", "reason", "split_off", 45, 0),
    ("dwelling", "all", "all", 800, 760),
]
Make = Callable[..., duckdb.DuckDBPyConnection]


@pytest.fixture
def counted() -> Make:
    """Make the exact counts of a run; right: of each hundred links, how many the truth confirms."""

    def make(rows: list[Counted] = WHOLE, right: int | None = None) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        connection.execute(
            """
            CREATE TABLE quality_count (unit VARCHAR, attribute VARCHAR, category VARCHAR, units BIGINT,
                linked BIGINT, links BIGINT, probability DOUBLE, variance DOUBLE, missed_probability DOUBLE,
                missed_variance DOUBLE, right_links BIGINT, true_pairs BIGINT)
            """
        )
        for unit, attribute, category, units, linked in rows:
            true = 0 if right is None else linked * right // 100
            connection.execute(
                "INSERT INTO quality_count VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    *(unit, attribute, category, units, linked, linked, 0.98 * linked, 0.0196 * linked),
                    *(20.0, 10.0, true, 0 if right is None else true + 60),
                ],
            )
        for category, probability in (("household", 0.99), ("residence", 0.97)):
            connection.execute(
                "INSERT INTO quality_count VALUES ('nhs_record', 'current', ?, 1000, 1000, 1000, ?, "
                "0, 0, 0, 0, 0)",
                [category, 1000 * probability],
            )
        connection.execute(
            "CREATE TABLE match_weight AS SELECT * FROM (VALUES (-3, 40, 0, 4.0), (0, 5, 5, 3.0), "
            "(1, 25, 25, 20.0), (8, 830, 830, 829.0)) AS w(match_weight, candidates, linked, probability)"
        )
        return connection

    return make


def report(connection: duckdb.DuckDBPyConnection) -> Any:
    content = report_content(connection, default_model(), TERMS, "2026-03-31", "2026-Q1")
    return json.loads(json.dumps(content))


def group(content: Any, category: str) -> Any:
    return next(g for g in content["groups"] if g["category"] == category)


def test_rates_are_made_of_rounded_counts(counted: Make) -> None:
    content = report(counted())
    assert content["match_rate"]["nhs_record"]["linked"] == 1700
    assert content["match_rate"]["nhs_record"]["not_linked"] == 135
    first = group(content, "1")["match_rate"]
    assert (first["linked"], first["not_linked"]) == (815, 85)
    assert first["value"] == round(815 / 900, 4)
    assert first["low"] < first["value"] < first["high"]


def test_precision_and_recall_are_estimated_with_intervals(counted: Make) -> None:
    estimated = report(counted())["estimated"]
    assert estimated["household_precision"]["value"] == 0.99
    assert estimated["residence_precision"]["value"] == 0.97
    low, high = interval(0.97, "residence")
    assert estimated["residence_precision"]["low"] == round(low, 3)
    assert estimated["residence_precision"]["high"] == round(high, 3)
    assert estimated["recall"]["value"] == round(1666 / 1686, 3)
    for figure in estimated.values():
        assert figure["low"] < figure["value"] < figure["high"]


@pytest.mark.parametrize(("missed", "flagged"), [(40, 0), (10, 1), (140, 1)])
def test_a_gap_of_more_than_two_points_is_flagged_either_way(
    counted: Make, missed: int, flagged: int
) -> None:
    """All: 4.0% are not linked."""
    rows = [
        ("nhs_record", "all", "all", 2000, 1920),
        ("nhs_record", "sex", "1", 1000, 1000 - missed),
        *[row for row in WHOLE if row[1] in ("compared", "reason") or row[0] == "dwelling"],
    ]
    content = report(counted(rows))
    flags = [flag for flag in content["flags"] if flag["figure"] == "match_rate"]
    assert len(flags) == flagged
    page = render_page(content)
    assert ("Sex (Male): match rate" in page) == bool(flagged)


@pytest.mark.parametrize(("linked", "missed", "shown"), [(10, 10, True), (9, 10, False), (10, 9, False)])
def test_a_group_of_few_is_withheld(counted: Make, linked: int, missed: int, shown: bool) -> None:
    rows = [*WHOLE, ("nhs_record", "sex", "9", linked + missed, linked)]
    content = report(counted(rows))
    assert (group(content, "9")["match_rate"] is not None) == shown
    assert shown == ("[c]" not in _cells_after(render_page(content), "Indeterminate"))


def _cells_after(page: str, heading: str) -> str:
    """The row of a table that begins with a heading."""
    found = re.search(rf'<tr><th scope="row">{heading}[^<]*</th>(.*?)</tr>', page, re.DOTALL)
    return found.group(1) if found else "[c]"


def test_measured_figures_stand_beside_the_estimates_where_the_truth_is_known(counted: Make) -> None:
    assert report(counted())["measured"] is None
    content = report(counted(right=95))
    measured = content["measured"]["records"]
    assert (measured["right"], measured["wrong"], measured["missed"]) == (1615, 85, 60)
    assert measured["precision"]["value"] == 0.95
    assert group(content, "2")["measured"]["recall"]["value"] == pytest.approx(840 / 900, abs=1e-4)


def test_a_page_leads_with_the_measured_precision_and_else_with_what_is_expected_at_least(
    counted: Make,
) -> None:
    content = report(counted())
    assert content["precision_at_least"] == content["estimated"]["residence_precision"]["low"]
    page = render_page(content)
    assert f"<strong>{content['precision_at_least']:.1%}</strong> expected precision, at least" in page
    assert "measured precision of linked NHS records" not in page
    assert "estimated precision of households" in page
    assert "estimated precision of residence" in page

    page = render_page(report(counted(right=95)))
    assert "<strong>95.0%</strong> measured precision of linked NHS records" in page
    assert "expected precision, at least" not in page


def test_every_reason_is_counted_and_explained(counted: Make) -> None:
    reasons = {row["reason"]: row for row in report(counted())["reasons"]["nhs_record"]}
    assert {name: row["count"] for name, row in reasons.items()} == {
        "linked": 1700,
        "no_candidate": 90,
        "split_off": 45,
    }
    assert all(row["meaning"] != name for name, row in reasons.items())


def test_without_names_the_report_says_what_cannot_be_known_and_estimates_nothing(counted: Make) -> None:
    rows = [row for row in WHOLE if row[2] != "people"] + [("nhs_record", "compared", "people", 900, 0)]
    content = report(counted(rows))
    assert content["estimated"] == {"household_precision": None, "residence_precision": None, "recall": None}
    assert content["thresholds"] == []
    assert all(g["estimated_precision"] is None for g in content["groups"])
    assert any("stale" in said for said in content["unknowable"])
    assert content["precision_at_least"] is None
    assert "unknown</strong> estimated precision of residence" in render_page(content)


def test_attributes_that_nobody_has_are_said_to_be_missing(counted: Make) -> None:
    rows = [*WHOLE, ("nhs_record", "practice", "not known", 1835, 1700)]
    content = report(counted(rows))
    assert not [g for g in content["groups"] if g["attribute"] == "practice"]
    assert any("practice" in said for said in content["unknowable"])


def test_small_bars_and_thresholds_are_withheld(counted: Make) -> None:
    content = report(counted())
    assert [bar["count"] for bar in content["match_weights"]] == [40, 30, 830]
    assert [point["match_weight"] for point in content["thresholds"]] == [-2, 0, 2, 4, 6, 8]


class _Page(HTMLParser):
    """Collects the names of elements, and addresses that a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.fetched += [
            value or ""
            for name, value in attrs
            if name in ("src", "href") and not (value or "").startswith("#")
        ]


def test_the_page_is_self_contained_and_draws_every_chart(counted: Make) -> None:
    page = render_page(report(counted(right=95)))
    parsed = _Page()
    parsed.feed(page)
    assert "script" not in parsed.tags
    assert parsed.fetched == []
    assert page.count("<svg ") == 5
    for step in (
        "Step 1: the data provided",
        "Step 2: the linkage",
        "Step 3: what it means",
        "Step 4: reporting",
    ):
        assert step in page


def test_equal_figures_make_equal_bytes(counted: Make, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_report(counted(), default_model(), TERMS, "2026-03-31", "2026-Q1", tmp_path / name)
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_repeated_report_is_byte_for_byte_the_earlier_one(counted: Make, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    write_report(counted(), default_model(), TERMS, "2026-03-31", "2026-Q1", tmp_path / "a")
    assert repeat_report(tmp_path / "a", tmp_path / "b")
    assert inspect_report(tmp_path / "b", TERMS, tmp_path / "a")["repeats"] is True
    assert not repeat_report(tmp_path / "c", tmp_path / "b")


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [('"linked":1700', '"linked":5', "below_minimum"), ('"linked":1700', '"linked":1701', "not_rounded")],
)
def test_the_inspection_reads_the_bytes(counted: Make, tmp_path: Path, old: str, new: str, fact: str) -> None:
    write_report(counted(), default_model(), TERMS, "2026-03-31", "2026-Q1", tmp_path)
    sound = inspect_report(tmp_path, TERMS, None)
    assert (sound["below_minimum"], sound["not_rounded"], sound["page_differs"]) == (0, 0, False)
    text = (tmp_path / REPORT).read_text("utf-8")
    assert text.count(old) == 1
    (tmp_path / REPORT).write_text(text.replace(old, new), "utf-8")
    spoilt = inspect_report(tmp_path, TERMS, None)
    assert spoilt[fact] == 1
    assert spoilt["page_differs"] is True


SMALL = [
    *WHOLE,
    ("nhs_record", "practice", "P84021", 1815, 1681),
    ("nhs_record", "practice", "P84001", 10, 10),
    ("nhs_record", "practice", "Y99999", 9, 9),
    ("nhs_record", "practice", "ZYXQUORBLE", 1, 0),
    ("nhs_record", "reason", "ambiguous", 4, 0),
    ("nhs_record", "reason", "below_threshold", 3, 0),
]


def test_a_group_of_fewer_records_than_the_minimum_is_not_named_anywhere(
    counted: Make, tmp_path: Path
) -> None:
    write_report(counted(SMALL), default_model(), TERMS, "2026-03-31", "2026-Q1", tmp_path)
    content = json.loads((tmp_path / REPORT).read_bytes())
    practices = [g["category"] for g in content["groups"] if g["attribute"] == "practice"]
    assert practices == ["P84001", "P84021", "other (fewer than 10 records)"]
    reasons = [row["reason"] for row in content["reasons"]["nhs_record"]]
    assert reasons == ["linked", "no_candidate", "split_off", "other (fewer than 10 records)"]
    assert content["reasons"]["nhs_record"][-1]["meaning"] == "other reasons, each of them of few records"
    for name in FILES:
        text = (tmp_path / name).read_text("utf-8")
        assert "other (fewer than 10 records)" in text
        for label in ("Y99999", "ZYXQUORBLE", "ambiguous", "below_threshold"):
            assert label not in text
    assert inspect_report(tmp_path, TERMS, None)["labels_unknown"] == 0


def test_merged_groups_are_the_sum_of_their_figures(counted: Make) -> None:
    rows = [Row(*row) for row in counted(SMALL, right=90).execute("FROM quality_count").fetchall()]
    merged = merge_small_categories(rows, 10)
    found = [row for row in merged if row.category == "other (fewer than 10 records)"]
    assert [(row.attribute, row.units, row.linked) for row in found] == [
        ("practice", 10, 9),
        ("reason", 7, 0),
    ]
    for figure in ("units", "linked", "links", "probability", "right_links", "true_pairs"):
        assert sum(getattr(row, figure) for row in merged) == pytest.approx(
            sum(getattr(row, figure) for row in rows)
        )


@pytest.mark.parametrize(
    ("row", "unknown"),
    [
        (("nhs_record", "practice", "P84021", 1835, 1700), 0),
        (("nhs_record", "practice", "ZYXQUORBLE", 1835, 1700), 1),
        (("nhs_record", "practice", "JSMITH1911", 1835, 1700), 1),
        (("nhs_record", "practice", "SMITHJ", 1835, 1700), 1),
        (("nhs_record", "practice", "other (fewer than 9 records)", 1835, 1700), 1),
        (("nhs_record", "age_band", "Zyxquorble", 1835, 1700), 1),
        (("nhs_record", "ethnic_group", "<script>", 1835, 1700), 1),
        (("nhs_record", "reason", "Zyxquorble", 1835, 1700), 1),
        (("dwelling", "tenure", "mortgage", 800, 760), 0),
        (("dwelling", "tenure", "=cmd|", 800, 760), 1),
        (("dwelling", "imd_decile", "11", 800, 760), 1),
    ],
)
def test_a_label_that_no_list_and_no_format_has_is_found_in_the_file(
    counted: Make, tmp_path: Path, row: Counted, unknown: int
) -> None:
    write_report(counted([*WHOLE, row]), default_model(), TERMS, "2026-03-31", "2026-Q1", tmp_path)
    assert inspect_report(tmp_path, TERMS, None)["labels_unknown"] == unknown


def test_a_page_of_other_figures_is_found(counted: Make, tmp_path: Path) -> None:
    write_report(counted(), default_model(), TERMS, "2026-03-31", "2026-Q1", tmp_path)
    (tmp_path / PAGE).write_text((tmp_path / PAGE).read_text("utf-8").replace("92.6%", "99.9%"), "utf-8")
    assert inspect_report(tmp_path, TERMS, None)["page_differs"] is True


def test_a_page_that_another_version_drew_may_be_repeated(counted: Make, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    write_report(counted(), default_model(), TERMS, "2026-03-31", "2026-Q1", tmp_path / "a")
    (tmp_path / "a" / PAGE).write_text("drawn by an earlier version", "utf-8")
    assert repeat_report(tmp_path / "a", tmp_path / "b")
    facts = inspect_report(tmp_path / "b", TERMS, None, tmp_path / "a")
    assert (facts["page_differs"], facts["repeats"]) == (False, None)
