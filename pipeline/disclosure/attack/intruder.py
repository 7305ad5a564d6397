"""The motivated intruder: a neighbour with knowledge of one household and every open register.

The neighbour has the household's address and everything that can be seen or is in open registers (council
tax band, EPC certificate, tenure, number of households). For every printed group that the household belongs
to, the test checks three things: whether the group has only one member, whether all of its members must have
the counted attribute, and whether none of them can have it. The test covers all groups of a release, so it
covers every neighbour of every household. It produces the dated record that the ICO's anonymisation guidance
(March 2025) recommends.
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
    COUNT(*) FILTER (denominator + $reach <= 1) AS of_one,
    COUNT(*) FILTER (numerator IS NOT NULL AND numerator - $reach >= denominator + $reach) AS all_have,
    COUNT(*) FILTER (numerator = 0) AS none_has,
    MAX(numerator / denominator) AS largest_share
FROM pair
"""


@dataclass(frozen=True)
class IntruderRecord:
    """What the intruder achieved with one release.

    groups: number of printed groups that a household can belong to. singled_out: groups with one member.
    learnt: groups in which an attribute of every member is certain. largest_share: largest printed share of a
    group that has an attribute, from 0 to 1; None without groups.
    """

    release_id: str
    on: date
    groups: int
    singled_out: int
    learnt: int
    largest_share: float | None

    @property
    def outcome(self) -> str:
        """The result in words: "nothing learnt" or "disclosure"."""
        return "disclosure" if self.singled_out or self.learnt else "nothing learnt"

    def record(self) -> dict[str, Any]:
        """Return the record for the information-governance report."""
        return {**self.__dict__, "on": self.on.isoformat(), "outcome": self.outcome}


def intrude(connection: duckdb.DuckDBPyConnection, release: ReleaseFiles, on: date) -> IntruderRecord:
    """Test every printed group of a release. on: the date of the record."""
    load_cells(connection, release, "released")
    rules = release.rules
    reach = rules.rounding_base // 2 + rules.noise_bound
    groups, of_one, all_have, none_has, share = connection.execute(_GROUPS, {"reach": reach}).fetchall()[0]
    return IntruderRecord(
        release.release_id,
        on,
        int(groups),
        int(of_one),
        int(all_have) + int(none_has),
        None if share is None else round(float(share), 3),
    )
