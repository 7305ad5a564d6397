"""`hearth releases`: list what was published, query it, and open an epoch for a correction."""

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.operation.run import ConfigOption
from governance.counted import counted
from governance.errors import Fault

app = typer.Typer(no_args_is_help=True, help="List and query published releases, and publish a correction.")

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
    """List the releases of a workspace, newest first. Each is checked against its manifest."""
    from pipeline.publish.files.manifest import verify_release

    found: list[dict[str, Any]] = []
    for folder in _newest_first(releases):
        verify_release(folder)
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        found.append({"release": folder.name, "epoch": manifest["epoch"], "files": len(manifest["files"])})
    if as_json:
        typer.echo(json.dumps(found))
        return
    for release in found:
        files = counted(release["files"], "file")
        typer.echo(f"{release['release']}  epoch {release['epoch']}  {files}, unchanged since published")


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
    from pipeline.publish.query import query_release

    folders = [f for f in _newest_first(releases) if release in (None, f.name)]
    if not folders:
        raise Fault(
            "NO_RELEASE",
            f"There is no {'release' if release is None else 'release of that name'} in {releases}.",
            "See `hearth releases list`. Name another folder with --releases, or publish with `hearth run`.",
        )
    table = query_release(folders[0], sql)
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


def _newest_first(releases: Path) -> list[Path]:
    folders = [
        p for p in releases.glob("*") if (p / "manifest.json").is_file() and not p.name.startswith(".")
    ]
    return sorted(folders, key=lambda p: (p / "manifest.json").stat().st_mtime, reverse=True)
