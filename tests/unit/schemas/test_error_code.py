"""The registry of error codes is read strictly: what is misspelt, missing or out of order is named."""

import pytest

from schemas.error_code import KINDS, SUBJECTS, error_codes, error_subjects, parse_subject
from schemas.strict_yaml import DefinitionInvalid

ENTRY = """\
  - code: {code}
    kinds: [{kinds}]
    title: T
    meaning: M.
    remedy: R.
"""


def subject(*entries: str) -> str:
    return "title: Keys\nabout: About keys.\nerrors:\n" + "".join(entries)


def entry(code: str = "KEY_LOST", kinds: str = "fault", more: str = "") -> str:
    return ENTRY.format(code=code, kinds=kinds) + more


def test_a_subject_is_read_with_its_entries() -> None:
    text = subject(entry(), entry("KEY_WEAK", "rule, fault", "    rules: [PSE-01]\n"))
    read = parse_subject("keys", text)
    assert (read.title, read.about) == ("Keys", "About keys.")
    assert [(e.code, e.kinds, e.rules) for e in read.errors] == [
        ("KEY_LOST", ("fault",), ()),
        ("KEY_WEAK", ("rule", "fault"), ("PSE-01",)),
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (subject(entry(kinds="defect")), "KEY_LOST: kinds must be among fault"),
        (subject(entry(kinds="")), "KEY_LOST: kinds must be among fault"),
        (subject(entry("key_lost")), "key_lost: a code has capitals"),
        (subject(entry(more="    remidy: R.\n")), "KEY_LOST: unknown key remidy"),
        (subject(entry(more="    rules: [PSE-01]\n")), "KEY_LOST: rules must be rule ids"),
        (subject(entry(kinds="rule", more="    rules: [PSE]\n")), "KEY_LOST: rules must be rule ids"),
        (subject(entry().replace("    remedy: R.\n", "")), "KEY_LOST: remedy is missing"),
        (subject(entry().replace("M.", '""')), "KEY_LOST: meaning must be text"),
        (subject(entry("KEY_WEAK"), entry("KEY_LOST")), "alphabetical order"),
        (subject("  - KEY_LOST\n"), "must be a mapping"),
        (subject(entry().replace("title: T", "title: T\n    title: U")), "title"),
        ("title: Keys\nerrors: []\n", "must have title, about and errors"),
        ("- KEY_LOST\n", "must have title, about and errors"),
    ],
)
def test_an_entry_that_breaks_the_form_is_named(text: str, fault: str) -> None:
    with pytest.raises(DefinitionInvalid, match=fault):
        parse_subject("keys", text)


def test_every_subject_has_codes_and_every_kind_is_used() -> None:
    assert tuple(subject.name for subject in error_subjects()) == SUBJECTS
    assert all(subject.errors for subject in error_subjects())
    assert {kind for entry in error_codes().values() for kind in entry.kinds} == set(KINDS)


def test_titles_are_short_phrases_and_texts_are_sentences() -> None:
    wrong = [
        code
        for code, found in error_codes().items()
        if len(found.title) > 90
        or found.title.endswith(".")
        or not found.meaning.endswith(".")
        or not found.remedy.endswith(".")
    ]
    assert wrong == []
