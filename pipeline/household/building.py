"""The statements of the household definition, run in order over loaded tables."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import duckdb

from pipeline.engine.statements import Statements
from pipeline.household.definition import CAPS, FLOOR_DATE, RULES
from pipeline.household.outcome import build_outcome_tables
from schemas.attribute import resident_attributes
from schemas.code_list import load_code_list

_SQL = Statements("pipeline.household")

#: The statements in the order in which they run, each with the parameters it takes.
_STATEMENTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("residence/05_covered_area", ()),
    ("residence/10_council_dwelling", ()),
    ("residence/20_registration", ("reference_date", "floor_date")),
    ("residence/30_residence", ()),
    ("residence/40_occupied_dwelling", ("older_age", "maximum_residents", "maximum_older_residents")),
    ("residence/50_judged_record", ()),
    ("residence/60_judged_person", ()),
    ("household/64_listed_person", ()),
    ("household/65_council_record_of_resident", ()),
    ("household/70_household_member", ("reference_date",)),
    ("household/75_council_roster", ()),
    ("household/76_listed_adult", ()),
    ("household/78_bedroom_standard", ()),
    ("household/80_composition", ()),
    ("household/85_household", ()),
    ("report/90_attrition", ()),
    ("report/92_attrition_by_group", ()),
    ("report/95_exclusion", ()),
    ("report/97_plausibility", ()),
    ("report/98_placement", ()),
    ("report/99_completeness", ()),
)


def build_households(
    connection: duckdb.DuckDBPyConnection, supplied: frozenset[str], reference_date: date
) -> None:
    """Run the definition on the loaded tables: creates the stage's tables, except the accounts and the basis.

    The connection must contain dwelling, area, council_resident, nhs_resident, resident_link and, if
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
    outcomes: Mapping[str, str] = {}
    for name, parameters in _STATEMENTS:
        text = _SQL.read(name)
        if name == "household/70_household_member":
            outcomes = build_outcome_tables(connection, resident_attributes(), supplied, reference_date)
        text = _with_outcomes(text, outcomes, supplied)
        connection.execute(text, {parameter: values[parameter] for parameter in parameters} or None)


def _with_outcomes(text: str, outcomes: Mapping[str, str], supplied: frozenset[str]) -> str:
    """Fill the placeholders for health outcomes in a statement. outcomes: attribute -> SQL expression."""
    joins = "\n".join(
        f"LEFT JOIN {source}_outcome\n    ON {source}_outcome.person_pseudonym = residence.person_pseudonym"
        for source in ("condition", "event")
        if source in supplied
    )
    columns = ",\n    ".join(f"{value} AS {name}" for name, value in outcomes.items())
    text = text.replace("{outcomes}", columns).replace("{outcome_joins}", joins)
    return text.replace("{emergency_admissions}", outcomes.get("emergency_admissions", "NULL"))
