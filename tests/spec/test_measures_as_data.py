"""Measures, dimensions and tables are data: adding one needs no code, and a mistake is told in words."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.run.reporting.faults import as_hearth_error
from pipeline.aggregate.counting import build_all_cells
from pipeline.aggregate.plan import make_plan
from pipeline.aggregate.stage import known_attributes
from pipeline.disclosure.noise.record_key import RecordKeySecret
from schemas import measure as measure_module
from schemas.attribute import household_attributes, resident_attributes
from schemas.contract import load_contract
from schemas.dimension import dimensions
from schemas.measure import measures, parse_pack
from schemas.strict_yaml import DefinitionInvalid
from schemas.table import parse_tables, tables
from tests.unit.household.world import built_world, dwelling, record

_SECRET = RecordKeySecret(b"fedcba9876543210" * 2)

#: The practice examples of the brief, and the pack that serves each.
EXAMPLES = {
    "Islington": ("determinants_and_health", "illness_and_attendance", "long_term_conditions"),
    "Warm and Safe Wiltshire": ("warm_and_safe_homes",),
    "Surrey air alliance": ("childhood_asthma_and_air",),
    "Middlesbrough": ("school_readiness",),
    "Blackburn": ("drug_and_alcohol_recovery",),
    "Talent4Care": ("work_and_health",),
    "Wiltshire vaccination bus": ("vaccination_uptake",),
    "Social isolation": ("later_life",),
    "Eatwell": ("low_income_children",),
    "Buckfastleigh": ("hidden_deprivation",),
}

PACK = """
example: an example
measures:
- name: arrears_and_illness
  title: Households in arrears with a resident of 16 to 64 who has two or more conditions
  unit: household
  count:
    arrears: true
    any_resident: {age_years: {at_least: 16, at_most: 64}, long_term_conditions: {at_least: 2}}
  period: reference date
  sensitive: false
  direction: lower_is_better
  source: test
  dimensions: [tenure]
"""


def test_every_practice_example_has_its_pack_and_every_measure_a_table() -> None:
    packs = {m.pack: m.example for m in measures().values()}
    for example, served_by in EXAMPLES.items():
        for pack in served_by:
            assert example.split()[0] in packs[pack], pack
    assert {pack for served_by in EXAMPLES.values() for pack in served_by} == set(packs)
    assert set(measures()) == {name for table in tables().values() for name in table.measures}


def test_a_new_measure_and_table_are_counted_without_any_code(monkeypatch: pytest.MonkeyPatch) -> None:
    added = {m.name: m for m in parse_pack("new", PACK)}
    monkeypatch.setattr("pipeline.aggregate.plan.measures", lambda: added)
    text = (
        "- {name: new, title: New, measures: [arrears_and_illness], dimensions: [tenure], area_levels: [LAD]}"
    )
    registered = parse_tables("new", text, added)
    homes = [
        dwelling("a", arrears=True, tenure="mortgage"),
        dwelling("b", arrears=True, tenure="mortgage"),
        dwelling("c", arrears=False, tenure="local_authority"),
        dwelling("d", arrears=None, tenure="mortgage"),
    ]
    rows = [record(f"r{home}", home, long_term_conditions=2) for home in "acd"]
    rows.append(record("rb", "b", long_term_conditions=1))
    with built_world(homes, rows) as connection:
        build_all_cells(connection, make_plan(registered, ("new",), known_attributes(connection)), _SECRET)
        cells = connection.sql(
            "SELECT category_1, denominator, numerator FROM cell WHERE denominator > 0 ORDER BY ALL"
        ).fetchall()
    # arrears of "d" are not known, so it is in neither; of "c" they are known to be none
    assert cells == [("owned", 2, 1), ("social_rented", 1, 0)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("arrears: true", "arrear: true"), "arrear is not an attribute of a household"),
        (("arrears: true", "arrears: 1"), "arrears: must be true or false"),
        (("arrears: true", "arrears: {at_least: 1}"), "only a number can have bounds"),
        (("arrears: true", "tenure: rented"), "tenure: rented is not one of its codes"),
        (
            ("age_years: {at_least: 16,", "tenure: mortgage, age_years: {at_least: 16,"),
            "not an attribute of a person",
        ),
        (("at_least: 16,", "at_least: sixteen,"), "a bound must be a whole number"),
        (("unit: household", "unit: dwelling"), "unit must be one of household, resident"),
        (("direction: lower_is_better", "direction: down"), "direction must be one of"),
        (("sensitive: false", "sensitive: perhaps"), "sensitive must be true or false"),
        (("dimensions: [tenure]", "dimensions: [colour]"), "colour is not a dimension"),
        (("dimensions: [tenure]", "dimensions: [age]"), "age divides residents, not households"),
        (("  period: reference date\n", ""), "period is missing"),
        (("  period:", "  perod: x\n  period:"), "unknown key perod"),
        (("- name: arrears_and_illness", "- name: Arrears"), "lower-case letters"),
        (("dimensions: [tenure]", "dimensions: tenure"), r"dimensions must be a list, such as \[tenure\]"),
        (("dimensions: [tenure]", "dimensions: [tenure"), "line 1[0-9]: (did not find )?expected"),
        (("  source: test\n", "  source:\n"), "source must be text"),
        (
            ("  source: test\n", "  source: test\n  source: other\n"),
            "line 1[0-9]: the key source is repeated",
        ),
    ],
)
def test_a_mistake_in_a_pack_is_named_in_words(change: tuple[str, str], message: str) -> None:
    assert change[0] in PACK
    with pytest.raises(DefinitionInvalid, match=message):
        parse_pack("broken", PACK.replace(*change))


def test_every_fault_of_a_pack_is_listed_at_once() -> None:
    broken = PACK.replace("arrears: true", "arrear: true").replace("unit: household", "unit: home")
    with pytest.raises(DefinitionInvalid) as caught:
        parse_pack("broken", broken)
    assert len(caught.value.faults) >= 2


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("measures: [nothing], dimensions: [], area_levels: [LAD]", "nothing is not a measure"),
        ("measures: [households], dimensions: [], area_levels: [WARD]", "WARD is not an area level"),
        ("measures: [households], dimensions: [age], area_levels: [LAD]", "may not be broken down by age"),
        ("measures: [households, residents], dimensions: [], area_levels: [LAD]", "different units"),
        (
            "measures: [households], dimensions: [tenure, epc, damp], area_levels: [LAD]",
            "at most 2 dimensions",
        ),
        ("measures: [], dimensions: [], area_levels: []", "must not be empty"),
        (
            "measures: [households], dimensions: [tenure], area_levels: [LAD], "
            "structural_zeros: [{tenure: x}]",
            "structural zero tenure: x",
        ),
    ],
)
def test_a_mistake_in_the_registry_is_named_in_words(entry: str, message: str) -> None:
    with pytest.raises(DefinitionInvalid, match=message):
        parse_tables("broken", f"- {{name: t, title: T, {entry}}}", measures())


def test_a_measure_of_two_packs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = PACK + PACK.split("measures:")[1]
    with pytest.raises(DefinitionInvalid, match="is defined twice"):
        parse_pack("twice", twice)
    assert measure_module.measures() is measures()


def test_what_the_stages_write_is_what_their_contracts_declare() -> None:
    with built_world([dwelling("d")], [record("r", "d")], conditions=[], events=[]) as connection:
        build_all_cells(
            connection,
            make_plan(tables(), ("health", "resident_health"), known_attributes(connection)),
            _SECRET,
        )
        for stage, table in [
            ("household", "household"),
            ("household", "household_member"),
            ("household", "attrition"),
            ("household", "attrition_by_group"),
            ("household", "exclusion"),
            ("household", "plausibility"),
            ("household", "placement"),
            ("aggregate", "cell"),
            ("aggregate", "not_produced"),
            ("aggregate", "household_state"),
            ("aggregate", "linkage_band"),
        ]:
            written = {row[0] for row in connection.execute(f"DESCRIBE {table}").fetchall()}
            assert written == set(load_contract(stage, table).names), table


def test_every_attribute_that_a_measure_may_use_is_a_column_of_its_table() -> None:
    household = set(load_contract("household", "household").names)
    member = set(load_contract("household", "household_member").names)
    assert set(household_attributes()) <= household
    assert {a.name for a in resident_attributes()} <= member
    assert all(d.attributes <= household | member for d in dimensions().values())


def test_every_dimension_is_a_declared_column_of_a_release() -> None:
    assert set(dimensions()) <= set(load_contract("published", "release_table").names)


def test_a_pack_is_checked_by_a_command_before_it_is_put_in_place(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(PACK)
    bad.write_text(PACK.replace("arrears: true", "arrear: true").replace("unit: household", "unit: home"))
    assert "1 measure, no faults" in CliRunner().invoke(app, ["measures", "check", str(good)]).output
    told = str(CliRunner().invoke(app, ["measures", "check", str(bad)]).exception)
    assert "2 faults" in told
    assert "arrear is not an attribute" in told
    assert "unit must be one of" in told


def test_the_catalogue_lists_every_measure_with_its_source_and_tables() -> None:
    listed = json.loads(CliRunner().invoke(app, ["measures", "list", "--json"]).output)
    assert {m["measure"] for m in listed} == set(measures())
    assert all(m["source"] and m["tables"] and m["example"] for m in listed)


def test_a_run_with_a_broken_pack_says_which_and_why() -> None:
    told = as_hearth_error(DefinitionInvalid("broken", ["line 3: a fault"]), "aggregate")
    assert (told.code, "broken: line 3: a fault" in str(told)) == ("DEFINITION_INVALID", True)
