"""How far two releases are of the same people: what narrows the interval of a change between them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from pipeline.findings.release_figures import ReleaseFigures
from pipeline.statistics.interval import Numbers

#: File of a release that describes how its figures were made, where it has one.
BASIS = "basis.parquet"
#: In `same_status`: every measure that has no figure of its own.
EVERY_OTHER = ""


@dataclass(frozen=True)
class Overlap:
    """How far two releases are of the same people.

    shared: share of the later release's households and residents who are in the earlier one too.
    same_status: measure (or EVERY_OTHER) -> of those in both, the share whose status is the same in both.
    """

    shared: float
    same_status: Mapping[str, float]

    def __post_init__(self) -> None:
        if not all(0 <= share <= 1 for share in (self.shared, *self.same_status.values())):
            raise ValueError("a share must be from 0 to 1")

    def of(self, rates: pd.Series) -> tuple[Numbers, Numbers]:
        """Return both shares for each rate, by its measure; one without a figure counts as independent."""
        named = [self.same_status.get(str(m), self.same_status.get(EVERY_OTHER, np.nan)) for m in rates]
        known = np.array(named, dtype=np.float64)
        return np.where(np.isnan(known), 0.0, self.shared), np.nan_to_num(known)


def recorded_overlap(earlier: ReleaseFigures, later: ReleaseFigures) -> Overlap | None:
    """Return the overlap that the later release records with this earlier one; None where it records none.

    It is in the rows of `basis.parquet` with the aspects overlap_with (the earlier release's id),
    overlap_shared (a share), and overlap_same_status (a share, with the measure in `name`).
    """
    path = later.folder / BASIS
    rows = pq.read_table(path).to_pylist() if path.is_file() else []
    single = {row["aspect"]: row["value"] for row in rows if not row["name"]}
    if single.get("overlap_with") != earlier.release_id or "overlap_shared" not in single:
        return None
    same = {row["name"]: float(row["value"]) for row in rows if row["aspect"] == "overlap_same_status"}
    return Overlap(float(single["overlap_shared"]), same)


def people_in_words(overlap: Overlap | None) -> str:
    """Return what the intervals of a comparison suppose about people who are in both releases."""
    if overlap is None:
        return (
            "The intervals treat the releases as being of different people. They count many of the same "
            "people, so the intervals are wider than necessary; `--overlap` and `--same-status` narrow them."
        )
    same = sorted({round(100 * share) for share in overlap.same_status.values()})
    shares = (
        f"{same[0]}%" if len(same) == 1 else f"{same[0]}% to {same[-1]}%, by measure" if same else "unknown"
    )
    return (
        f"The intervals suppose that {100 * overlap.shared:.0f}% of the later release's people are in the "
        f"earlier one too, and that {shares} of these have the same status in both."
    )
