"""The results on the page on disclosure control are those of the functions."""

import re
from pathlib import Path

from governance.rules import all_rules
from governance.rules.read_back import PROTECTIONS

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "disclosure-control.md"


def test_the_table_of_protections_names_each_with_its_code_its_rules_and_its_read_back() -> None:
    rows = re.findall(r"^\| (P\d) \| `(.+?)` \| (.+?) \| (.+?) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert [row[0] for row in rows] == list(PROTECTIONS)
    known = {item.id for item in all_rules()}
    for name, applied, judged, again in rows:
        assert (ROOT / applied).is_file(), name
        rules = re.findall(r"[A-Z]{3}-\d\d", judged)
        assert rules, name
        assert set(rules) <= known - {"AGG-10"}, name
        read_back = re.match(r"AGG-10, `(\w+\.py)`: ", again)
        assert read_back is not None, name
        path = ROOT / "pipeline" / "publish" / "read_back" / read_back[1]
        assert re.search(rf"\b{name}\b|P0 to P4", path.read_text("utf-8").splitlines()[0]), name


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
