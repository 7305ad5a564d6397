"""`hearth link export-splink`: the project's linkage model as settings that Splink loads."""

from pathlib import Path

from governance.errors import Fault
from pipeline.link.comparison import TOO_WEAK_TO_LINK
from pipeline.link.explain.splink_settings import write_settings
from pipeline.link.model import default_model, read_model
from pipeline.project import Project


def export_settings(project: Project, folder: Path) -> tuple[Path, ...]:
    """Write the settings into `folder` and return their paths. Raises Fault if it cannot be written."""
    model = default_model() if project.model is None else read_model(project.model)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return write_settings(model, folder, TOO_WEAK_TO_LINK)
    except OSError as error:
        raise Fault(
            "OUT_NOT_WRITABLE",
            f"{folder} cannot be written ({error.strerror}), so no settings were exported.",
            "Use --out with a folder that you can write to.",
        ) from None
