"""`hearth governance`: read the agreement and the rules, and sign decisions."""

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.argument_types import a_config, a_day, a_rule_id, a_specification, an_agreement
from flows.commands.operation.run import ConfigOption, WorkspaceOption
from governance.counted import counted

if TYPE_CHECKING:
    from flows.actions.paper_check import PaperCheck
    from governance.agreement.agreement import Agreement
    from governance.history import PastVerdict

app = typer.Typer(
    name="governance",
    no_args_is_help=True,
    help="Read the agreement and the rules; sign agreements, waivers and approvals.",
)
AgreementArgument = Annotated[Path, typer.Argument(help="The agreement (TOML).", parser=an_agreement)]
AuditOption = Annotated[Path, typer.Option("--audit", help="Audit folder with past verdicts.")]
KeyOption = Annotated[Path, typer.Option("--key", help="Your Ed25519 key (PEM, mode 0600).")]
AsOption = Annotated[
    str | None, typer.Option("--as", help="Your id among the agreement's principals, as a check of your key.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_WORKSPACE_AUDIT = Path("workspace/audit")

CHECK_EXAMPLES = """
Examples:

    hearth governance check agreement.toml

    hearth governance check agreement.toml --config hearth.toml --json | jq .gates

Each rule that comes before a run is listed as pass, waived, refuse or start. "start" means that the rest is
decided by the keys that a run is started with. Exit code: 0 if no rule would refuse a run today, 2 if one
would, 1 if the agreement cannot be used.
"""


def add_to(parent: typer.Typer) -> None:
    """Mount the commands."""
    parent.add_typer(app)


@app.command(epilog=CHECK_EXAMPLES)
def check(
    agreement: AgreementArgument,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            help="The project's hearth.toml. If left out: the one next to the agreement, else at-source "
            "custody is assumed.",
            parser=a_config,
            metavar="<file>",
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check an agreement: its faults, whose signatures are valid, and every rule that comes before a run."""
    from flows.actions.paper_check import check_papers
    from governance.agreement.agreement import read_agreement
    from governance.principals.fingerprint import fingerprint_of
    from governance.principals.roles import POWERS, may

    read = read_agreement(agreement)
    keys = {person.id: fingerprint_of(person.public_key) for person in read.principals}
    papers = check_papers(agreement, read, config, workspace)
    if as_json:
        facts = {"id": read.id, "version": read.version, "digest": read.digest, "signature": read.signature}
        facts |= {"custody": papers.custody, "code": papers.code, "code_is_approved": papers.code_is_approved}
        facts |= {
            "model": papers.model,
            "specification": papers.specification,
            "gates": [asdict(gate) for gate in papers.gates],
        }
        typer.echo(json.dumps(facts | {"signed_by": read.signed_by, "fingerprints": keys}))
        raise typer.Exit(2 if papers.refusing else 0)
    columns = sum(len(names) for names in read.datasets.values())
    typer.echo(f"{read.title} ({read.id}, version {read.version})")
    typer.echo(f"In force from {read.starts} to {read.expires}. Digest {read.digest}.")
    typer.echo(
        f"It states a purpose for {counted(columns, 'column')} of {counted(len(read.datasets), 'table')}, "
        f"and names {counted(len(read.outputs), 'output')}."
    )
    typer.echo(f"Signature: {read.signature}{', by ' + ', '.join(read.signed_by) if read.signed_by else ''}.")
    for person in read.principals:
        typer.echo(f"  {person.id}: {keys[person.id]} ({', '.join(person.roles)})")
    lacking: dict[str, list[str]] = {}
    for action, roles in POWERS.items():
        if not any(may(person, action) for person in read.principals):
            lacking.setdefault(" or ".join(sorted(roles)), []).append(action)
    for role, actions in lacking.items():
        typer.echo(f"No {role} is named in the agreement yet; add one under [[principals]].")
        typer.echo(f"  Until then, no one may: {', '.join(actions)}.")
    _print_papers(papers)
    raise typer.Exit(2 if papers.refusing else 0)


def _print_papers(papers: "PaperCheck") -> None:
    """Print each rule that comes before a run: whether it would pass, and what to do if not."""
    where = (
        "no hearth.toml, so at-source custody is assumed"
        if papers.settings is None
        else f"{papers.settings.name}, custody {papers.custody}"
    )
    approved = "approved" if papers.code_is_approved else "not named in [code] approved"
    typer.echo(f"Code of this installation: {papers.code} ({approved}).")
    typer.echo(f"Linkage model of this project: {papers.model}.")
    typer.echo(f"Specification that approvers sign: {papers.specification}.")
    typer.echo(f"Rules before a run ({where}):")
    for gate in papers.gates:
        typer.echo(f"  {gate.outcome:<7} {gate.rule}  {gate.title}")
        if gate.outcome == "refuse":
            typer.echo(f"          {gate.reason} ({gate.code}). What to do: {gate.remedy}")
        elif gate.outcome == "start":
            typer.echo(
                "          It also needs the keys that a run is started with, so the run's start decides."
            )
    refusing = len(papers.refusing)
    typer.echo(
        f"{counted(refusing, 'rule')} would refuse a run today."
        if refusing
        else "No rule that comes before a run would refuse one today."
    )


@app.command(epilog="Example:\n\n    hearth governance diff agreement-v1.toml agreement-v2.toml")
def diff(
    old: Annotated[Path, typer.Argument(help="The earlier version of the agreement.", parser=an_agreement)],
    new: Annotated[Path, typer.Argument(help="The new version of the agreement.", parser=an_agreement)],
    as_json: JsonOption = False,
) -> None:
    """List in words what became looser, what became tighter, and who signed the new version."""
    from governance.agreement.agreement import read_agreement
    from governance.agreement.difference import differences

    before, after = read_agreement(old), read_agreement(new)
    changes = differences(before, after)
    if as_json:
        facts = {"changes": [asdict(change) for change in changes], "signature": after.signature}
        typer.echo(json.dumps(facts | {"signed_by": after.signed_by}))
        return
    for direction, heading in (("looser", "Looser"), ("tighter", "Tighter"), ("other", "Other changes")):
        found = [change for change in changes if change.direction == direction]
        typer.echo(f"{heading}: {len(found) or 'nothing'}")
        for change in found:
            typer.echo(f"  {change.place}: {change.sentence}")
    by = ", ".join(after.signed_by) or "no one"
    typer.echo(f"The new version is signed by {by} (signature {after.signature}).")


@app.command(epilog="Example:\n\n    hearth governance explain PSE-02 --audit workspace/audit")
def explain(
    rule_id: Annotated[str, typer.Argument(metavar="RULE", help="Id of the rule, such as ING-03.")],
    audit: AuditOption = _WORKSPACE_AUDIT,
    as_json: JsonOption = False,
) -> None:
    """Explain a rule: what it checks, its source, its last ten verdicts, and what to do after a refusal."""
    import inspect

    from governance.errors import Fault
    from governance.history import last_verdicts
    from governance.rules import all_rules
    from schemas.error_code import error_codes

    found = next((item for item in all_rules() if item.id == rule_id.strip().upper()), None)
    if found is None:
        known = ", ".join(item.id for item in all_rules())
        raise Fault(
            "RULE_UNKNOWN",
            f"There is no rule {rule_id}.",
            f"Use the id of a rule: {known}. `hearth explain CODE` explains an error code.",
        )
    past = last_verdicts(audit, found.id)
    codes = [entry.code for entry in error_codes().values() if found.id in entry.rules]
    facts = {
        "rule": found.id,
        "version": found.version,
        "title": found.title,
        "stage": found.stage,
        "kind": found.kind,
        "what": inspect.getdoc(found.check),
        "source": found.source,
        "remedy": found.remedy,
        "codes": codes,
    }
    if as_json:
        typer.echo(json.dumps(facts | {"last_verdicts": [asdict(item) for item in past]}))
        return
    kind = "a person's decision on record" if found.kind == "attest" else "evidence from the stage"
    typer.echo(f"{found.id} version {found.version}, gate of {found.stage}: {found.title}")
    typer.echo(f"\n{inspect.getdoc(found.check)}\n\nIt checks {kind}.")
    typer.echo(f"\nSource: {found.source}\nWhat to do after a refusal: {found.remedy}\n")
    if codes:
        typer.echo(f"Its error codes, for `hearth explain CODE`: {', '.join(codes)}\n")
    typer.echo("Last verdicts:" if past else "There is no verdict of this rule in the audit folder yet.")
    for item in past:
        typer.echo(f"  {_verdict_line(item)}")


@app.command(name="list", epilog="Example:\n\n    hearth governance list --audit workspace/audit")
def list_rules(audit: AuditOption = _WORKSPACE_AUDIT, as_json: JsonOption = False) -> None:
    """List every rule with its stage, source and last ten verdicts."""
    from governance.history import verdicts
    from governance.rules import all_rules

    past = verdicts(audit)
    rows: list[dict[str, Any]] = [
        {
            "rule": item.id,
            "version": item.version,
            "stage": item.stage,
            "kind": item.kind,
            "title": item.title,
            "source": item.source,
            "last_verdicts": [found.verdict for found in past if found.rule == item.id][::-1][:10],
        }
        for item in all_rules()
    ]
    if as_json:
        typer.echo(json.dumps({"rules": rows}))
        return
    for row in rows:
        shown = " ".join(row["last_verdicts"]) or "no verdict yet"
        typer.echo(
            f"{row['rule']}  {row['stage']:<12}  {row['title']}\n        {row['source']}\n        {shown}"
        )


@app.command(epilog="Example:\n\n    hearth governance key siro.pem")
def key(
    out: Annotated[Path, typer.Argument(help="New file for the private key; it must not exist yet.")],
) -> None:
    """Make a signing key for yourself, and print its public key for [[principals]] in the agreement."""
    from governance.principals.fingerprint import fingerprint_of
    from governance.principals.signing_key import create_signing_key

    public = create_signing_key(out)
    typer.echo(f'public_key = "{public}"')
    typer.echo(
        f"fingerprint {fingerprint_of(public)}: give it to the other parties by another route, "
        "such as by telephone."
    )


@app.command(
    epilog="Example, at the supplier:\n\n    hearth governance announce nhs_person --config hearth.toml "
    "--sequence 8 --key supplier.pem\n\nThe manifest is written next to the extract. Send both."
)
def announce(
    table: Annotated[str, typer.Argument(help="Table of the extract, as named in hearth.toml.")],
    sequence: Annotated[
        int, typer.Option("--sequence", help="Sequence number, higher than that of the last file.", min=0)
    ],
    key: KeyOption,
    supplied: Annotated[
        date | None,
        typer.Option(
            "--supplied",
            help="Day of supply, such as 2026-11-20; today if left out.",
            parser=a_day,
            metavar="YYYY-MM-DD",
        ),
    ] = None,
    config: ConfigOption = Path("hearth.toml"),
) -> None:
    """Write and sign an extract's manifest: its digest, number of rows, sequence number and day."""
    from flows.actions.extract_signing import sign_extract

    path, rows, principal = sign_extract(config, table, sequence, supplied, key)
    typer.echo(f"Wrote {path}: {counted(rows, 'row')}, sequence number {sequence}, signed by {principal}.")


@app.command(epilog="Example:\n\n    hearth governance sign agreement.toml --key siro.pem")
def sign(agreement: AgreementArgument, key: KeyOption, principal: AsOption = None) -> None:
    """Sign an agreement as one of its signatories. The signature is stored in a file next to it."""
    from governance.agreement.agreement import read_agreement
    from governance.agreement.signature import add_signature, signature_path, signed_text
    from governance.principals.signing_key import key_of_principal

    read = read_agreement(agreement)
    signer, signing_key = key_of_principal(read, principal, "sign-agreement", key)
    text = signed_text(read.id, read.version, read.digest)
    add_signature(signature_path(agreement), text, signer, signing_key)
    _print_signature(read_agreement(agreement))


@app.command(
    epilog="Example:\n\n    hearth governance approve agreement.toml --specification 6f0a… --key me.pem"
)
def approve(
    agreement: AgreementArgument,
    specification: Annotated[
        str,
        typer.Option(
            "--specification",
            help="Digest of the specification, as printed in the refusal by PUB-01.",
            parser=a_specification,
        ),
    ],
    key: KeyOption,
    principal: AsOption = None,
) -> None:
    """Approve a release's specification. Two approvers are needed, and neither may run the pipeline."""
    from governance.agreement.agreement import read_agreement
    from governance.principals.signing_key import add_approval

    path = add_approval(agreement, read_agreement(agreement), specification, principal, key)
    typer.echo(f"The approval is recorded in {path}.")


@app.command(
    epilog="Example:\n\n    hearth governance waive agreement.toml --rule PRE-04 --until 2026-07-31 "
    '--reason "Toolkit published, status pending" --key siro.pem'
)
def waive(
    agreement: AgreementArgument,
    rule: Annotated[str, typer.Option("--rule", help="Id of the rule that warns.", parser=a_rule_id)],
    until: Annotated[
        date,
        typer.Option(
            "--until",
            help="Day on which the waiver ends, such as 2026-07-31. It does not cover that day.",
            parser=a_day,
            metavar="YYYY-MM-DD",
        ),
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why runs may continue.")],
    key: KeyOption,
    principal: AsOption = None,
) -> None:
    """Waive one rule's warning until a day, so that runs continue. A failure cannot be waived."""
    from governance.agreement.agreement import read_agreement
    from governance.principals.signing_key import add_waiver

    path = add_waiver(agreement, read_agreement(agreement), rule, reason, until, principal, key)
    typer.echo(f"The waiver is recorded in {path}.")


def _verdict_line(item: "PastVerdict") -> str:
    why = f": {item.reason}" if item.reason else f" ({item.observed})"
    return f"{item.time[:19]}  {item.run}  {item.part:<8} {item.verdict}{why}"


def _print_signature(read: "Agreement") -> None:
    typer.echo(f"Signature: {read.signature}, by {', '.join(read.signed_by) or 'no one'}.")
    if read.signature != "valid":
        typer.echo(
            f"It becomes valid when a signatory of each controller has signed: {', '.join(read.controllers)}."
        )
