"""The pseudonymise stage: every direct identifier of one controller is replaced by a keyed hash, or removed.

It runs where the key is: at the controller, or on the one machine of the sample project. Each identifier is
hashed under the key of its kind. The rows are written in the order of their pseudonyms, which is unrelated to
the order of the extract. The contracts of the pseudonymised tables decide which columns may leave.

Facts of the evidence, for the PSE rules:

    algorithm, key_bits, pseudonym_bytes   how pseudonyms are made
    key_id, key_state, key_provider        which key made them, and its state
    key_agreement, key_period, key_version what the key was made for
    agreement, period, custody             those of the project
    check_values      {identifier kind: check value}; the same at both controllers
    outer_key_id, outer_check_value   of the outer key, if it was applied here; otherwise null
    identifiers       {identifier kind: {values, distinct_in, distinct_out}}
    sentinels_hashed  hashed values that mean "unknown"
    tables            {table: {rows_in, rows_out, columns}}
    canary_seed, canary_rows   seed of the rows that ingest planted, and their number
    self_attack       see `pipeline/leakage/self_attack.py`
    encoding_attack   {table: [{column, occurrences, reidentified, reidentified_share, by_sector}]}: the
                      rank-frequency attack on every token column (see `match_fields/encoding_attack.py`)
    declared_periods  {table: [first day, last day]} that the supplier stated under `covers` in hearth.toml
    ages_withheld     people with a birth date after the reference date
"""

from pathlib import Path
from typing import Any

import duckdb

from governance.artefact import Artefact, Evidence
from governance.clearance import Cleared
from governance.counted import counted
from governance.errors import Fault
from governance.keys.providers.provider import KeyProvider
from governance.keys.pseudonyms.column_hashing import KeyedHasher, keyed_hasher
from governance.keys.pseudonyms.derivation import ALGORITHM, PSEUDONYM_BYTES
from pipeline.artefact_store import write_artefact
from pipeline.context import RunContext
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.statements import Statements
from pipeline.engine.tables import BATCH_ROWS, create_table, load_table, write_query
from pipeline.leakage.canary import canary_of
from pipeline.pseudonymise.attack import attack_own_pseudonyms
from pipeline.pseudonymise.canary_rows import count_planted_rows, delete_planted_rows, move_planted_rows
from pipeline.pseudonymise.counts import count_births_after, count_identifiers, count_sentinels
from pipeline.pseudonymise.match_fields import MATCH_FIELDS, clear_match_fields
from pipeline.pseudonymise.match_fields.encoding_attack import EncodingAttack, attack_encoding
from pipeline.pseudonymise.streaming import hashed_batches, hashed_schema
from pipeline.pseudonymise.tables import IDENTIFIERS, UPRN, PseudonymisedTable, tables_of

STAGE = "pseudonymise"
_SQL = Statements("pipeline.pseudonymise")
#: With fewer rows, starting further processes takes longer than they save.
_ROWS_WORTH_PROCESSES = 20_000


def fingerprint_settings(keys: KeyProvider, context: RunContext) -> dict[str, Any]:
    """Return what the output depends on in addition to code and extract: keys and reference date."""
    return {
        "keys": [
            [layer.description.key_id, {kind: layer.check_value(kind) for kind in IDENTIFIERS}]
            for layer in _layers(keys)
        ],
        "reference_date": context.project.reference_date.isoformat(),
        "declared_periods": _declared_periods(context),
    }


def pseudonymise(
    ingested: Cleared, keys: KeyProvider, fingerprint: str, context: RunContext
) -> tuple[Artefact, Evidence]:
    """Pseudonymise one controller's ingested tables; one row of a result is one row of its ingest table.

    Writes `<table>.parquet` for each of the controller's `tables_of`, and `canary/<table>.parquet`.
    Raises Refused if the key is not active or was made for another agreement or period; Fault if a hashing
    process ends early, or rows are lost.
    """
    controller = ingested.artefact.part
    zone = context.workspace.zone("pseudonymised") / controller

    def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
        return _fill(ingested.artefact, keys, context, folder)

    return write_artefact(zone, STAGE, controller, fingerprint, fill)


def _fill(
    ingested: Artefact, keys: KeyProvider, context: RunContext, folder: Path
) -> tuple[dict[str, int | None], Evidence]:
    tables = [table for table in tables_of(ingested.part) if ingested.has(table.source)]
    kinds = sorted({column.kind for table in tables for column in table.hashed.values()} | set(IDENTIFIERS))
    canary = canary_of(ingested.part, ingested.fingerprint)
    rows: dict[str, int | None] = {}
    table_facts: dict[str, Any] = {}
    encoding: dict[str, Any] = {}
    with locked_connection(context.project.engine, context.spill) as connection:
        loaded = {
            source: load_table(connection, ingested.path(source), source)
            for source in sorted({table.source for table in tables})
        }
        planted = count_planted_rows(connection, canary, loaded)
        processes = context.project.engine.threads if sum(loaded.values()) >= _ROWS_WORTH_PROCESSES else 0
        with keyed_hasher(_layers(keys), kinds, processes) as hasher:
            for table in tables:
                attacks = _pseudonymise_table(connection, table, hasher, context)
                if attacks:
                    encoding[table.name] = [attack.as_json() for attack in attacks]
                canary_file = move_planted_rows(connection, table, canary, hasher, folder)
                columns = [row[0] for row in connection.execute(f'DESCRIBE "{table.hashed_name}"').fetchall()]
                written = write_query(
                    connection,
                    f'SELECT * FROM "{table.hashed_name}" ORDER BY {", ".join(table.order_by)}',
                    folder / f"{table.name}.parquet",
                )
                rows[f"{table.name}.parquet"] = written
                rows |= {canary_file: len(canary.rows()[table.source])} if canary_file else {}
                table_facts[table.name] = {
                    "rows_in": loaded[table.source] - planted[table.source],
                    "rows_out": written,
                    "columns": columns,
                }
                context.report(f"{table.name}: {counted(written, 'row')} pseudonymised")
        delete_planted_rows(connection, canary, loaded)
        lost = [
            f"{name} ({facts['rows_in']:,} in, {facts['rows_out']:,} out)"
            for name, facts in table_facts.items()
            if facts["rows_in"] != facts["rows_out"]
        ]
        if lost:
            raise Fault(
                "PSEUDONYMISE_ROWS_LOST",
                f"Nothing was pseudonymised, because the numbers of rows differ: {', '.join(lost)}.",
                "Report this as a defect of Hearth, with the run's log.",
            )
        facts = _key_facts(keys, context) | {
            "identifiers": count_identifiers(connection, tables),
            "sentinels_hashed": count_sentinels(connection, tables),
            "declared_periods": {
                table.name: period
                for table in tables
                if (period := _declared_periods(context).get(table.source)) is not None
            },
            "ages_withheld": count_births_after(connection, tables, context.project.reference_date),
            "tables": table_facts,
            "canary_seed": ingested.fingerprint,
            "canary_rows": sum(planted.values()),
            "self_attack": attack_own_pseudonyms(connection, tables, keys, context),
            "encoding_attack": encoding,
        }
    return rows, Evidence(STAGE, ingested.part, facts)


def _declared_periods(context: RunContext) -> dict[str, list[str]]:
    """Return extract table -> first and last day of the period that its supplier stated."""
    return {
        table: [day.isoformat() for day in settings.covers]
        for table, settings in sorted(context.project.extracts.items())
        if settings.covers is not None
    }


def _layers(keys: KeyProvider) -> list[KeyProvider]:
    return [keys] if keys.outer is None else [keys, keys.outer]


def _key_facts(keys: KeyProvider, context: RunContext) -> dict[str, Any]:
    key = keys.description
    outer = keys.outer
    return {
        "algorithm": ALGORITHM,
        "key_bits": key.bits,
        "pseudonym_bytes": PSEUDONYM_BYTES,
        "key_id": key.key_id,
        "key_state": str(key.state),
        "key_provider": key.provider,
        "key_agreement": key.context.agreement,
        "key_period": key.context.period,
        "key_version": key.context.version,
        "agreement": context.agreement.id,
        "period": context.agreement.period,
        "custody": context.project.custody,
        "outer_key_id": outer.description.key_id if outer else None,
        "outer_check_value": outer.check_value(UPRN) if outer else None,
        "check_values": {kind: keys.check_value(kind) for kind in IDENTIFIERS},
    }


def _pseudonymise_table(
    connection: duckdb.DuckDBPyConnection,
    table: PseudonymisedTable,
    hasher: KeyedHasher,
    context: RunContext,
) -> tuple[EncodingAttack, ...]:
    """Create the table `table.hashed_name` in the connection, with every identifier hashed.

    Returns the encoding attack on each token column, which needs the clear values too.
    """
    attacks: tuple[EncodingAttack, ...] = ()
    if table.source in MATCH_FIELDS:
        fields, sectors = f"{table.source}_match_field", f"{table.source}_sector"
        clear_match_fields(
            connection,
            table.source,
            table.source,
            fields,
            "council_property" if "council_property" in table.needs else None,
            sectors,
        )
        attacks = attack_encoding(connection, fields, sectors, MATCH_FIELDS[table.source])
        connection.execute(f'DROP TABLE "{sectors}"')
    query = _SQL.read(table.name)
    parameters = {"reference_date": context.project.reference_date} if "$reference_date" in query else None
    with connection.cursor() as reading:
        clear = reading.sql(query, params=parameters).to_arrow_reader(BATCH_ROWS)
        create_table(
            connection,
            table.hashed_name,
            hashed_schema(clear.schema, table.hashed),
            hashed_batches(clear, table.hashed, hasher),
        )
    if table.source in MATCH_FIELDS:
        connection.execute(f'DROP TABLE "{table.source}_match_field"')
    return attacks
