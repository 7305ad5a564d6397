"""One change between two versions of an agreement."""

from dataclasses import dataclass
from typing import Literal

Direction = Literal["looser", "tighter", "other"]


@dataclass(frozen=True)
class Change:
    """One change, as a sentence. place: section and field of the agreement."""

    direction: Direction
    place: str
    sentence: str
