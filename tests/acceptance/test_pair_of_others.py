"""The main job on a council and NHS pair that the project did not make: its hearth.toml only maps columns."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from terminal import SAMPLE, SHARED_PAIR, SampleProject

pytestmark = pytest.mark.skipif(not SHARED_PAIR.is_dir(), reason="the shared pair is not on this machine")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> SampleProject:
    folder = tmp_path_factory.mktemp("pair") / "project"
    folder.mkdir()
    config = (Path(__file__).parent / "household_pair.toml").read_text("utf-8")
    (folder / "hearth.toml").write_text(config.replace("PAIR", str(SHARED_PAIR)), "utf-8")
    shutil.copyfile(SAMPLE / "agreement.toml", folder / "agreement.toml")
    return SampleProject(folder)


def test_it_publishes_and_every_row_is_accounted_for(pair: SampleProject) -> None:
    ran = pair.run()
    assert ran.code == 0, ran.err
    tables = {
        name: facts
        for stage in ran.outcome["stages"]
        if stage["stage"] == "ingest"
        for name, facts in stage["facts"]["tables"].items()
    }
    assert {"council_property", "council_person", "nhs_person"} <= set(tables)
    for facts in tables.values():
        assert facts["rows_in"] == facts["rows_kept"] + facts["rows_quarantined"] > 0
    (release,) = pair.releases()
    catalogue = pq.read_table(pair.workspace / "releases" / release / "catalogue.parquet")
    assert "health_by_tenure" in catalogue["table_id"].to_pylist()
