"""Match selection: from scored pairs to one decision for each NHS address group.

The candidate with the highest match weight (log2) is the group's best dwelling. The decision follows
from its weight and its margin over the second best, by the limits in the model:

| match weight of the best | margin over the second best | reason |
|---|---|---|
| below the lower limit | | below_threshold |
| from the lower to the upper limit | | clerical_review |
| from the upper limit | below the least margin | ambiguous |
| from the upper limit | from the least margin, or no second | linked |

A group that would be linked goes to clerical review if people agree only at a level of
`comparison.TOO_WEAK_TO_LINK`. Several groups may be linked to one dwelling.

Source: the three decisions (link, possible link, no link) of Fellegi and Sunter, JASA 64 (1969) 1183-1210.
"""

import duckdb

from pipeline.link.comparison import NO_LIST, PEOPLE, PLACE, TOO_WEAK_TO_LINK
from pipeline.link.model import Scorecard
from pipeline.link.query import SQL

#: Level of a link -> levels of the place comparison; at all others the link's level is "evidence".
_PLACE_LEVELS = {
    "exact": ("uprn_and_address", "uprn_no_address", "uprn_near_address", "uprn_other_address"),
    "historic": ("old_uprn",),
    "parent": ("parent_uprn_address", "parent_uprn"),
    "sibling": ("sibling_uprn_address",),
}
_SAME_UPRN = _PLACE_LEVELS["exact"]
_SAME_ADDRESS = (
    "uprn_and_address", "parent_uprn_address", "no_uprn_exact", "no_uprn_unit", "sibling_uprn_address",
    "other_uprn_exact", "other_uprn_unit",
)  # fmt: skip
_SAME_STREET = ("no_uprn_street", "other_uprn_street")
_NO_ONE = ("nobody", "nobody_payer")

#: Bits of `evidence_bits`, lowest first: name of the bit, comparison, levels that set it.
EVIDENCE_BITS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("uprn", PLACE.name, _SAME_UPRN),
    ("historic_uprn", PLACE.name, _PLACE_LEVELS["historic"]),
    ("parent_uprn", PLACE.name, _PLACE_LEVELS["parent"]),
    ("address", PLACE.name, _SAME_ADDRESS),
    ("street_number", PLACE.name, _SAME_STREET),
    ("name_and_birth", PEOPLE.name, ("names_and_births", "name_and_birth")),
    ("part_name_and_birth", PEOPLE.name, ("part_name_and_birth",)),
    ("name", PEOPLE.name, ("names", "name")),
    ("initial_surname", PEOPLE.name, ("initial_surname", "phonetic")),
    ("surname", PEOPLE.name, ("surname", "surname_of_several")),
    ("birth", PEOPLE.name, ("birth",)),
    ("forename", PEOPLE.name, ("forename", "forename_of_several")),
    ("nobody", PEOPLE.name, _NO_ONE),
)


def select_matches(connection: duckdb.DuckDBPyConnection, card: Scorecard) -> None:
    """Create `recorded_match` from `recorded_pair`: one row per NHS unit with a candidate.

    card: the scorecard `recorded`. The row is the unit's best dwelling with the decision, the link's level
    and evidence bits, and whether names contradict the UPRN.
    """
    level = " ".join(
        f"WHEN best.place IN {_tuple(places)} THEN '{name}'" for name, places in _PLACE_LEVELS.items()
    )
    bits = " + ".join(
        f"CASE WHEN best.{comparison} IN {_tuple(levels)} THEN {1 << n} ELSE 0 END"
        for n, (_, comparison, levels) in enumerate(EVIDENCE_BITS)
    )
    statement = SQL.filled(
        "recorded_match",
        best_candidate=SQL.filled("best_candidate", pairs="recorded_pair"),
        level=f"CASE {level} ELSE 'evidence' END",
        evidence_bits=f"({bits})::INTEGER",
        same_uprn=_tuple(_SAME_UPRN),
        no_one=_tuple(_NO_ONE),
        no_list=_tuple(NO_LIST),
        too_weak_to_link=_tuple(TOO_WEAK_TO_LINK),
    )
    connection.execute(statement, _limits(card))


def select_moved_matches(connection: duckdb.DuckDBPyConnection, card: Scorecard) -> None:
    """Create `moved_match` from `moved_pair`: one row per NHS unit with a candidate, its best dwelling.

    card: the scorecard `moved`.
    """
    query = SQL.filled("best_candidate", pairs="moved_pair")
    connection.execute(f"CREATE TABLE moved_match AS {query}", _limits(card))


def _limits(card: Scorecard) -> dict[str, float]:
    """Return the limits of a decision as the parameters of `best_candidate.sql`."""
    return {
        "upper_match_weight": card.upper_match_weight,
        "lower_match_weight": card.lower_match_weight,
        "margin_match_weight": card.margin_match_weight,
    }


def moved_bits() -> str:
    """SQL: the evidence bits of a move, from its level in the comparison `elsewhere`."""
    levels_of_bit = {
        "name_and_birth": ("names_and_births", "name_and_birth"),
        "part_name_and_birth": ("part_name_and_birth",),
        "name": ("names", "unique_name"),
    }
    bits = {name: 1 << n for n, (name, _, _) in enumerate(EVIDENCE_BITS)}
    cases = " ".join(
        f"WHEN moved_match.elsewhere IN {_tuple(levels)} THEN {bits[name]}"
        for name, levels in levels_of_bit.items()
    )
    return f"(CASE {cases} END)::INTEGER"


def _tuple(values: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"
