"""What `synthesise` writes: determinism, dialects, a project file that reads, bounded blocks."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

import sample_data
from pipeline.ingest.manifest import read_manifest
from pipeline.project import read_project
from sample_data.generate import synthesise
from sample_data.population.geography import blocks
from sample_data.population.identifiers import check_digits, nhs_numbers
from sample_data.settings import (
    DIALECTS,
    SAMPLE_HOUSEHOLDS,
    SAMPLE_SEED,
    SAMPLE_SETTINGS,
    SyntheticSettings,
)

WRITTEN_HOUSEHOLDS = 6_000


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("file_format", ["csv", "csv.gz", "parquet"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones(tmp_path, file_format):
    settings = SyntheticSettings(file_format=file_format)
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        synthesise(300, seed, tmp_path / name, settings)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert (
        digests(tmp_path / "a")[f"nhs_person.{file_format}"]
        != digests(tmp_path / "c")[f"nhs_person.{file_format}"]
    )


def test_the_project_file_reads_and_names_every_extract(written):
    project = read_project(written.folder / "hearth.toml")
    assert set(project.extracts) == set(DIALECTS)
    assert all(extract.path.exists() for extract in project.extracts.values())
    assert project.extracts["council_person"].encoding == "cp1252"
    assert project.extracts["council_person"].delimiter == "|"
    assert not project.production


def test_rows_reported_are_rows_written(written):
    assert set(written.rows) == set(DIALECTS)
    for table, rows in written.rows.items():
        assert len(next(iter(written.extract(table).values()))) == rows


def test_dialects_differ_as_suppliers_do(written):
    assert (written.folder / "nhs_person.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert b"|" in (written.folder / "council_person.csv").read_bytes()[:60]
    assert b"\t" in (written.folder / "nhs_condition.csv").read_bytes()[:60]
    births = written.extract("council_person")["birth_date"]
    given = births[births != ""]
    assert np.char.find(given, "/").max() > 0
    assert (np.char.find(given, "-") > 0).mean() == pytest.approx(0.1, abs=0.03)


def test_gzip_and_csv_hold_the_same_rows(tmp_path):
    synthesise(200, 5, tmp_path / "plain")
    synthesise(200, 5, tmp_path / "packed", SyntheticSettings(file_format="csv.gz"))
    plain = (tmp_path / "plain" / "nhs_event.csv").read_bytes()
    assert gzip.decompress((tmp_path / "packed" / "nhs_event.csv.gz").read_bytes()) == plain


def test_every_nhs_number_is_of_the_test_range_with_a_valid_check_digit(written):
    numbers = written.extract("nhs_person")["nhs_number"]
    given = numbers[numbers != ""].astype(np.int64)
    assert (given // 10_000_000 == 999).all()
    wrong = check_digits(given // 10) != given % 10
    assert 0 < wrong.mean() < 0.004  # the planted share of invalid ones


def test_people_beyond_the_test_range_have_no_number_and_no_number_repeats():
    numbers = nhs_numbers(900_000, 30_000, 1)
    given = numbers[numbers != 0]
    assert (len(numbers), len(given), len(set(given.tolist()))) == (30_000, 9_091, 9_091)
    assert set((given // 10_000_000).tolist()) == {999}
    assert (check_digits(given // 10) == given % 10).all()
    assert not nhs_numbers(2_000_000, 5, 1).any()


def test_ids_are_unique_over_blocks_and_truth_refers_to_them(tmp_path):
    settings = SyntheticSettings(households_per_block=700)
    rows = synthesise(2_000, 9, tmp_path, settings)
    properties = pq.read_table(tmp_path / "truth" / "properties.parquet").to_pandas()
    listed = properties.council_record_id[properties.council_record_id != ""]
    assert listed.is_unique
    assert properties.uprn.is_unique
    assert len(listed) <= rows["council_property"]
    persons = pq.read_table(tmp_path / "truth" / "persons.parquet").to_pandas()
    assert persons.person_id.is_unique
    residents = persons[persons.fate == "resident"]
    assert residents.groupby("household").lsoa21.nunique().max() == 1
    assert residents.household.nunique() == properties.kind.ne("vacant").sum()
    patients = pq.read_table(tmp_path / "truth" / "nhs_person.parquet").to_pandas()
    assert set(patients.person_id) <= set(persons.person_id)
    pairs = pq.read_table(tmp_path / "truth" / "household_pairs.parquet").to_pandas()
    assert set(pairs.council_record_id) <= set(listed)
    assert set(pairs.nhs_record_id) <= set(patients.record_id)


def test_a_population_is_cut_into_blocks_of_bounded_size():
    made = blocks(1_000_000, 1, (), 20_000)
    assert max(block.households for block in made) <= 20_000
    assert len(made) >= 50


def test_manifests_say_what_was_written(tmp_path):
    synthesise(100, 5, tmp_path, SyntheticSettings(manifests=True))
    project = read_project(tmp_path / "hearth.toml")
    for table, extract in project.extracts.items():
        manifest = read_manifest(extract, tmp_path)
        assert manifest is not None, table
        assert manifest.sha256 == hashlib.sha256(extract.path.read_bytes()).hexdigest()
        assert manifest.rows == extract.path.read_bytes().count(b"\n") - 1


@pytest.mark.slow
def test_the_committed_sample_is_what_the_generator_makes(tmp_path):
    """Compared row by row, as compression may differ between machines."""
    sample = Path(sample_data.__file__).parent / "sample"
    synthesise(SAMPLE_HOUSEHOLDS, SAMPLE_SEED, tmp_path, SAMPLE_SETTINGS)
    for path in sorted(sample.glob("*.csv.gz")):
        assert gzip.decompress(path.read_bytes()) == gzip.decompress((tmp_path / path.name).read_bytes()), (
            path.name
        )
    for path in sorted((sample / "truth").glob("*.parquet")):
        assert pq.read_table(path).equals(pq.read_table(tmp_path / "truth" / path.name)), path.name
    for name in ("hearth.toml", "truth/planted_effects.json"):
        assert (sample / name).read_bytes() == (tmp_path / name).read_bytes(), name


def test_no_households_are_refused(tmp_path):
    with pytest.raises(ValueError, match="above zero"):
        synthesise(0, 1, tmp_path)


def test_settings_refuse_what_they_do_not_know():
    with pytest.raises(ValueError, match="file_format"):
        SyntheticSettings(file_format="xlsx")
    with pytest.raises(ValueError, match="address_model"):
        SyntheticSettings(address_model="none")


def test_true_pairs_join_records_to_dwellings_that_share_a_person(written):
    pairs, patients = written.truth("household_pairs"), written.truth("nhs_person")
    persons, listed = written.truth("persons"), written.extract("council_person")
    known_at = set(zip(persons["council_record_id"].tolist(), persons["person_id"].tolist(), strict=True))
    named = zip(
        listed["property_record_id"].tolist(),
        written.truth("council_person")["person_id"].tolist(),
        strict=True,
    )
    # a school row that came with an address alone names a resident, who is in the set already
    known_at |= set(named)
    members: dict[str, set[str]] = {}
    groups = written.extract("nhs_person")["address_group_id"].tolist()
    for group, person in zip(groups, patients["person_id"].tolist(), strict=True):
        members.setdefault(group, set()).add(person)
    linked = set(zip(pairs["council_record_id"].tolist(), pairs["address_group_id"].tolist(), strict=True))
    assert len(linked) > 0.9 * WRITTEN_HOUSEHOLDS
    without = [
        pair for pair in linked if not any((pair[0], person) in known_at for person in members[pair[1]])
    ]
    assert without == []


def test_a_true_residence_is_the_dwelling_the_person_lives_in(written):
    pairs, patients, persons = (written.truth(n) for n in ("residence_pairs", "nhs_person", "persons"))
    home = dict(zip(persons["person_id"].tolist(), persons["council_record_id"].tolist(), strict=True))
    rows: dict[str, set[str]] = {}
    for record, person in zip(patients["record_id"].tolist(), patients["person_id"].tolist(), strict=True):
        rows.setdefault(record, set()).add(home[person])
    for dwelling, record in zip(
        pairs["council_record_id"].tolist(), pairs["nhs_record_id"].tolist(), strict=True
    ):
        assert dwelling in rows[record]


def test_the_address_list_names_every_dwelling_and_the_shell_of_every_building_once(written):
    listed = pa_csv.read_csv(
        written.folder / "address_list.csv",
        convert_options=pa_csv.ConvertOptions(column_types={"uprn": pa.string()}),
    ).to_pydict()
    dwellings = pq.read_table(written.folder / "truth" / "properties.parquet").to_pydict()
    shells = set(dwellings["parent_uprn"]) - {0}
    assert len(set(listed["uprn"])) == len(listed["uprn"])
    assert {int(uprn) for uprn in listed["uprn"]} == set(dwellings["uprn"]) | shells
    postcodes = dict(zip(listed["uprn"], listed["postcode"], strict=True))
    assert all(
        postcodes[str(uprn)] == postcode
        for uprn, postcode in zip(dwellings["uprn"], dwellings["postcode"], strict=True)
    )
    assert all(", " in address for address in listed["address"])
