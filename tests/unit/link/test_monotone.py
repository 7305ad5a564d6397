"""More evidence never lowers a weight: in the order of levels, and in what pairs reach."""

from itertools import combinations, product

import duckdb
import pytest

from pipeline.link.comparison import PEOPLE, PLACE, SCORECARDS
from pipeline.link.level import Comparison
from pipeline.link.model import default_model
from pipeline.link.moves.comparison import ELSEWHERE

#: What may agree of each of two people.
PARTS = ("forename", "surname", "birth")
EVIDENCE = tuple((person, part) for person in "ab" for part in PARTS)


@pytest.mark.parametrize("card", SCORECARDS)
def test_no_level_of_the_shipped_model_weighs_less_than_one_with_less_evidence(card: str) -> None:
    for comparison in SCORECARDS[card]:
        weights = default_model().scorecards[card].levels[comparison.name]
        for more, less in comparison.at_least:
            assert weights[more].match_weight >= weights[less].match_weight, (comparison.name, more, less)


@pytest.mark.parametrize(
    ("comparison", "more", "less"),
    [
        (ELSEWHERE, "names_and_births", "name_and_birth"),
        (PEOPLE, "names", "part_name_and_birth"),
        (ELSEWHERE, "names", "part_name_and_birth"),
        (PLACE, "other_uprn_unit", "other_uprn_street"),
        (PLACE, "no_uprn_unit", "no_uprn_street"),
    ],
)
def test_each_order_that_was_once_wrong_is_required(comparison: Comparison, more: str, less: str) -> None:
    assert (more, less) in comparison.at_least


def _tokens(agreeing: frozenset[tuple[str, str]]) -> dict[str, list[str]]:
    """The tokens in common of a pair of units whose people agree in this."""
    found: dict[str, list[str]] = {}

    def share(column: str, *values: str) -> None:
        found.setdefault(column, []).extend(values)

    for person in "ab":
        forename, surname, birth = ((person, part) in agreeing for part in PARTS)
        if forename and surname:
            share("person_name_sector", person)
            share("person_name", person)
            share("undated_name", person)
            share("person_initial_surname_sector", person)
            share("person_phonetic_sector", person)
        if forename:
            share("person_forename_sector", person)
        if surname:
            share("person_surname_sector", person)
        if birth:
            share("person_birth_postcode", person)
        if forename and birth:
            share("person_forename_birth", person)
        if surname and birth:
            share("person_surname_birth", person)
        if forename and surname and birth:
            share("person_name_birth_part", *(f"{person}{n}" for n in range(3)))
    return found


COLUMNS = (
    "person_name_sector", "person_name", "undated_name", "unique_name", "person_initial_surname_sector",
    "person_phonetic_sector", "person_forename_sector", "person_surname_sector", "person_birth_postcode",
    "person_forename_birth", "person_surname_birth", "person_name_birth_part", "person_forename_premises",
    "person_surname_premises",
)  # fmt: skip


@pytest.mark.parametrize("people", [1, 2])
@pytest.mark.parametrize(("comparison", "card"), [(PEOPLE, "recorded"), (ELSEWHERE, "moved")])
def test_people_who_agree_in_more_never_weigh_less(comparison: Comparison, card: str, people: int) -> None:
    sets = [frozenset(chosen) for n in range(len(EVIDENCE) + 1) for chosen in combinations(EVIDENCE, n)]
    case = " ".join(f"WHEN {level.sql} THEN '{level.id}'" for level in comparison.levels if level.sql)
    reached = {}
    with duckdb.connect() as connection:
        for agreeing in sets:
            tokens = _tokens(agreeing)
            lists = ", ".join(
                f"{tokens.get(column, [])!r}::VARCHAR[] AS {column}_{side}"
                for column in COLUMNS
                for side in "lr"
            )
            sizes = f"{people} AS people_l, 2 AS people_r, FALSE AS is_empty_l, FALSE AS is_payer_only_l"
            (row,) = connection.execute(
                f"SELECT CASE {case} ELSE '{comparison.levels[-1].id}' END FROM (SELECT {lists}, {sizes})"
            ).fetchall()
            reached[agreeing] = row[0]
    weights = default_model().scorecards[card].levels[comparison.name]
    for less, added in product(sets, EVIDENCE):
        more = less | {added}
        assert weights[reached[more]].match_weight >= weights[reached[less]].match_weight, (
            reached[less],
            reached[more],
        )


@pytest.mark.parametrize("relation", ["same", "none", "other", "parent", "sibling"])
def test_an_address_that_agrees_in_more_never_weighs_less(relation: str) -> None:
    uprns = {
        "same": ("1", "NULL", "1", "NULL"),
        "none": ("1", "NULL", "NULL", "NULL"),
        "other": ("1", "NULL", "2", "NULL"),
        "parent": ("1", "9", "9", "NULL"),
        "sibling": ("1", "9", "2", "9"),
    }[relation]
    case = " ".join(f"WHEN {level.sql} THEN '{level.id}'" for level in PLACE.levels if level.sql)
    forms = ("address_unit_street", "address_unit_postcode", "address_exact")
    weights = default_model().scorecards["recorded"].levels["place"]
    found = []
    with duckdb.connect() as connection:
        for agreeing in range(len(forms) + 1):
            lists = ", ".join(
                f"['{'x' if n < agreeing else side}'] AS {form}_{side}"
                for n, form in enumerate(forms)
                for side in "lr"
            )
            names = ("uprn_l", "parent_uprn_l", "uprn_r", "parent_of_uprn_r")
            sides = ", ".join(f"{value} AS {name}" for name, value in zip(names, uprns, strict=True))
            (row,) = connection.execute(
                f"SELECT CASE {case} ELSE '{PLACE.levels[-1].id}' END"
                f" FROM (SELECT {lists}, {sides}, NULL AS previous_uprn_l)"
            ).fetchall()
            found.append(weights[row[0]].match_weight)
    assert found == sorted(found)
