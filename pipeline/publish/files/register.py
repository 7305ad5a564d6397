"""Titles and descriptions of published tables and measures, as analysts read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.magnitude import Magnitude, magnitudes
from schemas.measure import Measure, measures
from schemas.table import tables


@dataclass(frozen=True)
class PublishedTable:
    """One registered table as it is published; dimensions in the order of its columns."""

    table_id: str
    title: str
    description: str
    unit: str
    dimensions: tuple[str, ...]


def published_table(table_id: str) -> PublishedTable:
    """Return a registered table's title and description; raises KeyError where it is not registered."""
    table = tables()[table_id]
    listed = "; ".join(measures()[name].title for name in table.measures)
    amounts = "".join(f"; {magnitudes()[name].title}" for name in table.magnitudes)
    made = ", means and percentiles" if table.magnitudes else " and percentages"
    return PublishedTable(
        table_id=table_id,
        title=table.title,
        description=(
            f"Counts of {table.unit}s{made}, by "
            f"{' and '.join((*table.dimensions, 'area'))}: {listed}{amounts}."
        ),
        unit=table.unit,
        dimensions=table.dimensions,
    )


def measure_titles(published: Sequence[Mapping[str, str | None]]) -> dict[str, str]:
    """Return published measure -> title.

    published: rows of `published_measure`; a population that no measure is named for is
    described by the measures that have it as denominator.
    """
    known: Mapping[str, Measure] = measures()
    amounts: Mapping[str, Magnitude] = {
        name: magnitude for m in magnitudes().values() for name, magnitude in ((m.name, m), (m.sum_name, m))
    }
    titles: dict[str, str] = {}
    for row in published:
        name = str(row["measure"])
        numerator = row["numerator_measure"]
        if name in amounts:
            titles[name] = (
                amounts[name].title if name == amounts[name].name else f"Sum behind: {amounts[name].title}"
            )
        elif numerator is not None:
            titles[name] = f"{known[numerator].title}, percent"
        elif name in known:
            titles[name] = known[name].title
        else:
            served = sorted(
                known[str(other["measure"])].title
                for other in published
                if other["denominator_measure"] == name and other["kind"] == "count"
            )
            titles[name] = f"Denominator of: {'; '.join(served)}" if served else name
    return titles
