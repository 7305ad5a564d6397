"""Which test runs which line: the tests of a folder, run once as they are, under coverage.

What a fixture of a module or session runs counts for every test that uses the fixture. Statements of SQL
are noted where they are read.
"""

import importlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import coverage
import pytest

_NOT_MEASURED = ""


class Recorder:
    """A pytest plugin: switches the context of the measurement with each test and shared fixture."""

    def __init__(self, root: Path, folder: str) -> None:
        self.root, self.folder = root, folder
        self.measured = coverage.Coverage(data_file=None, source=[str(root / folder)], config_file=False)
        self.context = _NOT_MEASURED
        self.seconds: dict[str, float] = {}
        self.fixtures: dict[str, list[str]] = {}
        self.statements: dict[str, set[str]] = defaultdict(set)
        self.failed: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            self.fixtures[item.nodeid] = list(getattr(item, "fixturenames", ()))
        self._note_statements()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[Any]:
        self._clear_caches()
        began = time.perf_counter()
        self._switch(item.nodeid)
        found = yield
        self._switch(_NOT_MEASURED)
        self.seconds[item.nodeid] = time.perf_counter() - began
        return found

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Iterator[Any]:
        before = self.context
        if fixturedef.scope != "function":
            self._switch(f"fixture {fixturedef.argname}")
        found = yield
        self._switch(before)
        return found

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def _switch(self, context: str) -> None:
        self.context = context
        self.measured.switch_context(context)

    def _clear_caches(self) -> None:
        """Empty the caches of the folder's functions, so that each test runs what it rests on."""
        prefix = self.folder.replace("/", ".")
        for name, module in list(sys.modules.items()):
            if name.startswith(prefix):
                for member in vars(module).values():
                    if callable(getattr(member, "cache_clear", None)):
                        member.cache_clear()

    def _note_statements(self) -> None:
        """Note every file of SQL with the test that reads it."""

        def noting(read: Callable[..., str], is_method: bool) -> Callable[..., str]:
            def noted(*arguments: Any, **values: Any) -> str:
                self.statements[str(arguments[1 if is_method else 0])].add(self.context)
                return read(*arguments, **values)

            return noted

        engine = importlib.import_module("pipeline.engine.statements").Statements
        for method in ("read", "filled"):
            if hasattr(engine, method):
                setattr(engine, method, noting(getattr(engine, method), is_method=True))
        disclosure: Any = importlib.import_module("pipeline.disclosure.statements")
        disclosure.statement = noting(disclosure.statement, is_method=False)

    def record(self) -> dict[str, Any]:
        """Return what was found, as JSON takes it."""
        data = self.measured.get_data()
        return {
            "seconds": self.seconds,
            "fixtures": self.fixtures,
            "failed": self.failed,
            "statements": {name: sorted(found) for name, found in self.statements.items()},
            "lines": {
                str(Path(path).relative_to(self.root)): {
                    str(line): contexts for line, contexts in data.contexts_by_lineno(path).items()
                }
                for path in data.measured_files()
            },
            "modules": sorted(
                name
                for name, module in sys.modules.items()
                if "site-packages" in str(getattr(module, "__file__", ""))
            ),
        }


def measure(root: Path, folder: str, tests: list[str], target: Path) -> None:
    """Run the tests under coverage and write the record; for a process of its own."""
    recorder = Recorder(root, folder)
    recorder.measured.start()
    pytest.main([*tests, *PYTEST_OPTIONS], plugins=[recorder])
    recorder.measured.stop()
    target.write_text(json.dumps(recorder.record()), "utf-8")


PYTEST_OPTIONS = (
    "-q",
    "-p", "no:cacheprovider",
    "-p", "no:xdist",
    "--no-header",
    "--tb=line",
    "--import-mode=importlib",
    "--hypothesis-seed=0",
)  # fmt: skip
