"""Which columns of an extract or address list hold what.

Named columns must be there. Others are looked for under the names that Hearth's own extracts use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from governance.errors import Fault

ADDRESS_LINES = tuple(f"address_line_{n}" for n in range(1, 6))


@dataclass(frozen=True)
class NamedColumns:
    """A file's columns by its own names; None (or no line) where nobody named one.

    address: the lines of the address in order, or its only column.
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
    """Places in a file's header. uprn, record_id: None where the file has no such column."""

    address: tuple[int, ...]
    postcode: int
    uprn: int | None
    record_id: int | None

    @property
    def places(self) -> tuple[int, ...]:
        """Every place that is read, in the order record id, UPRN, postcode, address lines."""
        optional = [place for place in (self.record_id, self.uprn) if place is not None]
        return (*optional, self.postcode, *self.address)


def find_columns(
    header: Sequence[str], named: NamedColumns, where: str, option: str, needs_uprn: bool = False
) -> AddressColumns:
    """Find the columns of a header, names differing in case or blanks at most.

    where: the file, as errors name it. option: prefix of the options that name its columns.
    Raises Fault with every column that is missing.
    """
    names = [name.strip().casefold() for name in header]
    missing: list[str] = []

    def place(name: str | None, usual: str, is_needed: bool) -> int | None:
        wanted = (name or usual).strip().casefold()
        if names.count(wanted) == 1:
            return names.index(wanted)
        if name is not None or is_needed:
            times = "stands twice" if wanted in names else "is missing"
            missing.append(f"the column {name or usual} {times} ({option}{usual.replace('_', '-')} names it)")
        return None

    if named.address:
        address = [place(name, "address", True) for name in named.address]
    elif "address" in names:
        address = [place(None, "address", True)]
    else:
        lines = [place(None, line, False) for line in ADDRESS_LINES]
        address = [line for line in lines if line is not None] or [place(None, "address", True)]
    postcode = place(named.postcode, "postcode", True)
    uprn = place(named.uprn, "uprn", needs_uprn)
    record_id = place(named.record_id, "record_id", False)
    if missing or postcode is None:
        raise Fault(
            "ASSIGN_COLUMN_MISSING",
            f"{where}, {len(header)} columns: {'; '.join(missing)}.",
            "Name the column, or the file's delimiter if the header was read as one column.",
        )
    return AddressColumns(tuple(line for line in address if line is not None), postcode, uprn, record_id)
