"""Reading an agreement: every fault at once, ranges that are floors, signatures, decisions beside it."""

import re
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.agreement.agreement import Agreement, read_agreement
from governance.agreement.decisions import find_waiver
from governance.agreement.decisions_file import decisions_path
from governance.agreement.difference import differences
from governance.agreement.signature import add_signature, signature_path, signed_text
from governance.agreement.template import agreement_template
from governance.agreement.terms import DisclosureTerms, Thresholds
from governance.errors import Fault, Refused
from governance.principals.signing_key import add_approval, add_waiver, create_signing_key

_WHOLE = (Path(__file__).parents[3] / "sample_data" / "sample" / "agreement.toml").read_text("utf-8")
#: The sample's agreement without its principals: tests name people of their own.
SAMPLE = re.sub(r"\[\[principals\]\]\n(?:\w+ = .*\n)+\n?", "", _WHOLE)
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the sample's agreement with texts replaced, and text added at its end."""

    def written(*changes: tuple[str, str], added: str = "", name: str = "agreement.toml") -> Path:
        text = SAMPLE
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        path = tmp_path / name
        path.write_text(text + added, "utf-8")
        return path

    return written


def faults(path: Path) -> list[str]:
    with pytest.raises(Fault) as fault:
        read_agreement(path)
    return [str(finding) for finding in fault.value.findings]


def test_every_fault_is_named_at_once(write: Write) -> None:
    path = write(
        ("expires = 2035-12-31", "expires = 2024-12-31"),
        ("minimum_cell_count = 10", "minimum_cell_count = 9\nminimum_cel_count = 10"),
        ('tenure = "determinant"', 'tenure = "curiosity"'),
        ('role = "controller"', 'role = "owner"'),
        ('route = "pseudonymised-at-source"', "route = 251"),
    )
    places = [fault.split(":")[0] for fault in faults(path)]
    assert sorted(places) == [
        "agreement.expires",
        "confidentiality.route",
        "datasets.council_property.columns.tenure",
        "parties",
        "parties[1].role",
        "thresholds",
        "thresholds.minimum_cell_count",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("minimum_cell_count = 10", "minimum_cell_count = 9"),
        ("rounding_base = 5", "rounding_base = 4"),
        ("maximum_invalid_uprn_share = 0.05", "maximum_invalid_uprn_share = 1.01"),
        ('profile = "cell-key"', 'profile = "none"'),
        ("version = 1", "version = 0"),
        ("version = 1", "version = true"),
        ("starts = 2025-01-01", 'starts = "next week"'),
        ('id = "nhs"', 'id = "council"'),
        ('retention = "extract"', 'retention = "for ever"'),
        ('controller = "nhs"', 'controller = "gp"'),
    ],
)
def test_what_is_below_a_floor_or_names_nothing_is_refused(write: Write, old: str, new: str) -> None:
    assert faults(write((old, new)))


def test_a_missing_file_and_a_file_that_is_no_toml_are_faults(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="AGREEMENT_UNREADABLE"):
        read_agreement(tmp_path / "none.toml")
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(Fault, match="AGREEMENT_SYNTAX"):
        read_agreement(tmp_path / "x.toml")


def test_comments_and_layout_do_not_move_the_digest_and_a_number_does(write: Write) -> None:
    before = read_agreement(write()).digest
    assert read_agreement(write(added="\n# a remark\n")).digest == before
    assert read_agreement(write(("minimum_cell_count = 10", "minimum_cell_count = 11"))).digest != before


@pytest.mark.parametrize("section", [Thresholds, DisclosureTerms])
def test_every_number_says_what_it_limits_and_its_default_is_within_its_range(section: type) -> None:
    for item in fields(section):
        if item.name in ("profile", "epoch"):
            continue
        assert item.metadata["what"]
        assert item.metadata["tighter"] in ("higher", "lower")
        low, high = item.metadata["minimum"], item.metadata["maximum"]
        assert low is None or item.default >= low
        assert high is None or item.default <= high


def test_the_template_is_refused_at_every_place_that_is_not_filled_in(tmp_path: Path) -> None:
    (tmp_path / "new.toml").write_text(agreement_template(), "utf-8")
    found = faults(tmp_path / "new.toml")
    assert len(found) == agreement_template().split("[agreement]", 1)[1].count('"FILL IN"')
    assert all("is not filled in yet" in fault for fault in found)


def test_the_template_filled_in_is_an_agreement(tmp_path: Path) -> None:
    text = agreement_template().replace('route = "FILL IN"', 'route = "statute"')
    for name in ("starts", "approved_on", "applied_on", "published"):
        text = text.replace(f'{name} = "FILL IN"', f"{name} = 2026-04-01")
    for name in ("expires", "review_by", "valid_until"):
        text = text.replace(f'{name} = "FILL IN"', f"{name} = 2027-03-31")
    text = text.replace('on = "FILL IN"', "on = 2026-04-01").replace(
        'status = "FILL IN"', 'status = "Standards Met"'
    )
    (tmp_path / "new.toml").write_text(text.replace('"FILL IN"', '"stated"'), "utf-8")
    read = read_agreement(tmp_path / "new.toml")
    assert (read.thresholds, read.disclosure) == (Thresholds(), DisclosureTerms())


# -- people --


@pytest.fixture
def people(tmp_path: Path) -> dict[str, tuple[Path, str]]:
    made = {}
    for name in ("council-siro", "nhs-siro", "ann", "ola"):
        path = tmp_path / f"{name}.pem"
        made[name] = (path, create_signing_key(path))
    return made


@pytest.fixture
def signed(write: Write, people: dict[str, tuple[Path, str]]) -> Path:
    """An agreement with four principals: a signatory of each party, an approver, an operator."""
    roles = {"council-siro": "signatory", "nhs-siro": "signatory", "ann": "approver", "ola": "operator"}
    added = "".join(
        f'\n[[principals]]\nid = "{name}"\nname = "{name}"\n'
        f'party = "{"council" if "council" in name else "nhs"}"\n'
        f'public_key = "{public}"\nroles = ["{roles[name]}"]\n'
        for name, (_, public) in people.items()
    )
    return write(added=added)


def sign(path: Path, name: str, key: Ed25519PrivateKey) -> None:
    read = read_agreement(path)
    add_signature(signature_path(path), signed_text(read.id, read.version, read.digest), name, key)


def load(path: Path) -> Ed25519PrivateKey:
    from governance.audit.signer import read_signing_key

    return read_signing_key(path)


def test_an_agreement_is_signed_when_a_signatory_of_each_controller_has(
    signed: Path, people: dict[str, tuple[Path, str]]
) -> None:
    assert read_agreement(signed).signature == "absent"
    sign(signed, "council-siro", load(people["council-siro"][0]))
    assert read_agreement(signed).signature == "broken"
    sign(signed, "nhs-siro", load(people["nhs-siro"][0]))
    read = read_agreement(signed)
    assert (read.signature, read.signed_by) == ("valid", ("council-siro", "nhs-siro"))


def test_a_signature_by_someone_who_may_not_or_under_another_text_does_not_count(
    signed: Path, people: dict[str, tuple[Path, str]]
) -> None:
    for name in ("council-siro", "nhs-siro"):
        sign(signed, name, load(people[name][0]))
    signed.write_text(
        signed.read_text().replace("maximum_invalid_uprn_share = 0.05", "maximum_invalid_uprn_share = 0.9")
    )
    assert read_agreement(signed).signature == "broken"
    sign(signed, "council-siro", load(people["council-siro"][0]))
    sign(signed, "ann", load(people["ann"][0]))
    assert read_agreement(signed).signed_by == ("council-siro",)


def test_decisions_are_signed_beside_the_agreement_and_leave_its_digest(
    signed: Path, people: dict[str, tuple[Path, str]]
) -> None:
    before = read_agreement(signed)
    today = datetime.now(UTC).date()
    expires = today.replace(year=today.year + 1, day=1)
    add_waiver(signed, before, "PRE-04", 'Status "pending"', expires, "ann", people["ann"][0])
    add_approval(signed, before, "a" * 64, "ann", people["ann"][0])
    after = read_agreement(signed)
    assert after.digest == before.digest
    assert (len(after.waivers), len(after.approvals)) == (1, 1)
    assert find_waiver(after, "PRE-04", today)[0] == after.waivers[0]
    assert find_waiver(after, "PRE-03", today)[0] is None


def test_nobody_signs_for_another_or_beyond_his_role(
    signed: Path, people: dict[str, tuple[Path, str]]
) -> None:
    read = read_agreement(signed)
    with pytest.raises(Refused, match="NOT_A_PRINCIPAL"):
        add_approval(signed, read, "a" * 64, "ann", people["ola"][0])
    with pytest.raises(Refused, match="NOT_PERMITTED"):
        add_approval(signed, read, "a" * 64, "ola", people["ola"][0])


def test_a_decisions_file_with_a_slip_is_a_fault(signed: Path) -> None:
    decisions_path(signed).write_text('[[waivers]]\nrule = "PRE-04"\n')
    with pytest.raises(Fault, match="DECISIONS_INVALID"):
        read_agreement(signed)


#: An entry of the decisions file with a text that no message may repeat -> where it is, and the rule broken.
BROKEN = {
    'rule = "SECRET 943 476 5919"': ("waivers[1].rule", "does not have the form"),
    'granted_on = "SECRET 943 476 5919"': ("waivers[1].granted_on", "must be a date such as 2026-03-31"),
    'reason = ["SECRET 943 476 5919"]': ("waivers[1].reason", "must be text in quotes"),
    'reason = ""\n"SECRET 943 476 5919" = 1': ("waivers[1]", "has an unknown entry: (name withheld)"),
    'granted_by = ""': ("waivers[1].granted_by", "is empty"),
    "reasons = 1": ("waivers[1]", "has an unknown entry: reasons"),
}


@pytest.mark.parametrize("entry", BROKEN)
def test_a_fault_of_the_decisions_file_names_place_and_rule_and_quotes_nothing(
    entry: str, signed: Path
) -> None:
    decisions_path(signed).write_text(f"[[waivers]]\n{entry}\n")
    with pytest.raises(Fault) as caught:
        read_agreement(signed)
    place, rule = BROKEN[entry]
    assert any(f.where == place and rule in f.what for f in caught.value.findings), caught.value
    assert "SECRET" not in str(caught.value)
    assert "943" not in str(caught.value)


def test_a_fault_of_the_agreement_quotes_nothing_either(signed: Path) -> None:
    text = signed.read_text("utf-8")
    signed.write_text(text.replace('profile = "', 'profile = "SECRET 943 476 5919', 1) + '\n["SECRET x"]\n')
    with pytest.raises(Fault) as caught:
        read_agreement(signed)
    assert "must be one of " in str(caught.value)
    assert "(name withheld)" in str(caught.value)
    assert "SECRET" not in str(caught.value)


# -- differences --


def told(old: Agreement, new: Agreement) -> list[tuple[str, str]]:
    return [(change.direction, change.place) for change in differences(old, new)]


def test_a_difference_says_which_way_it_goes(agreement: Agreement) -> None:
    cases = [
        (
            {"thresholds": replace(agreement.thresholds, minimum_cell_count=12)},
            ("tighter", "thresholds.minimum_cell_count"),
        ),
        (
            {"thresholds": replace(agreement.thresholds, maximum_invalid_uprn_share=0.2)},
            ("looser", "thresholds.maximum_invalid_uprn_share"),
        ),
        (
            {"disclosure": replace(agreement.disclosure, dominant_share=0.8)},
            ("tighter", "disclosure.dominant_share"),
        ),
        ({"expires": date(2036, 1, 1)}, ("looser", "agreement.expires")),
        ({"outputs": agreement.outputs[1:]}, ("tighter", f"outputs.{agreement.outputs[0]}")),
        ({"model_digest": "0" * 64}, ("other", "linkage_model")),
    ]
    for changes, expected in cases:
        assert told(agreement, replace(agreement, **changes)) == [expected]
        if expected[0] != "other":
            opposite = {"looser": "tighter", "tighter": "looser"}[expected[0]]
            assert told(replace(agreement, **changes), agreement) == [(opposite, expected[1])]


OTHER_TEXT = {"profile": "exact-count", "epoch": "year"}


def test_what_people_state_is_compared_in_words_too(agreement: Agreement) -> None:
    assert agreement.dpia is not None
    council, nhs = agreement.parties
    check = agreement.opt_outs.checks[0]
    purpose = agreement.purposes["outcome"]
    cases: list[tuple[dict[str, Any], tuple[str, str]]] = [
        ({"dpia": None}, ("looser", "dpia")),
        ({"dpia": replace(agreement.dpia, review_by=date(2036, 1, 1))}, ("looser", "dpia.review_by")),
        ({"parties": (council, replace(nhs, dspt=None))}, ("other", "parties.nhs.dspt")),
        ({"sign_offs": agreement.sign_offs[1:]}, ("other", "sign_offs.caldicott-guardian")),
        ({"opt_outs": replace(agreement.opt_outs, gp_data=False)}, ("looser", "opt_outs.gp_data")),
        (
            {"opt_outs": replace(agreement.opt_outs, maximum_age_days=20)},
            ("tighter", "opt_outs.maximum_age_days"),
        ),
        (
            {"opt_outs": replace(agreement.opt_outs, checks=(check, replace(check, controller="council")))},
            ("other", "opt_outs.checks"),
        ),
        (
            {"purposes": {**agreement.purposes, "outcome": replace(purpose, clause="9")}},
            ("other", "purposes.outcome"),
        ),
        ({"intruder_review": None}, ("other", "intruder_review")),
        ({"disclosure": replace(agreement.disclosure, epoch="month")}, ("looser", "disclosure.epoch")),
    ]
    for changes, expected in cases:
        assert told(agreement, replace(agreement, **changes)) == [expected]


def test_content_that_moved_under_one_version_is_told(agreement: Agreement) -> None:
    assert told(agreement, replace(agreement, digest="0" * 64)) == [("other", "agreement.version")]
    assert told(agreement, replace(agreement, digest="0" * 64, version=agreement.version + 1)) == []


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (
            'tenure = "determinant"',
            'shoe_size = "determinant"',
            "datasets.council_property.columns.shoe_size",
        ),
        ("[datasets.nhs_event", "[datasets.nhs_gossip", "datasets.nhs_gossip"),
        ('  "health_by_tenure",', '  "health_by_shoe_size",', "outputs.health_by_shoe_size"),
    ],
)
def test_what_no_contract_and_no_register_knows_is_named(
    write: Write, old: str, new: str, place: str
) -> None:
    with pytest.raises(Fault) as raised:
        read_agreement(write((old, new)))
    assert place in [finding.where for finding in raised.value.findings]


def test_every_number_of_an_agreement_has_its_place_in_a_difference(agreement: Agreement) -> None:
    for section, name in ((agreement.thresholds, "thresholds"), (agreement.disclosure, "disclosure")):
        for item in fields(section):
            value = getattr(section, item.name)
            other = value + 1 if isinstance(value, int | float) else OTHER_TEXT[item.name]
            changed = replace(agreement, **{name: replace(section, **{item.name: other})})
            assert [place for _, place in told(agreement, changed)] == [f"{name}.{item.name}"]


def test_two_readings_of_one_agreement_do_not_differ(agreement: Agreement) -> None:
    assert told(agreement, agreement) == []
