"""`hearth keys rekey`: what was kept under the old linkage key is carried over to the new one."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.commands.controller.keys import custodian_of, tell
from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption

EXAMPLES = """
Examples:

    hearth keys rekey --controller council --from-version 1           (at the controller)

    hearth keys rekey --controller council --apply inbox/rekey-council-v2   (in the linkage environment)
"""


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command(epilog=EXAMPLES)(rekey)


def rekey(
    controller: Annotated[Literal["council", "nhs"], typer.Option(help="Whose extract the identifiers are.")],
    from_version: Annotated[
        int | None, typer.Option(help="Make pairs from this version, which is link-only now.", min=1)
    ] = None,
    apply: Annotated[
        Path | None, typer.Option("--apply", help="Use and destroy the pairs in this folder.")
    ] = None,
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """After an inner rotation, carry over what the linkage environment kept; no identifier travels.

    The key holder packages old and new pseudonyms, encrypted to the linkage environment. There they
    serve once, before the first run with new packages, so that nobody's noise is drawn anew; they are
    destroyed with a certificate.
    """
    if (from_version is None) == (apply is None):
        raise typer.BadParameter(
            "give --from-version at the controller, or --apply in the linkage environment"
        )
    if apply is None:
        assert from_version is not None  # noqa: S101  (one of the two was given)
        _make_pairs(controller, from_version, config, workspace, as_json)
    else:
        _apply_pairs(controller, apply, config, workspace, as_json)


def _apply_pairs(controller: str, folder: Path, config: Path, workspace: Path | None, as_json: bool) -> None:
    from flows.actions.rekeying import apply_pairs
    from flows.run.run import new_run_id
    from pipeline.project import read_project

    custodian = custodian_of(config, workspace)
    with custodian.recording("rekey-apply") as record:
        record["controller"] = controller
        carried = apply_pairs(read_project(config, workspace), controller, folder.absolute(), new_run_id())
        record.update({k: v for k, v in carried.as_json().items() if k != "certificate"})
        tell(carried.as_json(), as_json)


def _make_pairs(
    controller: str, from_version: int, config: Path, workspace: Path | None, as_json: bool
) -> None:
    from flows.run.controller_run import rekey_at_source
    from flows.run.run import new_run_id
    from governance.canonical import digest_of_file
    from pipeline.project import read_project
    from pipeline.transfer.rekey import PAIRS_FILE

    custodian = custodian_of(config, workspace)
    with custodian.recording("rekey") as record:
        project = read_project(config, workspace)
        package = rekey_at_source(project, controller, new_run_id(), from_version, as_json)
        record.update(
            {
                "controller": controller,
                "from_version": from_version,
                "pairs_sha256": digest_of_file(package / PAIRS_FILE),
            }
        )
        tell({"pairs": str(package)}, as_json)
