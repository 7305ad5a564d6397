"""The council and NHS pair of others, linked on tokens: an unkeyed stand-in for the hash.

It lies beside the checkout, not in it: tests that use it are skipped where it is not at hand.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa

from governance.artefact import Artefact
from pipeline.engine.duckdb import EngineSettings, locked_connection
from pipeline.group.units import collect_units
from pipeline.link.members import judge_members
from pipeline.link.model import default_model
from pipeline.link.names import names_of
from pipeline.link.stage import link_units
from pipeline.link.tables import linked_table
from pipeline.pseudonymise.match_fields import MATCH_FIELDS, clear_match_fields

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
PAIR = SHARED / "data" / "household_dev"

_UPRN = "lpad(ltrim(regexp_replace(trim(uprn), '\\.0+$', ''), '0'), 12, '0')"
_LINES = ", ".join(f"address_line_{n}" for n in range(1, 5))
_SOURCES = {
    "council_property": f"""
        SELECT council_property_id AS record_id, {_LINES}, NULL::VARCHAR AS address_line_5, postcode,
            CASE WHEN uprn IS NOT NULL THEN {_UPRN} END AS uprn, is_empty = 'Y' AS is_empty,
            is_hmo = 'Y' AS is_hmo
        FROM read_csv('PAIR/council_properties.csv', all_varchar=true, header=true)""",
    "council_person": f"""
        SELECT council_person_id AS record_id, council_property_id AS property_record_id, forename, surname,
            CAST(date_of_birth AS DATE) AS birth_date, source AS service, role, NULL::VARCHAR AS uprn,
            {", ".join(f"NULL::VARCHAR AS address_line_{n}" for n in range(1, 6))},
            NULL::VARCHAR AS postcode
        FROM read_csv('PAIR/council_persons.csv', all_varchar=true, header=true)""",
    "nhs_person": f"""
        SELECT nhs_person_id AS record_id, nhs_household_id, nhs_number, forename, surname,
            CAST(date_of_birth AS DATE) AS birth_date, {_LINES}, address_line_5, postcode,
            CASE WHEN uprn IS NOT NULL THEN {_UPRN} END AS uprn
        FROM read_csv('PAIR/nhs_persons.csv', all_varchar=true, header=true)""",
}
_TABLES = {
    "dwelling": ("council_property", "NULL::VARCHAR AS parent_uprn_pseudonym,"
                 " NULL::VARCHAR AS previous_uprn_pseudonym, is_empty,"
                 " NULL::VARCHAR AS council_tax_exemption, NULL::BOOLEAN AS single_person_discount, is_hmo"),
    "council_resident": ("council_person", "property_record_id AS dwelling_record_pseudonym, service, role,"
                         " date_diff('year', birth_date, DATE '2026-03-31') AS age_years"),
    "nhs_resident": ("nhs_person", "sha256(nhs_number) AS nhs_number_pseudonym,"
                     " nhs_household_id AS address_group_pseudonym,"
                     " date_diff('year', birth_date, DATE '2026-03-31') AS age_years,"
                     " NULL::VARCHAR AS sex, NULL::VARCHAR AS ethnic_category,"
                     " NULL::DATE AS address_start, NULL::DATE AS address_end,"
                     " NULL::VARCHAR AS address_type, NULL::BOOLEAN AS is_deceased"),
}  # fmt: skip


def _token(kind: str, value: str) -> str:
    """SQL: a number of 56 bits for a text of that kind."""
    return f"CAST('0x' || sha256('{kind}' || {value})[:14] AS BIGINT)"


@contextmanager
def linked_pair(folder: Path, pair: Path = PAIR) -> Iterator[Callable[[str], pa.Table]]:
    """Lend the tables of the pair's links, each by its name. pair: the folder with its three extracts."""
    with duckdb.connect() as connection:
        for name, query in _SOURCES.items():
            connection.execute(f"CREATE TABLE {name} AS {query.replace('PAIR', str(pair))}")
        for table, (source, columns) in _TABLES.items():
            clear_match_fields(connection, source, source, "field", "council_property")
            tokens = ", ".join(
                f"list_transform(field.{f.name}, lambda v: {_token(f.kind, 'v')}) AS {f.name}"
                if f.is_list
                else f"{_token(f.kind, f'field.{f.name}')} AS {f.name}"
                for f in MATCH_FIELDS[source]
            )
            connection.execute(
                f"""
                COPY (
                    SELECT record_id AS record_pseudonym, uprn AS uprn_pseudonym, {columns}, {tokens}
                    FROM {source} INNER JOIN field USING (record_id)
                    ORDER BY record_id
                ) TO '{folder}/{table}.parquet'
                """
            )
    artefact = Artefact("pseudonymise", "council", folder, "f" * 64, ())
    with locked_connection(EngineSettings(), folder, (folder,)) as connection:
        council = _Everything(artefact)
        link_inputs = collect_units(connection, council, artefact)
        model = default_model()
        judge_members(link_units(connection, link_inputs, council, artefact, model), model)
        yield partial(linked_table, connection, names_of(link_inputs, artefact))


class _Everything(Artefact):
    """An artefact whose folder, and not its record, says which tables it has."""

    def __init__(self, artefact: Artefact) -> None:
        super().__init__(artefact.stage, artefact.part, artefact.folder, artefact.fingerprint, ())

    def has(self, table: str) -> bool:
        return self.path(table).is_file()
