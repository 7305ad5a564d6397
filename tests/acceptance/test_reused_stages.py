"""What an earlier run left is used only as its gate judged it; edits and older copies are found."""

import json
import re
import shutil
from collections.abc import Callable
from datetime import date
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from terminal import ROOT, SampleProject, hearth

from flows.run.run import RunRequest, run_pipeline
from governance.artefact import Artefact, Evidence
from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.canonical import canonical_json
from governance.clearance import Cleared
from governance.gate import Gatekeeper
from governance.retention.rights import Received, record_request, requests_path
from pipeline.leakage.canary import canary_of
from pipeline.project import read_project

Change = Callable[[Path], None]


def run(project: SampleProject) -> dict[str, Any]:
    """Do what `hearth run` does, in this process."""
    return run_pipeline(RunRequest.of(project.config, project.workspace), quiet=True).as_json()


def stages(outcome: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(stage["stage"], stage["part"]): stage for stage in outcome["stages"]}


def findings(project: SampleProject) -> list[tuple[str, str]]:
    """Return the files that the log says were not those on record, each with its code."""
    lines = (project.workspace / "audit" / "audit.jsonl").read_bytes().splitlines()
    events = [json.loads(line) for line in lines]
    return [(e["evidence"]["name"], e["evidence"]["code"]) for e in events if e["event"] == "finding"]


def folder_of(project: SampleProject, stage: str, part: str = "all") -> Path:
    (record,) = project.workspace.rglob(f"{stage}-{part}-*/artefact.json")
    return record.parent


def edit(folder: Path, **facts: Any) -> None:
    """Write other facts into an artefact's record, in the form in which Hearth writes it."""
    record = json.loads((folder / "artefact.json").read_bytes())
    assert set(facts) <= set(record["facts"])
    record["facts"] |= facts
    (folder / "artefact.json").write_bytes(canonical_json(record))


def test_a_match_rate_edited_after_a_refusal_does_not_publish(project: SampleProject) -> None:
    project.edit("agreement.toml", "minimum_match_rate = 0.6", "minimum_match_rate = 0.985")
    refused = run(project)
    assert (refused["status"], stages(refused)["link", "all"]["outcome"]) == ("refused", "refused")
    link = folder_of(project, "link")
    edit(link, match_rate=0.99)

    again = run(project)

    assert (again["status"], again["code"]) == ("refused", refused["code"])
    assert stages(again)["link", "all"]["facts"]["match_rate"] < 0.985
    assert project.releases() == []
    assert findings(project) == [(f"linkage/{link.name}", "ARTEFACT_CHANGED")]
    verified = hearth("audit", "verify", project.workspace / "audit")
    assert verified.code in (0, 4)
    assert f"linkage/{link.name} is not the one on record (ARTEFACT_CHANGED)" in verified.out


def test_a_canary_seed_set_to_zero_does_not_switch_the_proof_of_absence_off(ran: SampleProject) -> None:
    folder = folder_of(ran, "pseudonymise", "nhs")
    seed = json.loads((folder / "artefact.json").read_bytes())["facts"]["canary_seed"]
    planted = canary_of("nhs", seed).identifiers
    (ran.workspace / "linkage" / "notes.txt").write_text("\n".join(planted.values()))
    edit(folder, canary_seed="0" * len(seed))

    again = run(ran)

    assert (again["status"], again["code"]) == ("refused", "CANARY_FOUND"), again
    assert findings(ran) == [(f"pseudonymised/nhs/{folder.name}", "ARTEFACT_CHANGED")]


def edited_fact(folder: Path) -> None:
    facts = json.loads((folder / "artefact.json").read_bytes())["facts"]
    name = next(name for name, value in facts.items() if isinstance(value, int) and value is not True)
    edit(folder, **{name: facts[name] + 1})


def edited_file_list(folder: Path) -> None:
    record = json.loads((folder / "artefact.json").read_bytes())
    record["files"][0]["sha256"] = "0" * 64
    (folder / "artefact.json").write_bytes(canonical_json(record))


def damaged(folder: Path) -> None:
    (folder / "artefact.json").write_bytes(b'{"facts":')


def of_another_step(folder: Path) -> None:
    record = json.loads((folder / "artefact.json").read_bytes())
    (folder / "artefact.json").write_bytes(canonical_json(record | {"fingerprint": "0" * 64}))


@pytest.mark.parametrize("change", [edited_fact, edited_file_list, damaged, of_another_step])
@pytest.mark.parametrize(("stage", "part"), [("ingest", "nhs"), ("link", "all"), ("aggregate", "all")])
@pytest.mark.slow
def test_a_record_that_is_not_the_one_judged_is_made_again_and_reported(
    ran: SampleProject, stage: str, part: str, change: Change
) -> None:
    folder = folder_of(ran, stage, part)
    change(folder)
    again = run(ran)
    assert again["status"] == "published", again
    assert stages(again)[stage, part]["outcome"] == "done"
    place = folder.relative_to(ran.workspace).as_posix()
    assert (place, "ARTEFACT_CHANGED") in findings(ran)
    assert hearth("audit", "verify", ran.workspace / "audit").code in (0, 4)
    assert {s["outcome"] for s in run(ran)["stages"]} == {"reused"}


def test_a_record_that_is_gone_is_made_again(ran: SampleProject) -> None:
    (folder_of(ran, "link") / "artefact.json").unlink()
    again = run(ran)
    assert again["status"] == "published", again
    assert stages(again)["link", "all"]["outcome"] == "done"


def test_an_older_artefact_under_a_newer_ones_name_is_not_used(ran: SampleProject) -> None:
    older = shutil.copytree(folder_of(ran, "link"), ran.folder.parent / "older")
    ran.edit("hearth.toml", "reference_date = 2026-03-31", "reference_date = 2026-04-01")
    run(ran)
    newer = folder_of(ran, "link")
    record = json.loads((older / "artefact.json").read_bytes())
    fingerprint = json.loads((newer / "artefact.json").read_bytes())["fingerprint"]
    assert record["fingerprint"] != fingerprint
    shutil.rmtree(newer)
    shutil.copytree(older, newer)
    (newer / "artefact.json").write_bytes(canonical_json(record | {"fingerprint": fingerprint}))

    again = run(ran)

    assert again["status"] == "published", again
    assert stages(again)["link", "all"]["outcome"] == "done"
    assert findings(ran) == [(f"linkage/{newer.name}", "ARTEFACT_CHANGED")]


def test_an_artefact_that_no_gate_judged_is_not_used(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Gatekeeper.judge

    def stops_before_link(keeper: Gatekeeper, artefact: Artefact, evidence: Evidence) -> Cleared:
        if artefact.stage == "link":
            raise KeyboardInterrupt
        return judge(keeper, artefact, evidence)

    with monkeypatch.context() as patched:
        patched.setattr(Gatekeeper, "judge", stops_before_link)
        assert run(project)["code"] == "INTERRUPTED"
    folder = folder_of(project, "link")

    again = run(project)

    assert again["status"] == "published", again
    done = stages(again)
    assert (done["group", "all"]["outcome"], done["link", "all"]["outcome"]) == ("reused", "done")
    assert findings(project) == [(f"linkage/{folder.name}", "ARTEFACT_NOT_JUDGED")]


def test_a_disposal_mark_that_was_forged_keeps_no_table(ran: SampleProject) -> None:
    ran.edit("hearth.toml", "reference_date = 2026-03-31", "reference_date = 2026-04-01")
    seen: list[Path] = []

    def perform(_: str, work: Callable[[], Any]) -> Any:
        """Do a stage's work, then mark every artefact of these zones as disposed of."""
        done = work()
        for zone in ("clear", "pseudonymised"):
            for record in (ran.workspace / zone).glob("*/*/artefact.json"):
                (record.parent / "disposed.json").write_bytes(b'{"removed":[]}')
                seen.append(record.parent)
        return done

    run_pipeline(RunRequest.of(ran.config, ran.workspace), perform, quiet=True)
    assert seen
    left = [p for zone in ("clear", "pseudonymised") for p in (ran.workspace / zone).rglob("*.parquet")]
    assert [p for p in left if "quarantine" not in p.parts] == []


def test_every_file_of_state_is_in_the_table_of_the_officers_page(ran: SampleProject) -> None:
    page = (ROOT / "docs" / "governance.md").read_text("utf-8")
    section = page.split("## Files that a decision rests on", 1)[1].split("\n## ", 1)[0]
    patterns = [
        name for row in re.findall(r"^\| (`.*?) \|", section, re.M) for name in re.findall(r"`(.*?)`", row)
    ]
    assert len(patterns) > 15
    data = ("*.parquet", "*.html", "*.md", "*.sql", "*.log", "*.lock", ".run.lock")
    for path in sorted(p for p in ran.workspace.rglob("*") if p.is_file()):
        name = path.relative_to(ran.workspace).as_posix()
        listed = [pattern for pattern in patterns if fnmatch(name, pattern)]
        assert listed or any(fnmatch(path.name, pattern) for pattern in data) or ".lock" in name, name


@pytest.mark.parametrize("change", ["edited", "deleted", "rolled back"])
@pytest.mark.slow
def test_a_request_on_record_that_is_not_in_effect_refuses_the_run(ran: SampleProject, change: str) -> None:
    """Yesterday's copy of the requests lacks the person who asked today."""
    signer = open_log_signer(ran.workspace / "keys", f"hearth/{read_project(ran.config).name}")
    audit = AuditLog.open(ran.workspace / "audit", signer)
    clear = ran.workspace / "clear"

    def request(record_id: str) -> None:
        received = Received("erasure", "record_id", record_id, date(2026, 3, 1))
        record_request(clear, "nhs", received, audit, "operator")

    request("N-yesterday")
    path = requests_path(clear, "nhs")
    yesterday = path.read_bytes()
    request("N-today")
    if change == "edited":
        path.write_bytes(path.read_bytes().replace(b"N-today", b"N-other"))
    elif change == "deleted":
        path.unlink()
    else:
        path.write_bytes(yesterday)
    refused = run(ran)
    assert (refused["status"], refused["code"]) == ("refused", "REQUEST_NOT_APPLIED"), refused
