"""The table registry: only registered tables are counted (disclosure control, P0).

A table breaks down measures of one unit by up to two dimensions, at one or more area levels. It may also
have means and percentiles over its counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas.attribute import check_keys, parse_definitions, read_definitions
from schemas.dimension import dimensions
from schemas.magnitude import magnitudes
from schemas.measure import Measure, measures
from schemas.strict_yaml import check_text, listed

#: One nested hierarchy, from small to large.
AREA_LEVELS = ("LSOA21", "MSOA21", "LAD")
MAXIMUM_DIMENSIONS = 2


@dataclass(frozen=True)
class Table:
    """One registered table.

    structural_zeros: combinations of dimension -> category (and, if named, `measure`) that no one can be
    in. sensitive: whether a measure is sensitive, so that attribute disclosure is checked too.
    magnitudes: means and percentiles over its plain counts.
    """

    table_id: str
    title: str
    unit: str
    measures: tuple[str, ...]
    dimensions: tuple[str, ...]
    area_levels: tuple[str, ...]
    structural_zeros: tuple[Mapping[str, str], ...]
    sensitive: bool
    magnitudes: tuple[str, ...] = ()


@cache
def tables() -> Mapping[str, Table]:
    """Return table id -> table of every registry file; raises DefinitionInvalid with every fault."""
    return read_definitions("tables", lambda name, text: parse_tables(name, text, measures()))


def parse_tables(name: str, text: str, known: Mapping[str, Measure]) -> dict[str, Table]:
    """Check the YAML of one registry file against the known measures, and return its tables by id."""

    def parse(entry: Mapping[str, Any], faults: list[str]) -> Table:
        return _table(entry, known, faults)

    return parse_definitions(name, text, parse)


def _table(entry: Mapping[str, Any], known: Mapping[str, Measure], faults: list[str]) -> Table:
    check_keys(
        entry,
        ("name", "title", "measures", "dimensions", "area_levels"),
        ("structural_zeros", "magnitudes"),
        faults,
    )
    check_text(entry, ("title",), faults)
    named = [str(m) for m in listed(entry, "measures", faults)]
    chosen = [known[m] for m in named if m in known]
    broken_down = tuple(map(str, listed(entry, "dimensions", faults)))
    levels = tuple(map(str, listed(entry, "area_levels", faults)))
    faults += [f"{m} is not a measure" for m in named if m not in known]
    faults += [f"{d} is not a dimension" for d in broken_down if d not in dimensions()]
    faults += [
        f"{level} is not an area level ({', '.join(AREA_LEVELS)})"
        for level in levels
        if level not in AREA_LEVELS
    ]
    faults += [
        f"{m.name} may not be broken down by {d}"
        for m in chosen
        for d in broken_down
        if d not in m.dimensions
    ]
    if not named or not levels:
        faults.append("measures and area_levels must not be empty")
    amounts = tuple(map(str, listed(entry, "magnitudes", faults)))
    for name in amounts:
        if name not in magnitudes():
            faults.append(f"{name} is not a magnitude")
        elif magnitudes()[name].among not in named:
            faults.append(f"{name} needs {magnitudes()[name].among} among the measures")
    if len({m.unit for m in chosen}) > 1:
        faults.append("its measures have different units")
    if len(broken_down) > MAXIMUM_DIMENSIONS or len(set(broken_down)) < len(broken_down):
        faults.append(f"at most {MAXIMUM_DIMENSIONS} dimensions, each once")
    zeros = tuple({str(k): str(v) for k, v in zero.items()} for zero in entry.get("structural_zeros") or [])
    for zero in zeros:
        for key, category in zero.items():
            if key == "measure":
                fits = category in named
            else:
                fits = key in broken_down and key in dimensions() and category in dimensions()[key].categories
            if not fits:
                faults.append(f"structural zero {key}: {category} is not in this table")
    return Table(
        table_id=str(entry.get("name")),
        title=str(entry.get("title")),
        unit=chosen[0].unit if chosen else "household",
        measures=tuple(named),
        dimensions=broken_down,
        area_levels=tuple(level for level in AREA_LEVELS if level in levels),
        structural_zeros=zeros,
        sensitive=any(m.sensitive for m in chosen),
        magnitudes=amounts,
    )
