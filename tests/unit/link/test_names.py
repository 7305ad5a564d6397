"""Ids become the names they number, and nothing else changes."""

import pyarrow as pa

from pipeline.link.names import Names

_NAMES = Names(pa.array(["r0", "r1"]), pa.array(["g1", "g2"]), pa.array(["d1", "d2", "d3"]))


def test_each_column_of_names_has_its_own_numbering() -> None:
    batch = pa.RecordBatch.from_pydict(
        {
            "nhs_record_pseudonym": [1, 0],
            "address_group": [2, -1],
            "dwelling_record_pseudonym": [3, None],
            "second_dwelling_record_pseudonym": pa.array([None, None], pa.int64()),
            "match_weight": [1.5, None],
        }
    )
    assert _NAMES.replace_ids(batch).to_pydict() == {
        "nhs_record_pseudonym": ["r1", "r0"],
        "address_group": ["g2", "g1-moved"],
        "dwelling_record_pseudonym": ["d3", None],
        "second_dwelling_record_pseudonym": [None, None],
        "match_weight": [1.5, None],
    }


def test_no_rows_have_the_types_of_names() -> None:
    ids = pa.schema([("address_group", pa.int64()), ("has_uprn", pa.bool_())])
    named = _NAMES.replace_ids(pa.RecordBatch.from_pylist([], ids))
    assert named.schema == pa.schema([("address_group", pa.string()), ("has_uprn", pa.bool_())])
