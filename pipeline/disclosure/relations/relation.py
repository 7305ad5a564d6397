"""The form of a relation between counts."""

from dataclasses import dataclass

from pipeline.disclosure.relations.counted_set import CountedSet


@dataclass(frozen=True, order=True)
class Relation:
    """The sum of the parts is at most the whole; if `is_equal`, it is the whole.

    The parts have no one in common. Units may differ: households are then within residents.
    """

    whole: CountedSet
    parts: tuple[CountedSet, ...]
    is_equal: bool
