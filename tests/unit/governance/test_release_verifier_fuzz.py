"""Generated damage to a release: both verifiers end, agree, and find every change of its bytes."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_verifier_folder_shapes import SHAPES, Served, agreed
from test_verifier_fuzz import FUZZ, NAMES, ODD_JSON
from verifiers import Verifiers

from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.audit.verify import AGREES, CHANGED, MANIFEST, NOT_CONFIRMED, STATEMENT
from governance.canonical import canonical_json

RELEASE_ID = "2026-03-31-0123456789ab"
PLACES = ("health.parquet", MANIFEST, STATEMENT, "other")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Verifiers.in_folder(tmp_path_factory.mktemp("release-fuzz")).served() as both_programs:
        yield both_programs


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a release, and next to it the audit folder that records it."""
    place = tmp_path_factory.mktemp("honest-release")
    (place / "keys").mkdir(mode=0o700)
    release = place / RELEASE_ID
    release.mkdir()
    (release / "health.parquet").write_bytes(b"rows")
    files = [{"name": "health.parquet", "sha256": hashlib.sha256(b"rows").hexdigest(), "bytes": 4}]
    about = {"release_id": RELEASE_ID, "epoch": "2026-Q1", "reference_date": "2026-03-31"}
    (release / MANIFEST).write_bytes(canonical_json(about | {"files": files}))
    digest = hashlib.sha256((release / MANIFEST).read_bytes()).hexdigest()
    log = AuditLog.open(place / "audit", open_log_signer(place / "keys", "hearth/test"))
    log.append(
        "run-1",
        "operator",
        "publish",
        "release",
        verdict="published",
        evidence=about | {"manifest_sha256": digest},
    )
    log.checkpoint()
    (release / STATEMENT).write_bytes(log.sign_release(RELEASE_ID, digest, "2026-Q1", "2026-03-31"))
    return place


def damaged(served: Served, honest: Path, damage: Callable[[Path], None]) -> int:
    """Damage a copy of the release, ask both verifiers with the log and without; returns the code with it."""
    with TemporaryDirectory() as place:
        release = Path(place) / RELEASE_ID
        shutil.copytree(honest / RELEASE_ID, release)
        damage(release)
        answer = agreed(served, "--release", str(release), str(honest / "audit"))
        facts = json.loads(agreed(served, "--release", str(release), str(honest / "audit"), "--json").output)
        assert (answer.code, answer.last_line) == (facts["exit_code"], facts["verdict"])
        assert agreed(served, "--release", str(release)).code in (CHANGED, NOT_CONFIRMED)
        assert answer.output.isascii()
        assert answer.code in (AGREES, CHANGED, NOT_CONFIRMED)
        return answer.code


@FUZZ
@given(
    place=st.sampled_from(PLACES[:3]),
    at=st.floats(0, 1),
    data=st.binary(min_size=1, max_size=20),
    cut=st.integers(0, 20),
)
def test_changed_bytes_of_any_file_are_found(
    served: Served, honest: Path, place: str, at: float, data: bytes, cut: int
) -> None:
    before = (honest / RELEASE_ID / place).read_bytes()
    start = int(at * len(before))
    after = before[:start] + data + before[start + cut :]
    code = damaged(served, honest, lambda release: (release / place).write_bytes(after) and None)
    assert code == (AGREES if after == before else CHANGED)


@settings(FUZZ, max_examples=25)
@given(places=st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(SHAPES)), min_size=1, max_size=3))
def test_what_is_not_a_regular_file_is_found_and_never_opened(
    served: Served, honest: Path, places: list[tuple[str, Callable[[Path], None]]]
) -> None:
    def damage(release: Path) -> None:
        for name, shape in dict(places).items():
            (release / name).unlink(missing_ok=True)
            shape(release / name)

    assert damaged(served, honest, damage) == CHANGED


@FUZZ
@given(name=NAMES, data=st.binary(max_size=100))
def test_a_further_file_is_found_under_any_name(
    served: Served, honest: Path, name: bytes, data: bytes
) -> None:
    def damage(release: Path) -> None:
        with open(bytes(release) + b"/x" + name, "wb") as stream:  # noqa: PTH123 a name that is not text
            stream.write(data)

    assert damaged(served, honest, damage) == CHANGED


@FUZZ
@given(
    field=st.sampled_from(["release_id", "epoch", "reference_date", "files", "name", "sha256", "bytes"]),
    value=ODD_JSON,
)
def test_odd_json_in_a_manifest_is_found(served: Served, honest: Path, field: str, value: bytes) -> None:
    def damage(release: Path) -> None:
        manifest = json.loads((release / MANIFEST).read_bytes())
        (manifest if field in manifest else manifest["files"][0])[field] = "\0"
        data = canonical_json(manifest)
        assert data.count(b'"\\u0000"') == 1
        (release / MANIFEST).write_bytes(data.replace(b'"\\u0000"', value))

    assert damaged(served, honest, damage) == CHANGED
