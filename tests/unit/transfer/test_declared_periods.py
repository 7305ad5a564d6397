"""The periods that a signed package declares are days of the calendar."""

import pytest

from pipeline.transfer.contents import _is_period


@pytest.mark.parametrize(
    ("given", "is_sound"),
    [
        (["2025-04-01", "2026-02-28"], True),
        (["2026-02-28", "2026-02-28"], True),
        (["2025-04-01", "2026-02-29"], False),
        (["2025-04-31", "2026-02-28"], False),
        (["2026-02-28", "2026-02-27"], False),
        (["2025-04-01", None], False),
        (["2025-04-01"], False),
    ],
)
def test_an_impossible_day_of_a_period_makes_the_contents_invalid(given: object, is_sound: bool) -> None:
    assert _is_period(given) is is_sound
