"""Household build and every registered table, from linked tables made up in the engine: time and memory.

Each stage runs in a process of its own, two threads and the memory limit given, reading and writing Parquet
as in a night. The people are drawn by hashing, so that every run sees the same ones.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb

from flows.actions.benchmark import Figure
from governance.artefact import Artefact
from governance.audit.log import AuditLog
from governance.clearance import _MINT, Clearance, Cleared
from governance.recorded_state import RecordedState
from pipeline.aggregate import counting
from pipeline.aggregate import stage as aggregate_stage
from pipeline.aggregate.stage import aggregate
from pipeline.artefact_store import find_artefact
from pipeline.context import RunContext
from pipeline.engine.duckdb import EngineSettings
from pipeline.household import stage as household_stage
from pipeline.household.stage import household
from pipeline.project import Project
from pipeline.publish.files.manifest import file_records
from pipeline.workspace import Workspace
from schemas.table import tables

#: Of each engine; a household stage lends two at a time and must stay below 4 GiB as a process.
MEMORY_LIMIT = "2500MB"
REFERENCE_DATE = date(2026, 3, 31)
DWELLINGS_PER_LSOA = 670

_PROGRAM = """
import json, resource, sys, time
from pathlib import Path
import importlib.util
spec = importlib.util.spec_from_file_location("bench", sys.argv[1])
bench = importlib.util.module_from_spec(spec); spec.loader.exec_module(bench)
uncertainty = bench.time_uncertainty()
start, used = time.perf_counter(), time.process_time()
rows = bench.stage(sys.argv[2], Path(sys.argv[3]))
print(json.dumps({"seconds": time.perf_counter() - start, "processor": time.process_time() - used,
    "uncertainty": sum(uncertainty),
    "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "rows": rows}))
"""


def measure(households: int, folder: Path) -> list[Figure]:
    start = time.perf_counter()
    make_up(households, folder / "made")
    made = time.perf_counter() - start
    figures = [Figure("making the tables up (not part of the sum)", made, "s")]
    total = uncertainty = 0.0
    for name in ("household", "aggregate"):
        ran = subprocess.run(
            [sys.executable, "-c", _PROGRAM, __file__, name, str(folder)],
            check=True,
            capture_output=True,
            text=True,
        )
        told = json.loads(ran.stdout.splitlines()[-1])
        total += told["seconds"]
        uncertainty += told["uncertainty"]
        figures += [
            Figure(f"{name}: seconds by the clock", told["seconds"], "s"),
            Figure(f"{name}: processor seconds, two cores", told["processor"], "s"),
            Figure(f"{name}: of the clock's, for bands of linkage and other caps", told["uncertainty"], "s"),
            Figure(f"{name}: peak memory", told["mib"], "MiB", "4,096 MiB"),
            Figure(f"{name}: rows written", told["rows"], "rows"),
        ]
    return [
        *figures,
        Figure("household build and all tables", total - uncertainty, "s", "60 s at 1,000,000 households"),
        Figure("with bands of linkage and other caps", total, "s"),
    ]


def time_uncertainty() -> list[float]:
    """Have the seconds noted that go into how sure the tables are, not into making them."""
    seconds: list[float] = []
    for module, name in (
        (household_stage, "build_accounts"),
        (counting, "record_linkage_bands"),
        (aggregate_stage, "widen_linkage_bands"),
        (aggregate_stage, "build_cap_sensitivity"),
    ):
        setattr(module, name, _timed(getattr(module, name), seconds))
    return seconds


def _timed(work: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    def timed(*given: Any, **named: Any) -> Any:
        start = time.perf_counter()
        result = work(*given, **named)
        seconds.append(time.perf_counter() - start)
        return result

    return timed


def stage(name: str, folder: Path) -> int:
    """Run one stage over what lies in the folder; returns the rows of its main table."""
    context = _context(folder)
    if name == "household":
        made = [_lent(folder / "made" / part, part) for part in ("linked", "council", "nhs")]
        household(*made, "a" * 64, context)
        return len(_rows(folder, "household", "household"))
    found = find_artefact(context.workspace.zone("controlled"), "household", "all", "a" * 64)
    assert found is not None, "the household stage runs first"
    aggregate(_cleared(found[0]), "b" * 64, context)
    return len(_rows(folder, "aggregate", "cell"))


def make_up(households: int, folder: Path) -> None:
    """Write linked and pseudonymised tables of that many households, drawn by hashing their numbers."""
    with duckdb.connect(":memory:", config={"threads": "2", "memory_limit": MEMORY_LIMIT}) as connection:
        connection.execute("CREATE MACRO chance(n, k) AS (hash(n, k) % 1000000) / 1000000.0")
        connection.execute("CREATE MACRO pseudonym(n, k) AS md5(concat(k, n))")
        connection.execute(_DWELLING, {"households": households, "per_lsoa": DWELLINGS_PER_LSOA})
        connection.execute(_PERSON, {"reference_date": REFERENCE_DATE})
        for table, (part, query) in _TABLES.items():
            (folder / part).mkdir(parents=True, exist_ok=True)
            path = folder / part / f"{table}.parquet"
            connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 262144)")


def _context(folder: Path) -> RunContext:
    workspace = Workspace.open(folder / "workspace")
    spill = folder / "spill"
    spill.mkdir(exist_ok=True)
    project = Project(
        name="bench",
        folder=folder,
        custody="single-operator",
        production=False,
        reference_date=REFERENCE_DATE,
        agreement=folder / "agreement.toml",
        workspace=workspace.root,
        model=None,
        engine=EngineSettings(threads=2, memory_limit=MEMORY_LIMIT),
        keys={},
        extracts={},
    )
    agreement = SimpleNamespace(id="BENCH", outputs=tuple(tables()))
    log = RecordedState(AuditLog.open(workspace.zone("audit")), "bench", "operator")
    return RunContext("bench", project, agreement, workspace, spill, log=log)  # type: ignore[arg-type]


def _lent(folder: Path, part: str) -> Cleared:
    stage_of = {"linked": "link", "council": "pseudonymise", "nhs": "pseudonymise"}
    return _cleared(Artefact(stage_of[part], part, folder, part * 8, file_records(folder)))


def _cleared(artefact: Artefact) -> Cleared:
    return Cleared(artefact, Clearance("bench", artefact.stage, artefact.digest, 0, (), _MINT))


def _rows(folder: Path, stage_name: str, table: str) -> range:
    record = next((folder / "workspace").glob(f"controlled/{stage_name}-all-*/artefact.json"))
    files = {f["name"]: f["rows"] for f in json.loads(record.read_bytes())["files"]}
    return range(files[f"{table}.parquet"])


_DWELLING = """
CREATE TABLE made_dwelling AS
SELECT
    n,
    pseudonym(n, 'd') AS record_pseudonym,
    pseudonym(n, 'u') AS uprn_pseudonym,
    format('E01{:06d}', n // $per_lsoa) AS lsoa21,
    CASE WHEN chance(n, 1) < 0.3 THEN 1 WHEN chance(n, 1) < 0.64 THEN 2 WHEN chance(n, 1) < 0.8 THEN 3
        WHEN chance(n, 1) < 0.93 THEN 4 WHEN chance(n, 1) < 0.98 THEN 5 ELSE 6 END AS size,
    CAST(22 + 65 * chance(n, 2) AS BIGINT) AS eldest
FROM range($households) AS made(n)
"""

_PERSON = """
CREATE TABLE made_person AS
SELECT
    n,
    position,
    record_pseudonym AS dwelling,
    pseudonym(10 * n + position, 'r') AS record_pseudonym,
    pseudonym(10 * n + position, 'p') AS person,
    pseudonym(10 * n + position, 'b') AS name_birth,
    CASE WHEN position = 0 THEN eldest WHEN position = 1 THEN eldest - CAST(6 * chance(n, 3) AS BIGINT)
        ELSE CAST(18 * chance(10 * n + position, 4) AS BIGINT) END AS age_years,
    CASE WHEN chance(10 * n + position, 5) < 0.5 THEN '1' ELSE '2' END AS sex,
    CAST($reference_date AS DATE) AS today,
    chance(10 * n + position, 6) AS luck
FROM made_dwelling
CROSS JOIN range(6) AS people(position)
WHERE position < size
"""

#: Table -> the artefact it is part of, and its rows.
_TABLES = {
    "area": (
        "council",
        """
        SELECT DISTINCT lsoa21, format('E02{:06d}', CAST(substr(lsoa21, 4) AS BIGINT) // 5) AS msoa21,
            format('E08{:06d}', CAST(substr(lsoa21, 4) AS BIGINT) // 150) AS local_authority,
            1 + CAST(substr(lsoa21, 4) AS BIGINT) % 10 AS imd_decile,
            CAST(substr(lsoa21, 4) AS BIGINT) % 3 = 0 AS aqma
        FROM made_dwelling ORDER BY lsoa21
        """,
    ),
    "dwelling": (
        "council",
        """
        SELECT record_pseudonym, uprn_pseudonym, lsoa21, 'RD04' AS blpu_class, '2' AS blpu_state,
            ['detached', 'semi_detached', 'terraced', 'flat_purpose_built'][1 + n % 4] AS property_type,
            ['A', 'B', 'C', 'D', 'E'][1 + n % 5] AS council_tax_band, NULL::VARCHAR AS council_tax_exemption,
            size = 1 AS single_person_discount, chance(n, 7) < 0.15 AS council_tax_support,
            ['owned_outright', 'mortgage', 'private_rented', 'housing_association'][1 + n % 4] AS tenure,
            NULL::VARCHAR AS landlord, 1 + CAST(4 * chance(n, 8) AS BIGINT) AS bedrooms,
            ['B', 'C', 'D', 'E', NULL][1 + n % 5] AS epc_rating, chance(n, 9) < 0.01 AS is_hmo,
            chance(n, 10) < 0.05 AS damp_report, chance(n, 11) < 0.05 AS arrears, FALSE AS is_empty
        FROM made_dwelling ORDER BY record_pseudonym
        """,
    ),
    "council_resident": (
        "council",
        """
        SELECT pseudonym(record_pseudonym, 'c') AS record_pseudonym, dwelling AS dwelling_record_pseudonym,
            CASE WHEN age_years BETWEEN 5 AND 15 THEN 'school_census' ELSE 'council_tax' END AS service,
            age_years, sex, luck < 0.2 AS free_school_meals, NULL::VARCHAR AS sen,
            luck < 0.6 AS good_level_of_development,
            CASE WHEN age_years BETWEEN 5 AND 15 THEN 80.0 + 20 * luck END AS school_attendance_percent,
            age_years BETWEEN 18 AND 65 AND luck < 0.7 AS in_work, name_birth AS person_name_birth
        FROM made_person WHERE luck < 0.85 ORDER BY record_pseudonym
        """,
    ),
    "nhs_resident": (
        "nhs",
        """
        SELECT record_pseudonym, person AS nhs_number_pseudonym, age_years, sex,
            ['A', 'B', 'H', 'M', 'Z'][1 + n % 5] AS ethnic_category,
            CAST(today - CAST(CAST(4000 * luck AS BIGINT) AS INTEGER) AS DATE) AS address_start,
            CASE WHEN luck > 0.97 THEN today - 30 END AS address_end,
            DATE '2010-01-01' AS registration_start, NULL::DATE AS registration_end,
            luck < 0.005 AS is_deceased,
            CASE WHEN luck BETWEEN 0.9 AND 0.905 THEN 'temporary' ELSE 'usual' END AS address_type,
            format('P{:05d}', n % 97) AS practice_code, CAST(4 * luck AS BIGINT) AS long_term_conditions,
            CAST(luck < 0.08 AS BIGINT) AS emergency_admissions, name_birth AS person_name_birth
        FROM made_person ORDER BY record_pseudonym
        """,
    ),
    "resident_link": (
        "linked",
        """
        SELECT record_pseudonym AS nhs_record_pseudonym,
            CASE WHEN luck < 0.95 THEN dwelling END AS dwelling_record_pseudonym,
            CASE WHEN luck < 0.95 THEN 'linked' ELSE 'no_candidate' END AS reason,
            CASE WHEN luck < 0.95 THEN 1 - luck * luck * 0.01 END AS match_probability,
            concat('g', dwelling) AS address_group, CASE WHEN luck < 0.04 THEN 1.0 ELSE 8.0 END
                AS residence_match_weight
        FROM made_person ORDER BY record_pseudonym
        """,
    ),
    "decision": (
        "linked",
        """
        SELECT DISTINCT concat('g', dwelling) AS address_group, dwelling AS dwelling_record_pseudonym
        FROM made_person WHERE luck > 0.97 ORDER BY address_group
        """,
    ),
    "nhs_condition": (
        "nhs",
        """
        SELECT record_pseudonym AS resident_record_pseudonym, person AS nhs_number_pseudonym,
            ['asthma', 'hypertension', 'diabetes', 'depression', 'copd', 'frailty', 'obesity']
                [1 + CAST(6 * chance(10 * n + position, 12 + k) AS BIGINT)] AS condition,
            DATE '2020-01-01' AS onset_date
        FROM made_person CROSS JOIN range(2) AS twice(k)
        WHERE chance(10 * n + position, 20 + k) < 0.35 ORDER BY person
        """,
    ),
    "nhs_event": (
        "nhs",
        """
        SELECT record_pseudonym AS resident_record_pseudonym, person AS nhs_number_pseudonym,
            ['emergency_admission', 'ae_attendance', 'vaccination_influenza', 'outpatient_attendance', 'fall']
                [1 + CAST(4 * chance(10 * n + position, 30 + k) AS BIGINT)] AS event,
            CAST(today - CAST(700 * chance(10 * n + position, 40 + k) AS INTEGER) AS DATE) AS event_date,
            ['J00-J99', 'W00-W19', NULL][1 + n % 3] AS icd10_chapter_group, '21' AS admission_method
        FROM made_person CROSS JOIN range(2) AS twice(k)
        WHERE chance(10 * n + position, 50 + k) < 0.5 ORDER BY person
        """,
    ),
}
