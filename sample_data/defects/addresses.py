"""Recorded addresses: how each side wrote a dwelling's address, including errors.

A *rendering* is the address of one dwelling as one recording system wrote it. The council has one rendering
of each dwelling. The NHS has three (one per style of GP system), and a patient's record has one of them.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sample_data.housing.dwellings import Dwellings
from sample_data.population.draws import Texts, Whole

LINES = 5


@dataclass
class Renderings:
    """One row per dwelling: five address lines, postcode, and the edits that were applied.

    drawn_from: the dwelling whose address is written (under label drift, a different one from the row).
    edits: mechanisms of the address-errors taxonomy joined by |, empty for a correctly recorded address.
    """

    lines: Texts
    postcode: Texts
    edits: Texts
    drawn_from: Whole


class AddressRecorder(Protocol):
    """Records all dwellings of a block in one style."""

    def record(self, dwellings: Dwellings, seed: int) -> Renderings: ...


def empty_lines(rows: int) -> Texts:
    """Return a table of `rows` empty addresses."""
    return np.full((rows, LINES), "", dtype="<U48")


def joined_lines(lines: Texts) -> Texts:
    """Return each address as one text, with its lines joined by commas."""
    text = lines[:, 0].astype("<U200")
    for column in range(1, lines.shape[1]):
        more = lines[:, column]
        text = np.where(more == "", text, np.char.add(np.char.add(text, ", "), more))
    return text


def into_lines(addresses: Texts) -> Texts:
    """Split comma-joined addresses into `LINES` columns; the last column has all the rest.

    A house number is already joined to its street at this point, as councils export it.
    """
    table = empty_lines(len(addresses))
    rest = addresses.astype("<U200")
    for column in range(LINES - 1):
        parts = np.char.partition(rest, ", ")
        table[:, column] = parts[:, 0]
        rest = parts[:, 2]
    table[:, LINES - 1] = rest
    return table
