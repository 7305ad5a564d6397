"""`hearth link` on a project that has run: an operator follows a pair, and the log has each read."""

import json
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from terminal import Ran, SampleProject, hearth

Published = tuple[SampleProject, dict[str, Any]]


def link(project: SampleProject, *arguments: str | Path) -> Ran:
    return hearth("link", *arguments, "--config", project.config, "--workspace", project.workspace)


def notes(project: SampleProject, what: str) -> list[dict[str, Any]]:
    lines = (project.workspace / "audit" / "audit.jsonl").read_text("utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    return [e for e in events if (e.get("evidence") or {}).get("what") == what]


def test_an_operator_follows_a_pair_and_the_log_has_a_digest_of_it(published: Published) -> None:
    project, _ = published
    listed = link(project, "pairs", "--reason", "linked", "--limit", "3", "--json")
    assert listed.code == 0, listed.err
    pair = listed.outcome[0]
    explained = link(project, "explain", pair["dwelling"], pair["address_group"], "--json")
    assert explained.code == 0, explained.err
    part = explained.outcome["parts"][0]
    weights = [step["match_weight"] for step in part["steps"]]
    assert abs(sum(weights) - part["stored_match_weight"]) < 1e-4
    assert abs(part["stored_match_weight"] - pair["match_weight"]) < 1e-4
    assert part["verdict"].startswith("Linked: ")
    entry = notes(project, "pair explained")[-1]
    digest = sha256(f"{pair['dwelling']}\n{pair['address_group']}".encode()).hexdigest()
    assert entry["evidence"]["pair"] == digest
    assert pair["dwelling"] not in json.dumps(entry)
    assert entry["actor"] not in ("", None)


def test_a_pair_that_was_never_compared_is_refused_with_the_rules(published: Published) -> None:
    project, _ = published
    first, *_, last = link(project, "pairs", "--reason", "linked", "--limit", "400", "--json").outcome
    explained = link(project, "explain", first["dwelling"], last["address_group"])
    assert explained.code == 1
    assert "PAIR_NOT_COMPARED" in explained.err
    for rule in ("uprn: ", "address: ", "surname: ", "premises: ", "moved: "):
        assert rule in explained.err


def test_recall_without_the_truth_is_near_the_measured_recall(published: Published) -> None:
    project, _ = published
    estimated = link(project, "recall", "--json")
    assert estimated.code == 0, estimated.err
    where = ("--config", project.config, "--workspace", project.workspace)
    measured = hearth("evaluate", *where, "--truth", project.folder / "truth", "--json")
    truth = measured.outcome["households"]["recall"]["value"]
    found = estimated.outcome["capture_recapture"]["estimate"]
    # An upper limit: households that moved, and whose address is old, are found by neither source.
    assert truth - 0.01 <= found["recall"] <= truth + 0.02
    assert notes(project, "recall estimated")
    text = link(project, "recall")
    assert f"recall {found['recall']:.2%}" in text.out or "recall 100.00%" in text.out


def test_someone_who_is_no_operator_reads_no_pair(published: Published, tmp_path: Path) -> None:
    project, _ = published
    key = tmp_path / "other.pem"
    key.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    key.chmod(0o600)
    read = link(project, "pairs", "--key", key)
    assert read.code == 2
    assert read.out == ""


def test_links_that_are_gone_are_named_as_gone(ran: SampleProject) -> None:
    (folder,) = (ran.workspace / "linkage").glob("link-*")
    (folder / "candidate_pair.parquet").unlink()
    read = link(ran, "explain", "a", "b")
    assert read.code == 1
    assert "LINK_TABLES_MISSING" in read.err
    shutil.rmtree(folder)
    assert "NO_LINKS" in link(ran, "explain", "a", "b").err
