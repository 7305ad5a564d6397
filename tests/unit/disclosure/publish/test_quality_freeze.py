"""The linkage quality report does not change within an epoch; at its end only with enough households."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.quality.writing import FILES


def with_changed(town: Any, households: int) -> Any:
    """The town after so many of its households changed their tenure."""
    rows = town.household.to_pylist()
    for row in rows[:households]:
        row["tenure"] = "other" if row["tenure"] != "other" else "owned"
    return replace(town, household=pa.Table.from_pylist(rows, schema=town.household.schema))


def report(release: Path) -> list[bytes]:
    return [(release / name).read_bytes() for name in FILES]


def test_a_later_run_of_an_epoch_repeats_the_report_byte_for_byte(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    first = bench.publish_run(make_town(2))
    bench.men_linked, bench.reference_date = 400, date(2026, 3, 30)
    second, evidence = bench.stage(make_town(2))
    assert second.folder != first
    assert report(second.folder) == report(first)
    assert evidence.facts["quality_report"]["repeats"] is True


@pytest.mark.parametrize(("changed", "is_new"), [(0, False), (19, False), (20, True)])
def test_at_the_boundary_the_report_moves_with_twenty_changed_households_and_not_with_nineteen(
    bench: Any, make_town: Callable[..., Any], changed: int, is_new: bool
) -> None:
    town = make_town(2)
    first = bench.publish_run(town)
    bench.men_linked, bench.reference_date = 400, date(2026, 4, 1)
    second, evidence = bench.stage(with_changed(town, changed))
    assert (report(second.folder) != report(first)) == is_new
    facts = evidence.facts["quality_report"]
    assert (facts["below_minimum"], facts["not_rounded"], facts["page_differs"]) == (0, 0, False)


def test_a_build_that_writes_a_new_report_in_each_run_is_caught_by_gate_and_attack(
    bench: Any, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.publish.stage.may_report_anew", lambda *_: True)
    monkeypatch.setattr("pipeline.publish.stage.check_repelled", lambda _: None)
    bench.publish_run(make_town(2))
    bench.men_linked, bench.reference_date = 400, date(2026, 3, 30)
    _, evidence = bench.stage(make_town(2))
    assert evidence.facts["quality_report"]["repeats"] is False
    (crossing,) = (attack for attack in evidence.facts["attacks"] if attack["number"] == 3)
    assert crossing["findings"]["QUALITY_CHANGED_WITHIN_EPOCH"] == 2
