"""Clear match values of an ingest table, computed where the key is and nowhere else."""

import duckdb


def clear_match_fields(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    source: str,
    target: str,
    properties: str | None = None,
) -> None:
    """Create table `target`: `record_id` and one column for each of `MATCH_FIELDS[table]`.

    table: "council_property", "council_person" or "nhs_person".
    source: the ingest table's name in `connection` (contract columns); it must be a table or a view.
    properties: for "council_person", the ingest table of council_property, which gives the
    address of a person who is listed under a property (property_record_id) without one of his own.

    Columns hold clear text, or lists of clear text without duplicates or nulls, in sorted order;
    what is unknown is null (never an empty text or list). One row for each row of `source`.
    """
    raise NotImplementedError
