"""The evidence of a run before it starts: who started it, which code, which papers and settings.

Facts:

    custody                 from hearth.toml
    production              whether people must be taken for real, see `pipeline/project.py`
    code_version            digest of the code, see `pipeline/code_version.py`
    libraries               number of libraries whose list of files is in that digest
    python                  version of the interpreter
    import_overrides        what can change the modules that are imported, see `flows/run/interpreter.py`
    altered_bytecode        modules whose stored bytecode is not that of their source
    reference_date          the date for which households are formed
    extracts                names of the extract tables that are configured
    mapped_columns          extract table -> contract columns that hearth.toml maps
    publishes               whether the run ends in a release
    first_published         day on which this workspace first published a release; null where it never did
    disclosure_criteria     the method's numbers, as they will be stored with the release
    waivers                 ids of the waivers under the agreement, whether in force or not
    model_digest            digest of the linkage model; null where the run publishes nothing
    run_id, action, presented, unknown_keys, mandates      see `governance/principals/run_authorisation.py`
"""

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.run.interpreter import import_overrides
from governance.agreement.agreement import Agreement
from governance.agreement.decisions import waiver_ids
from governance.artefact import Evidence
from governance.history import first_published
from pipeline.code_version import altered_bytecode, code_version, environment_folders, library_records
from pipeline.link.model import default_model, read_model
from pipeline.printable import shown
from pipeline.project import Project
from pipeline.publish.files.release_content import criteria_of
from schemas.storage.zones import AUDIT


def run_evidence(
    project: Project, agreement: Agreement, authorisation: Mapping[str, Any], publishes: bool = True
) -> Evidence:
    """Collect the facts that the rules before a run check. authorisation: who starts the run."""
    return Evidence(
        "run", "all", {**code_facts(), **paper_facts(project, agreement, publishes), **authorisation}
    )


def code_facts() -> dict[str, Any]:
    """Return which code would run, and whether anything can change what it imports."""
    return {
        "code_version": code_version(),
        "libraries": len(library_records(environment_folders())),
        "python": platform.python_version(),
        "import_overrides": import_overrides(),
        "altered_bytecode": altered_bytecode(),
    }


def paper_facts(project: Project, agreement: Agreement, publishes: bool = True) -> dict[str, Any]:
    """Return what follows from hearth.toml, the agreement and earlier runs of the workspace."""
    return {
        "custody": project.custody,
        "production": project.production,
        "reference_date": project.reference_date.isoformat(),
        "extracts": sorted(map(shown, project.extracts)),
        "mapped_columns": {
            shown(name): sorted(map(shown, item.columns)) for name, item in sorted(project.extracts.items())
        },
        "publishes": publishes,
        "first_published": _first_published(project.workspace),
        "waivers": waiver_ids(agreement),
        "disclosure_criteria": criteria_of(project, agreement),
        "model_digest": _model_digest(project) if publishes else None,
    }


def _first_published(workspace: Path) -> str | None:
    day = first_published(workspace / AUDIT)
    return None if day is None else day.isoformat()


def _model_digest(project: Project) -> str:
    return (default_model() if project.model is None else read_model(project.model)).digest
