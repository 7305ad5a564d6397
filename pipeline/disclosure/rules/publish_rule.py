"""P4, the publish rule: what is published for a count, and for a percentage.

A count is published, rounded to the base, if it reaches the minimum before and after noise is added;
otherwise `[c]` is. Totals have noise of their own, so parts need not add up to their total. This is
documented and not repaired, because repairing it would remove the noise.

A percentage is calculated only from published counts. It is published if numerator, denominator and
complement all reach the minimum; otherwise `[c]` is. If rounding and noise could change it by a third, `[u]`
is published. Source: disclosure-control.md P4; OpenSAFELY (rates from rounded counts).
"""

import duckdb

from pipeline.disclosure.profile import Profile
from pipeline.disclosure.statements import create_table


def apply_publish_rule(connection: duckdb.DuckDBPyConnection, profile: Profile) -> None:
    """Create `count_value` (one row per count) and `rate` (one row per numerator of a table).

    Reads `appearance`, `count`, `count_noise` and `hidden`.
    """
    create_table(
        connection,
        "count_value",
        minimum_cell_count=profile.minimum_cell_count,
        rounding_base=profile.rounding_base,
    )
    largest_error = profile.noise_bound + profile.rounding_base // 2
    create_table(
        connection,
        "rate",
        minimum_cell_count=profile.minimum_cell_count,
        minimum_reliable_count=3 * largest_error,
    )


def round_to_base(count: int, base: int) -> int:
    """Return the multiple of `base` nearest to a count; the upper one if two are equally near."""
    return (count + base // 2) // base * base
