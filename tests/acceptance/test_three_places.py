"""At-source custody on the command line: three places, each with its own keys alone, and what they refuse."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from places import PASSPHRASE, Three, copy_of
from terminal import hearth

from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.canonical import canonical_json
from governance.errors import Fault
from governance.principals.unsafe_demo_principals import write_unsafe_demo_keys
from governance.recorded_state import PACKAGE_SENT, RecordedState
from pipeline.project import read_project
from pipeline.transfer.contents import CONTENTS_FILE
from pipeline.transfer.identities import open_signing_key
from pipeline.transfer.manifest import MANIFEST_FILE, SIGNATURE_FILE, sign_manifest, timestamp

pytestmark = pytest.mark.slow

#: Where a refused run may leave something: its log, the audit log, and the keys that every run needs.
OF_ANY_RUN = {"audit", "runs", "keys", ".run.lock"}
Spoil = Callable[[Three, Path], None]


def test_two_packages_become_a_release_where_no_linkage_key_and_no_clear_table_ever_was(
    linked: tuple[Three, dict[str, Any]],
) -> None:
    places, outcome = linked
    done = {(s["stage"], s["part"]): s["outcome"] for s in outcome["stages"]}
    assert done["pseudonymise", "council"] == done["pseudonymise", "nhs"] == "done", outcome
    assert ("ingest", "council") not in done
    assert ("link", "all") in done, outcome
    linkage_files = places.linkage.files()
    assert not [f for f in linkage_files if "linkage.key" in f or f.startswith("workspace/clear/")]
    assert not any(places.inbox.iterdir())
    for place in (places.council, places.nhs):
        left = [f for f in place.files() if f.startswith("workspace/") and f.endswith(".parquet")]
        assert [f for f in left if "quarantine" not in f] == []
        judged = {e["rule"]: e["verdict"] for e in place.events() if e["stage"] == "leakage"}
        assert judged["PSE-03"] == judged["PSE-07"] == "pass"
        assert hearth("audit", "verify", place.workspace / "audit").code in (0, 4)


def test_a_request_in_the_linkage_environment_is_not_recorded_and_one_that_is_there_refuses_the_run(
    three: Three,
) -> None:
    asked = ("--controller", "nhs", "--kind", "erasure", "--received", "2026-11-02")
    ran = three.linkage.ask("retention", "request", *asked)
    assert (ran.code, "REQUEST_AT_CONTROLLER" in ran.err) == (2, True)
    path = three.linkage.workspace / "clear" / "nhs" / "rights_requests.jsonl"
    assert not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}\n")
    assert three.linkage.run_here()["code"] == "IDENTIFIERS_IN_LINKAGE"


def test_a_linkage_environment_without_an_operators_key_starts_nothing(three: Three) -> None:
    config = three.linkage.folder / "hearth.toml"
    kept = [line for line in config.read_text().splitlines() if not line.startswith("signing_keys")]
    config.write_text("\n".join(kept) + "\n")
    outcome = three.linkage.run()
    assert (outcome["status"], outcome["code"]) == ("refused", "OPERATOR_NOT_AUTHENTICATED")
    assert three.linkage.events()[-1]["actor"].startswith("unauthenticated:")


def flipped(name: str) -> Spoil:
    def spoil(_: Three, package: Path) -> None:
        content = bytearray((package / name).read_bytes())
        content[len(content) // 2] ^= 1
        (package / name).write_bytes(content)

    return spoil


def signed_anew(alter: Callable[[dict[str, Any]], None], by: str = "council") -> Spoil:
    """Alter a manifest and sign it as a controller could who holds its own key."""

    def spoil(places: Three, package: Path) -> None:
        manifest = json.loads((package / MANIFEST_FILE).read_bytes())
        alter(manifest)
        key = open_signing_key(getattr(places, by).folder / f"{by}.pem", PASSPHRASE)
        content = canonical_json(manifest)
        (package / MANIFEST_FILE).write_bytes(content)
        (package / SIGNATURE_FILE).write_bytes(sign_manifest(content, key))

    return spoil


def tomorrow(manifest: dict[str, Any]) -> None:
    manifest["created"] = timestamp(datetime.now(UTC) + timedelta(days=1))


HOSTILE: dict[str, tuple[str, Spoil]] = {
    "a bit of the data": ("PACKAGE_ALTERED", flipped("dwelling.parquet.age")),
    "a bit of the manifest": ("PACKAGE_SIGNATURE_INVALID", flipped(MANIFEST_FILE)),
    "a bit of the signature": ("PACKAGE_SIGNATURE_INVALID", flipped(SIGNATURE_FILE)),
    "the other controller's signature": ("PACKAGE_WRONG_SIGNER", signed_anew(lambda _: None, by="nhs")),
    "a path out of the package": (
        "PACKAGE_PATH_FORBIDDEN",
        signed_anew(lambda m: m["files"][1].update(file="../../etc/passwd")),
    ),
    "a name out of the package": (
        "PACKAGE_PATH_FORBIDDEN",
        signed_anew(lambda m: m["files"][1].update(file="../../etc/passwd.parquet.age")),
    ),
    "a bit of the contents": ("PACKAGE_ALTERED", flipped(CONTENTS_FILE)),
    "another key's check value": (
        "CHECK_VALUES_DIFFER",
        signed_anew(lambda m: m["check_values"].update(uprn="0" * 16)),
    ),
    "another key": ("PACKAGE_OTHER_KEY", signed_anew(lambda m: m.update(key_id="another:2026:v1"))),
    "another agreement": (
        "PACKAGE_OTHER_AGREEMENT",
        signed_anew(lambda m: m.update(agreement="another")),
    ),
    "a gap before it": ("PACKAGE_GAP", signed_anew(lambda m: m.update(sequence=3))),
    "tomorrow's date, so that a clock was set back": ("CLOCK_SET_BACK", signed_anew(tomorrow)),
}


def test_a_hostile_package_is_refused_with_a_remedy_and_only_the_audit_log_grows(
    waiting: Three, tmp_path: Path
) -> None:
    (package,) = waiting.inbox.glob("council-*")
    shutil.copytree(package, tmp_path / "sound")
    before = waiting.linkage.files()
    for what, (code, spoil) in HOSTILE.items():
        shutil.rmtree(package)
        shutil.copytree(tmp_path / "sound", package)
        spoil(waiting, package)
        outcome = waiting.linkage.run_here()
        assert (outcome["status"], outcome["code"]) == ("refused", code), what
        assert outcome["reason"]
        assert outcome["remedy"]
        ended = [e for e in waiting.linkage.events() if e["event"] == "run_end"][-1]
        assert (ended["verdict"], ended["evidence"]["code"]) == ("refused", code), what
        assert package.is_dir()
    grown = {f.split("/")[1] for f in waiting.linkage.files() - before if f.startswith("workspace/")}
    assert grown <= OF_ANY_RUN
    ran = waiting.linkage.ask("run", "--no-orchestrator")
    assert (ran.code, code in ran.err, "What to do" in ran.err) == (2, True, True)
    assert hearth("audit", "verify", waiting.linkage.workspace / "audit").code == 4


def test_last_months_package_is_refused(
    sent: Three, linked: tuple[Three, dict[str, Any]], own_memory: Path
) -> None:
    places = copy_of(linked[0], own_memory / "three")
    (package,) = sent.inbox.glob("council-*")
    shutil.copytree(package, places.inbox / package.name)
    outcome = places.linkage.run()
    assert (outcome["status"], outcome["code"]) == ("refused", "PACKAGE_REPLAYED")


def test_check_values_that_differ_are_refused_on_the_telephone(three: Three) -> None:
    ran = three.nhs.ask("keys", "check-value", "--compare", "0123456789abcdef")
    assert ran.code == 2
    assert "CHECK_VALUES_DIFFER" in ran.err
    assert [e["verdict"] for e in three.nhs.events() if e["event"] == "key"][-1] == "refused"


def test_a_pending_key_makes_no_package(three: Three) -> None:
    (three.council.folder / "linkage.key").unlink()
    assert three.council.key("new")["state"] == "pending"
    ran = three.council.ask("pseudonymise", "--controller", "council")
    assert ran.code == 2
    assert "KEY_NOT_ACTIVE" in ran.err
    assert not (three.council.folder / "outbox").exists()


def link_to_itself(key: Path) -> None:
    key.rename(key.with_name("elsewhere.key"))
    key.symlink_to(key.with_name("elsewhere.key"))


BAD_KEY_FILES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "readable by all": ("KEY_FILE_EXPOSED", lambda key: key.chmod(0o644)),
    "a symbolic link": ("KEY_FILE_SYMLINK", link_to_itself),
    "truncated": ("KEY_FILE_MALFORMED", lambda key: key.write_bytes(key.read_bytes()[:100])),
    "of 16 bytes": ("KEY_TOO_SHORT", lambda key: key.write_bytes(bytes(range(16)))),
    "missing": ("KEY_MISSING", lambda key: key.unlink()),
    "under another passphrase": (
        "KEY_PASSPHRASE_WRONG",
        lambda key: key.with_name("passphrase").write_text("five other random words here\n"),
    ),
}


def test_a_bad_key_file_stops_the_controller_before_its_extract_is_read(three: Three) -> None:
    folder = three.council.folder
    key, passphrase = folder / "linkage.key", folder / "passphrase"
    # The transfer key is read first and is not what this is about: it has a passphrase of its own.
    config = folder / "hearth.toml"
    shutil.copy2(passphrase, folder / "transfer.passphrase")
    head, _, transfer = config.read_text().partition("[keys.transfer]")
    apart = transfer.replace('"passphrase"', '"transfer.passphrase"', 1)
    config.write_text(f"{head}[keys.transfer]{apart}")
    sound = key.read_bytes()
    before = three.council.files()
    for what, (code, spoil) in BAD_KEY_FILES.items():
        spoil(key)
        with pytest.raises(Fault, match=code) as fault:
            three.council.pseudonymise_here("council")
        assert fault.value.remedy
        assert PASSPHRASE not in str(fault.value), what
        assert three.council.events()[-1]["evidence"]["code"] == code
        key.unlink(missing_ok=True)
        (folder / "elsewhere.key").unlink(missing_ok=True)
        key.write_bytes(sound)
        key.chmod(0o600)
        passphrase.write_text(PASSPHRASE + "\n")
    grown = {f.split("/")[1] for f in three.council.files() - before}
    assert grown <= OF_ANY_RUN
    key.chmod(0o644)
    ran = three.council.ask("pseudonymise", "--controller", "council")
    assert (ran.code, "KEY_FILE_EXPOSED" in ran.err, "What to do" in ran.err) == (1, True, True)


def test_a_controllers_clock_that_was_set_back_makes_no_package(waiting: Three) -> None:
    workspace = waiting.council.workspace
    name = read_project(waiting.council.folder / "hearth.toml").name
    audit = AuditLog.open(workspace / "audit", open_log_signer(workspace / "keys", f"hearth/{name}"))
    sent = audit.state(PACKAGE_SENT, "council")
    later = {**sent, "created": timestamp(datetime.now(UTC) + timedelta(days=1))}
    RecordedState(audit, "run-of-tomorrow", "operator").record(PACKAGE_SENT, later, "council")
    packages = list((waiting.council.folder / "outbox").iterdir())
    ran = waiting.council.ask("pseudonymise", "--controller", "council")
    assert (ran.code, "CLOCK_SET_BACK" in ran.err) == (2, True), ran.err
    assert list((waiting.council.folder / "outbox").iterdir()) == packages
    assert waiting.council.events()[-1]["evidence"]["code"] == "CLOCK_SET_BACK"


def test_an_older_copy_of_a_retired_key_makes_no_pseudonym(three: Three) -> None:
    key = three.council.folder / "linkage.key"
    yesterday = key.read_bytes()
    people = three.council.folder / "people"
    write_unsafe_demo_keys(people)
    retired = three.council.key(
        "retire", "--version", "1", "--key", str(people / "UNSAFE-council-keeper.pem")
    )
    assert retired["state"] == "retired"
    key.write_bytes(yesterday)
    ran = three.council.ask("pseudonymise", "--controller", "council")
    assert (ran.code, "KEY_STATE_ALTERED" in ran.err) == (1, True), ran.err
