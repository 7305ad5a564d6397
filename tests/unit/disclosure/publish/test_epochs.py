"""Published values do not change within an epoch; at its end they change only if enough households did."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from flows.commands.results.releases import app
from governance.errors import Refused
from pipeline.disclosure.attack.run import run_attacks
from pipeline.disclosure.epoch import epoch_of, epoch_of_project
from pipeline.findings.overlap import recorded_overlap
from pipeline.findings.release_figures import read_release
from pipeline.project import Correction, read_project


def with_changed(town: Any, lsoas: dict[str, int]) -> Any:
    """The town after some households of each LSOA changed their tenure."""
    rows = town.household.to_pylist()
    left = dict(lsoas)
    for row in rows:
        if left.get(row["lsoa21"], 0) > 0:
            row["tenure"] = "other" if row["tenure"] != "other" else "owned"
            left[row["lsoa21"]] -= 1
    return replace(town, household=pa.Table.from_pylist(rows, schema=town.household.schema))


def values(release: Path, areas: str) -> list[Any]:
    table = pq.read_table(release / "health_by_tenure.parquet")
    rows = table.filter(pc.match_substring_regex(table.column("area_code"), areas)).to_pylist()
    return [(r["area_code"], r["tenure"], r["measure"], r["value"], r["shorthand"]) for r in rows]


@pytest.mark.parametrize(
    ("day", "length", "name"),
    [
        (date(2026, 3, 31), "quarter", "2026-Q1"),
        (date(2026, 4, 1), "quarter", "2026-Q2"),
        (date(2026, 12, 31), "quarter", "2026-Q4"),
        (date(2026, 12, 31), "month", "2026-12"),
        (date(2026, 12, 31), "year", "2026"),
    ],
)
def test_an_epoch_is_named_after_the_period_of_its_date(day: date, length: str, name: str) -> None:
    assert epoch_of(day, length) == name


CORRECTED = Correction("2026-Q1", 1, "Tenure codes of one landlord were read wrongly.")


def test_a_correction_is_a_separate_epoch_with_a_reason_and_publishes_only_large_changes(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    town = make_town(10)
    first = bench.publish_run(town)
    mended = with_changed(town, {"E01000000": 19, "E01000005": 20})
    bench.correction = CORRECTED

    second = bench.publish_run(mended)

    few, many = "E0100000[0-4]|E02000000", "E0100000[5-9]|E02000001"
    assert values(first, few) == values(second, few)
    assert values(first, many) != values(second, many)
    assert set(pq.read_table(second / "health.parquet")["epoch"].to_pylist()) == {"2026-Q1-correction-01"}
    assert CORRECTED.reason in (second / "README.md").read_text()
    assert json.loads((second / "disclosure_criteria.json").read_text())["correction"] == CORRECTED.reason
    assert run_attacks([first, second]).successes == 0


def test_once_corrected_the_epoch_as_it_was_cannot_be_opened_again(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    bench.correction = CORRECTED
    bench.publish_run(make_town(4))
    bench.correction = None

    with pytest.raises(Refused, match="EPOCH_GOES_BACK"):
        bench.publish_run(make_town(4, seed=2))


def test_a_correction_of_an_epoch_that_has_passed_matters_no_longer(bench: Any) -> None:
    bench.correction = CORRECTED
    bench.reference_date = date(2026, 4, 1)

    assert epoch_of_project(bench.context().project, "quarter") == "2026-Q2"
    assert "2026-Q1" < "2026-Q1-correction-01" < "2026-Q1-correction-02" < "2026-Q2"


def test_a_correction_is_opened_by_a_command_that_numbers_it(tmp_path: Path) -> None:
    project = Path(__file__).parents[4] / "sample_data" / "sample"
    for name in ("hearth.toml", "agreement.toml"):
        shutil.copy2(project / name, tmp_path / name)
    hearth = tmp_path / "hearth.toml"

    for reason in ("First mistake", 'Second "mistake"'):
        done = CliRunner().invoke(app, ["correct", "--reason", reason, "--config", str(hearth)])
        assert done.exit_code == 0, done.output

    assert read_project(hearth).correction == Correction("2026-Q1", 2, 'Second "mistake"')


def test_at_the_boundary_an_area_moves_with_twenty_changed_households_and_not_with_nineteen(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    """E02000000 has LSOAs 0 to 4, E02000001 5 to 9: one LSOA of each changes, by 19 and by 20."""
    town = make_town(10)
    first = bench.publish_run(town)
    bench.reference_date = date(2026, 4, 1)

    second = bench.publish_run(with_changed(town, {"E01000000": 19, "E01000005": 20}))

    few, many = "E0100000[0-4]|E02000000", "E0100000[5-9]|E02000001"
    assert values(first, few) == values(second, few)
    assert values(first, many) != values(second, many)


def test_one_lsoa_below_the_minimum_freezes_its_whole_msoa(bench: Any, make_town: Callable[..., Any]) -> None:
    town = make_town(10)
    first = bench.publish_run(town)
    bench.reference_date = date(2026, 4, 1)

    second = bench.publish_run(with_changed(town, {"E01000000": 60, "E01000001": 1, "E01000005": 60}))

    assert values(first, "E0100000[0-4]|E02000000") == values(second, "E0100000[0-4]|E02000000")
    assert values(first, "E01000005") != values(second, "E01000005")


def test_an_authority_is_frozen_while_carried_forward_areas_have_few_changes(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    """Were the authority's total new, its difference to the old areas would disclose the 3."""
    town = make_town(10)
    first = bench.publish_run(town)
    bench.reference_date = date(2026, 4, 1)

    second = bench.publish_run(with_changed(town, {"E01000000": 3, "E01000005": 60}))

    assert values(first, "E08") == values(second, "E08")


def test_frozen_changes_accumulate_until_they_reach_the_minimum(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    town = make_town(10)
    first = bench.publish_run(town)
    bench.reference_date = date(2026, 4, 1)
    second = bench.publish_run(with_changed(town, {"E01000000": 12}))
    bench.reference_date = date(2026, 7, 1)

    third = bench.publish_run(with_changed(town, {"E01000000": 24}))

    assert values(first, "E01000000") == values(second, "E01000000")
    assert values(second, "E01000000") != values(third, "E01000000")


def test_the_evidence_counts_what_moved_and_what_was_carried_forward(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    town = make_town(10)
    bench.publish_run(town)
    bench.reference_date = date(2026, 4, 1)

    _, evidence = bench.stage(with_changed(town, {"E01000000": 19, "E01000005": 20}))

    assert evidence.facts["areas_carried_forward"] == 7  # five LSOAs, their MSOA, the authority
    assert evidence.facts["areas_changed"] == 6
    assert evidence.facts["smallest_change"] == 20
    assert evidence.facts["attack_successes"] == 0


def test_an_epoch_that_has_passed_cannot_be_opened_again(bench: Any, make_town: Callable[..., Any]) -> None:
    bench.reference_date = date(2026, 4, 1)
    bench.publish_run(make_town(10))
    bench.reference_date = date(2026, 3, 31)

    with pytest.raises(Refused, match="EPOCH_GOES_BACK"):
        bench.publish_run(make_town(10, seed=2))


def test_a_release_is_refused_when_the_epochs_first_release_is_gone(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    first = bench.publish_run(make_town(10))
    first.rename(bench.root / "elsewhere")

    with pytest.raises(Refused, match="EPOCH_RELEASE_LOST"):
        bench.publish_run(make_town(10, seed=2))


def test_a_new_epoch_records_which_share_of_households_the_earlier_release_counts_alike(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    town = make_town(10)
    first = bench.publish_run(town)
    households = town.household.num_rows
    changed = households // 4
    bench.correction = CORRECTED

    second = bench.publish_run(with_changed(town, {f"E0100000{n}": changed // 10 + 1 for n in range(10)}))

    assert recorded_overlap(read_release(first), read_release(first)) is None
    found = recorded_overlap(read_release(first), read_release(second))
    assert found is not None
    expected = 1 - 10 * (changed // 10 + 1) / households
    assert found.shared == pytest.approx(expected, abs=0.01)
    assert found.shared <= expected
    assert dict(found.same_status) == {"": 1.0}


def test_the_overlap_of_few_households_is_not_recorded(
    bench: Any, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    town = make_town(10)
    first = bench.publish_run(town)
    bench.correction = CORRECTED
    monkeypatch.setattr("pipeline.publish.freeze.LEAST_OVERLAP", town.household.num_rows + 1)
    second = bench.publish_run(with_changed(town, {"E01000005": 20}))
    assert recorded_overlap(read_release(first), read_release(second)) is None
