"""The address list of a block, as in a gazetteer; `hearth assign-uprn` looks up addresses in it.

It contains every dwelling in its canonical spelling, and the shell of each building with flats, under
their current UPRNs. Nothing is drawn at random: the list depends only on the dwellings.
"""

import numpy as np

from sample_data.housing.dwellings import Dwellings
from sample_data.population.draws import Texts


def address_list(dwellings: Dwellings) -> dict[str, Texts]:
    """Return uprn, address and postcode: one row per UPRN in use, ordered by UPRN."""
    _, first_flat = np.unique(dwellings.parent_uprn, return_index=True)
    shells = dwellings.rows(first_flat[dwellings.parent_uprn[first_flat] > 0])
    uprn = np.r_[dwellings.uprn, shells.parent_uprn]
    address = np.r_[
        _joined(dwellings.sub_name, *_of_building(dwellings)),
        _joined(*_of_building(shells)),
    ]
    postcode = np.r_[dwellings.postcode, shells.postcode]
    order = np.argsort(uprn, kind="stable")
    return {"uprn": uprn[order].astype("<U12"), "address": address[order], "postcode": postcode[order]}


def _of_building(dwellings: Dwellings) -> tuple[Texts, ...]:
    street = _joined(dwellings.number, dwellings.street_name, separator=" ")
    return dwellings.building, street, dwellings.locality, dwellings.town


def _joined(*parts: Texts, separator: str = ", ") -> Texts:
    """Return the non-empty parts of each row, joined into one text."""
    rows = zip(*(part.tolist() for part in parts), strict=True)
    return np.array([separator.join(filter(None, row)) for row in rows], dtype="<U160")
