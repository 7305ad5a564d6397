"""`hearth train`: train a linkage model on a project's own records, for approval by its digest.

With true pairs (synthetic data, a clerical sample) every weight is learned. Without them only the prior is
fitted to the records, and the weights of the project's model stay the same. A pipeline run never trains: it
uses the model that the agreement approves.
"""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from flows.actions.evaluation import named_records, truth_of_other_extracts
from flows.run.reporting.display import Display
from flows.run.run import new_run_id
from flows.run.setup.run_setup import RunSetup, set_up_run
from governance.errors import Fault
from governance.keys.providers.provider import KeyProvider
from pipeline.ingest.inspection import InspectedExtract, inspect_extracts, open_table
from pipeline.link.model import Model, default_model, read_model
from pipeline.link.training.train import Training, Truth, train
from pipeline.project import Project
from pipeline.quality.truth_files import TRUTH_COLUMNS
from pipeline.workspace import Workspace
from sample_data.truth.linkage_truth import household_truth, residence_truth


def train_project(project: Project, out: Path, truth: Path | None = None) -> Training:
    """Train on a project's extracts and write `model.json` and `model-card.md` into `out`.

    truth: the `truth` folder of a population of `hearth synth`. The extracts go through the same stages as
    in a run: ingest, pseudonymise, gates, audit log. Raises Fault if out or truth cannot be used.
    """
    workspace = Workspace.open(project.workspace)
    run_id = new_run_id()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Fault(
            "OUT_NOT_WRITABLE",
            f"{out} cannot be written ({error.strerror}), so no model was trained.",
            "Use --out with a folder that you can write to.",
        ) from None
    with (
        Display(workspace.run_folder(run_id) / "run.log") as display,
        workspace.lock(),
        set_up_run(RunSetup.of_linkage(project, workspace, run_id, display, publishes=False)) as run,
    ):
        cleared = run.take_stages(until="pseudonymise")
        council, nhs = cleared["pseudonymise", "council"], cleared["pseudonymise", "nhs"]
        pairs = None if truth is None else _truth(project, run.keys.linkage(), truth)
        base = _base(project) if pairs is None else None
        display.now("training")
        return train(
            council.artefact,
            nhs.artefact,
            project.engine,
            run.context.spill,
            out,
            truth=pairs,
            base=base,
        )


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
