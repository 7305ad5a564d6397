"""`hearth train`: train a linkage model on a project's own records, for approval by its digest.

With true pairs (synthetic data, a clerical sample) every weight is learned. Without them only the priors
are fitted to the records, and the weights of the project's model stay the same. A run never trains: it
uses the model that the agreement approves.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa

from flows.actions.evaluation import named_records, truth_of_other_extracts
from flows.run.nightly_run import NightlyRun
from flows.run.reporting.display import Display
from flows.run.run import new_run_id
from flows.run.setup.run_setup import RunSetup, set_up_run
from governance.artefact import Artefact
from governance.errors import Fault
from governance.keys.providers.provider import KeyProvider
from pipeline.ingest.inspection import InspectedExtract, inspect_extracts, open_table
from pipeline.link.model import Model, default_model, read_model
from pipeline.link.training.learning import blank_model
from pipeline.link.training.train import (
    MODEL_FILE,
    Labelled,
    Training,
    Truth,
    adapt,
    registered,
    train,
)
from pipeline.project import Project, read_project
from pipeline.quality.truth_files import TRUTH_COLUMNS
from pipeline.workspace import Workspace
from sample_data.truth.linkage_truth import household_truth, residence_truth


def train_project(
    project: Project, out: Path, truth: Path | None = None, others: Sequence[Path] = ()
) -> Training:
    """Train on a project's extracts and write `model.json` and `model-card.md` into `out`.

    truth: the `truth` folder of a population of `hearth synth`. others: folders that `hearth synth` wrote,
    which are trained on as well. The extracts go through the same stages as in a run: ingest, pseudonymise,
    gates, audit log. Raises Fault if out or truth cannot be used.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Fault(
            "OUT_NOT_WRITABLE",
            f"{out} cannot be written ({error.strerror}), so no model was trained.",
            "Use --out with a folder that you can write to.",
        ) from None
    if truth is None:
        base = _base(project)
        with _pseudonymised_project(project) as (run, council, nhs):
            return adapt(council, nhs, project.engine, run.context.spill, out, base)
    folders = [truth, *(folder / "truth" for folder in others)]
    projects = [project, *(read_project(folder / "hearth.toml") for folder in others)]
    labelled = []
    with ExitStack() as connections:
        for each, folder in zip(projects, folders, strict=True):
            with _pseudonymised_project(_with_blank_model(each, out)) as (run, council, nhs):
                found = Labelled(council, nhs, _truth(each, run.keys.linkage(), folder))
                labelled.append(connections.enter_context(registered(found, each.engine, run.context.spill)))
        return train(labelled, out)


def _with_blank_model(project: Project, out: Path) -> Project:
    """Return the project with a model that any version can read: training needs none, but a run names one."""
    path = out / MODEL_FILE
    blank_model().write(path)
    return replace(project, model=path)


@contextmanager
def _pseudonymised_project(project: Project) -> Iterator[tuple[NightlyRun, Artefact, Artefact]]:
    """Take a project's stages until its extracts are pseudonymised; gives the run and both artefacts."""
    workspace = Workspace.open(project.workspace)
    run_id = new_run_id()
    with (
        Display(workspace.run_folder(run_id) / "run.log") as display,
        workspace.lock(),
        set_up_run(RunSetup.of_linkage(project, workspace, run_id, display, publishes=False)) as run,
    ):
        cleared = run.take_stages(until="pseudonymise")
        display.now("training")
        yield run, cleared["pseudonymise", "council"].artefact, cleared["pseudonymise", "nhs"].artefact


def _base(project: Project) -> Model:
    """Return the model whose weights are kept: the project's, or Hearth's own."""
    return default_model() if project.model is None else read_model(project.model)


def _truth(project: Project, keys: KeyProvider, folder: Path) -> Truth:
    """Return the truth of a synthetic population, with record ids replaced by this project's pseudonyms."""
    extracts = inspect_extracts(("council",), project)["council"]
    listed = next((e for e in extracts if e.contract.table == "council_person"), None)
    if listed is None:
        raise Fault(
            "NO_LISTED_PEOPLE",
            "hearth.toml has no council_person extract, and --truth needs the households that it lists.",
            "Add [extracts.council_person] to hearth.toml, or run `hearth train` without --truth.",
        )
    try:
        pairs = household_truth(folder, _listed_people(listed)), residence_truth(folder)
    except (OSError, KeyError, ValueError) as error:
        raise Fault(
            "TRUTH_UNREADABLE",
            f"{folder} cannot be used as the truth ({type(error).__name__}), so no model was trained.",
            "Use --truth with the `truth` folder that `hearth synth` wrote with these extracts.",
        ) from None
    names = named_records(project, keys)
    return Truth(*(_pseudonymised(pair, names) for pair in pairs))


def _listed_people(extract: InspectedExtract) -> pd.DataFrame:
    positions = [extract.columns.positions[name] for name in ("record_id", "property_record_id")]
    with open_table(extract.settings) as (_, reader):
        parts = [
            pa.table({"person_ref": rows.columns[0], "property_ref": rows.columns[1]})
            for rows in reader.rows(positions)
        ]
    people: pd.DataFrame = pa.concat_tables(parts).to_pandas()
    return people


def _pseudonymised(pairs: pd.DataFrame, names: dict[str, pa.Table]) -> pa.Table:
    """Return pairs of record ids as dwelling_record_pseudonym, nhs_record_pseudonym.

    Raises Fault if none of the pairs belongs to these extracts.
    """
    with_names = pairs[list(TRUTH_COLUMNS)]
    for side, column in (("council", "dwelling_record_pseudonym"), ("nhs", "nhs_record_pseudonym")):
        known = names[side].to_pandas().rename(columns={"record_pseudonym": column})
        with_names = with_names.merge(known, left_on=f"{side}_record_id", right_on="record_id").drop(
            columns=["record_id", f"{side}_record_id"]
        )
    if len(pairs) and not len(with_names):
        raise truth_of_other_extracts(len(pairs))
    return pa.Table.from_pandas(with_names, preserve_index=False)
