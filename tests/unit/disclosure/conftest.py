"""A small town of invented households, aggregated into cells the slow and plain way."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from pipeline.disclosure.profile import Profile
from pipeline.disclosure.record_key import RecordKeySecret, create_record_key_table
from pipeline.engine.duckdb import EngineSettings, locked_connection

SECRET = RecordKeySecret(bytes(range(32)))

TENURES = ("owned", "private_rented", "social_rented", "shared", "unknown")
EPC_RATINGS = ("A", "B", "C", "D", "E", "F", "G")


@dataclass(frozen=True)
class Town:
    """Households and residents as Arrow tables; areas nest lsoa in msoa in one authority."""

    household: pa.Table
    resident: pa.Table
    area: pa.Table


@dataclass(frozen=True)
class TableOf:
    """One registered table of the town."""

    table_id: str
    measure: str
    dimensions: tuple[str, ...] = ()
    unit: str = "household"
    population: str = "household"
    numerator: str | None = None
    area_levels: tuple[str, ...] = field(default=("LSOA21", "MSOA21", "LAD"))


def build_town(lsoas: int, households_per_lsoa: int = 300, seed: int = 1, lsoas_per_msoa: int = 5) -> Town:
    rng = np.random.default_rng(seed)
    size = rng.integers(households_per_lsoa * 2 // 3, households_per_lsoa * 4 // 3, lsoas)
    lsoa = np.repeat(np.arange(lsoas), size)
    n = len(lsoa)
    deprivation = rng.uniform(0.2, 1.0, lsoas)[lsoa]
    ids = np.char.add("h", np.arange(n).astype(str))
    tenure = np.array(TENURES)[np.minimum(rng.geometric(0.45 + 0.3 * (1 - deprivation)), len(TENURES)) - 1]
    epc = np.array(EPC_RATINGS)[np.clip(rng.binomial(6, 0.55, n), 0, 6)]
    residents = 1 + rng.binomial(5, 0.28, n)
    household = pa.table(
        {
            "household_pseudonym": ids,
            "lsoa21": np.char.add("E01", np.char.zfill(lsoa.astype(str), 6)),
            "msoa21": np.char.add("E02", np.char.zfill((lsoa // lsoas_per_msoa).astype(str), 6)),
            "local_authority": np.full(n, "E08000009"),
            "tenure": tenure,
            "epc_rating": epc,
            "band": np.array(list("ABCDEFGH"))[np.clip(rng.geometric(0.4, n) - 1, 0, 7)],
            "residents": residents,
            "admission": rng.random(n) < 0.06 + 0.14 * deprivation,
            "asthma": rng.random(n) < 0.03 + 0.1 * deprivation,
        }
    )
    owner = np.repeat(np.arange(n), residents)
    resident = pa.table(
        {
            "household_pseudonym": ids[owner],
            "person_pseudonym": np.char.add("p", np.arange(len(owner)).astype(str)),
            "ill": rng.random(len(owner)) < 0.2,
        }
    )
    lsoa_names = np.char.add("E01", np.char.zfill(np.arange(lsoas).astype(str), 6))
    area = pa.table(
        {
            "lsoa21": lsoa_names,
            "msoa21": np.char.add("E02", np.char.zfill((np.arange(lsoas) // lsoas_per_msoa).astype(str), 6)),
            "local_authority": np.full(lsoas, "E08000009"),
        }
    )
    return Town(household, resident, area)


def build_cells(connection: duckdb.DuckDBPyConnection, town: Town, tables: list[TableOf]) -> None:
    """Create `cell` in the connection, as the aggregate stage would."""
    connection.register("_household", town.household)
    connection.register("_resident", town.resident)
    connection.execute("CREATE OR REPLACE TABLE household AS SELECT * FROM _household")
    connection.execute(
        "CREATE OR REPLACE TABLE resident AS SELECT * EXCLUDE (residents) FROM _resident "
        "INNER JOIN household USING (household_pseudonym)"
    )
    create_record_key_table(
        connection, "SELECT household_pseudonym FROM household", "household", "hkey", SECRET
    )
    create_record_key_table(connection, "SELECT person_pseudonym FROM resident", "person", "pkey", SECRET)
    levels = {"LSOA21": "lsoa21", "MSOA21": "msoa21", "LAD": "local_authority"}
    parts = []
    for table in tables:
        for level in table.area_levels:
            parts.append(_cells_of(table, level, levels[level]))
    connection.execute("CREATE OR REPLACE TABLE cell AS " + " UNION ALL ".join(parts))


def _cells_of(table: TableOf, level: str, column: str) -> str:
    dims = [*table.dimensions, *([None] * (2 - len(table.dimensions)))]
    names = [f"'{d}'" if d else "NULL" for d in dims]
    categories = [f"CAST({d} AS VARCHAR)" if d else "NULL" for d in dims]
    grid = f"SELECT DISTINCT {column} AS area FROM household"
    for number, dimension in enumerate(table.dimensions, 1):
        grid = (
            f"SELECT * FROM ({grid}) CROSS JOIN "
            f"(SELECT DISTINCT CAST({dimension} AS VARCHAR) AS c{number} FROM household)"
        )
    flag = table.numerator or "FALSE"
    joins = " AND ".join(
        [f"s.{column} = grid.area"]
        + [f"CAST(s.{d} AS VARCHAR) = grid.c{n}" for n, d in enumerate(table.dimensions, 1)]
    )
    group = ", ".join(["area"] + [f"c{n}" for n, _ in enumerate(table.dimensions, 1)])
    source = "resident" if table.unit == "resident" else "household"

    def figures(prefix: str, condition: str) -> str:
        if table.unit == "resident":
            return (
                f"COUNT(DISTINCT s.household_pseudonym) FILTER ({condition}) AS {prefix}_households, "
                f"COUNT(s.person_pseudonym) FILTER ({condition}) AS {prefix}_persons, "
                f"NULL::BIGINT AS {prefix}_household_key, "
                f"COALESCE(SUM(pkey.record_key) FILTER ({condition}), 0) % 4096 AS {prefix}_person_key"
            )
        return (
            f"COUNT(s.household_pseudonym) FILTER ({condition}) AS {prefix}_households, "
            f"COALESCE(SUM(s.residents) FILTER ({condition}), 0) AS {prefix}_persons, "
            f"COALESCE(SUM(hkey.record_key) FILTER ({condition}), 0) % 4096 AS {prefix}_household_key, "
            f"NULL::BIGINT AS {prefix}_person_key"
        )

    key_join = (
        "LEFT JOIN pkey ON pkey.anchor = s.person_pseudonym"
        if source == "resident"
        else "LEFT JOIN hkey ON hkey.anchor = s.household_pseudonym"
    )
    counted = "s.person_pseudonym" if source == "resident" else "s.household_pseudonym"
    numerator = f"COUNT({counted}) FILTER (s.{flag})" if table.numerator else "NULL::BIGINT"
    yes = f"WHERE s.{flag}" if table.numerator else "WHERE FALSE"
    no = f"WHERE NOT s.{flag}" if table.numerator else "WHERE FALSE"
    selected = ", ".join(
        f"c{n} AS category_{n}" if n <= len(table.dimensions) else f"NULL AS category_{n}" for n in (1, 2)
    )
    del categories
    return (
        f"SELECT '{table.table_id}' AS table_id, '{table.measure}' AS measure, '{table.unit}' AS unit, "
        f"'{table.population}' AS population, '{level}' AS area_level, area AS area_code, "
        f"{names[0]}::VARCHAR AS dimension_1, {names[1]}::VARCHAR AS dimension_2, {selected}, "
        f"COUNT({counted}) AS denominator, {numerator} AS numerator, "
        f"{figures('denominator', 'WHERE TRUE')}, {figures('numerator', yes)}, {figures('complement', no)}, "
        f"FALSE AS structural_zero "
        f"FROM ({grid}) AS grid LEFT JOIN {source} AS s ON {joins} {key_join} GROUP BY {group}"
    )


TABLES = [
    TableOf("households", "households"),
    TableOf("tenure", "households", ("tenure",)),
    TableOf("epc", "households", ("epc_rating",)),
    TableOf("tenure_by_epc", "households", ("tenure", "epc_rating")),
    TableOf("admission", "admission", (), numerator="admission"),
    TableOf("admission_by_tenure", "admission", ("tenure",), numerator="admission"),
    TableOf("illness_by_tenure", "illness", ("tenure",), "resident", "resident", numerator="ill"),
    TableOf("illness", "illness", (), "resident", "resident", numerator="ill"),
]


def profile_for_tests(**changes: object) -> Profile:
    settings: dict[str, object] = {
        "name": "cell-key",
        "method": "cell-key 1.0",
        "minimum_cell_count": 10,
        "rounding_base": 5,
        "noise_bound": 3,
        "floor_households": 40,
        "floor_persons": 100,
        "floor_households_multiway": 400,
        "floor_persons_multiway": 1000,
        "maximum_hidden_share": 0.25,
        "dominant_share": 0.9,
        "minimum_changed_households": 20,
        "epoch": "quarter",
    }
    return Profile(**(settings | changes))  # type: ignore[arg-type]


@pytest.fixture
def make_profile() -> Callable[..., Profile]:
    return profile_for_tests


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with locked_connection(EngineSettings(memory_limit="1GB"), tmp_path) as connection:
        yield connection


@pytest.fixture
def town_cells(engine: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A connection with `cell` of a town of 20 LSOAs."""
    build_cells(engine, build_town(20), TABLES)
    return engine
