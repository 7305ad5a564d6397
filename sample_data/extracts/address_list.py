"""The address list of a block, as a gazetteer holds it: what `hearth assign-uprn` looks addresses up in.

Every dwelling in its canonical spelling, and the shell of each building with flats, under the
UPRNs that are current. Nothing is drawn: the list follows from the dwellings alone.
"""

import numpy as np

from sample_data.housing.dwellings import Dwellings
from sample_data.population.draws import Texts


def address_list(dwellings: Dwellings) -> dict[str, Texts]:
    """One row per UPRN in use, in its order: uprn, address, postcode."""
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
    """The parts of each row that are not empty, in one text."""
    rows = zip(*(part.tolist() for part in parts), strict=True)
    return np.array([separator.join(filter(None, row)) for row in rows], dtype="<U160")
