"""P2, attribute disclosure: a published distribution must not disclose an attribute of a whole group.

For variables that the register marks as sensitive, the distribution of a group is hidden if one category has
no one, or at least the agreed share (90% by default) of the group, or if fewer than two categories may be
published. For a yes-or-no measure only a large share of yes counts: that most people are not in treatment
discloses nothing about any of them.
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
    """Create `attribute_hidden` from `appearance` and `primary_hidden`; returns its rows.

    One row per count that is hidden: count_id.
    """
    for table, column, names in (
        ("sensitive_measure", "measure", sensitive_measures),
        ("sensitive_dimension", "dimension", sensitive_dimensions),
    ):
        connection.execute(f"CREATE OR REPLACE TABLE {table} ({column} VARCHAR)")
        for name in sorted(set(names)):
            connection.execute(f"INSERT INTO {table} VALUES ($name)", {"name": name})
    return create_table(connection, "attribute_hidden", "attribute", dominant_share=profile.dominant_share)
