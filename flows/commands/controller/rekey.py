"""`hearth keys rekey`: carry the noise of disclosure control over to a new linkage key."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.commands.operation.run import ConfigOption, JsonOption, WorkspaceOption
from flows.commands.printing import print_result

EXAMPLES = """
Examples:

    hearth keys rekey --controller council --from-version 1                 # at the controller

    hearth keys rekey --controller council --apply inbox/rekey-council-v2   # linkage environment
"""


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command(epilog=EXAMPLES)(rekey)


def rekey(
    controller: Annotated[
        Literal["council", "nhs"], typer.Option(help="The controller whose identifiers are used.")
    ],
    from_version: Annotated[
        int | None,
        typer.Option(help="Make pairs from this version of the key, which is now link-only.", min=1),
    ] = None,
    apply: Annotated[
        Path | None, typer.Option("--apply", help="Use the pairs in this folder, then destroy them.")
    ] = None,
    config: ConfigOption = Path("hearth.toml"),
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """After rotating the linkage key, carry over the noise of disclosure control.

    First, at each controller, use --from-version to package pairs of old and new pseudonyms, without
    identifiers. Then, in the linkage environment and before the first run with new packages, use --apply.
    Each household keeps its noise. The pairs are used once, then destroyed with a certificate.
    """
    if (from_version is None) == (apply is None):
        raise typer.BadParameter(
            "use exactly one of --from-version (at the controller) and --apply (in the linkage environment)"
        )
    if apply is None:
        assert from_version is not None  # noqa: S101  (one of the two is given)
        _make_pairs(controller, from_version, config, workspace, as_json)
    else:
        _apply_pairs(controller, apply, config, workspace, as_json)


def _apply_pairs(controller: str, folder: Path, config: Path, workspace: Path | None, as_json: bool) -> None:
    from flows.actions.key_custodian import KeyCustodian
    from flows.actions.rekeying import apply_pairs
    from flows.run.run import new_run_id
    from pipeline.project import read_project

    custodian = KeyCustodian.of(config, workspace)
    with custodian.recording("rekey-apply") as record:
        record["controller"] = controller
        carried = apply_pairs(read_project(config, workspace), controller, folder.absolute(), new_run_id())
        record.update({k: v for k, v in carried.as_json().items() if k != "certificate"})
        print_result(carried.as_json(), as_json)


def _make_pairs(
    controller: str, from_version: int, config: Path, workspace: Path | None, as_json: bool
) -> None:
    from flows.actions.key_custodian import KeyCustodian
    from flows.run.controller_run import rekey_at_source
    from flows.run.run import new_run_id
    from governance.canonical import digest_of_file
    from pipeline.project import read_project
    from pipeline.transfer.rekey import PAIRS_FILE

    custodian = KeyCustodian.of(config, workspace)
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
        print_result({"pairs": str(package)}, as_json)
