"""P4, the publish rule: what is printed for a count, and for a percentage made of counts.

A count is printed when it has at least the minimum before and after noise, rounded to
the base; else `[c]`. Margins carry noise of their own, so parts need not sum to their
total: that is documented, never repaired, for repairing it would undo the noise.
A percentage is made of published counts alone and shown only where numerator,
denominator and complement each reach the minimum; `[u]` where rounding and noise could
move it by a third.
Source: disclosure-control.md P4; OpenSAFELY (rates from rounded counts).
"""

import duckdb

from pipeline.disclosure.profile import Profile
from pipeline.disclosure.statements import create_table


def apply_publish_rule(connection: duckdb.DuckDBPyConnection, profile: Profile) -> None:
    """Create `count_value` and `rate` from `count`, `count_noise` and `hidden`."""
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
    """Return the multiple of `base` nearest to a count, the upper one where two are as near."""
    return (count + base // 2) // base * base
