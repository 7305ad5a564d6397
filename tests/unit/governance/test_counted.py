"""A count agrees with its noun."""

import pytest

from governance.counted import counted


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (0, ("row",), "0 rows"),
        (1, ("row",), "1 row"),
        (2, ("row",), "2 rows"),
        (20113, ("row",), "20,113 rows"),
        (1, ("entry", "entries"), "1 entry"),
        (83, ("entry", "entries"), "83 entries"),
        (1, ("person is", "people are"), "1 person is"),
        (12, ("person is", "people are"), "12 people are"),
    ],
)
def test_a_noun_is_singular_after_one_and_plural_after_any_other_count(
    number: int, words: tuple[str, ...], text: str
) -> None:
    assert counted(number, *words) == text
