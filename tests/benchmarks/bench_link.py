"""Grouping and linkage at a hundredth, a tenth and the whole of a size, beside bare Splink calls.

Records are dwellings and NHS address groups, which the group stage makes of people. "Bare" is what a
Splink user would run who had them ready: read two Parquet files of them, register them, `predict` with the
same model and blocking rules, write the pairs. Link reads them too, and what they are compared by, finds
the pairs, decides, judges every member and writes names, links and reasons.
Every run is a process of its own with two threads. Each run of the one is followed by a run of the other, in
turns, because what else the machine does can lengthen either by a third: told are the middle run of each and
the middle one of the pairs' ratios, which is not quite the ratio of the two. The people are drawn by hashing:
Zipf-like names, streets that recur in every town, blocks of flats, stale and missing UPRNs, movers, ghosts.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from operator import itemgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
from splink import DuckDBAPI, Linker
from splink.internals.linker_components.inference import LinkerInference

from flows.actions.benchmark import Figure
from governance.artefact import Artefact
from governance.audit.log import AuditLog
from governance.clearance import _MINT, Clearance, Cleared
from governance.recorded_state import RecordedState
from pipeline.context import RunContext
from pipeline.engine.duckdb import EngineSettings, locked_connection
from pipeline.engine.tables import load_table, write_query
from pipeline.group.blocking import RECORDED_RULES
from pipeline.group.stage import group
from pipeline.group.units import collect_units
from pipeline.link.comparison import SCORECARDS
from pipeline.link.comparison_inputs import register_comparison_inputs
from pipeline.link.model import default_model
from pipeline.link.scoring import settings_of
from pipeline.link.stage import link
from pipeline.project import Project
from pipeline.pseudonymise.match_fields import ADDRESS_FIELDS, PERSON_FIELDS
from pipeline.pseudonymise.tables import TABLES
from pipeline.publish.files.manifest import file_records
from pipeline.workspace import Workspace

#: Pairs of runs.
RUNS = 5
MEMORY_LIMIT = "1GB"
REFERENCE_DATE = date(2026, 3, 31)
UNITS = ("dwelling_unit", "nhs_unit")

_PROGRAM = """
import json, resource, sys, time
import pyarrow as pa
from pathlib import Path
import importlib.util
spec = importlib.util.spec_from_file_location("bench", sys.argv[1])
bench = importlib.util.module_from_spec(spec); spec.loader.exec_module(bench)
pa.array([])  # pyarrow looks for pandas at its first array: half a second that is no part of either
told = getattr(bench, sys.argv[2])(Path(sys.argv[3]))
print()  # the engine draws its progress into a program that has no file
print(json.dumps({"mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, **told}))
"""


def measure(households: int, folder: Path) -> list[Figure]:
    sizes = sorted({max(1000, households // part) for part in (100, 10, 1)})
    figures: list[Figure] = []
    pairs: list[float] = []
    for size in sizes:
        work = folder / str(size)
        work.mkdir(parents=True)
        # In a process of its own: a child's peak memory starts at what its parent held.
        run("make_up_here", work)
        run("make_units_ready", work)
        runs = [_pair_of_runs(work, link_first=n % 2 == 0) for n in range(RUNS)]
        linked, bare = (
            sorted(told, key=itemgetter("seconds"))[RUNS // 2] for told in zip(*runs, strict=True)
        )
        pairs.append(linked["pairs"] / (linked["dwellings"] + linked["groups"]))
        at = f"{size:,} households"
        ratios = sorted(link["seconds"] / bare["seconds"] for link, bare in runs)
        both = sorted((link["grouping"] + link["seconds"]) / bare["seconds"] for link, bare in runs)
        figures += [
            Figure(f"group, {at}: by the clock", linked["grouping"], "s"),
            Figure(f"link, {at}: by the clock", linked["seconds"], "s"),
            Figure(f"link, {at}: processor, two cores", linked["processor"], "s"),
            Figure(f"link, {at}: Splink's calls within it", linked["splink"], "s"),
            Figure(f"bare Splink calls, {at}: by the clock", bare["seconds"], "s"),
            Figure(f"bare Splink calls, {at}: reading units within it", bare["reading"], "s"),
            Figure(f"bare Splink calls, {at}: processor, two cores", bare["processor"], "s"),
            Figure(f"link beside the bare calls, {at}", ratios[RUNS // 2], "ratio", "1.15"),
            Figure(f"link beside the bare calls, {at}: the least of the pairs", ratios[0], "ratio"),
            Figure(f"link beside the bare calls, {at}: the most of the pairs", ratios[-1], "ratio"),
            Figure(f"group and link beside the bare calls, {at}", both[RUNS // 2], "ratio"),
            Figure(f"group and link, {at}: peak memory", linked["mib"], "MiB", "3,072 MiB"),
            Figure(f"bare Splink calls, {at}: peak memory", bare["mib"], "MiB"),
            Figure(f"scored pairs a record, {at}", pairs[-1], "pairs"),
        ]
    spread = max(pairs) / min(pairs)
    return [*figures, Figure("most scored pairs a record beside fewest", spread, "ratio", "1.00")]


def _pair_of_runs(work: Path, *, link_first: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a run of link and one of the bare calls tell, one right after the other."""
    order = ("run_link", "run_bare") if link_first else ("run_bare", "run_link")
    told = {what: run(what, work) for what in order}
    return told["run_link"], told["run_bare"]


def run(what: str, folder: Path) -> dict[str, Any]:
    """Run one function of this file in a process of its own; returns what it and the process tell."""
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM, __file__, what, str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return told


@contextmanager
def timed(owner: Any, name: str) -> Iterator[list[float]]:
    """Note the seconds of each call of a function while this lasts."""
    call, spent = getattr(owner, name), []

    def noting(*arguments: Any, **options: Any) -> Any:
        start = time.perf_counter()
        try:
            return call(*arguments, **options)
        finally:
            spent.append(time.perf_counter() - start)

    setattr(owner, name, noting)
    try:
        yield spent
    finally:
        setattr(owner, name, call)


def run_link(folder: Path) -> dict[str, Any]:
    """Run both stages one after the other, as a night does, and tell how long each took."""
    made = [_lent(folder / "made" / part, part) for part in ("council", "nhs")]
    context = _context(folder)
    start = time.perf_counter()
    grouped, _ = group(made[0], made[1], "a" * 64, context)
    grouping = time.perf_counter() - start
    with timed(LinkerInference, "predict_between") as splink:
        start, used = time.perf_counter(), time.process_time()
        _, evidence = link(_cleared(grouped), made[0], made[1], "b" * 64, context)
        took = {"seconds": time.perf_counter() - start, "processor": time.process_time() - used}
    facts = evidence.facts
    return {
        **took,
        "splink": sum(splink),
        "grouping": grouping,
        "pairs": facts["candidate_pairs"],
        "dwellings": facts["dwellings"],
        "groups": facts["address_groups"],
    }


def run_bare(folder: Path) -> dict[str, Any]:
    """Run Splink on units that were made ready."""
    start, used = time.perf_counter(), time.process_time()
    settings = settings_of(
        default_model().scorecards["recorded"], SCORECARDS["recorded"], RECORDED_RULES, "link_only"
    )
    with locked_connection(EngineSettings(2, MEMORY_LIMIT), folder / "spill", (folder,)) as connection:
        before = time.perf_counter()
        for unit in UNITS:
            load_table(connection, folder / f"{unit}.parquet", unit)
        reading = time.perf_counter() - before
        api = DuckDBAPI(connection)
        link_inputs = [
            api.register(unit, table_name=f"in_{unit}", dataset_display_name=unit) for unit in UNITS
        ]
        pairs = Linker(link_inputs, settings, log_level=None).inference.predict()
        write_query(connection, f"SELECT * FROM {pairs.physical_name}", folder / "pair.parquet")
    seconds, processor = time.perf_counter() - start, time.process_time() - used
    return {"seconds": seconds, "processor": processor, "reading": reading}


def make_units_ready(folder: Path) -> dict[str, Any]:
    """Write the units that `link` compares, as Parquet."""
    made = [_lent(folder / "made" / part, part).artefact for part in ("council", "nhs")]
    with locked_connection(EngineSettings(2, MEMORY_LIMIT), folder / "spill", (folder,)) as connection:
        register_comparison_inputs(connection, collect_units(connection, *made), *made)
        for unit in UNITS:
            write_query(connection, f"SELECT * FROM {unit} ORDER BY unit_id", folder / f"{unit}.parquet")
    return {}


def make_up_here(folder: Path) -> dict[str, Any]:
    """Make up as many households as the folder's name says."""
    make_up(int(folder.name), folder / "made")
    return {}


def make_up(households: int, folder: Path) -> None:
    """Write pseudonymised tables of that many households, drawn by hashing their numbers."""
    with duckdb.connect(":memory:", config={"threads": "2", "memory_limit": "3GB"}) as connection:
        connection.execute("CREATE MACRO chance(n, k) AS (hash(n, k) % 1000000) / 1000000.0")
        connection.execute("CREATE MACRO pseudonym(n, k) AS md5(concat(k, n))")
        connection.execute(_TOKEN)
        connection.execute(_DWELLING, {"households": households})
        connection.execute(_PERSON)
        connection.execute(_RECORDED)
        for table, (part, query) in _TABLES.items():
            (folder / part).mkdir(parents=True, exist_ok=True)
            write_query(connection, query, folder / part / f"{table}.parquet")


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
    agreement: Any = SimpleNamespace(id="BENCH")
    log = RecordedState(AuditLog.open(workspace.zone("audit")), "bench", "operator")
    return RunContext("bench", project, agreement, workspace, spill, log=log)


def _lent(folder: Path, part: str) -> Cleared:
    return _cleared(Artefact("pseudonymise", part, folder, part[0] * 64, file_records(folder)))


def _cleared(artefact: Artefact) -> Cleared:
    return Cleared(artefact, Clearance("bench", artefact.stage, artefact.digest, 0, (), _MINT))


#: 56 bits, as a pseudonymised token has.
_TOKEN = """
CREATE MACRO token(kind, clear) AS CASE WHEN clear IS NOT NULL THEN (hash(kind, clear) >> 8)::BIGINT END
"""

#: Half the streets of a town are the nation's: their names recur every few thousand dwellings.
_DWELLING = """
CREATE TABLE made_dwelling AS
SELECT
    n,
    (n // 24) % 5 = 0 AS is_flat,
    CASE WHEN (n // 24) % 5 = 0 THEN concat(1 + n % 24, '+', (n // 24) % 60) ELSE concat(1 + n % 60) END
        AS number,
    CASE WHEN hash(n // 60) % 2 = 0 THEN concat('high', hash(n // 60) % 400) ELSE concat('own', n // 60) END
        AS street,
    concat('P', n // 15) AS postcode,
    concat('S', n // 3000) AS sector,
    concat('U', n) AS uprn,
    CASE WHEN (n // 24) % 5 = 0 THEN concat('B', n // 24) END AS parent_uprn,
    CASE WHEN chance(n, 1) < 0.3 THEN 1 WHEN chance(n, 1) < 0.64 THEN 2 WHEN chance(n, 1) < 0.8 THEN 3
        WHEN chance(n, 1) < 0.93 THEN 4 WHEN chance(n, 1) < 0.98 THEN 5 ELSE 6 END AS size,
    CAST(30000 * pow(chance(n, 2), 3) AS BIGINT) AS family
FROM range($households) AS made(n)
"""

_PERSON = """
CREATE TABLE made_person AS
SELECT
    10 * n + position AS id,
    n AS home,
    position,
    concat('f', CAST(2000 * pow(chance(10 * n + position, 3), 2.5) AS BIGINT)) AS forename,
    concat('s', CASE WHEN chance(10 * n + position, 4) < 0.85 THEN family
        ELSE CAST(30000 * pow(chance(10 * n + position, 5), 3) AS BIGINT) END) AS surname,
    CASE WHEN position < 2 THEN 20 + CAST(65 * chance(n, 6) AS BIGINT)
        ELSE CAST(18 * chance(10 * n + position, 7) AS BIGINT) END AS age_years,
    DATE '2026-03-31' - CAST(
        365 * CASE WHEN position < 2 THEN 20 + 65 * chance(n, 6) ELSE 18 * chance(10 * n + position, 7) END
        + 300 * chance(10 * n + position, 8) AS INTEGER
    ) AS birth
FROM made_dwelling
CROSS JOIN range(6) AS people(position)
WHERE position < size
"""

#: Where each side recorded whom: council lists miss some and keep a few who left; 4% of patients'
#: households are recorded where they used to live, and a twentieth of names is written otherwise.
_RECORDED = """
CREATE TABLE recorded AS
WITH listed AS (
    SELECT
        'council' AS side, id, home AS place, position, forename, surname, age_years,
        CASE WHEN chance(id, 9) < 0.45 THEN birth END AS birth
    FROM made_person
    WHERE (age_years >= 16 AND chance(id, 10) < 0.9) OR (age_years < 16 AND chance(id, 10) < 0.5)
),
registered AS (
    SELECT
        'nhs' AS side,
        id,
        CASE WHEN chance(home, 11) < 0.04
            THEN (hash(home, 12) % (SELECT COUNT(*) FROM made_dwelling))::BIGINT ELSE home END AS place,
        position,
        CASE WHEN chance(id, 13) < 0.03 THEN concat(forename, 'x') ELSE forename END AS forename,
        CASE WHEN chance(id, 14) < 0.03 THEN concat(surname, 'x') ELSE surname END AS surname,
        age_years,
        birth
    FROM made_person
    WHERE chance(home, 15) < 0.96
),
written AS (SELECT * FROM listed UNION ALL SELECT * FROM registered)
SELECT
    written.*,
    CASE
        WHEN side = 'council' THEN NULL
        WHEN chance(place, 16) < 0.045 THEN NULL
        WHEN chance(place, 16) < 0.07 THEN COALESCE(parent_uprn, concat('U', place + 1))
        ELSE made_dwelling.uprn
    END AS uprn,
    number, street, postcode, sector, chance(place, 17) < 0.08 AS is_vague,
    concat(least(forename, written.surname), ' ', greatest(forename, written.surname)) AS name,
    strftime(birth, '%Y%m%d') AS born,
    [made_dwelling.uprn, concat(number, '|', street)] AS premises
FROM written
INNER JOIN made_dwelling ON made_dwelling.n = written.place
"""

_ADDRESS_TEXT = {
    "address_exact": "concat_ws('|', number, street, postcode)",
    "address_unit_postcode": "[concat(number, '|', postcode)]",
    "address_unit_street": "[concat(number, '|', street)]",
}
_PERSON_TEXT = {
    "person_name_birth": "name || '|' || born",
    "person_name_birth_part": "[name || born[1:6], name || born[5:], name || born[1:4] || born[7:]]",
    "person_surname_birth": "[surname || born]",
    "person_forename_birth": "[forename || born]",
    "person_name": "name",
    "person_name_sector": "[name || sector]",
    "person_initial_surname_sector": "[forename[1:3] || surname || sector]",
    "person_surname_sector": "[surname || sector]",
    "person_forename_sector": "[forename || sector]",
    "person_phonetic_sector": "[forename[1:3] || surname[1:4] || sector]",
    "person_surname_premises": "list_transform(premises, lambda p: surname || p)",
    "person_forename_premises": "list_transform(premises, lambda p: forename || p)",
    "person_surname_postcode": "[surname || postcode]",
    "person_birth_postcode": "born || postcode",
}


def _columns(texts: dict[str, str], known: str) -> str:
    """SQL: token columns of texts, null where the text is or where `known` does not hold."""
    fields = {f.name: f for f in ADDRESS_FIELDS + PERSON_FIELDS}
    made = []
    for name, text in texts.items():
        kind = fields[name].kind
        token = (
            f"NULLIF([token('{kind}', clear) FOR clear IN {text} IF clear IS NOT NULL], [])"
            if fields[name].is_list
            else f"token('{kind}', {text})"
        )
        made.append(f"CASE WHEN {known} THEN {token} END AS {name}")
    return ",\n".join(made)


def _order(table: str) -> str:
    """SQL: the order in which the pseudonymise stage writes a table."""
    return ", ".join(next(made.order_by for made in TABLES if made.name == table))


#: Table -> the artefact it is part of, and its rows.
_TABLES = {
    "dwelling": (
        "council",
        f"""
        SELECT pseudonym(n, 'd') AS record_pseudonym, pseudonym(uprn, 'u') AS uprn_pseudonym,
            CASE WHEN parent_uprn IS NOT NULL THEN pseudonym(parent_uprn, 'u') END AS parent_uprn_pseudonym,
            NULL::VARCHAR AS previous_uprn_pseudonym, FALSE AS is_empty,
            NULL::VARCHAR AS council_tax_exemption, NULL::BOOLEAN AS single_person_discount,
            FALSE AS is_hmo,
            {_columns(_ADDRESS_TEXT, "chance(n, 18) > 0.03")}
        FROM made_dwelling ORDER BY {_order("dwelling")}
        """,
    ),
    "council_resident": (
        "council",
        f"""
        SELECT pseudonym(id, 'c') AS record_pseudonym, pseudonym(place, 'd') AS dwelling_record_pseudonym,
            NULL::VARCHAR AS uprn_pseudonym,
            CASE WHEN position = 0 THEN 'council_tax' WHEN age_years < 16 THEN 'school_census'
                ELSE 'electoral_register' END AS service,
            CASE WHEN position = 0 THEN 'liable' ELSE 'resident' END AS role, age_years,
            {_columns(_PERSON_TEXT, "TRUE")}
        FROM recorded WHERE side = 'council' ORDER BY {_order("council_resident")}
        """,
    ),
    "nhs_resident": (
        "nhs",
        f"""
        SELECT pseudonym(id, 'n') AS record_pseudonym, pseudonym(id, 'h') AS nhs_number_pseudonym,
            CASE WHEN uprn IS NOT NULL THEN pseudonym(uprn, 'u') END AS uprn_pseudonym,
            pseudonym(place, 'g') AS address_group_pseudonym, age_years,
            CASE WHEN position % 2 = 0 THEN '1' ELSE '2' END AS sex,
            ['A', 'H', 'M', 'Z'][1 + id % 4] AS ethnic_category, NULL::DATE AS address_start,
            NULL::DATE AS address_end, NULL::VARCHAR AS address_type, FALSE AS is_deceased,
            {_columns(_ADDRESS_TEXT, "NOT is_vague")}, {_columns(_PERSON_TEXT, "TRUE")}
        FROM recorded WHERE side = 'nhs' ORDER BY {_order("nhs_resident")}
        """,
    ),
}
