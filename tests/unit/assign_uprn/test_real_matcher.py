"""The whole command with uk-address-matcher itself, cut off from any network, held against the truth.

Records without a UPRN of the sample project are looked up in its address list, and five made-up ones
beside them. One run serves all tests; it is skipped where the matcher's environment was not built.
"""

import csv
import gzip
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from governance.errors import Fault
from pipeline.assign_uprn.environment import open_environment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = ROOT / "sample_data" / "sample"
PAIR = ROOT.parent / "shared" / "data" / "household_dev"
TWINS = [("990899999001", "7 TWIN STREET, SALE"), ("990899999002", "7, Twin Street, Sale")]
MADE_UP = [
    ("twin", "", "7 Twin Street", "Sale", "M33 7ZZ"),
    ("nowhere", "", "", "", "M33 7ZZ"),
    ("homeless", "", "No fixed abode", "", "ZZ99 3VZ"),
    ("kept", "990899999003", "7 Twin Street", "Sale", "M33 7ZZ"),
    ("unusable", "0", "7 Twin Street", "Sale", "M33 7ZZ"),
]


@dataclass(frozen=True)
class Assigned:
    """What the run wrote. uprns: by record id, in the new extract; without: sample records without one."""

    told: str
    uprns: dict[str, str]
    without: int
    unassigned: dict[str, str]
    evidence: dict[str, str]
    left_behind: list[str]


@pytest.fixture(scope="module")
def assigned(tmp_path_factory: pytest.TempPathFactory) -> Assigned:
    try:
        open_environment()
    except Fault as fault:
        pytest.skip(f"{fault.reason} {fault.remedy}")
    folder = tmp_path_factory.mktemp("assign")
    without = _write_extract(folder / "people.csv")
    with gzip.open(SAMPLE / "address_list.csv.gz", "rt") as listed, (folder / "list.csv").open("w") as out:
        shutil.copyfileobj(listed, out)
        csv.writer(out).writerows([*((*twin, "M33 7ZZ") for twin in TWINS)])
    told = assign(folder)
    return Assigned(
        told,
        _column(folder / "out" / "people.csv", "uprn"),
        without,
        _column(folder / "out" / "unassigned.csv", "reason"),
        _column(folder / "out" / "evidence.csv", "match_reason"),
        [path.name for path in folder.iterdir()],
    )


def assign(folder: Path, *options: str) -> str:
    """Assign UPRNs of list.csv to people.csv, without a network if possible; return what it prints."""
    command = [sys.executable, "-m", "flows.cli", "assign-uprn", "--extract", "people.csv"]
    command += ["--address-list", "list.csv", "--out", "out", "--missing-only", *options]
    offline = ["unshare", "-n"] if os.getuid() == 0 and shutil.which("unshare") else []
    if offline and subprocess.run([*offline, "true"], capture_output=True, check=False).returncode:
        offline = []
    root = str(SAMPLE.parents[1])
    ran = subprocess.run(
        [*offline, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout + ran.stderr


def _write_extract(path: Path) -> int:
    """Write the sample's records without a UPRN, and the made-up ones; return the number of the former."""
    with (
        gzip.open(SAMPLE / "nhs_person.csv.gz", "rt", encoding="utf-8-sig") as people,
        path.open("w", newline="") as out,
    ):
        names = ["record_id", "uprn", *(f"address_line_{n}" for n in range(1, 6)), "postcode"]
        writer = csv.DictWriter(out, names, extrasaction="ignore")
        writer.writeheader()
        without = [row for row in csv.DictReader(people) if not row["uprn"]]
        writer.writerows(without)
        for record_id, uprn, line, town, postcode in MADE_UP:
            writer.writerow(
                {"record_id": record_id, "uprn": uprn, "address_line_1": line, "address_line_2": town}
                | {"postcode": postcode}
            )
    return len(without)


def _column(path: Path, name: str) -> dict[str, str]:
    with path.open(newline="") as rows:
        return {row["record_id"]: row[name] for row in csv.DictReader(rows)}


@pytest.fixture(scope="module")
def truth() -> dict[str, str]:
    """The UPRN of the dwelling that each record's address means, where the council lists it."""
    folder = SAMPLE / "truth"
    dwellings = pq.read_table(folder / "properties.parquet", columns=["council_record_id", "uprn"])
    uprns = {row["council_record_id"]: f"{row['uprn']:012d}" for row in dwellings.to_pylist()}
    uprns.pop("", None)
    people = pq.read_table(folder / "nhs_person.parquet", columns=["record_id", "recorded_council_record_id"])
    return {
        row["record_id"]: uprns[row["recorded_council_record_id"]]
        for row in people.to_pylist()
        if row["recorded_council_record_id"] in uprns
    }


def test_precision_and_recall_on_the_samples_records_without_a_uprn(
    assigned: Assigned, truth: dict[str, str]
) -> None:
    sought = {record: truth[record] for record in assigned.uprns if record in truth}
    found = {record: assigned.uprns[record] for record in sought if assigned.uprns[record]}
    right = sum(uprn == sought[record] for record, uprn in found.items())
    assert len(sought) > 1_000
    assert right / len(found) >= 0.997
    assert right / len(sought) >= 0.94


def test_precision_and_recall_on_the_independent_pair_with_the_councils_own_list(tmp_path: Path) -> None:
    """The list has slips: UPRNs of neighbours, dwellings without a UPRN, addresses without a postcode."""
    if not PAIR.is_dir():
        pytest.skip("the independent pair is not at hand")
    try:
        open_environment()
    except Fault as fault:
        pytest.skip(f"{fault.reason} {fault.remedy}")
    listed = pd.read_csv(PAIR / "council_properties.csv", dtype=str)
    lines = [f"address_line_{number}" for number in range(1, 5)]
    listed["address"] = listed[lines].apply(lambda row: ", ".join(row.dropna()), axis=1)
    uprns = listed["uprn"].notna()
    listed.loc[uprns, ["uprn", "address", "postcode"]].to_csv(tmp_path / "list.csv", index=False)
    people = pd.read_csv(PAIR / "nhs_persons.csv", dtype=str).rename(columns={"nhs_person_id": "record_id"})
    people[people["uprn"].isna()].to_csv(tmp_path / "people.csv", index=False)
    assign(tmp_path, "--several-addresses")

    assigned = pd.read_csv(tmp_path / "out" / "people.csv", dtype=str).set_index("record_id")["uprn"]
    true = pd.read_parquet(PAIR / "truth" / "properties.parquet").set_index("council_property_id")["uprn"]
    recorded = pd.read_parquet(PAIR / "truth" / "nhs_persons.parquet").set_index("nhs_person_id")
    meant = recorded["recorded_council_property_id"].reindex(assigned.index)
    sought = meant.isin(listed["council_property_id"]) & meant.isin(true.index)
    assigned, meant = assigned[sought].str.lstrip("0"), meant[sought].map(true).str.lstrip("0")
    right = (assigned == meant).sum()
    assert right / assigned.notna().sum() >= 0.995
    assert right / len(assigned) >= 0.95


def test_what_cannot_be_assigned_is_left_with_its_reason(assigned: Assigned) -> None:
    assert {name: assigned.unassigned.get(name) for name, *_ in MADE_UP} == {
        "twin": "AMBIGUOUS",
        "nowhere": "NO_ADDRESS",
        "homeless": "NO_CANDIDATE",
        "kept": None,
        "unusable": "UNUSABLE_KEPT",
    }
    assert (assigned.uprns["kept"], assigned.uprns["unusable"], assigned.uprns["twin"]) == (
        "990899999003",
        "0",
        "",
    )


def test_every_kind_of_reason_that_the_matcher_gives_is_kept_as_evidence(assigned: Assigned) -> None:
    counts = Counter(assigned.evidence.values())
    assert set(counts) >= {"exact", "unique_trigram", "exact_no_whitespace", "splink"}
    assert all(assigned.uprns[record] for record in assigned.evidence)


def test_records_add_up(assigned: Assigned) -> None:
    empty = sum(not uprn for uprn in assigned.uprns.values())
    assert len(assigned.uprns) == len(assigned.evidence) + len(assigned.unassigned) + 1  # one had its UPRN
    assert empty == len(assigned.unassigned) - 1  # one kept a UPRN that is none


def test_nothing_clear_is_told_or_left_behind(assigned: Assigned) -> None:
    assert sorted(assigned.left_behind) == ["list.csv", "out", "people.csv"]
    assert "Twin" not in assigned.told
    assert "9908" not in assigned.told
    told = f"{assigned.without + 5:,} records: 1 with a UPRN, {assigned.without + 4:,} without"
    assert told in assigned.told
