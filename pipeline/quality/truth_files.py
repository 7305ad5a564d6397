"""Read the true pairs of extracts from files that the user names."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from governance.errors import Fault
from pipeline.printable import shown_file

TRUTH_COLUMNS = ("council_record_id", "nhs_record_id")
#: The files of a truth folder, each .parquet or .csv. residence_pairs: the dwelling where a record's person
#: lives. household_pairs: the dwelling whose listed household shares a person with an address group.
RESIDENCE, HOUSEHOLDS = "residence_pairs", "household_pairs"
#: A file of pairs with this column contains pairs of households.
_OF_HOUSEHOLDS = "address_group_id"


def read_truth(path: Path) -> dict[str, pa.Table]:
    """Return the true pairs for "residence" and for "households", as far as the path contains them.

    path: a folder with residence_pairs and household_pairs (Parquet or CSV), or one such file. Both have
    council_record_id and nhs_record_id, the suppliers' own ids. A single file with address_group_id is the
    truth for households; without that column it is the truth for both. Raises Fault if nothing is found.
    """
    if not path.is_dir():
        pairs = _read_pairs(path)
        if _OF_HOUSEHOLDS in pairs.column_names:
            return {"households": pairs}
        return {"residence": pairs, "households": pairs}
    found = {
        unit: file
        for unit, name in (("residence", RESIDENCE), ("households", HOUSEHOLDS))
        for file in (path / f"{name}.csv", path / f"{name}.parquet")
        if file.is_file()
    }
    if not found:
        raise _unreadable(path, f"it contains neither {RESIDENCE} nor {HOUSEHOLDS}")
    return {unit: _read_pairs(file) for unit, file in found.items()}


def _read_pairs(file: Path) -> pa.Table:
    try:
        table = (
            pa.csv.read_csv(
                file,
                convert_options=pa.csv.ConvertOptions(
                    strings_can_be_null=True, column_types=dict.fromkeys(TRUTH_COLUMNS, pa.string())
                ),
            )
            if file.suffix == ".csv"
            else pa.parquet.read_table(file)
        )
        lacking = [c for c in TRUTH_COLUMNS if c not in table.column_names]
        if lacking:
            raise _unreadable(file, f"it has no column {' and no column '.join(lacking)}")
        kept = [*TRUTH_COLUMNS, *(c for c in table.column_names if c == _OF_HOUSEHOLDS)]
        return table.select(kept).cast(pa.schema([(c, pa.string()) for c in kept]))
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise _unreadable(file, type(error).__name__) from None


def _unreadable(path: Path, why: str) -> Fault:
    return Fault(
        "TRUTH_UNREADABLE",
        f"{shown_file(path)} cannot be used as the truth ({why}), so nothing was evaluated.",
        f"Use --truth with a folder that contains {RESIDENCE} and {HOUSEHOLDS}, or with one file (CSV or "
        f"Parquet) with the columns {' and '.join(TRUTH_COLUMNS)}.",
    )
