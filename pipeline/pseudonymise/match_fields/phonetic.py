"""Phonetic codes fit for surnames heard in Britain, South Asian and Polish ones among them.

Metaphone was made for English spelling. `tables/phonetic_respelling.csv` first respells what
it would misread (Polish sz and cz, South Asian kh, ee and final h); the code follows.
"""

import re
from functools import cache, lru_cache

import jellyfish

from pipeline.pseudonymise.match_fields.tables import read_rows


@lru_cache(maxsize=100_000)
def phonetic_code(name: str) -> str | None:
    """Return the phonetic code of a plain upper-case name; None when nothing is left to hear."""
    for pattern, respelt in _respellings():
        name = pattern.sub(respelt, name)
    return jellyfish.metaphone(name).replace(" ", "") or None


@cache
def _respellings() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(row[0]), row[1]) for row in read_rows("phonetic_respelling"))
