"""The report and the evidence pack: complete, self-contained, escaped, and without a value."""

import itertools
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rocrate.rocrate import ROCrate

from governance.agreement.agreement import Agreement
from governance.artefact import Evidence
from governance.audit.log import AuditLog
from governance.audit.note import NoteSigner
from governance.audit.signer import LogSigner
from governance.audit.verify import COSIGNATURE, Trust, read_verifier_key
from governance.canonical import canonical_json, digest_of, digest_of_file
from governance.errors import Fault, Refused
from governance.gate import Gatekeeper
from governance.principals.run_authorisation import run_authorisation_facts
from governance.principals.unsafe_demo_principals import unsafe_demo_key
from governance.recorded_state import RecordedState
from governance.report.crate import PROFILE, write_crate
from governance.report.crosswalk import CROSSWALK, SAFES
from governance.report.facts import ReportFacts, gather
from governance.report.lineage import DERIVED, columns_of_attribute, columns_of_output
from governance.report.page import render_page
from governance.report.trials import certificates_of, trials_of
from governance.report.wording import linkage, reconciliation, summary
from governance.rules import all_rules
from schemas.attribute import attributes_of
from schemas.contract import contracts
from schemas.table import tables

SAMPLE = Path(__file__).parents[3] / "sample_data" / "sample" / "agreement.toml"
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
RUN_FACTS = {
    "custody": "single-operator",
    "production": False,
    "code_version": "c" * 64,
    "libraries": 130,
    "import_overrides": [],
    "altered_bytecode": [],
    "extracts": [],
    "mapped_columns": {},
    "publishes": False,
    "first_published": None,
    "disclosure_criteria": {"minimum_cell_count": 10},
    "model_digest": None,
    "reference_date": "2026-09-30",
}
INGEST = {
    "source": "extract",
    "rows_in": 100,
    "rows_kept": 97,
    "rows_quarantined": 2,
    "rows_removed": 1,
    "quarantined_by_reason": {"DUPLICATE_RECORD_ID": 2},
    "file_sha256": "ab" * 32,
}


@pytest.fixture
def facts(audit: AuditLog, agreement: Agreement) -> ReportFacts:
    """A run that a gate refused, after a run that was published."""
    workspace = audit.folder.parent
    for run in ("run-1", "run-2"):
        audit.append(run, "operator:root", None, "run_start", policy=agreement.digest)
        keeper = Gatekeeper(
            run, agreement, audit, "operator:root", NOW, order={("run", "all"): (), ("leakage", "all"): ()}
        )
        started = run_authorisation_facts(agreement, run, "run", [unsafe_demo_key("operator")])
        keeper.check_run(Evidence("run", "all", RUN_FACTS | started))
        if run == "run-2":
            with pytest.raises(Refused):
                keeper.check(Evidence("leakage", "all", {}))
        ended = "published" if run == "run-1" else "refused"
        stages = [{"stage": "ingest", "part": "nhs", "facts": {"tables": {"nhs_person": INGEST}}}]
        code = {"code": "NOT_EVALUATED"} if run == "run-2" else {}
        code |= {"figures": digest_of(stages)}
        audit.append(
            run, "operator:root", None, "run_end", verdict=ended, evidence=code, policy=agreement.digest
        )
        audit.checkpoint()
        folder = workspace / "runs" / run
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps({"stages": stages}))
    return gather(workspace, agreement, "2026-11", now=NOW)


class Outline(HTMLParser):
    """What an auditor of pages looks for: ids, links, tags with their attributes, headings."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_needs_no_script_and_no_network(facts: ReportFacts) -> None:
    page = render_page(facts)
    outline = Outline(page)
    names = {tag for tag, _ in outline.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    assert "http://" not in page
    assert "https://" not in page
    assert "@import" not in page
    assert "url(" not in page
    assert not any(key.startswith("on") for _, attributes in outline.tags for key in attributes)


def test_every_anchor_leads_somewhere_and_no_id_repeats(facts: ReportFacts) -> None:
    outline = Outline(render_page(facts))
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    targets = [attributes["href"] for tag, attributes in outline.tags if tag == "a"]
    assert len(ids) == len(set(ids))
    assert all(target and target[1:] in ids for target in targets)


def test_headings_go_down_by_one_and_tables_have_captions_and_scopes(facts: ReportFacts) -> None:
    outline = Outline(render_page(facts))
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    tags = [tag for tag, _ in outline.tags]
    assert tags.count("table") == tags.count("caption") > 5
    assert all("scope" in attributes for tag, attributes in outline.tags if tag == "th")


def test_a_release_that_is_not_as_published_needs_attention_first(
    facts: ReportFacts, audit: AuditLog, agreement: Agreement
) -> None:
    workspace = audit.folder.parent
    release = workspace / "releases" / "2026-09-30-0123456789ab"
    release.mkdir(parents=True)
    manifest = {"epoch": "2026-Q3", "files": [], "reference_date": "2026-09-30", "release_id": release.name}
    (release / "manifest.json").write_bytes(canonical_json(manifest))
    digest = digest_of_file(release / "manifest.json")
    keeper = Gatekeeper("run-2", agreement, audit, "operator:root", NOW, order={})
    statement = keeper.record_release(release.name, digest, "2026-Q3", "2026-09-30")
    (release / "release.note").write_bytes(statement)
    sound = gather(workspace, agreement, "2026-11", now=NOW)
    assert not any("2026-09-30-0123456789ab" in item for item in sound.attention)
    (release / "health.parquet").write_bytes(b"added")
    changed = gather(workspace, agreement, "2026-11", now=NOW)
    assert changed.attention[0] == (
        "Release 2026-09-30-0123456789ab is not confirmed as published: "
        "health.parquet is not in the manifest."
    )


QUALITY = {
    "model_digest": "f" * 64,
    "measured": [],
    "people_compared": 90,
    "estimated_precision": 0.996,
    "estimated_precision_low": 0.994,
}
LINK = {"linked_records": 90, "nhs_records": 100, "match_rate": 0.9, "estimated_precision": 0.996}
REVIEW = {
    "what": "review imported",
    "model_digest": "f" * 64,
    "partial": False,
    "links_reviewed": 120,
    "precision_of_links": 0.94,
    "precision_low": 0.88,
    "precision_high": 0.98,
}


@pytest.mark.parametrize(
    ("quality", "review", "words"),
    [
        (
            QUALITY | {"measured": [{"unit": "records", "right": 947, "links": 1000}]},
            REVIEW,
            "94.7% of the links are correct. This was measured: 947 of 1,000 linked NHS records agree with "
            "the known truth of these invented people.",
        ),
        (
            QUALITY,
            REVIEW,
            "94.0% of the links are correct. This was measured: reviewers checked 120 links (95% interval "
            "88.0% to 98.0%).",
        ),
        (
            QUALITY,
            REVIEW | {"model_digest": "e" * 64},
            "At least 99.4% of the links of current registrations are expected to be correct. This was not "
            "measured: the model estimates 99.6%. The lower bound allows for how far estimates and "
            "measurements differed in other populations.",
        ),
        (
            QUALITY | {"people_compared": 0, "estimated_precision": None, "estimated_precision_low": None},
            None,
            "It is not known how many of the links are correct: this was neither measured nor estimated.",
        ),
    ],
    ids=["truth", "review", "estimate", "neither"],
)
def test_the_precision_in_the_report_is_the_one_that_the_rule_judges(
    quality: dict[str, object],
    review: dict[str, object] | None,
    words: str,
    facts: ReportFacts,
    audit: AuditLog,
    agreement: Agreement,
) -> None:
    if review is not None:
        audit.append("review-1", "operator:root", "quality", "note", verdict="done", evidence=review)
    stages = [
        {"stage": "link", "part": "all", "facts": LINK},
        {"stage": "quality", "part": "all", "facts": quality},
    ]
    audit.append("run-3", "operator:root", None, "run_start", policy=agreement.digest)
    ended = {"figures": digest_of(stages)}
    audit.append(
        "run-3",
        "operator:root",
        None,
        "run_end",
        verdict="published",
        evidence=ended,
        policy=agreement.digest,
    )
    folder = audit.folder.parent / "runs" / "run-3"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"stages": stages}))
    written = gather(audit.folder.parent, agreement, "2026-11", now=NOW)
    assert linkage(written) == (f"90 of 100 NHS records (90.0%) were linked to a council dwelling. {words}")
    assert words.split(".")[0] in render_page(written)


def test_it_says_first_what_happened_and_what_needs_attention(facts: ReportFacts) -> None:
    first, second = summary(facts)
    assert first == "2 runs: 1 published, 1 refused by a gate, 0 interrupted or failed."
    assert "100 rows were received and 2 of them quarantined." in second
    assert facts.attention[0] == "Run run-2 was refused (NOT_EVALUATED). It published nothing."
    assert any("Rule PSE-03 refused the run" in item for item in facts.attention)
    assert any("An outside witness has not confirmed the newest entries" in item for item in facts.attention)


def test_a_command_in_a_sentence_is_marked_as_code_and_the_rest_is_escaped(facts: ReportFacts) -> None:
    page = render_page(replace(facts, attention=("Run `hearth run` & <b>look</b>.",)))
    assert "<li>Run <code>hearth run</code> &amp; &lt;b&gt;look&lt;/b&gt;.</li>" in page


def test_a_log_that_was_changed_is_said_before_anything_else(audit: AuditLog, facts: ReportFacts) -> None:
    path = audit.folder / "audit.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"verdict":"published"', b'"verdict":"refused"'))
    changed = gather(audit.folder.parent, facts.agreement, "2026-11", now=NOW)
    assert changed.attention[0].startswith("The audit log was changed after it was written")
    assert "CHANGED" in summary(changed)[1]


def test_an_agreement_that_moved_since_is_told(audit: AuditLog, facts: ReportFacts) -> None:
    moved = replace(facts.agreement, digest="0" * 64)
    assert any(
        "agreement has changed since" in item
        for item in gather(audit.folder.parent, moved, "2026-11", now=NOW).attention
    )


def test_every_rule_is_on_the_page_with_its_safe_and_its_satre_indices(facts: ReportFacts) -> None:
    page = render_page(facts)
    evaluated = {line.rule for line in facts.rules}
    assert evaluated | set(facts.not_evaluated) == {item.id for item in all_rules()}
    assert all(rule_id in page for rule_id in (*evaluated, *facts.not_evaluated))


def test_every_rule_has_its_place_in_the_crosswalk() -> None:
    assert set(CROSSWALK) == {item.id for item in all_rules()}
    for safe, indices in CROSSWALK.values():
        assert safe in SAFES
        assert indices
        assert all(re.fullmatch(r"[1-4]\.\d\.\d\d", index) for index in indices)


def test_what_people_wrote_is_escaped(facts: ReportFacts) -> None:
    hostile = replace(facts, agreement=replace(facts.agreement, title="<script>alert(1)</script>"))
    assert "<script" not in render_page(hostile)


def test_every_column_is_traced_to_clause_purpose_and_retention(facts: ReportFacts) -> None:
    page = render_page(facts)
    for table, columns in facts.agreement.datasets.items():
        assert all(f"{table}.{column}<" in page for column in columns)


def test_a_period_without_runs_is_a_fault(audit: AuditLog, facts: ReportFacts) -> None:
    with pytest.raises(Fault, match="NOTHING_TO_REPORT"):
        gather(audit.folder.parent, facts.agreement, "2026-10")


def test_the_evidence_pack_is_a_five_safes_crate_that_names_every_file_it_holds(
    tmp_path: Path, audit: AuditLog, facts: ReportFacts
) -> None:
    folder = tmp_path / "pack"
    write_crate(facts, audit.folder.parent, SAMPLE, folder)
    crate = json.loads((folder / "ro-crate-metadata.json").read_text())
    graph = {item["@id"]: item for item in crate["@graph"]}
    root = graph["./"]
    assert {"@id": PROFILE} in root["conformsTo"]
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    listed = {item["@id"] for item in root["hasPart"]}
    assert files - listed == {"ro-crate-metadata.json"}
    assert listed <= files
    kinds = [graph[item["@id"]]["@type"] for item in root["mentions"]]
    assert kinds.count("CreateAction") == len(facts.runs)
    run = graph["#run-run-2"]
    assert (run["instrument"], run["object"]) == ({"@id": "#hearth"}, [{"@id": "#extract-nhs_person"}])
    assert graph["#extract-nhs_person"]["identifier"] == f"sha256:{'ab' * 32}"
    assert root["mainEntity"] == {"@id": "#hearth"}
    assert ROCrate(folder).mainEntity["name"] == "Hearth"
    assert kinds.count("AssessAction") == len(facts.rules)
    refused = graph["#rule-PSE-03-all"]
    assert refused["actionStatus"]["@id"].endswith("FailedActionStatus")
    assert all(reference["@id"] in graph for reference in root["mentions"])
    assert not list(folder.rglob("*.parquet"))


def test_a_pack_never_overwrites_another(tmp_path: Path, audit: AuditLog, facts: ReportFacts) -> None:
    (tmp_path / "pack").mkdir()
    with pytest.raises(Fault, match="CRATE_EXISTS"):
        write_crate(facts, audit.folder.parent, SAMPLE, tmp_path / "pack")


def test_every_registered_table_is_traced_to_columns_that_suppliers_send() -> None:
    supplied = {f"{item.table}.{column.name}" for item in contracts("extract") for column in item.columns}
    for name in tables():
        columns = columns_of_output(name)
        assert columns, name
        assert set(columns) <= supplied, name
    assert set(DERIVED) <= {name for unit in ("household", "person") for name in attributes_of(unit)}
    assert columns_of_attribute("council_tax_band") == ("council_property.council_tax_band",)
    assert columns_of_attribute("has_asthma") == ("nhs_condition.condition", "nhs_condition.onset_date")
    with pytest.raises(KeyError):
        columns_of_attribute("shoe_size")


def test_the_page_says_who_started_the_run_and_by_whose_signature(facts: ReportFacts) -> None:
    assert facts.runs[0].mandates == {}  # this run_start carries none
    assert "no valid signature (started by operator:root)" in render_page(facts)


def test_a_signed_start_is_shown_under_the_agreement_of_its_day(
    audit: AuditLog, agreement: Agreement
) -> None:
    signed = run_authorisation_facts(
        agreement, "run-9", "run", [unsafe_demo_key("operator"), unsafe_demo_key("releaser")]
    )
    audit.append("run-9", "operator", None, "run_start", evidence=signed, policy=agreement.digest)
    audit.append("run-9", "operator", None, "run_end", verdict="done")
    audit.checkpoint()
    later = replace(agreement, digest="0" * 64)
    (line,) = gather(audit.folder.parent, later, "run-9", now=NOW).runs
    assert line.mandates == {"run": "operator", "release": "releaser"}


def test_what_was_tried_is_told_with_figures_and_certificates_with_their_signers(
    audit: AuditLog, signer: LogSigner
) -> None:
    attack = {"tried": 4000, "candidates": 100, "recovered": 0}
    tried = [
        {"name": "mover", "verdict": "not run", "not_run": "needs truth", "findings": {}, "figures": {}},
        {"name": "rates", "verdict": "succeeded", "not_run": None, "findings": {"rates": 2}, "figures": {}},
    ]
    trials = trials_of(
        {
            ("pseudonymise", "nhs"): {"self_attack": attack},
            ("publish", "all"): {"attacks": tried, "intruder": {"groups": 7, "outcome": "nothing learnt"}},
        }
    )
    assert [(trial.name, trial.verdict, trial.detail) for trial in trials] == [
        ("Dictionary of UPRNs (nhs)", "repelled", "4,000 hashes of 100 UPRNs tried, 0 recovered"),
        ("Mover", "not run", "needs truth"),
        ("Rates", "succeeded", "rates: 2"),
        ("Scripted motivated intruder", "repelled", "groups: 7; outcome: nothing learnt"),
    ]
    folder = audit.folder / "attacks"
    folder.mkdir()
    record = json.dumps({"attacks": tried, "successes": 1, "releases": {"r1": "ab"}})
    text = f"hearth attack certificate v1\ntime 2026-11-21T02:00:00+00:00\n{record}\n".encode()
    named = NoteSigner("hearth/attack", signer.signer.private_key)
    (folder / "a.note").write_bytes(text + b"\n" + named.sign(text))
    stranger = NoteSigner("hearth/attack", Ed25519PrivateKey.generate())
    (folder / "b.note").write_bytes(text + b"\n" + stranger.sign(text))
    (folder / "c.note").write_bytes(b"{}")
    found = [(item.name, item.attacks, item.successes, item.signed) for item in certificates_of(audit.folder)]
    assert found == [
        ("a.note", 1, 1, "by the log's key"),
        ("b.note", 1, 1, "by another key"),
        ("c.note", 0, 0, "cannot be read"),
    ]


def test_a_witness_who_is_no_auditor_needs_attention(
    audit: AuditLog, agreement: Agreement, facts: ReportFacts
) -> None:
    keys = [unsafe_demo_key("nhs-ig-office"), unsafe_demo_key("operator")]
    witnesses = tuple(
        read_verifier_key(NoteSigner(name, key).verifier_key(COSIGNATURE))
        for name, key in zip(("auditor", "friend"), keys, strict=True)
    )
    told = gather(audit.folder.parent, agreement, "run-1", Trust(witnesses=witnesses), NOW).attention
    assert [item for item in told if "trust.json" in item] == [
        "Witness friend in trust.json is not an auditor named in the agreement."
    ]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (120, 100, "removed 20 residents; 100 remained. 100 person rows were received. That is enough"),
        (121, 101, "That is 1 fewer than the remaining residents. Ask the supplier why."),
        (None, None, "The supplier confirms the removal without counts"),
    ],
)
def test_opt_outs_are_reconciled_with_the_rows_that_came_in(
    facts: ReportFacts, before: int | None, after: int | None, told: str
) -> None:
    (check,) = facts.agreement.opt_outs.checks
    counted = replace(check, residents_in=before, residents_out=after)
    terms = replace(facts.agreement.opt_outs, checks=(counted,))
    changed = replace(facts, agreement=replace(facts.agreement, opt_outs=terms))
    assert told in reconciliation(changed)
    assert told in render_page(changed)


def test_the_first_sentence_does_not_claim_more_rules_than_were_asked(facts: ReportFacts) -> None:
    one = replace(facts, runs=facts.runs[:1])
    assert "rules were not evaluated. All other rules passed." in summary(one)[0]
    assert summary(replace(one, not_evaluated=()))[0].endswith("published a release. All rules passed.")
    assert "1 erasure or objection is on record" in render_page(replace(facts, requests=1))


def test_the_first_sentence_counts_the_rules_that_passed_only_with_a_waiver(facts: ReportFacts) -> None:
    waived = tuple(
        replace(line, verdict="waived") if number == 0 else line for number, line in enumerate(facts.rules)
    )
    one = replace(facts, runs=facts.runs[:1], rules=waived, not_evaluated=())
    assert summary(one)[0].endswith("published a release. All rules passed, 1 with a waiver.")


@pytest.mark.parametrize("change", ["edited", "deleted", "rolled back"])
def test_the_figures_of_a_run_json_that_is_not_the_one_on_record_are_not_shown(
    facts: ReportFacts, audit: AuditLog, agreement: Agreement, change: str
) -> None:
    assert [line.rows_kept for line in facts.extracts] == [97]
    workspace = audit.folder.parent
    for run in ("run-1", "run-2"):
        path = workspace / "runs" / run / "run.json"
        if change == "deleted":
            path.unlink()
            continue
        kept = json.loads(path.read_bytes())
        if change == "edited":
            kept["stages"][0]["facts"]["tables"]["nhs_person"]["rows_kept"] = 100
        else:
            kept["stages"] = []
        path.write_text(json.dumps(kept))
    shown = gather(workspace, agreement, "2026-11", now=NOW)
    assert shown.extracts == ()
    assert sum("is missing, or not the one on record" in item for item in shown.attention) == 2


def test_what_a_run_found_changed_is_for_the_officers_attention(
    facts: ReportFacts, audit: AuditLog, agreement: Agreement
) -> None:
    RecordedState(audit, "run-1", "operator").report(
        "linkage/link-all-1", "ARTEFACT_CHANGED", "the stage is run again"
    )
    shown = gather(audit.folder.parent, agreement, "2026-11", now=NOW)
    told = [item for item in shown.attention if "linkage/link-all-1" in item]
    assert told == [
        "Run run-1 found that linkage/link-all-1 is not the one on record (ARTEFACT_CHANGED); "
        "the stage is run again."
    ]
