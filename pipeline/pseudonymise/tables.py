"""Which tables leave a controller, from which they are made, and what of them is hashed.

The query beside each name (`sql/<table>.sql`) selects the clear values to be
hashed under the names of the columns that they become; every column that is
not named here passes as it is, and the contract of the pseudonymised table
says which those may be.
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
    """One column that is hashed: kind is the domain; a match token, or else a full pseudonym."""

    kind: str
    is_token: bool = False
    is_list: bool = False


@dataclass(frozen=True)
class PseudonymisedTable:
    """One table that leaves the controller.

    source: the ingest table it is made of. needs: further ingest tables its values come from.
    pseudonyms: column -> (identifier kind, the source's column in clear). order_by: what makes the
    written order stable and unrelated to the order of the extract. People of one home stand together,
    which the pseudonyms of their homes tell anyhow: whatever gathers them then reads on, not about.
    """

    name: str
    controller: str
    source: str
    pseudonyms: Mapping[str, tuple[str, str]]
    order_by: tuple[str, ...]
    needs: tuple[str, ...] = ()

    @property
    def made_as(self) -> str:
        """Name in the connection: a pseudonymised table may bear its ingest table's name."""
        return f"hashed_{self.name}"

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column that its contract lets it have, match fields by name."""
        declared = (c for c in load_contract("pseudonymised", self.name).names if not c.endswith("*"))
        return (*declared, *(field.name for field in MATCH_FIELDS.get(self.source, ())))

    @property
    def hashed(self) -> Mapping[str, HashedColumn]:
        """Return every hashed column: pseudonyms, then match fields."""
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
    """Return the tables that leave one controller."""
    return tuple(table for table in TABLES if table.controller == controller)
