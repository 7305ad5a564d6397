"""Units with a list for each blocking rule, without the values of hot blocks."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from pipeline.group.blocking import BlockingRule
from pipeline.group.token_lists import (
    Column,
    TokenLists,
    side_by_side,
    sliced,
    together,
    without_oversized_blocks,
)


@dataclass(frozen=True)
class Units:
    """A table of units with a list for each blocking rule; and by rule, how many values were set aside."""

    table: pa.Table
    hot: Mapping[str, int]


def with_blocks(
    columns: Mapping[str, Column],
    lists: Mapping[str, TokenLists],
    rules: tuple[BlockingRule, ...],
) -> Units:
    """Return units of these columns, and for each rule a list without the values of hot blocks."""

    def tokens(rule: BlockingRule) -> int:
        return sum(len(lists[source].tokens) for source in rule.sources)

    # The longest first, so that no thread is left with it alone.
    by_column = {rule.column: rule for rule in sorted(rules, key=tokens, reverse=True)}

    def block(column: str) -> tuple[TokenLists, int]:
        rule = by_column[column]
        return without_oversized_blocks(
            side_by_side([lists[source] for source in rule.sources]), rule.maximum_units
        )

    blocks = together(block, by_column)
    kept = {column: values.as_arrow() for column, (values, _) in blocks.items()}
    hot = {by_column[column].id: aside for column, (_, aside) in blocks.items()}
    return Units(sliced(dict(columns) | kept), hot)
