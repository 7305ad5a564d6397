"""P1, primary suppression: which counts are too small to publish.

The minimum comes from the data sharing agreement, never from here. It is a minimum of
distinct households and, for tables of residents, of distinct persons: ten children of
two families are two families. Zeros are small too: they tell what a whole group lacks.
Source: NHS Digital and GSS guidance on small numbers; disclosure-control.md P1.
"""

import duckdb

from pipeline.disclosure.profile import Profile
from pipeline.disclosure.statements import create_table


def suppress_primary(connection: duckdb.DuckDBPyConnection, profile: Profile) -> int:
    """Create `primary_hidden` (count_id) from `count`; returns how many counts are hidden."""
    return create_table(
        connection, "primary_hidden", "primary", minimum_cell_count=profile.minimum_cell_count
    )
