"""Each protection is judged again from the finished files: one that is switched off is found."""

import ast
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from governance.agreement.terms import DisclosureTerms
from governance.errors import Refused
from governance.rules.read_back import PROTECTIONS as JUDGED
from pipeline.disclosure import counts
from pipeline.disclosure import stage as disclosure_stage
from pipeline.disclosure.audit.repair import Repaired, audit_and_repair
from pipeline.disclosure.noise.p_table import noise_of
from pipeline.disclosure.noise.record_key import RecordKeySecret
from pipeline.disclosure.rules.attribute import suppress_attribute
from pipeline.disclosure.statements import create_table
from pipeline.publish import freeze as freeze_module
from pipeline.publish import release_record
from pipeline.publish import stage as publish_stage
from pipeline.publish.read_back import values
from pipeline.publish.read_back.read_back import PROTECTIONS
from pipeline.publish.read_back.values import Noise
from schemas.measure import measures

from ..conftest import Bench, TableOf
from .test_epochs import with_changed

EXACT = DisclosureTerms(profile="exact-count")
Switch = Callable[[pytest.MonkeyPatch], None]


def judged(bench: Bench, town: Any, patch: pytest.MonkeyPatch, **options: Any) -> dict[str, Any]:
    """Stage a release and return what its read-back found, also where an attack would have stopped it."""
    patch.setattr(publish_stage, "check_repelled", lambda _: None)
    _, evidence = bench.stage(town, **options)
    found: dict[str, Any] = evidence.facts["read_back"]
    return found


def broken(found: dict[str, Any]) -> set[str]:
    return {name for name in PROTECTIONS if found[name]}


@pytest.mark.parametrize("terms", [DisclosureTerms(), EXACT], ids=["cell-key", "exact-count"])
def test_a_sound_release_breaks_no_protection_and_every_cell_of_it_is_compared(
    bench: Bench, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, terms: DisclosureTerms
) -> None:
    bench.terms = terms
    found = judged(bench, make_town(10), monkeypatch)
    assert broken(found) == set()
    assert found["basis"] == "exact counts"
    assert found["fresh"] == found["cells"] > 300


def no_floor(patch: pytest.MonkeyPatch) -> None:
    def leave_none_out(connection: duckdb.DuckDBPyConnection, _: Any) -> int:
        floors = ("households", "persons", "households_multiway", "persons_multiway")
        create_table(connection, "below_floor", **{f"floor_{name}": 0 for name in floors})
        return 0

    patch.setattr(disclosure_stage, "find_areas_below_floor", leave_none_out)


def no_primary(patch: pytest.MonkeyPatch) -> None:
    print_at_last(patch, "SELECT count_id FROM count WHERE FALSE", minimum_cell_count=1)


def print_at_last(patch: pytest.MonkeyPatch, hidden: str, **looser: int) -> None:
    """Print the cells again after the audit has passed, with only these counts hidden, by looser numbers."""

    def print_anew(connection: Any, profile: Any, area: Any, print_cells: Callable[[], None]) -> Repaired:
        repaired = audit_and_repair(connection, profile, area, print_cells)
        connection.execute(f"CREATE OR REPLACE TABLE hidden AS {hidden}")
        print_by(patch, **looser)
        print_cells()
        return repaired

    patch.setattr(disclosure_stage, "audit_and_repair", print_anew)


def no_attribute(patch: pytest.MonkeyPatch) -> None:
    def hide_none(connection: duckdb.DuckDBPyConnection, *rest: Any) -> int:
        suppress_attribute(connection, *rest)
        connection.execute("DELETE FROM attribute_hidden")
        return 0

    patch.setattr(disclosure_stage, "suppress_attribute", hide_none)


def no_noise(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(counts, "noise_of", lambda n, *_: np.zeros(len(n), dtype=np.int64))


def other_noise(patch: pytest.MonkeyPatch) -> None:
    """Draw the noise with a secret of its own, as for every night anew."""
    other = RecordKeySecret(bytes(32))
    patch.setattr(counts, "noise_of", lambda n, keys, bound, _: noise_of(n, keys, bound, other))


def no_rounding(patch: pytest.MonkeyPatch) -> None:
    print_by(patch, rounding_base=1)


def print_by(patch: pytest.MonkeyPatch, **looser: int) -> None:
    """Print values by looser numbers than any profile may have."""
    original = disclosure_stage.apply_publish_rule

    def apply(connection: duckdb.DuckDBPyConnection, profile: Any) -> None:
        loose = object.__new__(type(profile))
        for name, value in (vars(profile) | looser).items():
            object.__setattr__(loose, name, value)
        original(connection, loose)

    patch.setattr(disclosure_stage, "apply_publish_rule", apply)


def no_repair(patch: pytest.MonkeyPatch) -> None:
    print_at_last(patch, "SELECT count_id FROM primary_hidden")


@pytest.mark.parametrize(
    ("switch", "protection", "terms", "households"),
    [
        (no_floor, "P0", DisclosureTerms(), 30),
        (no_primary, "P1", DisclosureTerms(), 300),
        (no_noise, "P3", DisclosureTerms(), 300),
        (other_noise, "P3", DisclosureTerms(), 300),
        (no_rounding, "P4", DisclosureTerms(), 300),
        (no_repair, "P5", EXACT, 300),
    ],
)
def test_a_protection_that_was_switched_off_is_found_in_the_finished_files(
    bench: Bench,
    make_town: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    switch: Switch,
    protection: str,
    terms: DisclosureTerms,
    households: int,
) -> None:
    bench.terms = terms
    town = make_town(10, households_per_lsoa=households)
    with monkeypatch.context() as sound:
        assert broken(judged(bench, town, sound)) == set()
    switch(monkeypatch)
    bench.root = bench.root / "broken"
    bench.root.mkdir()
    assert protection in broken(judged(bench, town, monkeypatch))


@pytest.fixture
def sensitive_admission(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the measure of admissions be a sensitive one, wherever the register is read."""
    known = dict(measures())
    known["emergency_admission"] = replace(known["emergency_admission"], sensitive=True)
    for module in (values, __import__("pipeline.disclosure.rules.table_registry", fromlist=["measures"])):
        monkeypatch.setattr(module, "measures", lambda: known)


@pytest.mark.usefixtures("sensitive_admission")
@pytest.mark.parametrize(("switch", "found"), [(None, set()), (no_attribute, {"P2"})])
def test_an_attribute_of_nearly_everyone_in_a_group_is_found_if_it_is_printed(
    bench: Bench,
    make_town: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    switch: Switch | None,
    found: set[str],
) -> None:
    town = make_town(6)
    rows = town.household.to_pylist()
    for row in rows:
        row["admission"] = row["admission"] or row["lsoa21"] == "E01000000"
    town = replace(town, household=type(town.household).from_pylist(rows, schema=town.household.schema))
    if switch is not None:
        switch(monkeypatch)
    tables = [
        TableOf("health", "households"),
        TableOf("health", "emergency_admission", numerator="admission"),
    ]
    assert broken(judged(bench, town, monkeypatch, tables=tables)) == found


def test_values_that_change_within_an_epoch_are_found(
    bench: Bench, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    town = make_town(10)
    bench.publish_run(town)
    changed = with_changed(town, {"E01000000": 60})
    with monkeypatch.context() as sound:
        found = judged(bench, changed, sound)
        assert (found["basis"], broken(found)) == ("earlier release", set())
    monkeypatch.setattr(publish_stage, "freeze", freeze_module_that_repeats_nothing)
    assert broken(judged(bench, with_changed(town, {"E01000000": 61}), monkeypatch)) == {"P6"}


def freeze_module_that_repeats_nothing(connection: Any, *_: Any) -> freeze_module.Frozen:
    return freeze_module.Frozen("x", False, 0, state_sha256="0" * 64)


@pytest.mark.parametrize(("households", "found"), [(19, {"P6"}), (20, set())])
def test_as_an_epoch_opens_values_of_an_area_with_few_changes_are_found_if_they_are_new(
    bench: Bench,
    make_town: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    households: int,
    found: set[str],
) -> None:
    town = make_town(10)
    bench.publish_run(town)
    bench.reference_date = date(2026, 4, 1)
    changed = with_changed(town, {"E01000000": households, "E01000005": 60})
    with monkeypatch.context() as sound:
        assert broken(judged(bench, changed, sound)) == set()
    original = freeze_module.create_table

    def let_all_change(connection: Any, table: str, name: str | None = None, **parameters: Any) -> int:
        rows = original(connection, table, name, **parameters)
        if table == "area_verdict":
            connection.execute("UPDATE area_verdict SET may_change = TRUE")
        return rows

    monkeypatch.setattr(freeze_module, "create_table", let_all_change)
    bench.men_linked += 1
    assert broken(judged(bench, changed, monkeypatch)) == found


def test_a_list_of_other_values_for_the_ledger_is_found(
    bench: Bench, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_record, "_CELL_DIGESTS", release_record._CELL_DIGESTS + " LIMIT 7")
    found = judged(bench, make_town(6), monkeypatch)
    assert broken(found) == {"P7"}
    assert found["P7"] == 2


def test_a_published_release_that_is_found_again_is_compared_with_the_ledger(
    bench: Bench, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    town = make_town(6)
    bench.publish_run(town)
    found = judged(bench, town, monkeypatch)
    assert (found["basis"], broken(found)) == ("ledger", set())
    monkeypatch.setattr(
        "pipeline.publish.read_back.read_back.digest_of_cells", lambda release: ("0" * 64, len(release.cells))
    )
    assert broken(judged(bench, town, monkeypatch)) == {"P7"}


def test_the_noise_of_the_read_back_is_that_of_its_definition() -> None:
    secret = RecordKeySecret(bytes(range(32)))
    n = np.array([10, 10, 11, 250, 250], dtype=np.int64)
    keys = np.array([0, 4095, 7, 2048, 99], dtype=np.int64)
    own = Noise(secret.value, 3)
    expected = noise_of(n, keys, 3, secret).tolist()
    assert [own.of(int(a), int(b)) for a, b in zip(n, keys, strict=True)] == expected
    drawn = [own.of(500, key) for key in range(4096)]
    assert [drawn.count(v) for v in range(-3, 4)] == [153, 458, 885, 1104, 885, 458, 153]


def test_a_release_without_its_record_is_refused(
    bench: Bench, make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish_stage, "write_record", lambda *_: None)
    with pytest.raises(Refused, match="RELEASE_RECORD_MISSING"):
        bench.stage(make_town(6))


#: What a read-back may take from the code that it judges: agreed numbers, and the secret.
ADMITTED = {"pipeline.disclosure.profile", "pipeline.disclosure.noise.record_key"}


def test_the_read_back_runs_no_sql_and_imports_no_code_that_protects() -> None:
    folder = Path(values.__file__).parent
    files = sorted(folder.glob("*.py"))
    assert len(files) == 8
    for path in files:
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom | ast.Import):
                names = (
                    [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
                )
                for name in names:
                    assert not name.startswith("duckdb"), path.name
                    assert not name.startswith("pipeline.disclosure") or name in ADMITTED, (path.name, name)
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert "SELECT " not in node.value, path.name


def test_the_rule_reads_exactly_the_protections_that_are_read_back() -> None:
    assert tuple(JUDGED) == PROTECTIONS
