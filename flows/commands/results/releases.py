"""`hearth releases`: list what was published, verify and query it, and open an epoch for a correction."""

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.operation.run import ConfigOption
from governance.counted import counted
from governance.errors import Fault

app = typer.Typer(
    no_args_is_help=True, help="List, query and verify published releases, and publish a correction."
)

FolderOption = Annotated[
    Path, typer.Option("--releases", help="Folder that contains the releases.", file_okay=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
_RELEASES = Path("workspace/releases")


def add_to(parent: typer.Typer) -> None:
    """Mount the commands."""
    parent.add_typer(app, name="releases")


@app.command(name="list", epilog="Example:\n\n    hearth releases list --releases workspace/releases")
def list_releases(releases: FolderOption = _RELEASES, as_json: JsonOption = False) -> None:
    """List the releases of a workspace, newest first. Each is checked as `hearth releases verify` does.

    Exit code: 0, or 2 if a release is not as it was published.
    """
    from flows.actions.release_reading import release_folders
    from governance.errors import Finding
    from pipeline.publish.release_check import ReleaseChecker, is_release, release_changed

    found: list[dict[str, Any]] = []
    changed: list[Finding] = []
    notes: set[str] = set()
    checker = ReleaseChecker()
    folders = release_folders(releases)
    for folder in folders:
        differences, note = checker.findings(folder)
        changed += differences
        notes.add(note)
        if differences or not is_release(folder):
            continue
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        found.append({"release": folder.name, "epoch": manifest["epoch"], "files": len(manifest["files"])})
    if as_json:
        typer.echo(json.dumps(found))
    else:
        if not found and not changed:
            typer.echo("There is no release in this folder yet. `hearth run` publishes one.", err=True)
        for release in found:
            files = counted(release["files"], "file")
            typer.echo(f"{release['release']}  epoch {release['epoch']}  {files}, unchanged since published")
    if absent := sorted(checker.recorded(releases) - {folder.name for folder in folders}):
        notes.add(
            f"Note: the audit log records {counted(len(absent), 'release that is', 'releases that are')} "
            f"not in this folder (moved or deleted): {', '.join(absent)}."
        )
    for note in sorted(notes - {""}):
        typer.echo(note, err=True)
    if changed:
        raise release_changed(tuple(changed))


VERIFY_EXAMPLES = """
Examples:

    hearth releases verify workspace/releases/2026-03-31-0123456789ab

    hearth releases verify 2026-03-31-0123456789ab --audit audit-copy --trust trust.json --json

Exit code: 0 if files, manifest, signed statement and audit log agree, 2 if the release was changed, 3 if it
cannot be confirmed. The last line states the result in plain English. It needs no network. Without Hearth:
`python hearth-verify.pyz --release RELEASE AUDIT_DIR` (`hearth audit verifier` writes that file).
"""


@app.command(epilog=VERIFY_EXAMPLES)
def verify(
    release: Annotated[Path, typer.Argument(help="Folder of the release, or a copy of it.")],
    audit: Annotated[
        Path | None,
        typer.Option("--audit", help="The audit folder, or a copy of it. [default: the workspace's]"),
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option("--trust", help="trust.json: keys and checkpoints received by another route."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check whether a release's files, manifest, signed statement and audit log agree, offline."""
    from governance.audit.verify import main
    from pipeline.publish.release_check import audit_folder_of

    folder = audit or audit_folder_of(release)
    arguments = [
        "--release",
        str(release),
        *([str(folder)] if folder else []),
        *(["--trust", str(trust)] if trust else []),
        *(["--json"] if as_json else []),
    ]
    raise typer.Exit(main(arguments))


QUERY_EXAMPLES = """
Examples:

    hearth releases query "SELECT table_id, title FROM catalogue"

    hearth releases query "SELECT area_code, tenure, value FROM health_by_tenure WHERE measure = 'households'"
"""


@app.command(epilog=QUERY_EXAMPLES)
def query(
    sql: Annotated[str, typer.Argument(help="One SELECT statement. Each table of the release is a view.")],
    releases: FolderOption = _RELEASES,
    release: Annotated[str | None, typer.Option(help="Name of a release; the newest if left out.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run one SELECT over one release; nothing can be written and no other file read."""
    from flows.actions.release_reading import checked_release, release_folders
    from pipeline.publish.query import query_release

    folders = [f for f in release_folders(releases) if release in (None, f.name)]
    if not folders:
        raise Fault(
            "NO_RELEASE",
            f"There is no {'release' if release is None else 'release of that name'} in {releases}.",
            "See `hearth releases list`. Name another folder with --releases, or publish with `hearth run`.",
        )
    table = query_release(checked_release(folders[0]), sql)
    if as_json:
        typer.echo(json.dumps(table.to_pylist(), default=str))
    else:
        typer.echo(table.to_pandas().to_string(index=False, na_rep=""))


CORRECT_EXAMPLES = """
Example:

    hearth releases correct --reason "One landlord's tenure codes were read wrongly" --config hearth.toml

The next run publishes the corrected values as a new epoch. As at every start of an epoch, an area keeps its
old values if fewer than the agreed number of its households changed.
"""


@app.command(epilog=CORRECT_EXAMPLES)
def correct(
    reason: Annotated[
        str, typer.Option(help="Reason, printed with the release. It must not identify anyone.")
    ],
    config: ConfigOption = Path("hearth.toml"),
) -> None:
    """Open a new epoch for a correction, with a section in hearth.toml. Published releases never change."""
    from governance.agreement.agreement import read_agreement
    from pipeline.disclosure.epoch import epoch_of
    from pipeline.disclosure.profile import profile_of
    from pipeline.project import read_project

    project = read_project(config)
    epoch = epoch_of(project.reference_date, profile_of(read_agreement(project.agreement)).epoch)
    earlier = project.correction
    number = earlier.number + 1 if earlier is not None and earlier.epoch == epoch else 1
    quoted = json.dumps(reason, ensure_ascii=False)
    section = f'[correction]\nepoch = "{epoch}"\nnumber = {number}\nreason = {quoted}\n'
    text = re.sub(r"(?ms)^\[correction\]\n.*?(?=^\[|\Z)", "", config.read_text("utf-8")).rstrip("\n")
    config.write_text(f"{text}\n\n{section}", "utf-8")
    typer.echo(f"Changed {config}: the next run publishes epoch {epoch}-correction-{number:02d}.")
