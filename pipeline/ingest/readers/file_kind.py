"""Names a file that is no delimited text for what it is, by its first bytes, with what to do about it."""

_SAVE = "save the sheet as CSV UTF-8, with identifiers as text"
_KINDS = (
    (b"\xd0\xcf\x11\xe0", f"is an old Excel workbook (.xls): {_SAVE}"),
    (b"\x1f\x8b", "is compressed with gzip, and its name does not end in .gz: rename it"),
    (b"BZh", "is compressed with bzip2: unpack it, or compress it with gzip"),
    (b"\xfd7zXZ", "is compressed with xz: unpack it, or compress it with gzip"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd: unpack it, or compress it with gzip"),
    (b"7z\xbc\xaf", "is a 7-Zip archive: unpack it"),
    (b"Rar!", "is a RAR archive: unpack it"),
    (b"PAR1", "is a Parquet file, and its name does not end in .parquet: rename it"),
    (b"%PDF", "is a PDF: ask for the table as CSV"),
)  # fmt: skip
_ZIP = b"PK\x03\x04"
_OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"
_IN_A_WORKBOOK = (b"[Content_Types].xml", b"xl/", b"_rels/", b"docProps/")
#: Of this many first bytes, at least this share in every second place is NUL in UTF-16 of Latin letters.
_FIRST_BYTES = 400
_NUL_SHARE = 0.4


def what_it_is(start: bytes) -> str | None:
    """Return what the file is and what to do, to follow its name; None if it may be delimited text."""
    if start.startswith(_ZIP):
        if _OPEN_DOCUMENT in start[:200]:
            return f"is an OpenDocument spreadsheet (.ods): {_SAVE}"
        if any(name in start[:4000] for name in _IN_A_WORKBOOK):
            return f"is an Excel workbook (.xlsx): {_SAVE}"
        return "is a zip archive: unpack it, or compress it with gzip"
    return next((what for mark, what in _KINDS if start.startswith(mark)), None)


def utf16_without_mark(start: bytes) -> str | None:
    """Return "utf-16-le" or "utf-16-be" if the bytes look like it, otherwise None."""
    first = start[:_FIRST_BYTES]
    even, odd = first[0::2], first[1::2]
    if len(odd) < 2:
        return None
    if odd.count(0) >= _NUL_SHARE * len(odd) and even.count(0) < _NUL_SHARE * len(even):
        return "utf-16-le"
    if even.count(0) >= _NUL_SHARE * len(even) and odd.count(0) < _NUL_SHARE * len(odd):
        return "utf-16-be"
    return None
