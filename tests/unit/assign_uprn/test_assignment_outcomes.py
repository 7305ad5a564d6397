"""What becomes of each record: assigned, kept, or left with a reason; and every record counted once."""

from typing import Any

import pytest

from governance.errors import Fault
from pipeline.assign_uprn.assignment import Thresholds, assign_uprns
from pipeline.assign_uprn.columns import NamedColumns

from .conftest import Answer, Desk

HEADER = "record_id,uprn,address,postcode\n"
ONE, TWO = "100000000001", "100000000002"
EXACT = "exact: full match"


def test_a_missing_uprn_is_filled_and_a_supplied_one_is_kept_whatever_the_list_says(desk: Desk) -> None:
    desk.answers["A"] = Answer(ONE, EXACT)
    summary = desk.assign(
        HEADER + f"r1,,A,M33 1AA\nr2,{ONE},A,M33 1AA\nr3,{TWO},A,M33 1AA\nr4,{TWO},B,M33 1AA\n"
    )
    assert desk.uprns() == [ONE, ONE, TWO, TWO]
    assert summary["extract"]["by_outcome"] == {
        "agrees": 1,
        "assigned": 1,
        "differs": 1,
        "not_confirmed": 1,
    }


def test_evidence_names_the_record_how_it_was_found_its_scores_and_the_source(desk: Desk) -> None:
    desk.answers |= {"A": Answer(ONE, EXACT), "B": Answer(TWO, weight=20.12345, lead=9)}
    desk.assign(HEADER + "r1,,B,M33 1AA\nr2,,A,M33 1AA\n")
    assert desk.table("evidence.csv") == [
        {
            "line_number": 2,
            "record_id": "r1",
            "outcome": "assigned",
            "supplied_uprn": None,
            "uprn": TWO,
            "match_reason": "splink",
            "match_weight": 20.123,
            "distinguishability": 9.0,
            "source": "uk-address-matcher 1.5.3",
        },
        {
            "line_number": 3,
            "record_id": "r2",
            "outcome": "assigned",
            "supplied_uprn": None,
            "uprn": ONE,
            "match_reason": "exact",
            "match_weight": None,
            "distinguishability": None,
            "source": "uk-address-matcher 1.5.3",
        },
    ]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(None), "NO_CANDIDATE"),
        (Answer(ONE, weight=14.999, lead=9), "BELOW_THRESHOLD"),
        (Answer(ONE, weight=15.0, lead=9), None),
        (Answer(ONE, weight=20, lead=4.999), "AMBIGUOUS"),
        (Answer(ONE, weight=20, lead=5.0), None),
        (Answer(ONE, weight=20, lead=None), None),
        (Answer(ONE, EXACT), None),
    ],
)
def test_an_answer_is_taken_on_one_side_of_each_threshold_alone(
    desk: Desk, answer: Answer, reason: str | None
) -> None:
    desk.answers["A"] = answer
    desk.assign(HEADER + "r1,,A,M33 1AA\n")
    assert [row["reason"] for row in desk.table("unassigned.csv")] == ([] if reason is None else [reason])
    assert desk.uprns() == [ONE if reason is None else ""]


def test_thresholds_are_the_operators(desk: Desk) -> None:
    desk.answers["A"] = Answer(ONE, weight=3, lead=1)
    desk.assign(HEADER + "r1,,A,M33 1AA\n", thresholds=Thresholds(3, 1))
    assert desk.uprns() == [ONE]


def test_a_record_without_an_address_is_left_with_that_reason(desk: Desk) -> None:
    summary = desk.assign(HEADER + "r1,,  ,M33 1AA\n")
    assert desk.table("unassigned.csv")[0]["reason"] == "NO_ADDRESS"
    assert summary["extract"]["not_assigned_by_reason"] == {"NO_ADDRESS": 1}


def test_two_uprns_at_one_address_are_ambiguous_even_where_a_rule_found_one(desk: Desk) -> None:
    listed = desk.put(
        "twins.csv", f"uprn,address,postcode\n{ONE},7 Twin St,M33 1AA\n{TWO},7 TWIN ST.,m331aa\n"
    )
    desk.answers["A"] = Answer(ONE, "peeled_address: found")
    people = desk.put("people.csv", HEADER + "r1,,A,M33 1AA\n")
    assign_uprns(desk.request(people, listed))
    assert desk.table("unassigned.csv")[0]["reason"] == "AMBIGUOUS"


@pytest.mark.parametrize(
    ("overwrites", "written"),
    [
        ((), ["0", TWO, ONE]),
        (("unusable",), [ONE, TWO, ONE]),
        (("unusable", "supplied"), [ONE, ONE, ONE]),
    ],
)
def test_supplied_uprns_are_written_over_only_as_far_as_asked(
    desk: Desk, overwrites: tuple[str, ...], written: list[str]
) -> None:
    desk.answers["A"] = Answer(ONE, EXACT)
    desk.assign(HEADER + f"r1,0,A,M33 1AA\nr2,{TWO},A,M33 1AA\nr3,,A,M33 1AA\n", overwrites=overwrites)
    assert desk.uprns() == written


def test_a_uprn_that_is_none_and_kept_stands_among_the_unassigned(desk: Desk) -> None:
    desk.answers["A"] = Answer(ONE, EXACT)
    summary = desk.assign(HEADER + "r1,1.0E+11,A,M33 1AA\n")
    assert desk.table("unassigned.csv")[0]["reason"] == "UNUSABLE_KEPT"
    assert summary["extract"]["by_uprn"] == {"unusable": 1}


def test_a_uprn_that_ingest_can_mend_agrees_with_the_list(desk: Desk) -> None:
    desk.answers["A"] = Answer(ONE, EXACT)
    summary = desk.assign(HEADER + f"r1,{ONE}.0,A,M33 1AA\n")
    assert summary["extract"]["by_outcome"] == {"agrees": 1}
    assert desk.uprns() == [f"{ONE}.0"]


def test_supplied_uprns_are_not_looked_up_where_only_missing_ones_are_asked_for(desk: Desk) -> None:
    desk.answers |= {"A": Answer(ONE, EXACT), "B": Answer(ONE, EXACT)}
    summary = desk.assign(
        HEADER + f"r1,{TWO},A,M33 1AA\nr2,,B,M33 1AA\nr3,0,C,M33 1AA\n", compares_supplied=False
    )
    assert summary["extract"]["by_outcome"] == {"assigned": 1, "left_unusable": 1, "not_compared": 1}


def test_each_record_is_counted_once_and_rows_that_are_none_beside_them(desk: Desk) -> None:
    desk.answers["A"] = Answer(ONE, EXACT)
    extract = desk.assign(HEADER + f"r1,,A,M33 1AA\nragged\nr2,{TWO},A,M33 1AA\nr3,0,A,M33 1AA\nr4,,,\n")[
        "extract"
    ]
    assert (extract["rows"], extract["records"], extract["broken_rows"]) == (5, 4, 1)
    for total in ("by_uprn", "by_outcome"):
        assert sum(extract[total].values()) == 4
    left = extract["not_assigned_by_reason"]
    assert sum(left.values()) == extract["by_outcome"]["not_assigned"] == 1


def test_address_lines_of_other_names_are_joined_in_order(desk: Desk) -> None:
    desk.answers["FLAT 1, 2 HIGH STREET"] = Answer(ONE, EXACT)
    people = desk.put("people.csv", "id,u,b,a,pc\nr1,,2 HIGH STREET,FLAT 1,M33 1AA\n")
    assign_uprns(desk.request(people, columns=NamedColumns(("a", "b"), "pc", "u", "id")))
    assert desk.table("evidence.csv")[0]["record_id"] == "r1"
    assert desk.uprns() == [ONE]


def test_an_extract_without_the_column_gets_one(desk: Desk) -> None:
    desk.answers["A"] = Answer(ONE, EXACT)
    desk.assign("record_id,address,postcode\nr1,A,M33 1AA\nr2,B,M33 1AA\n")
    assert (desk.out / "people.csv").read_text() == (
        f"record_id,address,postcode,uprn\nr1,A,M33 1AA,{ONE}\nr2,B,M33 1AA,\n"
    )


def test_the_same_question_gets_the_same_bytes(desk: Desk) -> None:
    desk.answers["A"] = Answer(ONE, EXACT)
    text = HEADER + "".join(f"r{n},,{'A' if n % 3 else 'B'},M33 1AA\n" for n in range(5_000))
    contents: list[dict[str, bytes]] = []
    for _ in range(2):
        desk.assign(text)
        contents.append({path.name: path.read_bytes() for path in desk.out.iterdir()})
        desk.out.rename(desk.folder / f"before{len(contents)}")
    assert contents[0] == contents[1]
    assert len(contents[0]) == 4


def test_results_are_the_operators_alone(desk: Desk) -> None:
    desk.assign(HEADER + "r1,,A,M33 1AA\n")
    assert {path.stat().st_mode & 0o777 for path in desk.out.iterdir()} == {0o600}
    assert desk.out.stat().st_mode & 0o777 == 0o700


def test_an_earlier_result_is_not_written_over(desk: Desk) -> None:
    desk.out.mkdir()
    with pytest.raises(Fault, match="WOULD_OVERWRITE"):
        desk.assign(HEADER + "r1,,A,M33 1AA\n")


@pytest.mark.parametrize("fails_in", ["look_up", "write_copy"])
def test_nothing_is_left_behind_by_an_assignment_that_fails(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, fails_in: str
) -> None:
    from pipeline.assign_uprn import assignment

    def fail(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(assignment, fails_in, fail)
    with pytest.raises(MemoryError):
        desk.assign(HEADER + "r1,,A,M33 1AA\n")
    assert sorted(path.name for path in desk.folder.iterdir()) == ["list.csv", "people.csv"]
