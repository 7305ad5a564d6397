"""What agreement and settings decide is judged before an extract is read, and a check shows the same."""

import json
import re
import sys
from pathlib import Path

import pytest
from places import Three, sign_papers
from terminal import ROOT, SampleProject, hearth

from governance.principals.unsafe_demo_principals import sign_sample_agreement, write_unsafe_demo_keys

pytestmark = pytest.mark.slow

REVIEW = re.compile(r"\[intruder_review\]\n(?:\w+ = .*\n?)+")
#: What is wrong with the papers -> the code, and how the agreement is spoilt.
SPOILT = {
    "no review": ("INTRUDER_REVIEW_MISSING", lambda text: REVIEW.sub("", text)),
    "a reviewer who is no one": (
        "REVIEWER_NOT_FIT",
        lambda text: text.replace('by = "nhs-analyst"', 'by = "nobody really"'),
    ),
    "a review by the operator": (
        "REVIEWER_NOT_FIT",
        lambda text: text.replace('by = "nhs-analyst"', 'by = "operator"'),
    ),
    "opt-outs that no one attests": (
        "ATTESTOR_NOT_FIT",
        lambda text: text.replace('attested_by = "nhs-supplier"', 'attested_by = "F. Sample"'),
    ),
    "no class for the audit log": (
        "RETENTION_UNCLASSIFIED",
        lambda text: re.sub(r'\[\[retention\]\]\nid = "audit"\n(?:\w+ = .*\n)+', "", text),
    ),
    "another model": (
        "MODEL_NOT_APPROVED",
        lambda text: re.sub(r'approved_digest = "\w+"', f'approved_digest = "{"0" * 64}"', text),
    ),
    "an extract that is not agreed": (
        "EXTRACT_NOT_AGREED",
        lambda text: re.sub(r"(?s)\[datasets\.nhs_event\].*?(?=\[datasets\.area_lookup\])", "", text),
    ),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_missing_paper_refuses_the_check_and_the_run_before_an_extract_is_read(
    what: str, project: SampleProject
) -> None:
    code, spoil = SPOILT[what]
    agreement = project.folder / "agreement.toml"
    text = agreement.read_text("utf-8")
    agreement.write_text(spoil(text), "utf-8")
    assert agreement.read_text("utf-8") != text
    sign_sample_agreement(agreement)
    checked = hearth("governance", "check", agreement)
    assert (checked.code, code in checked.out, "What to do" in checked.out) == (2, True, True), checked.out
    for extract in project.folder.glob("*.csv*"):
        extract.unlink()  # nobody will miss it
    ran = project.run()
    assert (ran.code, ran.outcome["code"], ran.outcome["stages"]) == (2, code, []), ran.err


def test_a_withdrawn_waiver_does_not_return_with_an_older_copy_of_the_decisions(
    project: SampleProject, tmp_path: Path
) -> None:
    agreement = project.folder / "agreement.toml"
    agreement.write_text(REVIEW.sub("", agreement.read_text("utf-8")), "utf-8")
    sign_sample_agreement(agreement)
    write_unsafe_demo_keys(tmp_path / "people")
    for extract in project.folder.glob("*.csv*"):
        extract.unlink()
    waive = ("governance", "waive", agreement, "--rule", "PUB-05", "--reason", "rehearsal")
    key = ("--key", tmp_path / "people" / "UNSAFE-nhs-siro.pem")
    waived = hearth(*waive, "--until", "2999-01-01", *key)
    assert waived.code == 0, waived.err
    decisions = project.folder / "agreement.decisions.toml"
    older = decisions.read_bytes()
    assert project.run().outcome["code"] == "ING-02"  # the papers pass, and the extracts are not there
    decisions.unlink()
    assert project.run().outcome["code"] == "INTRUDER_REVIEW_MISSING"
    decisions.write_bytes(older)
    ran = project.run()
    assert (ran.code, ran.outcome["code"]) == (2, "INTRUDER_REVIEW_MISSING")
    assert "its waiver was withdrawn before" in ran.err
    checked = hearth("governance", "check", agreement, "--workspace", project.workspace)
    assert (checked.code, "INTRUDER_REVIEW_MISSING" in checked.out) == (2, True)
    assert hearth(*waive, "--until", "2998-01-01", *key).code == 0
    assert project.run().outcome["code"] == "ING-02"


def test_a_check_of_the_sample_lists_every_rule_before_a_run_and_refuses_nothing() -> None:
    checked = hearth("governance", "check", ROOT / "sample_data" / "sample" / "agreement.toml", "--json")
    facts = json.loads(checked.out)
    assert checked.code == 0, checked.out
    assert [gate["rule"] for gate in facts["gates"]] == [f"PRE-{number:02d}" for number in range(1, 14)]
    assert {gate["outcome"] for gate in facts["gates"]} == {"pass", "start"}
    assert (facts["custody"], facts["code_is_approved"]) == ("single-operator", False)


def test_without_settings_a_check_takes_people_for_real(project: SampleProject, tmp_path: Path) -> None:
    elsewhere = tmp_path / "agreement.toml"
    elsewhere.write_bytes((project.folder / "agreement.toml").read_bytes())
    checked = hearth("governance", "check", elsewhere)
    assert checked.code == 2
    for code in ("AGREEMENT_NOT_SIGNED", "CODE_NOT_APPROVED", "RELEASE_NOT_APPROVED", "KEY_NOT_COMPARED"):
        assert code in checked.out
    own = hearth("governance", "check", elsewhere, "--config", project.config)
    assert (own.code, "custody single-operator" in own.out) == (0, True), own.out


def test_three_places_publish_once_every_paper_is_there_and_not_before(three: Three) -> None:
    place = three.linkage
    check = ("governance", "check", place.folder / "agreement.toml", "--config", place.folder / "hearth.toml")
    checked = hearth(*check)
    assert checked.code == 0, checked.out
    assert "(approved)" in checked.out
    (place.folder / "agreement.decisions.toml").unlink()
    checked = hearth(*check)
    assert (checked.code, "RELEASE_NOT_APPROVED" in checked.out) == (2, True)
    refused = place.run()
    assert (refused["status"], refused["code"], refused["stages"]) == ("refused", "RELEASE_NOT_APPROVED", [])
    sign_papers(place, place.folder / "people")
    for controller in ("council", "nhs"):
        three.send(controller)
    published = place.run()
    assert published["status"] == "published", published["reason"]


def test_a_sitecustomize_on_pythonpath_turns_no_refusal_into_a_release(
    project: SampleProject, tmp_path: Path
) -> None:
    project.expire_agreement()
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "sitecustomize.py").write_text(
        "import sys\nsys.path.insert(0, " + repr(str(ROOT)) + ")\n"
        "import governance.rules.registry as registry\n"
        "registry.failed = lambda code, observed, threshold, reason: registry.passed(observed, threshold)\n"
    )
    import subprocess

    ran = subprocess.run(
        [
            Path(sys.prefix) / "bin" / "hearth",
            *("run", "--config", project.config, "--workspace", project.workspace),
            *("--no-orchestrator", "--json"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(tmp_path / "evil")},
    )
    outcome = json.loads(ran.stdout.splitlines()[-1])
    assert (outcome["status"], outcome["code"]) == ("refused", "AGREEMENT_EXPIRED"), ran.stderr
