"""The evidence pack: the report, the records behind it and the verifier, as an RO-Crate.

It follows the Five Safes RO-Crate profile (https://w3id.org/5s-crate/0.4): the people and their sign-off,
the run as an action, the checks as assessments, including disclosure control. It contains no tables:
no household rows and no published cells. A release is identified by its manifest's digest.
"""

import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.model.person import Person
from rocrate.rocrate import ROCrate

from governance.agreement.decisions import decisions_path
from governance.agreement.signature import signature_path
from governance.audit.folder import regular_files
from governance.audit.standalone_verifier import write_verifier
from governance.audit.timestamp import TIMESTAMPS
from governance.audit.verify import CHECKPOINTS, LARGEST_LOG, LOG_KEY_NAME, LOG_NAME, read_regular
from governance.counted import counted
from governance.errors import Fault
from governance.report.crosswalk import CROSSWALK, SAFES
from governance.report.facts import ExtractLine, ReportFacts, RuleLine
from governance.report.page import render_page
from governance.report.trials import ATTACKS
from governance.report.wording import summary
from governance.retention.disposal import CERTIFICATES
from schemas.storage.durable_write import rename_durably
from schemas.storage.zones import AUDIT, RELEASES, at_rest_keys

VERIFIER = "hearth-verify.pyz"
PROFILE = "https://w3id.org/5s-crate/0.4"
_SATRE = "https://satre-specification.readthedocs.io/en/v2.0.1/"
_STATUS = {"published": "CompletedActionStatus", "unfinished": "ActiveActionStatus"}
_ASSESSMENTS = {
    "run": "https://w3id.org/shp#SignOff",
    "disclosure": "https://w3id.org/shp#DisclosureCheck",
    "publish": "https://w3id.org/shp#DisclosureCheck",
}
_VALIDATION = "https://w3id.org/shp#ValidationCheck"


def write_crate(facts: ReportFacts, workspace: Path, agreement_file: Path, folder: Path) -> int:
    """Write the evidence pack into a new folder and return the number of files in it.

    Raises Fault if the folder exists already.
    """
    if folder.exists():
        raise Fault(
            "CRATE_EXISTS",
            f"The folder {folder} already exists, so no evidence pack was written.",
            "Give a new folder with --pack.",
        )
    staged = folder.with_name(folder.name + ".partial")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    contents = list(_collect(facts, workspace, agreement_file, staged))
    crate = ROCrate(version="1.2")
    crate.name = f"Governance evidence, {facts.scope}: {facts.agreement.title}"
    crate.description = " ".join(summary(facts))
    crate.datePublished = facts.made
    crate.license = "All rights reserved. For the parties to the agreement."
    profile = ContextEntity(crate, PROFILE, {"@type": "Profile", "name": "Five Safes RO-Crate profile 0.4"})
    crate.root_dataset["conformsTo"] = [crate.add(profile)]
    crate.root_dataset["identifier"] = f"{facts.agreement.id}/{facts.scope}"
    for name, title, media in contents:
        size = str((staged / name).stat().st_size)
        properties = {"name": title, "encodingFormat": media, "contentSize": size}
        crate.add_file(source=staged / name, dest_path=name, properties=properties)
    _describe(crate, facts)
    crate.write(staged)
    rename_durably(staged, folder)
    return sum(path.is_file() for path in folder.rglob("*"))


def _collect(
    facts: ReportFacts, workspace: Path, agreement_file: Path, staged: Path
) -> Iterator[tuple[str, str, str]]:
    """Copy the pack's files; yields (name, title, media type)."""
    (staged / "report.html").write_text(render_page(facts), "utf-8")
    yield "report.html", "The report (read this first)", "text/html"
    write_verifier(staged / VERIFIER)
    yield VERIFIER, "Verifier of the audit log: python hearth-verify.pyz audit", "application/zip"
    sources: list[tuple[Path, str, str, str]] = [
        (agreement_file, f"agreement/{agreement_file.name}", "The agreement", "application/toml")
    ]
    for path, title, media in (
        (signature_path(agreement_file), "Signatures of the agreement", "text/plain"),
        (decisions_path(agreement_file), "Waivers and approvals", "application/toml"),
    ):
        if path.is_file():
            sources.append((path, f"agreement/{path.name}", title, media))
    audit = workspace / AUDIT
    sources.append((audit / LOG_NAME, f"audit/{LOG_NAME}", "The audit log", "application/jsonl"))
    if audit / LOG_KEY_NAME in regular_files(audit, ".vkey"):
        sources.append((audit / LOG_KEY_NAME, f"audit/{LOG_KEY_NAME}", "The log's public key", "text/plain"))
    for zone, title in (
        (CHECKPOINTS, "Signed checkpoint"),
        (CERTIFICATES, "Disposal certificate"),
        (ATTACKS, "Attack certificate"),
        (TIMESTAMPS, "Trusted time-stamp"),
    ):
        for path in regular_files(audit / zone, ".note", ".json", ".tsr"):
            sources.append((path, f"audit/{zone}/{path.name}", title, "text/plain"))
    for path in regular_files(at_rest_keys(workspace) / CERTIFICATES, ".json"):
        sources.append((path, f"keys/{path.name}", "Certificate of a key's destruction", "application/json"))
    for path in sorted((workspace / RELEASES).glob("*/disclosure_criteria.json")):
        name = f"releases/{path.parent.name}/{path.name}"
        sources.append((path, name, "Disclosure control of a release", "application/json"))
        manifest = path.with_name("manifest.json")
        if manifest.is_file():
            name = f"releases/{path.parent.name}/{manifest.name}"
            sources.append((manifest, name, "Manifest of a release", "application/json"))
    for source, name, title, media in sources:
        (staged / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            data = read_regular(source, LARGEST_LOG, follow_links=source == agreement_file)
        except OSError as error:
            raise Fault(
                "PACK_FILE_UNREADABLE",
                f"{name} cannot be copied into the evidence pack ({error.strerror}).",
                "Run `hearth audit verify` on the workspace's audit folder, restore the file, then write the "
                "pack again.",
            ) from None
        (staged / name).write_bytes(data)
        yield name, title, media


def _describe(crate: ROCrate, facts: ReportFacts) -> None:
    agreement = facts.agreement
    parties = {
        party.id: crate.add(
            ContextEntity(crate, f"#party-{party.id}", {"@type": "Organization", "name": party.name})
        )
        for party in agreement.parties
    }
    project = crate.add(
        ContextEntity(
            crate,
            f"#agreement-{agreement.id}",
            {"@type": "Project", "name": agreement.title, "identifier": agreement.id},
        )
    )
    project["member"] = list(parties.values())
    crate.root_dataset["sourceOrganization"] = project
    signers = []
    for number, item in enumerate(agreement.sign_offs, 1):
        person = crate.add(Person(crate, f"#sign-off-{number}", {"name": item.name, "jobTitle": item.office}))
        person["affiliation"] = parties[item.party]
        signers.append(person)
    safes = {
        safe: crate.add(ContextEntity(crate, f"#safe-{safe}", {"@type": "DefinedTerm", "name": heading}))
        for safe, heading in SAFES.items()
    }
    hearth = crate.add(
        ContextEntity(
            crate,
            "#hearth",
            {
                "@type": "SoftwareApplication",
                "name": "Hearth",
                "description": "Household-level record linkage with governance gates",
                "version": version("hearth"),
                # Hearth has no public address. Its verifier is in the pack.
                "url": {"@id": VERIFIER},
            },
        )
    )
    crate.root_dataset["mainEntity"] = hearth
    extracts = [_extract(crate, line) for line in facts.extracts]
    released = [item for item in crate.data_entities if str(item.id).endswith("/manifest.json")]
    actions = [_run_action(crate, line) for line in facts.runs]
    for action, line in zip(actions, facts.runs, strict=True):
        action["instrument"] = hearth
        if line == facts.runs[-1]:
            action["object"] = extracts
            action["result"] = released if line.outcome == "published" else []
    actions += [_assessment(crate, line, safes, signers) for line in facts.rules]
    crate.root_dataset["mentions"] = actions


def _extract(crate: ROCrate, line: ExtractLine) -> ContextEntity:
    """Describe an extract by its digest, number of rows and clause; the pack does not contain it."""
    return crate.add(
        ContextEntity(
            crate,
            f"#extract-{line.table}",
            {
                "@type": "Dataset",
                "name": f"Extract {line.table} of {line.controller}",
                "description": f"{counted(line.rows_in, 'row')} under clause {line.clause}; not in this "
                "pack.",
                "identifier": f"sha256:{line.file_sha256}" if line.file_sha256 else "Hearth's own",
            },
        )
    )


def _run_action(crate: ROCrate, line: Any) -> ContextEntity:
    agent = crate.add(ContextEntity(crate, f"#agent-{line.actor}", {"@type": "Person", "name": line.actor}))
    action = crate.add(
        ContextEntity(
            crate,
            f"#run-{line.run}",
            {
                "@type": "CreateAction",
                "name": f"Run {line.run}: {line.outcome}",
                "startTime": line.started.isoformat(),
                "actionStatus": {
                    "@id": f"http://schema.org/{_STATUS.get(line.outcome, 'FailedActionStatus')}"
                },
            },
        )
    )
    if line.ended is not None:
        action["endTime"] = line.ended.isoformat()
    if line.code:
        action["error"] = line.code
    action["agent"] = agent
    return action


def _assessment(
    crate: ROCrate, line: RuleLine, safes: dict[str, ContextEntity], signers: list[Person]
) -> ContextEntity:
    passed = line.verdict in ("pass", "waived")
    status = "CompletedActionStatus" if passed else "FailedActionStatus"
    action = crate.add(
        ContextEntity(
            crate,
            f"#rule-{line.rule}-{line.part}",
            {
                "@type": "AssessAction",
                "additionalType": {"@id": _ASSESSMENTS.get(line.stage, _VALIDATION)},
                "name": f"{line.rule} ({line.part}): {line.title}",
                "description": f"{line.verdict}. Observed: {line.observed}. Required: {line.threshold}.",
                "actionStatus": {"@id": f"http://schema.org/{status}"},
                "identifier": line.rule,
                "keywords": [f"SATRE {index}" for index in CROSSWALK[line.rule][1]],
                "isBasedOn": {"@id": _SATRE},
            },
        )
    )
    action["about"] = safes[line.safe]
    if line.stage == "run":
        action["agent"] = signers
    return action
