import duckdb
from hypothesis import given
from hypothesis import strategies as st

from pipeline.link.query import shares

_LISTS = st.none() | st.lists(st.integers(0, 9), max_size=6)


@given(st.lists(st.tuples(_LISTS, _LISTS), min_size=1, max_size=60))
def test_two_lists_share_a_token_as_sets_do(pairs: list[tuple[list[int] | None, list[int] | None]]) -> None:
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE TABLE pair (row INTEGER, a BIGINT[], b BIGINT[])")
        connection.executemany("INSERT INTO pair VALUES (?, ?, ?)", [(n, *p) for n, p in enumerate(pairs)])
        found = connection.execute(f"SELECT {shares('a', 'b')} FROM pair ORDER BY row").fetchall()
    assert [bool(set(a or ()) & set(b or ())) for a, b in pairs] == [row[0] for row in found]
