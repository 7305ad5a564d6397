"""The UPRN that the NHS assigned to each recorded address, with errors.

Assignment errors (missing, or the UPRN of the parent, a sibling flat, next door or a former UPRN) belong to
the recorded address: all rows with one rendering of a dwelling have the same error. Damage to digits is
added later, row by row.
"""

import numpy as np

from sample_data.extracts.nhs_registrations import Registrations
from sample_data.housing.dwellings import Dwellings
from sample_data.population.draws import Texts, Whole, happens
from sample_data.settings import DefectRates


def assign_uprns(
    rng: np.random.Generator,
    dwellings: Dwellings,
    rows: Registrations,
    rendering: Whole,
    renderings: int,
    rates: DefectRates,
    today: int,
) -> tuple[Whole, Texts]:
    """Return the UPRN of each row (-1: none) and its error, empty for most.

    Errors: missing, parent, sibling, next_door, historic, demolished.
    """
    total = len(dwellings) * renderings
    dwelling = np.arange(total) // renderings
    flat = dwellings.is_flat[dwelling]
    draw = rng.random(total)
    # the first rendering belongs to the GP system with the worst matching
    unmatched = np.where(
        np.arange(total) % renderings == 0, rates.nhs_uprn_missing_one_system, rates.nhs_uprn_missing
    )
    errors = (
        ("missing", happens(rng, unmatched, total)),
        ("parent", flat & (draw < rates.uprn_parent_of_flat)),
        ("sibling", flat & (draw < rates.uprn_parent_of_flat + rates.uprn_sibling_flat)),
        ("next_door", ~flat & (draw < rates.uprn_next_door)),
        (
            "historic",
            (dwellings.historic_uprn[dwelling] > 0) & happens(rng, rates.nhs_keeps_historic, total),
        ),
    )
    neighbour = dwellings.uprn[_neighbours(dwellings)][dwelling]
    uprn = np.select(
        [flags for _, flags in errors],
        [
            np.full(total, -1),
            dwellings.parent_uprn[dwelling],
            neighbour,
            neighbour,
            dwellings.historic_uprn[dwelling],
        ],
        default=dwellings.uprn[dwelling],
    )
    error = np.select([flags for _, flags in errors], [name for name, _ in errors], default="").astype("<U12")
    key = rows.dwelling * renderings + rendering
    uprn, error = uprn[key], error[key]
    rebuilt = (dwellings.demolished_uprn[rows.dwelling] > 0) & (rows.status == "ghost_left")
    rebuilt &= happens(rng, rates.nhs_keeps_demolished, len(key))
    uprn = np.where(rebuilt, dwellings.demolished_uprn[rows.dwelling], uprn)
    error = np.where(rebuilt, "demolished", error)
    recent = (today - rows.start < 365) & (rows.status == "current")
    late = recent & happens(rng, rates.nhs_uprn_missing_recent_mover - rates.nhs_uprn_missing, len(key))
    return np.where(late, -1, uprn), np.where(late, "missing", error)


def _neighbours(dwellings: Dwellings) -> Whole:
    """Return the next dwelling of the same building or street, or the previous one at its end."""
    count = len(dwellings)
    rows = np.arange(count)
    after = np.minimum(rows + 1, count - 1)
    before = np.maximum(rows - 1, 0)
    together = np.where(dwellings.is_flat, dwellings.slot, -1 - dwellings.street)
    return np.where((together[after] == together) & (after != rows), after, before)
