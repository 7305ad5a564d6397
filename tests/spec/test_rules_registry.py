"""Of every rule there is a nearest passing and a nearest refused case; none is without its papers."""

import importlib.util
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from flows.run.plan import gate_order
from governance.rules import all_rules, rules_for
from governance.rules.registry import Rule, passed, rule

#: The rules of governance.md, with P0 of disclosure-control.md as AGG-00 and AGG-07, its attacks as AGG-06,
#: coverage as AGG-08, windows as AGG-09 and the read-back of P0 to P7 as AGG-10.
SPECIFIED = {
    "PRE": range(1, 14),
    "ING": range(1, 16),
    "PSE": range(1, 9),
    "LNK": (*range(1, 9), 10),
    "HHD": range(1, 4),
    "AGG": range(11),
    "PUB": range(1, 7),
    "RET": range(1, 5),
}


def pairs() -> Counter[str]:
    """Rule ids of every PAIRS table in this folder, counted."""
    found: Counter[str] = Counter()
    for path in sorted(Path(__file__).parent.glob("test_rules_*.py")):
        if path.name == Path(__file__).name:
            continue
        spec = importlib.util.spec_from_file_location(f"pairs_of_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for rule_id, (passing, refused, code) in module.PAIRS.items():
            assert passing != refused, rule_id
            assert code, rule_id
            found[rule_id] += 1
    return found


def test_no_rule_lacks_its_pair_and_no_pair_its_rule() -> None:
    assert pairs() == Counter({item.id: 1 for item in all_rules()})


def test_every_rule_that_the_specification_names_is_there() -> None:
    wanted = {f"{family}-{number:02d}" for family, numbers in SPECIFIED.items() for number in numbers}
    assert {item.id for item in all_rules()} == wanted


GATES = {*gate_order("single operator"), *gate_order("controller"), *gate_order("linkage environment")}


@pytest.mark.parametrize("gate", sorted(GATES))
def test_no_gate_is_without_rules(gate: tuple[str, str]) -> None:
    assert rules_for(*gate)


def test_every_rule_belongs_to_a_gate_of_a_declared_stage() -> None:
    assert {item.stage for item in all_rules()} == {stage for stage, _ in GATES}


@pytest.mark.parametrize("item", all_rules(), ids=lambda item: item.id)
def test_a_rule_says_what_it_is_where_it_comes_from_and_what_mends_it(item: Rule) -> None:
    assert item.version >= 1
    assert item.title[0].isupper()
    assert not item.title.endswith(".")
    assert len(item.source) > 5
    assert item.remedy.endswith(".")
    assert item.kind in ("check", "attest")
    assert item.check.__doc__


def test_two_rules_of_one_id_are_a_defect() -> None:
    taken = all_rules()[0].id
    with pytest.raises(ValueError, match="twice"):
        rule(id=taken, version=1, title="x", stage="run", source="x", remedy="x")(lambda *_: passed("", ""))
