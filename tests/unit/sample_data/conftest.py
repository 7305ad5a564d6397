"""A population in memory and a written one, each made once for this folder."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from sample_data.generate import synthesise
from sample_data.health.exposures import age_band, quintile
from sample_data.population.geography import blocks
from sample_data.population.inhabit import InhabitedBlock, inhabit
from sample_data.settings import DIALECTS, SyntheticSettings

WRITTEN_HOUSEHOLDS = 6_000


@dataclass
class Residents:
    """One row per resident of an inhabited population, as planted effects act on them."""

    columns: dict[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]


@pytest.fixture(scope="session")
def inhabited() -> list[InhabitedBlock]:
    """96,250 households in memory: the whole sample geography once."""
    settings = SyntheticSettings()
    return [inhabit(block, 7, settings, 1) for block in blocks(96_250, 7, (), settings.households_per_block)]


@pytest.fixture(scope="session")
def residents(inhabited: list[InhabitedBlock]) -> Residents:
    parts = [_residents_of(drawn) for drawn in inhabited]
    return Residents({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _residents_of(drawn: InhabitedBlock) -> dict[str, np.ndarray]:
    health, exposures, people = drawn.health, drawn.health.exposures, drawn.population.people
    count = len(drawn.population)

    def events(kind: str, chapter: str = "") -> np.ndarray:
        wanted = (health.event == kind) & np.char.startswith(health.event_icd10, chapter)
        return np.bincount(health.event_person[wanted], minlength=count)

    def on_register(name: str) -> np.ndarray:
        flags = np.zeros(count, dtype=bool)
        flags[health.condition_person[health.condition == name]] = True
        return flags

    columns = {
        "age": people.age,
        "decile": exposures.decile,
        "stratum": age_band(people.age) * 5 + quintile(exposures.decile),
        "tenure": exposures.tenure,
        **{
            name: getattr(exposures, name)
            for name in ("damp", "overcrowded", "fuel_poor", "aqma", "alone", "tax_support")
        },
        "admissions": events("emergency_admission"),
        "respiratory": events("emergency_admission", "J"),
        "falls": events("fall"),
        "vaccinated": events("vaccination_influenza") > 0,
        "treated": events("drug_alcohol_treatment") > 0,
        "asthma": on_register("asthma"),
        "copd": on_register("copd"),
        "frailty": on_register("frailty"),
        "conditions": health.conditions,
        "admitted_in_year": health.admissions,
        "in_work": health.in_work,
        "free_meals": health.free_meals,
        "good_level": health.good_level,
        "attendance": health.attendance,
    }
    resident = drawn.population.is_resident
    return {name: column[resident] for name, column in columns.items()}


@dataclass
class Written:
    """A synthesised population on disk."""

    folder: Path
    rows: dict[str, int]

    def extract(self, table: str) -> dict[str, np.ndarray]:
        """The columns of one extract under their contract names, everything text."""
        dialect = DIALECTS[table]
        ours = {theirs: name for name, theirs in dialect.columns}
        content = pa_csv.read_csv(
            self.folder / f"{dialect.name}.csv",
            pa_csv.ReadOptions(encoding=dialect.encoding),
            pa_csv.ParseOptions(delimiter=dialect.delimiter),
            pa_csv.ConvertOptions(default_column_type=pa.string(), strings_can_be_null=False),
        )
        return {
            ours.get(name, name): np.array(content.column(name).to_pylist(), dtype=str)
            for name in content.column_names
        }

    def truth(self, name: str) -> dict[str, np.ndarray]:
        content = pq.read_table(self.folder / "truth" / f"{name}.parquet")
        return {column: np.array(content.column(column).to_pylist()) for column in content.column_names}


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A small population written through the address-errors package."""
    folder = tmp_path_factory.mktemp("synthetic")
    return Written(folder, synthesise(WRITTEN_HOUSEHOLDS, 11, folder))
