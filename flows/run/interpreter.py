"""How the Python that runs Hearth was started, and whether anything outside its environment can change it.

`hearth` starts an isolated interpreter (`python -I`), and so do the systemd units: it ignores every PYTHON*
variable, the current folder and the account's own site-packages. In production, PRE-05 refuses a run whose
interpreter was started in another way, and a run whose variables would change which modules are imported.
"""

import os
import site
import sys
import sysconfig
from pathlib import Path

from pipeline.code_version import ROOT, environment_folders

#: Variables by which Python imports, runs or optimises something else. An isolated interpreter ignores them.
ALTERING_VARIABLES = (
    "PYTHONBREAKPOINT",
    "PYTHONCASEOK",
    "PYTHONEXECUTABLE",
    "PYTHONHOME",
    "PYTHONINSPECT",
    "PYTHONOPTIMIZE",
    "PYTHONPATH",
    "PYTHONPLATLIBDIR",
    "PYTHONPYCACHEPREFIX",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "PYTHONWARNINGS",
)
_STARTUP_MODULES = ("sitecustomize", "usercustomize")


def import_overrides() -> list[str]:
    """Return what can change the modules that this process imports, by name; empty where nothing can."""
    found = [name for name in ALTERING_VARIABLES if name in os.environ]
    if not sys.flags.isolated and not (sys.flags.safe_path and sys.flags.no_user_site):
        found.append("interpreter not isolated")
    if site.ENABLE_USER_SITE:
        found.append("user site-packages")
    allowed = _own_folders()
    if any(not _is_within(Path(entry or Path.cwd()), allowed) for entry in sys.path):
        found.append("import folder outside the environment")
    for name in _STARTUP_MODULES:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is not None and not _is_within(Path(file), (*allowed, Path("/etc"))):
            found.append(f"{name} outside the environment")
    return found


def _own_folders() -> tuple[Path, ...]:
    """Return the folders of the standard library and of the environment, and the one with the packages."""
    standard = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")}
    return (*(Path(path).resolve() for path in standard), *(f.resolve() for f in environment_folders()), ROOT)


def _is_within(path: Path, folders: tuple[Path, ...]) -> bool:
    resolved = path.resolve()
    zipped = Path(f"python{sys.version_info.major}{sys.version_info.minor}.zip")
    if resolved.name == zipped.name and any(resolved.parent == folder.parent for folder in folders):
        return True
    return any(
        resolved == folder or (folder != ROOT and resolved.is_relative_to(folder)) for folder in folders
    )
