"""`hearth audit timestamp`: trusted time for a checkpoint (optional)."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="timestamp",
    no_args_is_help=True,
    help="Optional: get a timestamp for the newest checkpoint from a time-stamp authority (RFC 3161).",
)
AuditArgument = Annotated[Path, typer.Argument(help="The audit folder.")]
_WORKSPACE_AUDIT = Path("workspace/audit")


@app.command(
    epilog="Example:\n\n    hearth audit timestamp request workspace/audit --out checkpoint.tsq\n\n"
    "Hearth opens no network connection. Send the query yourself, for example with curl."
)
def request(
    audit_dir: AuditArgument = _WORKSPACE_AUDIT,
    out: Annotated[Path, typer.Option("--out", help="File for the query.")] = Path("checkpoint.tsq"),
) -> None:
    """Write a query for the newest checkpoint, and next to it the text to be timestamped."""
    from governance.audit.timestamp import timestamp_request

    query, text, size = timestamp_request(audit_dir)
    out.write_bytes(query)
    out.with_suffix(".txt").write_bytes(text)
    typer.echo(
        f"Wrote {out}, a query for a timestamp of the first {size} entries, and {out.with_suffix('.txt')}, "
        "the text to be timestamped."
    )


@app.command(
    epilog="Example:\n\n    hearth audit timestamp accept reply.tsr workspace/audit "
    "--size 144 --certificate tsa.pem"
)
def accept(
    reply: Annotated[Path, typer.Argument(help="The authority's reply (.tsr).", exists=True, dir_okay=False)],
    audit_dir: AuditArgument = _WORKSPACE_AUDIT,
    size: Annotated[int, typer.Option("--size", help="Number of entries that the query covers.", min=0)] = 0,
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
    """Check the authority's reply and store it in the audit folder."""
    from cryptography.x509 import load_pem_x509_certificate

    from governance.audit.timestamp import accept_timestamp
    from governance.named_file import read_named

    roots = [load_pem_x509_certificate(read_named(path)) for path in certificate or ()]
    stamp = accept_timestamp(audit_dir, read_named(reply), size, roots)
    typer.echo(f"The first {stamp.size} entries existed by {stamp.time:%Y-%m-%d %H:%M:%S} UTC.")
    if not stamp.verified:
        typer.echo("The authority's signature was not verified. To verify it, use --certificate FILE.")
