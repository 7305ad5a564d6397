"""One mutant against the tests that run its line, in a process of its own, on a copy of the repository."""

import ast
import contextlib
import importlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from baseline import PYTEST_OPTIONS, measure
from mutant import ROOT, Mutant

#: Seconds that any trial may take, how many times its tests' own time beyond, and the most in all.
_PATIENCE_SECONDS, _PATIENCE_FACTOR, _MOST_PATIENCE_SECONDS = 30.0, 5.0, 600.0
_KILLED, _SURVIVED = 1, 0


def copy_repository(target: Path) -> None:
    """Copy every file that git knows of, or would, into an empty folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in listed:
        source, copy = ROOT / name, target / name
        if source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())


def preload(copy: Path, folder: str, modules: list[str], warm: list[str]) -> None:
    """Import what the tests import of other people's code, and call `warm`: each trial starts with it.

    warm: "module:function" of the copy, outside the folder; what the functions read stays in their caches.
    """
    _settle(copy, copy.with_suffix(".log"))
    for name in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    for name in warm:
        module, function = name.split(":")
        getattr(importlib.import_module(module), function)()
    prefix = folder.replace("/", ".")
    if loaded := [name for name in sys.modules if name.startswith(prefix)]:
        raise SystemExit(
            f"{len(loaded)} modules of {folder} are loaded before any trial, such as {loaded[0]}"
        )


def measured(copy: Path, folder: str, tests: list[str], target: Path) -> None:
    """Measure which test runs which line, in a process of its own."""
    child = os.fork()
    if child == 0:
        _settle(copy, target.with_suffix(".log"))
        sys.dont_write_bytecode = False
        measure(copy, folder, tests, target)
        os._exit(0)
    os.waitpid(child, 0)
    for compiled in (copy / folder).rglob("__pycache__"):
        shutil.rmtree(compiled)  # a mutant of the same size and second would be taken for the original


def tests_of(mutant: Mutant, source: str, record: dict[str, Any]) -> list[str]:
    """Return the tests that run the mutant's line, the fastest first.

    For a line outside functions: the tests that run anything of the file; all where none does.
    """
    if mutant.path.endswith(".sql"):
        contexts = set(record["statements"].get(Path(mutant.path).stem, ()))
        return _named(contexts, record)
    lines: dict[str, list[str]] = record["lines"].get(mutant.path, {})
    span = _span(source, mutant.line)
    wanted = lines.values() if span is None else (lines.get(str(n), []) for n in span)
    near = _named({context for contexts in wanted for context in contexts}, record)
    return near or (_by_time(record) if span is None else [])


def try_mutant(copy: Path, mutant: Mutant, tests: list[str], seconds: float, log: Path) -> str:
    """Return "killed", "survived", "timeout", "not loaded" (the change breaks the import) or "no test"."""
    if not tests:
        return "no test"
    target = copy / mutant.path
    original = target.read_bytes()
    target.write_text(mutant.text, "utf-8")
    try:
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            _settle(copy, log)
            os._exit(int(pytest.main([*tests, "-x", *PYTEST_OPTIONS])))
        return _outcome(child, min(_PATIENCE_SECONDS + _PATIENCE_FACTOR * seconds, _MOST_PATIENCE_SECONDS))
    finally:
        target.write_bytes(original)


def _outcome(child: int, patience: float) -> str:
    began = time.monotonic()
    while time.monotonic() - began < patience:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return {_SURVIVED: "survived", _KILLED: "killed"}.get(
                code, "killed" if code < 0 else "not loaded"
            )
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "timeout"


def _settle(copy: Path, log: Path) -> None:
    """Make the process one that imports the copy and writes into the log."""
    os.chdir(copy)
    sys.path[:] = [str(copy), *(entry for entry in sys.path if Path(entry or ".").resolve() != ROOT)]
    sys.dont_write_bytecode = True
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(log.parent / "hypothesis")
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)


def _named(contexts: set[str], record: dict[str, Any]) -> list[str]:
    """Return the tests behind contexts: themselves, and those that use a shared fixture."""
    shared = {c.removeprefix("fixture ") for c in contexts if c.startswith("fixture ")}
    return [t for t in _by_time(record) if t in contexts or shared & set(record["fixtures"].get(t, ()))]


def _by_time(record: dict[str, Any]) -> list[str]:
    return sorted(record["seconds"], key=lambda test: record["seconds"][test])


def _span(source: str, line: int) -> range | None:
    """Return the lines of the statement around a line; of the whole function for its head; else None."""
    tree = ast.parse(source)
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    around = [f for f in functions if _first(f) <= line <= _last(f)]
    if not around:
        return None
    function = max(around, key=lambda f: f.lineno)
    if line < function.body[0].lineno:
        return range(function.body[0].lineno, _last(function) + 1)
    inner = [
        _head(node)
        for node in ast.walk(function)
        if isinstance(node, ast.stmt) and node is not function and line in _head(node)
    ]
    return min(inner, key=len, default=range(function.body[0].lineno, _last(function) + 1))


def _head(node: ast.stmt) -> range:
    """Return the lines of a statement, without those of the statements within it."""
    body = getattr(node, "body", None)
    last = body[0].lineno - 1 if isinstance(body, list) and body else _last(node)
    return range(node.lineno, max(node.lineno, last) + 1)


def _first(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min((function.lineno, *(d.lineno for d in function.decorator_list)))


def _last(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno
