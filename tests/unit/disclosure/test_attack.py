"""The attacks: a sound release repels all of them; every broken build is caught by one."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from governance.agreement.terms import DisclosureTerms
from governance.canonical import digest_of_file
from governance.errors import Refused
from pipeline.disclosure.attack.from_files.attack import attack_from_files
from pipeline.disclosure.attack.run import AttackReport, run_attacks
from pipeline.disclosure.audit.attacker_assumptions import worked_out_if_all_are_small
from pipeline.disclosure.audit.published_system import PublishedSystem
from pipeline.disclosure.audit.repair import Repaired
from pipeline.publish.files.manifest import MANIFEST, write_manifest
from pipeline.publish.files.release_table import write_plain_parquet
from pipeline.publish.freeze import Frozen


def found(report: AttackReport) -> dict[int, dict[str, int]]:
    return {o.number: dict(o.findings) for o in report.outcomes if o.findings}


def edit_table(release: Path, name: str, edit: Callable[[pa.Table], pa.Table]) -> None:
    """Print a table differently, catalogue and manifest in order: a broken build, not a tampered file."""
    write_plain_parquet(edit(pq.read_table(release / name)), release / name)
    catalogue = pq.read_table(release / "catalogue.parquet").to_pylist()
    for row in catalogue:
        row["sha256"] = digest_of_file(release / row["file"])
    schema = pq.read_schema(release / "catalogue.parquet")
    write_plain_parquet(pa.Table.from_pylist(catalogue, schema=schema), release / "catalogue.parquet")
    manifest = json.loads((release / MANIFEST).read_bytes())
    (release / MANIFEST).unlink()
    write_manifest(
        release, manifest["release_id"], manifest["epoch"], manifest["reference_date"], manifest["method"]
    )


def with_values(table: pa.Table, change: Callable[[int, dict[str, Any]], Any]) -> pa.Table:
    rows = table.to_pylist()
    for number, row in enumerate(rows):
        row["value"], row["shorthand"] = change(number, row)
    return pa.Table.from_pylist(rows, schema=table.schema)


def test_a_sound_release_repels_every_attack_that_one_release_permits(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    report = run_attacks([bench.publish_run(make_town(12))])

    assert found(report) == {}
    assert [o.number for o in report.outcomes if o.not_run] == [3, 4, 5]


def test_releases_of_one_epoch_repel_the_attacks_across_releases(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    first = bench.publish_run(make_town(12, seed=1))
    second = bench.publish_run(make_town(12, seed=2))

    assert found(run_attacks([second, first])) == {}


def test_what_an_outsider_would_work_out_is_covered_before_the_release(
    bench: Any, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def first_finds(connection: Any, printed: PublishedSystem, *rest: Any) -> Any:
        asked.append(int(printed.hidden.sum()))
        if len(asked) == 1:
            return np.flatnonzero(printed.hidden)[:1]
        return worked_out_if_all_are_small(connection, printed, *rest)

    monkeypatch.setattr("pipeline.disclosure.audit.repair.worked_out_if_all_are_small", first_finds)

    assert found(run_attacks([bench.publish_run(make_town(12))])) == {}
    assert asked[-1] > asked[0]


def test_an_exact_release_with_complementary_suppression_repels_reconstruction(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    bench.terms = DisclosureTerms(profile="exact-count")

    release = bench.publish_run(make_town(8))
    report = run_attacks([release])
    second = attack_from_files(release)

    assert found(report) == {}
    assert (second.successes, second.fits, second.hidden > 0) == (0, True, True)


def test_broken_build_with_only_primary_suppression_is_caught(
    bench: Any, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.terms = DisclosureTerms(profile="exact-count")
    monkeypatch.setattr("pipeline.disclosure.stage.audit_and_repair", replace_audit())
    with pytest.raises(Refused, match="ATTACK_SUCCEEDED") as refusal:
        bench.publish_run(make_town(8))
    assert {"attack 2"} <= {finding.where.split(",")[0] for finding in refusal.value.findings}
    monkeypatch.setattr("pipeline.publish.stage.check_repelled", let_pass)

    release = bench.publish_run(make_town(8))
    attacks = found(run_attacks([release]))

    assert attacks[2]["EXACT"] > 0
    assert attack_from_files(release).exact


def let_pass(_: object) -> None:
    """Replace the gate, for a build that has none."""


def replace_audit() -> Callable[..., Repaired]:
    from pipeline.disclosure.audit.auditor import AuditResult

    none = np.zeros(0, dtype=np.int64)
    empty = np.zeros(0)

    def skip(*_: object) -> Repaired:
        return Repaired(AuditResult(0, none, empty, empty, 0, 0, empty, empty), 1, 0, 0)

    return skip


def test_broken_build_that_ignores_the_solver_is_caught(
    bench: Any, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.disclosure.audit.auditor import Auditor

    bench.terms = DisclosureTerms(profile="exact-count")
    with monkeypatch.context() as broken:
        broken.setattr("pipeline.publish.stage.check_repelled", let_pass)
        run = Auditor.run
        none = np.zeros(0, dtype=np.int64)
        broken.setattr(
            Auditor,
            "run",
            lambda self, *how: replace(
                run(self, *how), exposed=none, least_possible=none * 1.0, most_possible=none * 1.0
            ),
        )
        release = bench.publish_run(make_town(8))

    assert found(run_attacks([release]))[2]["EXACT"] > 0


def test_broken_build_that_prints_one_raw_zero_is_caught(bench: Any, make_town: Callable[..., Any]) -> None:
    release = bench.publish_run(make_town(12))
    hidden = [
        number
        for number, row in enumerate(pq.read_table(release / "health_by_tenure.parquet").to_pylist())
        if row["shorthand"] == "[c]" and not row["measure"].endswith("_percent")
    ]

    edit_table(
        release,
        "health_by_tenure.parquet",
        lambda table: with_values(
            table,
            lambda n, row: (0.0, None) if n == hidden[0] else (row["value"], row["shorthand"]),
        ),
    )

    assert found(run_attacks([release]))[2]["PRINTED_BELOW_MINIMUM"] == 1


def test_broken_build_with_an_extra_ward_table_is_caught(bench: Any, make_town: Callable[..., Any]) -> None:
    release = bench.publish_run(make_town(12))
    table = pq.read_table(release / "health.parquet")
    wards = table.filter(pc.equal(table.column("area_level"), "MSOA21"))
    rows = wards.to_pylist()
    for row in rows:
        row["area_level"], row["table_id"] = "WARD", "ward"
        row["area_code"] = row["area_code"].replace("E02", "E05")
    write_plain_parquet(pa.Table.from_pylist(rows, schema=table.schema), release / "ward.parquet")

    attacks = found(run_attacks([release]))

    assert attacks[1]["UNNESTED_GEOGRAPHY"] == len({row["area_code"] for row in rows})
    assert attacks[7]["UNDECLARED_FILE"] == 1


def test_broken_build_whose_rate_was_left_unrounded_is_caught(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    release = bench.publish_run(make_town(12))
    rates = [
        number
        for number, row in enumerate(pq.read_table(release / "health.parquet").to_pylist())
        if row["value"] is not None and row["measure"].endswith("_percent")
    ]

    edit_table(
        release,
        "health.parquet",
        lambda table: with_values(
            table,
            lambda n, row: (100 * 37 / 263, None) if n == rates[0] else (row["value"], row["shorthand"]),
        ),
    )

    attacks = found(run_attacks([release]))
    assert attacks[6]["RATE_NOT_FROM_PUBLISHED_COUNTS"] == 1


def test_broken_build_that_refreshes_nightly_is_caught(
    bench: Any, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.publish.stage.freeze", lambda *_: Frozen(None))
    monkeypatch.setattr("pipeline.publish.stage.check_repelled", let_pass)
    first = bench.publish_run(make_town(12, seed=1))
    second = bench.publish_run(make_town(12, seed=2))

    assert found(run_attacks([first, second]))[3]["CHANGED_WITHIN_EPOCH"] > 0


def test_broken_build_that_draws_noise_from_cluster_ids_is_caught(
    bench: Any, make_town: Callable[..., Any], tmp_path: Path
) -> None:
    """The same town re-linked: every cluster gets another id, no household changes."""
    town = make_town(12)
    first = bench.publish_run(town)
    secret = bench.root / "workspace" / "keys" / "record-key.secret"
    again = type(bench)(tmp_path / "again")
    (again.root / "workspace" / "keys").mkdir(parents=True, mode=0o700)
    shutil.copy2(secret, again.root / "workspace" / "keys" / secret.name)
    relinked = pc.binary_join_element_wise(town.household.column("household_pseudonym"), "x", "-")
    members = pc.binary_join_element_wise(town.resident.column("household_pseudonym"), "x", "-")
    other = replace(
        town,
        household=town.household.set_column(0, "household_pseudonym", relinked),
        resident=town.resident.set_column(0, "household_pseudonym", members),
    )
    second = again.publish_run(other)

    assert found(run_attacks([first, second]))[5]["NOISE_REDRAWN"] > 0


def test_a_rebuild_from_the_same_anchors_carries_the_same_noise(
    bench: Any, make_town: Callable[..., Any], tmp_path: Path
) -> None:
    town = make_town(12)
    first = bench.publish_run(town)
    again = type(bench)(tmp_path / "again")
    (again.root / "workspace" / "keys").mkdir(parents=True, mode=0o700)
    secret = bench.root / "workspace" / "keys" / "record-key.secret"
    shutil.copy2(secret, again.root / "workspace" / "keys" / secret.name)

    report = run_attacks([first, again.publish_run(town)])

    assert [o.findings for o in report.outcomes if o.number == 5] == [{}]


def test_a_table_that_keeps_dropped_rows_in_its_footer_is_caught(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    release = bench.publish_run(make_town(12))
    path = release / "health.parquet"
    table = pq.read_table(path)
    pq.write_table(table, path, compression="zstd", row_group_size=7)

    assert "BYTES_BEYOND_ROWS" in found(run_attacks([release]))[7]


def test_a_pseudonym_in_a_text_file_is_caught(bench: Any, make_town: Callable[..., Any]) -> None:
    release = bench.publish_run(make_town(12))
    note = release / "README.md"
    note.write_text(note.read_text() + "\nABCDEFGHIJKLMNOPQRSTUVWXYZ234567\n")

    assert found(run_attacks([release]))[7]["PSEUDONYM_IN_TEXT"] == 1


def arrive(town: Any, tenure: str, epc: str) -> Any:
    """The town a day later: three households of one tenure and rating have moved into every LSOA."""
    household = town.household.to_pylist()
    areas = {row["lsoa21"]: row for row in household}
    household += [
        {
            **areas[lsoa],
            "household_pseudonym": f"new-{lsoa}-{n}",
            "tenure": tenure,
            "epc": epc,
            "residents": 1,
        }
        for lsoa in sorted(areas)
        for n in range(3)
    ]
    return replace(town, household=pa.Table.from_pylist(household, schema=town.household.schema))


def write_movers(folder: Path, town: Any, on: date) -> Path:
    lsoas = sorted(set(town.household.column("lsoa21").to_pylist()))
    movers = {"lsoa21": lsoas, "moved_in": [on] * len(lsoas), "tenure": ["social_rented"] * len(lsoas)}
    folder.mkdir()
    pq.write_table(pa.table(movers | {"epc": ["E_to_G"] * len(lsoas)}), folder / "mover.parquet")
    return folder


@pytest.mark.parametrize("nightly", [True, False], ids=["refreshed nightly", "frozen for an epoch"])
def test_movers_are_given_away_by_nightly_values_and_not_by_frozen_ones(
    bench: Any, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, nightly: bool
) -> None:
    if nightly:
        monkeypatch.setattr("pipeline.publish.stage.freeze", lambda *_: Frozen(None))
        monkeypatch.setattr("pipeline.publish.stage.check_repelled", let_pass)
    town = make_town(24)
    bench.reference_date = date(2026, 3, 30)
    first = bench.publish_run(town)
    bench.reference_date = date(2026, 3, 31)
    second = bench.publish_run(arrive(town, "social_rented", "E_to_G"))
    truth = write_movers(tmp_path / "truth", town, bench.reference_date)

    outcome = next(o for o in run_attacks([first, second], truth).outcomes if o.number == 4)

    assert outcome.figures["movers"] == 24
    assert bool(outcome.findings.get("MOVERS_PREDICTED")) == nightly


def test_files_of_runs_in_a_workspace_are_searched_for_identifiers(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    release = bench.publish_run(make_town(12))
    log = bench.root / "workspace" / "runs" / "r1" / "report.json"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text('{"households": 1234, "pseudonym": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"}')
    elsewhere = shutil.copytree(release, bench.root / "elsewhere" / release.name)

    assert found(run_attacks([release])) == {7: {"PSEUDONYM_IN_LOG": 1}}
    assert found(run_attacks([elsewhere])) == {}


def test_every_report_bears_the_dated_record_of_a_neighbour(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    release = bench.publish_run(make_town(12))

    (neighbour,) = run_attacks([release], on=date(2026, 4, 1)).record()["intruders"]

    assert neighbour["on"] == "2026-04-01"
    assert neighbour["outcome"] == "nothing learnt"
    assert neighbour["groups"] > 20


def test_limits_that_do_not_follow_from_the_printed_counts_are_caught(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    release = bench.publish_run(make_town(12))

    def changed(table: pa.Table) -> pa.Table:
        rows = table.to_pylist()
        first = next(row for row in rows if row["protection_margin"] is not None)
        first["protection_margin"] += 0.1
        count = next(row for row in rows if row["measure"] == "households")
        count["upper"] = 12.5
        return pa.Table.from_pylist(rows, schema=table.schema)

    edit_table(release, "health.parquet", changed)
    assert found(run_attacks([release]))[6] == {"INTERVAL_NOT_FROM_PRINTED": 2}


def test_a_figure_of_the_whole_run_that_is_finer_than_its_step_is_caught(
    bench: Any, make_town: Callable[..., Any]
) -> None:
    release = bench.publish_run(make_town(12))

    def finer(table: pa.Table) -> pa.Table:
        rows = [
            {"aspect": "completeness", "name": "homes", "value": "0.973"},
            {"aspect": "completeness", "name": "adults_lower", "value": "0.97"},
        ]
        return pa.concat_tables([table, pa.Table.from_pylist(rows, schema=table.schema)])

    edit_table(release, "basis.parquet", finer)
    assert found(run_attacks([release]))[6] == {"FIGURE_OF_RUN_TOO_FINE": 1}
