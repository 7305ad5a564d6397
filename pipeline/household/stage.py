"""The household stage: from links and pseudonymised extracts to households and their residents.

Facts of the evidence:
  definition            version of the household definition
  reference_date        ISO date
  records, persons      NHS records read, distinct persons among them
  residents, households rows of household_member and household
  improbable_dwellings  dwellings kept apart by the size rule
  excluded              reason -> persons; communal and improbable residents are among them
  attrition             list of {rule, reason, records_in, records_out}
  dwellings             council dwellings; dwellings_without_residents: those that no household is in
  sources               which optional tables were supplied
  columns               table -> names of its columns
  tier                  "controlled": a household row is personal data even without a UPRN
  unexplained           persons neither resident nor excluded for a reason; always 0
"""

from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from governance.artefact import Artefact, Evidence
from governance.clearance import Cleared
from pipeline.artefact_store import write_artefact
from pipeline.context import RunContext
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import write_query
from pipeline.household.basis import create_basis
from pipeline.household.definition import ALTERNATIVE_CAPS, CAPS, FLOOR_DATE, RULES, VERSION
from pipeline.household.loading import load_inputs
from pipeline.household.outcome import build_outcome_tables
from pipeline.link.model import model_of
from schemas.attribute import resident_attributes
from schemas.code_list import load_code_list

#: The statements in the order in which they run, each with the parameters it takes.
_STATEMENTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("05_covered_area", ()),
    ("10_standing_dwelling", ()),
    ("20_registration", ("reference_date", "floor_date")),
    ("30_residence", ()),
    ("40_occupied_dwelling", ("older_age", "maximum_residents", "maximum_older_residents")),
    ("50_judged_record", ()),
    ("60_judged_person", ()),
    ("65_council_record_of_resident", ()),
    ("70_household_member", ("reference_date",)),
    ("75_council_roster", ()),
    ("80_composition", ()),
    ("85_household", ()),
    ("90_attrition", ()),
    ("92_attrition_by_group", ()),
    ("95_exclusion", ()),
    ("97_plausibility", ()),
    ("98_placement", ()),
)

#: Tables written: name, table of the database, order of the rows.
_OUTPUTS = (
    ("household", "household", "household_pseudonym"),
    ("household_member", "household_member", "household_pseudonym, person_pseudonym"),
    ("area", "covered_area", "lsoa21"),
    ("attrition", "attrition", "rule_order"),
    ("attrition_by_group", "attrition_by_group", "rule_order, characteristic, category"),
    ("exclusion", "exclusion", "reason, rule"),
    ("plausibility", "plausibility", "plausibility_check"),
    ("placement", "placement", "age_group, sex, is_admitted"),
    ("basis", "basis", "aspect, name"),
)


def fingerprint_settings(context: RunContext) -> dict[str, Any]:
    """Return what the stage's output depends on beside its inputs and its code."""
    return {
        "reference_date": context.project.reference_date.isoformat(),
        "definition": VERSION,
        "caps": [repr(caps) for caps in (CAPS, *ALTERNATIVE_CAPS)],
        "attributes": [repr(attribute) for attribute in resident_attributes()],
    }


def household(
    linked: Cleared, council: Cleared, nhs: Cleared, fingerprint: str, context: RunContext
) -> tuple[Artefact, Evidence]:
    """Build household, household_member, attrition and exclusion on the project's reference date."""

    def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
        inputs = tuple(c.artefact for c in (linked, council, nhs))
        allowed = tuple(artefact.folder for artefact in inputs)
        with locked_connection(context.project.engine, context.spill, allowed) as connection:
            supplied = load_inputs(connection, *inputs)
            build_households(connection, supplied, context.project.reference_date)
            create_basis(connection, model_of(context).digest, supplied)
            rows: dict[str, int | None] = {
                f"{name}.parquet": write_query(
                    connection, f"SELECT * FROM {table} ORDER BY {order}", folder / f"{name}.parquet"
                )
                for name, table, order in _OUTPUTS
            }
            evidence = Evidence("household", "all", _facts(connection, supplied, context))
        facts = evidence.facts
        context.report(
            f"household: {facts['households']:,} households of {facts['residents']:,} residents; "
            f"{sum(facts['excluded'].values()):,} of {facts['persons']:,} persons are in none"
        )
        return rows, evidence

    return write_artefact(context.workspace.zone("controlled"), "household", "all", fingerprint, fill)


def build_households(
    connection: duckdb.DuckDBPyConnection, supplied: frozenset[str], reference_date: date
) -> None:
    """Run the definition over the loaded tables: every table of the stage stands afterwards.

    The connection holds dwelling, area, council_resident, nhs_resident, resident_link and, where
    `supplied` names them, nhs_condition ("condition") and nhs_event ("event").
    """
    connection.execute(
        "CREATE TABLE rule (rule_order INTEGER, rule VARCHAR, reason VARCHAR, description VARCHAR)"
    )
    connection.executemany(
        "INSERT INTO rule VALUES (?, ?, ?, ?)",
        [(order, rule.code, rule.reason, rule.description) for order, rule in enumerate(RULES, start=1)],
    )
    connection.execute("CREATE TABLE code_group (code_list VARCHAR, code VARCHAR, code_group VARCHAR)")
    connection.executemany(
        "INSERT INTO code_group VALUES (?, ?, ?)",
        [
            (name, code, group)
            for name in ("blpu_class", "council_tax_exemption", "ethnic_category_2001")
            for code, group in load_code_list(name).groups().items()
        ],
    )
    values: dict[str, Any] = {
        "reference_date": reference_date,
        "floor_date": FLOOR_DATE,
        "older_age": CAPS.older_age,
        "maximum_residents": CAPS.maximum_residents,
        "maximum_older_residents": CAPS.maximum_older_residents,
    }
    items: Mapping[str, str] = {}
    for name, parameters in _STATEMENTS:
        text = (files("pipeline.household") / "sql" / f"{name}.sql").read_text("utf-8")
        if name == "70_household_member":
            items = build_outcome_tables(connection, resident_attributes(), supplied, reference_date)
        text = _with_outcomes(text, items, supplied)
        connection.execute(text, {parameter: values[parameter] for parameter in parameters} or None)


def _with_outcomes(text: str, items: Mapping[str, str], supplied: frozenset[str]) -> str:
    """Put the outcomes' SQL where a statement names them."""
    joins = "\n".join(
        f"LEFT JOIN {source}_outcome\n    ON {source}_outcome.person_pseudonym = residence.person_pseudonym"
        for source in ("condition", "event")
        if source in supplied
    )
    listed = ",\n    ".join(f"{value} AS {name}" for name, value in items.items())
    text = text.replace("{outcomes}", listed).replace("{outcome_joins}", joins)
    return text.replace("{emergency_admissions}", items.get("emergency_admissions", "NULL"))


def _facts(
    connection: duckdb.DuckDBPyConnection, supplied: frozenset[str], context: RunContext
) -> dict[str, Any]:
    def number(query: str) -> int:
        row = connection.execute(query).fetchall()[0]
        return int(row[0])

    excluded = {
        str(reason): int(residents)
        for reason, residents in connection.execute(
            "SELECT reason, SUM(residents) FROM exclusion GROUP BY reason ORDER BY reason"
        ).fetchall()
    }
    attrition = [
        {"rule": rule, "reason": reason, "records_in": records_in, "records_out": records_out}
        for rule, reason, records_in, records_out in connection.execute(
            "SELECT rule, reason, records_in, records_out FROM attrition ORDER BY rule_order"
        ).fetchall()
    ]
    persons = number("SELECT COUNT(*) FROM judged_person")
    residents = number("SELECT COUNT(*) FROM household_member WHERE standing = 'household'")
    households = number("SELECT COUNT(*) FROM household WHERE standing = 'household'")
    dwellings = number("SELECT COUNT(*) FROM dwelling")
    return {
        "definition": VERSION,
        "reference_date": context.project.reference_date.isoformat(),
        "records": number("SELECT COUNT(*) FROM nhs_resident"),
        "persons": persons,
        "residents": residents,
        "households": households,
        "improbable_dwellings": number("SELECT COUNT(*) FROM household WHERE standing = 'improbable'"),
        "excluded": excluded,
        "attrition": attrition,
        "dwellings": dwellings,
        "dwellings_without_residents": dwellings - households,
        "sources": sorted(supplied),
        "tier": "controlled",
        "columns": {
            name: [row[0] for row in connection.execute(f"DESCRIBE {table}").fetchall()]
            for name, table, _ in _OUTPUTS
        },
        "unexplained": persons - residents - sum(excluded.values()),
    }
