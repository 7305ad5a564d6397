"""A reviewer's sheet at a controller: its own side of each pair, in clear, and never the model's score.

The linkage environment sends pairs by record pseudonyms. The controller computes the pseudonyms of its own
records, and shows the records of the pairs. The other controller's side is shown only where the agreement has
a clause for it; otherwise the reviewer sees how far it agrees, in words.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from governance.errors import Fault
from pipeline.ingest.inspection import InspectedExtract, open_table
from pipeline.link.comparison import PEOPLE, PLACE
from pipeline.quality.review.decisions import NEEDED
from pipeline.quality.review.export import DECISIONS, review_page, write_private

#: Columns of a file of pairs: one row a record. place, people: levels.
PAIR_COLUMNS = ("review", "case", "record_pseudonym", "place", "people")
SIDES = {"council": "The council's records", "nhs": "The NHS's records"}
_ADDRESS = tuple(f"address_line_{n}" for n in range(1, 6))
#: What a reviewer sees of a record, if the extract has it: no sex and no ethnic category, which could sway.
_DWELLING = ("uprn", *_ADDRESS, "postcode")
_LISTED = ("forename", "surname", "birth_date", "service", "role")
_NHS = ("forename", "surname", "birth_date", *_ADDRESS, "postcode", "uprn", "address_start", "address_end")
#: Words before a value whose meaning is not plain from its form.
_BEFORE = {"uprn": "UPRN ", "birth_date": "born ", "address_start": "since ", "address_end": "until "}

#: Record ids of one kind -> their pseudonyms.
Pseudonymise = Callable[[pa.Array], pa.Array]


@dataclass(frozen=True)
class Pairs:
    """The pairs of one controller. records: case -> record pseudonyms. levels: case -> place, people."""

    review: str
    records: Mapping[str, tuple[str, ...]]
    levels: Mapping[str, tuple[str, str]]


def read_pairs(path: Path) -> Pairs:
    """Read a file of pairs. Raises Fault if it is not one."""
    records: dict[str, list[str]] = {}
    levels: dict[str, tuple[str, str]] = {}
    reviews: set[str] = set()
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            if tuple(reader.fieldnames or ()) != PAIR_COLUMNS:
                raise _not_pairs(path)
            for row in reader:
                reviews.add(row["review"])
                records.setdefault(row["case"], []).append(row["record_pseudonym"])
                levels[row["case"]] = row["place"], row["people"]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise _not_pairs(path) from None
    if len(reviews) != 1:
        raise _not_pairs(path)
    return Pairs(reviews.pop(), {case: tuple(found) for case, found in records.items()}, levels)


def own_side(
    controller: str, extracts: Sequence[InspectedExtract], pairs: Pairs, pseudonymise: Pseudonymise
) -> dict[str, str]:
    """Return case -> the controller's records of the pair in clear, one line a record.

    Raises Fault if a record is not in the extracts.
    """
    wanted = {name for records in pairs.records.values() for name in records}
    by_table = {extract.contract.table: extract for extract in extracts}
    table, columns = ("council_property", _DWELLING) if controller == "council" else ("nhs_person", _NHS)
    shown: dict[str, str] = {}
    names: dict[str, str] = {}
    for rows in _rows(by_table[table], ("record_id", *columns)):
        pseudonyms = pseudonymise(rows["record_id"].combine_chunks())
        chosen = pc.is_in(pseudonyms, pa.array(sorted(wanted), pa.string()))
        for name, row in zip(
            pseudonyms.filter(chosen).to_pylist(), rows.filter(chosen).to_pylist(), strict=True
        ):
            names[row["record_id"]] = name
            shown.setdefault(name, _words(row, columns))
    missing = wanted - set(shown)
    if missing:
        raise Fault(
            "REVIEW_RECORDS_MISSING",
            f"{len(missing):,} of {len(wanted):,} records at review are not in the extracts of {controller}.",
            "Use the extracts and the key of the package that was linked, or have the pairs exported anew.",
        )
    if controller == "council" and (people := by_table.get("council_person")) is not None:
        for rows in _rows(people, ("property_record_id", *_LISTED)):
            chosen = pc.is_in(rows["property_record_id"], pa.array(sorted(names), pa.string()))
            for row in rows.filter(chosen).to_pylist():
                shown[names[row["property_record_id"]]] += f"\nlisted: {_words(row, _LISTED)}"
    return {case: "\n".join(shown[name] for name in records) for case, records in pairs.records.items()}


def write_sheet(
    folder: Path, controller: str, pairs: Pairs, own: Mapping[str, str], other: Mapping[str, str] | None
) -> tuple[Path, ...]:
    """Write the sheet as CSV and as a page, and an empty file of verdicts; returns the three paths.

    other: the other controller's side, where the agreement allows it.
    """
    places, people = ({level.id: level.meaning for level in c.levels} for c in (PLACE, PEOPLE))
    (their,) = (words for side, words in SIDES.items() if side != controller)
    labels = {"own": SIDES[controller], "place": "Place", "people": "People"} | (
        {"other": their} if other is not None else {}
    )
    cases = [
        {
            "case": case,
            "own": own[case],
            "place": places.get(place, "neither UPRN nor address can be compared"),
            "people": people.get(level, "no people can be compared"),
        }
        | ({"other": other[case]} if other is not None else {})
        for case, (place, level) in sorted(pairs.levels.items())
    ]
    about = (
        "Each case is a pair: an NHS address group and a council dwelling. You see "
        + ("the records of both controllers" if other is not None else "your own records")
        + " and how far the two agree. Decide whether the NHS group and the household listed at the dwelling"
        " have a person in common. This page contains personal data: it stays at your organisation. The file"
        " that you save has only your decisions."
    )
    content = {
        "review": pairs.review,
        "cases": cases,
        "decisions": list(DECISIONS),
        "labels": labels,
        "about": about,
    }
    paths = tuple(
        folder / name
        for name in (f"sheet-{controller}.csv", f"sheet-{controller}.html", f"verdicts-{controller}.csv")
    )
    rows = ({"review": pairs.review, **case} for case in cases)
    write_private(paths[0], _as_csv(("review", "case", *labels), rows))
    write_private(paths[1], review_page(content))
    empty = ({"review": pairs.review, "case": c["case"], "decision": "", "reviewer": ""} for c in cases)
    write_private(paths[2], _as_csv(NEEDED, empty))
    return paths


def read_sheet(path: Path, review: str) -> dict[str, str]:
    """Return case -> own side, of the other controller's sheet. Raises Fault if it is not of this review."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        if not rows or any(row["review"] != review for row in rows):
            raise _not_pairs(path)
        return {row["case"]: row["own"] for row in rows}
    except (OSError, UnicodeDecodeError, csv.Error, KeyError):
        raise _not_pairs(path) from None


def _rows(extract: InspectedExtract, wanted: Sequence[str]) -> Iterator[pa.Table]:
    positions = extract.columns.positions
    present = [name for name in wanted if name in positions]
    with open_table(extract.settings) as (_, reader):
        for part in reader.rows([positions[name] for name in present]):
            columns = [pc.utf8_trim_whitespace(column) for column in part.columns]
            yield pa.table(dict(zip(present, columns, strict=True)))


def _words(row: Mapping[str, str | None], columns: Sequence[str]) -> str:
    name = " ".join(value for part in ("forename", "surname") if (value := row.get(part)))
    rest = [
        f"{_BEFORE.get(column, '')}{value}"
        for column in columns
        if column not in ("forename", "surname") and (value := row.get(column))
    ]
    return ", ".join([*([name] if name else []), *rest])


def _as_csv(columns: Sequence[str], rows: Iterator[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows({name: _plain(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _plain(value: str) -> str:
    """Return a cell that a spreadsheet does not read as a formula."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _not_pairs(path: Path) -> Fault:
    return Fault(
        "REVIEW_PAIRS_UNREADABLE",
        f"{path.name} is not a file of this review, or it cannot be read.",
        "Name the file of pairs that `hearth review pairs` wrote, or the other controller's sheet.",
    )
