"""The preflight knows memory and encrypted volumes, and takes what it cannot tell for plain."""

from pathlib import Path

import pytest

from governance.errors import Refused
from pipeline.engine import spill_volume
from pipeline.engine.spill_volume import check_spill_volume, volume_of

MOUNTS = r"""
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
23 22 0:5 / /dev/shm rw - tmpfs tmpfs rw
24 22 253:0 / /srv/secret rw shared:1 - xfs /dev/mapper/secret rw
25 22 253:1 / /srv/lvm rw - ext4 /dev/mapper/vg-data rw
26 22 253:2 / /srv/half rw - ext4 /dev/mapper/vg-half rw
27 22 253:0 / /srv/with\040space rw - xfs /dev/mapper/secret rw
"""


@pytest.fixture
def kernel(tmp_path: Path) -> tuple[Path, Path]:
    """253:0 is LUKS; 253:1 is LVM on it; 253:2 is LVM on it and on a plain disk."""
    mounts, devices = tmp_path / "mountinfo", tmp_path / "block"
    mounts.write_text(MOUNTS)
    for device, uuid in (("8:1", None), ("253:0", "CRYPT-LUKS2-abc"), ("253:1", "LVM-x"), ("253:2", "LVM-y")):
        (devices / device / "dm").mkdir(parents=True)
        (devices / device / "slaves").mkdir()
        if uuid:
            (devices / device / "dm" / "uuid").write_text(uuid + "\n")
    (devices / "253:1" / "slaves" / "dm-0").symlink_to(devices / "253:0")
    (devices / "253:2" / "slaves" / "dm-0").symlink_to(devices / "253:0")
    (devices / "253:2" / "slaves" / "sda1").symlink_to(devices / "8:1")
    return mounts, devices


@pytest.mark.parametrize(
    ("folder", "volume"),
    [
        ("/home/x", "plain"),
        ("/dev/shm/spill", "tmpfs"),
        ("/srv/secret/w", "encrypted"),
        ("/srv/secretly", "plain"),
        ("/srv/with space/w", "encrypted"),
        ("/srv/lvm", "encrypted"),
        ("/srv/half", "plain"),
    ],
)
def test_a_volume_is_told_by_what_the_kernel_says(
    kernel: tuple[Path, Path], folder: str, volume: str
) -> None:
    assert volume_of(Path(folder), *kernel) == volume


def test_what_cannot_be_told_is_plain(tmp_path: Path) -> None:
    assert volume_of(tmp_path, tmp_path / "nowhere", tmp_path) == "plain"


@pytest.mark.parametrize("production", [True, False])
@pytest.mark.parametrize("volume", ["plain", "tmpfs", "encrypted"])
def test_a_plain_volume_warns_and_in_production_refuses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, volume: str, production: bool
) -> None:
    monkeypatch.setattr(spill_volume, "volume_of", lambda _: volume)
    if volume == "plain" and production:
        with pytest.raises(Refused, match="SPILL_NOT_PROTECTED"):
            check_spill_volume(tmp_path, production)
    else:
        warning = check_spill_volume(tmp_path, production)
        assert (warning is not None) is (volume == "plain")
