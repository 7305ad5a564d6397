"""What evidence may carry: random values never look like identifiers, identifiers never pass."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.agreement.agreement import Agreement
from governance.artefact import Artefact, Evidence
from governance.audit.evidence_filter import content_fault, marked_check_value
from governance.audit.log import AuditLog
from governance.errors import Fault, Refused
from governance.gate import Gatekeeper
from governance.rules import all_rules
from governance.rules.registry import Rule

#: The check value of a key that was drawn, and with which every run of its workspace was refused.
DIGITS_ALONE = "7774155467748972"
KEY = {
    "key_id": "SAMPLE-HOUSEHOLDS:2026:v1",
    "check_values": {"nhs_number": "2f65620b0d6a1c46", "uprn": DIGITS_ALONE},
    "outer_key_id": "outer/sample:2026:v1",
    "outer_check_value": "e09a716796a20942",
}
OVERLAP = next(item for item in all_rules() if item.id == "PSE-06")


def drawn(alphabet: str, length: int) -> st.SearchStrategy[str]:
    """Random text of a form, drawn half the time of its digits alone, which chance draws rarely."""
    digits = "".join(letter for letter in alphabet if letter.isdigit())
    return st.text(alphabet, min_size=length, max_size=length) | st.text(
        digits, min_size=length, max_size=length
    )


HEX = "0123456789abcdef"
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
#: Every form in which events carry what a generator or a hash drew, as in the events themselves.
FORMS: dict[str, st.SearchStrategy[str]] = {
    "digest": drawn(HEX, 64),
    "commit": drawn(HEX, 40),
    "check value": drawn(HEX, 16).map(marked_check_value),
    "run": drawn(HEX, 4).map("20261121T151735Z-{}".format),
    "release": drawn(HEX, 12).map("2026-03-31-{}".format),
    "artefact": drawn(HEX, 16).map("linkage/link-all-{}".format),
    "rights request": drawn(HEX, 6).map("R00001-{}".format),
    "log key": st.tuples(drawn(HEX, 8), drawn(BASE64, 44)).map("+".join).map("hearth/sample+{}".format),
    "signature": drawn(BASE64, 86).map("{}==".format),
    "age key": drawn("023456789acdefghjklmnpqrstuvwxyz", 58).map("age1{}".format),
}


@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
def test_no_random_value_is_taken_for_an_identifier(form: str, data: st.DataObject) -> None:
    value = data.draw(FORMS[form])
    assert content_fault({"field": value, "list": [value], value: 1}) == ""


@given(uprn=st.integers(1, 999_999_999_999), length=st.integers(7, 16))
def test_a_number_of_an_identifiers_length_is_refused_and_no_mark_lets_it_pass(
    uprn: int, length: int
) -> None:
    text = str(uprn).zfill(length)
    assert "looks like an identifier" in content_fault({"observed": text})
    if len(text) != 16:
        assert "malformed check value" in content_fault({"check_value": f"check:{text}"})


@pytest.mark.parametrize(
    "text",
    [
        "check:",
        "check:100023336956",
        "check: 100023336956",
        "check:999 000 0018",
        "check:M1 1AA",
        "check:Ada Lovelace",
        f"check:{DIGITS_ALONE.upper()}0",
        "check:2F65620B0D6A1C46",
        f"check:{DIGITS_ALONE}\n",
        f"check:{DIGITS_ALONE} 100023336956",
    ],
)
def test_nothing_but_sixteen_hexadecimal_digits_passes_as_a_check_value(text: str) -> None:
    assert content_fault([text]) == "contains a malformed check value"


@pytest.mark.parametrize("text", [DIGITS_ALONE, "9990000018", "999 000 0018", "100023336956", "sw1a 1aa"])
def test_what_is_not_marked_is_refused_wherever_it_stands(text: str) -> None:
    for evidence in ({"reason": text}, {text: "x"}, {"remember": {"key": {"uprn": text}}}, [[text]]):
        assert content_fault(evidence) == "contains text that looks like an identifier"


def keeper(audit: AuditLog, agreement: Agreement, run: str) -> Gatekeeper:
    """A gate of one rule: no key's pseudonyms can be joined with another's."""

    def book(stage: str, part: str) -> tuple[Rule, ...]:
        return (OVERLAP,)

    return Gatekeeper(
        run, agreement, audit, "operator", rule_book=book, order={("pseudonymise", "council"): ()}
    )


def shown(**changes: Any) -> tuple[Artefact, Evidence]:
    evidence = Evidence("pseudonymise", "council", KEY | changes)
    return Artefact("pseudonymise", "council", Path("nowhere"), "f" * 64, ()), evidence


def test_a_key_whose_check_value_has_no_letter_clears_its_gate_night_after_night(
    audit: AuditLog, audit_folder: Path, agreement: Agreement
) -> None:
    for run in ("run-1", "run-2"):
        keeper(audit, agreement, run).judge(*shown())
    events = [json.loads(line) for line in (audit_folder / "audit.jsonl").read_bytes().splitlines()]
    remembered = [e["evidence"]["remember"] for e in events if e["rule"] == "PSE-06"]
    assert remembered[1]["SAMPLE-HOUSEHOLDS:2026:v1"]["uprn"] == f"check:{DIGITS_ALONE}"
    with pytest.raises(Refused, match="PSEUDONYMS_OVERLAP"):
        keeper(audit, agreement, "run-3").judge(*shown(key_id="SAMPLE-HOUSEHOLDS:2027:v1"))


def test_a_key_that_a_log_remembers_without_the_mark_is_recognised(
    audit: AuditLog, agreement: Agreement
) -> None:
    facts = {"part": "council", "remember": {"SAMPLE-HOUSEHOLDS:2025:v1": {"uprn": "2f65620b0d6a1c46"}}}
    audit.append("run-0", "operator", "pseudonymise", "rule", rule="PSE-06", verdict="pass", evidence=facts)
    audit.append("run-0", "operator", "pseudonymise", "gate", verdict="cleared", evidence={"part": "council"})
    with pytest.raises(Refused, match="PSEUDONYMS_OVERLAP"):
        keeper(audit, agreement, "run-1").judge(*shown())


def test_the_log_itself_refuses_a_check_value_that_is_not_one(audit: AuditLog) -> None:
    with pytest.raises(Fault, match="AUDIT_EVENT_REFUSED"):
        audit.append("run-1", "operator", None, "key", evidence={"check_value": "check:100023336956"})
