"""Which blocking rules find each candidate pair: one bit a rule.

A pair that several rules find is compared once, and Splink reports only the first of them. All of them are
needed to see what is lost if a rule is left out, and to explain a pair.
"""

import numpy as np
import pyarrow as pa

from pipeline.group.blocking import RECORDED_RULES
from pipeline.group.token_lists import TokenLists
from pipeline.link.comparison_inputs import ComparisonInputs
from pipeline.link.token_overlap import have_common_token


def register_blocking_bits(inputs: ComparisonInputs) -> None:
    """Register `pair_blocking`: one row per row of `recorded_pair`, with the rules that find it.

    Columns: dwelling_id, nhs_id, blocking_bits (bit n is rule n of `RECORDED_RULES`). Needs the blocking
    columns, so it comes before they are dropped.
    """
    pairs = inputs.connection.sql("SELECT dwelling_id, nhs_id FROM recorded_pair").to_arrow_table()
    # Unit ids count from 1.
    dwellings, groups = (pairs[name].to_numpy() - 1 for name in ("dwelling_id", "nhs_id"))
    bits = np.zeros(len(dwellings), dtype=np.int8)
    for n, rule in enumerate(RECORDED_RULES):
        council, nhs = (
            TokenLists.from_column(inputs.tables[unit][rule.column]) for unit in ("dwelling_unit", "nhs_unit")
        )
        bits |= have_common_token(council, dwellings, nhs, groups).astype(np.int8) << n
    inputs.connection.register("pair_blocking", pairs.append_column("blocking_bits", pa.array(bits)))


def rules_of(blocking_bits: int) -> tuple[str, ...]:
    """Return the ids of the rules that these bits name."""
    return tuple(rule.id for n, rule in enumerate(RECORDED_RULES) if blocking_bits >> n & 1)
