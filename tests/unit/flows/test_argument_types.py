"""A typed argument that cannot be read is a usage error that names the option and the expected form."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from flows.cli import app
from flows.commands import argument_types
from governance.errors import Fault

#: Reader of typed text -> texts that it must refuse. A new reader needs its line here.
BAD: dict[str, tuple[str, ...]] = {
    "a_day": ("tomorrow", "2026-02-30", "31/03/2026", "20260331", "2026-W13-2", "2026-3-31", ""),
    "a_month": ("November", "2026-13", "2026", "2026-11-02"),
    "a_time_of_day": ("noon", "24:00", "2:30", "02:60", "02:30:00"),
    "a_time_zone": ("Mars/Olympus", "../../etc/passwd", "", "europe london"),
    "a_run_id": ("latest", "2026-11", "20261121T020000Z", "../x"),
    "a_rule_id": ("PSE", "PSE-3", "rule", "PSE-003"),
    "a_specification": ("6f0a", "x" * 64, ""),
    "a_check_value": ("1234", "z" * 16, ""),
    "a_size": ("lots", "2", "GB", "-2GB", "2XB"),
    "a_signer_name": ("two words", "a+b", ""),
    "a_verifier_key": ("key", "name+hash+x", "name+00000000+AAAA", "ñ+1+é"),
    "a_delimiter": (";", "comma,", ""),
    "a_confidence": ("high", "50", "101", "nan", "0.5"),
    "a_percentage": ("most", "-1", "101", "nan"),
    "a_number": ("many", "nan", "inf", "1,5", ""),
    "whole number": ("many", "1.5", "1e3", ""),
    "number": ("many", "1,5", ""),
    "choice": ("neither", ""),
}
#: Read by a function that raises a Fault of its own: a file is missing, which is no matter of form.
FILES = {"a_config", "an_agreement"}
#: Text that is taken as it is: names that people choose, names in a file, SQL.
FREE_TEXT = {
    ("findings", "framework"),
    ("allocate", "count"),
    ("sensitivity", "table"),
    ("quarantine", "table"),
    ("assign-uprn", "address"),
    ("assign-uprn", "postcode"),
    ("assign-uprn", "uprn"),
    ("assign-uprn", "record_id"),
    ("assign-uprn", "list_address"),
    ("assign-uprn", "list_postcode"),
    ("assign-uprn", "list_uprn"),
    ("explain", "code"),
    ("link explain", "dwelling"),
    ("link explain", "nhs"),
    ("bench", "names"),
    ("releases query", "sql"),
    ("releases query", "release"),
    ("releases correct", "reason"),
    ("measures list", "pack"),
    ("keys destroy", "witness"),
    ("governance explain", "rule_id"),
    ("governance announce", "table"),
    ("governance sign", "principal"),
    ("governance approve", "principal"),
    ("governance waive", "principal"),
    ("governance waive", "reason"),
    ("schedule write", "user"),
    ("retention dispose", "names"),
    ("retention dispose", "principal"),
    ("retention witness", "certificate"),
    ("retention witness", "principal"),
    ("retention request", "controller"),
    ("retention request", "principal"),
}


@dataclass(frozen=True)
class Typed:
    """One option or argument of one command. reader: a key of BAD or FILES, "" where nothing reads it."""

    command: str
    parameter: Any
    reader: str

    @property
    def is_option(self) -> bool:
        return bool(self.parameter.param_type_name == "option")

    def __str__(self) -> str:
        return f"{self.command} {self.parameter.opts[-1]}"


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in (group or typer.main.get_command(app)).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def reader_of(parameter: Any) -> str:
    descriptor = parameter.type_descriptor
    parser = descriptor.parameter_info.parser
    if parser is not None:
        return str(parser.__name__)
    if descriptor.choices:
        return "choice"
    return {int: "whole number", float: "number"}.get(descriptor.annotation, "")


def typed() -> list[Typed]:
    return [
        Typed(name, parameter, reader_of(parameter))
        for name, command in commands()
        for parameter in command.params
    ]


READ = [item for item in typed() if item.reader and item.reader not in FILES]


def told(item: Typed, text: str) -> str:
    """Return what `hearth` prints when the text is typed there, as one line without the box around it."""
    words = [
        *item.command.split(),
        *([f"{item.parameter.opts[0]}={text}"] if item.is_option else ["--", text]),
    ]
    ran = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert ran.exit_code == 2, (ran.output, ran.exception)
    return re.sub(r"[\s│]+", " ", ran.output)


@pytest.mark.parametrize("item", READ, ids=str)
def test_text_that_cannot_be_read_is_a_usage_error_that_names_the_option(item: Typed) -> None:
    name = item.parameter.opts[-1] if item.is_option else item.parameter.display_name_raw
    for text in BAD[item.reader]:
        shown = told(item, text)
        assert f"Invalid value for '{name}'" in shown.replace(f"'{item.parameter.opts[0]}' / ", "")
        assert re.search(r"this is not|is not one of", shown), shown
        assert "Input should be" not in shown
        assert "Value error" not in shown


def test_every_way_of_reading_text_is_tried() -> None:
    readers = {
        name for name, value in vars(argument_types).items() if re.match(r"an?_", name) and callable(value)
    }
    assert readers == set(BAD) - {"whole number", "number", "choice"} | FILES
    assert {item.reader for item in READ} == set(BAD)


def test_text_that_nothing_reads_is_a_name_or_a_sentence() -> None:
    unread = {
        (item.command, item.parameter.name)
        for item in typed()
        if not item.reader and item.parameter.type_descriptor.annotation in (str, list[str])
    }
    assert unread == FREE_TEXT, "give a parameter that is parsed later a reader of argument_types.py"


@pytest.mark.parametrize(
    ("words", "limit"),
    [
        (("keys", "retire", "--version", "0"), "at least 1"),
        (("audit", "request", "--old", "-1"), "at least 0"),
        (("attack", "encoding", "--sample", "1.1"), "at most 1"),
        (("allocate", "--budget", "1", "--ratio", "0.5"), "at least 1"),
    ],
)
def test_a_number_out_of_range_is_a_usage_error_that_names_the_limit(
    words: tuple[str, ...], limit: str
) -> None:
    ran = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
    assert (ran.exit_code, limit in ran.output, words[-2] in ran.output) == (2, True, True)


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (argument_types.a_rule_id, " pre-04 ", "PRE-04"),
        (argument_types.a_check_value, " 0123456789ABCDEF", "0123456789abcdef"),
        (argument_types.a_size, "1.5 GiB", "1.5 GiB"),
        (argument_types.a_delimiter, "tab", "\t"),
        (argument_types.a_time_zone, "Europe/London", "Europe/London"),
        (argument_types.a_confidence, "99.8", 99.8),
        (argument_types.a_percentage, "97.5", 97.5),
        (argument_types.a_number(), "-2.5", -2.5),
    ],
)
def test_text_of_the_right_form_is_read(read: Callable[[str], Any], text: str, value: Any) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    "words",
    [
        ("audit", "cosign", "nowhere"),
        ("audit", "accept", "nowhere"),
        ("audit", "consistency", "nowhere"),
        ("audit", "prove", "--check", "nowhere"),
        ("audit", "timestamp", "accept", "nowhere"),
        ("evaluate", "--truth", "nowhere"),
    ],
)
def test_a_file_that_is_not_there_is_a_usage_error_that_names_it(words: tuple[str, ...]) -> None:
    ran = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
    assert (ran.exit_code, "'nowhere' does not exist" in ran.output) == (2, True)


def test_the_value_is_not_repeated_in_the_error() -> None:
    ran = CliRunner().invoke(app, ["keys", "check-value", "--compare", "9434765919"])
    assert ran.exit_code == 2
    assert "9434765919" not in ran.output


def test_a_missing_agreement_is_a_fault_that_names_the_file() -> None:
    ran = CliRunner().invoke(app, ["governance", "check", "nowhere.toml"])
    assert isinstance(ran.exception, Fault)
    assert ran.exception.code == "AGREEMENT_UNREADABLE"
    assert "nowhere.toml" in ran.exception.reason
