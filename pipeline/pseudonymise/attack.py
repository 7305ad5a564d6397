"""The self-attack on a controller's pseudonyms, while its own list of UPRNs is at hand."""

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from governance.keys.providers.provider import KeyProvider
from governance.keys.pseudonyms.column_hashing import keyed_hasher
from pipeline.context import RunContext
from pipeline.leakage.self_attack import attack
from pipeline.pseudonymise.counts import columns_by_kind
from pipeline.pseudonymise.tables import UPRN, PseudonymisedTable


def attack_own_pseudonyms(
    connection: duckdb.DuckDBPyConnection,
    tables: Sequence[PseudonymisedTable],
    keys: KeyProvider,
    context: RunContext,
) -> dict[str, Any]:
    """Attack the UPRN pseudonyms as they leave, and the inner layer beneath them.

    The inner layer is hashed anew: where the outer lies over it, an unkeyed inner one would
    otherwise hide.
    """
    found = {kind: (clear, hashed) for kind, clear, hashed in columns_by_kind(tables)}
    clear, hashed = found.get(UPRN, (_NONE, _NONE))
    uprns, leaving = _distinct(connection, clear), _distinct(connection, hashed)
    with keyed_hasher([keys], [UPRN], 0) as inner_layer:
        inner = inner_layer.pseudonyms(UPRN, uprns).result()
    return attack(
        uprns,
        pa.concat_arrays([leaving, inner]),
        _guesses(context),
        [key.attack_key(UPRN) for key in keys.previous],
        context.project.engine.threads,
    )


#: A controller without UPRNs has none to recover.
_NONE = "SELECT NULL::VARCHAR AS value"


def _distinct(connection: duckdb.DuckDBPyConnection, query: str) -> pa.Array:
    table = connection.sql(f"SELECT DISTINCT value FROM ({query}) WHERE value IS NOT NULL").to_arrow_table()
    return table.column("value").combine_chunks().cast(pa.string())


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
