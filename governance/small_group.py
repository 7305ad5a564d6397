"""The label of a small group is itself a disclosure: small groups are merged before they are named anywhere.

A practice with one patient, or a code that one person has, tells about that person although no count is
shown. So a category with fewer records than the agreement's minimum is printed as part of "other (fewer than
10 records)".
"""

import re
from collections.abc import Mapping

_OTHER = re.compile(r"other \(fewer than [1-9][0-9]* records\)")


def other(minimum: int) -> str:
    """Return the name of the category that small groups are merged into."""
    return f"other (fewer than {minimum} records)"


def is_other(category: str) -> bool:
    """Answer whether a category is that of merged small groups, whatever the minimum."""
    return _OTHER.fullmatch(category) is not None


def merge_small(counts: Mapping[str, int], minimum: int) -> dict[str, int]:
    """Return the counts with those from 1 to below `minimum` added up under one name, last."""
    kept = {name: count for name, count in counts.items() if not 0 < count < minimum}
    small = sum(count for count in counts.values() if 0 < count < minimum)
    return kept | ({other(minimum): small} if small else {})
