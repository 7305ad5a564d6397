"""Code lists match spellings without guessing, and agree with the contracts that name them."""

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.code_list import (
    CodeListInvalid,
    ethnic_crosswalk,
    load_code_list,
    packaged_areas,
    parse_code_list,
    spelling,
)
from schemas.contract import all_contracts

HEADER = b"code,label,aliases,group,order\n"
TABLES = {"area_lsoa21", "england_by_imd2025_decile", "ethnic_category_crosswalk", "lsoa_ended_2021"}
LISTS = sorted(
    file.name.removesuffix(".csv")
    for file in (files("schemas") / "codes").iterdir()
    if file.name.endswith(".csv") and file.name.removesuffix(".csv") not in TABLES
)


@pytest.mark.parametrize("name", LISTS)
def test_every_code_label_and_alias_of_a_list_means_its_code(name: str) -> None:
    codes = load_code_list(name)
    for entry in codes.codes:
        for text in (entry.code, entry.label.upper(), *entry.aliases):
            assert codes.canonical(f" {text}. ") == entry.code
    assert [entry.order for entry in codes.codes] == list(range(1, len(codes.codes) + 1))


def test_every_code_list_that_a_contract_names_exists() -> None:
    named = {
        column.code_list for contract in all_contracts() for column in contract.columns if column.code_list
    }
    assert named <= set(LISTS)


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("property_type", "Flat (purpose built)", "flat_purpose_built"),
        ("property_type", "Semi-detached", "semi_detached"),
        ("tenure", "Owner-Occupied", "owned"),
        ("tenure", "OWNED: Owns outright", "owned_outright"),
        ("sex", "f", "2"),
        ("sex", "0", "X"),
        ("ethnic_category_2001", "White: Roma", "C"),
        ("ethnic_category_2001", "99", "99"),
        ("condition", "AST", "asthma"),
        ("admission_method", "2a", "2A"),
        ("epc_rating", "H", None),
        ("tenure", "", None),
    ],
)
def test_a_spelling_means_one_code_or_none(name: str, text: str, code: str | None) -> None:
    assert load_code_list(name).canonical(text) == code


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        (b"a,One,,,1\nb,ONE,,,2\n", "another code"),
        (b"a,One,,,1\na,Two,,,2\n", "is defined twice"),
        (b"a,One,--,,1\n", "empty"),
        (b"a,One,1\n", "line 2"),
        (b"", "no codes"),
    ],
)
def test_an_ambiguous_or_malformed_list_is_refused(rows: bytes, named: str) -> None:
    with pytest.raises(CodeListInvalid, match=named):
        parse_code_list("made_up", HEADER + rows)


def test_an_unknown_list_is_an_error_and_cannot_leave_the_folder() -> None:
    for name in ("tenyure", "../contract", "area_lsoa21.csv"):
        with pytest.raises(KeyError):
            load_code_list(name)


@given(st.text())
def test_a_spelling_is_compared_by_ascii_letters_and_digits_alone(text: str) -> None:
    assert spelling(text) == "".join(c for c in text if c.isascii() and c.isalnum()).lower()


def test_every_category_of_2021_has_one_of_2001_and_the_same_broad_group() -> None:
    crosswalk = ethnic_crosswalk()
    assert set(crosswalk) == {entry.code for entry in load_code_list("ethnic_category_2021").codes}
    groups_2001 = load_code_list("ethnic_category_2001").groups()
    groups_2021 = load_code_list("ethnic_category_2021").groups()
    assert all(groups_2001[old] == group == groups_2021[new] for new, (old, group) in crosswalk.items())
    assert set(groups_2001) - {old for old, _ in crosswalk.values()} == set()
    assert {entry.code for entry in load_code_list("ethnic_group").codes} == set(groups_2021.values())


def test_packaged_areas_are_139_lsoas_nested_in_msoas_with_a_decile_each() -> None:
    areas = packaged_areas()
    assert len({area.lsoa21 for area in areas}) == 139
    assert {area.lsoa21[:3] for area in areas} == {"E01"}
    assert {area.msoa21[:3] for area in areas} == {"E02"}
    assert {area.local_authority for area in areas} == {"E08000009"}
    assert all(1 <= area.imd_decile <= 10 for area in areas)
    ranked = sorted(areas, key=lambda area: area.imd_rank)
    assert [area.imd_decile for area in ranked] == sorted(area.imd_decile for area in areas)
