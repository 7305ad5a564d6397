"""Evidence as a rule reads it: a fact of the kind asked for, or none; nothing is taken for what it is not."""

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from governance.artefact import Evidence
from governance.rules import all_rules
from governance.rules.registry import NotShown, Shown, passed

TABLE = {"a": 1}


def read(kind: str, value: Any) -> Any:
    return getattr(Shown.of({"fact": value}), kind)("fact")


@pytest.mark.parametrize(
    ("kind", "accepted", "refused"),
    [
        ("count", (0, 1, 10**9), (-1, -2, True, False, 1.0, "1", None, [1])),
        ("optional_count", (None, 0, 5), (-1, True, 1.5, "1")),
        ("rate", (0, 1, 0.0, 0.5, 1.0), (-0.01, 1.01, -1, 2, True, False, "0.5", None)),
        ("flag", (True, False), (0, 1, "yes", None)),
        ("text", ("a", " "), ("", 1, None, ["a"], True)),
        ("optional_text", (None, "a"), ("", 1)),
        ("names", ([], ["a"], ("a", "b")), ("a", "", None, [1], ["a", 1], {"a"}, {"a": 1}, 1)),
        ("table", ({}, TABLE), ([], "a", None, [("a", 1)])),
        ("counts", ({}, {"a": 0, "b": 1}), ({"a": -1}, {"a": True}, {"a": 1.5}, {"a": "1"}, [1], None)),
        ("tables", ({"a": {}}, {"a": TABLE}), ({}, {"a": 1}, {"a": TABLE, "b": 1}, [TABLE], None)),
        ("within", ({}, TABLE), ([], None, 1)),
        ("rows", ([], [TABLE]), ([1], [TABLE, 1], {"a": TABLE}, None, (TABLE,))),
        ("columns", ({"a": []}, {"a": ["b"]}), ({}, {"a": "b"}, {"a": [1]}, {"a": None}, None)),
    ],
)
def test_a_fact_is_taken_in_its_own_kind_alone(kind: str, accepted: tuple[Any, ...], refused: Any) -> None:
    for value in accepted:
        read(kind, value)
    for value in refused:
        with pytest.raises(NotShown):
            read(kind, value)


@pytest.mark.parametrize("kind", ["count", "rate", "flag", "text", "names", "optional_count", "is_null"])
def test_a_fact_that_is_not_there_is_not_shown_and_is_named(kind: str) -> None:
    with pytest.raises(NotShown) as caught:
        getattr(Shown.of({"other": 1}), kind)("fact")
    assert (caught.value.fact, bool(caught.value.wanted)) == ("fact", True)


def test_a_fact_is_there_or_not_and_stated_to_be_nothing_or_something() -> None:
    shown = Shown.of({"nothing": None, "zero": 0})
    assert [shown.has(name) for name in ("nothing", "zero", "other")] == [True, True, False]
    assert [shown.is_null(name) for name in ("nothing", "zero")] == [True, False]


def test_facts_within_facts_keep_their_stage_and_part() -> None:
    shown = Shown(Evidence("ingest", "nhs", {"t": {"a": TABLE}, "r": [TABLE]}), Evidence("run", "all", TABLE))
    for inner in (shown.within("t"), shown.tables("t")["a"], shown.rows("r")[0]):
        assert (inner.stage, inner.part) == ("ingest", "nhs")
    assert shown.tables("t")["a"].count("a") == shown.rows("r")[0].count("a") == 1
    assert shown.run.count("a") == 1
    with pytest.raises(NotShown):
        Shown(Evidence("ingest", "nhs")).run.count("a")


def test_what_was_remembered_and_asked_for_is_empty_where_none_was_given() -> None:
    shown = Shown(Evidence("ingest", "nhs"))
    assert (dict(shown.remembered), shown.requests_on_record) == ({}, frozenset())
    assert passed("", "").remember == {}


def test_a_verdict_and_a_rule_cannot_be_changed_once_given() -> None:
    verdict: Any = passed("a", "b")
    with pytest.raises(FrozenInstanceError):
        verdict.outcome = "fail"
    item: Any = all_rules()[0]
    with pytest.raises(FrozenInstanceError):
        item.version = 9
