"""The household and the aggregate stage on a street: what they read, write and show, figure by figure."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from governance.agreement.terms import Thresholds
from governance.artefact import Artefact, Evidence
from governance.clearance import _MINT, Clearance, Cleared
from governance.errors import Fault
from pipeline.aggregate.stage import aggregate
from pipeline.aggregate.stage import fingerprint_settings as aggregate_settings
from pipeline.artefact_store import write_artefact
from pipeline.context import RunContext
from pipeline.engine.duckdb import EngineSettings, locked_connection
from pipeline.engine.tables import load_table, write_query
from pipeline.household.definition import VERSION
from pipeline.household.stage import fingerprint_settings, household
from pipeline.project import Project
from pipeline.workspace import Workspace
from schemas.contract import load_contract
from tests.unit.conftest import recorded
from tests.unit.household.world import AREAS, LSOA, Row, _table, dwelling, record

DAY = date(2026, 3, 31)
OUTPUTS = (
    "health",
    "health_by_tenure",
    "housing_condition",
    "older_resident_conditions",
    "resident_health",
)


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunContext:
    workspace = Workspace.open(tmp_path / "workspace")
    project = Project(
        name="street",
        folder=tmp_path,
        custody="single-operator",
        production=False,
        reference_date=DAY,
        agreement=tmp_path / "agreement.toml",
        workspace=workspace.root,
        model=None,
        engine=EngineSettings(memory_limit="1GB"),
        keys={},
        extracts={},
    )
    spill = tmp_path / "spill"
    spill.mkdir()
    monkeypatch.setattr("pipeline.household.stage.model_of", lambda _: SimpleNamespace(digest="m" * 64))
    agreement = SimpleNamespace(id="DSA", outputs=OUTPUTS, thresholds=Thresholds(minimum_coverage=0.5))
    log = recorded(workspace)
    return RunContext("test", project, agreement, workspace, spill, log=log)  # type: ignore[arg-type]


def cleared(artefact: Artefact) -> Cleared:
    return Cleared(artefact, Clearance("test", artefact.stage, artefact.digest, 0, (), _MINT))


def given(context: RunContext, stage: str, part: str, tables: Mapping[str, pa.Table]) -> Cleared:
    """Write tables as an earlier stage would have."""

    def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
        rows: dict[str, int | None] = {}
        with locked_connection(context.project.engine, context.spill) as connection:
            for name, table in tables.items():
                connection.register("_given", table)
                connection.execute(f"CREATE TABLE {name} AS SELECT * FROM _given")
                connection.unregister("_given")
                rows[f"{name}.parquet"] = write_query(
                    connection, f"SELECT * FROM {name}", folder / f"{name}.parquet"
                )
        return rows, Evidence(stage, part)

    zone = context.workspace.zone("linkage")
    return cleared(write_artefact(zone, stage, part, (stage + part).encode().hex().ljust(64, "0"), fill)[0])


HOMES = [
    dwelling("a", tenure="mortgage", bedrooms=2, damp_report=True),
    dwelling("b", tenure="local_authority", bedrooms=1),
    dwelling("empty"),
    dwelling("crowd"),
]
RECORDS: list[Row] = [
    record("r1", "a", emergency_admissions=1, long_term_conditions=2, age_years=70),
    record("r2", "a", emergency_admissions=0, long_term_conditions=0),
    record("r3", "b", emergency_admissions=0, long_term_conditions=1, age_years=66),
    record("dead", "b", is_deceased=True),
    record("lost", None),
    *(record(f"c{n}", "crowd") for n in range(11)),
]


def inputs(context: RunContext, with_council: bool = True, with_health: bool = False) -> tuple[Cleared, ...]:
    links = [
        {
            "nhs_record_pseudonym": r["record_pseudonym"],
            "address_group": r["record_pseudonym"],
            "dwelling_record_pseudonym": r["home"],
            "reason": "linked" if r["home"] else "no_candidate",
            "match_probability": 1.0,
        }
        for r in RECORDS
    ]
    people = [{k: v for k, v in r.items() if k != "home"} for r in RECORDS]
    council = {"dwelling": _table("dwelling", HOMES), "area": _table("area", AREAS)}
    if with_council:
        listed = {"record_pseudonym": "c", "dwelling_record_pseudonym": "a", "service": "benefits"}
        council["council_resident"] = _table("council_resident", [listed | {"age_years": 70, "sex": "1"}])
    nhs = {"nhs_resident": _table("nhs_resident", people)}
    if with_health:
        entry = {"resident_record_pseudonym": "r2", "condition": "asthma"}
        event = {
            "resident_record_pseudonym": "r2",
            "event": "emergency_admission",
            "event_date": DAY,
        }
        nhs |= {"nhs_condition": _table("nhs_condition", [entry]), "nhs_event": _table("nhs_event", [event])}
    decision = pa.table({"address_group": ["lost"], "dwelling_record_pseudonym": ["empty"]})
    return (
        given(
            context, "link", "all", {"resident_link": _table("resident_link", links), "decision": decision}
        ),
        given(context, "pseudonymise", "council", council),
        given(context, "pseudonymise", "nhs", nhs),
    )


def read(context: RunContext, artefact: Artefact, table: str, query: str) -> list[tuple[Any, ...]]:
    with locked_connection(context.project.engine, context.spill, (artefact.folder,)) as connection:
        load_table(connection, artefact.path(table), table)
        return list(connection.execute(query).fetchall())


def test_the_household_stage_accounts_for_everybody_and_writes_its_contracts(context: RunContext) -> None:
    artefact, evidence = household(*inputs(context), "f" * 64, context)

    facts = evidence.facts
    assert {k: v for k, v in facts.items() if k not in ("attrition", "columns")} == {
        "definition": VERSION,
        "reference_date": "2026-03-31",
        "records": 16,
        "persons": 16,
        "residents": 3,
        "households": 2,
        "improbable_dwellings": 1,
        "excluded": {"improbable": 11, "no_match": 1, "residency": 1},
        "dwellings": 4,
        "dwellings_without_residents": 2,
        "sources": [],
        "tier": "controlled",
        "completeness": {"homes": 1.0, "adults_lower": 1.0, "adults_upper": 1.0, "lives_there": 1.0},
        "unexplained": 0,
    }
    assert (facts["attrition"][0]["records_in"], facts["attrition"][-1]["records_out"]) == (16, 3)
    assert (evidence.stage, evidence.part) == ("household", "all")
    for name, columns in facts["columns"].items():
        assert set(columns) <= set(load_contract("household", name).names), name
    assert read(
        context,
        artefact,
        "household",
        "SELECT household_pseudonym, residents, roster_coverage FROM household",
    ) == [
        ("a", 2, "some"),
        ("b", 1, None),
        ("crowd", 11, None),
    ]
    basis = dict(read(context, artefact, "basis", "SELECT aspect, value FROM basis"))
    assert basis == {"definition": VERSION, "model_digest": "m" * 64, "sources": "", "match_rate": "0.93"}
    assert read(context, artefact, "affected_dwelling", "SELECT * FROM affected_dwelling") == [("empty",)]
    assert read(
        context, artefact, "account_member", "SELECT account, person_pseudonym FROM account_member"
    ) == [("inclusive", "lost")]


def test_optional_tables_are_read_where_they_came_and_empty_where_they_did_not(context: RunContext) -> None:
    artefact, evidence = household(*inputs(context, with_council=False, with_health=True), "e" * 64, context)

    assert evidence.facts["sources"] == ["condition", "event"]
    found = read(
        context,
        artefact,
        "household_member",
        "SELECT person_pseudonym, has_asthma, emergency_admissions, is_listed_by_council "
        "FROM household_member WHERE standing = 'household'",
    )
    assert found == [("r1", False, 0, False), ("r2", True, 1, False), ("r3", False, 0, False)]


def test_the_aggregate_stage_counts_the_agreed_tables_and_says_what_it_left_out(context: RunContext) -> None:
    built, _ = household(*inputs(context), "f" * 64, context)

    artefact, evidence = aggregate(cleared(built), "d" * 64, context)

    facts = evidence.facts
    assert facts["tables"] == list(OUTPUTS)
    assert (facts["households"], facts["residents"], facts["unregistered"]) == (2, 3, 0)
    assert facts["area_levels"] == {"LAD": 1, "LSOA21": 1, "MSOA21": 1}
    assert set(facts["columns"]) == set(load_contract("aggregate", "cell").names)
    assert facts["coverage"]["damp_homes"] == 0.5
    assert facts["withheld"] == {}
    assert {"table_id": "health", "measure": "childhood_asthma"}.items() <= next(
        n for n in facts["not_produced"] if (n["table_id"], n["measure"]) == ("health", "childhood_asthma")
    ).items()
    cells = read(
        context,
        artefact,
        "cell",
        "SELECT table_id, measure, category_1, denominator, numerator FROM cell "
        "WHERE area_level = 'LAD' AND denominator > 0 ORDER BY ALL",
    )
    assert ("health", "households", None, 2, None) in cells
    assert ("health", "emergency_admission", None, 2, 1) in cells
    assert ("health_by_tenure", "emergency_admission", "owned", 1, 1) in cells
    assert ("housing_condition", "damp_homes", None, 1, 1) in cells, "of b no report is known"
    assert ("resident_health", "residents_admitted", None, 3, 1) in cells
    count = read(context, artefact, "cell", "SELECT COUNT(*) FROM cell")[0][0]
    assert facts["cells"] == count
    assert read(context, artefact, "area", "SELECT lsoa21 FROM area") == [(LSOA,)]
    assert read(
        context,
        artefact,
        "magnitude_cell",
        "SELECT area_level, units, contributors, total, largest FROM magnitude_cell "
        "WHERE table_id = 'older_resident_conditions' AND area_level = 'LAD'",
    ) == [("LAD", 2, 2, 3, 2)]
    names = {row[0] for row in read(context, artefact, "basis", "SELECT name FROM basis")}
    assert {"", "households", "emergency_admission"} <= names
    caps = read(context, artefact, "cap_sensitivity", "SELECT DISTINCT caps FROM cap_sensitivity ORDER BY 1")
    assert caps == [("up_to_12",), ("without_caps",)]


def test_what_a_stage_depends_on_beside_its_inputs_is_in_its_fingerprint(context: RunContext) -> None:
    settings = fingerprint_settings(context)
    assert (settings["reference_date"], settings["definition"]) == ("2026-03-31", VERSION)
    assert (len(settings["caps"]), len(settings["attributes"]) > 5) == (4, True)
    counted = aggregate_settings(context)
    assert (counted["outputs"], counted["carried_record_keys"]) == (sorted(OUTPUTS), None)
    assert len(counted["definitions"]) == 64
    assert counted["minimum_coverage"] == 0.5


def test_a_missing_input_is_not_taken_for_an_empty_one(context: RunContext) -> None:
    linked, council, nhs = inputs(context)
    (nhs.artefact.folder / "nhs_resident.parquet").unlink()
    with pytest.raises(Fault, match="TABLE_UNREADABLE"):
        household(linked, council, nhs, "f" * 64, context)
