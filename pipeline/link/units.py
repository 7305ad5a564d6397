"""The two sides of a comparison: dwellings, and NHS records grouped by recorded address."""

from importlib.resources import files

import duckdb

from governance.artefact import Artefact
from pipeline.engine.tables import open_table
from pipeline.link.blocking import RECORDED_RULES, BlockingRule
from pipeline.pseudonymise.match_fields import ADDRESS_FIELDS, PERSON_FIELDS, MatchField

_DWELLING_COLUMNS = (
    "record_pseudonym",
    "uprn_pseudonym",
    "parent_uprn_pseudonym",
    "previous_uprn_pseudonym",
)
_COUNCIL_COLUMNS = ("record_pseudonym", "dwelling_record_pseudonym", "uprn_pseudonym", "service", "role")
_NHS_COLUMNS = (
    "record_pseudonym",
    "nhs_number_pseudonym",
    "uprn_pseudonym",
    "address_group_pseudonym",
    "age_years",
)

_TABLES = {
    "dwelling": _DWELLING_COLUMNS + tuple(f.name for f in ADDRESS_FIELDS),
    "council_resident": _COUNCIL_COLUMNS + tuple(f.name for f in PERSON_FIELDS),
    "nhs_resident": _NHS_COLUMNS + tuple(f.name for f in ADDRESS_FIELDS + PERSON_FIELDS),
}

_NUMBERED = {f.name: f for f in ADDRESS_FIELDS + PERSON_FIELDS if f.name != "address_exact"}


def build_units(connection: duckdb.DuckDBPyConnection, council: Artefact, nhs: Artefact) -> None:
    """Create `dwelling_unit`, `nhs_member` and `nhs_unit`; see the SQL files for their grain."""
    _load(connection, council, "dwelling")
    if council.has("council_resident"):
        _load(connection, council, "council_resident")
    else:
        _empty_council_resident(connection)
    _load(connection, nhs, "nhs_resident")
    run_sql(
        connection,
        "dwelling_unit",
        person_lists=token_lists(PERSON_FIELDS),
        person_columns=",\n    ".join(f"household.{f.name}" for f in PERSON_FIELDS),
        address_lists=",\n    ".join(_as_list(f, "dwelling") for f in ADDRESS_FIELDS),
    )
    run_sql(connection, "nhs_member")
    run_sql(
        connection,
        "nhs_unit",
        person_lists=token_lists(PERSON_FIELDS),
        person_columns=",\n    ".join(f"grouped.{f.name}" for f in PERSON_FIELDS),
        address_lists=token_lists(ADDRESS_FIELDS),
        address_columns=",\n    ".join(f"grouped.{f.name}" for f in ADDRESS_FIELDS),
    )
    for unit in ("dwelling_unit", "nhs_unit"):
        add_blocking_columns(connection, unit, RECORDED_RULES)


def _load(connection: duckdb.DuckDBPyConnection, artefact: Artefact, table: str) -> None:
    """Create `table` from an artefact, its match tokens as 64-bit numbers.

    Tokens are compared for equality alone, and numbers take half the memory of texts and half the
    time. `address_exact` stays text because address groups are named by it.
    """
    columns = ", ".join(_loaded(column) for column in _TABLES[table])
    with open_table(artefact.path(table), _TABLES[table]) as reader:
        connection.register("_reading", reader)
        try:
            connection.execute(f"CREATE TABLE {table} AS SELECT {columns} FROM _reading")
        finally:
            connection.unregister("_reading")


def _loaded(column: str) -> str:
    """SQL: a column as it is kept: tokens as numbers, everything else unchanged."""
    field = _NUMBERED.get(column)
    if field is None:
        return column
    if field.is_list:
        return f"list_transform({column}, lambda t: hash(t)) AS {column}"
    return f"CASE WHEN {column} IS NOT NULL THEN hash({column}) END AS {column}"


def read_sql(name: str) -> str:
    """Return the text of `sql/<name>.sql`."""
    return (files("pipeline.link") / "sql" / f"{name}.sql").read_text("utf-8")


def run_sql(connection: duckdb.DuckDBPyConnection, name: str, **parts: str) -> None:
    """Run `sql/<name>.sql`, its {parts} filled with column lists that this package declares."""
    text = read_sql(name)
    for part, value in parts.items():
        text = text.replace("{" + part + "}", value)
    connection.execute(text)


def token_lists(fields: tuple[MatchField, ...], table: str | None = None) -> str:
    """SQL: one list of distinct tokens for each field, over the people of a unit."""
    lists = []
    for field in fields:
        column = f"{table}.{field.name}" if table else field.name
        known = f"FILTER ({column} IS NOT NULL)"
        lists.append(
            f"list_distinct(flatten(list({column}) {known})) AS {field.name}"
            if field.is_list
            else f"list_distinct(list({column}) {known}) AS {field.name}"
        )
    return ",\n        ".join(lists)


def _as_list(field: MatchField, table: str) -> str:
    column = f"{table}.{field.name}"
    if field.is_list:
        return f"{column} AS {field.name}"
    return f"CASE WHEN {column} IS NOT NULL THEN [{column}] END AS {field.name}"


def _empty_council_resident(connection: duckdb.DuckDBPyConnection) -> None:
    columns = [f"NULL::VARCHAR AS {name}" for name in _COUNCIL_COLUMNS]
    columns += [f"NULL::UBIGINT{'[]' if f.is_list else ''} AS {f.name}" for f in PERSON_FIELDS]
    connection.execute(f"CREATE TABLE council_resident AS SELECT {', '.join(columns)} LIMIT 0")


def add_blocking_columns(
    connection: duckdb.DuckDBPyConnection, unit: str, rules: tuple[BlockingRule, ...]
) -> None:
    """Add one list column for each rule to table `unit`, without the values of hot blocks."""
    gathered = ", ".join(f"{_gathered(rule)} AS {rule.column}" for rule in rules)
    connection.execute(f"CREATE TABLE {unit}_block AS SELECT unit_id, {gathered} FROM {unit}")
    columns, joins = [], []
    for rule in rules:
        hot, kept = f"{unit}_{rule.column}_hot", f"{unit}_{rule.column}_kept"
        connection.execute(
            f"""
            CREATE TABLE {hot} AS
            SELECT value
            FROM (SELECT UNNEST({rule.column}) AS value FROM {unit}_block)
            GROUP BY value
            HAVING COUNT(*) > {rule.maximum_units}
            """
        )
        # Only the units that hold a hot value change; they are few.
        connection.execute(
            f"""
            CREATE TABLE {kept} AS
            SELECT
                each.unit_id,
                list(each.value) FILTER (hot.value IS NULL) AS kept
            FROM (SELECT unit_id, UNNEST({rule.column}) AS value FROM {unit}_block) AS each
            LEFT JOIN {hot} AS hot ON hot.value = each.value
            GROUP BY each.unit_id
            HAVING COUNT(hot.value) > 0
            """
        )
        columns.append(
            f"CASE WHEN {kept}.unit_id IS NULL THEN block.{rule.column} ELSE {kept}.kept END AS {rule.column}"
        )
        joins.append(f"LEFT JOIN {kept} ON {kept}.unit_id = unit.unit_id")
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE {unit} AS
        SELECT
            unit.*,
            {", ".join(columns)}
        FROM {unit} AS unit
        INNER JOIN {unit}_block AS block ON block.unit_id = unit.unit_id
        {" ".join(joins)}
        """
    )
    connection.execute(f"DROP TABLE {unit}_block")
    for rule in rules:
        connection.execute(f"DROP TABLE {unit}_{rule.column}_hot")
        connection.execute(f"DROP TABLE {unit}_{rule.column}_kept")


def _gathered(rule: BlockingRule) -> str:
    """SQL: the distinct values of a rule's sources as one list; a source that is text counts as one."""
    parts = [
        f"COALESCE({source}, [])"
        if not source.endswith("uprn")
        else f"list_filter([{source}], lambda v: v IS NOT NULL)"
        for source in rule.sources
    ]
    return f"list_distinct({' || '.join(parts)})"
