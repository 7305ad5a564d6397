"""The ordinary deployment: a wheel that root installed, run by the command of a unit as another account."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import ROOT, SAMPLE

from pipeline.code_version import code_version

pytestmark = pytest.mark.slow

#: "nobody" of every Linux system: an account that owns nothing.
ACCOUNT = 65534


def _as_account(command: list[str | Path], **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command as an account that did not install Hearth, where this process may do so."""
    account = {"user": ACCOUNT, "group": ACCOUNT, "extra_groups": ()} if os.geteuid() == 0 else {}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"} | environment,
        **account,  # type: ignore[call-overload,no-any-return]
    )


def _python() -> Path | None:
    """Return a Python of this version that the account can start."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    show = "import sys; print('%d.%d' % sys.version_info[:2])"
    for path in (Path(sys.base_prefix) / "bin" / "python3", Path("/usr/bin/python3")):
        try:
            if path.exists() and _as_account([path, "-c", show]).stdout.strip() == version:
                return path
        except OSError:
            continue
    return None


@pytest.fixture(scope="module", autouse=True)
def readable() -> Iterator[None]:
    """What the tests make, another account can read, whatever umask an earlier test left."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(scope="module")
def installed() -> Iterator[Path]:
    """An environment with a wheel of this checkout and its libraries; only root may write to it."""
    python = _python()
    if python is None:
        pytest.skip("no Python of this version that another account can start")
    with tempfile.TemporaryDirectory(prefix="hearth-deployed-", dir="/var/tmp") as folder:
        root = Path(folder)
        root.chmod(0o755)
        subprocess.run([python, "-m", "venv", "--without-pip", root / "env"], check=True)
        (site,) = (root / "env" / "lib").glob("python3*/site-packages")
        libraries = Path(sys.prefix) / "lib" / site.parent.name / "site-packages"
        own = shutil.ignore_patterns("hearth-*", "_editable_impl_hearth*", "__pycache__")
        shutil.copytree(libraries, site, ignore=own, symlinks=True, dirs_exist_ok=True, copy_function=_linked)
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", root / "dist"],
            check=True,
            capture_output=True,
            cwd=ROOT,
        )
        (wheel,) = (root / "dist").glob("*.whl")
        zipfile.ZipFile(wheel).extractall(site)
        yield root / "env"


def _linked(source: str, target: str) -> object:
    try:
        return os.link(source, target)
    except OSError:
        return shutil.copy2(source, target)


@pytest.fixture
def project() -> Iterator[Path]:
    """A project whose workspace belongs to the account; its agreement and settings do not."""
    with tempfile.TemporaryDirectory(prefix="hearth-project-", dir="/var/tmp") as folder:
        root = Path(folder)
        root.chmod(0o755)
        for name in ("agreement.toml", "agreement.toml.sig", "hearth.toml"):
            shutil.copy(SAMPLE / name, root)
        text = (root / "agreement.toml").read_text("utf-8")
        approved = f'\n[code]\napproved = ["{code_version()}"]\n'
        (root / "agreement.toml").write_text(text + approved, "utf-8")
        (root / "workspace").mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(root / "workspace", ACCOUNT, ACCOUNT)
        yield root


def test_a_wheel_has_the_digest_of_the_checkout_and_another_account_sees_it_approved(
    installed: Path, project: Path
) -> None:
    python = installed / "bin" / "python"
    checked = _as_account(
        [python, "-I", "-m", "flows.cli", "governance", "check", project / "agreement.toml", "--json"]
    )
    facts = json.loads(checked.stdout.splitlines()[-1])
    assert (facts["code"], facts["code_is_approved"]) == (code_version(), True), checked.stderr
    (elsewhere := project / "alone").mkdir()
    shutil.copy(project / "agreement.toml", elsewhere)
    real = _as_account(
        [python, "-I", "-m", "flows.cli", "governance", "check", elsewhere / "agreement.toml", "--json"]
    )
    gates = {gate["rule"]: gate for gate in json.loads(real.stdout.splitlines()[-1])["gates"]}
    assert gates["PRE-05"]["outcome"] == "pass", gates["PRE-05"]


def test_the_unit_of_a_schedule_starts_an_isolated_interpreter_that_the_accounts_variables_cannot_change(
    installed: Path, project: Path
) -> None:
    python, evil = installed / "bin" / "python", project / "evil"
    evil.mkdir()
    (evil / "sitecustomize.py").write_text("raise SystemExit('the account decides what runs')\n")
    settings = ("--config", project / "hearth.toml", "--out", project / "workspace" / "units")
    written = _as_account(
        [python, "-I", "-m", "flows.cli", "schedule", "write", "--user", "hearth", *settings]
    )
    assert written.returncode == 0, written.stderr
    service = (project / "workspace" / "units" / "hearth-sample.service").read_text("utf-8")
    assert "\nUser=hearth\n" in service
    (line,) = [text for text in service.splitlines() if text.startswith("ExecStart=")]
    command = shlex.split(line.removeprefix("ExecStart="))
    assert command[:4] == [str(python), "-I", "-m", "flows.cli"]
    ran = _as_account([*command, "--json"], PYTHONPATH=str(evil))
    outcome = json.loads(ran.stdout.splitlines()[-1])
    # The project has no extracts: the papers were judged, and inspection is what refuses.
    assert (outcome["status"], outcome["code"]) == ("refused", "ING-02"), ran.stderr
    events = (project / "workspace" / "audit" / "audit.jsonl").read_text("utf-8")
    start = next(item for item in map(json.loads, events.splitlines()) if item["event"] == "run_start")
    assert start["evidence"]["code_version"] == code_version()
    assert start["evidence"]["import_overrides"] == ["PYTHONPATH"]
