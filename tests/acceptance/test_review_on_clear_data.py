"""Clerical review on clear data: pairs out, a sheet at each controller, verdicts in, and the next run."""

import csv
import json
import re
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from terminal import Ran, SampleProject, hearth

from flows.actions.evaluation import named_records
from flows.actions.link_explanation import stored_links
from flows.run.setup.custody import open_run_keys
from governance.agreement.agreement import read_agreement
from pipeline.link.model import default_model, read_model
from pipeline.project import read_project
from pipeline.quality.truth_files import read_truth
from pipeline.workspace import Workspace

Rows = list[dict[str, str]]


def rows_of(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


class Reviewed:
    """A project that ran without the truth, was reviewed, and ran again."""

    def __init__(self, project: SampleProject, folder: Path) -> None:
        self.project, self.folder = project, folder
        self.truth = {
            unit: set(
                zip(pairs["council_record_id"].to_pylist(), pairs["nhs_record_id"].to_pylist(), strict=True)
            )
            for unit, pairs in read_truth(project.folder / "truth").items()
        }
        # A real project knows no truth; then the gate judges by the review.
        project.edit("hearth.toml", 'truth = "truth"\n', "")
        sent = self.review("pairs", "--sample", "230", "--teach", "20", "--out", folder / "pairs", "--json")
        assert sent.code == 0, sent.err
        self.sent = sent.outcome
        for controller in ("council", "nhs"):
            made = self.review(
                "sheet", folder / "pairs" / f"pairs-{controller}.csv", "--controller", controller,
                "--out", folder / controller,
            )  # fmt: skip
            assert made.code == 0, made.err
        self.true = self._true_cases()
        # Ann is right; Bob errs in every fiftieth case, and is unsure in others.
        self.files = [
            self._decide("ann", "council", lambda n, same: "same" if same else "different"),
            self._decide(
                "bob",
                "nhs",
                lambda n, same: "unsure" if n % 50 == 7 else "same" if same != (n % 50 == 3) else "different",
            ),
        ]
        self.taken = self.review("verdicts", *self.files, "--json")
        assert self.taken.code == 0, self.taken.err
        again = project.run()
        self.facts = {stage["stage"]: stage["facts"] for stage in again.outcome["stages"]}

    def review(self, *arguments: str | Path) -> Ran:
        where = ("--config", self.project.config, "--workspace", self.project.workspace)
        return hearth("review", *arguments, *where)

    def events(self) -> list[dict[str, Any]]:
        log = (self.project.workspace / "audit" / "audit.jsonl").read_text("utf-8")
        return [json.loads(line) for line in log.splitlines()]

    def cases(self, controller: str) -> dict[str, list[str]]:
        """Return case -> record pseudonyms of a controller."""
        found = defaultdict(list)
        for row in rows_of(self.folder / "pairs" / f"pairs-{controller}.csv"):
            found[row["case"]].append(row["record_pseudonym"])
        return found

    def _true_cases(self) -> dict[str, bool]:
        """Return for each case whether group and dwelling have a person in common, by the truth."""
        project = read_project(self.project.config, self.project.workspace)
        keys = open_run_keys(project, read_agreement(project.agreement), Workspace.open(project.workspace))
        ids = {
            side: dict(
                zip(names["record_pseudonym"].to_pylist(), names["record_id"].to_pylist(), strict=True)
            )
            for side, names in named_records(project, keys.linkage()).items()
        }
        council, nhs = self.cases("council"), self.cases("nhs")
        every = self.truth["households"] | self.truth["residence"]
        return {
            case: any((ids["council"][dwelling], ids["nhs"][record]) in every for record in nhs[case])
            for case, (dwelling,) in council.items()
        }

    def _decide(self, reviewer: str, controller: str, answer: Any) -> Path:
        rows = rows_of(self.folder / controller / f"verdicts-{controller}.csv")
        target = self.folder / f"{reviewer}.csv"
        with target.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            for n, row in enumerate(rows):
                decision = answer(n, self.true[row["case"]])
                writer.writerow({**row, "decision": decision, "reviewer": reviewer})
        return target


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory, published: Any) -> Reviewed:
    """Review a copy of the project that has run once."""
    folder = tmp_path_factory.mktemp("reviewed")
    shutil.copytree(published[0].folder.parent, folder / "ran", symlinks=True)
    return Reviewed(SampleProject(folder / "ran" / published[0].folder.name), folder)


def test_the_files_of_pairs_and_the_sheets_have_no_score(reviewed: Reviewed) -> None:
    files = [*(reviewed.folder / "pairs").iterdir(), *(reviewed.folder / "council").iterdir()]
    assert len(files) == 5
    for path in (*files, *(reviewed.folder / "nhs").iterdir()):
        text = path.read_text("utf-8")
        assert not re.search(r"match_weight|probability|band\b|linked", text), path.name
        assert path.stat().st_mode & 0o77 == 0


def test_each_controller_sees_its_own_records_in_clear_and_not_the_others(reviewed: Reviewed) -> None:
    council, nhs = (rows_of(reviewed.folder / c / f"sheet-{c}.csv") for c in ("council", "nhs"))
    assert [row["case"] for row in council] == [row["case"] for row in nhs]
    assert set(council[0]) == {"review", "case", "own", "place", "people"}
    assert sum("listed:" in row["own"] for row in council) > len(council) / 2
    assert not any("listed:" in row["own"] for row in nhs)
    postcode = r"[A-Z]{1,2}\d+ ?\d[A-Z]{2}"
    assert all(re.search(postcode, row["own"]) for row in council)


def test_a_sheet_of_both_sides_needs_a_clause_of_the_agreement(reviewed: Reviewed) -> None:
    pairs, other = reviewed.folder / "pairs" / "pairs-council.csv", reviewed.folder / "nhs" / "sheet-nhs.csv"
    arguments = (
        "sheet",
        pairs,
        "--controller",
        "council",
        "--out",
        reviewed.folder / "both",
        "--other",
        other,
    )
    refused = reviewed.review(*arguments)
    assert refused.code == 2
    assert "REVIEW_SIDES_NOT_AGREED" in refused.err
    assert not (reviewed.folder / "both").exists()
    agreement = reviewed.project.folder / "agreement.toml"
    text = agreement.read_text("utf-8")
    clause = '\n[clerical_review]\nboth_sides = true\nreference = "Clause 9: review of uncertain links"\n'
    agreement.write_text(text + clause, "utf-8")
    try:
        allowed = reviewed.review(*arguments)
        assert allowed.code == 0, allowed.err
        rows = rows_of(reviewed.folder / "both" / "sheet-council.csv")
        assert all(row["own"] and row["other"] for row in rows)
    finally:
        agreement.write_text(text, "utf-8")


def test_a_sheet_with_clear_data_is_not_taken_as_verdicts(reviewed: Reviewed) -> None:
    taken = reviewed.review("verdicts", reviewed.folder / "council" / "sheet-council.csv")
    assert taken.code == 1
    assert "REVIEW_" in taken.err
    sheet = rows_of(reviewed.folder / "council" / "sheet-council.csv")
    mixed = reviewed.folder / "mixed.csv"
    with mixed.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["review", "case", "decision", "reviewer", "own"])
        writer.writeheader()
        writer.writerow({k: sheet[0].get(k, "same") for k in writer.fieldnames})
    taken = reviewed.review("verdicts", mixed)
    assert "REVIEW_OTHER_COLUMNS" in taken.err
    assert sheet[0]["own"].split(",")[0] not in taken.err


def test_the_review_measures_the_links_near_the_truth(reviewed: Reviewed) -> None:
    found = reviewed.taken.outcome
    assert found["reviewers_agree"] is True
    (kappa,) = found["agreement"]
    assert kappa["kappa"] > 0.8
    links = found["precision_of_links"]
    assert links["cases"] >= 100
    assert links["low"] <= 0.995
    assert links["value"] > 0.93


def test_the_next_run_is_judged_by_the_review(reviewed: Reviewed) -> None:
    judged = [e for e in reviewed.events() if e.get("rule") == "LNK-08"][-1]
    value = reviewed.taken.outcome["precision_of_links"]["value"]
    assert f"{value:.2%} by review" in json.dumps(judged)
    judged = [e for e in reviewed.events() if e.get("rule") == "LNK-10"][-1]
    assert judged["verdict"] == "pass"
    assert hearth("audit", "verify", reviewed.project.workspace / "audit").code in (0, 4)


def test_decided_pairs_are_links_or_not_at_the_next_run(reviewed: Reviewed) -> None:
    facts, taken = reviewed.facts["link"], reviewed.taken.outcome
    assert facts["verdicts"] == taken["verdicts"] > 200
    assert facts["verdict_links"] > 100
    assert facts["verdict_non_links"] > 5
    assert facts["verdicts_not_applied"] == 0
    assert facts["verdict_reviewers"] == 2
    answers: dict[str, set[str]] = defaultdict(set)
    for path in reviewed.files:
        for row in rows_of(path):
            answers[row["case"]].add(row["decision"])
    council, nhs = reviewed.cases("council"), reviewed.cases("nhs")
    project = read_project(reviewed.project.config, reviewed.project.workspace)
    with stored_links(project) as links:
        links.load(("decision", "resident_link"))
        linked = set(
            links.connection.execute(
                """
                SELECT decision.dwelling_record_pseudonym, resident_link.nhs_record_pseudonym
                FROM decision
                INNER JOIN resident_link
                    ON split_part(resident_link.address_group, '-', 1) = decision.address_group
                WHERE decision.reason = 'linked'
                """
            ).fetchall()
        )
    agreed = {case: given.pop() for case, given in answers.items() if len(given) == 1}
    assert len(agreed) > 200
    for case, decision in agreed.items():
        if decision != "unsure":
            is_linked = (council[case][0], nhs[case][0]) in linked
            assert is_linked is (decision == "same"), (case, decision)


def test_the_log_has_each_step_of_the_review(reviewed: Reviewed) -> None:
    what = [(e.get("evidence") or {}).get("what") for e in reviewed.events()]
    for step in ("review pairs exported", "review sheet made", "review imported"):
        assert step in what
    log = json.dumps(reviewed.events())
    names = {name for names in reviewed.cases("nhs").values() for name in names}
    assert not any(name in log for name in names)


def test_a_model_is_adapted_to_the_verdicts(reviewed: Reviewed) -> None:
    where = ("--config", reviewed.project.config, "--workspace", reviewed.project.workspace)
    trained = hearth("train", "--review", "--out", reviewed.folder / "model", *where, "--json")
    assert trained.code == 0, trained.err
    assert trained.outcome["verdicts"] == reviewed.taken.outcome["verdicts"]
    model = read_model(reviewed.folder / "model" / "model.json")
    assert model.digest == trained.outcome["digest"] != default_model().digest
    card = (reviewed.folder / "model" / "model-card.md").read_text("utf-8")
    assert model.digest in card
