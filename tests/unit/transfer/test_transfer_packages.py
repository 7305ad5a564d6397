"""What the linkage environment accepts, and everything that it refuses without writing a byte."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow.parquet as pq
import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.canonical import canonical_json
from governance.errors import Fault, Refused
from governance.keys.providers.in_memory_key import InMemoryKey
from pipeline.transfer.identities import create_identity, open_recipient, read_identity
from pipeline.transfer.manifest import parse_manifest, sign_manifest
from pipeline.transfer.receiving import admit_packages, receive
from pipeline.transfer.verification import check_same_linkage_key

from .conftest import NOW, Places

Alter = Callable[[dict[str, Any]], None]


def admit(places: Places, controller: str = "council", **when: Any) -> Any:
    return admit_packages(controller, places.receiver, places.linkage, lambda: when.get("now", NOW))


def rewrite_signed(package: Path, key: Ed25519PrivateKey, alter: Alter) -> None:
    """Alter a manifest as its own controller could: signed anew."""
    raw = json.loads((package / "manifest.json").read_bytes())
    alter(raw)
    content = canonical_json(raw)
    (package / "manifest.json").write_bytes(content)
    (package / "manifest.sig").write_bytes(sign_manifest(content, key))


def flip_one_bit(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 0b100
    path.write_bytes(content)


def test_packages_of_both_controllers_become_tables_that_join_under_the_outer_key(
    places: Places, another_key: InMemoryKey
) -> None:
    tables = {}
    for controller, table in (("council", "dwelling"), ("nhs", "nhs_resident")):
        sent = places.send(controller)
        (written,) = places.context.workspace.zone("pseudonymised").glob(f"*/*/{table}.parquet")
        inner = {row["uprn_pseudonym"] for row in pq.read_table(written).to_pylist()}
        held = admit(places, controller)
        assert not sent.exists()
        artefact, evidence = receive(held, places.receiver, another_key, "b" * 64, places.linkage)
        tables[controller] = pq.read_table(artefact.path(table)).to_pylist()
        assert evidence.facts["package"]["sequence"] == 1
        assert evidence.facts["outer_key_id"] == another_key.description.key_id
        assert evidence.facts["key_id"] == places.key.description.key_id
        assert inner
        assert not inner & {row["uprn_pseudonym"] for row in tables[controller]}
    council = {row["uprn_pseudonym"] for row in tables["council"]}
    nhs = {row["uprn_pseudonym"] for row in tables["nhs"]}
    assert len(council) == 5
    assert len(council & nhs) == 4


def test_two_projects_that_receive_one_package_share_no_pseudonym(
    places: Places, make_key: Callable[..., InMemoryKey]
) -> None:
    places.send("council")
    held = admit(places)
    values: list[set[str]] = []
    for number, root in enumerate((bytes(range(32)), bytes(range(64, 96)))):
        artefact, _ = receive(held, places.receiver, make_key(root), str(number) * 64, places.linkage)
        rows = pq.read_table(artefact.path("dwelling")).to_pylist()
        values.append(
            {
                v
                for row in rows
                for c, v in row.items()
                if c.endswith("pseudonym") or c.startswith("address_")
                if v
            }
        )
    assert values[0]
    assert not values[0] & values[1]


def test_the_package_opens_with_any_age_tool_and_holds_no_identifier(places: Places) -> None:
    package = places.send("council")
    content = b"".join(p.read_bytes() for p in package.iterdir())
    assert content.count(b"age-encryption.org/v1") == 2
    plain = pyrage.decrypt((package / "dwelling.parquet.age").read_bytes(), [places.receiver.identity])
    assert plain[:4] == b"PAR1"
    assert b"000000010001" not in plain + content


@pytest.mark.parametrize(
    ("file", "place", "code"),
    [
        ("dwelling.parquet.age", 400, "PACKAGE_ALTERED"),
        ("dwelling.parquet.age", -1, "PACKAGE_ALTERED"),
        ("contents.json.age", 200, "PACKAGE_ALTERED"),
        ("manifest.json", 5, "PACKAGE_SIGNATURE_INVALID"),
        ("manifest.json", -30, "PACKAGE_SIGNATURE_INVALID"),
        ("manifest.sig", 0, "PACKAGE_SIGNATURE_INVALID"),
        ("manifest.sig", 63, "PACKAGE_SIGNATURE_INVALID"),
    ],
)
def test_one_flipped_bit_in_data_manifest_or_signature_is_refused(
    places: Places, file: str, place: int, code: str
) -> None:
    package = places.send("council")
    before = places.written()
    flip_one_bit(package / file, place)
    with pytest.raises(Refused, match=code):
        admit(places)
    assert places.written() == before
    assert package.exists()


def test_a_package_signed_by_the_other_controller_is_refused_and_named(places: Places) -> None:
    places.send("council", signing_key=places.signing["nhs"])
    with pytest.raises(Refused, match="PACKAGE_WRONG_SIGNER") as refusal:
        admit(places)
    assert "signed by nhs" in refusal.value.reason
    assert places.written() == []


def test_a_package_signed_by_an_unknown_key_is_refused(places: Places) -> None:
    places.send("council", signing_key=Ed25519PrivateKey.generate())
    with pytest.raises(Refused, match="PACKAGE_SIGNATURE_INVALID"):
        admit(places)


def test_the_other_controllers_package_renamed_is_refused(places: Places) -> None:
    package = places.send("nhs")
    package.rename(package.with_name("council-000001"))
    with pytest.raises(Refused, match="PACKAGE_WRONG_SIGNER"):
        admit(places)


def test_last_months_package_is_refused_after_a_newer_one_and_after_itself(places: Places) -> None:
    first = places.send("council")
    kept = places.tmp / "kept"
    shutil.copytree(first, kept)
    admit(places)
    shutil.copytree(kept, places.receiver.inbox / "council-000001")
    before = places.written()
    with pytest.raises(Refused, match="PACKAGE_REPLAYED"):
        admit(places)
    shutil.rmtree(places.receiver.inbox / "council-000001")
    places.send("council", now=NOW + timedelta(days=30))
    assert admit(places, now=NOW + timedelta(days=30)).manifest.sequence == 2
    shutil.copytree(kept, places.receiver.inbox / "council-000003")
    with pytest.raises(Refused, match="PACKAGE_REPLAYED"):
        admit(places)
    assert [p.replace("000001", "000002") for p in before] == places.written()


def test_with_nothing_new_the_package_admitted_before_serves_again(places: Places) -> None:
    places.send("council")
    first = admit(places)
    assert admit(places) == first


def test_two_waiting_packages_are_admitted_in_their_order_and_the_newest_is_kept(places: Places) -> None:
    places.send("council")
    places.send("council", now=NOW + timedelta(hours=1))
    held = admit(places, now=NOW + timedelta(hours=1))
    assert held.manifest.sequence == 2
    assert not any(places.receiver.inbox.iterdir())
    assert {p.split("/")[3] for p in places.written() if "/packages/" in p} == {"000002"}


def test_a_gap_in_the_sequence_is_refused(places: Places) -> None:
    shutil.rmtree(places.send("council"))
    places.send("council")
    with pytest.raises(Refused, match="PACKAGE_GAP"):
        admit(places)


def test_a_second_history_of_packages_is_refused(places: Places) -> None:
    places.send("council")
    admit(places)
    package = places.send("council")
    rewrite_signed(package, places.signing["council"], lambda m: m.update(previous="1" * 64))
    with pytest.raises(Refused, match="PACKAGE_FORKED"):
        admit(places)


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "manifest.sig", "council_person.parquet.age", "dwelling.parquet"],
)
def test_a_signed_manifest_that_names_a_file_outside_its_tables_is_refused(places: Places, name: str) -> None:
    package = places.send("council")
    rewrite_signed(package, places.signing["council"], lambda m: m["files"][1].update(file=name))
    with pytest.raises(Refused, match="PACKAGE_PATH_FORBIDDEN"):
        admit(places)
    assert places.written() == []


@pytest.mark.parametrize(
    ("alter", "code"),
    [
        (lambda m: m.update(agreement="dsa-other"), "PACKAGE_OTHER_AGREEMENT"),
        (lambda m: m.update(period="2025"), "PACKAGE_OTHER_AGREEMENT"),
        (lambda m: m.update(controller="nhs"), "PACKAGE_OTHER_AGREEMENT"),
        (lambda m: m.update(key_id="dsa-test:2026:v2"), "PACKAGE_OTHER_KEY"),
        (lambda m: m.update(note="x"), "PACKAGE_MANIFEST_INVALID"),
        (lambda m: m.pop("previous"), "PACKAGE_MANIFEST_INVALID"),
        (lambda m: m.update(sequence=0), "PACKAGE_MANIFEST_INVALID"),
        (lambda m: m.update(sequence=True), "PACKAGE_MANIFEST_INVALID"),
        (lambda m: m.update(created="yesterday"), "PACKAGE_MANIFEST_INVALID"),
        (lambda m: m.update(format="hearth-transfer/1"), "PACKAGE_MANIFEST_INVALID"),
        (lambda m: m["files"].append(m["files"][0]), "PACKAGE_INCOMPLETE"),
        (lambda m: m["files"].clear(), "PACKAGE_INCOMPLETE"),
        (lambda m: m["files"][0].update(bytes=1), "PACKAGE_ALTERED"),
        (lambda m: m["files"][1].update(bytes=1), "PACKAGE_ALTERED"),
        (lambda m: m["files"][1].update(rows=5), "PACKAGE_MANIFEST_INVALID"),
        (lambda m: m.update(evidence={}), "PACKAGE_MANIFEST_INVALID"),
    ],
)
def test_a_signed_manifest_of_something_else_is_refused(places: Places, alter: Alter, code: str) -> None:
    package = places.send("council")
    rewrite_signed(package, places.signing["council"], alter)
    with pytest.raises(Refused, match=code):
        admit(places)
    assert places.written() == []


def test_a_package_for_another_linkage_environment_is_refused(places: Places, tmp_path: Path) -> None:
    other = open_recipient(create_identity(tmp_path / "other.identity"))
    places.send("council", recipient=other)
    with pytest.raises(Refused, match="PACKAGE_OTHER_RECIPIENT"):
        admit(places)


def test_check_values_that_are_not_the_agreed_ones_are_refused(places: Places) -> None:
    places.send("council")
    agreement = cast(
        Any, SimpleNamespace(id="dsa-test", period="2026", linkage_check_values={"uprn": "0" * 16})
    )
    places.linkage = replace(places.linkage, agreement=agreement)
    with pytest.raises(Refused, match="CHECK_VALUES_DIFFER"):
        admit(places)


@pytest.mark.parametrize(
    ("fixed", "agreed", "is_admitted"),
    [(None, True, True), (2, False, True), (None, False, False), (1, True, False), (3, True, False)],
)
def test_after_a_rotation_the_new_keys_packages_are_admitted_under_its_agreed_check_values(
    places: Places, make_key: Callable[..., InMemoryKey], fixed: int | None, agreed: bool, is_admitted: bool
) -> None:
    rotated = make_key(bytes(range(64, 96)), version=2)
    places.send("council", key=rotated)
    values = {"uprn": rotated.check_value("uprn")} if agreed else {}
    agreement = cast(Any, SimpleNamespace(id="dsa-test", period="2026", linkage_check_values=values))
    places.linkage = replace(places.linkage, agreement=agreement)
    places.receiver = replace(places.receiver, key_version=fixed)
    if is_admitted:
        assert admit(places).manifest.key_id == "dsa-test:2026:v2"
    else:
        with pytest.raises(Refused, match="PACKAGE_OTHER_KEY"):
            admit(places)


def test_check_values_that_differ_between_the_controllers_are_refused(
    places: Places, another_key: InMemoryKey
) -> None:
    places.send("council")
    places.send("nhs", key=another_key)
    manifests = {c: admit(places, c).manifest for c in ("council", "nhs")}
    with pytest.raises(Refused, match="CHECK_VALUES_DIFFER"):
        check_same_linkage_key(manifests)
    check_same_linkage_key({"council": manifests["council"]})


def test_a_clock_set_back_at_the_controller_is_refused_before_anything_is_sent(places: Places) -> None:
    places.send("council")
    with pytest.raises(Refused, match="CLOCK_SET_BACK"):
        places.send("council", now=NOW - timedelta(seconds=1))
    assert [p.name for p in places.receiver.inbox.iterdir()] == ["council-000001"]


@pytest.mark.parametrize(
    ("ahead", "refused"), [(timedelta(minutes=59), False), (timedelta(minutes=61), True)]
)
def test_a_package_from_the_future_means_that_a_clock_was_set_back(
    places: Places, ahead: timedelta, refused: bool
) -> None:
    places.send("council", now=NOW + ahead)
    if refused:
        with pytest.raises(Refused, match="CLOCK_SET_BACK"):
            admit(places)
    else:
        assert admit(places).manifest.sequence == 1


@pytest.mark.parametrize("what", ["extra", "missing", "link", "folder", "no signature", "huge manifest"])
def test_a_folder_that_is_not_exactly_a_package_is_refused(places: Places, what: str) -> None:
    package = places.send("council")
    if what == "extra":
        (package / "notes.txt").write_text("x")
    elif what == "missing":
        (package / "dwelling.parquet.age").unlink()
    elif what == "link":
        (package / "dwelling.parquet.age").rename(places.tmp / "elsewhere")
        (package / "dwelling.parquet.age").symlink_to(places.tmp / "elsewhere")
    elif what == "folder":
        (package / "more").mkdir()
    elif what == "no signature":
        (package / "manifest.sig").unlink()
    else:
        (package / "manifest.json").write_bytes(b"{" * 5_000_000)
    with pytest.raises(Refused, match="PACKAGE_"):
        admit(places)
    assert places.written() == []


def test_without_any_package_the_run_is_told_which_command_makes_one(places: Places) -> None:
    with pytest.raises(Fault, match="hearth pseudonymise --controller council"):
        admit(places)


def test_a_kill_between_recording_and_clearing_the_inbox_is_made_good(places: Places) -> None:
    package = places.send("council")
    kept = places.tmp / "kept"
    shutil.copytree(package, kept)
    held = admit(places)
    note = held.folder.parent / ".moving.json"
    note.write_bytes(canonical_json({"folder": "council-000001", "manifest": held.manifest.digest}))
    shutil.copytree(kept, places.receiver.inbox / "council-000001")
    assert admit(places) == held
    assert not any(places.receiver.inbox.iterdir())


def test_a_held_package_that_was_altered_is_refused(places: Places, another_key: InMemoryKey) -> None:
    places.send("council")
    held = admit(places)
    flip_one_bit(held.folder / "dwelling.parquet.age", 300)
    with pytest.raises(Refused, match="PACKAGE_ALTERED"):
        receive(held, places.receiver, another_key, "b" * 64, places.linkage)
    flip_one_bit(held.folder / "manifest.json", 300)
    with pytest.raises(Fault, match="PACKAGE_HELD_ALTERED"):
        admit(places)


def test_nothing_in_clear_is_left_of_sending_and_receiving(places: Places, another_key: InMemoryKey) -> None:
    places.send("council")
    receive(admit(places), places.receiver, another_key, "b" * 64, places.linkage)
    assert not any(places.context.spill.iterdir())
    assert not any(places.linkage.spill.iterdir())


def test_a_manifest_is_read_only_in_its_canonical_form(places: Places) -> None:
    package = places.send("council")
    content = (package / "manifest.json").read_bytes()
    assert parse_manifest(content).as_bytes() == content
    with pytest.raises(Refused, match="PACKAGE_MANIFEST_INVALID"):
        parse_manifest(content.replace(b",", b", ", 1))
    with pytest.raises(Refused, match="PACKAGE_MANIFEST_INVALID"):
        parse_manifest(b"[" * 100_000)


@pytest.mark.parametrize("passphrase", [None, "correct horse battery"])
def test_an_identity_opens_under_its_passphrase_alone(tmp_path: Path, passphrase: str | None) -> None:
    public = create_identity(tmp_path / "identity", passphrase)
    assert str(read_identity(tmp_path / "identity", passphrase).to_public()) == public
    if passphrase:
        assert b"AGE-SECRET-KEY" not in (tmp_path / "identity").read_bytes()
        with pytest.raises(Fault, match="IDENTITY_MALFORMED"):
            read_identity(tmp_path / "identity", "another passphrase")
        with pytest.raises(Fault, match="IDENTITY_PASSPHRASE_MISSING"):
            read_identity(tmp_path / "identity")
