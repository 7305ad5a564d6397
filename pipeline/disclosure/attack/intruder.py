"""The motivated intruder: a neighbour who knows one household and every open register.

The neighbour knows where the household lives and all that its street and the open registers tell
(council tax band, EPC certificate, tenure, the number of households), picks every printed group it is
in, and asks of each: is it alone there; must everybody in the group have what the table counts; can
nobody? The test is scripted over all groups of a release, so it finds what any neighbour of any
household could. Its dated record is what the ICO asks for (anonymisation guidance, March 2025).
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from pipeline.disclosure.attack.release_files import ReleaseFiles, load_cells

_GROUPS = """
WITH pair AS (
    SELECT
        numerator.value AS numerator,
        numerator.shorthand AS shorthand,
        denominator.value AS denominator
    FROM released AS numerator
    INNER JOIN released AS denominator
        ON denominator.table_id = numerator.table_id
       AND denominator.measure = numerator.denominator_measure
       AND denominator.group_id = numerator.group_id
    WHERE numerator.kind = 'count'
      AND numerator.denominator_measure IS NOT NULL
      AND denominator.value IS NOT NULL
)
SELECT
    COUNT(*) AS groups,
    COUNT(*) FILTER (denominator + $reach <= 1) AS alone,
    COUNT(*) FILTER (numerator IS NOT NULL AND numerator - $reach >= denominator + $reach) AS everybody_has,
    COUNT(*) FILTER (numerator = 0) AS nobody_has,
    MAX(numerator / denominator) AS largest_share
FROM pair
"""


@dataclass(frozen=True)
class IntruderRecord:
    """What the intruder achieved on one release.

    groups: printed groups a household can be placed in. singled_out: groups of one. learnt: groups in
    which an attribute of every member is certain. largest_share: the strongest guess, 0 to 1.
    """

    release_id: str
    on: date
    groups: int
    singled_out: int
    learnt: int
    largest_share: float | None

    @property
    def outcome(self) -> str:
        """ "nothing learnt" or "disclosure"."""
        return "disclosure" if self.singled_out or self.learnt else "nothing learnt"

    def record(self) -> dict[str, Any]:
        """Return the record for the information-governance report."""
        return {**self.__dict__, "on": self.on.isoformat(), "outcome": self.outcome}


def intrude(connection: duckdb.DuckDBPyConnection, release: ReleaseFiles, on: date) -> IntruderRecord:
    """Try every group of a release as its members' neighbour."""
    load_cells(connection, release, "released")
    rules = release.rules
    reach = rules.rounding_base // 2 + rules.noise_bound
    groups, alone, everybody, nobody, share = connection.execute(_GROUPS, {"reach": reach}).fetchall()[0]
    return IntruderRecord(
        release.release_id,
        on,
        int(groups),
        int(alone),
        int(everybody) + int(nobody),
        None if share is None else round(float(share), 3),
    )
