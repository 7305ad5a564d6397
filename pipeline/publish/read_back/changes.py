"""P6 read back: which cells differ from the release before, and whether enough households changed."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine.tables import open_table
from pipeline.publish.read_back.printed import Area, Cell, PrintedRelease

_STATE = ["lsoa21", "contribution", "digest"]


def fresh_cells(release: PrintedRelease, earlier: PrintedRelease | None) -> list[Cell]:
    """Return the cells whose answer is not that of the earlier release.

    A cell that the earlier release did not have, and that is not available (`[x]`) in this one, is none.
    """
    if earlier is None:
        return list(release.cells)
    return [
        cell
        for cell, answer in release.cells.items()
        if (earlier.cells[cell].shown if cell in earlier.cells else (None, "[x]")) != answer.shown
    ]


def changed_households(now: Path, then: Path | None, level: str) -> dict[str, int]:
    """Return LSOA -> fewest households that joined, left or changed since the values of that level did.

    now: `household_state` of this run. then: the state that the earlier release's values count.
    """
    with open_table(now, _STATE) as reader:
        current = reader.read_all()
    tables = [_counted(current, 1)]
    if then is not None:
        with open_table(then, ["level", *_STATE]) as reader:
            stored = reader.read_all()
        tables.append(_counted(stored.filter(pc.equal(stored["level"], level)).select(_STATE), -1))
    surplus = pa.concat_tables(tables).group_by(_STATE).aggregate([("households", "sum")])
    surplus = surplus.filter(pc.not_equal(surplus["households_sum"], 0))
    has_households = bool(pc.any(pc.starts_with(current["contribution"], "household|")).as_py())
    gained: dict[tuple[str, str], int] = defaultdict(int)
    lost: dict[tuple[str, str], int] = defaultdict(int)
    for lsoa, contribution, _, number in zip(*surplus.to_pydict().values(), strict=True):
        side = gained if number > 0 else lost
        side[lsoa, contribution] += abs(number)
    changed: dict[str, int] = {}
    for lsoa, contribution in {*gained, *lost}:
        counts = contribution.startswith("household|") or not has_households
        number = max(gained[lsoa, contribution], lost[lsoa, contribution]) if counts else 0
        changed[lsoa] = max(changed.get(lsoa, 1), number)
    return changed


def areas_that_may_change(
    areas: Iterable[Area], near: dict[str, int], far: dict[str, int], minimum: int
) -> set[tuple[str, str]]:
    """Return the areas (level, code) in which 0 or at least `minimum` households changed.

    near: LSOA -> households changed since the values of its MSOA did. far: since those of its authority did.
    """
    members: dict[tuple[str, str], list[Area]] = defaultdict(list)
    for area in areas:
        members["MSOA21", area.msoa].append(area)
        members["LAD", area.authority].append(area)
    may: set[tuple[str, str]] = set()
    for place, inside in members.items():
        if place[0] == "MSOA21" and all(_is_enough(near.get(a.lsoa, 0), minimum) for a in inside):
            may |= {place, *(("LSOA21", a.lsoa) for a in inside)}
    for place, inside in members.items():
        if place[0] == "LAD":
            carried: dict[tuple[str, object], int] = defaultdict(int)
            for area in inside:
                if ("MSOA21", area.msoa) not in may:
                    for kind in _kinds(area):
                        carried[kind] += near.get(area.lsoa, 0)
            total = sum(far.get(a.lsoa, 0) for a in inside)
            if all(_is_enough(number, minimum) for number in (total, *carried.values())):
                may.add(place)
    return may


def _kinds(area: Area) -> list[tuple[str, object]]:
    """Return the public groups of areas that an area is in; differences between them are public too."""
    quintile = None if area.imd_decile is None else (area.imd_decile + 1) // 2
    return [("all", None), ("decile", area.imd_decile), ("quintile", quintile), ("aqma", area.aqma)]


def _is_enough(households: int, minimum: int) -> bool:
    return households == 0 or households >= minimum


def _counted(state: pa.Table, sign: int) -> pa.Table:
    counted = state.group_by(_STATE).aggregate([([], "count_all")])
    number = pc.multiply(counted["count_all"], sign).cast(pa.int64())
    return counted.select(_STATE).append_column("households", number)
