"""The data dictionary: every column of every published table, from the contracts.

Written twice: Markdown for people, Parquet for programs.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from pipeline.publish.files.release_table import columns_of, write_plain_parquet
from schemas.contract import load_contract

DICTIONARY_MARKDOWN = "data_dictionary.md"
DICTIONARY_PARQUET = "data_dictionary.parquet"

SHORTHAND = {
    "[c]": "confidential: too few households or people, or the value would reveal another one",
    "[x]": "not available: not produced at this area level, or the area is too small for the table",
    "[z]": "not applicable: no one can be in this cell",
    "[u]": "low reliability: rounding and noise could move it by a third or more",
}


def write_dictionary(
    tables: Mapping[str, Sequence[str]],
    titles: Mapping[str, str],
    measures: Sequence[Mapping[str, str | None]],
    folder: Path,
) -> None:
    """Write both forms.

    tables: table id -> its dimensions. titles: table id -> title.
    measures: rows of `measure.parquet` (measure, title, kind, unit, numerator_measure, denominator_measure).
    """
    contract = load_contract("published", "release_table")
    rows = [
        (
            table_id,
            number,
            name,
            contract.column(name).title,
            contract.column(name).logical_type,
            contract.column(name).description,
        )
        for table_id in sorted(tables)
        for number, name in enumerate(columns_of(tables[table_id]), 1)
    ]
    names = ("table_id", "position", "column", "title", "type", "description")
    table = pa.table(dict(zip(names, (list(column) for column in zip(*rows, strict=True)), strict=True)))
    write_plain_parquet(table, folder / DICTIONARY_PARQUET)

    lines = ["# Data dictionary", "", "## Columns", ""]
    shared = columns_of(())
    lines += ["| Column | Type | Meaning |", "|---|---|---|"]
    every = sorted({name for dimensions in tables.values() for name in dimensions})
    for name in (*shared[:9], *every, *shared[9:]):
        column = contract.column(name)
        lines.append(f"| `{name}` | {column.logical_type} | {column.description} |")
    lines += ["", "## Shorthand", "", "| Sign | Meaning |", "|---|---|"]
    lines += [f"| `{sign}` | {meaning} |" for sign, meaning in SHORTHAND.items()]
    lines += [
        "",
        "## Measures",
        "",
        "| Measure | Title | Kind | Counts | Comes from |",
        "|---|---|---|---|---|",
    ]
    for measure in measures:
        made_of = (
            f"`{measure['numerator_measure']}` / `{measure['denominator_measure']}`"
            if measure["numerator_measure"]
            else ""
        )
        told = [f"`{measure['measure']}`", measure["title"], measure["kind"], measure["unit"], made_of]
        lines.append("| " + " | ".join(str(part) for part in told) + " |")
    lines += ["", "## Tables", "", "| Table | Title | Broken down by |", "|---|---|---|"]
    lines += [
        f"| `{table_id}` | {titles[table_id]} | {', '.join(tables[table_id]) or 'area alone'} |"
        for table_id in sorted(tables)
    ]
    (folder / DICTIONARY_MARKDOWN).write_text("\n".join(lines) + "\n", "utf-8")
