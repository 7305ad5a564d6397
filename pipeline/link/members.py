"""The members of address groups, one by one: who is listed at the dwelling, who has moved, who lives there.

A group is linked by its best evidence, which may be that of one person. The others need not live at the
dwelling, so every member is decided on:

1. Each member is compared with the people listed at the group's dwelling (`compare_with_lists`).
2. Members who are not listed there, and members of groups without a link, are compared with people listed
   at other dwellings without a matching patient, because an NHS address may be out of date. The scorecard
   `moved` decides (`moved_match`).
3. The scorecard `residence` weighs whether each remaining member of a linked group lives at the dwelling. A
   member whose weight is below the limit is split off from the group (`outcome`).
"""

from collections.abc import Mapping

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.group.blocking import MOVED_RULES
from pipeline.group.blocks import with_blocks
from pipeline.group.token_lists import Integers, TokenLists, as_one_array, offsets_of, sliced_table
from pipeline.link.comparison import ELSEWHERE
from pipeline.link.comparison_inputs import ComparisonInputs
from pipeline.link.match_selection import select_moved_matches
from pipeline.link.model import Model, Parameters, Scorecard
from pipeline.link.query import SQL, shares
from pipeline.link.residence.comparison import AGE_BANDS, LISTED_LEVELS, RESIDENCE
from pipeline.link.residence.evidence import (
    ListedPeople,
    Members,
    level_columns,
    list_kind_column,
    pairs_of,
    shares_initial,
)
from pipeline.link.scoring import score_pairs
from pipeline.link.token_overlap import are_empty, reached_levels

_BIRTH_TOKENS = ("person_name_birth_part", "person_surname_birth", "person_forename_birth")
#: People without a birth date are found by two names that they have in common with a dwelling. A dwelling or
#: group with more names than this is not a household.
_MAXIMUM_NAMES = 12

#: Level of agreement with the list -> alternatives: columns that must all have a token in common.
_AGREEMENT: dict[str, tuple[tuple[str, ...], ...]] = {
    "name_and_birth": (("person_name_birth_part",),),
    "part_name_and_birth": (("person_forename_birth",), ("person_surname_birth",)),
    "name": (
        ("person_name_sector",),
        ("person_name",),
        ("person_surname_premises", "person_forename_premises"),
    ),
    "initial_surname": (("person_initial_surname_sector",),),
    "phonetic": (("person_phonetic_sector",),),
    "birth": (("person_birth_postcode",),),
    "forename": (("person_forename_premises",), ("person_forename_sector",)),
    "surname": (("person_surname_premises",), ("person_surname_sector",)),
}
#: Values of `list_agreement`, by code. "no_list": no one is listed, or the record has nothing to compare.
_LIST_AGREEMENT = ("no_list", *_AGREEMENT, "nobody")
_LISTED_CODES = np.array([_LIST_AGREEMENT.index(level) for level in LISTED_LEVELS], dtype=np.int8)
#: SQL: the values at which a member does not count as listed.
_UNLISTED = "(" + ", ".join(f"'{level}'" for level in _LIST_AGREEMENT if level not in LISTED_LEVELS) + ")"
#: Without a token in any of these columns there is nothing to compare.
_NAME_COLUMNS = ("person_surname_premises", "person_surname_sector", "person_name", "person_forename_birth")


def judge_members(inputs: ComparisonInputs, model: Model) -> None:
    """Create `moved_member` and `outcome` from `recorded_match`; the SQL files state what one row is."""
    connection = inputs.connection
    compare_with_lists(inputs)
    build_moved_units(connection)
    card = model.scorecards["moved"]
    score_pairs(
        connection, ("moved_dwelling_unit", "moved_nhs_unit"), card, (ELSEWHERE,), MOVED_RULES, "moved_pair"
    )
    select_moved_matches(connection, card)
    move_members(connection)
    weigh_residence(connection, model.scorecards["residence"])


def compare_with_lists(inputs: ComparisonInputs) -> None:
    """Compare each NHS record with the people listed at the dwelling that its unit is linked to.

    Adds columns to `nhs_member`. Null if the unit is not linked: dwelling_id; list_agreement, the best
    agreement with a listed person (see `residence.comparison`); for each other comparison of the scorecard
    `residence` the member's level. And shares_initial (see `residence.evidence`); unit_has_listed_member:
    whether some member of the unit is listed at its dwelling.
    """
    members = inputs.tables["nhs_member"]
    linked = inputs.connection.sql(
        "SELECT nhs_id, dwelling_id FROM recorded_match WHERE reason = 'linked'"
    ).to_arrow_table()
    # Indexed by unit id, which counts from 1; 0 means no dwelling.
    dwelling_of = np.zeros(inputs.tables["nhs_unit"].num_rows + 1, dtype=np.int64)
    dwelling_of[linked["nhs_id"].to_numpy()] = linked["dwelling_id"].to_numpy()
    unit_id = members["unit_id"].to_numpy()
    dwelling_id = dwelling_of[unit_id]
    is_unlinked = dwelling_id == 0
    dwelling_row = pa.array(dwelling_id - 1, mask=is_unlinked)
    agreement = _list_agreement(inputs, dwelling_id)
    has_listed_member = np.zeros(len(dwelling_of), dtype=np.bool_)
    has_listed_member[unit_id[np.isin(agreement, _LISTED_CODES)]] = True
    # `take` is faster on the codes of a dictionary than on texts.
    kinds = as_one_array(inputs.tables["dwelling_unit"]["list_kind"]).dictionary_encode()
    compared = _members(inputs, unit_id, dwelling_id, agreement)
    listed = ListedPeople(
        offsets_of(inputs.tables["dwelling_unit"]["people"].to_numpy()),
        inputs.tables["listed_person"]["is_adult"].to_numpy(),
        inputs.listed,
    )
    pairs = pairs_of(compared, listed, _AGREEMENT)
    discount = np.concatenate(([-1], inputs.discount.cast(pa.int8()).fill_null(-1).to_numpy()))
    added = {
        "dwelling_id": pa.array(dwelling_id, mask=is_unlinked),
        "list_kind": list_kind_column(compared, kinds.take(dwelling_row)),
        **level_columns(compared, listed, pairs, discount),
        "shares_initial": shares_initial(compared, pairs),
        "list_agreement": pa.DictionaryArray.from_arrays(
            pa.array(agreement, mask=is_unlinked), pa.array(_LIST_AGREEMENT)
        ),
        "unit_has_listed_member": has_listed_member[unit_id],
    }
    inputs.tables["nhs_member"] = sliced_table({name: members[name] for name in members.column_names} | added)
    inputs.register_tables()


def _members(
    inputs: ComparisonInputs, unit_id: Integers, dwelling_id: Integers, agreement: npt.NDArray[np.int8]
) -> Members:
    members = inputs.tables["nhs_member"]
    return Members(
        unit_id=unit_id,
        dwelling_id=dwelling_id,
        agreement=agreement,
        names=_LIST_AGREEMENT,
        age=as_one_array(members["age_years"]).fill_null(-1).to_numpy(),
        is_current=members["is_current"].to_numpy(),
        start=members["start"].to_numpy(),
        lists=inputs.members,
    )


def _list_agreement(inputs: ComparisonInputs, dwelling_id: Integers) -> npt.NDArray[np.int8]:
    """Return for each NHS record the code of its `list_agreement`. dwelling_id: 0 where there is none."""
    agreement = np.zeros(len(dwelling_id), dtype=np.int8)
    linked = np.flatnonzero(dwelling_id)
    has_no_list = are_empty(inputs.dwellings, _NAME_COLUMNS)[dwelling_id[linked] - 1]
    comparable = linked[~(has_no_list | are_empty(inputs.members, _NAME_COLUMNS)[linked])]
    agreement[comparable] = 1 + reached_levels(
        _AGREEMENT, inputs.members, comparable, inputs.dwellings, dwelling_id[comparable] - 1
    )
    return agreement


def move_members(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `moved_member` from `moved_match`: the records that move to the dwelling of the match."""
    is_listed_there = " OR ".join(
        _agrees(column, "nhs_member", "moved_dwelling_unit", listed_column)
        for column, listed_column in (
            ("person_name_birth_part", None),
            ("person_forename_birth", None),
            ("person_surname_birth", None),
            ("person_name", "undated_name"),
        )
    )
    connection.execute(
        SQL.filled("moved_member", unlisted_levels=_UNLISTED, is_listed_there=f"({is_listed_there})")
    )


def build_moved_units(connection: duckdb.DuckDBPyConnection) -> None:
    """Register `moved_nhs_unit` and `moved_dwelling_unit`, built from `nhs_member`, with blocking columns.

    Creates table `oversized_block`: one row per unit table and rule, with the number of values not used.
    """
    connection.execute("CREATE TABLE oversized_block (unit VARCHAR, rule VARCHAR, blocking_values BIGINT)")
    matched = " OR ".join(
        f"({' AND '.join(_agrees(column, 'listed', 'nhs_unit') for column in columns)})"
        for level in LISTED_LEVELS
        for columns in _AGREEMENT[level]
    )
    parts = {
        "unlisted_levels": _UNLISTED,
        "birth_tokens": ", ".join(_BIRTH_TOKENS),
        "nhs_tokens": _tokens_of("unlisted_member", "unit_id"),
        "listed_tokens": _tokens_of("listed_person", "dwelling_id"),
        "maximum_names": str(_MAXIMUM_NAMES),
        "matched": matched,
    }
    connection.execute(SQL.filled("unit_with_shared_token", **parts))
    for unit, people in (("moved_nhs_unit", "unlisted_member"), ("moved_dwelling_unit", "listed")):
        lists = ",\n        ".join(
            f"flatten(list({people}.{name}) FILTER ({people}.{name} IS NOT NULL)) AS {name}"
            for name in _BIRTH_TOKENS
        )
        text = SQL.filled(unit, **parts, person_lists=lists, name_pairs=_name_pairs("undated_name"))
        _register_with_blocks(connection, unit, connection.sql(text).to_arrow_table())
    connection.execute("DROP TABLE unit_with_shared_token")


def _register_with_blocks(connection: duckdb.DuckDBPyConnection, unit: str, units: pa.Table) -> None:
    columns = {name: units[name] for name in units.column_names}
    lists = {s: TokenLists.from_column(columns[s]) for rule in MOVED_RULES for s in rule.sources}
    with_lists = with_blocks(columns, lists, MOVED_RULES)
    connection.register(unit, with_lists.table)
    for rule, count in with_lists.oversized_blocks.items():
        connection.execute("INSERT INTO oversized_block VALUES (?, ?, ?)", (unit, rule, count))


def _tokens_of(people: str, unit: str) -> str:
    """SQL: one row per unit and token of a birth date with a name."""
    return " UNION ALL ".join(
        f"SELECT {unit}, UNNEST({name}) AS token FROM {people}" for name in _BIRTH_TOKENS
    )


def _name_pairs(names: str) -> str:
    """SQL: a list with one token for each pair of names in a list of distinct names."""
    pairs_of_one = f"list_transform(list_filter({names}, lambda b: b > a), lambda b: hash(a, b))"
    return f"flatten(list_transform({names}, lambda a: {pairs_of_one}))"


def weigh_residence(connection: duckdb.DuckDBPyConnection, card: Scorecard) -> None:
    """Create `outcome`: the dwelling of each NHS record or the reason for none, and its residence weight.

    card: the scorecard `residence`. The weight is the prior plus the weights of the levels reached (log2).
    """
    others = [comparison.name for comparison in RESIDENCE if comparison.name != "listed"]
    text = SQL.filled(
        "outcome",
        age_band=" ".join(f"WHEN age_years <= {last} THEN '{band}'" for last, band in AGE_BANDS),
        member_levels=", ".join(f"member.{name}" for name in others),
        other_levels=",\n        ".join(
            f"CASE WHEN moved_dwelling_id IS NULL THEN {name} END AS {name}_level" for name in others
        ),
        weights="\n                + ".join(
            f"CASE {name}_level {_weights(levels)} ELSE 0 END" for name, levels in card.levels.items()
        ),
        level_columns=", ".join(f"{comparison.name}_level" for comparison in RESIDENCE),
    )
    connection.execute(
        text,
        {"prior_match_weight": card.prior_match_weight, "upper_match_weight": card.upper_match_weight},
    )


def _weights(levels: Mapping[str, Parameters]) -> str:
    return " ".join(f"WHEN '{level}' THEN {p.match_weight!r}" for level, p in levels.items())


def _agrees(column: str, person: str, unit: str, unit_column: str | None = None) -> str:
    """SQL: a token of the person is among those of the unit; false if either has none."""
    return shares(f"{unit}.{unit_column or column}", f"{person}.{column}")
