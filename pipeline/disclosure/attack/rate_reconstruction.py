"""Attack 6, rate reconstruction: a percentage with decimals can follow from only one pair of exact counts.

A rate is safe if it is the rate of the published counts, rounded as printed: it then adds no information. For
any other rate, the attack counts the pairs of whole numbers, within the bounds of the counts, that result in
it. If there is only one pair, the attack succeeds.
"""

import duckdb
import numpy as np

from pipeline.disclosure.attack.amounts import attack_amounts
from pipeline.disclosure.attack.interval import attack_intervals
from pipeline.disclosure.attack.outcome import AttackOutcome
from pipeline.disclosure.attack.release_files import ReleaseFiles, create_parts, load_cells

NUMBER, NAME = 6, "rate reconstruction"
#: Largest denominator tried for a rate whose counts are hidden.
_LARGEST_DENOMINATOR = 400
_DECIMALS = 1


def attack(connection: duckdb.DuckDBPyConnection, release: ReleaseFiles) -> AttackOutcome:
    """Try to find the counts behind every printed percentage and its limits, and the amounts behind means."""
    load_cells(connection, release, "released")
    create_parts(connection)
    rates = connection.execute(
        """
        SELECT value, numerator, denominator, numerator IS NOT NULL AND denominator IS NOT NULL
        FROM printed_part
        WHERE kind = 'percent'
        ORDER BY ALL
        """
    ).fetchall()
    rules = release.rules
    reach = rules.rounding_base // 2 + rules.noise_bound
    unlike = single = hidden_parts = 0
    for value, numerator, denominator, has_counts in rates:
        if has_counts and _follows_from_print(value, numerator, denominator):
            continue
        unlike += 1
        hidden_parts += not has_counts
        bounds = (
            (numerator - reach, numerator + reach, denominator - reach, denominator + reach)
            if has_counts
            else (0, _LARGEST_DENOMINATOR, rules.minimum_cell_count, _LARGEST_DENOMINATOR)
        )
        single += _pairs_that_give(value, *(int(b) for b in bounds)) == 1
    findings, figures = attack_amounts(connection, rules)
    of_intervals, tried = attack_intervals(release)
    return AttackOutcome.of(
        NUMBER,
        NAME,
        {
            "RATE_NOT_FROM_PUBLISHED_COUNTS": unlike,
            "RATE_OF_HIDDEN_COUNTS": hidden_parts,
            "RATE_UNPICKED": single,
            **findings,
            **of_intervals,
        },
        {"rates": len(rates), **figures, **tried},
    )


def _follows_from_print(value: float, numerator: float, denominator: float) -> bool:
    """Answer whether a rate is that of the printed counts, rounded in either direction at a tie."""
    is_rounded = abs(value - round(value, _DECIMALS)) < 1e-9
    return is_rounded and abs(value - 100 * numerator / denominator) <= 0.5 * 10.0**-_DECIMALS + 1e-9


def _pairs_that_give(
    value: float, least_numerator: int, most_numerator: int, least_denominator: int, most_denominator: int
) -> int:
    """Return how many pairs of whole numbers within bounds result in a percentage as it is printed."""
    numerators = np.arange(max(0, least_numerator), most_numerator + 1)
    denominators = np.arange(max(1, least_denominator), most_denominator + 1)
    shares = 100.0 * numerators[:, None] / denominators[None, :]
    printed = repr(float(value))
    decimals = len(printed.split(".")[1]) if "." in printed else 0
    close = 0.5 * 10.0**-decimals if decimals <= 6 else 1e-9
    possible = (np.abs(shares - value) <= close + 1e-12) & (numerators[:, None] <= denominators[None, :])
    return int(possible.sum())
