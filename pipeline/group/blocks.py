"""Units with one list of blocking values for each rule, without those of oversized blocks."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from pipeline.group.blocking import BlockingRule
from pipeline.group.token_lists import (
    Column,
    TokenLists,
    build_columns,
    concatenate_columns,
    sliced_table,
    without_oversized_blocks,
)


@dataclass(frozen=True)
class BlockedUnits:
    """A table of units with a list column for each blocking rule.

    oversized_blocks: rule -> number of blocking values that are not used (see `blocking`).
    """

    table: pa.Table
    oversized_blocks: Mapping[str, int]


def with_blocks(
    columns: Mapping[str, Column],
    lists: Mapping[str, TokenLists],
    rules: tuple[BlockingRule, ...],
) -> BlockedUnits:
    """Return the units with these columns and, for each rule, a list of its values.

    lists: source column of a rule -> its values, one row per unit.
    """

    def tokens(rule: BlockingRule) -> int:
        return sum(len(lists[source].tokens) for source in rule.sources)

    # The longest column first, so that one thread does not work on it when the other has finished.
    by_column = {rule.column: rule for rule in sorted(rules, key=tokens, reverse=True)}

    def values_of(column: str) -> tuple[TokenLists, int]:
        rule = by_column[column]
        return without_oversized_blocks(
            concatenate_columns([lists[source] for source in rule.sources]), rule.maximum_units
        )

    blocks = build_columns(values_of, by_column)
    usable = {column: values.as_arrow() for column, (values, _) in blocks.items()}
    oversized = {by_column[column].id: count for column, (_, count) in blocks.items()}
    return BlockedUnits(sliced_table(dict(columns) | usable), oversized)
