"""`make model`: train the model that ships with Hearth, on the sample and on further invented populations.

Everything it learns from is invented, so anyone can repeat it: the same code gives the same digest. The
sample's agreement approves the new digest, and is signed again with the sample's demonstration keys.
"""

import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from flows.actions.model_training import train_project
from governance.principals.unsafe_demo_principals import sign_sample_agreement
from pipeline.link.training.train import CARD_FILE, MODEL_FILE
from pipeline.project import read_project
from sample_data.generate import synthesise

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "pipeline" / "link" / "models"
SAMPLE = ROOT / "sample_data" / "sample"
#: Populations in addition to the sample. Seeds 201 to 299 are left for measuring.
SEEDS, HOUSEHOLDS = range(301, 307), 9_000


def train_shipped_model(seeds: range = SEEDS, households: int = HOUSEHOLDS) -> str:
    """Write the model, its card and the sample's agreement; returns the model's digest."""
    with tempfile.TemporaryDirectory(prefix="hearth-model-") as made:
        folder = Path(made)
        others = [folder / f"seed-{seed}" for seed in seeds]
        for seed, other in zip(seeds, others, strict=True):
            synthesise(households, seed, other)
            shutil.copy(SAMPLE / "agreement.toml", other)
        sample = replace(read_project(SAMPLE / "hearth.toml"), workspace=folder / "workspace")
        training = train_project(sample, folder / "model", SAMPLE / "truth", others)
        shutil.copy(folder / "model" / MODEL_FILE, MODELS / "household.json")
        shutil.copy(folder / "model" / CARD_FILE, MODELS / "household.md")
    _approve(training.model.digest)
    return training.model.digest


def _approve(digest: str) -> None:
    agreement = SAMPLE / "agreement.toml"
    text = agreement.read_text("utf-8")
    agreement.write_text(
        re.sub(r'^approved_digest = "[0-9a-f]{64}"', f'approved_digest = "{digest}"', text, flags=re.M),
        "utf-8",
    )
    sign_sample_agreement(agreement)


if __name__ == "__main__":
    print(f"Digest of the model, approved for the sample: {train_shipped_model()}")
