"""Clerical review, inwards: faulty rows are named by line, sound ones are weighed."""

import csv
import math
from pathlib import Path

import pytest

from governance.errors import Fault
from pipeline.quality.review.decisions import Decision, read_decisions
from pipeline.quality.review.findings import SampledCase, cohens_kappa, find, word_for
from pipeline.quality.review.sample import BAND_EDGES
from pipeline.quality.review.text import review_text

NEEDED = ("review", "case", "decision", "reviewer")
CASES = {"c1": None, "c2": None, "c3": None}


def review_file(path: Path, *rows: tuple[str, ...]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([NEEDED, *rows])
    return path


def faults(path: Path, partial: bool = False) -> list[tuple[str, str]]:
    with pytest.raises(Fault) as caught:
        read_decisions([path], "r1", CASES, partial=partial)
    assert "secret" not in str(caught.value)
    return [(finding.code, finding.where) for finding in caught.value.findings]


def test_every_faulty_row_is_named_by_its_line_and_not_by_what_stands_there(tmp_path: Path) -> None:
    path = review_file(
        tmp_path / "a.csv",
        ("r1", "c1", "same", "ann"),
        ("r0", "c1", "same", "ann"),
        ("r1", "secret", "same", "ann"),
        ("r1", "c2", "secret", "ann"),
        ("r1", "c2", "same", ""),
        ("r1", "c2", "", "ann"),
        ("r1", "c1", "different", "ann"),
    )
    assert faults(path) == [
        ("REVIEW_OF_ANOTHER_RUN", "a.csv, line 3"),
        ("REVIEW_UNKNOWN_CASE", "a.csv, line 4"),
        ("REVIEW_DECISION", "a.csv, line 5"),
        ("REVIEW_NAMELESS", "a.csv, line 6"),
        ("REVIEW_UNDECIDED", "a.csv, line 7"),
        ("REVIEW_REPEATED", "a.csv, line 8"),
    ]


def test_undecided_rows_may_be_left_out_on_request(tmp_path: Path) -> None:
    path = review_file(tmp_path / "a.csv", ("r1", "c1", "same", "ann"), ("r1", "c2", "", ""))
    assert faults(path) == [("REVIEW_UNDECIDED", "a.csv, line 3")]
    assert read_decisions([path], "r1", CASES, partial=True) == (Decision("c1", "ann", "same"),)


def test_two_reviewers_may_decide_the_same_case(tmp_path: Path) -> None:
    ann = review_file(tmp_path / "a.csv", ("r1", "c1", "same", "ann"))
    bob = review_file(tmp_path / "b.csv", ("r1", "c1", "Different ", "bob"))
    assert len(read_decisions([ann, bob], "r1", CASES)) == 2


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"a,b\n1,2\n", "REVIEW_COLUMNS"),
        (b"\xff\xfe\x00", "REVIEW_UNREADABLE"),
        (b"review,case,decision,reviewer\n", "REVIEW_EMPTY"),
        (b"review,case,decision,reviewer\nr1,c1\n", "REVIEW_INVALID"),
        (b"", "REVIEW_COLUMNS"),
    ],
)
def test_another_file_is_no_review(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(Fault) as caught:
        read_decisions([tmp_path / "x.csv"], "r1", CASES)
    assert caught.value.code == code


def test_kappa_gives_the_textbook_value() -> None:
    """Cohen's example as given by Fleiss (Statistical Methods, ch. 18): 20, 5, 10, 15 of 50 give .4."""
    first = [True] * 25 + [False] * 25
    second = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15
    found = cohens_kappa(first, second)
    assert found is not None
    kappa, error = found
    assert kappa == pytest.approx(0.4)
    assert error == pytest.approx(math.sqrt(0.7 * 0.3 / (50 * 0.5**2)))
    assert word_for(kappa) == "fair"


def test_kappa_is_undefined_where_both_always_say_the_same() -> None:
    assert cohens_kappa([True, True], [True, True]) is None
    assert cohens_kappa([], []) is None


def sampled(*bands: tuple[int, int, int], group: str = "white") -> dict[str, SampledCase]:
    """Bands as (number, cases, pairs of the run)."""
    return {
        f"{group}-{band}-{n}": SampledCase(
            f"{group}-{band}-{n}",
            band,
            group,
            (BAND_EDGES[band - 1] if band else -9) + 0.5,
            "linked" if band >= 4 else "below_threshold",
            pairs,
        )
        for band, cases, pairs in bands
        for n in range(cases)
    }


def decided(cases: dict[str, SampledCase], same_of_ten: dict[int, int], reviewer: str) -> list[Decision]:
    return [
        Decision(name, reviewer, "same" if int(name[-1]) < same_of_ten[case.band] else "different")
        for name, case in cases.items()
    ]


def test_a_band_counts_for_as_many_pairs_as_it_holds() -> None:
    cases = sampled((4, 10, 100), (7, 10, 900))
    found = find("r1", decided(cases, {4: 5, 7: 10}, "ann"), cases, 0.94)
    assert found.bands["0 to 2"].value == 0.5
    assert found.bands["8 and above"].value == 1.0
    # five in ten of 100 and ten in ten of 900: 950 of 1000, and not 15 of 20
    assert found.links.value == pytest.approx(0.95)
    assert found.links.pairs == 1000
    assert found.links.interval is not None
    low, high = found.links.interval
    assert low < 0.95 < high


def test_thresholds_follow_from_what_lies_above_and_below_them() -> None:
    cases = sampled(*((band, 10, 100) for band in range(8)))
    same = {0: 0, 1: 0, 2: 1, 3: 4, 4: 9, 5: 10, 6: 10, 7: 10}
    found = find("r1", decided(cases, same, "ann"), cases, 0.97)
    assert (found.proposed_upper, found.proposed_lower) == (0.0, -2.0)
    stricter = find("r1", decided(cases, same, "ann"), cases, 0.99)
    assert stricter.proposed_upper == 2.0
    share, recall = found.edges[0.0]
    assert share.value == pytest.approx(39 / 40)
    assert recall == pytest.approx(39 / 44)


def test_reviewers_are_compared_pair_by_pair_and_a_split_stays_open() -> None:
    cases = sampled((7, 10, 100))
    ann, bob = decided(cases, {7: 9}, "ann"), decided(cases, {7: 8}, "bob")
    carol = [Decision(name, "carol", "unsure") for name in cases]
    found = find("r1", [*ann, *bob, *carol], cases, 0.99)
    assert [(k.first, k.second, k.agreed) for k in found.kappas] == [("ann", "bob", 9)]
    assert (found.cases, found.unresolved) == (9, 1)
    assert found.decided["carol"] == {"unsure": 10}


def test_links_are_judged_by_group() -> None:
    cases = sampled((7, 10, 100)) | sampled((7, 10, 50), group="asian")
    decisions = [
        Decision(name, "ann", "different" if name in ("asian-7-0", "asian-7-1") else "same") for name in cases
    ]
    found = find("r1", decisions, cases, 0.99)
    assert {name: share.value for name, share in found.groups.items()} == {"asian": 0.8, "white": 1.0}


def test_the_text_says_who_agreed_and_what_to_do() -> None:
    cases = sampled((3, 10, 100), (7, 10, 900))
    both = [*decided(cases, {3: 2, 7: 10}, "ann"), *decided(cases, {3: 3, 7: 10}, "bob")]
    text = review_text(find("r1", both, cases, 0.99))
    assert "ann and bob: agreed on 19 of 20; kappa 0.89" in text
    assert "Proposed upper threshold (precision of at least 99%): match weight" in text
    assert "digest approved in the agreement" in text


@pytest.mark.parametrize(("agreed", "is_estimated"), [(22, False), (24, True), (26, True)])
def test_reviewers_who_hardly_agree_give_no_estimate(agreed: int, is_estimated: bool) -> None:
    # Of forty cases each reviewer calls half the same, so kappa is agreed / 20 - 1: .1, .2 and .3.
    answers = [("same", "same")] * (agreed // 2) + [("different", "different")] * (agreed // 2)
    rest = (40 - agreed) // 2
    answers += [("same", "different")] * rest + [("different", "same")] * rest
    cases = {f"c{n}": SampledCase(f"c{n}", 5, "all", 3.0, "linked", 40) for n in range(40)}
    decisions = [
        Decision(f"c{n}", reviewer, answer)
        for n, pair in enumerate(answers)
        for reviewer, answer in zip(("ann", "bob"), pair, strict=True)
    ]
    found = find("r1", decisions, cases, 0.99)
    assert (found.links.value is not None) is is_estimated
    assert ("is not estimated" in review_text(found)) is not is_estimated
