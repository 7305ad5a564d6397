"""What a typed argument may look like: one function each, which reads it or names the form that is expected.

A function here is the `parser` of an option or argument. Typer adds the option's name to the error, and ends
the command as a usage error (exit code 2). The value is not repeated: it could be an identifier.
"""

import math
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Literal

import typer

from governance.agreement.agreement_file import read_agreement_file
from pipeline.config_file import read_config

AreaLevel = Literal["LSOA21", "MSOA21", "LAD"]

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")
_RULE_ID = re.compile(r"[A-Z]{3}-\d\d")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CHECK_VALUE = re.compile(r"[0-9a-f]{16}")
_SIZE = re.compile(r"\d+(\.\d+)?\s*(%|B|[KMGT](i?B)?)", re.IGNORECASE)
_SIGNER_NAME = re.compile(r"[^\s+]+")
_DELIMITERS = {"comma": ",", ",": ",", "tab": "\t", "\\t": "\t", "\t": "\t", "bar": "|", "|": "|"}


def a_day(text: str | date) -> date:
    """Return a day."""
    if isinstance(text, date):
        return text
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise _not("a day", "Write it as YYYY-MM-DD, such as 2026-03-31.")


def a_month(text: str) -> str:
    """Return a month as it is written."""
    return _of_form(_MONTH, text, "a month", "Write it as YYYY-MM, such as 2026-11.")


def a_time_of_day(text: str) -> str:
    """Return a time of day as it is written."""
    return _of_form(_TIME_OF_DAY, text, "a time of day", "Write it as HH:MM, such as 02:30.")


def a_time_zone(text: str) -> str:
    """Return the name of a time zone that this machine has."""
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(text)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        how = "Use a name such as Europe/London; `timedatectl list-timezones` lists them."
        raise _not("a time zone", how) from None
    return text


def a_run_id(text: str) -> str:
    """Return a run's id as it is written."""
    how = "Use the form 20261121T020000Z-1a2b; the folders in runs/ are named by it."
    return _of_form(_RUN_ID, text, "the id of a run", how)


def a_rule_id(text: str) -> str:
    """Return a rule's id in capitals."""
    how = "Use the form PRE-04; `hearth governance list` lists them."
    return _of_form(_RULE_ID, text.strip().upper(), "the id of a rule", how)


def a_specification(text: str) -> str:
    """Return the digest of a release's specification."""
    how = "Copy the 64 hexadecimal digits from the refusal of PUB-01."
    return _of_form(_SHA256, text.strip().lower(), "the digest of a specification", how)


def a_check_value(text: str) -> str:
    """Return a key's check value."""
    how = "Use the 16 hexadecimal digits that `hearth keys check-value` prints."
    return _of_form(_CHECK_VALUE, text.strip().lower(), "a check value", how)


def a_size(text: str) -> str:
    """Return a size of memory, as DuckDB reads it."""
    return _of_form(_SIZE, text.strip(), "a size", "Write it with its unit, such as 2GB or 500MB.")


def a_signer_name(text: str) -> str:
    """Return a name that may be part of a signature."""
    how = "Use one word without a plus sign, such as nhs-ig-office."
    return _of_form(_SIGNER_NAME, text, "the name of a signer", how)


def a_verifier_key(text: str) -> str:
    """Return a public key of a log or witness, as C2SP writes it."""
    from governance.audit.verify import read_verifier_key

    try:
        read_verifier_key(text)
    except (ValueError, UnicodeEncodeError):
        how = "It has the form name+hash+base64; copy all of it, for instance from log.vkey."
        raise _not("the public key of a log or witness", how) from None
    return text


def a_delimiter(text: str) -> str:
    """Return the character that separates cells."""
    if text not in _DELIMITERS:
        raise _not("a delimiter", "Use a comma, a bar, or the word tab.")
    return _DELIMITERS[text]


def a_confidence(text: str | float) -> float:
    """Return a level of confidence, in percent or as a share."""
    try:
        level = float(text)
    except ValueError:
        level = math.nan
    if not (0.9 <= level <= 1 or 90 <= level <= 100):
        raise _not("a level of confidence", "Use a percentage from 90 to 100, such as 95 or 99.8.")
    return level


def a_percentage(text: str | float) -> float:
    """Return a percentage from 0 to 100."""
    try:
        percentage = float(text)
    except ValueError:
        percentage = math.nan
    if not 0 <= percentage <= 100:
        raise _not("a percentage", "Write a number from 0 to 100, such as 90.")
    return percentage


def a_number(minimum: float | None = None) -> Callable[[str | float], float]:
    """Return what reads a finite number of at least `minimum`."""

    def read(text: str | float) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or (minimum is not None and number < minimum):
            least = "" if minimum is None else f" of at least {minimum:g}"
            raise _not(f"a number{least}", f"Write it in digits, such as {(minimum or 0) + 1.5:g}.")
        return number

    read.__name__ = "a_number"
    return read


def a_config(text: str | Path) -> Path:
    """Return the path of a hearth.toml that can be read; raises Fault before anything heavy is imported."""
    path = Path(text)
    if path.is_dir():
        raise typer.BadParameter("this is a folder. Name the hearth.toml in it.")
    read_config(path)
    return path


def an_agreement(text: str | Path) -> Path:
    """Return the path of an agreement that can be read; raises Fault before anything heavy is imported."""
    path = Path(text)
    read_agreement_file(path)
    return path


def plain_usage_error(error: typer.BadParameter) -> None:
    """Put a message of pydantic, which Typer shows as it is, into the words of this file.

    Numbers, paths and choices are read by Typer itself, which calls pydantic.
    """
    errors: Callable[[], list[dict[str, Any]]] | None = getattr(error.__cause__, "errors", None)
    if errors is None:
        return
    first = errors()[0]
    limits = first.get("ctx", {})
    match first["type"]:
        case "int_parsing" | "int_from_float" | "int_type" | "int_parsing_size":
            error.message = "this is not a whole number. Write it in digits, such as 5."
        case "float_parsing" | "float_type" | "finite_number":
            error.message = "this is not a number. Write it in digits, such as 0.5."
        case "greater_than_equal":
            error.message = f"the number must be at least {limits['ge']:g}."
        case "less_than_equal":
            error.message = f"the number must be at most {limits['le']:g}."
        case "value_error":
            error.message = str(limits["error"])


def _of_form(form: re.Pattern[str], text: str, what: str, how: str) -> str:
    if not form.fullmatch(text):
        raise _not(what, how)
    return text


def _not(what: str, how: str) -> typer.BadParameter:
    return typer.BadParameter(f"this is not {what}. {how}")
