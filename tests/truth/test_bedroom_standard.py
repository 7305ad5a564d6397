"""The bedroom standard on everyone who really lives in the sample, against their true relationships.

The rule sees ages, sexes and whether a home is in multiple occupation. It is given the true people, so a
difference is due to the rule and to nothing else.
"""

import duckdb
import pandas as pd
import pytest

from pipeline.engine.statements import Statements
from tests.truth.rooms import rooms_needed
from tests.truth.sample_population import SAMPLE, sample_population

pytestmark = pytest.mark.slow

#: Percentage points.
LARGEST_BIAS = 0.5
#: Homes of a smaller group: one or two of them are half a percentage point.
LARGE = 1000
_FAMILIES = {"white": "ABC", "mixed": "DEFG", "asian": "HJKLR", "black": "MNP", "other": "S"}
GROUPS = {category: group for group, categories in _FAMILIES.items() for category in categories}


@pytest.fixture(scope="module")
def homes() -> pd.DataFrame:
    """One row per home: overcrowded by relationships and by the rule, and the group of its first resident."""
    people = sample_population().people
    recorded = pd.read_parquet(SAMPLE / "truth" / "properties.parquet").set_index("council_record_id")
    recorded = recorded[~recorded.index.duplicated()]
    given = pd.DataFrame(
        {
            "household_pseudonym": people["home"],
            "person_pseudonym": people.index,
            "age_years": people["age"],
            "sex": people["is_female"].map({True: "2", False: "1"}),
        }
    )
    with duckdb.connect() as connection:
        connection.register("given", given)
        connection.execute("CREATE TABLE household_member AS SELECT * FROM given")
        listed = pd.DataFrame(
            {"household_pseudonym": recorded.index, "is_hmo": (recorded["kind"] == "hmo").to_numpy()}
        )
        connection.register("listed", listed)
        connection.execute("CREATE TABLE council_dwelling AS SELECT * FROM listed")
        connection.execute(Statements("pipeline.household").read("78_bedroom_standard"))
        by_rule = connection.sql("SELECT * FROM bedroom_standard").df().set_index("household_pseudonym")
    found = pd.DataFrame({"true": rooms_needed(people)})
    found["rule"] = by_rule["bedrooms_required"]
    assert found["rule"].notna().all()
    bedrooms = recorded["bedrooms"].reindex(found.index)
    first = people.groupby("home").first().reindex(found.index)
    return pd.DataFrame(
        {
            "true": bedrooms < found["true"],
            "rule": bedrooms < found["rule"],
            "group": first["ethnic_category"].map(GROUPS),
            "composition": recorded["composition"].reindex(found.index),
        }
    )


def bias(homes: pd.DataFrame) -> float:
    """Return overcrowding by the rule less true overcrowding, in percentage points."""
    return 100 * float(homes["rule"].mean() - homes["true"].mean())


def test_the_rule_finds_the_true_share_of_overcrowded_homes(homes: pd.DataFrame) -> None:
    assert 100 * homes["true"].mean() == pytest.approx(3.0, abs=0.1)
    assert abs(bias(homes)) < 0.2


def test_no_large_ethnic_group_is_shown_more_or_less_overcrowded_than_it_is(homes: pd.DataFrame) -> None:
    found = {str(name): bias(rows) for name, rows in homes.groupby("group") if len(rows) >= LARGE}
    assert {"asian", "white"} <= set(found)
    assert {name: value for name, value in found.items() if abs(value) > LARGEST_BIAS} == {}


def test_small_groups_differ_by_no_more_than_a_few_homes(homes: pd.DataFrame) -> None:
    for name, rows in homes.groupby("group"):
        assert abs(rows["rule"].sum() - rows["true"].sum()) <= max(4, LARGEST_BIAS / 100 * len(rows)), name


@pytest.mark.parametrize(
    "composition", ["couple_children", "couple_mid", "couple_over_65", "lone_parent", "one_person"]
)
def test_common_household_types_are_without_bias(homes: pd.DataFrame, composition: str) -> None:
    assert abs(bias(homes[homes["composition"] == composition])) <= LARGEST_BIAS
