"""The rank-frequency attack on every token column: tests whether counting tokens can re-identify people.

The attacker has the whole pseudonymised extract, and clear data about a sample of the same people (half of
the extract's records). They rank the tokens and the clear values by the number of records with each, and
assume that equal ranks mean equal values. They do so once over the whole extract, and once within each
postcode sector, as if they knew in which sector each person lives. The result is the share of records for
which the assumption is right. Rule PSE-08 judges the first, and refuses more than its `MAXIMUM_DECODED_SHARE`
in any column. The second needs knowledge that an attacker is unlikely to have, and is only reported.

Keyed hashing is one to one, so a token is in as many records as its clear value. The attack therefore runs on
the clear values, where they are, and needs no key. It recognises 40% of the records of unsalted forenames,
and 14% of those of surnames.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import duckdb

from governance.rules.pseudonymise import is_decoded
from pipeline.pseudonymise.match_fields.catalogue import MatchField

#: The attack uses at most about this many records; a larger extract is sampled by a hash of the record ids.
ATTACKED_RECORDS = 200_000


@dataclass(frozen=True)
class EncodingAttack:
    """The result for one column. Shares are of its occurrences, from 0 to 1.

    occurrences: records with a token, or tokens for a list column. reidentified: occurrences recognised by
    ranking the whole extract; reidentified_share: their share. by_sector: share recognised by ranking within
    each postcode sector.
    """

    column: str
    occurrences: int
    reidentified: int
    reidentified_share: float
    by_sector: float

    @property
    def is_withstood(self) -> bool:
        """Whether rule PSE-08 allows the column to leave the controller."""
        return not is_decoded(self.reidentified_share, self.reidentified)

    def as_json(self) -> dict[str, str | int | float]:
        """Return the result as it is written to the evidence."""
        return asdict(self)


def attack_encoding(
    connection: duckdb.DuckDBPyConnection,
    clear: str,
    sectors: str,
    fields: Iterable[MatchField],
    sampled_share: float = 0.5,
) -> tuple[EncodingAttack, ...]:
    """Attack each field of a table made by `clear_match_fields`; returns one result per field, in order.

    clear: table with record_id and the fields. sectors: table with record_id and sector.
    sampled_share: share of the records that the attacker knows in clear (0 to 1).
    """
    rows = int(connection.execute(f'SELECT COUNT(*) FROM "{clear}"').fetchall()[0][0])
    modulus = max(1, -(-rows // ATTACKED_RECORDS))
    return tuple(_attack(connection, clear, sectors, field, modulus, sampled_share) for field in fields)


def _attack(
    connection: duckdb.DuckDBPyConnection,
    clear: str,
    sectors: str,
    field: MatchField,
    modulus: int,
    sampled_share: float,
) -> EncodingAttack:
    value = f"UNNEST(clear.{field.name})" if field.is_list else f"clear.{field.name}"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE attacked AS
        SELECT
            COALESCE(sector_of.sector, '') AS sector,
            hash(clear.record_id || ' sample') % 1000 < {round(1000 * sampled_share)} AS is_sampled,
            {value} AS value
        FROM "{clear}" AS clear
        LEFT JOIN "{sectors}" AS sector_of ON sector_of.record_id = clear.record_id
        WHERE clear.{field.name} IS NOT NULL
          AND hash(clear.record_id) % {modulus} = 0
        """
    )
    try:
        over_extract, occurrences = _count_recognised(connection, "''")
        by_sector, _ = _count_recognised(connection, "sector")
    finally:
        connection.execute("DROP TABLE attacked")
    if occurrences == 0:
        return EncodingAttack(field.name, 0, 0, 0.0, 0.0)
    return EncodingAttack(
        field.name,
        occurrences,
        over_extract,
        round(over_extract / occurrences, 6),
        round(by_sector / occurrences, 6),
    )


def _count_recognised(connection: duckdb.DuckDBPyConnection, area: str) -> tuple[int, int]:
    """Return the number of occurrences that the attacker recognises, and the number of all occurrences.

    area: SQL of the area within which values are ranked. Ties are broken by chance: those of tokens by a
    hash of the value, as the key would order them, and those of the attacker's values by another hash.
    """
    recognised, occurrences = connection.execute(
        f"""
        WITH counted AS (
            SELECT
                {area} AS area,
                value,
                COUNT(*) AS records,
                COUNT(*) FILTER (is_sampled) AS sampled_records
            FROM attacked
            GROUP BY ALL
        ),
        ranked AS (
            SELECT
                records,
                sampled_records,
                ROW_NUMBER() OVER (PARTITION BY area ORDER BY records DESC, hash(value || ' token'))
                    AS token_rank,
                ROW_NUMBER() OVER (PARTITION BY area ORDER BY sampled_records DESC, hash(value || ' guess'))
                    AS guessed_rank
            FROM counted
        )
        SELECT
            COALESCE(SUM(records) FILTER (token_rank = guessed_rank AND sampled_records > 0), 0),
            COALESCE(SUM(records), 0)
        FROM ranked
        """
    ).fetchall()[0]
    return int(recognised), int(occurrences)
