"""Opens a supplier's file without trusting it: path, size, compression, digest (rule ING-02).

A file is read once, from its beginning to its end. Its SHA-256 is that of the bytes as supplied, before they
are unpacked.
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

#: gzip compresses ordinary tables to a tenth of their size; the limit of the format is a thousandth.
MAXIMUM_UNPACKED_RATIO = 200
#: Small files may have any ratio.
UNPACKED_BYTES_WITHOUT_RATIO = 64 << 20
MAXIMUM_UNPACKED_BYTES = 256 << 30


class FileRefused(ValueError):
    """A file breaks a rule as a whole.

    code: id of the rule. what: how, without values; it follows the file's name ("is a symbolic link").
    """

    def __init__(self, code: str, what: str) -> None:
        super().__init__(code, what)
        self.code = code
        self.what = what


class Readable(Protocol):
    """The part of a file's interface that the readers use."""

    def read(self, size: int, /) -> bytes: ...


def check_path(path: Path, project_folder: Path) -> None:
    """Raise FileRefused unless `path` is a regular file that is not reached through a forbidden link.

    The operator writes `hearth.toml` and may give any path in it. But suppliers deliver into the project's
    own folder, so a link inside it may not lead out of it.
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
        raise FileRefused(
            "ING-02", "is reached through a symbolic link that leads out of the project's folder"
        )


class SuppliedFile:
    """An open file, with the digest of the bytes read so far."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._raw = _open(path)
        if not stat.S_ISREG(os.fstat(self._raw.fileno()).st_mode):
            self._raw.close()
            raise FileRefused("ING-02", "is not a regular file")
        self._digest = hashlib.sha256()
        self.bytes_read = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes; raises FileRefused, with the kind of error only, if that fails."""
        try:
            data = self._raw.read(CHUNK_BYTES if size < 0 else size)
        except OSError as error:
            raise FileRefused("ING-02", f"cannot be read to its end ({error.strerror})") from None
        self._digest.update(data)
        self.bytes_read += len(data)
        return data

    def finish(self) -> str:
        """Read the rest of the file and return the SHA-256 of all of it, as hexadecimal."""
        while self.read(CHUNK_BYTES):
            pass
        return self._digest.hexdigest()

    def again(self) -> io.FileIO:
        """Open the same file again, for a reader that needs random access; the caller closes it."""
        raw = _open(self._path)
        if not os.path.sameopenfile(raw.fileno(), self._raw.fileno()):
            raw.close()
            raise FileRefused("ING-02", "was replaced while it was being opened")
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
    """The content of a gzip file; refused if it unpacks to an implausible size."""

    def __init__(self, file: SuppliedFile) -> None:
        self._file = file
        self._gzip = gzip.GzipFile(fileobj=_Buffered(file))
        self._unpacked = 0

    def read(self, size: int, /) -> bytes:
        try:
            data = self._gzip.read1(size)
        except EOFError:
            raise FileRefused("ING-02", "is an incomplete gzip file") from None
        except (gzip.BadGzipFile, zlib.error):
            raise FileRefused("ING-02", "is a damaged gzip file, or not a gzip file") from None
        self._unpacked += len(data)
        allowed = max(UNPACKED_BYTES_WITHOUT_RATIO, self._file.bytes_read * MAXIMUM_UNPACKED_RATIO)
        if self._unpacked > min(allowed, MAXIMUM_UNPACKED_BYTES):
            raise FileRefused(
                "ING-02",
                f"unpacks to over {MAXIMUM_UNPACKED_RATIO} times its size; it may be a decompression bomb",
            )
        return bytes(data)


class _Buffered(io.RawIOBase):
    """A SuppliedFile with the interface that gzip requires."""

    def __init__(self, file: SuppliedFile) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        return self._file.read(-1 if size is None else size)


@contextmanager
def open_supplied(path: Path) -> Iterator[tuple[SuppliedFile, Readable]]:
    """Open a file; yields the file and its content, which is unpacked if the name ends in `.gz`.

    Raises FileRefused if the file cannot be opened; reading the content can raise it too.
    """
    file = SuppliedFile(path)
    try:
        yield file, _Unpacked(file) if path.suffix.lower() == ".gz" else file
    finally:
        file.close()


def is_parquet(path: Path) -> bool:
    """Answer whether the file is to be read as Parquet, according to its name."""
    return path.suffix.lower() in {".parquet", ".pq"}
