"""docs/programmes.md: each query runs on a release of the sample and gives the answer on the page."""

import re
from pathlib import Path

import pytest

from pipeline.publish.query import query_release

pytestmark = pytest.mark.slow

PAGE = Path(__file__).resolve().parents[2] / "docs" / "programmes.md"
#: Noise moves a count by up to 3 and rounding by 2: that is several points of a small group.
POINTS = 3.0
OF_SMALL_GROUPS = 0.3

_BLOCK = re.compile(r"```sql\n(?P<sql>.*?)\n```\n\n(?P<answer>(?:\|[^\n]*\n)+)", re.DOTALL)
BLOCKS = [(found["sql"], found["answer"]) for found in _BLOCK.finditer(PAGE.read_text("utf-8"))]


def rows_of(answer: str) -> list[list[str]]:
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in answer.strip().splitlines()]
    return [lines[0], *lines[2:]]


def test_every_query_on_the_page_has_an_answer() -> None:
    assert len(BLOCKS) == PAGE.read_text("utf-8").count("```sql") > 0


@pytest.mark.parametrize(("sql", "answer"), BLOCKS, ids=range(len(BLOCKS)))
def test_a_query_gives_the_answer_on_the_page(sql: str, answer: str, sample_release: Path) -> None:
    found = query_release(sample_release, sql)
    names, *shown = rows_of(answer)
    assert found.column_names == names
    # a figure that noise hides in one release and not in another has no row to compare
    own = {tuple(str(v) for v in row[:-1]): row[-1] for row in (list(r.values()) for r in found.to_pylist())}
    page = {tuple(row[:-1]): float(row[-1]) for row in shown}
    common = own.keys() & page.keys()
    assert len(common) >= 0.8 * max(len(own), len(page)) > 0
    off = {
        key: (page[key], own[key])
        for key in common
        if own[key] is not None and abs(own[key] - page[key]) > max(POINTS, OF_SMALL_GROUPS * page[key])
    }
    assert off == {}
