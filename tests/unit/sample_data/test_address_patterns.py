"""The set-based recorder errs as the address-errors package does."""

from collections import Counter

import numpy as np
import pytest

from sample_data.defects.address_patterns import COMPONENTS, Item, Vocabulary, describe, learn, shapes
from sample_data.defects.addresses import into_lines, joined_lines
from sample_data.defects.addresses_by_package import PackageRecorder
from sample_data.defects.addresses_by_pattern import PatternRecorder
from sample_data.housing.dwellings import lay_out
from sample_data.population.geography import blocks

PACKAGE = PackageRecorder("leeds", 1.6, 0.05, "nhs0")


@pytest.fixture(scope="module")
def town():
    """A town that is not the one the patterns are learned from."""
    return lay_out(blocks(9_000, 23, (), 20_000)[0], 23, 1)


@pytest.fixture(scope="module")
def by_package(town):
    return PACKAGE.record(town, 23)


@pytest.fixture(scope="module")
def by_pattern(town):
    return PatternRecorder(PACKAGE).record(town, 23)


def families(edits: np.ndarray, flats: np.ndarray) -> Counter[str]:
    """Records by family of edit: SU, BN, PN, ST, TX, FM, DQ, NOISE, PC, LB."""
    found: Counter[str] = Counter()
    for text in edits.tolist():
        found.update({("NOISE" if e.startswith("NOISE") else e[:2]) for e in text.split("|") if e})
    return found


def test_error_families_are_as_frequent_as_the_packages_own(town, by_package, by_pattern):
    package, pattern = (families(r.edits, town.is_flat) for r in (by_package, by_pattern))
    rows = len(town)
    assert abs((by_package.edits != "").mean() - (by_pattern.edits != "").mean()) < 0.03
    for family in ("SU", "BN", "PN", "ST", "NOISE", "PC"):
        expected, found = package[family] / rows, pattern[family] / rows
        # buildings share an edit, so counts vary more than single records would
        assert abs(found - expected) < 0.004 + 0.45 * expected, family


def test_words_are_changed_as_often_as_by_the_package(town, by_package, by_pattern):
    for component in ("street_name", "town", "building", "number"):
        values = getattr(town, component)
        written = [np.char.upper(joined_lines(r.lines)) for r in (by_package, by_pattern)]
        here = values != ""
        kept = [
            np.mean([v in text for v, text in zip(values[here].tolist(), texts[here].tolist(), strict=True)])
            for texts in written
        ]
        assert abs(kept[0] - kept[1]) < 0.03, component


def test_postcodes_slip_as_often_and_stay_near(town, by_package, by_pattern):
    slips = [(r.postcode != town.postcode).mean() for r in (by_package, by_pattern)]
    assert slips[1] == pytest.approx(slips[0], abs=0.008)
    moved = by_pattern.postcode != town.postcode
    same_sector = [
        a[:-2] == b[:-2] for a, b in zip(by_pattern.postcode[moved], town.postcode[moved], strict=True)
    ]
    assert 0.2 < np.mean(same_sector) < 0.9


def test_almost_every_recorded_address_is_explained_by_a_pattern(town, by_package):
    quiet = PackageRecorder("leeds", 1.6, 0.0, "nhs0").record(town, 23)
    book = learn(town, quiet)
    assert book.unexplained < 0.02
    assert set(book.by_shape) <= set(np.unique(shapes(town)).tolist())


def test_the_recorder_repeats_itself_under_one_seed_and_varies_under_another(town, by_pattern):
    again = PatternRecorder(PACKAGE).record(town, 23)
    other = PatternRecorder(PACKAGE).record(town, 24)
    assert (again.lines == by_pattern.lines).all()
    assert (again.postcode == by_pattern.postcode).all()
    assert (other.lines != by_pattern.lines).any()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "FLAT 3, MILL HOUSE, 12 HIGH STREET, SALE",
            "sub_name:same / building:same / number:same street_name:same / town:same",
        ),
        (
            "3 MILL HOUSE, 12 HIGH STREET, SALE",
            "sub_name:unit building:same / number:same street_name:same / town:same",
        ),
        ("FLAT 3, 12 HIGH ST, SALE", "sub_name:same / number:same street_name:abbreviated / town:same"),
        (
            "FLAT 3, MILLHOUSE, 12 HIHG STREET, SALE",
            "sub_name:same / building:joined / number:same street_name:misspelt / town:same",
        ),
        (
            "APARTMENT 3, MILL HOUSE, 11 HIGH STREET",
            ":APARTMENT sub_name:unit / building:same / number:moved-1 street_name:same",
        ),
        (
            "FLAT 3, MILL HOUSE, OTHER ROAD, SALE",
            "sub_name:same / building:same / street_name:another / town:same",
        ),
    ],
)
def test_a_pattern_says_how_an_address_was_written(text, expected):
    parts = dict(zip(COMPONENTS, ("FLAT 3", "MILL HOUSE", "12", "HIGH STREET", "", "SALE"), strict=True))
    pattern = describe(text, parts, Vocabulary({"HIGH STREET", "OTHER ROAD"}, {"MILL HOUSE"}))
    assert pattern is not None
    assert " / ".join(" ".join(f"{i.component}:{i.transform}" for i in part) for part in pattern) == expected


def test_words_that_nothing_explains_are_no_pattern():
    parts = dict.fromkeys(COMPONENTS, "") | {"number": "12", "street_name": "HIGH STREET", "town": "SALE"}
    vocabulary = Vocabulary({"HIGH STREET"}, set())
    assert describe("12 HIGH STREET, XYLOPHONE 9Q, SALE", parts, vocabulary) is None


def test_lines_split_at_commas_and_join_again():
    lines = into_lines(np.array(["A, B, C, D, E, F", "A", ""]))
    assert lines.tolist() == [["A", "B", "C", "D", "E, F"], ["A", "", "", "", ""], ["", "", "", "", ""]]
    assert joined_lines(lines).tolist() == ["A, B, C, D, E, F", "A", ""]
    assert Item("", "FLAT").component == ""
