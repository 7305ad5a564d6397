"""Part of attack 6: sums, means and percentiles, and amounts that a release must never print.

A mean is safe if it equals the printed sum divided by the printed count, rounded as printed, and the sum is
rounded too. For any other mean, the attack counts the pairs of a whole sum and a whole count that result in
it. If there is only one pair, the attack succeeds. A percentile must be the lower end of a band, and an
amount may only be printed if its count is.
"""

import math

import duckdb

from pipeline.disclosure.audit.published_system import PublicRules
from pipeline.disclosure.profile import FLOOR_ROUNDING_BASE

#: Kinds of values that a release may print. A minimum, maximum or mode is the figure of one household.
KINDS = ("count", "percent", "sum", "mean", "percentile")
_DECIMALS = 1


def attack_amounts(
    connection: duckdb.DuckDBPyConnection, rules: PublicRules
) -> tuple[dict[str, int], dict[str, int]]:
    """Return findings (code -> number) and figures (name -> number) of the amounts in `printed_part`."""
    found = dict.fromkeys(
        (
            "AMOUNT_OF_HIDDEN_COUNT",
            "AMOUNT_OF_UNKNOWN_KIND",
            "MEAN_NOT_FROM_PUBLISHED_SUM",
            "MEAN_UNPICKED",
            "PERCENTILE_NOT_BANDED",
            "SUM_NOT_ROUNDED",
        ),
        0,
    )
    rows = connection.execute(
        """
        SELECT kind, value, numerator, denominator
        FROM printed_part
        WHERE kind <> 'percent'
        ORDER BY ALL
        """
    ).fetchall()
    for kind, value, total, count in rows:
        found["AMOUNT_OF_UNKNOWN_KIND"] += kind not in KINDS
        found["AMOUNT_OF_HIDDEN_COUNT"] += count is None
        if kind == "sum":
            is_small = value < rules.minimum_cell_count
            found["SUM_NOT_ROUNDED"] += is_small or value % max(rules.rounding_base, FLOOR_ROUNDING_BASE) != 0
        elif kind == "percentile":
            found["PERCENTILE_NOT_BANDED"] += value % FLOOR_ROUNDING_BASE != 0
        elif kind == "mean" and not _follows_from_print(value, total, count):
            found["MEAN_NOT_FROM_PUBLISHED_SUM"] += 1
            found["MEAN_UNPICKED"] += count is not None and _pairs_that_give(value, count, rules) == 1
    return found, {"amounts": len(rows)}


def _follows_from_print(value: float, total: float | None, count: float | None) -> bool:
    """Answer whether a mean is the printed sum over the printed count, rounded either way at a tie."""
    is_rounded = abs(value - round(value, _DECIMALS)) < 1e-9
    parts = total is not None and count is not None and count > 0
    return parts and is_rounded and abs(value - total / count) <= 0.5 * 10.0**-_DECIMALS + 1e-9  # type: ignore[operator]


def _pairs_that_give(value: float, count: float, rules: PublicRules) -> int:
    """Return how many pairs of a whole sum and a possible count result in a mean as it is printed."""
    reach = rules.rounding_base // 2 + rules.noise_bound
    printed = repr(float(value))
    decimals = len(printed.split(".")[1]) if "." in printed else 0
    close = (0.5 * 10.0**-decimals if decimals <= 6 else 1e-9) + 1e-12
    least, most = max(1, int(count) - reach), int(count) + reach
    return sum(
        max(0, math.floor((value + close) * n) - math.ceil((value - close) * n) + 1)
        for n in range(least, most + 1)
    )
