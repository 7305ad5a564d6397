"""`hearth audit`: check the audit log, prove one entry, and have another office countersign it."""

import json
import os
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
    help="Check the audit log, prove what is in it, and have it witnessed.",
    epilog="To check the log on another machine: `hearth audit verifier hearth-verify.pyz` writes one file. "
    "Copy it there and run `python hearth-verify.pyz AUDIT_DIR`.",
)

AuditArgument = Annotated[Path, typer.Argument(help="The audit folder, or a copy of it.", show_default=True)]
LogKeyOption = Annotated[
    str,
    typer.Option(
        "--log-key",
        help="The log's public key, as you received it by another route.",
        parser=a_verifier_key,
    ),
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

Exit code: 0 intact, 2 tampered, 3 incomplete, 4 intact but not witnessed. The last line states the result in
plain English.

trust.json contains keys and checkpoints that you received by another route: {"log": ["KEY"],
"witnesses": ["KEY"], "checkpoints": ["CHECKPOINT"]}.
"""
)
def verify(
    audit_dir: AuditArgument = _WORKSPACE_AUDIT,
    trust: Annotated[
        Path | None,
        typer.Option("--trust", help="trust.json: keys and checkpoints received by another route."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check every entry, hash, signature and witness of an audit log, offline."""
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
    seq: Annotated[
        int | None, typer.Argument(help="Number of the entry, `seq` in audit.jsonl.", min=0)
    ] = None,
    audit: AuditOption = _WORKSPACE_AUDIT,
    out: Annotated[
        Path | None, typer.Option("--out", help="File for the proof; printed if left out.")
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option("--check", help="Instead, check this proof.", exists=True, dir_okay=False),
    ] = None,
    log_key: Annotated[
        str | None,
        typer.Option(
            "--log-key", help="The log's public key, to check the proof with.", parser=a_verifier_key
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that one entry is in the signed log (C2SP tlog-proof), or check such a proof."""
    from governance.audit.proof import check_proof, prove_line
    from governance.audit.verify import read_verifier_key
    from governance.errors import Fault, Refused
    from governance.named_file import read_named

    if check is not None:
        if log_key is None:
            raise Fault(
                "LOG_KEY_MISSING",
                "A proof can be checked only with the log's public key, and none was given.",
                "Add --log-key KEY. The audit folder has a copy of the key in log.vkey.",
            )
        try:
            line, number, checkpoint = check_proof(read_named(check), (read_verifier_key(log_key),))
        except ValueError as error:
            raise Refused(
                "PROOF_DOES_NOT_HOLD",
                f"{check.name} does not prove that the entry is in the log: {error}.",
                "Check the key given with --log-key. If it is right, have the proof made again: "
                "`hearth audit prove SEQ`.",
            ) from None
        shown = {
            "line": number,
            "of": checkpoint.size,
            "origin": checkpoint.origin,
            "event": json.loads(line),
        }
        typer.echo(
            json.dumps(shown)
            if as_json
            else f"{line.decode()}\nThis is entry {number} of the {checkpoint.size} that "
            f"{checkpoint.origin} signed."
        )
        return
    if seq is None:
        raise Fault(
            "LINE_NOT_NAMED",
            "No entry was chosen, so there is nothing to prove.",
            "Give its number (`seq` in audit.jsonl), such as `hearth audit prove 41`.",
        )
    proof = prove_line(audit, seq)
    if out is None:
        typer.echo(proof.decode(), nl=False)
    else:
        out.write_bytes(proof)
        typer.echo(f"{out} proves that entry {seq} is in the log.")


@app.command(
    epilog="""
Example:

    hearth audit request workspace/audit --old 120 --out request.txt

--old is the number of entries in the checkpoint that the witness signed last: 0 the first time.
"""
)
def request(
    audit_dir: AuditArgument = _WORKSPACE_AUDIT,
    old: Annotated[
        int, typer.Option("--old", help="Number of entries that the witness signed last time.", min=0)
    ] = 0,
    out: Annotated[Path, typer.Option("--out", help="File to send to the witness.")] = Path("request.txt"),
) -> None:
    """Write what a witness needs to countersign the newest checkpoint (C2SP tlog-witness)."""
    from governance.audit.witness import cosign_request

    out.write_bytes(cosign_request(audit_dir, old))
    typer.echo(f"Send {out} to the witness. Pass the witness's answer to `hearth audit accept`.")


@app.command(
    epilog="""
Examples:

    hearth audit request workspace/audit --old 120 --out grown.txt

    hearth audit consistency grown.txt --kept last-checkpoint.note --log-key "hearth/sample+1a2b3c4d+…"

The first command writes the proof. The second checks it against the checkpoint you kept; it signs nothing.
"""
)
def consistency(
    proof: Annotated[
        Path,
        typer.Argument(help="The proof, as `hearth audit request` writes it.", exists=True, dir_okay=False),
    ],
    log_key: LogKeyOption,
    kept: Annotated[
        Path, typer.Option("--kept", help="The checkpoint that you kept.", exists=True, dir_okay=False)
    ],
    as_json: JsonOption = False,
) -> None:
    """Check that entries were only added to the log since a checkpoint you kept (RFC 9162)."""
    from governance.audit.verify import read_verifier_key
    from governance.audit.witness import check_grown
    from governance.named_file import read_named

    before, after = check_grown(read_named(proof), read_named(kept), read_verifier_key(log_key))
    if as_json:
        typer.echo(json.dumps({"origin": after.origin, "old_size": before, "new_size": after.size}))
        return
    typer.echo(
        f"The first {before} of the {after.size} entries of {after.origin} are those of your checkpoint."
    )


@app.command(
    name="change-key",
    epilog="""
Example:

    hearth audit change-key --config hearth.toml --key operator.pem --out key-change.proof

Witnesses and officers check the proof with the key they already have, then note the new key:
`hearth audit prove --check key-change.proof --log-key OLD`.
""",
)
def change_key(
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    key: Annotated[Path | None, typer.Option("--key", help="Your key as an operator (PEM).")] = None,
    out: Annotated[Path, typer.Option("--out", help="File for the proof.")] = Path("key-change.proof"),
) -> None:
    """Change the key that signs the log. Both the old and the new key sign the change."""
    from flows.run.setup.authorisation import authorised_principal
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
    typer.echo(f"Entry {number} changes the key. {out} proves this, signed with the old key.")
    typer.echo(f"The log's new public key, for trust.json: {new}")


@app.command(
    epilog="""
Example, at the other controller's IG office:

    hearth audit cosign request.txt --key witness.pem --name nhs-ig-office \\
        --log-key "hearth/sample+1a2b3c4d+…" --kept last-checkpoint.note --out answer.note

The --kept file contains the checkpoint you signed last. It is compared with the request, then replaced.
"""
)
def cosign(
    request_file: Annotated[
        Path,
        typer.Argument(
            metavar="REQUEST", help="The request file from the operator.", exists=True, dir_okay=False
        ),
    ],
    key: Annotated[Path, typer.Option("--key", help="Your own Ed25519 key (PEM, mode 0600).")],
    name: Annotated[
        str, typer.Option("--name", help="Your office's name as a witness.", parser=a_signer_name)
    ],
    log_key: LogKeyOption,
    kept: Annotated[Path, typer.Option("--kept", help="File with the checkpoint you signed last.")],
    out: Annotated[Path, typer.Option("--out", help="File to send back to the operator.")] = Path(
        "answer.note"
    ),
) -> None:
    """Countersign a checkpoint if the log continues the one you kept; otherwise refuse."""
    from datetime import UTC, datetime

    from governance.audit.note import NoteSigner
    from governance.audit.signer import read_signing_key
    from governance.audit.verify import COSIGNATURE, read_verifier_key
    from governance.audit.witness import cosign as countersign
    from governance.named_file import read_named

    witness = NoteSigner(name, read_signing_key(key))
    before = read_named(kept) if os.path.lexists(kept) else None
    request = read_named(request_file)
    answer = countersign(request, before, read_verifier_key(log_key), witness, datetime.now(UTC))
    out.write_bytes(answer)
    kept.write_bytes(answer)
    typer.echo(f"Countersigned. Send {out} to the operator, and keep {kept} for next time.")
    typer.echo(f"Your public key, for trust.json: {witness.verifier_key(COSIGNATURE)}")


@app.command(
    epilog="""
Example:

    hearth audit accept answer.note --audit workspace/audit --witness "nhs-ig-office+5e6f7a8b+…"
"""
)
def accept(
    answer: Annotated[
        Path, typer.Argument(help="The file that the witness sent back.", exists=True, dir_okay=False)
    ],
    witness: Annotated[
        str, typer.Option("--witness", help="The witness's public key.", parser=a_verifier_key)
    ],
    audit: AuditOption = _WORKSPACE_AUDIT,
) -> None:
    """Add a witness's signature to the checkpoint that it belongs to."""
    from governance.audit.verify import read_verifier_key
    from governance.audit.witness import accept_cosignature
    from governance.named_file import read_named

    size = accept_cosignature(audit, read_named(answer), read_verifier_key(witness))
    typer.echo(f"The first {size} entries of the log are now witnessed.")


@app.command(
    epilog="""
Example:

    hearth audit verifier hearth-verify.pyz && python hearth-verify.pyz workspace/audit
"""
)
def verifier(
    out: Annotated[Path, typer.Argument(help="File to write.")] = Path("hearth-verify.pyz"),
) -> None:
    """Write the verifier as one file, for a machine that has only Python and `cryptography`."""
    from governance.audit.standalone_verifier import write_verifier

    size = write_verifier(out)
    typer.echo(
        f"Wrote {out} ({size:,} bytes). Run it with `python {out} AUDIT_DIR`, and for a release with "
        f"`python {out} --release RELEASE AUDIT_DIR`."
    )


@app.command(
    epilog="""
Examples:

    hearth audit report --config hearth.toml --month 2026-11 --out november.html

    hearth audit report --run 20261121T020000Z-1a2b --pack evidence --trust trust.json

The page needs no network and no script, and prints on A4. --pack also writes an RO-Crate (Five Safes profile)
with the page, the log, the verifier, the agreement and every certificate.
"""
)
def report(
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    run: Annotated[
        str | None, typer.Option("--run", help="Id of a run; the newest if left out.", parser=a_run_id)
    ] = None,
    month: Annotated[
        str | None,
        typer.Option(
            "--month",
            help="Report on a month instead, such as 2026-11.",
            parser=a_month,
            metavar="YYYY-MM",
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="File for the page.")] = Path("governance-report.html"),
    pack: Annotated[
        Path | None, typer.Option("--pack", help="Folder for an evidence pack, as well as the page.")
    ] = None,
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
        trusted = None if trust is None else read_trust(trust)
    except (OSError, ValueError) as error:
        raise Fault(
            "TRUST_UNREADABLE",
            f"trust.json could not be read ({error}), so no report was written.",
            "Correct the file; `hearth audit verify --help` shows its form.",
        ) from None
    audit = project.workspace / AUDIT
    runs = [event["run"] for event in events(audit) if event["event"] == "run_start"]
    scope = month or run or (runs[-1] if runs else "")
    facts = gather(project.workspace, read_agreement(project.agreement), scope, trusted)
    out.write_text(render_page(facts), "utf-8")
    if pack is not None:
        from governance.report.crate import write_crate

        write_crate(facts, project.workspace, project.agreement, pack)
    if as_json:
        written = {"scope": scope, "page": str(out), "pack": None if pack is None else str(pack)}
        typer.echo(json.dumps(written | {"summary": summary(facts), "attention": facts.attention}))
        return
    for sentence in (*summary(facts), *facts.attention):
        typer.echo(sentence)
    typer.echo(f"Report: {out}{'' if pack is None else f'. Evidence pack: {pack}'}")
