"""What the tests of truth share: one release of the sample."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def sample_release(sample_run: Path) -> Path:
    """The folder of the sample's release."""
    (release,) = (p for p in (sample_run / "workspace" / "releases").iterdir() if p.name[0] != ".")
    return release
