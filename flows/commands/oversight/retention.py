"""`hearth retention`: what is kept and until when, disposal with two signatures, and people's requests."""

import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flows.commands.argument_types import a_day
from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption
from governance.counted import counted
from schemas.storage.zones import AUDIT, KEYS

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from governance.agreement.agreement import Agreement
    from governance.audit.log import AuditLog
    from pipeline.project import Project

app = typer.Typer(
    name="retention",
    no_args_is_help=True,
    help="List what is kept and until when, dispose of it with two signatures, and apply people's requests.",
)
KeyOption = Annotated[Path, typer.Option("--key", help="Your Ed25519 key (PEM, mode 0600).")]
ProjectKeyOption = Annotated[
    Path | None,
    typer.Option("--key", help="Your Ed25519 key (PEM, mode 0600), instead of signing_keys in hearth.toml."),
]
AsOption = Annotated[
    str | None, typer.Option("--as", help="Your id among the agreement's principals, as a check of your key.")
]
RequestKind = Literal["erasure", "objection"]
RequestIdentifier = Literal["nhs_number", "record_id"]
_CONFIG = Path("hearth.toml")


def add_to(parent: typer.Typer) -> None:
    """Mount the commands."""
    parent.add_typer(app)


@app.command(name="list", epilog="Example:\n\n    hearth retention list --config hearth.toml")
def list_holdings(
    config: ConfigOption = _CONFIG, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """List every artefact with its retention class and its day of disposal."""
    from governance.retention.holdings import holdings

    project, agreement = _read(config, workspace)
    today = datetime.now(UTC).date()
    artefacts = holdings(project.workspace, agreement)
    if as_json:
        rows = [asdict(item) | {"overdue": item.is_overdue(today)} for item in artefacts]
        typer.echo(json.dumps({"holdings": rows}, default=str))
        return
    for item in artefacts:
        mark = "OVERDUE" if item.is_overdue(today) else ""
        due = "no class" if item.due is None else item.due.isoformat()
        typer.echo(f"{due:<12} {item.retention or '-':<14} {item.name} {mark}".rstrip())
    overdue = sum(item.is_overdue(today) for item in artefacts)
    typer.echo(f"{counted(len(artefacts), 'artefact')}, {overdue} overdue.")


@app.command(
    epilog="Example:\n\n    hearth retention dispose --overdue --key ola.pem\n\n"
    "Then a second person signs: `hearth retention witness CERTIFICATE --key ann.pem`."
)
def dispose(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of artefacts, as shown by `hearth retention list`.")
    ] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Dispose of everything that is overdue.")
    ] = False,
    key: ProjectKeyOption = None,
    principal: AsOption = None,
    config: ConfigOption = _CONFIG,
    workspace: WorkspaceOption = None,
) -> None:
    """Delete artefacts and write a certificate. A release is never deleted before its day."""
    from flows.run.setup.authorisation import authorised_principal
    from governance.errors import Fault, Refused
    from governance.retention.disposal import dispose as dispose_of
    from governance.retention.holdings import holdings

    project, agreement = _read(config, workspace)
    actor, signing_key = authorised_principal(project, agreement, "dispose", key, principal)
    now = datetime.now(UTC)
    with _locked(project):
        artefacts = {item.name: item for item in holdings(project.workspace, agreement)}
        wanted = [n for n, item in artefacts.items() if item.is_overdue(now.date())] if overdue else []
        wanted += [name for name in names or () if name not in wanted]
        if unknown := [name for name in wanted if name not in artefacts]:
            raise Fault(
                "NOT_HELD",
                f"Not in the workspace, so nothing was deleted: {', '.join(unknown)}.",
                "Use names that `hearth retention list` shows.",
            )
        if early := [
            n for n in wanted if artefacts[n].zone == "releases" and not artefacts[n].is_overdue(now.date())
        ]:
            raise Refused(
                "RELEASE_NOT_DUE",
                f"Releases are kept until their day of disposal, which has not come yet: {', '.join(early)}.",
                "To correct a release, publish a new epoch with `hearth releases correct`.",
            )
        audit = _audit(project)
        for name in wanted:
            path = dispose_of(project.workspace, artefacts[name], agreement, audit, actor, signing_key, now)
            typer.echo(
                f"Deleted {name}. Certificate {path.name} needs a second person: `hearth retention witness`."
            )
    if not wanted:
        typer.echo("Nothing was deleted: no artefact was named or is overdue.")


@app.command(epilog="Example:\n\n    hearth retention witness disposal-0a1b….json --key ann.pem")
def witness(
    certificate: Annotated[str, typer.Argument(help="File name of the certificate.")],
    key: KeyOption,
    principal: AsOption = None,
    config: ConfigOption = _CONFIG,
    workspace: WorkspaceOption = None,
) -> None:
    """Sign a disposal as the second person, after checking that the files are deleted."""
    from governance.principals.signing_key import key_of_principal
    from governance.retention.disposal import CERTIFICATES, witness_disposal

    project, agreement = _read(config, workspace)
    actor, signing_key = key_of_principal(agreement, principal, "witness-disposal", key)
    path = project.workspace / AUDIT / CERTIFICATES / Path(certificate).name
    witness_disposal(project.workspace, path, agreement, _audit(project), actor, signing_key)
    typer.echo(f"{path.name} is now signed by two people.")


@app.command(
    epilog="Example, at the controller:\n\n    hearth retention request --controller nhs --kind objection "
    "--received 2026-11-02\n\nYou will be prompted, so the identifier is not stored in your shell "
    "history. From the next run on, the person's rows are left out. The receipt proves this and names no "
    "one else."
)
def request(
    controller: Annotated[str, typer.Option("--controller", help="Controller of the data: council or nhs.")],
    kind: Annotated[RequestKind, typer.Option("--kind", help="Kind of request: erasure or objection.")],
    received: Annotated[
        date,
        typer.Option(
            "--received",
            help="Day the request was received, such as 2026-11-02.",
            parser=a_day,
            metavar="YYYY-MM-DD",
        ),
    ],
    identifier: Annotated[
        RequestIdentifier,
        typer.Option(
            "--by", help="Kind of identifier: nhs_number, or record_id (the supplier's id of the row)."
        ),
    ] = "nhs_number",
    receipt: Annotated[Path, typer.Option("--receipt", help="File for the receipt.")] = Path("receipt.json"),
    key: ProjectKeyOption = None,
    principal: AsOption = None,
    config: ConfigOption = _CONFIG,
    workspace: WorkspaceOption = None,
) -> None:
    """Record a person's erasure request or objection; it applies from the next run."""
    from flows.run.setup.authorisation import authorised_principal
    from governance.errors import Fault
    from governance.retention.rights import Received, record_request, write_receipt
    from pipeline.transfer.requests import check_request_can_take_effect

    project, agreement = _read(config, workspace)
    actor, _ = authorised_principal(project, agreement, "record-rights-request", key, principal)
    if controller not in agreement.controllers:
        raise Fault(
            "CONTROLLER_UNKNOWN",
            "The agreement names no such controller, so no request was recorded.",
            f"Use --controller with one of: {', '.join(agreement.controllers)}.",
        )
    check_request_can_take_effect(project, controller)
    value = typer.prompt(f"The person's {identifier}", hide_input=True)
    with _locked(project):
        made = record_request(
            project.workspace / "clear",
            controller,
            Received(kind, identifier, value, received),
            _audit(project),
            actor,
        )
    write_receipt(receipt, made)
    typer.echo(
        f"Request {made.id} is recorded and applies from the next run. "
        f"Keep {receipt} with the correspondence."
    )


@app.command(
    epilog="Example:\n\n    hearth retention prove receipt.json --audit workspace/audit",
)
def prove(
    receipt: Annotated[Path, typer.Argument(help="The receipt file.")],
    audit: Annotated[Path, typer.Option("--audit", help="Audit folder.")] = Path("workspace/audit"),
    as_json: JsonOption = False,
) -> None:
    """Show that the request of a receipt is in the audit log, and since which run it applies."""
    from governance.retention.rights import prove_request

    proof = prove_request(receipt, audit)
    if as_json:
        typer.echo(json.dumps(asdict(proof)))
        return
    typer.echo(f"Request {proof.request} is entry {proof.seq} of the audit log, dated {proof.time[:10]}.")
    typer.echo(
        f"It was applied in {counted(len(proof.runs), 'run')}, first in {proof.runs[0]}."
        if proof.runs
        else "There has been no run since."
    )


def _read(config: Path, workspace: Path | None) -> "tuple[Project, Agreement]":
    from governance.agreement.agreement import read_agreement
    from pipeline.project import read_project

    project = read_project(config, workspace)
    return project, read_agreement(project.agreement)


def _audit(project: "Project") -> "AuditLog":
    from governance.audit.log import AuditLog
    from governance.audit.signer import open_log_signer

    signer = open_log_signer(project.workspace / KEYS, f"hearth/{project.name}")
    return AuditLog.open(project.workspace / AUDIT, signer)


def _locked(project: "Project") -> "AbstractContextManager[None]":
    from pipeline.workspace import Workspace

    return Workspace.open(project.workspace).lock()
