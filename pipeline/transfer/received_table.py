"""Checks that a received table has the columns, types and values of its contract, and tokens in range.

The two sides may run different versions of Hearth. A table of an older version has columns of other types. It
is refused, so that values of a different form are never hashed or joined. A controller's package is input
too: a value of a coded column that is not in its code list, or not of its format, is refused, so that nothing
else can become a category that is counted or printed (see `received_value.py`).
"""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from governance.counted import counted
from governance.errors import Refused
from governance.keys.pseudonyms.token import LARGEST_TOKEN
from pipeline.engine.tables import open_table
from pipeline.pseudonymise.tables import PseudonymisedTable
from pipeline.transfer.contents import DeclaredTable
from pipeline.transfer.declared_size import open_declared
from pipeline.transfer.received_value import value_checks
from schemas.contract import Column, load_contract

_TYPES = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}


def check_table(table: PseudonymisedTable, file: str, path: Path, declared: DeclaredTable) -> None:
    """Raise Refused unless columns and types are those of the contract, and every value is allowed by it.

    file: name of the encrypted table in its package, for the message. path: the decrypted Parquet file.
    declared: its size; a table that is larger is refused before more of it is read.
    """
    with open_table(path) as reader:
        _check_columns(table, file, reader.schema)
    _check_values(table, file, path, declared)


def _check_columns(table: PseudonymisedTable, file: str, schema: pa.Schema) -> None:
    allowed = set(table.columns)
    extra, lacking = set(schema.names) - allowed, allowed - set(schema.names)
    if extra or lacking:
        raise Refused(
            "PACKAGE_COLUMNS",
            f"{file}: {counted(len(extra), 'column is', 'columns are')} not in the contract, and "
            f"{counted(len(lacking), 'column is', 'columns are')} missing from it. The package was not used.",
            _remedy(table),
        )
    contract = load_contract("pseudonymised", table.name)
    other = [c for c in contract.columns if not schema.field(c.name).type.equals(_type_of(c))]
    if other:
        first, more = other[0], len(other) - 1
        raise Refused(
            "PACKAGE_COLUMN_TYPE",
            f"{file}: column {first.name} is {schema.field(first.name).type}, but {_type_of(first)} in "
            f"contract {contract.version}. Other columns of a different type: {more}. The package was not "
            "used.",
            _remedy(table),
        )


def _check_values(table: PseudonymisedTable, file: str, path: Path, declared: DeclaredTable) -> None:
    tokens = {name for name, column in table.hashed.items() if column.is_token}
    checks = value_checks(load_contract("pseudonymised", table.name))
    checked = [name for name in dict.fromkeys(table.columns) if name in tokens or name in checks]
    invalid: Counter[str] = Counter()
    with open_declared(path, declared, file, checked) as reader:
        for batch in reader:
            for name, column in zip(checked, batch.columns, strict=True):
                if name in tokens and not _are_tokens(column):
                    raise Refused(
                        "PACKAGE_TOKEN_INVALID",
                        f"{file}: column {name} contains a value that is not a token. The package was not "
                        "used.",
                        _remedy(table),
                    )
                if name in checks:
                    invalid[name] += checks[name](column)
    wrong = {name: count for name, count in invalid.items() if count}
    if wrong:
        listed = ", ".join(f"{name} ({counted(count, 'value')})" for name, count in sorted(wrong.items()))
        raise Refused(
            "PACKAGE_VALUE_INVALID",
            f"{file}: values are not in the code list or format of their column, or are missing: {listed}. "
            "The package was not used.",
            _remedy(table),
        )


def _are_tokens(column: pa.Array) -> bool:
    values = pc.list_flatten(column) if pa.types.is_list(column.type) else column
    least, most = (end.as_py() for end in pc.min_max(values).values())
    has_gap = values is not column and values.null_count
    return not has_gap and (least is None or (least >= 0 and most <= LARGEST_TOKEN))


def _type_of(column: Column) -> pa.DataType:
    return _TYPES[column.logical_type] if column.item_type is None else pa.list_(_TYPES[column.item_type])


def _remedy(table: PseudonymisedTable) -> str:
    return (
        f"Install the same version of Hearth here and at the controller. Then have the controller run "
        f"`hearth pseudonymise --controller {table.controller}` and send the new package."
    )
