"""The version of the code, as one digest of everything that decides what a run does.

It is part of every stage's fingerprint, so a changed file makes the stages run again. The agreement names
the digests that were approved (`[code] approved`), and production refuses every other one (PRE-05). The
digest covers:

- every file of every package of Hearth, in a checkout as in an installed wheel, except compiled bytecode;
- of each library that Hearth needs: its RECORD, which lists the SHA-256 of each of its files. The library's
  own files are not read;
- the files that Python runs or obeys when it starts: `*.pth`, sitecustomize.py and usercustomize.py of
  the environment, and modules next to the packages in a checkout.

No other program is called, and only the environment's own folders are read. Paths of this machine do not
enter, so two environments that were installed alike have the same digest.
"""

import hashlib
import importlib.util
import marshal
import os
import re
import site
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGES = ("flows", "governance", "pipeline", "sample_data", "schemas")
#: The folder that contains the packages: a checkout, or the site-packages of an environment.
ROOT = Path(__file__).resolve().parent.parent
_BYTECODE = "__pycache__"
#: The sample project's own workspace. It is data, and changes with every run.
_NOT_SHIPPED = "sample_data/sample/workspace"
_OWN = "hearth"
#: Extras of Hearth: their libraries are covered where they are installed.
_EXTRAS = frozenset({"aws", "keyring"})
_REQUIREMENT = re.compile(r"^Requires-Dist:\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?(.*)$", re.M)
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
#: What an installer writes into a library's metadata about this machine.
_OF_THE_INSTALLER = ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json")
_STARTUP = ("sitecustomize.py", "usercustomize.py")


@cache
def code_version() -> str:
    """Return the digest of the code that runs, as hexadecimal."""
    return code_digest(ROOT, environment_folders())


def code_digest(root: Path, environment: tuple[Path, ...]) -> str:
    """Return the digest of the packages in `root` and the libraries in the environment's folders."""
    total = hashlib.sha256()
    for path in shipped_files(root):
        total.update(path.relative_to(root).as_posix().encode() + b"\0")
        total.update(_digest_of(path))
    for name, record in sorted(library_records(environment).items()):
        total.update(f"library {name}\0".encode() + hashlib.sha256(record.encode()).digest())
    for name, content in startup_files(root, environment):
        total.update(f"startup {name}\0".encode() + hashlib.sha256(content).digest())
    return total.hexdigest()


def environment_folders() -> tuple[Path, ...]:
    """Return the folders in which this interpreter's environment keeps its libraries."""
    return tuple(dict.fromkeys(Path(folder) for folder in site.getsitepackages() if Path(folder).is_dir()))


def shipped_files(root: Path) -> list[Path]:
    """Return every file of every package, in order. Symbolic links are listed, and not followed."""
    found: list[Path] = []
    for package in PACKAGES:
        for folder, folders, files in os.walk(root / package):
            links = [name for name in folders if (Path(folder) / name).is_symlink()]
            folders[:] = [
                name
                for name in folders
                if name != _BYTECODE
                and name not in links
                and (Path(folder) / name).relative_to(root).as_posix() != _NOT_SHIPPED
            ]
            found += [Path(folder) / name for name in (*files, *links)]
    return sorted(found, key=lambda path: path.relative_to(root).as_posix())


@cache
def library_records(environment: tuple[Path, ...]) -> dict[str, str]:
    """Return library and version -> its RECORD, for Hearth's libraries and theirs, as far as installed.

    Of a RECORD, the lines with a digest count, without those about scripts and about this installation.
    """
    installed: dict[str, list[Path]] = {}
    for folder in environment:
        for path in folder.glob("*.dist-info"):
            installed.setdefault(_normal(path.name.partition("-")[0]), []).append(path)
    records: dict[str, str] = {}
    wanted: dict[str, frozenset[str]] = {}
    waiting = [(_OWN, _EXTRAS)]
    while waiting:
        name, extras = waiting.pop()
        if name in wanted and extras <= wanted[name]:
            continue
        wanted[name] = extras | wanted.get(name, frozenset())
        for path in installed.get(name, ()):
            head = _text(path / "METADATA").partition("\n\n")[0]
            waiting += _requirements(head, wanted[name])
            if name != _OWN:
                records[path.name.removesuffix(".dist-info")] = _portable_record(path)
    return records


def startup_files(root: Path, environment: tuple[Path, ...]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file that Python runs or obeys when it starts.

    The one that only names `root`, by which a checkout is installed, is left out.
    """
    for folder in environment:
        for path in sorted(folder.iterdir()):
            if path.suffix == ".pth" or path.name in _STARTUP:
                content = path.read_bytes()
                if path.suffix != ".pth" or set(content.splitlines()) != {os.fsencode(root)}:
                    yield path.name, content
    if root not in environment:
        for path in sorted(root.glob("*.py")):
            yield f"./{path.name}", path.read_bytes()


def altered_bytecode(root: Path = ROOT) -> list[str]:
    """Return the modules whose stored bytecode Python would run although it is not that of their source."""
    return [
        path.relative_to(root).as_posix()
        for path in shipped_files(root)
        if path.suffix == ".py" and _has_altered_bytecode(path)
    ]


def _has_altered_bytecode(source: Path) -> bool:
    stored = Path(importlib.util.cache_from_source(str(source)))
    try:
        content = stored.read_bytes()
    except OSError:
        return False
    if content[:4] != importlib.util.MAGIC_NUMBER or len(content) < 16:
        return False  # Python compiles the source instead
    text, state = source.read_bytes(), source.stat()
    flags = int.from_bytes(content[4:8], "little")
    if flags == 0:
        made_of = (int.from_bytes(content[8:12], "little"), int.from_bytes(content[12:16], "little"))
        if made_of != (int(state.st_mtime) & 0xFFFFFFFF, state.st_size & 0xFFFFFFFF):
            return False  # Python compiles the source instead
    elif flags & 0b10 and content[8:16] != importlib.util.source_hash(text):
        return False  # Python compiles the source instead
    compiled = compile(text, str(source), "exec", dont_inherit=True, optimize=sys.flags.optimize)
    try:
        return bool(marshal.loads(content[16:]) != compiled)  # noqa: S302 read only to be compared
    except (EOFError, ValueError, TypeError):
        return True


def _digest_of(path: Path) -> bytes:
    if path.is_symlink():
        return hashlib.sha256(b"link to " + os.fsencode(path.readlink())).digest()
    return hashlib.sha256(path.read_bytes()).digest()


def _requirements(head: str, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for name, own_extras, condition in _REQUIREMENT.findall(head):
        needed_for = set(_EXTRA.findall(condition))
        if not needed_for or needed_for & extras:
            asked = frozenset(extra.strip() for extra in own_extras.split(",") if extra.strip())
            yield _normal(name), asked


def _portable_record(path: Path) -> str:
    kept = []
    for line in _text(path / "RECORD").splitlines():
        name, _, digest = line.partition(",sha256=")
        if not digest or name.startswith(("..", "/")):
            continue
        if name.startswith(f"{path.name}/") and name.rpartition("/")[2] in _OF_THE_INSTALLER:
            continue
        kept.append(line)
    return "\n".join(sorted(kept))


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
