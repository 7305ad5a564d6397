"""Units for the scorecard `moved`, and the records that move: people whose NHS address is out of date.

Members who are not listed at their recorded address, and dwellings with listed people who match no patient
there, are candidates if they have evidence in common: a birth date with a name, the names of two people, or
one unique full name (see `unit_with_shared_token.sql`).
"""

import duckdb
import pyarrow as pa

from pipeline.group.blocking import MOVED_RULES
from pipeline.group.blocks import with_blocks
from pipeline.group.token_lists import TokenLists
from pipeline.link.query import SQL, shares
from pipeline.link.residence.agreement import AGREEMENT, BY_BIRTH, LISTED, UNLISTED
from pipeline.link.residence.comparison import LISTED_LEVELS

_BIRTH_TOKENS = ("person_name_birth_part", "person_surname_birth", "person_forename_birth")
#: People without a birth date are found by two names that they have in common with a dwelling. A dwelling or
#: group with more names than this is not a household.
_MAXIMUM_NAMES = 12
#: SQL: a registered person may be one of the adults on a council list, who are listed from 16 on.
_MAY_BE_ADULT = "COALESCE({}.age_years >= 16, TRUE)"


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
        SQL.filled(
            "moved_member",
            unlisted_levels=UNLISTED,
            is_listed_there=f"({is_listed_there})",
            shares_surname=shares("candidate.surname", "leader.surname"),
        )
    )


def build_moved_units(connection: duckdb.DuckDBPyConnection) -> None:
    """Register `moved_nhs_unit` and `moved_dwelling_unit`, built from `nhs_member`, with blocking columns.

    Creates table `oversized_block`: one row per unit table and rule, with the number of values not used.
    """
    connection.execute("CREATE TABLE oversized_block (unit VARCHAR, rule VARCHAR, blocking_values BIGINT)")
    by_name = tuple(level for level in LISTED_LEVELS if level not in BY_BIRTH)
    parts = {
        "unlisted_levels": UNLISTED,
        "listed_levels": LISTED,
        "birth_tokens": ", ".join(_BIRTH_TOKENS),
        "nhs_tokens": _tokens_of("unlisted_member", "unit_id"),
        "listed_tokens": _tokens_of("listed_person", "dwelling_id"),
        "maximum_names": str(_MAXIMUM_NAMES),
        "matched_by_birth": _matched(BY_BIRTH),
        "matched_by_name": _matched(by_name),
    }
    connection.execute(SQL.filled("unique_name", **parts, may_be_adult=_MAY_BE_ADULT.format("nhs_member")))
    connection.execute(SQL.filled("unit_with_shared_token", **parts))
    parts["may_be_adult"] = _MAY_BE_ADULT.format("unlisted_member")
    for unit, people in (("moved_nhs_unit", "unlisted_member"), ("moved_dwelling_unit", "listed")):
        lists = ",\n        ".join(
            f"flatten(list({people}.{name}) FILTER ({people}.{name} IS NOT NULL)) AS {name}"
            for name in _BIRTH_TOKENS
        )
        text = SQL.filled(unit, **parts, person_lists=lists, name_pairs=_name_pairs("undated_name"))
        _register_with_blocks(connection, unit, connection.sql(text).to_arrow_table())
    connection.execute("DROP TABLE unit_with_shared_token")
    connection.execute("DROP TABLE unique_name")


def _matched(levels: tuple[str, ...]) -> str:
    """SQL: a listed person and an NHS record agree at one of these levels."""
    return " OR ".join(
        f"({' AND '.join(_agrees(column, 'listed', 'nhs_member') for column in columns)})"
        for level in levels
        for columns in AGREEMENT[level]
    )


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


def _agrees(column: str, person: str, unit: str, unit_column: str | None = None) -> str:
    """SQL: a token of the person is among those of the unit; false if either has none."""
    return shares(f"{unit}.{unit_column or column}", f"{person}.{column}")
