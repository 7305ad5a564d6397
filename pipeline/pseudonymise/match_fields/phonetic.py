"""Phonetic codes for surnames used in Britain, including South Asian and Polish ones.

The method is Metaphone, which was made for English spelling. `tables/phonetic_respelling.csv` first changes
spellings that it would misread (Polish sz and cz, South Asian kh, ee and final h).
"""

import re
from functools import cache, lru_cache

import jellyfish

from pipeline.pseudonymise.match_fields.tables import read_rows


@lru_cache(maxsize=100_000)
def phonetic_code(name: str) -> str | None:
    """Return the phonetic code of a name in plain upper case (see `plain_upper`); None if it has no sound."""
    for pattern, respelt in _respellings():
        name = pattern.sub(respelt, name)
    return jellyfish.metaphone(name).replace(" ", "") or None


@cache
def _respellings() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(row[0]), row[1]) for row in read_rows("phonetic_respelling"))
