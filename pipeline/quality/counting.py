"""The exact counts behind the quality report: by group, by reason and by match weight.

They stay in the linkage zone. `protection` decides which of them are published, rounded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from governance.artefact import Artefact
from pipeline.engine.statements import Statements
from pipeline.engine.tables import load_table
from pipeline.link.comparison import NO_LIST
from pipeline.link.evaluate import evaluate_links
from schemas.code_list import load_code_list

SQL = Statements("pipeline.quality")

_NHS_COLUMNS = (
    "record_pseudonym", "age_years", "sex", "ethnic_category", "practice_code", "address_start",
    "address_end", "address_type", "is_deceased", "uprn_pseudonym", "address_unit_postcode",
    "person_name_birth", "address_group_pseudonym",
)  # fmt: skip
_DWELLING_COLUMNS = (
    "record_pseudonym", "uprn_pseudonym", "parent_uprn_pseudonym", "tenure", "property_type", "lsoa21",
    "address_unit_postcode",
)  # fmt: skip
_LINKED = ("resident_link", "unlinked_dwelling", "decision", "address_group", "link")

#: Groups whose members may be linked less well than others, by what is counted.
ATTRIBUTES = {
    "nhs_record": ("age_band", "sex", "ethnic_group", "recent_mover", "practice", "has_uprn"),
    "dwelling": ("tenure", "imd_decile", "property_type", "shares_a_building"),
}
#: Fields for linkage that an extract may contain: name -> column of the pseudonymised table.
SUPPLIED = {
    "nhs_record": {
        "UPRN": "uprn_pseudonym",
        "address": "address_unit_postcode",
        "name and birth date": "person_name_birth",
        "ethnic category": "ethnic_category",
        "practice": "practice_code",
    },
    "dwelling": {
        "UPRN": "uprn_pseudonym",
        "address": "address_unit_postcode",
        "tenure": "tenure",
        "property type": "property_type",
    },
}
_TABLE = {"nhs_record": "nhs_resident", "dwelling": "dwelling"}

#: Counts of each unit. links: NHS records linked. true_pairs, right_links: 0 where the truth is not known.
_SUMS = {
    "nhs_record": """
        COUNT(*) AS units,
        COUNT(*) FILTER (is_linked) AS linked,
        COUNT(*) FILTER (is_linked) AS links,
        SUM(match_probability) FILTER (is_linked) AS probability,
        SUM(match_probability * (1 - match_probability)) FILTER (is_linked) AS variance,
        SUM(residence_probability) FILTER (NOT is_linked) AS missed_probability,
        SUM(residence_probability * (1 - residence_probability)) FILTER (NOT is_linked) AS missed_variance,
        COUNT(*) FILTER (is_right) AS right_links,
        SUM(true_pairs)::BIGINT AS true_pairs""",
    "dwelling": """
        COUNT(*) AS units,
        COUNT(*) FILTER (is_linked) AS linked,
        SUM(links)::BIGINT AS links,
        SUM(probability) AS probability,
        SUM(variance) AS variance,
        NULL::DOUBLE AS missed_probability,
        NULL::DOUBLE AS missed_variance,
        SUM(right_links)::BIGINT AS right_links,
        SUM(true_pairs)::BIGINT AS true_pairs""",
}


_PAIR = pa.schema([("nhs_record_pseudonym", pa.string()), ("dwelling_record_pseudonym", pa.string())])


@dataclass(frozen=True)
class TruePairs:
    """The true pairs of an invented population, in this run's pseudonyms.

    residence, households: tables of nhs_record_pseudonym, dwelling_record_pseudonym; None where not supplied.
    digest: of the truth files that were read.
    """

    residence: pa.Table | None
    households: pa.Table | None
    digest: str

    @property
    def pairs(self) -> int:
        """Number of true pairs, of both units."""
        return sum(len(table) for table in (self.residence, self.households) if table is not None)


def load_links(
    connection: duckdb.DuckDBPyConnection,
    linked: Artefact,
    council: Artefact,
    nhs: Artefact,
    reference_date: date,
    truth: TruePairs | None,
) -> None:
    """Create `quality_record`, `quality_dwelling` and the linked tables."""
    load_table(connection, nhs.path("nhs_resident"), "nhs_resident", _NHS_COLUMNS)
    load_table(connection, council.path("dwelling"), "dwelling", _DWELLING_COLUMNS)
    if council.has("area"):
        load_table(connection, council.path("area"), "area", ("lsoa21", "imd_decile"))
    else:
        connection.execute("CREATE TABLE area (lsoa21 VARCHAR, imd_decile BIGINT)")
    for table in _LINKED:
        load_table(connection, linked.path(table), table)
    groups = load_code_list("ethnic_category_2001").groups()
    _create_table(
        connection,
        "ethnicity",
        pa.table(
            {
                "category": pa.array(list(groups), pa.string()),
                "ethnic_group": pa.array(list(groups.values()), pa.string()),
            }
        ),
    )
    for name, pairs in (
        ("truth", None if truth is None else truth.residence),
        ("true_household", None if truth is None else truth.households),
    ):
        _create_table(connection, name, _PAIR.empty_table() if pairs is None else pairs)
    connection.execute(SQL.read("record"), {"reference_date": reference_date})
    connection.execute(SQL.read("dwelling"))


def count_quality(connection: duckdb.DuckDBPyConnection, truth: TruePairs | None) -> str:
    """Return the query of `quality_count`: one row per unit, attribute and category.

    The unit "household" has one row, which counts pairs of an address group and a dwelling. The rows of
    attribute "current" count linked current registrations; their probability is that of the right household,
    and that of the right residence.
    """
    parts = [*_parts(), *_households(connection, truth)]
    return "\nUNION ALL\n".join(parts) + "\nORDER BY unit, attribute, category"


def _parts() -> Iterator[str]:
    for unit, attributes in ATTRIBUTES.items():
        sums = _SUMS[unit]
        for attribute, category in (("all", "'all'"), ("reason", "reason"), *((a, a) for a in attributes)):
            yield (
                f"SELECT '{unit}' AS unit, '{attribute}' AS attribute, {category} AS category,{sums}\n"
                f"FROM quality_{unit.removeprefix('nhs_')}\nGROUP BY ALL"
            )
        if unit == "nhs_record":
            for compared, value in (
                ("place", "place"),
                ("people", f"CASE WHEN people NOT IN {NO_LIST} THEN 1 END"),
            ):
                yield (
                    f"SELECT '{unit}' AS unit, 'compared' AS attribute, '{compared}' AS category,"
                    f" COUNT(*) AS units, COUNT({value}) AS linked, 0, 0, 0, 0, 0, 0, 0\nFROM decision"
                )
            for what, probability in (
                ("household", "match_probability"),
                ("residence", "residence_probability"),
            ):
                yield (
                    f"SELECT '{unit}' AS unit, 'current' AS attribute, '{what}' AS category,"
                    f" COUNT(*) AS units, COUNT(*) AS linked, COUNT(*) AS links, SUM({probability}),"
                    " 0, 0, 0, 0, 0\nFROM quality_record\nWHERE is_linked AND is_current"
                )
        for supplied, column in SUPPLIED[unit].items():
            yield (
                f"SELECT '{unit}' AS unit, 'supplied' AS attribute, '{supplied}' AS category,"
                f" COUNT(*) AS units, COUNT({column}) AS linked, 0, 0, 0, 0, 0, 0, 0\nFROM {_TABLE[unit]}"
            )


def _households(connection: duckdb.DuckDBPyConnection, truth: TruePairs | None) -> Iterator[str]:
    if truth is None or truth.households is None:
        return
    for name, pairs in (
        ("found", "quality_record WHERE is_linked"),
        ("true", "true_household"),
    ):
        record, dwelling = (
            ("record_pseudonym", "dwelling")
            if name == "found"
            else ("nhs_record_pseudonym", "dwelling_record_pseudonym")
        )
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {name}_pair AS"
            f" SELECT {dwelling} AS council_record_id, {record} AS nhs_record_id FROM {pairs}"
        )
    # a record that was linked elsewhere still belongs to the group that the supplier recorded
    connection.execute(
        """
        CREATE OR REPLACE TEMP VIEW supplied_group AS
        SELECT
            record_pseudonym AS nhs_record_id,
            COALESCE(address_group_pseudonym, split_part(address_group, '-', 1)) AS address_group
        FROM quality_record
        """
    )
    measured = evaluate_links(connection, "found_pair", "supplied_group", households="true_pair").households
    if measured is not None:
        right, found, true = measured.recall.successes, measured.precision.trials, measured.recall.trials
        yield (
            "SELECT 'household' AS unit, 'all' AS attribute, 'all' AS category, 0 AS units, 0 AS linked,"
            f" {found} AS links, 0, 0, 0, 0, {right} AS right_links, {true} AS true_pairs"
        )


def _create_table(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    connection.register("_rows", rows)
    try:
        connection.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT DISTINCT * FROM _rows')
    finally:
        connection.unregister("_rows")
