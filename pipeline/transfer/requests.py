"""Where people's requests take effect: at the controller, which has the identifiers, and nowhere else."""

from governance.errors import Finding, Refused
from governance.retention.rights import FILE
from pipeline.project import Project
from pipeline.transfer.settings import read_transfer_settings
from schemas.storage.zones import CLEAR


def check_request_can_take_effect(project: Project, controller: str) -> None:
    """Raise Refused in the linkage environment, which has no identifiers and cannot find a person."""
    if not _is_linkage_environment(project):
        return
    raise Refused(
        "REQUEST_AT_CONTROLLER",
        "This hearth.toml is the linkage environment's. It has no identifiers, so a request recorded here "
        "would never take effect. Nothing was recorded.",
        f"Record the request with `hearth retention request` at the place of {controller}. Its next package "
        "leaves the person out.",
    )


def check_no_request_is_here(project: Project) -> None:
    """Raise Refused if the linkage environment's workspace has a request, which names a person in clear."""
    if not _is_linkage_environment(project):
        return
    found = sorted(path.parent.name for path in (project.workspace / CLEAR).glob(f"*/{FILE}"))
    if found:
        raise Refused(
            "IDENTIFIERS_IN_LINKAGE",
            "The workspace of the linkage environment has people's requests with identifiers in clear. They "
            "have no effect here.",
            f"Record them at the controllers. Then delete clear/{{controller}}/{FILE} here, and repeat the "
            "command.",
            tuple(Finding("PSE-03", name, f"has {FILE} in the zone clear") for name in found),
        )


def _is_linkage_environment(project: Project) -> bool:
    return project.custody != "single-operator" and read_transfer_settings(project).identity is not None
