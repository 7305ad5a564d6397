"""Magnitudes as data: means and percentiles of an amount, over the households or residents of a plain count.

Magnitudes are defined in `schemas/magnitudes/`. A mean is published as a protected sum divided by the
published count; a percentile as the lower end of a band. Minimum, maximum and mode cannot be registered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas.attribute import attributes_of, check_choice, check_keys, parse_definitions, read_definitions
from schemas.condition import attributes_in
from schemas.measure import Measure, measures
from schemas.strict_yaml import check_text

KINDS = ("mean", "percentile")
#: The width of a band is a multiple of this, so that no band is finer than the rounding of counts.
NARROWEST_BAND = 5
#: Decimals of a mean: more would be finer than the rounding of its sum.
MEAN_DECIMALS = 1
#: Percentiles beyond these are close to a minimum or a maximum.
LOWEST_PERCENT, HIGHEST_PERCENT = 10, 90


@dataclass(frozen=True)
class Magnitude:
    """One mean or percentile.

    of: the attribute that is averaged or ranked. among: the plain count that it is taken over; the
    attribute is known for everyone counted. percent, band_width: for a percentile.
    """

    name: str
    title: str
    kind: str
    of: str
    among: str
    unit: str
    period: str
    source: str
    percent: int = 0
    band_width: int = 0

    @property
    def sum_name(self) -> str:
        """Name of the published sum of a mean."""
        return f"{self.name}_sum"


@cache
def magnitudes() -> Mapping[str, Magnitude]:
    """Return name -> magnitude of every file; raises DefinitionInvalid with every fault of a file."""
    return read_definitions("magnitudes", lambda name, text: parse_magnitudes(name, text, measures()))


def parse_magnitudes(name: str, text: str, known: Mapping[str, Measure]) -> dict[str, Magnitude]:
    """Check the YAML of one file of magnitudes against the known measures, and return them by name."""

    def parse(entry: Mapping[str, Any], faults: list[str]) -> Magnitude:
        return _magnitude(entry, known, faults)

    return parse_definitions(name, text, parse)


def _magnitude(entry: Mapping[str, Any], known: Mapping[str, Measure], faults: list[str]) -> Magnitude:
    kind = check_choice(entry, "kind", KINDS, faults)
    own = () if kind == "mean" else ("percent", "band_width")
    check_keys(entry, ("name", "title", "kind", "of", "among", "period", "source", *own), (), faults)
    check_text(entry, ("title", "period", "source"), faults)
    name, of, among = str(entry.get("name")), str(entry.get("of")), known.get(str(entry.get("among")))
    if {name, f"{name}_sum"} & set(known):
        faults.append("a measure already has this name")
    if among is None or among.count is not None:
        faults.append("among must be a measure that is a plain count")
    else:
        attribute = attributes_of(among.unit).get(of)
        if attribute is None or attribute.type != "count":
            faults.append(f"{of} is not an attribute of a {among.unit} with type count")
        if of not in attributes_in(among.include):
            faults.append(f"{among.name} must include only those whose {of} is known: add {of} at_least 0")
    bounds = {
        "percent": (LOWEST_PERCENT, HIGHEST_PERCENT),
        "band_width": (NARROWEST_BAND, None),
    }
    numbers = {key: _whole(entry, key, *bounds[key], faults) for key in own}
    if numbers.get("band_width", 0) % NARROWEST_BAND:
        faults.append(f"band_width must be a multiple of {NARROWEST_BAND}")
    return Magnitude(
        name=name,
        title=str(entry.get("title")),
        kind=kind,
        of=of,
        among=str(entry.get("among")),
        unit=among.unit if among is not None else "household",
        period=str(entry.get("period")),
        source=str(entry.get("source")),
        **numbers,
    )


def _whole(entry: Mapping[str, Any], key: str, least: int, most: int | None, faults: list[str]) -> int:
    value = entry.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= (most or value):
        return value
    faults.append(f"{key} must be a whole number from {least}" + (f" to {most}" if most else ""))
    return least
