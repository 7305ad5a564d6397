"""The faster of two Splink calls finds the same pairs and weights as the plain one."""

import duckdb
from splink import DuckDBAPI, Linker

from pipeline.group.blocking import MOVED_RULES
from pipeline.link.model import default_model
from pipeline.link.moves.comparison import ELSEWHERE
from pipeline.link.scoring import score_pairs, settings_of

_UNITS = ("at_home", "registered")
_LISTS = (
    "person_name_birth_part",
    "person_surname_birth",
    "person_forename_birth",
    "undated_name",
    "unique_name",
)


def _units(connection: duckdb.DuckDBPyConnection) -> None:
    """Make two tables of 200 units: a few of 60 tokens in every list, and the same ids in both."""
    for table, name in enumerate(_UNITS):
        lists = ", ".join(
            f"list_transform(range((hash(n, {number}) % 4)::BIGINT),"
            f" lambda k: hash(n, k, {number}, {table}) % 60) AS {column}"
            for number, column in enumerate((*_LISTS, "block_moved"))
        )
        connection.execute(f"CREATE TABLE {name} AS SELECT n AS unit_id, {lists} FROM range(200) AS made(n)")


def test_pairs_by_role_are_those_of_plain_predict() -> None:
    card = default_model().scorecards["moved"]
    with duckdb.connect() as connection:
        _units(connection)
        score_pairs(connection, _UNITS, card, (ELSEWHERE,), MOVED_RULES, "pair")
        columns = "dwelling_id, nhs_id, round(match_weight, 6), elsewhere"
        scored = connection.execute(f"SELECT {columns} FROM pair ORDER BY ALL").fetchall()

        api = DuckDBAPI(connection)
        units = [api.register(unit, dataset_display_name=unit) for unit in _UNITS]
        plain = Linker(units, settings_of(card, (ELSEWHERE,), MOVED_RULES, "link_only"), log_level=None)
        predicted = connection.execute(
            f"""
            SELECT unit_id_l, unit_id_r, round(match_weight, 6)
            FROM {plain.inference.predict().physical_name}
            ORDER BY ALL
            """
        ).fetchall()

    assert len(scored) > 200
    assert [row[:3] for row in scored] == predicted
    assert len({row[3] for row in scored}) > 2
