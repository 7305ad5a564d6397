"""P0, the table registry: only registered tables, for large enough areas, with few enough hidden cells.

The values of an area below its floor are not published (`[x]`). The floors are 40 households and 100 persons
for tables with one dimension or none, 400 and 1,000 for others, unless the agreement sets higher ones (they
were used for the 2001 Census). A table of which more than the agreed share would be hidden at an area level
is not produced at that level: it would be of little use to analysts and help attackers.
"""

from dataclasses import dataclass

import duckdb

from pipeline.disclosure.profile import Profile
from pipeline.disclosure.statements import create_table
from schemas.measure import measures


@dataclass(frozen=True)
class NotProduced:
    """A measure of a table that is not produced at an area level.

    cells: number of cells it would have. hidden_cells: how many of these would be hidden.
    """

    table_id: str
    measure: str
    area_level: str
    cells: int
    hidden_cells: int


def find_areas_below_floor(connection: duckdb.DuckDBPyConnection, profile: Profile) -> int:
    """Create `below_floor` (table_id, area_level, area_code): one row per area left out; returns its rows."""
    return create_table(
        connection,
        "below_floor",
        floor_households=profile.floor_households,
        floor_persons=profile.floor_persons,
        floor_households_multiway=profile.floor_households_multiway,
        floor_persons_multiway=profile.floor_persons_multiway,
    )


def find_sparse_tables(connection: duckdb.DuckDBPyConnection, profile: Profile) -> tuple[NotProduced, ...]:
    """Create `too_sparse` from `appearance`, `hidden` and `below_floor`; returns what is not produced."""
    create_table(connection, "too_sparse", maximum_hidden_share=profile.maximum_hidden_share)
    rows = connection.execute(
        "SELECT table_id, count_measure, area_level, cells, hidden_cells FROM too_sparse ORDER BY ALL"
    ).fetchall()
    return tuple(NotProduced(*row) for row in rows)


@dataclass(frozen=True)
class Sensitivity:
    """Names of the measures and dimensions to which rule P2 applies."""

    measures: tuple[str, ...]
    dimensions: tuple[str, ...]


def read_sensitivity() -> Sensitivity:
    """Return what the register marks as sensitive."""
    return Sensitivity(tuple(name for name, measure in measures().items() if measure.sensitive), ())
