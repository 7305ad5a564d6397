"""P7 read back: the list of values that the ledger has for a release, made again from the finished files."""

import hashlib

from pipeline.publish.read_back.printed import PrintedRelease

_BETWEEN_FIELDS = "\x1f"


def digest_of_cells(release: PrintedRelease) -> tuple[str, int]:
    """Return the digest of the list of cell digests, and the number of cells."""
    lines = []
    for cell, answer in release.cells.items():
        padded = [*(text for pair in cell.group.categories for text in pair), "", "", "", ""][:4]
        name = "|".join([cell.table_id, cell.group.unit, cell.group.area_code, *padded, cell.measure])
        shown = answer.shorthand if answer.value is None else repr(float(answer.value))
        fields = (_sha256(name), _sha256(f"{name}|{shown}"), answer.epoch, answer.method)
        lines.append(_BETWEEN_FIELDS.join(fields))
    return _sha256("\n".join(sorted(lines))), len(lines)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
