"""Invented identifiers: NHS numbers of the test range with valid check digits, and record ids."""

from functools import cache

import numpy as np

from sample_data.population.draws import Texts, Whole

#: 999 is the range reserved for tests; it has 909,091 valid numbers. No other range certainly belongs to no
#: one, so in a larger population the others have no NHS number.
TEST_PREFIX = 999
#: Means "no NHS number".
NONE = 0
_WEIGHTS = np.array([10, 9, 8, 7, 6, 5, 4, 3, 2])


def check_digits(nine_digits: Whole) -> Whole:
    """Return the mod 11 check digit of each nine-digit number; 10 where the number is invalid."""
    digits = nine_digits[:, None] // 10 ** np.arange(8, -1, -1) % 10
    check = 11 - (digits * _WEIGHTS).sum(axis=1) % 11
    return np.where(check == 11, 0, check)


@cache
def _valid(prefix: int, seed: int) -> Whole:
    body = prefix * 1_000_000 + np.arange(1_000_000)
    check = check_digits(body)
    numbers = (body * 10 + check)[check < 10]
    return np.random.default_rng([seed, prefix]).permutation(numbers)


def nhs_numbers(first: int, count: int, seed: int) -> Whole:
    """Return `count` distinct NHS numbers, from position `first` of the seed's shuffled test range.

    NONE where the range is used up.
    """
    taken = _valid(TEST_PREFIX, seed)[first : first + count]
    return np.concatenate([taken, np.full(count - len(taken), NONE, dtype=np.int64)])


def record_ids(prefix: str, first: int, count: int) -> Texts:
    """Return record ids: `prefix` and an eight-digit running number."""
    return np.char.add(prefix, np.char.zfill((first + 1 + np.arange(count)).astype("<U8"), 8))
