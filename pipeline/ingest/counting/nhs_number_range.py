"""NHS numbers of the test range: they begin with 999, are valid, and are never issued to anyone.

Source: NHS England, synthetic data in live environments. In single-operator custody every NHS number must be
of this range (rule ING-10), so invented people are recognised by their data.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

TEST_PREFIX = "999"
_WEIGHTS = np.arange(10, 0, -1)
_SEPARATORS = r"[\s\x{00A0}\x{2007}\x{202F}\x{2010}-\x{2015}-]"


@dataclass(frozen=True)
class NhsNumberCount:
    """How many valid NHS numbers a column states, and how many of them are outside the test range."""

    stated: int = 0
    outside: int = 0

    def __add__(self, other: "NhsNumberCount") -> "NhsNumberCount":
        return NhsNumberCount(self.stated + other.stated, self.outside + other.outside)


def count_nhs_numbers(cells: pa.Array) -> NhsNumberCount:
    """Count the valid NHS numbers of a column of text, as `sql/nhs_number.sql` recognises them."""
    text = pc.replace_substring_regex(pc.utf8_trim_whitespace(cells), _SEPARATORS, "")
    text = pc.replace_substring_regex(text, r"\.0*$", "")
    ten = text.filter(pc.match_substring_regex(text, "^[0-9]{10}$"))
    if isinstance(ten, pa.ChunkedArray):
        ten = ten.combine_chunks()
    if not len(ten):
        return NhsNumberCount()
    number = ten.cast(pa.int64()).to_numpy()
    digits = number[:, None] // 10 ** np.arange(9, -1, -1) % 10
    valid = ((digits * _WEIGHTS).sum(axis=1) % 11 == 0) & (digits != digits[:, :1]).any(axis=1)
    is_test = number // 10**7 == int(TEST_PREFIX)
    return NhsNumberCount(int(valid.sum()), int((valid & ~is_test).sum()))
