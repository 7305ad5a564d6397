"""Searches files for patterns: in their bytes, in compressed data within them, and in the values of tables.

The bytes of every file are searched. In other files than Parquet, gzip, zlib, bzip2, xz and zstd streams and
zip members that begin anywhere in the file are unpacked and searched too, to two levels and within a limit.
The values of Parquet files are searched in memory, because they are encrypted or compressed on disk.
"""

import bz2
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from governance.errors import Fault
from pipeline.engine.tables import open_table
from pipeline.leakage.search_pattern import PatternSearch, SearchPattern

_CHUNK_BYTES = 4 * 2**20
_UNPACKED_BYTES = 64 * 2**20
_DEPTH = 2
_PARQUET = (b"PAR1", b"PARE")
_STREAMS = re.compile(
    rb"\x1f\x8b\x08|\x28\xb5\x2f\xfd|BZh[1-9]1AY&SY|\xfd7zXZ\x00|PK\x03\x04|\x78[\x01\x5e\x9c\xda]"
)


@dataclass(frozen=True)
class Hit:
    """A pattern found in a file.

    file: path relative to the folder searched. identifier, form: of the pattern. within: kind of compression
    in which it was found, "parquet" for a value of a table, "" if it was not compressed.
    """

    file: str
    identifier: str
    form: str
    within: str


@dataclass(frozen=True)
class Searched:
    """The result of a search.

    files, bytes: number and total size of the files searched. unreadable: files that could not be searched.
    """

    files: int
    bytes: int
    hits: tuple[Hit, ...]
    unreadable: tuple[str, ...]


def search_tree(
    root: Path, search: PatternSearch, is_searched: Callable[[Path], bool] = lambda _: True
) -> Searched:
    """Search every regular file under `root`; the result lists finds and files that could not be searched.

    is_searched: called with the path relative to `root`; files for which it is false are left out. Symbolic
    links are not followed. A file that is deleted during the search is left out.
    """
    files = size = 0
    hits: list[Hit] = []
    unreadable: list[str] = []
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if not is_searched(relative) or path.is_symlink() or not path.is_file():
            continue
        name = relative.as_posix()
        try:
            found = list(search_file(path, search))
            size += path.stat().st_size
            files += 1
        except FileNotFoundError:
            continue
        except (OSError, Fault):
            unreadable.append(name)
            continue
        hits += sorted(
            {Hit(name, pattern.identifier, pattern.form, within) for pattern, within in found},
            key=lambda hit: (hit.identifier, hit.form, hit.within),
        )
    return Searched(files, size, tuple(hits), tuple(unreadable))


def search_file(path: Path, search: PatternSearch) -> Iterator[tuple[SearchPattern, str]]:
    """Yield each pattern found in a file, and the kind of compression (see `Hit.within`); may repeat them."""
    with path.open("rb") as stream:
        magic = stream.read(4)
        stream.seek(0)
        overlap = b""
        while chunk := stream.read(_CHUNK_BYTES):
            data = overlap + chunk
            yield from ((pattern, "") for pattern in search.find(data))
            if magic not in _PARQUET:
                yield from _search_compressed(data, search, 1)
            overlap = data[-search.longest :]
    if magic in _PARQUET:
        yield from ((pattern, "parquet") for pattern in _search_table(path, search))


def _search_table(path: Path, search: PatternSearch) -> Iterator[SearchPattern]:
    with open_table(path, allow_unencrypted=True) as reader:
        yield from search.find("\n".join(reader.schema.names).encode())
        for batch in reader:
            for column in batch.columns:
                for buffer in _buffers(column):
                    yield from search.find(buffer)


def _buffers(column: pa.Array) -> Iterator[bytes]:
    if pa.types.is_dictionary(column.type):
        yield from _buffers(column.dictionary)
    for buffer in column.buffers():
        if buffer is not None and buffer.size:
            yield buffer.to_pybytes()


def _search_compressed(data: bytes, search: PatternSearch, depth: int) -> Iterator[tuple[SearchPattern, str]]:
    for match in _STREAMS.finditer(data):
        kind, unpacked = _unpack(data, match.start())
        if not unpacked:
            continue
        yield from ((pattern, kind) for pattern in search.find(unpacked))
        if depth < _DEPTH:
            for pattern, inner in _search_compressed(unpacked, search, depth + 1):
                yield pattern, f"{kind} in {inner}"


def _unpack(data: bytes, at: int) -> tuple[str, bytes]:
    """Return the kind of stream that begins at `at`, and its content up to the limit; empty if invalid."""
    magic = data[at : at + 4]
    try:
        if magic.startswith(b"\x1f\x8b"):
            return "gzip", _inflate(data, at, 31)
        if magic.startswith(b"\x78"):
            return "zlib", _inflate(data, at, 15)
        if magic.startswith(b"BZh"):
            return "bzip2", bz2.BZ2Decompressor().decompress(data[at:], _UNPACKED_BYTES)
        if magic.startswith(b"\xfd7zX"):
            return "xz", lzma.LZMADecompressor().decompress(data[at:], _UNPACKED_BYTES)
        if magic.startswith(b"PK"):
            return "zip", _first_member(data, at)
        return "zstd", _unpack_zstd(data, at)
    except (OSError, ValueError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, pa.ArrowException):
        return "", b""


def _inflate(data: bytes, at: int, bits: int) -> bytes:
    """Unpack deflate in small steps, so that the beginning of an incomplete stream is searched too."""
    packed, unpacked = zlib.decompressobj(bits), io.BytesIO()
    for start in range(at, len(data), 65_536):
        try:
            unpacked.write(packed.decompress(data[start : start + 65_536], _UNPACKED_BYTES))
        except zlib.error:
            break
        if packed.eof or unpacked.tell() >= _UNPACKED_BYTES:
            break
    return unpacked.getvalue()


def _unpack_zstd(data: bytes, at: int) -> bytes:
    unpacked = io.BytesIO()
    with pa.CompressedInputStream(pa.BufferReader(data[at:]), "zstd") as stream:
        while unpacked.tell() < _UNPACKED_BYTES:
            try:
                block = stream.read(1 << 20)
            except OSError:
                break
            if not block:
                break
            unpacked.write(block)
    return unpacked.getvalue()


def _first_member(data: bytes, at: int) -> bytes:
    """Unpack the deflated zip member whose local header is at `at`."""
    header = data[at : at + 30]
    method = int.from_bytes(header[8:10], "little")
    start = at + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    return _inflate(data, start, -15) if method == 8 else b""
