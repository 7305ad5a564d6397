"""The self-attack on a controller's pseudonyms, while its own list of UPRNs is at hand."""

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from governance.keys.hashing import keyed_hasher
from governance.keys.provider import KeyProvider
from pipeline.context import RunContext
from pipeline.leakage.self_attack import attack, choose_candidates
from pipeline.pseudonymise.counts import columns_by_kind
from pipeline.pseudonymise.tables import UPRN, PseudonymisedTable


def attack_own_pseudonyms(
    connection: duckdb.DuckDBPyConnection,
    tables: Sequence[PseudonymisedTable],
    keys: KeyProvider,
    context: RunContext,
) -> dict[str, Any]:
    """Attack the UPRN pseudonyms as they leave, and the inner layer beneath them.

    The inner layer is hashed anew for the candidates: where the outer lies over it, an unkeyed
    inner one would otherwise hide.
    """
    found = {kind: (clear, hashed) for kind, clear, hashed in columns_by_kind(tables)}
    if UPRN not in found:
        return {"distinct": 0, "candidates": 0, "methods": 0, "tried": 0, "pseudonyms": 0, "recovered": 0}
    clear, hashed = found[UPRN]
    distinct, candidates = choose_candidates(connection, clear)
    with keyed_hasher([keys], [UPRN], 0) as inner_layer:
        inner = inner_layer.pseudonyms(UPRN, candidates).result()
    connection.register("_inner", pa.table({"value": inner}))
    try:
        return {"distinct": distinct} | attack(
            connection, candidates, f'{hashed} UNION ALL SELECT value FROM "_inner"', _guesses(context)
        )
    finally:
        connection.unregister("_inner")


def _guesses(context: RunContext) -> tuple[str, ...]:
    agreement = context.agreement
    return (
        agreement.id,
        agreement.period,
        f"{agreement.id}|{agreement.period}",
        f"{agreement.id}|{agreement.period}|uprn|1",
        context.project.name,
        context.project.reference_date.isoformat(),
    )
