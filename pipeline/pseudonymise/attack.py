"""The self-attack on a controller's pseudonyms, which needs the controller's own list of UPRNs.

Rule PSE-05 judges the facts; `pipeline/leakage/self_attack.py` has the method.
"""

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
    """Attack the UPRN pseudonyms of the tables, and those of the inner layer; returns the attack's facts.

    tables: already hashed, in `connection`, next to the ingest tables. The inner pseudonyms are computed
    again for the attack: under an outer layer one could not see that the inner layer has no key.
    """
    found = {kind: (clear, hashed) for kind, clear, hashed in columns_by_kind(tables)}
    clear, hashed = found.get(UPRN, (_NO_VALUES, _NO_VALUES))
    uprns, pseudonyms = _distinct(connection, clear), _distinct(connection, hashed)
    with keyed_hasher([keys], [UPRN], 0) as inner_layer:
        inner = inner_layer.pseudonyms(UPRN, uprns).result()
    return attack(
        uprns,
        pa.concat_arrays([pseudonyms, inner]),
        _guesses(context),
        [key.attack_key(UPRN) for key in keys.previous],
        context.project.engine.threads,
    )


#: For a controller without UPRNs: no values.
_NO_VALUES = "SELECT NULL::VARCHAR AS value"


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
