"""A review sample as the quality stage draws it, from decisions whose scores are known."""

from collections.abc import Iterator

import duckdb
import pytest

from pipeline.quality.review.sample import draw_cases


@pytest.fixture
def sample() -> Iterator[duckdb.DuckDBPyConnection]:
    """A thousand decisions, match weights from -10 to 10, one in four of an Asian household."""
    with duckdb.connect() as connection:
        connection.execute(
            """
            CREATE TABLE decision AS
            SELECT
                'secretgroup' || n AS address_group,
                'secretdwelling' || n AS dwelling_record_pseudonym,
                -10 + n / 50.0 AS match_weight,
                CASE WHEN n % 5 > 0 THEN n / 100.0 END AS margin_match_weight,
                'uprn' AS match_key,
                'uprn_and_address' AS place,
                CASE WHEN n % 3 > 0 THEN 'surname' END AS people,
                (1 + 8 + 512)::INTEGER AS evidence_bits,
                n % 7 = 0 AS contradicted,
                CASE WHEN n > 500 THEN 'linked' ELSE 'below_threshold' END AS reason
            FROM range(1000) AS numbers(n)
            """
        )
        connection.execute(
            "CREATE TABLE address_group AS SELECT address_group, 3 AS nhs_records FROM decision"
        )
        connection.execute(
            """
            CREATE TABLE quality_record AS
            SELECT
                address_group,
                CASE WHEN row_number() OVER (ORDER BY address_group) % 4 = 0 THEN 'asian' ELSE 'white' END
                    AS ethnic_group
            FROM decision
            """
        )
        draw_cases(connection)
        yield connection
