"""Both verifiers as commands: the installed `hearth audit verify` and the single file under a plain Python.

The plain Python can import the standard library and `cryptography`, and nothing of Hearth. Each answer has
a time limit, because a verifier that waits for ever gives no verdict.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from governance.audit.standalone_verifier import write_verifier

SECONDS = 60
#: What `cryptography` consists of, in the folder of installed packages.
_CRYPTOGRAPHY = ("cryptography", "cffi", "_cffi_backend*.so", "pycparser")
#: Reads one JSON list of arguments a line; writes exit code, output and any exception as a JSON line.
_SERVE = """
import contextlib, io, json, sys, traceback
sys.path[:0] = json.loads(sys.argv[1])
if sys.argv[2] == "installed":
    from governance.audit.verify import main
else:
    from verify import main
    assert not any(name.startswith("governance") for name in sys.modules)
for line in sys.stdin:
    shown, code, fault = io.StringIO(), None, ""
    try:
        with contextlib.redirect_stdout(shown):
            code = main(json.loads(line))
    except BaseException:
        fault = traceback.format_exc()
    print(json.dumps([code, shown.getvalue(), fault]), flush=True)
"""


@dataclass(frozen=True)
class Answer:
    """What a verifier printed, and the code that it ended with; -1 and "timeout" where it never answered."""

    code: int
    output: str
    errors: str

    @property
    def last_line(self) -> str:
        """The verdict."""
        return (self.output.splitlines() or [""])[-1]


def plain_python(folder: Path) -> Path:
    """Make a folder from which `cryptography` can be imported and nothing else; returns it."""
    packages = Path(sysconfig.get_paths()["platlib"])
    folder.mkdir()
    for pattern in _CRYPTOGRAPHY:
        for found in packages.glob(pattern):
            (folder / found.name).symlink_to(found)
    return folder


@dataclass(frozen=True)
class Verifiers:
    """The two programs."""

    single_file: Path
    libraries: Path

    @classmethod
    def in_folder(cls, folder: Path) -> "Verifiers":
        """Write the single file and its libraries below `folder`."""
        write_verifier(folder / "hearth-verify.pyz")
        return cls(folder / "hearth-verify.pyz", plain_python(folder / "libraries"))

    def installed(self, *arguments: str) -> Answer:
        """Run `hearth audit verify`."""
        hearth = "import sys; from flows.cli import main; sys.exit(main())"
        return _run([sys.executable, "-c", hearth, "audit", "verify", *arguments], dict(os.environ))

    def alone(self, *arguments: str) -> Answer:
        """Run the single file, isolated from every package but `cryptography`."""
        return _run(
            [sys.executable, "-S", "-s", str(self.single_file), *arguments],
            {"PYTHONPATH": str(self.libraries), "PATH": ""},
        )

    @contextlib.contextmanager
    def served(self) -> Iterator[tuple["Served", "Served"]]:
        """Start both as processes that answer many questions: (installed, single file)."""
        alone = Served("alone", [str(self.libraries), str(self.single_file)])
        installed = Served("installed", [path for path in sys.path if path])
        with alone, installed:
            yield installed, alone


def _run(command: list[str], environment: dict[str, str]) -> Answer:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(-1, "timeout", "")
    return Answer(done.returncode, done.stdout, done.stderr)


class Served:
    """One verifier in a process of its own, which is replaced after it failed to answer in time."""

    def __init__(self, kind: str, places: list[str]) -> None:
        self._command = [sys.executable, "-I", "-S", "-c", _SERVE, json.dumps(places), kind]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def __call__(self, *arguments: str) -> Answer:
        """Return the answer to these arguments."""
        if self._process is None:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        put, got = _pipes(self._process)
        put.write(json.dumps(arguments) + "\n")
        put.flush()
        if not select.select([got], [], [], SECONDS)[0]:
            self._end()
            return Answer(-1, "timeout", "")
        code, output, fault = json.loads(got.readline())
        return Answer(-2 if code is None else code, output, fault)

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout
