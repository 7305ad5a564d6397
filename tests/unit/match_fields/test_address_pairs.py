"""Pairs of addresses in one postcode: only those of one dwelling share an address token."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from pipeline.pseudonymise.match_fields.address import parse_address
from pipeline.pseudonymise.match_fields.compute import exact_form, unit_postcode_forms, unit_street_forms

PAIRS = Path(__file__).with_name("address_pairs.csv")
ODD_PAIRS = Path(__file__).resolve().parents[4] / "shared/data/odd_inputs/08_address_pairs.csv"


def share_a_token(one: str, other: str) -> bool:
    addresses = [parse_address([text], "M33 1AA") for text in (one, other)]
    if None not in (forms := [exact_form(address) for address in addresses]) and forms[0] == forms[1]:
        return True
    return any(
        set(form(addresses[0])) & set(form(addresses[1])) for form in (unit_postcode_forms, unit_street_forms)
    )


def test_addresses_of_one_dwelling_share_a_token_and_those_of_two_do_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with PAIRS.open(newline="") as rows:
        pairs = list(csv.DictReader(rows))
    shared = [(pair["dwelling"], share_a_token(pair["one"], pair["other"])) for pair in pairs]
    counts = Counter(shared)
    precision = counts["same", True] / (counts["same", True] + counts["other", True])
    recall = counts["same", True] / (counts["same", True] + counts["same", False])
    wrong = [
        f"{pair['dwelling']}: {pair['one']} | {pair['other']}"
        for pair, (dwelling, is_shared) in zip(pairs, shared, strict=True)
        if (dwelling == "same") != is_shared
    ]
    with capsys.disabled():
        print(
            f"\n{len(pairs)} address pairs: precision {precision:.3f}, recall {recall:.3f}", *wrong, sep="\n"
        )
    assert len(pairs) >= 200
    assert precision >= 0.98
    assert recall >= 0.93


@pytest.mark.skipif(not ODD_PAIRS.is_file(), reason="the odd inputs are not here")
def test_the_odd_address_pairs_come_out_right() -> None:
    with ODD_PAIRS.open(newline="") as rows:
        for pair in csv.DictReader(rows):
            shares = share_a_token(pair["council_address"], pair["nhs_address"])
            assert shares == (pair["seen"] == "not linked"), pair
