"""The quality report beside a release: written once an epoch, then repeated byte for byte.

Match rates are outputs, so they freeze as cells do (P6). Within an epoch the files are those of its
first release. At the boundary they change only where every local authority's values may, and the
households that changed are together at least K: else two reports would tell of a few.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb

from governance.canonical import canonical_json, digest_of_file
from pipeline.link.model import Model
from pipeline.quality.page import render_page
from pipeline.quality.protection import Terms
from pipeline.quality.report import report_content

REPORT = "linkage_quality.json"
PAGE = "linkage_quality.html"
FILES = (REPORT, PAGE)
#: Keys of the report under which counts of records or dwellings stand.
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
    # read back, so that the page shows what the file says and nothing that only memory knew
    (folder / PAGE).write_text(render_page(json.loads((folder / REPORT).read_bytes())), "utf-8")


def repeat_report(earlier: Path, folder: Path) -> bool:
    """Copy both files of an earlier release; answers whether it had them."""
    if not all((earlier / name).is_file() for name in FILES):
        return False
    for name in FILES:
        shutil.copyfile(earlier / name, folder / name)
    return True


def inspect_report(
    folder: Path, terms: Terms, earlier: Path | None, latest: Path | None = None
) -> dict[str, Any]:
    """Return the facts of a release's report, read from its bytes.

    earlier: the release that it must repeat; latest: one that it may repeat, whose page another
    version of Hearth may have drawn.

    Facts: `counts` printed, `withheld`; `below_minimum`, `not_rounded`: counts that break the rules;
    `page_differs`: whether the page is not the one that the figures make; `repeats`: whether it is
    byte for byte the earlier release's (null without one).
    """
    content = json.loads((folder / REPORT).read_bytes())
    found = list(_counts(content))
    printed = [count for count in found if count is not None]
    repeats = _is_repeated(folder, earlier)
    is_drawn_before = repeats or _is_repeated(folder, latest)
    return {
        "counts": len(printed),
        "withheld": len(found) - len(printed),
        "below_minimum": sum(count < terms.minimum_cell_count for count in printed),
        "not_rounded": sum(count % terms.rounding_base != 0 for count in printed),
        "page_differs": not is_drawn_before and (folder / PAGE).read_text("utf-8") != render_page(content),
        "repeats": repeats,
    }


def _is_repeated(folder: Path, earlier: Path | None) -> bool | None:
    """Answer whether both files are those of an earlier release; None without one that has them."""
    if earlier is None or not all((earlier / name).is_file() for name in FILES):
        return None
    return all(digest_of_file(folder / name) == digest_of_file(earlier / name) for name in FILES)


def _counts(content: Any, key: str = "") -> Any:
    """Yield every count in a report, None for a withheld one."""
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
