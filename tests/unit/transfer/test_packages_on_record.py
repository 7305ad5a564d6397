"""Which packages and pairs were admitted, sent or used is in the audit log, and no file says otherwise."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from governance.canonical import canonical_json
from governance.errors import Fault, HearthError, Refused
from governance.recorded_state import PACKAGE_ADMITTED, PACKAGE_SENT
from pipeline.transfer.receiving import HeldPackage, admit_packages

from .conftest import NOW, Places

LATER = NOW + timedelta(days=30)


def admit(places: Places) -> HeldPackage:
    return admit_packages("council", places.receiver, places.linkage, lambda: LATER)


@pytest.fixture
def two(places: Places) -> tuple[Places, Path]:
    """Two packages were admitted; the first one, with people who opted out since, was kept by someone."""
    first = places.send("council")
    kept = places.tmp / "kept"
    shutil.copytree(first, kept)
    admit(places)
    shutil.copytree(places.linkage.workspace.zone("pseudonymised"), places.tmp / "yesterday")
    places.send("council", now=LATER)
    assert admit(places).manifest.sequence == 2
    return places, kept


def delete(places: Places, _: Path) -> None:
    shutil.rmtree(places.linkage.workspace.zone("pseudonymised"))


def roll_back(places: Places, yesterday: Path) -> None:
    delete(places, yesterday)
    shutil.copytree(yesterday, places.linkage.workspace.zone("pseudonymised"))


def forge_the_file_of_earlier_versions(places: Places, _: Path) -> None:
    last = {"sequence": 0, "manifest": "0" * 64, "created": ""}
    content = canonical_json({"last": last, "taken_from": None})
    (places.linkage.workspace.zone("pseudonymised") / "council" / "received.json").write_bytes(content)


def forge_a_move(places: Places, _: Path) -> None:
    content = canonical_json({"folder": "council-000001", "manifest": "0" * 64})
    folder = places.linkage.workspace.zone("pseudonymised") / "council" / "packages"
    (folder / ".moving.json").write_bytes(content)


@pytest.mark.parametrize("change", [delete, roll_back, forge_the_file_of_earlier_versions, forge_a_move])
def test_an_older_package_is_never_admitted_again(
    two: tuple[Places, Path], change: Callable[[Places, Path], None]
) -> None:
    places, kept = two
    change(places, places.tmp / "yesterday")
    shutil.copytree(kept, places.receiver.inbox / "council-000001")
    with pytest.raises(Refused, match="PACKAGE_REPLAYED"):
        admit(places)
    assert places.linkage.recorded.last(PACKAGE_ADMITTED, "council")["sequence"] == 2


@pytest.mark.parametrize("change", [delete, roll_back])
def test_without_the_package_on_record_nothing_older_serves_in_its_place(
    two: tuple[Places, Path], change: Callable[[Places, Path], None]
) -> None:
    places, _ = two
    change(places, places.tmp / "yesterday")
    with pytest.raises(Fault, match="PACKAGE_HELD_ALTERED"):
        admit(places)


def test_a_held_package_under_another_number_is_not_the_one_on_record(two: tuple[Places, Path]) -> None:
    places, kept = two
    folder = places.linkage.workspace.zone("pseudonymised") / "council" / "packages" / "000002"
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)
    with pytest.raises(Fault, match="PACKAGE_HELD_ALTERED"):
        admit(places)


@pytest.mark.parametrize("change", ["edited", "deleted", "rolled back"])
def test_a_controllers_numbers_go_on_whatever_becomes_of_its_files(places: Places, change: str) -> None:
    places.send("council")
    sent = places.context.workspace.zone("pseudonymised") / "council" / "sent.json"
    if change == "edited":
        sent.write_bytes(canonical_json({"sequence": 7, "manifest": "0" * 64, "created": ""}))
    elif change == "deleted":
        sent.unlink(missing_ok=True)
    else:
        sent.write_bytes(canonical_json({"sequence": 0, "manifest": "0" * 64, "created": ""}))
    shutil.rmtree(places.receiver.inbox / "council-000001")
    second = places.send("council", now=LATER)
    assert second.name == "council-000002"
    assert places.context.recorded.last(PACKAGE_SENT, "council")["sequence"] == 2


def test_a_package_that_a_killed_run_did_not_record_counts_if_its_controller_signed_it(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr("pipeline.transfer.sending._record", lambda *_: None)
        places.send("council")
    assert places.context.recorded.last(PACKAGE_SENT, "council") == {}
    assert places.send("council", now=LATER).name == "council-000002"


@pytest.mark.parametrize("signer", ["nhs", "council"])
def test_a_strange_package_in_the_outbox_makes_no_number(places: Places, signer: str) -> None:
    first = places.send("council")
    shutil.copytree(first, places.receiver.inbox / "council-000002")
    if signer == "nhs":
        shutil.rmtree(places.receiver.inbox / "council-000002")
        strange = places.send("nhs")
        strange.rename(places.receiver.inbox / "council-000002")
    with pytest.raises(HearthError, match="PACKAGE_FORKED"):
        places.send("council", now=LATER)
