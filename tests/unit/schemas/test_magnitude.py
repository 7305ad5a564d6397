"""Means and percentiles as data: what is registered, and what the form refuses."""

import pytest

from schemas.magnitude import magnitudes, parse_magnitudes
from schemas.measure import measures
from schemas.strict_yaml import DefinitionInvalid
from schemas.table import parse_tables, tables

MEAN = {"kind": "mean", "of": "long_term_conditions", "among": "older_residents"}
MEDIAN = {
    "kind": "percentile",
    "of": "age_years",
    "among": "residents_of_known_age",
    "percent": 50,
    "band_width": 10,
}


def parse(entry: dict[str, object]) -> None:
    told = {"name": "amount", "title": "T", "period": "P", "source": "S"} | entry
    lines = "\n".join(f"  {key}: {value}" for key, value in told.items())
    parse_magnitudes("test", "-\n" + lines, measures())


def test_every_registered_magnitude_stands_in_a_table_beside_the_count_it_is_taken_over() -> None:
    standing = {name: table for table in tables().values() for name in table.magnitudes}
    assert set(standing) == set(magnitudes())
    for name, table in standing.items():
        assert magnitudes()[name].among in table.measures
    assert {m.kind for m in magnitudes().values()} == {"mean", "percentile"}


@pytest.mark.parametrize("entry", [MEAN, MEDIAN, MEDIAN | {"percent": 90, "band_width": 5}])
def test_a_mean_and_a_percentile_are_accepted(entry: dict[str, object]) -> None:
    parse(entry)


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (MEAN | {"kind": "maximum"}, "kind must be one of mean, percentile"),
        (MEAN | {"kind": "minimum"}, "kind must be one of mean, percentile"),
        (MEAN | {"kind": "mode"}, "kind must be one of mean, percentile"),
        (MEAN | {"decimals": 6}, "unknown key decimals"),
        (MEAN | {"among": "residents_admitted"}, "plain count"),
        (MEAN | {"among": "nobody"}, "plain count"),
        (MEAN | {"of": "sex"}, "sex is not an attribute of a resident with type count"),
        (MEAN | {"among": "residents"}, "whose long_term_conditions is known"),
        (MEAN | {"name": "residents"}, "a measure already has this name"),
        (MEDIAN | {"percent": 100}, "percent must be a whole number from 10 to 90"),
        (MEDIAN | {"percent": 0}, "percent must be a whole number from 10 to 90"),
        (MEDIAN | {"band_width": 1}, "band_width must be a whole number from 5"),
        (MEDIAN | {"band_width": 7}, "multiple of 5"),
        (MEDIAN | {"band_width": "true"}, "band_width must be a whole number"),
    ],
)
def test_what_would_print_one_household_or_too_finely_is_refused(
    entry: dict[str, object], fault: str
) -> None:
    with pytest.raises(DefinitionInvalid, match=fault):
        parse(entry)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("[no_such_amount]", "no_such_amount is not a magnitude"),
        ("[median_age]", "median_age needs residents_of_known_age"),
    ],
)
def test_a_table_needs_the_count_that_its_magnitude_is_taken_over(given: str, fault: str) -> None:
    entry = (
        "- {name: t, title: T, measures: [residents], dimensions: [], area_levels: [LAD], "
        f"magnitudes: {given}}}"
    )
    with pytest.raises(DefinitionInvalid, match=fault):
        parse_tables("test", entry, measures())
