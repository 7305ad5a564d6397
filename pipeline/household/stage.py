"""The household stage: from links and pseudonymised extracts to households and their residents.

The rules are those of the household definition (see `definition`, `docs/household-definition.md`). The
stage also writes how many records each rule left out, checks against other sources, and two alternative
accounts of uncertain links (see `accounts`).

Facts of the evidence:
  definition            version of the household definition
  reference_date        ISO date
  records, persons      NHS records read; distinct people among them
  residents, households rows of household_member and household
  improbable_dwellings  dwellings that the size rule keeps out of the households
  excluded              reason -> people, including residents of communal and improbable dwellings
  attrition             list of {rule, reason, records_in, records_out}
  dwellings             council dwellings; dwellings_without_residents: those without a household
  sources               which optional tables were supplied
  columns               table -> names of its columns
  tier                  "controlled": a household row is personal data even without a UPRN
  completeness          estimated shares of homes and adults in households; null without lists
  unexplained           people who are neither residents nor excluded for a reason; must be 0
"""

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from governance.artefact import Artefact, Evidence
from governance.clearance import Cleared
from pipeline.artefact_store import recorded_facts, write_artefact
from pipeline.context import RunContext
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import write_query
from pipeline.household.accounts import build_accounts
from pipeline.household.basis import create_basis
from pipeline.household.building import build_households
from pipeline.household.completeness import Completeness, add_completeness
from pipeline.household.definition import ALTERNATIVE_CAPS, CAPS, VERSION
from pipeline.household.loading import load_inputs
from pipeline.household.window import add_windows
from pipeline.link.model import model_of
from pipeline.period import Period
from schemas.attribute import resident_attributes

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
    ("affected_dwelling", "affected_dwelling", "household_pseudonym"),
    ("account_household", "account_household", "account, household_pseudonym"),
    ("account_member", "account_member", "account, household_pseudonym, person_pseudonym"),
)


def fingerprint_settings(context: RunContext) -> dict[str, Any]:
    """Return what the stage's output depends on in addition to its inputs and its code."""
    return {
        "reference_date": context.project.reference_date.isoformat(),
        "definition": VERSION,
        "caps": [repr(caps) for caps in (CAPS, *ALTERNATIVE_CAPS)],
        "attributes": [repr(attribute) for attribute in resident_attributes()],
    }


def household(
    linked: Cleared, council: Cleared, nhs: Cleared, fingerprint: str, context: RunContext
) -> tuple[Artefact, Evidence]:
    """Build the households of the project's reference date and write the tables of the stage."""

    def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
        inputs = tuple(c.artefact for c in (linked, council, nhs))
        allowed = tuple(artefact.folder for artefact in inputs)
        with locked_connection(context.project.engine, context.spill, allowed) as connection:
            supplied = load_inputs(connection, *inputs)
            reference_date = context.project.reference_date
            build_households(connection, supplied, reference_date)
            build_accounts(connection, supplied, reference_date, context)
            create_basis(connection, model_of(context).digest, supplied)
            complete = add_completeness(connection)
            withheld = add_windows(connection, _declared_periods(nhs.artefact), reference_date)
            rows: dict[str, int | None] = {
                f"{name}.parquet": write_query(
                    connection, f"SELECT * FROM {table} ORDER BY {order}", folder / f"{name}.parquet"
                )
                for name, table, order in _OUTPUTS
            }
            evidence = Evidence("household", "all", _facts(connection, supplied, complete, context))
        facts = evidence.facts
        context.report(
            f"household: households {facts['households']:,}, residents {facts['residents']:,}; "
            f"{sum(facts['excluded'].values()):,} of {facts['persons']:,} people"
            " were not assigned to a household"
        )
        if complete is not None:
            context.report(
                f"completeness: of the homes with people about {complete.homes:.0%} have residents; of their "
                f"adults {complete.adults_lower:.0%} to {complete.adults_upper:.0%} are residents"
            )
        for reason in dict.fromkeys(withheld.values()):
            names = [name for name, other in withheld.items() if other == reason]
            context.report(f"measures of {', '.join(names)} are not produced, because {reason}")
        return rows, evidence

    return write_artefact(context.workspace.zone("controlled"), "household", "all", fingerprint, fill)


def _declared_periods(nhs: Artefact) -> dict[str, Period]:
    """Return the periods that the NHS body stated for its tables, as the pseudonymise stage recorded them."""
    stated = recorded_facts(nhs).get("declared_periods", {})
    return {
        table: Period(date.fromisoformat(first), date.fromisoformat(last), is_declared=True)
        for table, (first, last) in stated.items()
    }


def _facts(
    connection: duckdb.DuckDBPyConnection,
    supplied: frozenset[str],
    complete: Completeness | None,
    context: RunContext,
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
        "completeness": None
        if complete is None
        else {name: round(share, 3) for name, share in asdict(complete).items()},
        "unexplained": persons - residents - sum(excluded.values()),
    }
