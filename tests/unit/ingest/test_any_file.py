"""Whatever bytes arrive: a refusal with findings, or rows that all add up. Never another error."""

import io
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.errors import Refused
from pipeline.ingest.readers.delimited_reader import DelimitedReader
from pipeline.ingest.readers.supplied_file import FileRefused
from pipeline.ingest.readers.text_block import TextBlocks

CELLS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(
        ["", "A1", "100023336956", "1.00023E+11", "0", "owned", "Y", "3", '"', '"x', "a\nb", "\0", "\r"]
    ),
)
LINES = st.lists(st.lists(CELLS, max_size=6).map(",".join), max_size=8).map("\n".join)
HEADERS = st.sampled_from(
    [
        "record_id,uprn,tenure,bedrooms\n",
        "record_id,uprn,tenure,bedrooms\r\n",
        "Record_ID,uprn,TENURE,bedrooms\r",
        "",
    ]
)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"])
FILES = st.one_of(
    st.binary(max_size=60),
    st.builds(
        lambda header, body, encoding: (header + body).encode(encoding, errors="ignore"),
        HEADERS,
        LINES,
        ENCODINGS,
    ),
)


def rows_of(content: bytes, encoding: str) -> int:
    reader = DelimitedReader(iter(TextBlocks(io.BytesIO(content), encoding)), ",")
    return sum(len(rows.lines) + len(rows.broken) for rows in reader.rows(range(len(reader.header))))


def outcome_of(content: bytes, encoding: str) -> int | str:
    """Return the rows read, or the code under which the file was refused."""
    try:
        return rows_of(content, encoding)
    except FileRefused as refusal:
        return refusal.code


def refused_by(ingest: Any) -> tuple[Any, set[str]]:
    """Return what ingest returned, or None and the codes of the findings for which it refused."""
    try:
        return ingest("council_property"), set()
    except Refused as refusal:
        return None, {finding.code for finding in refusal.findings}


@settings(deadline=None, max_examples=300)
@given(FILES, st.sampled_from(["utf-8", "cp1252"]))
def test_the_reader_counts_or_refuses(content: bytes, encoding: str) -> None:
    outcome = outcome_of(content, encoding)
    assert outcome == "ING-02" or isinstance(outcome, int)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES, st.sampled_from(["utf-8", "cp1252"]))
def test_ingest_accounts_for_every_row_or_refuses_with_findings(
    bench: Any, content: bytes, encoding: str
) -> None:
    bench.put("council_property", content, encoding=encoding)
    result, codes = refused_by(bench.ingest)
    if result is None:
        assert codes
        assert codes <= {"ING-02", "ING-03"}
        return
    facts = result.facts
    assert facts["rows_in"] == facts["rows_kept"] + facts["rows_quarantined"] == outcome_of(content, encoding)
    assert len(result.kept) == facts["rows_kept"]
    assert sum(row["column_name"] is None for row in result.quarantine) == facts["rows_quarantined"]
    ids = [row["record_id"] for row in result.kept]
    assert len(set(ids)) == len(ids)
    assert None not in ids


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("start", [b"\xef\xbb\xbf12", b"a\nb\nc", b'"""""', b"\r\r\r\r\r"])
def test_a_file_of_a_few_bytes_is_read_or_refused(start: bytes, size: int) -> None:
    outcome = outcome_of(start[:size], "utf-8")
    assert outcome == "ING-02" or isinstance(outcome, int)
