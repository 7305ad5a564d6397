"""`hearth explain` explains every code and every rule, and the reference page has the same texts."""

import json
import re
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from flows.actions.error_reference import PAGE, error_reference
from flows.cli import app
from governance.errors import Fault, Finding, HearthError
from governance.rules import all_rules
from schemas.error_code import error_codes, error_subjects

RULES = [rule.id for rule in all_rules()]


def explained(*arguments: str) -> str:
    ran = CliRunner().invoke(app, ["explain", *arguments])
    if isinstance(ran.exception, HearthError):
        raise ran.exception
    assert ran.exit_code == 0, ran.output
    return ran.stdout


def test_a_code_is_explained_with_its_meaning_and_remedy() -> None:
    entry = error_codes()["CONFIG_UNREADABLE"]
    shown = explained("config_unreadable")
    assert shown.startswith("CONFIG_UNREADABLE: hearth.toml cannot be read\n")
    assert f"What it means: {entry.meaning}" in shown
    assert f"What to do: {entry.remedy}" in shown
    assert "exit code 1" in shown


def test_a_code_of_a_rule_names_the_rule() -> None:
    shown = explained("SMALL_CELL_PUBLISHED")
    assert "AGG-01: No published value" in shown
    facts = json.loads(explained("SMALL_CELL_PUBLISHED", "--json"))
    assert [rule["id"] for rule in facts["rules"]] == ["AGG-01"]


@pytest.mark.parametrize("code", ["CONFIG_UNREADABLE", "AMBIGUOUS", "TAMPERED"])
def test_json_has_the_entry_of_the_registry(code: str) -> None:
    facts, entry = json.loads(explained(code, "--json")), error_codes()[code]
    texts = (facts["code"], facts["title"], facts["meaning"], facts["remedy"])
    assert texts == (entry.code, entry.title, entry.meaning, entry.remedy)


@pytest.mark.parametrize("rule_id", RULES)
def test_a_rule_is_explained_as_by_governance_explain(rule_id: str) -> None:
    by_governance = CliRunner().invoke(app, ["governance", "explain", rule_id])
    assert by_governance.exit_code == 0
    assert explained(rule_id.lower()) == by_governance.stdout
    rule = next(rule for rule in all_rules() if rule.id == rule_id)
    for text in (rule.title, rule.source, rule.remedy, str(rule.check.__doc__).split(".")[0]):
        assert text in by_governance.stdout


def test_a_rule_names_the_codes_that_it_gives() -> None:
    assert json.loads(explained("PSE-03", "--json"))["codes"] == ["CANARY_FOUND", "SEARCH_INCOMPLETE"]


def test_without_a_code_every_code_is_listed_under_its_subject() -> None:
    shown = explained()
    for subject in error_subjects():
        assert f"\n{subject.title}\n" in f"\n{shown}"
    listed = re.findall(r"^  ([A-Z0-9_]+) +\S", shown, re.MULTILINE)
    assert sorted(listed) == sorted(error_codes())
    subjects = json.loads(explained("--json"))["subjects"]
    assert [code["code"] for subject in subjects for code in subject["codes"]] == listed


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [("CONFIG_UNREDABLE", "CONFIG_UNREADABLE"), ("PSE-99", "PSE-0"), ("ROTATED_KEY", "None is similar")],
)
def test_an_unknown_code_is_a_fault_that_names_the_nearest(typed: str, nearest: str) -> None:
    with pytest.raises(Fault, match=nearest) as raised:
        explained(typed)
    assert (raised.value.code, raised.value.exit_code) == ("CODE_UNKNOWN", 1)


def test_every_printed_error_ends_with_the_command_that_explains_it() -> None:
    fault = Fault("CONFIG_INVALID", "Two faults.", "Mend each.", (Finding("CONFIG", "[keys]", "is missing"),))
    assert str(fault) == (
        "CONFIG_INVALID: Two faults.\n"
        "  - [keys]: is missing [CONFIG]\n"
        "  What to do: Mend each.\n"
        "  Explain: hearth explain CONFIG_INVALID"
    )


def test_the_reference_page_is_generated_from_the_registry() -> None:
    assert PAGE.read_text("utf-8") == error_reference(), "run `make docs`"


def test_the_reference_page_has_every_code_once() -> None:
    headings = re.findall(r"^### (\S+)$", error_reference(), re.MULTILINE)
    assert sorted(headings) == sorted(error_codes())


def test_every_command_that_a_remedy_names_exists() -> None:
    """A command in backticks is looked up word by word, and each of its options."""
    texts = {code: f"{entry.meaning} {entry.remedy}" for code, entry in error_codes().items()}
    texts |= {rule.id: rule.remedy for rule in all_rules()}
    for code, text in texts.items():
        for words in re.findall(r"`hearth ([^`]*)`", text):
            command: Any = typer.main.get_command(app)
            rest = words.split()
            while rest and hasattr(command, "commands"):
                known = command.commands
                if rest[0].startswith("-"):
                    break
                assert rest[0] in known, f"{code}: hearth {words}"
                command = known[rest.pop(0)]
            options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
            for option in re.findall(r"(?<!\S)--[a-z-]+", " ".join(rest)):
                assert option in options, f"{code}: hearth {words}"
