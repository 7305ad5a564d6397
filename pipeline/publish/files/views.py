"""`views.sql`: one DuckDB view per published table, so that a release can be queried directly."""

from collections.abc import Mapping
from pathlib import Path

VIEWS = "views.sql"


def write_views(tables: Mapping[str, str], folder: Path) -> None:
    """Write the views; tables: table id -> file within the release.

    Used from within the release's folder: `duckdb -init views.sql`, or `SET file_search_path` first.
    """
    lines = [
        "-- One view per published table, with the catalogue and the dictionaries.",
        "-- From the folder of the release: duckdb -init views.sql",
        "-- From elsewhere: SET file_search_path = '<folder of the release>'; then .read views.sql",
    ]
    beside = {
        "catalogue": "catalogue.parquet",
        "measure": "measure.parquet",
        "area": "area.parquet",
        "basis": "basis.parquet",
        "data_dictionary": "data_dictionary.parquet",
    }
    for name, file in sorted({**tables, **beside}.items()):
        lines.append(f"CREATE OR REPLACE VIEW \"{name}\" AS SELECT * FROM read_parquet('{file}');")
    (folder / VIEWS).write_text("\n".join(lines) + "\n", "utf-8")
