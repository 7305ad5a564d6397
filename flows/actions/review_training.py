"""`hearth train --review`: adapt the project's model to the verdicts of reviewers that are on record."""

from pathlib import Path

from flows.actions.link_explanation import reader
from flows.actions.workspace_reading import open_record, reading_workspace
from flows.run.run import new_run_id
from governance.agreement.agreement import read_agreement
from governance.errors import Fault
from pipeline.link.model import default_model, read_model
from pipeline.link.verdict_store import read_verdicts
from pipeline.project import Project
from pipeline.quality.review.pairs.refit import Refit, labels_of, refit, refit_card

MODEL_FILE, CARD_FILE = "model.json", "model-card.md"


def train_from_review(project: Project, out: Path) -> Refit:
    """Write the adapted `model.json` and `model-card.md` into `out`; returns the adapted model.

    Raises Refused if no key is an operator's, and Fault if there are no verdicts or out cannot be written.
    """
    reader(project)
    base = default_model() if project.model is None else read_model(project.model)
    with reading_workspace(project) as workspace:
        record = open_record(project, workspace, new_run_id(), read_agreement(project.agreement).digest)
        labels = labels_of(read_verdicts(workspace, record).rows.to_pylist())
    if not labels:
        raise Fault(
            "NO_VERDICTS",
            "No verdicts of reviewers are on record in this workspace, so there is nothing to train on.",
            "Have pairs reviewed (`hearth review pairs`), and import the files (`hearth review verdicts`).",
        )
    adapted = refit(base, labels)
    try:
        out.mkdir(parents=True, exist_ok=True)
        adapted.model.write(out / MODEL_FILE)
        (out / CARD_FILE).write_text(refit_card(base, adapted), "utf-8")
    except OSError as error:
        raise Fault(
            "OUT_NOT_WRITABLE",
            f"{out} cannot be written ({error.strerror}), so no model was trained.",
            "Use --out with a folder that you can write to.",
        ) from None
    return adapted
