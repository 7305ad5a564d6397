"""Members of linked units one by one: who is known there, who is listed elsewhere, who lives there.

A unit is linked by its best evidence, which may be one person's. Members whom the dwelling's
list does not know are compared with listed people for whom no patient was found anywhere
(movers whose NHS address lags); the rest are weighed by age, because councils list adults.
"""

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.group.blocking import MOVED_RULES
from pipeline.group.blocks import with_blocks
from pipeline.group.token_lists import Integers, TokenLists, as_one_array, sliced_table
from pipeline.link.comparison import AGE_BANDS, ELSEWHERE, KNOWN_LEVELS
from pipeline.link.comparison_inputs import ComparisonInputs
from pipeline.link.match_selection import rank
from pipeline.link.model import Model, Scorecard
from pipeline.link.query import SQL, shares
from pipeline.link.scoring import score_pairs
from pipeline.link.token_overlap import are_empty, level_of

_BIRTH_TOKENS = ("person_name_birth_part", "person_surname_birth", "person_forename_birth")
#: A move of a whole household is told by two of its names; more names than these are no household's.
_MOST_NAMES = 12

#: Level of member evidence -> columns that must all agree, in one of the alternatives.
_EVIDENCE: dict[str, tuple[tuple[str, ...], ...]] = {
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
#: What a list can tell of a record. The codes of those that say it knows the person.
_LISTED = ("no_list", *_EVIDENCE, "nobody")
_KNOWN_CODES = np.array([_LISTED.index(level) for level in KNOWN_LEVELS], dtype=np.int8)
_NAMELESS = ("person_surname_premises", "person_surname_sector", "person_name", "person_forename_birth")


def judge_members(inputs: ComparisonInputs, model: Model) -> None:
    """Create `moved_member` and `outcome` from `judged`; see the SQL files for their grain."""
    connection = inputs.connection
    list_members(inputs)
    build_moved_units(connection)
    card = model.scorecards["moved"]
    score_pairs(
        connection, ("moved_dwelling_unit", "moved_nhs_unit"), card, (ELSEWHERE,), MOVED_RULES, "moved_pair"
    )
    rank(connection, card, "moved_pair", "moved_judged")
    move_members(connection)
    weigh_residence(connection, model.scorecards["residence"])


def list_members(inputs: ComparisonInputs) -> None:
    """Tell each row of `nhs_member` how well it is known at the dwelling that its unit is linked to.

    New columns, null where the unit is not linked: dwelling_id, list_kind (the dwelling's), listed; and
    is_of_known_unit, whether the list knows somebody of the unit.
    """
    told = inputs.tables["nhs_member"]
    linked = inputs.connection.sql(
        "SELECT nhs_id, dwelling_id FROM judged WHERE reason = 'linked'"
    ).to_arrow_table()
    # By unit id, which counts from 1; 0 is no dwelling.
    dwelling_of = np.zeros(inputs.tables["nhs_unit"].num_rows + 1, dtype=np.int64)
    dwelling_of[linked["nhs_id"].to_numpy()] = linked["dwelling_id"].to_numpy()
    unit_id = told["unit_id"].to_numpy()
    dwelling_id = dwelling_of[unit_id]
    nowhere = dwelling_id == 0
    homes = pa.array(dwelling_id - 1, mask=nowhere)
    listed = _listed(inputs, dwelling_id)
    is_known_unit = np.zeros(len(dwelling_of), dtype=np.bool_)
    is_known_unit[unit_id[np.isin(listed, _KNOWN_CODES)]] = True
    # Few texts are taken sooner by their codes.
    kinds = as_one_array(inputs.tables["dwelling_unit"]["list_kind"]).dictionary_encode()
    known = {
        "dwelling_id": pa.array(dwelling_id, mask=nowhere),
        "list_kind": kinds.take(homes),
        "listed": pa.DictionaryArray.from_arrays(pa.array(listed, mask=nowhere), pa.array(_LISTED)),
        "is_of_known_unit": is_known_unit[unit_id],
    }
    inputs.tables["nhs_member"] = sliced_table({name: told[name] for name in told.column_names} | known)
    inputs.register_inputs()


def _listed(inputs: ComparisonInputs, dwelling_id: Integers) -> npt.NDArray[np.int8]:
    """Return, by its place in `_LISTED`, how the list of its dwelling (0: none) knows each record."""
    listed = np.zeros(len(dwelling_id), dtype=np.int8)
    at_home = np.flatnonzero(dwelling_id)
    unlisted = are_empty(inputs.dwellings, _NAMELESS)[dwelling_id[at_home] - 1]
    asked = at_home[~(unlisted | are_empty(inputs.members, _NAMELESS)[at_home])]
    listed[asked] = 1 + level_of(_EVIDENCE, inputs.members, asked, inputs.dwellings, dwelling_id[asked] - 1)
    return listed


def move_members(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `moved_member` from `moved_judged`: the records that go with each move."""
    known_there = " OR ".join(
        _agrees(column, "nhs_member", "moved_dwelling_unit", listed_column)
        for column, listed_column in (
            ("person_name_birth_part", None),
            ("person_forename_birth", None),
            ("person_surname_birth", None),
            ("person_name", "undated_name"),
        )
    )
    connection.execute(SQL.filled("moved_member", unknown_levels=_UNKNOWN, known_there=f"({known_there})"))


def build_moved_units(connection: duckdb.DuckDBPyConnection) -> None:
    """Lend `moved_nhs_unit` and `moved_dwelling_unit`, made from `nhs_member`, with their blocking columns.

    How many blocking values were set aside is kept in table `hot_block`: one row per unit table and rule.
    """
    connection.execute("CREATE TABLE hot_block (unit VARCHAR, rule VARCHAR, blocking_values BIGINT)")
    found = " OR ".join(
        f"({' AND '.join(_agrees(column, 'listed', 'nhs_unit') for column in columns)})"
        for level in KNOWN_LEVELS
        for columns in _EVIDENCE[level]
    )
    parts = {
        "unknown_levels": _UNKNOWN,
        "birth_tokens": ", ".join(_BIRTH_TOKENS),
        "nhs_tokens": _tokens_of("unknown", "unit_id"),
        "listed_tokens": _tokens_of("listed_person", "dwelling_id"),
        "most_names": str(_MOST_NAMES),
        "found": found,
    }
    connection.execute(SQL.filled("moved_candidate", **parts))
    for unit, people in (("moved_nhs_unit", "unknown"), ("moved_dwelling_unit", "listed")):
        lists = ",\n        ".join(
            f"flatten(list({people}.{name}) FILTER ({people}.{name} IS NOT NULL)) AS {name}"
            for name in _BIRTH_TOKENS
        )
        text = SQL.filled(unit, **parts, person_lists=lists, name_pairs=_name_pairs("undated_name"))
        _register_moved(connection, unit, connection.sql(text).to_arrow_table())
    connection.execute("DROP TABLE moved_candidate")


def _register_moved(connection: duckdb.DuckDBPyConnection, unit: str, units: pa.Table) -> None:
    columns = {name: units[name] for name in units.column_names}
    lists = {s: TokenLists.from_column(columns[s]) for rule in MOVED_RULES for s in rule.sources}
    with_lists = with_blocks(columns, lists, MOVED_RULES)
    connection.register(unit, with_lists.table)
    for rule, count in with_lists.oversized_blocks.items():
        connection.execute("INSERT INTO hot_block VALUES (?, ?, ?)", (unit, rule, count))


def _tokens_of(people: str, unit: str) -> str:
    """SQL: one row for each token of a birth date with a name: its unit and the token."""
    return " UNION ALL ".join(
        f"SELECT {unit}, UNNEST({name}) AS token FROM {people}" for name in _BIRTH_TOKENS
    )


def _name_pairs(names: str) -> str:
    """SQL: a token for each two names of a list of distinct ones."""
    second = f"list_transform(list_filter({names}, lambda b: b > a), lambda b: hash(a, b))"
    return f"flatten(list_transform({names}, lambda a: {second}))"


def weigh_residence(connection: duckdb.DuckDBPyConnection, card: Scorecard) -> None:
    """Create `outcome`: where each record was linked, with the evidence that it lives there."""
    weights = {
        name: " ".join(f"WHEN '{level}' THEN {p.match_weight!r}" for level, p in levels.items())
        for name, levels in card.levels.items()
    }
    bands = " ".join(f"WHEN age_years <= {last} THEN '{band}'" for last, band in AGE_BANDS)
    text = SQL.filled(
        "outcome",
        age_band=bands,
        weights=weights["listed"],
        list_kind_weights=weights["list_kind"],
    )
    connection.execute(
        text,
        {"prior_match_weight": card.prior_match_weight, "upper_match_weight": card.upper_match_weight},
    )


_UNKNOWN = "('surname', 'nobody', 'forename', 'birth', 'no_list')"


def _agrees(column: str, person: str, unit: str, unit_column: str | None = None) -> str:
    """SQL: one person's token (or one of them) is among a unit's; false where either is missing."""
    return shares(f"{unit}.{unit_column or column}", f"{person}.{column}")
