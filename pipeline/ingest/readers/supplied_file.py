"""Opening a supplier's file without trusting it: path, size, compression, digest.

Rule ING-02. A file is read once, forwards; its SHA-256 is that of the bytes as
supplied, before they are unpacked.
"""

import gzip
import hashlib
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

CHUNK_BYTES = 1 << 20

#: gzip makes of ordinary tables a tenth; it cannot make less than a thousandth.
MAXIMUM_UNPACKED_RATIO = 200
#: Small files may have any ratio.
UNPACKED_BYTES_WITHOUT_RATIO = 64 << 20
MAXIMUM_UNPACKED_BYTES = 256 << 30


class FileRefused(ValueError):
    """A file breaks a rule as a whole: `code` is the rule, `what` says how, without values."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(code, what)
        self.code = code
        self.what = what


class Readable(Protocol):
    """What a reader needs of a file."""

    def read(self, size: int, /) -> bytes: ...


def check_path(path: Path, project_folder: Path) -> None:
    """Raise FileRefused unless `path` names a regular file that is reached without a link's help.

    A project may name any folder, for the operator writes `hearth.toml`; but inside the project's
    own folder, where suppliers deliver, no link may lead out of it.
    """
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        raise FileRefused("ING-02", f"cannot be found or reached ({error.strerror})") from None
    if stat.S_ISLNK(mode):
        raise FileRefused("ING-02", "is a symbolic link")
    if not stat.S_ISREG(mode):
        raise FileRefused("ING-02", "is not a regular file")
    lexical = Path(os.path.normpath(path))
    inside = lexical.is_relative_to(project_folder)
    if inside and not path.resolve().is_relative_to(project_folder.resolve()):
        raise FileRefused("ING-02", "leaves the project's folder through a symbolic link")


class SuppliedFile:
    """An open file with the digest of what has been read of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._raw = _open(path)
        if not stat.S_ISREG(os.fstat(self._raw.fileno()).st_mode):
            self._raw.close()
            raise FileRefused("ING-02", "is not a regular file")
        self._digest = hashlib.sha256()
        self.bytes_read = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes; an error of the disk is told by its kind alone."""
        try:
            data = self._raw.read(CHUNK_BYTES if size < 0 else size)
        except OSError as error:
            raise FileRefused("ING-02", f"cannot be read to its end ({error.strerror})") from None
        self._digest.update(data)
        self.bytes_read += len(data)
        return data

    def finish(self) -> str:
        """Read what is left and return the SHA-256 of the whole file."""
        while self.read(CHUNK_BYTES):
            pass
        return self._digest.hexdigest()

    def again(self) -> io.FileIO:
        """Open the same file once more, for a reader that jumps about in it; the caller closes it."""
        raw = _open(self._path)
        if not os.path.sameopenfile(raw.fileno(), self._raw.fileno()):
            raw.close()
            raise FileRefused("ING-02", "was exchanged while it was opened")
        return raw

    def close(self) -> None:
        self._raw.close()


def _open(path: Path) -> io.FileIO:
    def without_following_links(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)

    try:
        return io.FileIO(path, "rb", opener=without_following_links)
    except OSError as error:
        raise FileRefused("ING-02", f"cannot be read ({error.strerror})") from None


class _Unpacked:
    """The content of a gzip file, refused when it grows out of proportion."""

    def __init__(self, file: SuppliedFile) -> None:
        self._file = file
        self._gzip = gzip.GzipFile(fileobj=_Buffered(file))
        self._unpacked = 0

    def read(self, size: int, /) -> bytes:
        try:
            data = self._gzip.read1(size)
        except EOFError:
            raise FileRefused("ING-02", "is a gzip file cut short") from None
        except (gzip.BadGzipFile, zlib.error):
            raise FileRefused("ING-02", "is not an undamaged gzip file") from None
        self._unpacked += len(data)
        allowed = max(UNPACKED_BYTES_WITHOUT_RATIO, self._file.bytes_read * MAXIMUM_UNPACKED_RATIO)
        if self._unpacked > min(allowed, MAXIMUM_UNPACKED_BYTES):
            raise FileRefused(
                "ING-02", f"unpacks to more than {MAXIMUM_UNPACKED_RATIO} times its size: a bomb"
            )
        return bytes(data)


class _Buffered(io.RawIOBase):
    """A SuppliedFile in the dress that gzip asks for."""

    def __init__(self, file: SuppliedFile) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        return self._file.read(-1 if size is None else size)


@contextmanager
def open_supplied(path: Path) -> Iterator[tuple[SuppliedFile, Readable]]:
    """Lend a file, and its content: unpacked where the name ends in `.gz`, else the file itself."""
    file = SuppliedFile(path)
    try:
        yield file, _Unpacked(file) if path.suffix.lower() == ".gz" else file
    finally:
        file.close()


def is_parquet(path: Path) -> bool:
    """Answer whether the name says Parquet; the content must then agree."""
    return path.suffix.lower() in {".parquet", ".pq"}
