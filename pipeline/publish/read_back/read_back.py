"""All protections of a finished release, judged again: the facts that rule AGG-10 reads.

    basis      what the values were compared with: "exact counts"; within an epoch "earlier release"; "ledger"
               for a release that is published already
    cells      cells of the release
    fresh      cells whose answer is new in this release
    P0 to P7   cells, counts or files that break each protection; must be 0

Within an epoch no cell may be fresh. The run that printed the values first compared them with exact counts.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from governance.canonical import digest_of_file
from pipeline.disclosure.noise.record_key import load_secret
from pipeline.publish.files.manifest import MANIFEST, STAGED_PREFIX
from pipeline.publish.ledger_table import kept_path
from pipeline.publish.publication import Publication
from pipeline.publish.read_back.changes import areas_that_may_change, changed_households, fresh_cells
from pipeline.publish.read_back.exact import read_exact
from pipeline.publish.read_back.printed import Cell, PrintedRelease, read_release
from pipeline.publish.read_back.record import digest_of_cells
from pipeline.publish.read_back.sums import count_exposed
from pipeline.publish.read_back.values import check_values
from pipeline.publish.release_record import read_record

PROTECTIONS = tuple(f"P{number}" for number in range(8))


@dataclass(frozen=True)
class Sources:
    """What a release is judged against: Parquet files of the aggregate stage."""

    cell: Path
    household_state: Path


def read_back(folder: Path, sources: Sources, publication: Publication) -> dict[str, Any]:
    """Judge a staged release; returns the facts above."""
    release = read_release(folder)
    latest = publication.ledger.latest_revealed()
    earlier = None if latest is None else read_release(publication.releases / latest.release_id)
    fresh = fresh_cells(release, earlier)
    broken = dict.fromkeys(PROTECTIONS, 0)
    broken["P7"] = _off_the_record(release, folder, publication)
    if latest is not None and latest.epoch == publication.identity.epoch:
        broken["P6"] = len(fresh)
        return {"basis": "earlier release", "cells": len(release.cells), "fresh": len(fresh), **broken}
    profile = publication.profile
    secret = None if profile.is_exact else load_secret(publication.context)
    broken |= check_values(release, fresh, read_exact(sources.cell), profile, secret)
    moved = {cell.group.area_code for cell in fresh}
    mixed = frozenset() if earlier is None else {c.group.area_code for c in release.cells} - moved
    broken["P5"] = count_exposed(release, profile, frozenset(mixed))
    if latest is not None:
        state = kept_path(publication.context.workspace, "state", latest.state_sha256 or "")
        broken["P6"] = _moved_too_early(release, fresh, sources, state, profile.minimum_changed_households)
    return {"basis": "exact counts", "cells": len(release.cells), "fresh": len(fresh), **broken}


def read_back_published(folder: Path, publication: Publication) -> dict[str, Any]:
    """Judge a release that is published already: its files must be those that the ledger has."""
    release = read_release(folder)
    entry = publication.ledger.last(folder.name)
    on_record = (None, 0) if entry is None else (entry.cells_sha256, entry.cells)
    differing = sum(one != other for one, other in zip(on_record, digest_of_cells(release), strict=True))
    broken = dict.fromkeys(PROTECTIONS, 0) | {"P7": differing}
    return {"basis": "ledger", "cells": len(release.cells), "fresh": 0, **broken}


def _moved_too_early(
    release: PrintedRelease, fresh: list[Cell], sources: Sources, state: Path, minimum: int
) -> int:
    """Return how many cells are new although fewer than `minimum` households of their area changed."""
    near, far = (changed_households(sources.household_state, state, level) for level in ("MSOA21", "LAD"))
    may = areas_that_may_change(release.areas, near, far, minimum)
    return sum((cell.group.area_level, cell.group.area_code) not in may for cell in fresh)


def _off_the_record(release: PrintedRelease, folder: Path, publication: Publication) -> int:
    """Return how many figures of the release's entry for the ledger are not those of its files."""
    release_id = folder.name.removeprefix(STAGED_PREFIX)
    entry = read_record(publication.context, release_id, digest_of_file(folder / MANIFEST))
    found = dict(zip(("cells_sha256", "cells"), digest_of_cells(release), strict=True))
    return sum(entry[name] != value for name, value in found.items())
