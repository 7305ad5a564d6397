"""The page on the linkage method shows the model that ships, and every level that the code declares."""

from dataclasses import replace

import pytest

from flows.actions.linkage_method_page import PAGE, begin, with_method_tables
from pipeline.link.comparison import SCORECARDS
from pipeline.link.explain.method_tables import method_tables
from pipeline.link.model import Parameters, default_model
from pipeline.pseudonymise.match_fields import ADDRESS_FIELDS, PERSON_FIELDS


def test_the_page_shows_the_model_that_ships() -> None:
    page = PAGE.read_text("utf-8")
    assert with_method_tables(page, default_model()) == page, "run `make docs`"


def test_every_level_is_shown_with_its_weight() -> None:
    model, tables = default_model(), method_tables(default_model())
    for card, comparisons in SCORECARDS.items():
        rows = tables[f"scorecard {card}"].splitlines()
        for comparison in comparisons:
            for level in comparison.levels:
                weight = model.scorecards[card].levels[comparison.name][level.id].match_weight
                assert any(
                    f"| {level.meaning} | `{level.id}` |" in row and f"| {weight:+.4f} |" in row
                    for row in rows
                ), (card, comparison.name, level.id)


def test_every_token_is_shown() -> None:
    rows = method_tables(default_model())["tokens"]
    assert all(f"| `{field.name}` |" in rows for field in (*ADDRESS_FIELDS, *PERSON_FIELDS))


def test_another_model_gives_another_page() -> None:
    model = default_model()
    card = model.scorecards["recorded"]
    people = {**card.levels["people"], "nobody": Parameters(0.5, 0.25, -1.2345)}
    other = replace(
        model,
        scorecards={
            **model.scorecards,
            "recorded": replace(card, levels={**card.levels, "people": people}, upper_match_weight=1.5),
        },
    )
    page = PAGE.read_text("utf-8")
    changed = with_method_tables(page, other)
    assert all(text in changed for text in ("-1.2345", "| +1.5 |", other.digest))
    assert with_method_tables(changed, model) == page


def test_a_page_without_a_marker_is_refused() -> None:
    page = PAGE.read_text("utf-8").replace(begin("tokens"), "")
    with pytest.raises(ValueError, match="tokens"):
        with_method_tables(page, default_model())
