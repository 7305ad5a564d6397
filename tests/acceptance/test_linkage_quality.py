"""What a finished night tells of its links: measured against truth, reviewed by people."""

import csv
import json
from pathlib import Path
from typing import Any

from terminal import SampleProject, hearth

Published = tuple[SampleProject, dict[str, Any]]


def review(published: Published, *arguments: str | Path) -> Any:
    project, _ = published
    return hearth(
        "review", *arguments, "--config", project.config, "--workspace", project.workspace, "--json"
    )


def fill(exported: Path, reviewer: str, target: Path) -> Path:
    """Decide every case as the agreement of people says."""
    with exported.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        row["decision"] = (
            "same" if "agree" in row["people"] and "no one" not in row["people"] else "different"
        )
        row["reviewer"] = reviewer
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return target


def test_a_review_goes_out_comes_back_and_is_on_record(published: Published, tmp_path: Path) -> None:
    out = review(published, "export", "--out", tmp_path / "review", "--cases", "3")
    assert out.code == 0, out.err
    exported = tmp_path / "review" / "review.csv"
    ann, bob = (fill(exported, name, tmp_path / f"{name}.csv") for name in ("ann", "bob"))
    back = review(published, "import", ann, bob, "--out", tmp_path / "findings")
    assert back.code == 0, back.err
    found = json.loads((tmp_path / "findings" / "findings.json").read_text("utf-8"))
    assert found == back.outcome
    assert found["cases_resolved"] == out.outcome["cases"]
    assert found["agreement"][0]["agreed"] == out.outcome["cases"]
    assert 0.95 < found["precision_of_links"]["value"] <= 1
    assert "Proposed upper threshold" in (tmp_path / "findings" / "findings.txt").read_text("utf-8")
    project, _ = published
    log = (project.workspace / "audit" / "audit.jsonl").read_text("utf-8")
    assert [log.count(f'"what":"review {done}"') for done in ("exported", "imported")] == [1, 1]
    assert hearth("audit", "verify", project.workspace / "audit").code in (0, 4)
    (imported,) = [
        line for line in map(json.loads, log.splitlines()) if '"review imported"' in json.dumps(line)
    ]
    (linked,) = [stage["facts"] for stage in published[1]["stages"] if stage["stage"] == "link"]
    assert imported["evidence"]["model_digest"] == linked["model_digest"]
    assert imported["evidence"]["links_reviewed"] == found["precision_of_links"]["cases"]
    assert imported["evidence"]["partial"] is False


def test_an_undecided_review_is_refused_by_line(published: Published, tmp_path: Path) -> None:
    assert review(published, "export", "--out", tmp_path, "--cases", "1").code == 0
    back = review(published, "import", tmp_path / "review.csv")
    assert back.code == 1
    assert "review.csv, line 2: has no decision" in back.err


def test_links_are_measured_against_the_truth_folder(published: Published) -> None:
    project, outcome = published
    measured = hearth(
        "evaluate",
        "--config",
        project.config,
        "--workspace",
        project.workspace,
        "--truth",
        project.folder / "truth",
        "--json",
    )
    assert measured.code == 0, measured.err
    (linked,) = [stage["facts"] for stage in outcome["stages"] if stage["stage"] == "link"]
    assert measured.outcome["links"] == linked["linked_records"]
    for unit in ("records", "households"):
        assert measured.outcome[unit]["recall"]["value"] > 0.9
        assert measured.outcome[unit]["precision"]["value"] > 0.9


def test_the_truth_of_other_extracts_is_refused_and_not_measured_as_nought(
    published: Published, tmp_path: Path
) -> None:
    project, _ = published
    other = tmp_path / "pairs.csv"
    other.write_text("council_record_id,nhs_record_id\nP-of-others,N-of-others\n")
    where = ("--config", project.config, "--workspace", project.workspace)
    measured = hearth("evaluate", *where, "--truth", other)
    assert measured.code == 1, measured.err
    assert "TRUTH_OF_OTHER_EXTRACTS" in measured.err
    assert "of-others" not in measured.err


def test_the_attack_on_the_encoding_tells_the_share_of_every_column(published: Published) -> None:
    project, _ = published
    where = ("--config", project.config, "--workspace", project.workspace)
    ran = hearth("attack", "encoding", *where, "--json")
    assert ran.code == 0, ran.err
    columns = [column for column in ran.outcome["columns"] if not column["control"]]
    assert {column["table"] for column in columns} == {"council_property", "council_person", "nhs_person"}
    assert all(column["reidentified_share"] <= 0.01 for column in columns)
    assert list((project.workspace / "runs").glob("attack-*")) == []
    bare = [column["reidentified"] for column in ran.outcome["columns"] if column["control"]]
    assert max(bare) > max(column["reidentified"] for column in columns)


def test_folders_alone_mean_the_attack_on_releases(published: Published) -> None:
    _, outcome = published
    for arguments in ((outcome["release_dir"], "--json"), ("--json", outcome["release_dir"])):
        ran = hearth("attack", *arguments)
        assert (ran.code, ran.outcome["successes"]) == (0, 0), ran.err


def test_the_release_has_a_quality_report_that_its_manifest_lists(published: Published) -> None:
    _, outcome = published
    release = Path(outcome["release_dir"])
    listed = {entry["name"] for entry in json.loads((release / "manifest.json").read_bytes())["files"]}
    assert {"linkage_quality.json", "linkage_quality.html"} <= listed
    report = json.loads((release / "linkage_quality.json").read_bytes())
    (linked,) = [stage["facts"] for stage in outcome["stages"] if stage["stage"] == "link"]
    printed = report["match_rate"]["nhs_record"]
    assert abs(printed["linked"] - linked["linked_records"]) <= 2
    assert report["measured"]["records"]["recall"]["value"] > 0.9
    assert {group["attribute"] for group in report["groups"]} >= {
        "age_band", "sex", "ethnic_group", "recent_mover", "practice", "tenure", "imd_decile",
    }  # fmt: skip
    assert {row["reason"] for row in report["reasons"]["dwelling"]} > {"linked", "no_candidate"}
    page = (release / "linkage_quality.html").read_text("utf-8")
    assert "<script" not in page
    assert outcome["run_id"] not in page


def test_every_record_and_dwelling_has_a_link_or_a_reason(published: Published) -> None:
    _, outcome = published
    (facts,) = [stage["facts"] for stage in outcome["stages"] if stage["stage"] == "quality"]
    assert [facts[name] for name in ("unexplained_records", "unexplained_dwellings", "incomplete_links")] == [
        0,
        0,
        0,
    ]
    assert sum(facts["records_by_reason"].values()) == facts["nhs_records"] > 0
    assert sum(facts["dwellings_by_reason"].values()) == facts["dwellings"] > 0
    assert facts["review_cases"] > 0
    assert facts["true_pairs"] > 0
