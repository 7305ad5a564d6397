import json
from pathlib import Path

import pytest

from governance.artefact import Artefact, Evidence
from governance.clearance import Clearance, Cleared
from governance.errors import Fault, Refused
from pipeline.artefact_store import (
    dispose_artefact,
    find_artefact,
    recall_artefact,
    write_artefact,
)

FINGERPRINT = "ab" * 32


def make(zone: Path, content: bytes = b"rows", fingerprint: str = FINGERPRINT) -> Artefact:
    def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
        (folder / "link.parquet").write_bytes(content)
        (folder / "quarantine").mkdir()
        (folder / "quarantine" / "link.parquet").write_bytes(b"rejected")
        return {"link.parquet": 3}, Evidence("link", "all", {"rows": 3})

    return write_artefact(zone, "link", "all", fingerprint, fill)[0]


def test_a_finished_artefact_is_found_again_with_its_evidence(tmp_path: Path) -> None:
    made = make(tmp_path)
    found = find_artefact(tmp_path, "link", "all", FINGERPRINT)
    assert found == (made, Evidence("link", "all", {"rows": 3}))
    assert [f.rows for f in made.files] == [3, None]


def test_another_fingerprint_finds_nothing(tmp_path: Path) -> None:
    make(tmp_path)
    assert find_artefact(tmp_path, "link", "all", "cd" * 32) is None


def test_a_stage_that_dies_half_way_leaves_nothing(tmp_path: Path) -> None:
    def dies(folder: Path) -> tuple[dict[str, int | None], Evidence]:
        (folder / "link.parquet").write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_artefact(tmp_path, "link", "all", FINGERPRINT, dies)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_left_by_a_killed_process_is_not_taken_for_an_artefact_and_is_replaced(
    tmp_path: Path,
) -> None:
    partial = tmp_path / f"link-all-{FINGERPRINT[:16]}.partial"
    partial.mkdir()
    (partial / "link.parquet").write_bytes(b"half")
    assert find_artefact(tmp_path, "link", "all", FINGERPRINT) is None
    make(tmp_path)
    assert not partial.exists()


@pytest.mark.parametrize("change", ["edited", "removed", "added"])
def test_an_artefact_that_changed_since_is_not_reused(tmp_path: Path, change: str) -> None:
    made = make(tmp_path)
    if change == "edited":
        made.path("link").write_bytes(b"Rows")
    elif change == "removed":
        made.path("link").unlink()
    else:
        (made.folder / "extra.parquet").write_bytes(b"")
    with pytest.raises(Fault, match="ARTEFACT_CHANGED"):
        find_artefact(tmp_path, "link", "all", FINGERPRINT)


def test_a_disposed_artefact_keeps_its_record_and_its_quarantine_alone(tmp_path: Path) -> None:
    made = make(tmp_path)
    assert dispose_artefact(made, keep=("quarantine",)) == 1
    assert find_artefact(tmp_path, "link", "all", FINGERPRINT) is None
    assert recall_artefact(tmp_path, "link", "all", FINGERPRINT) == (
        made,
        Evidence("link", "all", {"rows": 3}),
    )
    assert (made.folder / "quarantine" / "link.parquet").exists()
    assert not made.path("link").exists()


def test_the_digest_follows_the_bytes_and_not_the_place(tmp_path: Path) -> None:
    here, there = make(tmp_path / "here"), make(tmp_path / "there")
    other = make(tmp_path / "other", content=b"rowz")
    assert here.digest == there.digest != other.digest


def test_the_record_holds_counts_and_digests_alone(tmp_path: Path) -> None:
    record = json.loads((make(tmp_path).folder / "artefact.json").read_bytes())
    assert set(record) == {"stage", "part", "fingerprint", "files", "facts"}


def test_a_clearance_cannot_be_made_outside_a_gate(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="CLEARANCE_FORGED"):
        Clearance("run", "link", make(tmp_path).digest, 1, ("LNK-01",))


def test_a_clearance_of_another_artefact_admits_nothing(tmp_path: Path) -> None:
    from governance import clearance

    made = make(tmp_path)
    other = Clearance("run", "link", "00" * 32, 1, ("LNK-01",), _mint=clearance._MINT)
    with pytest.raises(Refused, match="CLEARANCE_MISMATCH"):
        Cleared(made, other)
