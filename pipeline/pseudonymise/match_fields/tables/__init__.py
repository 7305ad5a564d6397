"""Reads the word tables of the name and address parsers. To add a word, add a row to the CSV file."""

import csv
from functools import cache
from importlib.resources import files


@cache
def read_rows(name: str) -> tuple[tuple[str, ...], ...]:
    """Return the rows of `<name>.csv` in order, without its heading."""
    text = files("pipeline.pseudonymise.match_fields.tables").joinpath(f"{name}.csv").read_text("utf-8")
    return tuple(tuple(row) for row in csv.reader(text.splitlines()))[1:]


@cache
def read_mapping(name: str) -> dict[str, str]:
    """Return the first two columns of `<name>.csv` as a mapping."""
    return {row[0]: row[1] for row in read_rows(name)}
