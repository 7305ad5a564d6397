"""P1, primary suppression: which counts are too small to publish.

The minimum is set by the data sharing agreement. It is a minimum of distinct households and, for tables of
residents, also of distinct persons: ten children of two families count as two. Zeros are too small as well,
because they disclose an attribute that a whole group does not have.
Source: NHS Digital and GSS guidance on small numbers; disclosure-control.md P1.
"""

import duckdb

from pipeline.disclosure.profile import Profile
from pipeline.disclosure.statements import create_table


def suppress_primary(connection: duckdb.DuckDBPyConnection, profile: Profile) -> int:
    """Create `primary_hidden` from `count`: one row per hidden count (count_id); returns its rows."""
    return create_table(
        connection, "primary_hidden", "primary", minimum_cell_count=profile.minimum_cell_count
    )
