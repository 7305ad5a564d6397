"""A night from the command line: what it prints, what it leaves, what a second one does."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
from terminal import SampleProject, canary_seeds, hearth

from governance.canonical import canonical_json, digest_of_file
from governance.principals.unsafe_demo_principals import write_unsafe_demo_keys

STAGES = [
    ("ingest", "council"),
    ("pseudonymise", "council"),
    ("ingest", "nhs"),
    ("pseudonymise", "nhs"),
    ("group", "all"),
    ("link", "all"),
    ("quality", "all"),
    ("household", "all"),
    ("aggregate", "all"),
    ("disclosure", "all"),
    ("publish", "all"),
]
Published = tuple[SampleProject, dict[str, Any]]


def test_the_outcome_names_run_status_release_and_stages(published: Published) -> None:
    _, outcome = published
    assert outcome["status"] == "published"
    assert [(s["stage"], s["part"]) for s in outcome["stages"]] == STAGES
    assert {s["outcome"] for s in outcome["stages"]} == {"done"}
    assert set(outcome) >= {"run_id", "status", "release_dir", "stages"}


def test_the_release_has_a_catalogue_and_every_table_in_it(published: Published) -> None:
    project, outcome = published
    (release,) = project.releases()
    folder = project.workspace / "releases" / release
    assert str(folder) == outcome["release_dir"]
    catalogue = pq.read_table(folder / "catalogue.parquet").to_pylist()
    assert {row["table_id"] for row in catalogue} == {
        "health",
        "health_by_tenure",
        "health_by_imd_quintile",
        "resident_health",
    }
    assert all((folder / row["file"]).is_file() for row in catalogue)


def test_no_clear_table_outlives_its_stage(published: Published) -> None:
    project, _ = published
    left = [p for p in (project.workspace / "clear").rglob("*.parquet") if "quarantine" not in p.parts]
    assert left == []


def test_neither_the_outcome_nor_the_record_of_the_run_has_a_seed_of_a_canary(published: Published) -> None:
    project, outcome = published
    (record,) = (project.workspace / "runs").glob("*/run.json")
    seeds = canary_seeds(project.workspace)
    assert sorted(seeds) == ["council", "nhs"]
    for seed in seeds.values():
        assert seed not in record.read_text("utf-8") + json.dumps(outcome)


def test_what_was_pseudonymised_and_grouped_goes_with_the_night_and_its_record_stays(
    published: Published,
) -> None:
    project, _ = published
    zone = project.workspace / "pseudonymised"
    assert len(list(zone.glob("both/group-all-*/artefact.json"))) == 1
    assert {p.name for p in zone.iterdir()} >= {"both", "council", "nhs"}
    assert list(zone.rglob("*.parquet")) == []


def test_the_audit_log_of_the_night_verifies(published: Published) -> None:
    project, _ = published
    verified = hearth("audit", "verify", project.workspace / "audit")
    assert verified.code in (0, 4), verified.out  # 4: intact, and nobody has countersigned yet


def test_a_second_run_on_the_same_extracts_reuses_and_publishes_the_same_release(
    published: Published, ran: SampleProject
) -> None:
    _, first = published
    before = ran.releases()
    again = ran.run().outcome
    assert again["status"] == "published"
    assert {s["outcome"] for s in again["stages"]} == {"reused"}
    assert ran.releases() == before == [Path(first["release_dir"]).name]
    assert Path(again["release_dir"]) == ran.workspace / "releases" / before[0]
    assert again["run_id"] != first["run_id"]


def test_a_night_after_an_edit_of_the_release_says_that_it_was_changed_and_blames_no_attack(
    published: Published, tmp_path: Path
) -> None:
    shutil.copytree(published[0].folder.parent, tmp_path / "place")
    project = SampleProject(tmp_path / "place" / "project")
    (release,) = (project.workspace / "releases").iterdir()
    assert hearth("releases", "verify", release).code == 0
    (release / "README.md").write_text("edited")
    manifest = json.loads((release / "manifest.json").read_bytes())
    for entry in manifest["files"]:
        entry["sha256"] = digest_of_file(release / entry["name"])
        entry["bytes"] = (release / entry["name"]).stat().st_size
    (release / "manifest.json").write_bytes(canonical_json(manifest) + b"\n")
    ran = project.run()
    assert (ran.code, ran.outcome["code"]) == (2, "RELEASE_CHANGED")
    assert hearth("releases", "verify", release).code == 2


def test_an_expired_agreement_refuses_with_code_reason_and_remedy(project: SampleProject) -> None:
    project.expire_agreement()
    ran = project.run()
    assert ran.code == 2
    assert ran.outcome["code"] == "AGREEMENT_EXPIRED"
    assert ran.outcome["remedy"]
    assert project.releases() == []


def test_a_run_that_no_operator_signed_for_is_refused_before_any_extract_is_read(
    project: SampleProject,
) -> None:
    write_unsafe_demo_keys(project.folder / "people")
    ran = project.run("--key", str(project.folder / "people" / "UNSAFE-nhs-analyst.pem"))
    assert (ran.code, ran.outcome["code"], ran.outcome["stages"]) == (2, "NOT_PERMITTED", [])
    events = [json.loads(line) for line in (project.workspace / "audit" / "audit.jsonl").open()]
    assert {event["actor"].split(":")[0] for event in events if event["event"] == "run_start"} == {
        "unauthenticated"
    }


def test_a_configuration_that_is_not_there_is_a_fault(project: SampleProject) -> None:
    ran = hearth("run", "--config", project.folder / "other.toml", "--no-orchestrator", "--json")
    assert (ran.code, ran.outcome["status"], ran.outcome["code"]) == (1, "fault", "CONFIG_UNREADABLE")


def test_uprns_and_attributes_alone_are_enough(project: SampleProject) -> None:
    kept = {
        "council_property": ["property_ref", "uprn", "lsoa21", "tenure"],
        "nhs_person": ["record_id", "uprn", "emergency_admissions"],
    }
    for table, columns in kept.items():
        path = project.folder / f"{table}.csv"
        pd.read_csv(path, dtype=str, keep_default_na=False)[columns].to_csv(path, index=False)
    (project.folder / "hearth.toml").write_text(
        """
        [project]
        name = "uprns-alone"
        custody = "single-operator"
        reference_date = 2026-03-31
        [extracts.council_property]
        path = "council_property.csv"
        columns = { record_id = "property_ref" }
        [extracts.nhs_person]
        path = "nhs_person.csv"
        """
    )
    ran = project.run()
    assert ran.code == 0, ran.err
    assert "WARNING: nhs_person has no column of NHS numbers" in ran.err
    (linked,) = [stage["facts"] for stage in ran.outcome["stages"] if stage["stage"] == "link"]
    assert linked["match_rate"] > 0.8
    assert linked["estimated_precision"] is None
    report = json.loads((Path(ran.outcome["release_dir"]) / "linkage_quality.json").read_bytes())
    assert report["estimated"] == {"household_precision": None, "residence_precision": None, "recall": None}
    assert "stale" in report["unknowable"][0]
