"""Recall without the truth: two sources find the same true pairs, and what both miss follows from it.

One source is the place (same UPRN; for groups without one, the same address), the other is the names of
people. If a true pair is found by the one as often as by the other says it should be, the number that neither
finds is known: Lincoln and Petersen's estimate, in Chapman's form for small numbers.

Assumptions:

- closed population: both sources look at the same extracts;
- the sources are independent. This does not apply to a household that moved and whose address is old: the
  place is wrong, and the names are not there either. Such pairs are missed by both and not estimated, so the
  recall is that of pairs at the recorded address, and an upper limit for all;
- within a stratum (UPRN or not, size of the group) every pair is as likely to be found as any other;
- no false pairs: a pair counts with its probability.

Only pairs are counted in which people can be compared, so homes without a list are not part of it.

Source: D. Chapman, Univ. California Publ. Statist. 1 (1951) 131-160; G. Seber, The Estimation of Animal
Abundance (1982), 3.1; for linkage: Y. Ding, S. Fienberg, Survey Methodology 20 (1994) 149-158.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import duckdb

from pipeline.link.comparison import NO_LIST

#: Levels of `place` at which the place finds a pair of a group with a UPRN, and of one without.
BY_UPRN = ("uprn_and_address", "uprn_no_address", "uprn_near_address", "uprn_other_address", "old_uprn")
BY_ADDRESS = ("no_uprn_exact", "no_uprn_unit", "no_uprn_street")
#: Levels of `people` at which the names find a pair, wherever it is.
BY_NAMES = ("names_and_births", "name_and_birth", "names", "part_name_and_birth", "name")
_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Stratum:
    """Expected numbers of true pairs of one stratum. size: NHS records of the group; 3 means three or more.

    by_place, by_names, by_both: found by each source. linked: that the run linked.
    """

    has_uprn: bool
    size: int
    by_place: float
    by_names: float
    by_both: float
    linked: float


@dataclass(frozen=True)
class Recall:
    """Estimated recall of the links of households with people to compare, with a 95% interval.

    pairs: true pairs that there are, by the estimate. linked: expected number of right links among them. The
    interval covers chance only, and not the assumptions.
    """

    pairs: float
    linked: float
    value: float
    low: float
    high: float

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return {
            "true_pairs": round(self.pairs, 1),
            "linked_true_pairs": round(self.linked, 1),
            "recall": round(self.value, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
        }


def chapman(first: float, second: float, both: float) -> tuple[float, float]:
    """Return the estimated number of a population and its variance.

    first, second: found by each of two sources; both: by both of them.
    """
    number = (first + 1) * (second + 1) / (both + 1) - 1
    variance = (first + 1) * (second + 1) * (first - both) * (second - both) / ((both + 1) ** 2 * (both + 2))
    return number, variance


def strata(connection: duckdb.DuckDBPyConnection) -> tuple[Stratum, ...]:
    """Count each stratum in `candidate_pair`, `decision` and `address_group`."""
    rows = connection.execute(
        f"""
        WITH pair AS (
            SELECT
                candidate_pair.household_probability AS probability,
                address_group.has_uprn,
                LEAST(address_group.nhs_records, 3) AS size,
                CASE
                    WHEN address_group.has_uprn THEN place IN {BY_UPRN} ELSE place IN {BY_ADDRESS}
                END AS is_by_place,
                candidate_pair.people IN {BY_NAMES} AS is_by_names,
                EXISTS (
                    FROM decision
                    WHERE decision.address_group = candidate_pair.address_group
                      AND decision.dwelling_record_pseudonym = candidate_pair.dwelling_record_pseudonym
                      AND decision.reason = 'linked'
                ) AS is_linked
            FROM candidate_pair
            INNER JOIN address_group USING (address_group)
            WHERE candidate_pair.people NOT IN {NO_LIST}
        )
        SELECT
            has_uprn,
            size,
            COALESCE(SUM(probability) FILTER (is_by_place), 0),
            COALESCE(SUM(probability) FILTER (is_by_names), 0),
            COALESCE(SUM(probability) FILTER (is_by_place AND is_by_names), 0),
            COALESCE(SUM(probability) FILTER (is_linked), 0)
        FROM pair
        GROUP BY has_uprn, size
        ORDER BY has_uprn DESC, size
        """
    ).fetchall()
    return tuple(Stratum(*row) for row in rows)


def recall_of(counted: Iterable[Stratum]) -> Recall | None:
    """Return the estimate over these strata; None if nothing was found by both sources."""
    counted = tuple(stratum for stratum in counted if stratum.by_both > 0)
    if not counted:
        return None
    estimates = [chapman(s.by_place, s.by_names, s.by_both) for s in counted]
    linked = math.fsum(s.linked for s in counted)
    # No fewer than were found, also where a few pairs are found by neither source.
    pairs = max(linked, math.fsum(number for number, _ in estimates))
    width = _Z95 * math.sqrt(math.fsum(variance for _, variance in estimates))
    return Recall(
        pairs, linked, linked / pairs, linked / (pairs + width), linked / max(linked, pairs - width)
    )
