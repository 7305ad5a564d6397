"""Delimited text is read strictly, whatever was written, and every row knows its line."""

import csv
import io

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.readers.delimited_reader import DelimitedReader
from pipeline.ingest.readers.rows import MAXIMUM_CELL_CHARACTERS, BrokenRow

Found = tuple[list[tuple[int, tuple[str, ...]]], list[BrokenRow]]


def read(text: str, delimiter: str = ",", block_lines: int = 3, careful: bool = False) -> Found:
    """Return (line, cells) of whole rows, and the broken rows, reading `block_lines` lines at a time."""
    lines = io.StringIO(text, newline="").readlines()
    blocks = ("".join(lines[n : n + block_lines]).encode() for n in range(0, len(lines), block_lines))
    reader = DelimitedReader(iter(blocks), delimiter)
    if careful:
        reader._split_block = lambda wanted: None  # type: ignore[method-assign]
    whole: list[tuple[int, tuple[str, ...]]] = []
    broken: list[BrokenRow] = []
    for rows in reader.rows(range(len(reader.header))):
        cells = zip(*(column.to_pylist() for column in rows.columns), strict=True)
        whole += zip(rows.lines.tolist(), cells, strict=True)
        broken += rows.broken
    return whole, broken


CELL = st.text(st.sampled_from("ab \",|\t\n\r'é"), max_size=5)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[str]], str, str, int, int]:
    width = draw(st.integers(2, 4))
    rows = draw(st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=12))
    delimiter = draw(st.sampled_from(",\t|"))
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    if ending == "\n":  # before 3.13 the writer leaves a lone CR unquoted here, which no reader can mend
        rows = [[cell.replace("\r", "") for cell in row] for row in rows]
    return rows, delimiter, ending, quoting, draw(st.integers(1, 9))


@settings(deadline=None, max_examples=200)
@given(tables())
def test_what_pythons_csv_module_writes_is_read_back_with_its_lines(
    table: tuple[list[list[str]], str, str, int, int],
) -> None:
    rows, delimiter, ending, quoting, block_lines = table
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=ending, quoting=quoting)  # type: ignore[arg-type]
    expected = []
    for row in [[f"column {n}" for n in range(len(rows[0]) if rows else 2)], *rows]:
        before = io.StringIO(text.getvalue(), newline="").readlines()
        expected.append((len(before) + 1, tuple(row)))
        writer.writerow(row)
    whole, broken = read(text.getvalue(), delimiter, block_lines)
    assert whole == expected[1:]
    assert broken == []


@settings(deadline=None, max_examples=400)
@given(
    st.lists(st.text(st.sampled_from('ab",\n\r'), max_size=12), max_size=12).map("\n".join),
    st.integers(1, 9),
    st.booleans(),
)
def test_the_fast_reader_and_the_careful_one_tell_the_same_of_any_text(
    body: str, block_lines: int, ends: bool
) -> None:
    text = "one,two\n" + body + ("\n" if ends else "")
    assert read(text, block_lines=block_lines) == read(text, block_lines=block_lines, careful=True)


def test_the_fast_reader_is_used_for_regular_text() -> None:
    regular = b'"1","a, ""b""","line\nbreak"\r\n2,b,\r\n'
    reader = DelimitedReader(iter([b"id,two,three\r\n", regular]), ",")
    reader._split_records = None  # type: ignore[method-assign, assignment]
    reader._read_block()
    rows = reader._split_block([0, 1, 2])
    assert rows is not None
    assert [column.to_pylist() for column in rows.columns] == [
        ["1", "2"],
        ['a, "b"', "b"],
        ["line\nbreak", ""],
    ]
    assert rows.lines.tolist() == [2, 4]
    assert all(column.type == pa.string() for column in rows.columns)


def test_ragged_rows_among_regular_ones_do_not_slow_the_reader_down() -> None:
    reader = DelimitedReader(iter([b"id,two\n", b'1,a\n2\n"3","b,b"\n4,c,c\n5,"d\nd"\n6\n7,e\n']), ",")
    reader._split_records = None  # type: ignore[method-assign, assignment]
    reader._read_block()
    rows = reader._split_block([0])
    assert rows is not None
    assert rows.columns[0].to_pylist() == ["1", "3", "5", "7"]
    assert rows.lines.tolist() == [2, 4, 6, 9]
    assert [(row.line, row.cells) for row in rows.broken] == [(3, ("2",)), (5, ("4", "c", "c")), (8, ("6",))]


def test_a_ragged_row_goes_aside_with_its_line_after_a_cell_that_spans_lines() -> None:
    whole, broken = read('id,note\n1,"two\nlines"\n2\n3,c,d\n4,e\n')
    assert whole == [(2, ("1", "two\nlines")), (6, ("4", "e"))]
    assert broken == [BrokenRow(4, "RAGGED_ROW", ("2",)), BrokenRow(5, "RAGGED_ROW", ("3", "c", "d"))]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2,b\0b", "NUL_BYTE"),
        ("2,b\x1bb", "CONTROL_CHARACTER"),
        ('2,"b"b', "MALFORMED_QUOTE"),
        ('2,"b', "MALFORMED_QUOTE"),
        ("2", "RAGGED_ROW"),
        ("2,b,b", "RAGGED_ROW"),
        (f"2,{'x' * (MAXIMUM_CELL_CHARACTERS + 1)}", "OVERSIZED_CELL"),
    ],
)
@pytest.mark.parametrize("block_lines", [1, 2, 100])
def test_a_broken_row_condemns_no_other(line: str, reason: str, block_lines: int) -> None:
    whole, broken = read(f"id,note\n1,a\n{line}\n3,c\n4,d\n", block_lines=block_lines)
    assert whole == [(2, ("1", "a")), (4, ("3", "c")), (5, ("4", "d"))]
    assert [(row.line, row.reason) for row in broken] == [(3, reason)]


def test_a_cell_of_65536_characters_is_kept_and_one_of_65537_is_not() -> None:
    for length, kept in ((65_535, 1), (65_536, 1), (65_537, 0)):
        whole, broken = read(f"id,note\n1,{'x' * length}\n")
        assert (len(whole), len(broken)) == (kept, 1 - kept)


def test_a_cell_of_ten_megabytes_goes_aside_shortened() -> None:
    for cell in ("x" * 10_000_000, '"' + "x, y" * 2_500_000 + '"'):
        whole, broken = read(f"id,note\n1,a\n2,{cell}\n3,c\n")
        assert [line for line, _ in whole] == [2, 4]
        assert [(row.line, row.reason) for row in broken] == [(3, "OVERSIZED_CELL")]
        assert max(map(len, broken[0].cells)) <= 1_000


def test_a_quoted_cell_of_ten_megabytes_over_many_lines_is_one_broken_row() -> None:
    cell = ("5,x" * 100 + "\n") * 33_000
    whole, broken = read(f'id,note\n1,a\n2,"{cell}"\n3,c\n', block_lines=4_000)
    assert whole == [(2, ("1", "a")), (33_004, ("3", "c"))]
    assert [(row.line, row.reason) for row in broken] == [(3, "OVERSIZED_CELL")]


def test_blank_lines_are_no_rows_and_are_counted_as_lines() -> None:
    whole, broken = read("id,note\n\n1,a\n\r\n2,b\n\n")
    assert whole == [(3, ("1", "a")), (5, ("2", "b"))]
    assert broken == []


def test_quotes_left_open_all_over_a_file_condemn_each_its_own_line() -> None:
    whole, broken = read("id,note\n" + '"1,a\n2,b\n' * 20_000, block_lines=1_000)
    assert [line for line, _ in whole] == list(range(3, 40_003, 2))
    assert [row.line for row in broken] == list(range(2, 40_002, 2))


def test_a_file_without_a_line_has_no_header() -> None:
    assert DelimitedReader(iter([]), ",").header == ()
    assert DelimitedReader(iter([b"\n\n"]), ",").header == ()
