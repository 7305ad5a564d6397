"""The SQL of household/v3 against the slow plain-Python reference, on generated worlds."""

import itertools
from collections import defaultdict
from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.household.reference import bedrooms_required, composition_of, place_everyone
from tests.unit.household.world import LSOA, OTHER_LSOA, Row, dwelling, households_of, record

_DAYS = st.sampled_from(
    [
        None,
        date(1900, 1, 1),
        date(2019, 5, 1),
        date(2024, 2, 29),
        date(2026, 3, 30),
        date(2026, 3, 31),
        date(2026, 4, 1),
    ]
)
_CLASSES = st.sampled_from([None, "RD02", "RD06", "RH01", "RI01", "RG", "PP", "CH03", "CR", "UC", "X", "M"])
_NAMES = ("a", "b", "c", "d")

_dwellings = st.fixed_dictionaries(
    {
        "blpu_class": _CLASSES,
        "blpu_state": st.sampled_from([None, "2", "2", "4"]),
        "council_tax_exemption": st.sampled_from([None, None, "M", "N"]),
        "lsoa21": st.sampled_from([LSOA, LSOA, OTHER_LSOA, None, "E01099999"]),
        "bedrooms": st.sampled_from([None, 1, 2, 3]),
    }
)
_records = st.fixed_dictionaries(
    {
        "home": st.sampled_from([None, "a", "a", "b", "c", "d"]),
        "reason": st.sampled_from(["linked", "no_candidate", "ambiguous"]),
        "nhs_number_pseudonym": st.sampled_from([None, None, None, "n1", "n2", "n3"]),
        "age_years": st.sampled_from([None, 0, 5, 15, 17, 18, 21, 40, 55, 68, 75, 90]),
        "sex": st.sampled_from(["1", "2", "X", None]),
        "address_start": _DAYS,
        "address_end": st.sampled_from(
            [None, None, None, date(1900, 1, 1), date(2026, 3, 31), date(2020, 1, 1)]
        ),
        "registration_start": st.sampled_from([None, None, date(2020, 1, 1), date(2027, 1, 1)]),
        "registration_end": st.sampled_from([None, None, None, date(2026, 3, 30), date(2027, 1, 1)]),
        "is_deceased": st.sampled_from([None, False, False, False, True]),
        "address_type": st.sampled_from([None, "usual", "usual", "temporary", "correspondence"]),
        "practice_code": st.sampled_from([None, "P1", "P1", "P2"]),
    }
)
_plain = st.fixed_dictionaries(
    {
        "home": st.sampled_from(["a", "b"]),
        "age_years": st.integers(0, 95),
        "sex": st.sampled_from(["1", "2", "X"]),
        "practice_code": st.just("P1"),
    }
)


#: Many people in one home: a care home, a hall, or a household too large to be one.
_crowded = st.fixed_dictionaries(
    {
        "home": st.just("a"),
        "age_years": st.sampled_from([75, 80, 90]),
        "sex": st.just("2"),
        "practice_code": st.just("P1"),
    }
)
_others = st.fixed_dictionaries(
    {
        "home": st.sampled_from(["a", "b"]),
        "age_years": st.sampled_from([None, 18, 20, 22, 24, 68, 70, 74]),
        "sex": st.just("1"),
        "practice_code": st.sampled_from([None, "P1", "P2"]),
    }
)


def _world(dwellings: list[Row], records: list[Row]) -> tuple[list[Row], list[Row]]:
    homes = [dwelling(name, **columns) for name, columns in zip(_NAMES, dwellings, strict=True)]
    return homes, [record(f"r{i:02d}", **columns) for i, columns in enumerate(records)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_dwellings, min_size=4, max_size=4), st.lists(_records, min_size=1, max_size=30))
def test_every_record_gets_the_same_verdict_and_every_dwelling_the_same_residents(
    dwellings: list[Row], records: list[Row]
) -> None:
    homes, rows = _world(dwellings, records)
    built = households_of(homes, rows)
    verdicts, members = place_everyone(homes, rows)
    assert {r["record_pseudonym"]: r["failed_rule"] for r in built["judged_record"]} == verdicts
    found = defaultdict(set)
    for member in built["household_member"]:
        if member["standing"] == "household":
            found[member["household_pseudonym"]].add(member["person_pseudonym"])
    assert dict(found) == members


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_crowded, max_size=12), st.lists(_others, min_size=3, max_size=14))
def test_crowds_are_told_from_households_alike(crowd: list[Row], others: list[Row]) -> None:
    homes, rows = _world([{}, {}, {}, {}], crowd + others)
    built = households_of(homes, rows)
    verdicts, _ = place_everyone(homes, rows)
    assert {r["record_pseudonym"]: r["failed_rule"] for r in built["judged_record"]} == verdicts


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_plain, min_size=1, max_size=14))
def test_composition_and_bedrooms_agree_for_every_household(records: list[Row]) -> None:
    homes, rows = _world([{}, {}, {}, {}], records)
    built = households_of(homes, rows)
    people = defaultdict(list)
    for member in built["household_member"]:
        people[member["household_pseudonym"]].append((member["age_years"], member["sex"]))
    for household in built["household"]:
        residents = people[household["household_pseudonym"]]
        assert household["residents"] == len(residents)
        assert household["composition"] == composition_of(residents)
        assert household["bedrooms_required"] == bedrooms_required(residents)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_dwellings, min_size=4, max_size=4), st.lists(_records, min_size=1, max_size=30))
def test_attrition_adds_up_and_every_person_is_explained(dwellings: list[Row], records: list[Row]) -> None:
    homes, rows = _world(dwellings, records)
    built = households_of(homes, rows)
    steps = built["attrition"]
    assert steps[0]["records_in"] == len(rows)
    assert all(a["records_out"] == b["records_in"] for a, b in itertools.pairwise(steps))
    residents = sum(m["standing"] == "household" for m in built["household_member"])
    assert steps[-1]["records_out"] == residents
    assert residents + sum(e["residents"] for e in built["exclusion"]) == len(built["judged_person"])
    for step in steps:
        for characteristic in ("age", "sex", "ethnic_group"):
            groups = [
                g
                for g in built["attrition_by_group"]
                if (g["rule"], g["characteristic"]) == (step["rule"], characteristic)
            ]
            assert sum(g["records_in"] or 0 for g in groups) == step["records_in"]
            assert sum(g["records_out"] or 0 for g in groups) == step["records_out"]
