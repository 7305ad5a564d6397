"""The results on the page on disclosure control are those of the functions."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "disclosure-control.md"


def test_the_pages_example_gives_the_answers_it_states() -> None:
    example = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert example is not None
    names: dict[str, object] = {}
    checked = 0
    for line in example.group(1).splitlines():
        code, _, stated = line.partition("  # ")
        if not stated:
            exec(code, names)  # the page's own lines
            continue
        from pipeline.disclosure.audit.cell_system import Interval

        assert eval(code, names) == eval(stated, {"Interval": Interval})
        checked += 1
    assert checked == 2
