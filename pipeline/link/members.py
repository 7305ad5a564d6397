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
from pipeline.group.token_lists import Integers, as_one_array, offsets_of, sliced_table
from pipeline.link.comparison_inputs import ComparisonInputs
from pipeline.link.match_selection import select_moved_matches
from pipeline.link.model import Model, Parameters, Scorecard
from pipeline.link.moves.comparison import MOVED
from pipeline.link.moves.units import build_moved_units, move_members
from pipeline.link.query import SQL
from pipeline.link.residence.agreement import AGREEMENT, LIST_AGREEMENT
from pipeline.link.residence.comparison import AGE_BANDS, LISTED_LEVELS, RESIDENCE
from pipeline.link.residence.evidence import (
    ListedPeople,
    Members,
    level_columns,
    list_kind_column,
    pairs_of,
    shares_initial,
    years_column,
)
from pipeline.link.scoring import score_pairs
from pipeline.link.token_overlap import are_empty, reached_levels
from pipeline.link.verdicts import leave_out_decided_apart

_LISTED_CODES = np.array([LIST_AGREEMENT.index(level) for level in LISTED_LEVELS], dtype=np.int8)
#: Without a token in any of these columns there is nothing to compare.
_NAME_COLUMNS = ("person_surname_premises", "person_surname_sector", "person_name", "person_forename_birth")


def judge_members(inputs: ComparisonInputs, model: Model) -> None:
    """Create `moved_member` and `outcome` from `recorded_match`; the SQL files state what one row is."""
    connection = inputs.connection
    compare_with_lists(inputs)
    build_moved_units(connection)
    card = model.scorecards["moved"]
    score_pairs(connection, ("moved_dwelling_unit", "moved_nhs_unit"), card, MOVED, MOVED_RULES, "moved_pair")
    leave_out_decided_apart(connection, "moved_pair")
    select_moved_matches(connection, card)
    move_members(connection)
    weigh_residence(connection, model.scorecards["residence"])


def compare_with_lists(inputs: ComparisonInputs) -> None:
    """Compare each NHS record with the people listed at the dwelling that its unit is linked to.

    Adds columns to `nhs_member`. Null if the unit is not linked: dwelling_id; list_agreement, the best
    agreement with a listed person (see `residence.comparison`); for each other comparison of the scorecard
    `residence` the member's level. And shares_initial (see `residence.evidence`); unit_has_listed_member:
    whether some member of the unit is listed at its dwelling; is_at_hmo: whether that is a house in multiple
    occupation.
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
    pairs = pairs_of(compared, listed, AGREEMENT)
    discount = np.concatenate(([-1], inputs.discount.cast(pa.int8()).fill_null(-1).to_numpy()))
    added = {
        "dwelling_id": pa.array(dwelling_id, mask=is_unlinked),
        "list_kind": list_kind_column(compared, kinds.take(dwelling_row)),
        **level_columns(compared, listed, pairs, discount),
        "years": years_column(compared),
        "shares_initial": shares_initial(compared, pairs),
        "list_agreement": pa.DictionaryArray.from_arrays(
            pa.array(agreement, mask=is_unlinked), pa.array(LIST_AGREEMENT)
        ),
        "unit_has_listed_member": has_listed_member[unit_id],
        "is_at_hmo": inputs.is_hmo.take(dwelling_row).fill_null(False),
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
        names=LIST_AGREEMENT,
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
        AGREEMENT, inputs.members, comparable, inputs.dwellings, dwelling_id[comparable] - 1
    )
    return agreement


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
