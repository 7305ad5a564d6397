"""A small town of invented households, aggregated into cells the slow and plain way."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from governance.agreement.terms import DisclosureTerms, Thresholds
from governance.artefact import Artefact, Evidence
from governance.canonical import digest_of
from governance.clearance import _MINT, Clearance, Cleared
from pipeline.aggregate.magnitude_cell import create_magnitude_table
from pipeline.artefact_store import write_artefact
from pipeline.context import RunContext
from pipeline.disclosure.noise.record_key import RecordKeySecret, create_record_key_table, load_secret
from pipeline.disclosure.profile import Profile
from pipeline.disclosure.stage import disclosure
from pipeline.disclosure.stage import fingerprint_settings as disclosure_settings
from pipeline.engine.duckdb import EngineSettings, locked_connection
from pipeline.engine.tables import write_query
from pipeline.project import Correction, Project
from pipeline.publish.commit_release import commit_release
from pipeline.publish.stage import fingerprint_settings as publish_settings
from pipeline.publish.stage import publish
from pipeline.workspace import Workspace
from tests.unit.conftest import recorded

SECRET = RecordKeySecret(bytes(range(32)))

TENURES = ("owned", "private_rented", "social_rented", "other", "unknown")
EPC_RATINGS = ("A_to_C", "D", "E_to_G", "unknown")


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
    population: str = "households"
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
    epc = np.array(EPC_RATINGS)[rng.choice(4, n, p=[0.35, 0.4, 0.15, 0.1])]
    residents = 1 + rng.binomial(5, 0.28, n)
    household = pa.table(
        {
            "household_pseudonym": ids,
            "lsoa21": np.char.add("E01", np.char.zfill(lsoa.astype(str), 6)),
            "msoa21": np.char.add("E02", np.char.zfill((lsoa // lsoas_per_msoa).astype(str), 6)),
            "local_authority": np.full(n, "E08000009"),
            "tenure": tenure,
            "epc": epc,
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
            "imd_decile": 1 + np.arange(lsoas) % 10,
        }
    )
    return Town(household, resident, area)


def build_cells(
    connection: duckdb.DuckDBPyConnection,
    town: Town,
    tables: list[TableOf],
    secret: RecordKeySecret = SECRET,
) -> None:
    """Create `cell` in the connection, as the aggregate stage would."""
    connection.register("_household", town.household)
    connection.register("_resident", town.resident)
    connection.execute("CREATE OR REPLACE TABLE household AS SELECT * FROM _household")
    connection.execute(
        "CREATE OR REPLACE TABLE resident AS SELECT * EXCLUDE (residents) FROM _resident "
        "INNER JOIN household USING (household_pseudonym)"
    )
    create_record_key_table(
        connection, "SELECT household_pseudonym FROM household", "household", "hkey", secret
    )
    create_record_key_table(connection, "SELECT person_pseudonym FROM resident", "person", "pkey", secret)
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


STATE = """
CREATE TABLE _state AS
SELECT lsoa21, 'household|' AS contribution, md5(CAST(household AS VARCHAR)) AS digest FROM household
UNION ALL
SELECT lsoa21, 'resident|', md5(CAST(resident AS VARCHAR)) FROM resident
"""

TABLES = [
    TableOf("health", "households"),
    TableOf("health", "emergency_admission", numerator="admission"),
    TableOf("health_by_tenure", "households", ("tenure",)),
    TableOf("health_by_tenure", "emergency_admission", ("tenure",), numerator="admission"),
    TableOf("health_by_epc", "households", ("epc",)),
    TableOf("resident_health", "residents_admitted", (), "resident", "residents", numerator="ill"),
]

#: Tables with a mean and a median; their amounts are generated from the counts (`Bench.amounts`).
AMOUNT_TABLES = [
    TableOf("older_resident_conditions", "older_residents", (), "resident", "older_residents"),
    TableOf("resident_age", "residents_of_known_age", (), "resident", "residents_of_known_age"),
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


QUALITY = {
    "quality_count": """
        SELECT
            unit,
            attribute,
            category,
            units,
            linked,
            linked AS links,
            0.99 * linked AS probability,
            0.0099 * linked AS variance,
            0.2 * (units - linked) AS missed_probability,
            0.16 * (units - linked) AS missed_variance,
            0 AS right_links,
            0 AS true_pairs
        FROM (
            VALUES
                ('nhs_record', 'all', 'all', 1000, {linked} + 465),
                ('nhs_record', 'sex', '1', 500, {linked}),
                ('nhs_record', 'sex', '2', 500, 465),
                ('dwelling', 'all', 'all', 400, 380)
        ) AS counted(unit, attribute, category, units, linked)
        ORDER BY ALL""",
    "match_weight": "SELECT 5 AS match_weight, 400 AS candidates, 380 AS linked, 376.0 AS probability",
}


def cleared(artefact: Artefact) -> Cleared:
    """Clear an artefact without asking a gate; tests of gates are the governance room's."""
    return Cleared(artefact, Clearance("test", artefact.stage, artefact.digest, 0, (), _MINT))


@dataclass
class Bench:
    """A workspace in which the last stages can be run on generated towns."""

    root: Path
    terms: DisclosureTerms = field(default_factory=DisclosureTerms)
    reference_date: date = date(2026, 3, 31)
    men_linked: int = 485
    correction: Correction | None = None
    amounts: str | None = None

    def context(self) -> RunContext:
        workspace = Workspace.open(self.root / "workspace")
        project = Project(
            name="town",
            folder=self.root,
            custody="single-operator",
            production=False,
            reference_date=self.reference_date,
            agreement=self.root / "agreement.toml",
            workspace=workspace.root,
            model=None,
            engine=EngineSettings(memory_limit="1GB"),
            keys={},
            extracts={},
            correction=self.correction,
        )
        agreement = SimpleNamespace(
            id="DSA-TEST",
            outputs=tuple(sorted({table.table_id for table in TABLES + AMOUNT_TABLES})),
            thresholds=Thresholds(),
            disclosure=self.terms,
        )
        spill = self.root / "spill"
        spill.mkdir(exist_ok=True)
        return RunContext("test", project, agreement, workspace, spill, log=recorded(workspace))  # type: ignore[arg-type]

    def aggregated(self, town: Town, tables: list[TableOf] = TABLES) -> Cleared:
        """Write the cells of a town as the aggregate stage would, keys drawn with the project's secret."""
        context = self.context()

        def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
            with locked_connection(context.project.engine, context.spill) as connection:
                build_cells(connection, town, tables, load_secret(context))
                connection.register("_area", town.area)
                connection.execute(STATE)
                create_magnitude_table(connection)
                if self.amounts is not None:
                    connection.execute(self.amounts)
                rows = {
                    f"{name}.parquet": write_query(
                        connection, f"SELECT * FROM {source} ORDER BY ALL", folder / f"{name}.parquet"
                    )
                    for name, source in (
                        ("cell", "cell"),
                        ("magnitude_cell", "magnitude_cell"),
                        ("area", "_area"),
                        ("household_state", "_state"),
                        ("basis", "(VALUES ('definition', '', 'household/v1')) AS t (aspect, name, value)"),
                    )
                }
            return dict(rows), Evidence("aggregate", "all")

        fingerprint = digest_of([len(town.household), str(self.reference_date), len(tables), self.amounts])
        zone = context.workspace.zone("controlled")
        return cleared(write_artefact(zone, "aggregate", "all", fingerprint, fill)[0])

    def figures(self) -> Cleared:
        """Write what the quality stage would have counted: `men_linked` of 500 men, 465 of 500 women."""
        context = self.context()

        def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
            with locked_connection(context.project.engine, context.spill) as connection:
                rows = {
                    f"{name}.parquet": write_query(
                        connection, query.format(linked=self.men_linked), folder / f"{name}.parquet"
                    )
                    for name, query in QUALITY.items()
                }
            return dict(rows), Evidence("quality", "all")

        zone = context.workspace.zone("linkage")
        return cleared(write_artefact(zone, "quality", "all", "f" * 64, fill)[0])

    def stage(self, town: Town, tables: list[TableOf] = TABLES) -> tuple[Artefact, Evidence]:
        """Run disclosure and publish on a town; returns the staged release."""
        context = self.context()
        aggregated = self.aggregated(town, tables)
        fingerprint = digest_of([aggregated.artefact.digest, disclosure_settings(context)])
        protected, _ = disclosure(aggregated, fingerprint, context)
        fingerprint = digest_of([protected.digest, publish_settings(context)])
        return publish(cleared(protected), self.figures(), aggregated, fingerprint, context)

    def publish_run(self, town: Town, tables: list[TableOf] = TABLES) -> Path:
        """Run the last stages of a whole run; returns the folder of the release."""
        artefact, _ = self.stage(town, tables)
        absence = Clearance("test", "leakage", artefact.digest, 0, (), _MINT)
        return commit_release(cleared(artefact), absence, self.context()).folder


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def make_town() -> Callable[..., Town]:
    return build_town
