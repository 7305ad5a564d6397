"""The ids that tables of cells join on: one per group of people, one per cell of a registered table."""

from collections.abc import Iterator

import duckdb
import pytest

from pipeline.engine.cell_id import define_cell_ids

Parts = tuple[str | None, ...]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        define_cell_ids(opened)
        yield opened


def id_of(connection: duckdb.DuckDBPyConnection, macro: str, parts: Parts) -> str:
    ((found,),) = connection.execute(f"SELECT {macro}({', '.join('?' * len(parts))})", list(parts)).fetchall()
    return str(found)


def test_a_group_has_one_id_in_whatever_order_its_dimensions_are(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    one = id_of(connection, "group_id", ("household", "E01", "epc", "D", "tenure", "owned"))
    other = id_of(connection, "group_id", ("household", "E01", "tenure", "owned", "epc", "D"))

    assert one == other


@pytest.mark.parametrize(
    ("macro", "groups"),
    [
        (
            "group_id",
            [
                ("household", "E01", None, None, None, None),
                ("resident", "E01", None, None, None, None),
                ("household", "E02", None, None, None, None),
                ("household", "E01", "epc", "D", None, None),
                ("household", "E01", "epc", "C", None, None),
                ("household", "E01", "tenure", "D", None, None),
                ("household", "E01", "epc", "D", "tenure", "owned"),
                ("household", "E01", "epc", "owned", "tenure", "D"),
            ],
        ),
        (
            "cell_id",
            [
                ("health", "ill", "E01", None, None),
                ("health", "well", "E01", None, None),
                ("housing", "ill", "E01", None, None),
                ("health", "ill", "E02", None, None),
                ("health", "ill", "E01", "D", None),
                ("health", "ill", "E01", None, "D"),
                ("health", "ill", "E01", "D", "owned"),
            ],
        ),
    ],
)
def test_two_groups_or_cells_that_differ_in_one_part_have_two_ids(
    connection: duckdb.DuckDBPyConnection, macro: str, groups: list[Parts]
) -> None:
    assert len({id_of(connection, macro, parts) for parts in groups}) == len(groups)
