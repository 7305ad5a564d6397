"""What the link stage decides, case by case, on streets small enough to read."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from elm_road import listed, patient, place

from governance.artefact import Artefact
from governance.clearance import Cleared
from pipeline.context import RunContext
from pipeline.group.stage import group
from pipeline.link.stage import fingerprint_settings, link

Rows = list[dict[str, Any]]
Link = Callable[[Rows, Rows, Rows], Any]


def test_a_household_is_linked_by_uprn_address_and_people(linked: Link) -> None:
    result = linked(
        [place("D1", 1, "11"), place("D2", 2, "12")],
        [listed("c1", "D1", "Ada Byron"), listed("c2", "D2", "Mary Shelley")],
        [patient("n1", 1, "Ada Byron", 1985, "11"), patient("n2", 2, "Mary Shelley", 1980, "12")],
    )
    assert {record: row["dwelling"] for record, row in result.residents.items()} == {"n1": "D1", "n2": "D2"}
    assert {row["level"] for row in result.links} == {"exact"}
    assert result.unlinked == {}
    assert result.facts["match_rate"] == 1.0


def test_without_names_or_addresses_a_group_is_linked_by_its_uprn(linked: Link) -> None:
    result = linked(
        [{"record_id": "D1", "uprn": "11"}, {"record_id": "D2", "uprn": "12"}],
        [],
        [{"record_id": "n1", "uprn": "11"}, {"record_id": "n2", "uprn": "99"}, {"record_id": "n3"}],
    )
    assert {record: (row["dwelling"], row["reason"]) for record, row in result.residents.items()} == {
        "n1": ("D1", "linked"),
        "n2": (None, "no_candidate"),
        "n3": (None, "no_candidate"),
    }
    assert result.unlinked == {"D2": "no_candidate"}


def test_an_agreed_uprn_that_everything_contradicts_loses_to_the_better_dwelling(linked: Link) -> None:
    result = linked(
        [place("D1", 1, "11"), place("D2", 2, "12")],
        [
            listed("c1", "D1", "Mary Shelley"),
            listed("c2", "D2", "Ada Byron"),
            listed("c3", "D2", "Percy Byron"),
        ],
        [patient("n1", 2, "Ada Byron", 1985, "11"), patient("n2", 2, "Percy Byron", 1984, "11")],
    )
    assert result.dwelling_of("n1") == result.dwelling_of("n2") == "D2"
    assert {row["level"] for row in result.links} == {"evidence"}


def test_a_group_of_strangers_at_an_agreed_uprn_is_not_linked_and_says_why(linked: Link) -> None:
    result = linked(
        [place("D1", 1, "11")],
        [listed("c1", "D1", "Mary Shelley"), listed("c2", "D1", "Percy Shelley")],
        [patient("n1", 1, "Ada Byron", 1985, "11")],
    )
    assert (result.dwelling_of("n1"), result.residents["n1"]["reason"]) == (None, "below_threshold")
    assert result.unlinked == {"D1": "below_threshold"}


@pytest.mark.parametrize(
    ("second_listed", "second_registered", "reason"),
    [
        ("Mary Byron", "Rosa Byron", "clerical_review"),
        ("Mary Byron", None, "linked"),
        (None, "Rosa Byron", "linked"),
    ],
)
def test_a_surname_is_enough_for_a_link_unless_both_list_and_group_have_several_people(
    linked: Link, second_listed: str | None, second_registered: str | None, reason: str
) -> None:
    people = [listed("c1", "D1", "Ada Byron")]
    patients = [patient("n1", 1, "Zoe Byron", 1985, "11")]
    if second_listed:
        people.append(listed("c2", "D1", second_listed))
    if second_registered:
        patients.append(patient("n2", 1, second_registered, 1987, "11"))
    result = linked([place("D1", 1, "11")], people, patients)
    assert result.residents["n1"]["reason"] == reason


def test_a_same_number_and_street_elsewhere_is_a_candidate_only_with_a_surname(linked: Link) -> None:
    result = linked(
        [place("D1", 1, postcode="M31 4BQ"), place("D2", 2, postcode="M31 4BQ")],
        [listed("c1", "D1", "Ada Byron"), listed("c2", "D2", "Mary Shelley")],
        [
            patient("n1", 1, "Ada Byron", 1985, postcode="M33 2ZZ"),
            patient("n2", 2, "John Keats", 1980, postcode="M33 2ZZ"),
        ],
    )
    assert result.facts["candidate_pairs_by_rule"] == {"premises": 1}
    assert {record: row["reason"] for record, row in result.residents.items()} == {
        "n1": "linked",
        "n2": "no_candidate",
    }


def test_two_households_may_share_one_uprn(linked: Link) -> None:
    result = linked(
        [place("D1", 1, "11")],
        [listed("c1", "D1", "Ada Byron"), listed("c2", "D1", "Mary Shelley")],
        [
            patient("n1", 1, "Ada Byron", 1985, "11", address_group_id="G1"),
            patient("n2", 1, "Mary Shelley", 1980, "11", address_group_id="G2"),
        ],
    )
    assert result.dwelling_of("n1") == result.dwelling_of("n2") == "D1"
    assert len(result.links) == 2


def test_neighbours_merged_by_a_wrong_uprn_are_split(linked: Link) -> None:
    result = linked(
        [place("D1", 1, "11"), place("D2", 2, "12")],
        [listed("c1", "D1", "Ada Byron"), listed("c2", "D2", "Mary Shelley")],
        [
            patient("n1", 1, "Ada Byron", 1985, "11", address_group_id="G"),
            patient("n2", 2, "Mary Shelley", 1980, "11", address_group_id="G"),
        ],
    )
    assert (result.dwelling_of("n1"), result.dwelling_of("n2")) == ("D1", "D2")
    assert result.residents["n1"]["address_group"] != result.residents["n2"]["address_group"]


def test_a_member_who_is_not_listed_at_the_old_address_moves_to_the_dwelling_where_they_are_listed(
    linked: Link,
) -> None:
    result = linked(
        [place("D1", 1, "11"), place("D2", 2, "12")],
        [listed("c1", "D1", "Ada Byron"), listed("c2", "D2", "Percy Shelley", birth_date=date(1970, 5, 17))],
        [patient("n1", 1, "Ada Byron", 1985, "11"), patient("n2", 1, "Percy Shelley", 1970, "11")],
    )
    assert (result.dwelling_of("n1"), result.dwelling_of("n2")) == ("D1", "D2")
    assert result.residents["n2"]["level"] == "evidence"
    assert {row["address_group"].endswith("-moved") for row in result.links} == {False, True}


def test_an_older_member_who_is_not_listed_is_split_off_and_a_child_is_not(linked: Link) -> None:
    result = linked(
        [place("D1", 1, "11")],
        [listed("c1", "D1", "Ada Byron"), listed("c2", "D1", "Percy Byron")],
        [
            patient("n1", 1, "Ada Byron", 1985, "11"),
            patient("n2", 1, "Mary Shelley", 1950, "11"),
            patient("n3", 1, "Clara Byron", 2019, "11"),
        ],
    )
    assert (result.dwelling_of("n1"), result.dwelling_of("n3")) == ("D1", "D1")
    assert (result.dwelling_of("n2"), result.residents["n2"]["reason"]) == (None, "split_off")
    weights = {record: row["residence_match_weight"] for record, row in result.residents.items()}
    assert weights["n2"] < weights["n3"] < weights["n1"]


@pytest.mark.parametrize(("third", "level"), [(None, "evidence"), ("11", "exact")])
def test_a_uprn_that_members_dispute_evenly_is_none_whatever_the_order_of_pseudonyms(
    linked: Link, third: str | None, level: str
) -> None:
    uprns = ["11", "12", *([third] if third else [])]
    result = linked(
        [place("D1", 1, "11"), place("D2", 2, "12")],
        [listed("c1", "D1", "Ada Byron")],
        [patient(f"n{n}", 1, "Ada Byron", 1985, u, address_group_id="g") for n, u in enumerate(uprns)],
    )
    assert {(row["dwelling"], row["level"]) for row in result.links} == {("D1", level)}


def test_a_person_listed_by_a_uprn_that_two_dwellings_have_is_listed_at_neither(linked: Link) -> None:
    people = [{"record_id": "c1", "forename": "Ada", "surname": "Byron", "uprn": "11"}]
    patients = [patient("n1", 1, "Ada Byron", 1985, "11")]
    alone = linked([place("D1", 1, "11")], people, patients)
    shared = linked([place("D1", 1, "11"), place("D2", 2, "11")], people, patients)
    assert (alone.facts["people_compared"], shared.facts["people_compared"]) == (1, 0)


def test_two_equally_good_dwellings_are_ambiguous(linked: Link) -> None:
    result = linked(
        [place("D1", 1), place("D2", 1)],
        [listed("c1", "D1", "Ada Byron"), listed("c2", "D2", "Ada Byron")],
        [patient("n1", 1, "Ada Byron", 1985)],
    )
    assert (result.dwelling_of("n1"), result.residents["n1"]["reason"]) == (None, "ambiguous")


@pytest.mark.parametrize(("column", "level"), [("previous_uprn", "historic"), ("parent_uprn", "parent")])
def test_a_historic_or_parent_uprn_is_a_level_of_its_own(linked: Link, column: str, level: str) -> None:
    result = linked(
        [place("D1", 1, "11", **{column: "77"})],
        [listed("c1", "D1", "Ada Byron")],
        [patient("n1", 1, "Ada Byron", 1985, "77")],
    )
    assert [row["level"] for row in result.links] == [level]


def test_a_siblings_uprn_is_named_as_such(linked: Link) -> None:
    result = linked(
        [place("D1", 1, "11", parent_uprn="77"), place("D2", 2, "12", parent_uprn="77")],
        [listed("c1", "D1", "Ada Byron"), listed("c2", "D2", "Mary Shelley")],
        [patient("n1", 1, "Ada Byron", 1985, "12")],
    )
    assert [(row["dwelling"], row["level"]) for row in result.links] == [("D1", "sibling")]


def test_an_oversized_block_makes_no_candidate_pair(linked: Link) -> None:
    tower = [place(f"D{n:02}", n, f"1{n:02}", parent_uprn="77") for n in range(1, 41)]
    result = linked(tower, [], [{"record_id": "n1", "uprn": "77"}])
    assert result.facts["candidate_pairs"] == 0
    assert result.of_groups["hot_blocking_values_by_rule"]["uprn"] == 1
    assert result.residents["n1"]["reason"] == "no_candidate"


def test_every_record_has_a_reason_and_every_dwelling_a_link_or_a_reason(linked: Link) -> None:
    result = linked(
        [place(f"D{n}", n, f"1{n}") for n in range(1, 6)],
        [listed(f"c{n}", f"D{n}", f"Ada Byron{'abcdef'[n]}") for n in range(1, 5)],
        [patient(f"n{n}", n, f"Ada Byron{'abcdef'[n]}", 1980, f"1{n}") for n in range(2, 6)],
    )
    assert {row["reason"] for row in result.residents.values()} <= {
        "linked", "no_candidate", "below_threshold", "clerical_review", "ambiguous", "split_off",
    }  # fmt: skip
    linked_dwellings = {row["dwelling"] for row in result.links}
    assert linked_dwellings | set(result.unlinked) == {f"D{n}" for n in range(1, 6)}
    assert not linked_dwellings & set(result.unlinked)
    assert sum(result.facts["records_by_reason"].values()) == result.facts["nhs_records"] == 4


def test_the_same_input_gives_the_same_bytes(linked: Link) -> None:
    streets = (
        [place(f"D{n}", n, f"1{n}") for n in range(1, 30)],
        [listed(f"c{n}", f"D{n}", f"Ada Byron{chr(65 + n)}") for n in range(1, 30)],
        [patient(f"n{n}", n, f"Ada Byron{chr(65 + n)}", 1980, f"1{n}") for n in range(1, 30)],
    )
    assert linked(*streets).digest == linked(*streets).digest


def test_the_model_and_the_keys_in_reach_enter_the_fingerprint(context: RunContext) -> None:
    settings = fingerprint_settings(context)
    assert set(settings) == {"model_digest", "keys_in_reach", "verdicts"}
    assert settings["keys_in_reach"] == 0


def test_the_progress_report_contains_only_counts(
    context: RunContext,
    pseudonymised: Callable[[Rows, Rows, Rows], tuple[Cleared, Cleared]],
    cleared: Callable[[Artefact], Cleared],
) -> None:
    said: list[str] = []
    telling = replace(context, report=said.append)
    council, nhs = pseudonymised(
        [place("D1", 1, "11")], [listed("c1", "D1", "Ada Byron")], [patient("n1", 1, "Ada Byron", 1985, "11")]
    )
    grouped, _ = group(council, nhs, "f" * 64, telling)
    link(cleared(grouped), council, nhs, "f" * 64, telling)
    assert said == [
        "group: dwellings 1 (listed people 1), address groups 1 (NHS records 1)",
        "link: 1 of 1 NHS records linked (100.0%); pairs compared: 1",
    ]


def test_a_group_at_an_unlisted_home_that_the_council_records_as_empty_is_not_linked(linked: Link) -> None:
    homes = [
        place("D1", 1, "11"),
        place("D2", 2, "12", is_empty=True),
        place("D3", 3, "13", council_tax_exemption="F"),
        place("D4", 4, "14", council_tax_exemption="N"),
        place("D5", 5, "15"),
    ]
    people = [listed("c5", "D5", "Ada Byron")]
    patients = [patient(f"n{n}", n, "Mary Shelley", 1980, f"1{n}") for n in (1, 2, 3, 4)]
    result = linked(homes, people, [*patients, patient("n5", 5, "Ada Byron", 1985, "15")])
    assert {record: row["dwelling"] for record, row in result.residents.items()} == {
        "n1": "D1", "n2": None, "n3": None, "n4": "D4", "n5": "D5",
    }  # fmt: skip
    assert result.facts["people_compared"] == 1


def test_without_any_list_of_people_an_unlisted_home_says_nothing_about_its_group(linked: Link) -> None:
    homes, patients = [place("D1", 1, "11")], [patient("n1", 1, "Mary Shelley", 1980, "11")]
    elsewhere = ([place("D2", 2, "12")], [listed("c2", "D2", "Ada Byron")])
    alone = linked(homes, [], patients)
    among_listed = linked([*homes, *elsewhere[0]], elsewhere[1], patients)
    assert alone.links[0]["match_weight"] > among_listed.links[0]["match_weight"]
