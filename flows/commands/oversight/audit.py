"""`hearth audit`: check the log, prove a line, have another office countersign it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.argument_types import a_month, a_run_id, a_signer_name, a_verifier_key
from flows.commands.operation.run import ConfigOption, WorkspaceOption
from flows.commands.oversight import timestamp
from schemas.storage.zones import AUDIT

app = typer.Typer(
    name="audit",
    no_args_is_help=True,
    help="Check the audit log, prove what it holds, and have it witnessed.",
    epilog="The log can be checked on another machine: `hearth audit verifier hearth-verify.pyz`, then "
    "`python hearth-verify.pyz AUDIT_DIR`.",
)

AuditArgument = Annotated[Path, typer.Argument(help="The audit folder, or a copy of it.", show_default=True)]
LogKeyOption = Annotated[
    str,
    typer.Option("--log-key", help="The log's key, as you got it elsewhere.", parser=a_verifier_key),
]
AuditOption = Annotated[Path, typer.Option("--audit", help="The audit folder, or a copy of it.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_WORKSPACE_AUDIT = Path("workspace/audit")


def add_to(parent: typer.Typer) -> None:
    """Mount the commands."""
    app.add_typer(timestamp.app)
    parent.add_typer(app)


@app.command(
    epilog="""
Examples:

    hearth audit verify workspace/audit

    hearth audit verify workspace/audit --trust trust.json --json

Exit code: 0 intact, 2 tampered, 3 incomplete, 4 intact but unwitnessed. The last line is plain English.

trust.json holds what you got from elsewhere: {"log": ["<key>"], "witnesses": ["<key>"],
"checkpoints": ["<a checkpoint you kept>"]}.
"""
)
def verify(
    audit_dir: AuditArgument = _WORKSPACE_AUDIT,
    trust: Annotated[
        Path | None, typer.Option("--trust", help="trust.json: keys and checkpoints held elsewhere.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check every line, chain, tree, signature and witness of an audit log, offline."""
    from governance.audit.verify import main

    arguments = [
        str(audit_dir),
        *(["--trust", str(trust)] if trust else []),
        *(["--json"] if as_json else []),
    ]
    raise typer.Exit(main(arguments))


@app.command(
    epilog="""
Examples:

    hearth audit prove 41 --audit workspace/audit --out line-41.proof

    hearth audit prove --check line-41.proof --log-key "$(cat log.vkey)"
"""
)
def prove(
    seq: Annotated[int | None, typer.Argument(help="Number of the line, from 0.", min=0)] = None,
    audit: AuditOption = _WORKSPACE_AUDIT,
    out: Annotated[Path | None, typer.Option("--out", help="Where to write the proof; else printed.")] = None,
    check: Annotated[
        Path | None,
        typer.Option("--check", help="Check this proof instead.", exists=True, dir_okay=False),
    ] = None,
    log_key: Annotated[
        str | None, typer.Option("--log-key", help="The log's key, to check with.", parser=a_verifier_key)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that one line is in the signed log (C2SP tlog-proof), or check such a proof."""
    from governance.audit.proof import check_proof, prove_line
    from governance.audit.verify import read_verifier_key
    from governance.errors import Fault, Refused

    if check is not None:
        if log_key is None:
            raise Fault(
                "LOG_KEY_MISSING", "A proof is checked with the log's key.", "Give it with --log-key."
            )
        try:
            line, number, checkpoint = check_proof(check.read_bytes(), (read_verifier_key(log_key),))
        except ValueError as error:
            raise Refused(
                "PROOF_DOES_NOT_HOLD", f"{check.name}: {error}.", "Ask for another proof."
            ) from None
        told = {"line": number, "of": checkpoint.size, "origin": checkpoint.origin, "event": json.loads(line)}
        typer.echo(
            json.dumps(told)
            if as_json
            else f"{line.decode()}\nThis is line {number} of the {checkpoint.size} that "
            f"{checkpoint.origin} signed."
        )
        return
    if seq is None:
        raise Fault("LINE_NOT_NAMED", "No line was named.", "Give its number, as `seq` in audit.jsonl.")
    proof = prove_line(audit, seq)
    if out is None:
        typer.echo(proof.decode(), nl=False)
    else:
        out.write_bytes(proof)
        typer.echo(f"Line {seq} is proven by {out}.")


@app.command(
    epilog="""
Example:

    hearth audit request workspace/audit --old 120 --out request.txt

--old: lines under the checkpoint that the witness signed last; 0 for its first.
"""
)
def request(
    audit_dir: AuditArgument = _WORKSPACE_AUDIT,
    old: Annotated[int, typer.Option("--old", help="Lines the witness signed last.", min=0)] = 0,
    out: Annotated[Path, typer.Option("--out", help="The file to send.")] = Path("request.txt"),
) -> None:
    """Write what a witness needs to countersign the newest checkpoint (C2SP tlog-witness)."""
    from governance.audit.witness import cosign_request

    out.write_bytes(cosign_request(audit_dir, old))
    typer.echo(f"Send {out} to the witness; what comes back goes to `hearth audit accept`.")


@app.command(
    epilog="""
Examples:

    hearth audit request workspace/audit --old 120 --out grown.txt

    hearth audit consistency grown.txt --kept last-checkpoint.note --log-key "hearth/sample+1a2b3c4d+…"

The first writes the proof, the second checks it against the checkpoint you kept, without signing anything.
"""
)
def consistency(
    proof: Annotated[
        Path,
        typer.Argument(help="The proof, as `hearth audit request` writes it.", exists=True, dir_okay=False),
    ],
    log_key: LogKeyOption,
    kept: Annotated[
        Path, typer.Option("--kept", help="The checkpoint you kept.", exists=True, dir_okay=False)
    ],
    as_json: JsonOption = False,
) -> None:
    """Check that the log only grew since a checkpoint that you kept (RFC 9162 consistency proof)."""
    from governance.audit.verify import read_verifier_key
    from governance.audit.witness import check_grown

    before, after = check_grown(proof.read_bytes(), kept.read_bytes(), read_verifier_key(log_key))
    if as_json:
        typer.echo(json.dumps({"origin": after.origin, "old_size": before, "new_size": after.size}))
        return
    typer.echo(f"The first {before} of the {after.size} lines of {after.origin} are those you kept.")


@app.command(
    name="change-key",
    epilog="""
Example:

    hearth audit change-key --config hearth.toml --key operator.pem --out key-change.proof

Witnesses and officers check the proof with the key they know, then note the new one:
`hearth audit prove --check key-change.proof --log-key OLD`.
""",
)
def change_key(
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    key: Annotated[Path | None, typer.Option("--key", help="Your key: an operator's.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Where to write the proof.")] = Path("key-change.proof"),
) -> None:
    """Change the key that signs the log; the old key and the new one both sign the change."""
    from flows.actions.authorisation import authorised_principal
    from governance.agreement.agreement import read_agreement
    from governance.audit.key_change import change_log_key
    from pipeline.project import read_project
    from pipeline.workspace import Workspace

    project = read_project(config, workspace)
    actor, _ = authorised_principal(project, read_agreement(project.agreement), "rotate-log-key", key)
    place = Workspace.open(project.workspace)
    with place.lock():
        number, new, proof = change_log_key(
            place.zone("audit"), place.zone("keys"), f"hearth/{project.name}", actor
        )
    out.write_bytes(proof)
    typer.echo(f"Line {number} puts the new key in force; {out} proves it under the old one.")
    typer.echo(f"The log's key, for trust.json: {new}")


@app.command(
    epilog="""
Example, at the other controller's IG office:

    hearth audit cosign request.txt --key witness.pem --name nhs-ig-office
        --log-key "hearth/sample+1a2b3c4d+…" --kept last-checkpoint.note --out answer.note

The file named by --kept is your memory: it is read, held against the request, and replaced.
"""
)
def cosign(
    request_file: Annotated[
        Path,
        typer.Argument(metavar="REQUEST", help="The operator's request.", exists=True, dir_okay=False),
    ],
    key: Annotated[Path, typer.Option("--key", help="Your Ed25519 key (PEM, mode 0600).")],
    name: Annotated[str, typer.Option("--name", help="Your name as a witness.", parser=a_signer_name)],
    log_key: LogKeyOption,
    kept: Annotated[Path, typer.Option("--kept", help="The checkpoint you signed last.")],
    out: Annotated[Path, typer.Option("--out", help="The answer to send back.")] = Path("answer.note"),
) -> None:
    """Countersign a checkpoint that continues the one you kept; refuse any other history."""
    from datetime import UTC, datetime

    from governance.audit.note import NoteSigner
    from governance.audit.signer import read_signing_key
    from governance.audit.verify import COSIGNATURE, read_verifier_key
    from governance.audit.witness import cosign as countersign

    witness = NoteSigner(name, read_signing_key(key))
    before = kept.read_bytes() if kept.exists() else None
    answer = countersign(
        request_file.read_bytes(), before, read_verifier_key(log_key), witness, datetime.now(UTC)
    )
    out.write_bytes(answer)
    kept.write_bytes(answer)
    typer.echo(f"Countersigned: send {out} back, and keep {kept}.")
    typer.echo(f"Your key, for trust.json: {witness.verifier_key(COSIGNATURE)}")


@app.command(
    epilog="""
Example:

    hearth audit accept answer.note --audit workspace/audit --witness "nhs-ig-office+5e6f7a8b+…"
"""
)
def accept(
    answer: Annotated[Path, typer.Argument(help="What the witness sent back.", exists=True, dir_okay=False)],
    witness: Annotated[str, typer.Option("--witness", help="The witness's key.", parser=a_verifier_key)],
    audit: AuditOption = _WORKSPACE_AUDIT,
) -> None:
    """Put a witness's signature under the checkpoint that it is of."""
    from governance.audit.verify import read_verifier_key
    from governance.audit.witness import accept_cosignature

    size = accept_cosignature(audit, answer.read_bytes(), read_verifier_key(witness))
    typer.echo(f"The first {size} lines of the log are witnessed.")


@app.command(
    epilog="""
Example:

    hearth audit verifier hearth-verify.pyz && python hearth-verify.pyz workspace/audit
"""
)
def verifier(
    out: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("hearth-verify.pyz"),
) -> None:
    """Write the verifier as one file, for a machine that has Python and `cryptography` alone."""
    from governance.audit.standalone_verifier import write_verifier

    size = write_verifier(out)
    typer.echo(f"{out} ({size:,} bytes): run it with `python {out} AUDIT_DIR`.")


@app.command(
    epilog="""
Examples:

    hearth audit report --config hearth.toml --month 2026-11 --out november.html

    hearth audit report --run 20261121T020000Z-1a2b --pack evidence --trust trust.json

The page needs no network and no script, and prints on A4. --pack writes it with the log, the verifier, the
agreement and every certificate as an RO-Crate (Five Safes profile).
"""
)
def report(
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    run: Annotated[
        str | None, typer.Option("--run", help="A run's id; else its newest.", parser=a_run_id)
    ] = None,
    month: Annotated[
        str | None,
        typer.Option("--month", help="A month, such as 2026-11.", parser=a_month, metavar="YYYY-MM"),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The page to write.")] = Path("governance-report.html"),
    pack: Annotated[Path | None, typer.Option("--pack", help="Also write the evidence pack here.")] = None,
    trust: Annotated[Path | None, typer.Option("--trust", help="trust.json, as for `verify`.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the report of a run or a month for an information-governance officer."""
    from governance.agreement.agreement import read_agreement
    from governance.audit.verify import read_trust
    from governance.errors import Fault
    from governance.history import events
    from governance.report.facts import gather
    from governance.report.page import render_page
    from governance.report.wording import summary
    from pipeline.project import read_project

    project = read_project(config, workspace)
    try:
        known = None if trust is None else read_trust(trust)
    except (OSError, ValueError) as error:
        raise Fault("TRUST_UNREADABLE", f"trust.json: {error}.", "Mend it; see `verify --help`.") from None
    audit = project.workspace / AUDIT
    runs = [event["run"] for event in events(audit) if event["event"] == "run_start"]
    scope = month or run or (runs[-1] if runs else "")
    facts = gather(project.workspace, read_agreement(project.agreement), scope, known)
    out.write_text(render_page(facts), "utf-8")
    if pack is not None:
        from governance.report.crate import write_crate

        write_crate(facts, project.workspace, project.agreement, pack)
    if as_json:
        told = {"scope": scope, "page": str(out), "pack": None if pack is None else str(pack)}
        typer.echo(json.dumps(told | {"summary": summary(facts), "attention": facts.attention}))
        return
    for sentence in (*summary(facts), *facts.attention):
        typer.echo(sentence)
    typer.echo(f"The page is {out}{'' if pack is None else f', the evidence pack {pack}'}.")
