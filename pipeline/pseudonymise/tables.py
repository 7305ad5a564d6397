"""Declares which tables leave a controller, from which ingest tables they come, and which columns are hashed.

`sql/<table>.sql` selects the columns of a table; the clear values of a hashed column already have its final
name there. A column that is not declared here leaves unchanged, if the contract of the pseudonymised table
allows it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.pseudonymise.match_fields import MATCH_FIELDS
from schemas.contract import load_contract

UPRN = "uprn"
NHS_NUMBER = "nhs_number"
ADDRESS_GROUP = "address_group"
COUNCIL_PROPERTY_RECORD = "record.council_property"
COUNCIL_PERSON_RECORD = "record.council_person"
NHS_PERSON_RECORD = "record.nhs_person"

#: Kinds of direct identifier whose distinct values are counted in and out, and whose check values
#: the controllers compare.
IDENTIFIERS = (UPRN, NHS_NUMBER)


@dataclass(frozen=True)
class HashedColumn:
    """A column that is hashed. kind: values of different kinds are hashed differently.

    is_token: hashed to a match token, a whole number of 56 bits; otherwise to a full pseudonym, a text.
    is_list: each cell is a list of values.
    """

    kind: str
    is_token: bool = False
    is_list: bool = False


@dataclass(frozen=True)
class PseudonymisedTable:
    """One table that leaves the controller.

    source: the ingest table of its rows. needs: further ingest tables from which its values come. pseudonyms:
    column -> (identifier kind, the source's column in clear). order_by: columns that make the order of rows
    stable and unrelated to the extract. People with the same home are together, so that grouping by home
    reads consecutive rows; this shows nothing that the pseudonym of the home does not show.
    """

    name: str
    controller: str
    source: str
    pseudonyms: Mapping[str, tuple[str, str]]
    order_by: tuple[str, ...]
    needs: tuple[str, ...] = ()

    @property
    def hashed_name(self) -> str:
        """Name in the DuckDB connection, different from that of the ingest table, which can be `name`."""
        return f"hashed_{self.name}"

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the contract allows, including the names of match fields."""
        declared = (c for c in load_contract("pseudonymised", self.name).names if not c.endswith("*"))
        return (*declared, *(field.name for field in MATCH_FIELDS.get(self.source, ())))

    @property
    def hashed(self) -> Mapping[str, HashedColumn]:
        """Every hashed column: first the pseudonyms, then the match fields."""
        columns = {name: HashedColumn(kind) for name, (kind, _) in self.pseudonyms.items()}
        for field in MATCH_FIELDS.get(self.source, ()):
            columns[field.name] = HashedColumn(field.kind, is_token=True, is_list=field.is_list)
        return columns


TABLES = (
    PseudonymisedTable(
        "dwelling",
        "council",
        "council_property",
        {
            "record_pseudonym": (COUNCIL_PROPERTY_RECORD, "record_id"),
            "uprn_pseudonym": (UPRN, "uprn"),
            "parent_uprn_pseudonym": (UPRN, "parent_uprn"),
            "previous_uprn_pseudonym": (UPRN, "previous_uprn"),
        },
        ("record_pseudonym",),
    ),
    PseudonymisedTable(
        "council_resident",
        "council",
        "council_person",
        {
            "record_pseudonym": (COUNCIL_PERSON_RECORD, "record_id"),
            "dwelling_record_pseudonym": (COUNCIL_PROPERTY_RECORD, "property_record_id"),
            "uprn_pseudonym": (UPRN, "uprn"),
        },
        ("dwelling_record_pseudonym", "uprn_pseudonym", "record_pseudonym"),
        ("council_property",),
    ),
    PseudonymisedTable("area", "council", "area_lookup", {}, ("lsoa21",)),
    PseudonymisedTable(
        "nhs_resident",
        "nhs",
        "nhs_person",
        {
            "record_pseudonym": (NHS_PERSON_RECORD, "record_id"),
            "nhs_number_pseudonym": (NHS_NUMBER, "nhs_number"),
            "uprn_pseudonym": (UPRN, "uprn"),
            "address_group_pseudonym": (ADDRESS_GROUP, "address_group_id"),
        },
        ("address_group_pseudonym", "uprn_pseudonym", "record_pseudonym"),
    ),
    PseudonymisedTable(
        "nhs_condition",
        "nhs",
        "nhs_condition",
        {
            "resident_record_pseudonym": (NHS_PERSON_RECORD, "person_record_id"),
            "nhs_number_pseudonym": (NHS_NUMBER, "nhs_number"),
        },
        ("ALL",),
    ),
    PseudonymisedTable(
        "nhs_event",
        "nhs",
        "nhs_event",
        {
            "resident_record_pseudonym": (NHS_PERSON_RECORD, "person_record_id"),
            "nhs_number_pseudonym": (NHS_NUMBER, "nhs_number"),
        },
        ("ALL",),
    ),
)


def tables_of(controller: str) -> tuple[PseudonymisedTable, ...]:
    """Return the tables that leave one controller, in the order of TABLES."""
    return tuple(table for table in TABLES if table.controller == controller)
