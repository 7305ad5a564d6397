"""Recorded addresses: how each side wrote down a dwelling's address, errors included.

A *rendering* is one way one recording system wrote one dwelling. The council has one rendering of
each dwelling; the NHS has three (one per style of GP system), and a patient's record shows one.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sample_data.draws import Texts, Whole
from sample_data.dwellings import Dwellings

LINES = 5


@dataclass
class Renderings:
    """One row per dwelling: five address lines, postcode, and the edits that were applied.

    drawn_from: the dwelling whose address is written (differs from the row under label drift).
    edits: mechanisms of the address-errors taxonomy joined by |, empty when recorded faithfully.
    """

    lines: Texts
    postcode: Texts
    edits: Texts
    drawn_from: Whole


class AddressRecorder(Protocol):
    """Writes down all dwellings of a block in one style."""

    def record(self, dwellings: Dwellings, seed: int) -> Renderings: ...


def into_lines(addresses: Texts) -> Texts:
    """Split comma-joined addresses into `LINES` columns; what exceeds them stays in the last one.

    A leading bare number joins the street that follows, as councils export it.
    """
    table = np.full((len(addresses), LINES), "", dtype="<U80")
    rest = addresses.astype("<U200")
    for column in range(LINES - 1):
        parts = np.char.partition(rest, ", ")
        table[:, column] = parts[:, 0]
        rest = parts[:, 2]
    table[:, LINES - 1] = rest
    return table
