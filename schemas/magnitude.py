"""Magnitudes as data: means and percentiles of an amount, among those whom a plain count counts.

A magnitude stands in `schemas/magnitudes/`. A mean is printed as a protected sum over the printed count; a
percentile as the lower end of a band. There is no kind for a minimum, a maximum or a mode, and none
can be registered.
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
#: A band is a multiple of this, so that no band is finer than counts are rounded.
NARROWEST_BAND = 5
#: Decimals of a mean: more would be finer than its sum is rounded.
MEAN_DECIMALS = 1
#: Percentiles further out are near to a minimum or a maximum.
LOWEST_PERCENT, HIGHEST_PERCENT = 10, 90


@dataclass(frozen=True)
class Magnitude:
    """One mean or percentile.

    of: attribute whose amount it is. among: the plain count of those it is taken over, all of whom
    are known to have the attribute. percent, band_width: of a percentile.
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
        """Name of the printed sum of a mean."""
        return f"{self.name}_sum"


@cache
def magnitudes() -> Mapping[str, Magnitude]:
    """Return name -> magnitude of every file; raises DefinitionInvalid with the faults of a broken one."""
    return read_definitions("magnitudes", lambda name, text: parse_magnitudes(name, text, measures()))


def parse_magnitudes(name: str, text: str, known: Mapping[str, Measure]) -> dict[str, Magnitude]:
    """Check the YAML of one file of magnitudes against the known measures."""

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
        faults.append("a measure has its name")
    if among is None or among.count is not None:
        faults.append("among must be a measure that is a plain count")
    else:
        attribute = attributes_of(among.unit).get(of)
        if attribute is None or attribute.type != "count":
            faults.append(f"{of} is no attribute of a {among.unit} that is a count")
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
