"""Recorded addresses: how each side wrote down a dwelling's address, errors included.

A *rendering* is one way one recording system wrote one dwelling. The council has one rendering of
each dwelling; the NHS has three (one per style of GP system), and a patient's record shows one.
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


def empty_lines(rows: int) -> Texts:
    """A table of `rows` addresses without text."""
    return np.full((rows, LINES), "", dtype="<U48")


def joined_lines(lines: Texts) -> Texts:
    """Each address as one text, its lines joined by commas."""
    text = lines[:, 0].astype("<U200")
    for column in range(1, lines.shape[1]):
        more = lines[:, column]
        text = np.where(more == "", text, np.char.add(np.char.add(text, ", "), more))
    return text


def into_lines(addresses: Texts) -> Texts:
    """Split comma-joined addresses into `LINES` columns; what exceeds them stays in the last one.

    A bare number has been joined to the street that follows by then, as councils export it.
    """
    table = empty_lines(len(addresses))
    rest = addresses.astype("<U200")
    for column in range(LINES - 1):
        parts = np.char.partition(rest, ", ")
        table[:, column] = parts[:, 0]
        rest = parts[:, 2]
    table[:, LINES - 1] = rest
    return table
