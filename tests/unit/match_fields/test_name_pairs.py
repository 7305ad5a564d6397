"""One name in two spellings, over the languages of English birth registers: both have a form in common."""

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from pipeline.pseudonymise.match_fields.names import parse_forename, parse_surname

PAIRS = Path(__file__).with_name("name_pairs.csv")
ODD_PAIRS = Path(__file__).resolve().parents[4] / "shared/data/odd_inputs/09_name_pairs.csv"


def agree(forename: str, surname: str, other_forename: str, other_surname: str) -> bool:
    """Answer whether forename and surname each have a form in common, and so the level "name" is reached."""
    return bool(
        set(parse_forename(forename).forms) & set(parse_forename(other_forename).forms)
        and set(parse_surname(surname).forms) & set(parse_surname(other_surname).forms)
    )


def test_both_spellings_of_a_name_agree_in_every_language(capsys: pytest.CaptureFixture[str]) -> None:
    agreeing = defaultdict(list)
    with PAIRS.open(encoding="utf-8", newline="") as rows:
        for language, *names in list(csv.reader(rows))[1:]:
            agreeing[language].append((agree(*names), names))
    with capsys.disabled():
        print()
        for language, pairs in agreeing.items():
            print(f"{language}: {sum(agreed for agreed, _ in pairs)} of {len(pairs)}")
    assert sum(map(len, agreeing.values())) >= 60
    assert [names for pairs in agreeing.values() for agreed, names in pairs if not agreed] == []


@pytest.mark.skipif(not ODD_PAIRS.is_file(), reason="the odd inputs are not here")
def test_the_odd_name_pairs_agree() -> None:
    with ODD_PAIRS.open(encoding="utf-8", newline="") as rows:
        for row in csv.reader(rows):
            if row[0] != "council_forename":
                assert agree(*row[:4]), row


@pytest.mark.parametrize(
    ("written", "main"),
    [
        ("Smith Jnr", "Smith"),
        ("Smith (Deceased)", "Smith"),
        ("Smith nee Jones", "Smith"),
        ("Müller", "Mueller"),
        ("Müller", "Muller"),
    ],
)
def test_a_suffix_or_a_second_spelling_leaves_the_key_of_a_surname(written: str, main: str) -> None:
    assert parse_surname(written).main == parse_surname(main).main


@pytest.mark.parametrize(
    ("one", "other"), [("Müller", "Miller"), ("Senior", "Junior"), ("Şahin", "Çelik"), ("王", "李")]
)
def test_other_surnames_have_no_form_in_common(one: str, other: str) -> None:
    assert not set(parse_surname(one).forms) & set(parse_surname(other).forms)
