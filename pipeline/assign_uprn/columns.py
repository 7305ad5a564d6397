"""Finds the columns of an extract or address list: address, postcode, UPRN and record id.

A column that the operator names must exist. Other columns are found by the names that Hearth's contracts use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from governance.counted import counted
from governance.errors import Fault
from pipeline.printable import shown

ADDRESS_LINES = tuple(f"address_line_{n}" for n in range(1, 6))


@dataclass(frozen=True)
class NamedColumns:
    """The column names that the operator gave for a file; None, or no address column, where none was given.

    address: the columns of the address lines in order, or its only column.
    """

    address: tuple[str, ...] = ()
    postcode: str | None = None
    uprn: str | None = None
    record_id: str | None = None

    @classmethod
    def of_mapping(cls, columns: Mapping[str, str]) -> "NamedColumns":
        """Take the names from a column map of hearth.toml (Hearth's column -> the supplier's)."""
        return cls(
            tuple(columns[line] for line in ADDRESS_LINES if line in columns),
            *(columns.get(name) for name in ("postcode", "uprn", "record_id")),
        )


@dataclass(frozen=True)
class AddressColumns:
    """Positions of columns in a file's header, from 0. uprn, record_id: None if there is no such column."""

    address: tuple[int, ...]
    postcode: int
    uprn: int | None
    record_id: int | None

    @property
    def positions(self) -> tuple[int, ...]:
        """All positions, in the order record id, UPRN, postcode, address lines."""
        optional = [position for position in (self.record_id, self.uprn) if position is not None]
        return (*optional, self.postcode, *self.address)


def find_columns(
    header: Sequence[str], named: NamedColumns, where: str, option: str, needs_uprn: bool = False
) -> AddressColumns:
    """Find the columns in a header. Differences in case and surrounding blanks are ignored.

    where: the file's name in errors. option: prefix of the command options that name its columns.
    Raises Fault with every column that is missing or appears several times.
    """
    names = [name.strip().casefold() for name in header]
    missing: list[str] = []

    def position(name: str | None, default: str, is_needed: bool) -> int | None:
        wanted = (name or default).strip().casefold()
        if names.count(wanted) == 1:
            return names.index(wanted)
        if name is not None or is_needed:
            problem = f"appears {names.count(wanted)} times" if wanted in names else "is missing"
            missing.append(
                f"the column {shown(name or default)} {problem} ({option}{default.replace('_', '-')})"
            )
        return None

    if named.address:
        address = [position(name, "address", True) for name in named.address]
    elif "address" in names:
        address = [position(None, "address", True)]
    else:
        lines = [position(None, line, False) for line in ADDRESS_LINES]
        address = [line for line in lines if line is not None] or [position(None, "address", True)]
    postcode = position(named.postcode, "postcode", True)
    uprn = position(named.uprn, "uprn", needs_uprn)
    record_id = position(named.record_id, "record_id", False)
    if missing or postcode is None:
        raise Fault(
            "ASSIGN_COLUMN_MISSING",
            f"{where} has {counted(len(header), 'column')}: {'; '.join(missing)}. No UPRNs were assigned.",
            "Give the column's name with the option in brackets. If the header was read as one column, give "
            f"the delimiter with {option}delimiter.",
        )
    return AddressColumns(tuple(line for line in address if line is not None), postcode, uprn, record_id)
