"""Counts values of a received column that its contract does not allow.

The contract of the pseudonymised table decides, as that of the extract does at ingest: code list, pattern,
bounds, and whether a value is required. A pseudonym must have the form of one, although it is hashed again
before it is stored.
"""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from schemas.code_list import load_code_list
from schemas.contract import Column, Contract

#: Returns the number of values of a column of a batch that are not allowed.
Check = Callable[[pa.Array], int]
#: A pseudonym: base32 of 20 bytes.
_PSEUDONYM = "[A-Z2-7]{32}"


def value_checks(contract: Contract) -> dict[str, Check]:
    """Return column -> check, for the columns whose values the contract restricts, except tokens."""
    checks = {column.name: _checks(column) for column in contract.columns if column.item_type is None}
    return {name: _sum_of(parts) for name, parts in checks.items() if parts}


def _checks(column: Column) -> tuple[Check, ...]:
    checks: list[Check] = []
    if column.required:
        checks.append(lambda values: int(values.null_count))
    if column.code_list is not None:
        codes = pa.array([code.code for code in load_code_list(column.code_list).codes], pa.string())
        checks.append(lambda values: _count(pc.invert(pc.is_in(values, value_set=codes)), values))
    elif column.logical_type == "string":
        whole = f"^(?:{column.pattern or _PSEUDONYM})$"
        checks.append(lambda values: _count(pc.invert(pc.match_substring_regex(values, whole)), values))
    if column.logical_type in ("integer", "number") and column.classification != "pseudonym":
        minimum, maximum = column.minimum, column.maximum
        if minimum is not None:
            checks.append(lambda values: _count(pc.less(values, minimum), values))
        if maximum is not None:
            checks.append(lambda values: _count(pc.greater(values, maximum), values))
    return tuple(checks)


def _sum_of(checks: tuple[Check, ...]) -> Check:
    return lambda values: sum(check(values) for check in checks)


def _count(is_wrong: pa.Array, values: pa.Array) -> int:
    """Return how many values are wrong; a null is not."""
    return int(pc.sum(pc.and_(is_wrong, pc.is_valid(values))).as_py() or 0)
