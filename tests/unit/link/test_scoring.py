"""The faster of two Splink calls finds the same pairs and weights as the plain one."""

from collections.abc import Callable

import duckdb
from splink import DuckDBAPI, Linker

from pipeline.group.blocking import MOVED_RULES
from pipeline.link.comparison import SCORECARDS
from pipeline.link.model import default_model
from pipeline.link.scoring import score_pairs, settings_of

MOVED = SCORECARDS["moved"]
Units = Callable[[duckdb.DuckDBPyConnection], tuple[str, str]]


def test_pairs_by_role_are_those_of_plain_predict(made_units: Units) -> None:
    card = default_model().scorecards["moved"]
    with duckdb.connect() as connection:
        names = made_units(connection)
        score_pairs(connection, names, card, MOVED, MOVED_RULES, "pair")
        columns = "dwelling_id, nhs_id, round(match_weight, 6), elsewhere"
        scored = connection.execute(f"SELECT {columns} FROM pair ORDER BY ALL").fetchall()

        api = DuckDBAPI(connection)
        units = [api.register(unit, dataset_display_name=unit) for unit in names]
        plain = Linker(units, settings_of(card, MOVED, MOVED_RULES, "link_only"), log_level=None)
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
