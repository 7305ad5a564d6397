"""The release of the run of the sample that other tests look at too."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def sample_release(sample_run: Path) -> Path:
    """The folder of a release of the sample."""
    (release,) = (p for p in (sample_run / "workspace" / "releases").iterdir() if p.name[0] != ".")
    return release
