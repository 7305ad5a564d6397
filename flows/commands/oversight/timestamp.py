"""`hearth audit timestamp`: trusted time for a checkpoint, where an officer wants it."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="timestamp",
    no_args_is_help=True,
    help="Optional: have a time-stamp authority (RFC 3161) stamp the newest checkpoint.",
)
AuditArgument = Annotated[Path, typer.Argument(help="The audit folder.")]
_WORKSPACE_AUDIT = Path("workspace/audit")


@app.command(
    epilog="Example:\n\n    hearth audit timestamp request workspace/audit --out checkpoint.tsq\n\n"
    "Send the query yourself, for instance with curl: Hearth opens no connection."
)
def request(
    audit_dir: AuditArgument = _WORKSPACE_AUDIT,
    out: Annotated[Path, typer.Option("--out", help="The query to send.")] = Path("checkpoint.tsq"),
) -> None:
    """Write a query for the newest checkpoint, and beside it the text that is stamped."""
    from governance.audit.timestamp import timestamp_request

    query, text, size = timestamp_request(audit_dir)
    out.write_bytes(query)
    out.with_suffix(".txt").write_bytes(text)
    typer.echo(
        f"{out} asks for a stamp of the first {size} lines; {out.with_suffix('.txt')} is what is stamped."
    )


@app.command(
    epilog="Example:\n\n    hearth audit timestamp accept reply.tsr workspace/audit "
    "--size 144 --certificate tsa.pem"
)
def accept(
    reply: Annotated[Path, typer.Argument(help="The authority's reply (.tsr).", exists=True, dir_okay=False)],
    audit_dir: AuditArgument = _WORKSPACE_AUDIT,
    size: Annotated[int, typer.Option("--size", help="Entries that the query covers.", min=0)] = 0,
    certificate: Annotated[
        list[Path] | None,
        typer.Option(
            "--certificate",
            help="Root certificate of the authority (PEM), to verify its signature.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
) -> None:
    """Store a reply that stamps that checkpoint."""
    from cryptography.x509 import load_pem_x509_certificate

    from governance.audit.timestamp import accept_timestamp

    roots = [load_pem_x509_certificate(path.read_bytes()) for path in certificate or ()]
    stamp = accept_timestamp(audit_dir, reply.read_bytes(), size, roots)
    typer.echo(f"The first {stamp.size} entries existed by {stamp.time:%Y-%m-%d %H:%M:%S} UTC.")
    if not stamp.verified:
        typer.echo("The authority's signature is not verified: give its root certificate with --certificate.")
