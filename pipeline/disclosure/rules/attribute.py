"""P2, attribute disclosure: a published distribution must not tell what everyone in a group has.

For variables the register marks sensitive: a category that nobody of a group has, or at
least the agreed share of it (90%, so 100% too), hides that group's distribution; so do
fewer than two categories that may be published. Of a yes-or-no measure the yes is the
category at risk: that most people are not in treatment tells nothing about any of them.
Source: SDC Handbook (2nd ed.), attribute disclosure; disclosure-control.md P2.
"""

from collections.abc import Iterable

import duckdb

from pipeline.disclosure.profile import Profile
from pipeline.disclosure.statements import create_table


def suppress_attribute(
    connection: duckdb.DuckDBPyConnection,
    profile: Profile,
    sensitive_measures: Iterable[str],
    sensitive_dimensions: Iterable[str],
) -> int:
    """Create `attribute_hidden` (count_id) from `appearance` and `primary_hidden`; returns its rows."""
    for table, column, names in (
        ("sensitive_measure", "measure", sensitive_measures),
        ("sensitive_dimension", "dimension", sensitive_dimensions),
    ):
        connection.execute(f"CREATE OR REPLACE TABLE {table} ({column} VARCHAR)")
        for name in sorted(set(names)):
            connection.execute(f"INSERT INTO {table} VALUES ($name)", {"name": name})
    return create_table(connection, "attribute_hidden", "attribute", dominant_share=profile.dominant_share)
