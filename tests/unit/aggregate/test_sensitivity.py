"""Every rate with its band under doubtful links and its value under other caps."""

from pathlib import Path
from types import SimpleNamespace

import duckdb
import pandas as pd

from pipeline.aggregate.cap_sensitivity import build_cap_sensitivity
from pipeline.aggregate.counting import build_all_cells
from pipeline.aggregate.linkage_accounts import widen_linkage_bands
from pipeline.aggregate.plan import make_plan
from pipeline.aggregate.sensitivity import read_sensitivity
from pipeline.aggregate.stage import known_attributes
from pipeline.disclosure.noise.record_key import RecordKeySecret
from pipeline.engine.duckdb import EngineSettings
from pipeline.engine.tables import write_query
from pipeline.household.accounts import build_accounts
from schemas.table import tables
from tests.unit.household.world import REFERENCE_DATE, built_world, dwelling, record

SECRET = RecordKeySecret(b"0123456789abcdef" * 2)


def sensitivity(tmp_path: Path, doubtful: float | None) -> pd.DataFrame:
    """Forty homes of one; a quarter were admitted, and five of those live there with odds 2^doubtful.

    Two more people who were admitted have a candidate dwelling and no link.
    """
    homes = [dwelling(f"d{n:02d}") for n in range(42)]
    people = [record(f"r{n:02d}", f"d{n:02d}", emergency_admissions=int(n < 10)) for n in range(40)]
    people += [record(f"r{n}", None, emergency_admissions=1) for n in (40, 41)]
    with built_world(homes, people) as connection:
        connection.execute("UPDATE resident_link SET address_group = nhs_record_pseudonym")
        connection.execute(
            "UPDATE resident_link SET residence_match_weight = ? WHERE nhs_record_pseudonym < 'r05'",
            [doubtful],
        )
        connection.execute(
            "CREATE TABLE decision AS SELECT nhs_record_pseudonym AS address_group, "
            "'d' || substr(nhs_record_pseudonym, 2) AS dwelling_record_pseudonym FROM resident_link"
        )
        context = SimpleNamespace(project=SimpleNamespace(engine=EngineSettings()), spill=tmp_path)
        build_accounts(connection, frozenset(), REFERENCE_DATE, context)  # type: ignore[arg-type]
        plan = make_plan(tables(), ("health", "resident_health"), known_attributes(connection))
        build_all_cells(connection, plan, SECRET)
        build_cap_sensitivity(connection, plan)
        widen_linkage_bands(connection, plan)
        for table in ("cell", "linkage_band", "cap_sensitivity"):
            write_query(connection, f"SELECT * FROM {table}", tmp_path / f"{table}.parquet")
    with duckdb.connect() as connection:
        found = read_sensitivity(connection, tmp_path)
    return found[found["area_level"] == "LAD"].set_index("measure")


def test_certain_residents_leave_the_band_to_those_who_could_be_placed(tmp_path: Path) -> None:
    admitted = sensitivity(tmp_path, doubtful=None).loc["emergency_admission"]
    assert admitted["percent"] == 25.0
    assert admitted["linkage_lower"] == 25.0
    # inclusive: 12 of 42 homes
    assert admitted["linkage_upper"] == 28.6
    assert admitted["caps_without_caps"] == 25.0


def test_doubtful_residents_are_left_out_by_the_strict_account(tmp_path: Path) -> None:
    found = sensitivity(tmp_path, doubtful=1.0)
    for measure in ("emergency_admission", "residents_admitted"):
        # strict: 5 of 35, less a margin for chance
        assert 0 < found.loc[measure, "linkage_lower"] <= 14.2
        assert found.loc[measure, "linkage_upper"] >= 28.6
