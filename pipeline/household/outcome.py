"""Health outcomes of residents, from conditions and events, by the attribute definitions of `schemas`.

If the table was supplied, a resident without an entry has the value 0 or false. If it was not supplied, the
value is the patient's own attribute that the definition names, or else null (not known).
"""

from datetime import date

import duckdb

from schemas.attribute import ResidentAttribute

_PERSON_OF = """
CREATE TABLE {source}_of_person AS
SELECT
    COALESCE(entry.nhs_number_pseudonym, registration.person_pseudonym) AS person_pseudonym,
    entry.* EXCLUDE (resident_record_pseudonym, nhs_number_pseudonym)
FROM nhs_{source} AS entry
LEFT JOIN registration
    ON registration.record_pseudonym = entry.resident_record_pseudonym
WHERE COALESCE(entry.nhs_number_pseudonym, registration.person_pseudonym) IS NOT NULL
"""


def build_outcome_tables(
    connection: duckdb.DuckDBPyConnection,
    attributes: tuple[ResidentAttribute, ...],
    supplied: frozenset[str],
    reference_date: date,
) -> dict[str, str]:
    """Create `condition_outcome` and `event_outcome`: one row per person with conditions, or with events.

    supplied: which of "condition" and "event" the NHS body supplied, as tables nhs_condition and nhs_event.
    Returns attribute -> SQL expression of its value for a row of `residence`.
    """
    for source in ("condition", "event"):
        chosen = [a for a in attributes if a.source == source]
        if source in supplied:
            connection.execute(_PERSON_OF.format(source=source))
            columns = ",\n    ".join(f"{_value(a)} AS {a.name}" for a in chosen)
            connection.execute(
                f"CREATE TABLE {source}_outcome AS SELECT person_pseudonym, {columns}\n"
                f"FROM {source}_of_person GROUP BY person_pseudonym",
                _parameters(chosen, reference_date),
            )
    return {attribute.name: _expression(attribute, supplied) for attribute in attributes}


def _value(attribute: ResidentAttribute) -> str:
    """SQL: the value of an attribute over the entries of one person."""
    day = "onset_date" if attribute.source == "condition" else "event_date"
    conditions = [f"list_contains(${attribute.name}_codes, {attribute.source})"]
    if attribute.icd10_groups:
        conditions.append(f"list_contains(${attribute.name}_groups, icd10_chapter_group)")
    if attribute.months is None:
        conditions.append(f"({day} IS NULL OR {day} <= $reference_date)")
    else:
        conditions.append(f"{day} <= $reference_date")
        conditions.append(f"{day} > $reference_date - to_months(${attribute.name}_months)")
    chosen = " AND ".join(conditions)
    if attribute.type == "flag":
        return f"COUNT(*) FILTER ({chosen}) > 0"
    counted = "DISTINCT condition" if attribute.source == "condition" else "*"
    return f"COUNT({counted}) FILTER ({chosen})"


def _parameters(attributes: list[ResidentAttribute], reference_date: date) -> dict[str, object]:
    values: dict[str, object] = {"reference_date": reference_date}
    for attribute in attributes:
        values[f"{attribute.name}_codes"] = list(attribute.codes)
        if attribute.icd10_groups:
            values[f"{attribute.name}_groups"] = list(attribute.icd10_groups)
        if attribute.months is not None:
            values[f"{attribute.name}_months"] = attribute.months
    return values


def _expression(attribute: ResidentAttribute, supplied: frozenset[str]) -> str:
    """SQL: the value of an attribute for a row of `residence`."""
    kind = "BOOLEAN" if attribute.type == "flag" else "BIGINT"
    if attribute.source in supplied:
        return f"COALESCE(CAST({attribute.source}_outcome.{attribute.name} AS {kind}), CAST(0 AS {kind}))"
    if attribute.otherwise is not None:
        value = f"residence.{attribute.otherwise}"
        value = f"{value} > 0" if attribute.type == "flag" else value
        return f"CAST({value} AS {kind})"
    return f"CAST(NULL AS {kind})"
