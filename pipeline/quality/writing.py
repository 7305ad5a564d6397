"""The quality report of a release: written once in an epoch, then repeated byte for byte.

Match rates are outputs, so they are frozen like cells (P6). Within an epoch, the files are those of its
first release. In a new epoch they change only if the values of every local authority may change and at
least K households changed in total. Otherwise two reports would reveal the change of a few households.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb

from governance.canonical import canonical_json, digest_of_file
from pipeline.link.model import Model
from pipeline.quality.label import unknown_labels
from pipeline.quality.page import render_page
from pipeline.quality.protection import Terms
from pipeline.quality.report import report_content

REPORT = "linkage_quality.json"
PAGE = "linkage_quality.html"
FILES = (REPORT, PAGE)
#: Keys of the report that contain counts of records or dwellings.
_COUNTS = frozenset({"linked", "not_linked", "right", "wrong", "missed", "count"})


def write_report(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    terms: Terms,
    reference_date: str,
    epoch: str,
    folder: Path,
) -> None:
    """Write both files into `folder` from tables `quality_count` and `match_weight`."""
    content = report_content(connection, model, terms, reference_date, epoch)
    (folder / REPORT).write_bytes(canonical_json(content) + b"\n")
    # the page is rendered from the file, so that it shows exactly what the file contains
    (folder / PAGE).write_text(render_page(json.loads((folder / REPORT).read_bytes())), "utf-8")


def repeat_report(earlier: Path, folder: Path) -> bool:
    """Copy both files of an earlier release; returns whether it had them."""
    if not all((earlier / name).is_file() for name in FILES):
        return False
    for name in FILES:
        shutil.copyfile(earlier / name, folder / name)
    return True


def inspect_report(
    folder: Path, terms: Terms, earlier: Path | None, latest: Path | None = None
) -> dict[str, Any]:
    """Return the facts of a release's report, read from its files.

    earlier: the release that it must repeat; latest: a release that it may repeat, whose page may have
    been rendered by another version of Hearth.

    Facts: `counts` printed, `withheld`; `below_minimum`, `not_rounded`: counts that break the rules;
    `labels_unknown`: names of groups that are neither codes nor of a format (see `label.py`);
    `page_differs`: whether the page differs from the page rendered from the figures; `repeats`: whether
    both files equal the earlier release's byte for byte (null without one).
    """
    content = json.loads((folder / REPORT).read_bytes())
    found = list(_counts(content))
    printed = [count for count in found if count is not None]
    repeats = _is_repeated(folder, earlier)
    is_rendered_before = repeats or _is_repeated(folder, latest)
    return {
        "counts": len(printed),
        "withheld": len(found) - len(printed),
        "below_minimum": sum(count < terms.minimum_cell_count for count in printed),
        "labels_unknown": unknown_labels(content),
        "not_rounded": sum(count % terms.rounding_base != 0 for count in printed),
        "page_differs": not is_rendered_before and (folder / PAGE).read_text("utf-8") != render_page(content),
        "repeats": repeats,
    }


def _is_repeated(folder: Path, earlier: Path | None) -> bool | None:
    """Return whether both files equal those of an earlier release; None if it has none."""
    if earlier is None or not all((earlier / name).is_file() for name in FILES):
        return None
    return all(digest_of_file(folder / name) == digest_of_file(earlier / name) for name in FILES)


def _counts(content: Any, key: str = "") -> Any:
    """Yield every count in a report; None for a withheld count."""
    if isinstance(content, dict):
        for name, value in content.items():
            yield from _counts(value, name)
        for withheld in ("match_rate", "measured"):
            if content.get(withheld, 0) is None:
                yield None
    elif isinstance(content, list):
        for value in content:
            yield from _counts(value)
    elif key in _COUNTS:
        yield content
