"""From scored pairs to decisions: the best dwelling of each NHS address group, if it is good enough.

A group is linked where its best dwelling reaches the model's upper match weight and leads the
second best by the margin. Several groups may live in one dwelling. Half a name among several people
on either side is left to clerical review, whatever it weighs.
"""

import duckdb

from pipeline.link.comparison import PEOPLE, PLACE, TOO_LITTLE
from pipeline.link.model import Model, Scorecard
from pipeline.link.query import SQL

#: Link level by level of the place comparison; the rest is "evidence".
_LEVEL_OF_PLACE = {
    "exact": ("uprn_and_address", "uprn_no_address", "uprn_near_address", "uprn_other_address"),
    "historic": ("old_uprn",),
    "parent": ("parent_uprn_address", "parent_uprn"),
    "sibling": ("sibling_uprn_address",),
}
_SAME_UPRN = _LEVEL_OF_PLACE["exact"]
_SAME_ADDRESS = (
    "uprn_and_address", "parent_uprn_address", "no_uprn_exact", "no_uprn_unit", "sibling_uprn_address",
    "other_uprn_exact", "other_uprn_unit",
)  # fmt: skip
_SAME_STREET = ("no_uprn_street", "other_uprn_street")
_NOBODY = ("nobody", "nobody_payer")

#: What agreed, lowest bit first: name of the bit, comparison, levels that set it.
EVIDENCE_BITS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("uprn", PLACE.name, _SAME_UPRN),
    ("historic_uprn", PLACE.name, _LEVEL_OF_PLACE["historic"]),
    ("parent_uprn", PLACE.name, _LEVEL_OF_PLACE["parent"]),
    ("address", PLACE.name, _SAME_ADDRESS),
    ("street_number", PLACE.name, _SAME_STREET),
    ("name_and_birth", PEOPLE.name, ("names_and_births", "name_and_birth")),
    ("part_name_and_birth", PEOPLE.name, ("part_name_and_birth",)),
    ("name", PEOPLE.name, ("names", "name")),
    ("initial_surname", PEOPLE.name, ("initial_surname", "phonetic")),
    ("surname", PEOPLE.name, ("surname", "surname_of_several")),
    ("birth", PEOPLE.name, ("birth",)),
    ("forename", PEOPLE.name, ("forename", "forename_of_several")),
    ("nobody", PEOPLE.name, _NOBODY),
)


def rank(connection: duckdb.DuckDBPyConnection, card: Scorecard, pairs: str, target: str) -> None:
    """Create `target` from scored pairs: the best dwelling of each NHS unit, and the verdict."""
    connection.execute(f"CREATE TABLE {target} AS {SQL.filled('ranked', pairs=pairs)}", _limits(card))


def select_matches(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Create `judged` from `pair`; see the SQL file for its grain."""
    level = " ".join(
        f"WHEN decision.place IN {_tuple(places)} THEN '{name}'" for name, places in _LEVEL_OF_PLACE.items()
    )
    bits = " + ".join(
        f"CASE WHEN decision.{comparison} IN {_tuple(levels)} THEN {1 << n} ELSE 0 END"
        for n, (_, comparison, levels) in enumerate(EVIDENCE_BITS)
    )
    judged = SQL.filled(
        "judged",
        ranked=SQL.filled("ranked", pairs="pair"),
        level=f"CASE {level} ELSE 'evidence' END",
        evidence_bits=f"({bits})::INTEGER",
        same_uprn=_tuple(_SAME_UPRN),
        nobody=_tuple(_NOBODY),
        too_little=_tuple(TOO_LITTLE),
    )
    connection.execute(judged, _limits(model.scorecards["recorded"]))


def _limits(card: Scorecard) -> dict[str, float]:
    """Return what a verdict is held against, as `ranked.sql` names it."""
    return {
        "upper_match_weight": card.upper_match_weight,
        "lower_match_weight": card.lower_match_weight,
        "margin_match_weight": card.margin_match_weight,
    }


def moved_bits() -> str:
    """SQL: the evidence bits of a move, from its level."""
    alike = {
        "name_and_birth": ("names_and_births", "name_and_birth"),
        "part_name_and_birth": ("part_name_and_birth",),
        "name": ("names",),
    }
    bits = {name: 1 << n for n, (name, _, _) in enumerate(EVIDENCE_BITS)}
    cases = " ".join(
        f"WHEN moved_judged.elsewhere IN {_tuple(levels)} THEN {bits[name]}" for name, levels in alike.items()
    )
    return f"(CASE {cases} END)::INTEGER"


def _tuple(values: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"
