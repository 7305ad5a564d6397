"""The digest of the code: everything that decides what a run does, and nothing of this machine."""

import importlib.util
import os
import py_compile
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.code_version import (
    PACKAGES,
    ROOT,
    altered_bytecode,
    code_digest,
    code_version,
    environment_folders,
    library_records,
    shipped_files,
)

FILES = {package: f"{package}/module.py" for package in PACKAGES}


@pytest.fixture
def installed(tmp_path: Path) -> tuple[Path, Path]:
    """A checkout with one module in every package, and an environment with two libraries and one stranger."""
    return _install(tmp_path / "here")


def _install(folder: Path) -> tuple[Path, Path]:
    root, site = folder / "checkout", folder / "site-packages"
    for name in FILES.values():
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text("VALUE = 1\n")
    (root / "sample_data" / "names.csv").write_text("a\n")
    _library(site, "hearth", "0.1.0", ["fast_sums>=1", "cloud; extra == 'aws'", "tests; extra == 'dev'"])
    _library(site, "fast_sums", "1.0", ["Small.Part (<2)"])
    _library(site, "small_part", "1.5", [])
    _library(site, "tests", "9.0", [])
    (site / "_editable_impl_hearth.pth").write_text(f"{root}\n{root}")
    return root, site


def _library(site: Path, name: str, version: str, needs: list[str]) -> None:
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    head = "".join(f"Requires-Dist: {line}\n" for line in needs)
    (info / "METADATA").write_text(f"Name: {name}\n{head}\nRequires-Dist: a-text-of-the-description\n")
    (info / "RECORD").write_text(
        f"{name}/__init__.py,sha256=abc,10\n../../../bin/{name},sha256=def,20\n"
        f"{info.name}/INSTALLER,sha256=aaa,3\n{info.name}/RECORD,,\n{name}/__pycache__/x.pyc,,\n"
    )


def digest(installed: tuple[Path, Path]) -> str:
    root, site = installed
    library_records.cache_clear()
    return code_digest(root, (site,))


Edit = Callable[[Path, Path], object]
CHANGES: dict[str, Edit] = {
    **{f"a module of {p}": lambda r, s, n=n: (r / n).write_text("VALUE = 2\n") for p, n in FILES.items()},
    "a file of data": lambda r, s: (r / "sample_data" / "names.csv").write_text("b\n"),
    "a file of any kind that is added": lambda r, s: (r / "governance" / "more.so").write_bytes(b"\x7fELF"),
    "a module that is removed": lambda r, s: (r / FILES["flows"]).unlink(),
    "a module that has another name": lambda r, s: (r / FILES["flows"]).rename(r / "flows" / "other.py"),
    "a link to a folder elsewhere": lambda r, s: (r / "flows" / "away").symlink_to("/tmp"),
    "bytecode without source": lambda r, s: (r / "flows" / "extra.pyc").write_bytes(b"x"),
    "a module next to the packages": lambda r, s: (r / "boto3.py").write_text("x = 1\n"),
    "the list of a library's files": lambda r, s: (s / "fast_sums-1.0.dist-info/RECORD").write_text(
        "fast_sums/__init__.py,sha256=abd,10\n"
    ),
    "a library's library": lambda r, s: (s / "small_part-1.5.dist-info/RECORD").write_text("x,sha256=1,1\n"),
    "a library's version": lambda r, s: (s / "small_part-1.5.dist-info").rename(
        s / "small_part-1.6.dist-info"
    ),
    "a file that Python runs when it starts": lambda r, s: (s / "sitecustomize.py").write_text("x = 1\n"),
    "a file of paths": lambda r, s: (s / "more.pth").write_text("/tmp\n"),
    "another folder in the file of the checkout": lambda r, s: (s / "_editable_impl_hearth.pth").write_text(
        f"{r}\n/tmp\n"
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_decides_what_a_run_does_changes_the_digest(
    change: str, installed: tuple[Path, Path]
) -> None:
    before = digest(installed)
    CHANGES[change](*installed)
    assert digest(installed) != before


SAME: dict[str, Edit] = {
    "stored bytecode": lambda r, s: py_compile.compile(str(r / FILES["flows"])),
    "the sample project's own workspace": lambda r, s: (
        (r / "sample_data/sample/workspace").mkdir(parents=True),
        (r / "sample_data/sample/workspace/run.json").write_text("{}"),
    ),
    "a time of change": lambda r, s: os.utime(r / FILES["flows"], (1, 1)),
    "who installed a library": lambda r, s: _of_installer(s),
    "a library that Hearth does not need": lambda r, s: (s / "tests-9.0.dist-info/RECORD").write_text(
        "t,sha256=2,2\n"
    ),
}


def _of_installer(site: Path) -> None:
    record = site / "fast_sums-1.0.dist-info" / "RECORD"
    record.write_text(record.read_text().replace("def,20", "eee,99").replace("sha256=aaa,3", "sha256=bbb,2"))


@pytest.mark.parametrize("change", SAME)
def test_what_decides_nothing_leaves_the_digest_as_it_is(change: str, installed: tuple[Path, Path]) -> None:
    before = digest(installed)
    SAME[change](*installed)
    assert digest(installed) == before


def test_a_checkout_elsewhere_and_a_wheel_have_the_same_digest(
    installed: tuple[Path, Path], tmp_path: Path
) -> None:
    before = digest(installed)
    assert digest(_install(tmp_path / "elsewhere")) == before
    wheel = tmp_path / "wheel"
    shutil.copytree(installed[1], wheel, ignore=shutil.ignore_patterns("*.pth"))
    for package in PACKAGES:
        shutil.copytree(installed[0] / package, wheel / package)
    assert digest((wheel, wheel)) == before


def test_an_extra_counts_where_it_is_installed(installed: tuple[Path, Path]) -> None:
    before = digest(installed)
    _library(installed[1], "cloud", "2.0", [])
    assert digest(installed) != before
    assert set(library_records((installed[1],))) == {"fast_sums-1.0", "small_part-1.5", "cloud-2.0"}


def test_hearths_own_digest_covers_every_package_and_every_library_of_its_lock_file_that_it_needs() -> None:
    assert len(code_version()) == 64
    files = {path.relative_to(ROOT).as_posix() for path in shipped_files(ROOT)}
    assert {"flows/cli.py", "sample_data/sample/agreement.toml", "governance/gate.py"} <= files
    records = library_records(environment_folders())
    assert {"duckdb", "splink", "prefect", "pyarrow", "cryptography"} <= {n.split("-")[0] for n in records}
    assert all(records.values())


def _as_stored(source: Path, other: str, checked: bool | None = None) -> None:
    """Store bytecode of another source as if it were that of `source`; checked: by digest, not by time."""
    original, state = source.read_bytes(), source.stat()
    stored = Path(importlib.util.cache_from_source(str(source)))
    py_compile.compile(str(source))
    source.write_text(other)
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH if checked is False else None
    forged = source.with_name("forged.pyc")
    py_compile.compile(str(source), cfile=str(forged), invalidation_mode=mode)
    content = forged.read_bytes()
    forged.unlink()
    head = content[:16] if checked is False else stored.read_bytes()[:16]
    stored.write_bytes(head + content[16:])
    source.write_bytes(original)
    os.utime(source, ns=(state.st_atime_ns, state.st_mtime_ns))


@pytest.mark.parametrize("checked", [None, False])
def test_bytecode_of_another_source_is_found_although_python_would_run_it(
    installed: tuple[Path, Path], checked: bool | None
) -> None:
    root, _ = installed
    source = root / FILES["governance"]
    py_compile.compile(str(source))
    assert altered_bytecode(root) == []
    _as_stored(source, "VALUE = 999\n", checked)
    assert altered_bytecode(root) == ["governance/module.py"]
    spec = importlib.util.spec_from_file_location("module", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.VALUE == 999  # Python runs it: that is why it must be found


def test_bytecode_that_python_would_not_run_is_no_finding(installed: tuple[Path, Path]) -> None:
    root, _ = installed
    source = root / FILES["governance"]
    py_compile.compile(str(source))
    source.write_text("VALUE = 12\n")  # stored bytecode is older than the source
    assert altered_bytecode(root) == []
    Path(importlib.util.cache_from_source(str(source))).write_bytes(b"no bytecode at all")
    assert altered_bytecode(root) == []


def test_bytecode_that_cannot_be_read_is_a_finding(installed: tuple[Path, Path]) -> None:
    root, _ = installed
    source = root / FILES["governance"]
    py_compile.compile(str(source))
    stored = Path(importlib.util.cache_from_source(str(source)))
    stored.write_bytes(stored.read_bytes()[:17])
    assert altered_bytecode(root) == ["governance/module.py"]
