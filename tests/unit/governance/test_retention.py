"""Retention: what is held until when, disposal with two signatures, requests that take effect."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.agreement.agreement import Agreement
from governance.agreement.terms import Principal
from governance.audit.log import AuditLog
from governance.errors import Fault, Refused
from governance.history import events
from governance.principals.statement import public_key_of
from governance.retention.disposal import certificate_path, dispose, read_certificate, witness_disposal
from governance.retention.evidence import retention_evidence
from governance.retention.holdings import Holding, _first_named, holdings
from governance.retention.residue import remove_stale_spill
from governance.retention.rights import (
    Received,
    prove_request,
    read_requests,
    record_request,
    write_receipt,
)
from pipeline.ingest.rights import PeopleToRemove, remove_on_request

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
KEYS = {name: Ed25519PrivateKey.from_private_bytes(name.ljust(32).encode()) for name in ("ola", "ann", "abe")}
LINK = f"linkage/link-all-{'ab' * 8}"
JUDGED = {
    "part": "all",
    "fingerprint": "ab" * 32,
    "artefact_digest": "c" * 64,
    "evidence_digest": "d" * 64,
}
ROLES = {"ola": ("operator",), "ann": ("approver",), "abe": ("signatory",)}


@pytest.fixture
def agreed(agreement: Agreement) -> Agreement:
    people = (Principal(n, n, "nhs", public_key_of(key), ROLES[n]) for n, key in KEYS.items())
    return replace(agreement, principals=tuple(people))


@pytest.fixture
def workspace(tmp_path: Path, audit: AuditLog) -> Path:
    return audit.folder.parent


@pytest.fixture
def make(workspace: Path) -> Callable[..., Path]:
    """Makes an artefact in a zone, dated some days before NOW."""

    def made(place: str, days: float) -> Path:
        folder = workspace / place
        folder.mkdir(parents=True)
        (folder / "table.parquet").write_bytes(b"rows")
        (folder / "artefact.json").write_text("{}")
        moment = (NOW - timedelta(days=days)).timestamp()
        os.utime(folder / "artefact.json", (moment, moment))
        return folder

    return made


def facts(workspace: Path, agreement: Agreement) -> dict[str, Any]:
    return dict(retention_evidence(workspace, agreement, NOW, "run-now").facts)


def test_an_artefact_is_due_when_its_class_says_and_not_a_day_before(
    workspace: Path, make: Callable[..., Path], agreement: Agreement
) -> None:
    make("linkage/link-all-1", 364)
    make("controlled/household-all-1", 365)
    assert facts(workspace, agreement)["overdue"] == ["controlled/household-all-1"]


def test_every_zone_has_a_class_and_a_class_that_the_agreement_lacks_is_told(
    workspace: Path, make: Callable[..., Path], agreement: Agreement
) -> None:
    places = ["clear/nhs/a", "pseudonymised/nhs/a", "linkage/a", "controlled/a", "releases/a", "runs/a"]
    for place in places:
        make(place, 1)
    assert [item.name for item in holdings(workspace, agreement)] == places
    fewer = {name: item for name, item in agreement.retention.items() if name != "linkage"}
    assert facts(workspace, replace(agreement, retention=fewer))["unclassified"] == ["linkage/a"]


def test_the_ledger_is_kept_as_long_as_the_releases_it_judges(
    workspace: Path, make: Callable[..., Path], agreement: Agreement
) -> None:
    make("controlled/ledger", 400)
    (held,) = holdings(workspace, agreement)
    assert (held.retention, held.is_overdue(NOW.date())) == ("release", False)


def test_an_artefact_whose_files_are_gone_is_held_no_more(
    workspace: Path, make: Callable[..., Path], agreement: Agreement
) -> None:
    (make("clear/nhs/a", 900) / "table.parquet").unlink()
    assert facts(workspace, agreement)["holdings"] == 0


def dispose_of(workspace: Path, agreement: Agreement, audit: AuditLog, name: str) -> Path:
    (holding,) = (item for item in holdings(workspace, agreement) if item.name == name)
    return dispose(workspace, holding, agreement, audit, "ola", KEYS["ola"], NOW)


def test_a_disposal_is_complete_when_the_files_are_gone_and_two_people_signed(
    workspace: Path, make: Callable[..., Path], agreed: Agreement, audit: AuditLog
) -> None:
    folder = make("linkage/link-all-1", 400)
    certificate = dispose_of(workspace, agreed, audit, "linkage/link-all-1")
    assert not folder.exists()
    shown = facts(workspace, agreed)
    assert (shown["disposals"], shown["uncertified"], shown["unwitnessed"]) == (1, [], ["linkage/link-all-1"])
    witness_disposal(workspace, certificate, agreed, audit, "ann", KEYS["ann"])
    assert facts(workspace, agreed)["unwitnessed"] == []


def test_a_tables_own_key_ends_with_its_file_and_the_certificate_counts_it(
    workspace: Path,
    make: Callable[..., Path],
    agreed: Agreement,
    audit: AuditLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = make("linkage/link-all-1", 400)
    (folder / "link.parquet").write_bytes(b"PARE" + bytes(range(256)))
    left = []
    remove = shutil.rmtree
    monkeypatch.setattr(shutil, "rmtree", lambda path: (left.extend(path.rglob("*")), remove(path)))
    certificate = dispose_of(workspace, agreed, audit, "linkage/link-all-1")
    assert left == []  # overwritten and removed one by one before the folder went
    assert read_certificate(certificate)["content"]["keys_destroyed"] == 1
    event = json.loads((audit.folder / "audit.jsonl").read_bytes().splitlines()[-1])
    assert event["evidence"]["keys_destroyed"] == 1


@pytest.mark.parametrize("person", ["ola", "abe", "nobody"])
def test_the_second_person_is_another_who_may(
    workspace: Path, make: Callable[..., Path], agreed: Agreement, audit: AuditLog, person: str
) -> None:
    make("linkage/link-all-1", 400)
    certificate = dispose_of(workspace, agreed, audit, "linkage/link-all-1")
    with pytest.raises(Refused, match="NOT_A_SECOND_PERSON"):
        witness_disposal(workspace, certificate, agreed, audit, person, KEYS.get(person, KEYS["ola"]))


def test_nobody_certifies_what_is_still_there(
    workspace: Path, make: Callable[..., Path], agreed: Agreement, audit: AuditLog
) -> None:
    make("linkage/link-all-1", 400)
    certificate = dispose_of(workspace, agreed, audit, "linkage/link-all-1")
    make("linkage/link-all-1", 0)
    with pytest.raises(Refused, match="STILL_PRESENT"):
        witness_disposal(workspace, certificate, agreed, audit, "ann", KEYS["ann"])
    assert facts(workspace, agreed)["still_present"] == ["linkage/link-all-1"]


@pytest.mark.parametrize("change", ["content", "signature", "gone"])
def test_a_certificate_that_was_altered_or_lost_does_not_count(
    workspace: Path, make: Callable[..., Path], agreed: Agreement, audit: AuditLog, change: str
) -> None:
    make("linkage/link-all-1", 400)
    path = dispose_of(workspace, agreed, audit, "linkage/link-all-1")
    certificate = read_certificate(path)
    assert path == certificate_path(audit.folder, certificate["content"])
    if change == "content":
        certificate["content"]["files"] = 1000
    if change == "signature":
        certificate["signatures"][0]["signature"] = "AAAA"
    path.write_text(json.dumps(certificate))
    if change == "gone":
        path.unlink()
    assert facts(workspace, agreed)["uncertified"] == ["linkage/link-all-1"]


def test_a_second_persons_signature_does_not_outlive_the_certificate_it_was_made_on(
    workspace: Path, make: Callable[..., Path], agreed: Agreement, audit: AuditLog
) -> None:
    """Yesterday's certificate, with one signature, is put in the place of today's with two."""
    make("linkage/link-all-1", 400)
    path = dispose_of(workspace, agreed, audit, "linkage/link-all-1")
    yesterday = path.read_bytes()
    witness_disposal(workspace, path, agreed, audit, "ann", KEYS["ann"])
    assert facts(workspace, agreed)["unwitnessed"] == []
    path.write_bytes(yesterday)
    assert facts(workspace, agreed)["unwitnessed"] == ["linkage/link-all-1"]


@pytest.mark.parametrize("days", [0, 364])
def test_a_file_that_is_dated_anew_is_kept_no_longer(
    workspace: Path, make: Callable[..., Path], agreement: Agreement, audit: AuditLog, days: int
) -> None:
    """The day that counts is the one on which the log first names the artefact."""
    audit.append("run-1", "operator", "link", "gate", verdict="cleared", evidence=JUDGED)
    make(LINK, days - 365)
    later = retention_evidence(workspace, agreement, NOW + timedelta(days=365), "run-now").facts
    assert later["overdue"] == [LINK]


def test_what_was_disposed_of_and_made_again_is_as_old_as_it_is(
    workspace: Path, make: Callable[..., Path], agreed: Agreement, audit: AuditLog
) -> None:
    audit.append("run-1", "operator", "link", "gate", verdict="cleared", evidence=JUDGED)
    make(LINK, 400)
    dispose_of(workspace, agreed, audit, LINK)
    assert _first_named(events(audit.folder)) == {}


def test_a_name_that_leads_out_of_the_workspace_is_not_disposed_of(
    tmp_path: Path, workspace: Path, agreed: Agreement, audit: AuditLog
) -> None:
    (tmp_path / "outside").mkdir()
    (workspace / "linkage").mkdir()
    (workspace / "linkage" / "link").symlink_to(tmp_path.parent)
    escape = Holding("linkage/link", "linkage", "linkage", date(2025, 1, 1), date(2026, 1, 1), 1, 1)
    with pytest.raises(Fault, match="NOTHING_TO_DISPOSE"):
        dispose(workspace, escape, agreed, audit, "ola", KEYS["ola"], NOW)


def test_databases_and_spill_that_were_left_behind_are_found_whatever_they_are_called(
    workspace: Path, agreement: Agreement
) -> None:
    (workspace / "runs" / "run-old" / "spill").mkdir(parents=True)
    (workspace / "runs" / "run-old" / "spill" / "x").write_bytes(b"rows")
    (workspace / "runs" / "run-now" / "spill").mkdir(parents=True)
    (workspace / "runs" / "run-now" / "spill" / "x").write_bytes(b"rows")
    with duckdb.connect(str(workspace / "runs" / "run-old" / "innocent.txt")) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS n")
    shown = facts(workspace, agreement)
    assert shown["database_files"] == ["runs/run-old/innocent.txt"]
    assert shown["spill_folders"] == ["runs/run-old/spill"]
    assert remove_stale_spill(workspace) == 2
    assert facts(workspace, agreement)["spill_folders"] == []


# -- people's requests --


def test_a_request_is_on_record_without_naming_the_person(
    tmp_path: Path, workspace: Path, audit: AuditLog, audit_folder: Path
) -> None:
    made = record_request(
        workspace / "clear",
        "nhs",
        Received("objection", "nhs_number", "999 000 0018", date(2026, 11, 2)),
        audit,
        "officer",
    )
    assert read_requests(workspace / "clear", "nhs") == (made,)
    assert len(audit.requests("nhs")) == 1
    assert audit.requests("council") == frozenset()
    log = (audit_folder / "audit.jsonl").read_bytes()
    assert b"9990000018" not in log
    assert made.commitment.encode() in log
    assert made.nonce.encode() not in log
    assert (workspace / "clear" / "nhs" / "rights_requests.jsonl").stat().st_mode & 0o777 == 0o600


def test_the_receipt_proves_the_request_and_the_runs_it_was_in_effect_in(
    tmp_path: Path, workspace: Path, audit: AuditLog, audit_folder: Path
) -> None:
    zone = workspace / "clear"
    made = record_request(
        zone, "nhs", Received("erasure", "nhs_number", "9990000018", date(2026, 11, 2)), audit, "officer"
    )
    receipt = tmp_path / "receipt.json"
    write_receipt(receipt, made)
    assert prove_request(receipt, audit_folder).runs == ()
    for run, part, verdict in (
        ("run-1", "council", "pass"),
        ("run-2", "nhs", "fail"),
        ("run-3", "nhs", "pass"),
    ):
        audit.append(
            run, "operator", "ingest", "rule", rule="RET-04", verdict=verdict, evidence={"part": part}
        )
    assert prove_request(receipt, audit_folder).runs == ("run-3",)
    held = json.loads(receipt.read_text())
    receipt.write_text(json.dumps(held | {"value": "9990000026"}))
    with pytest.raises(Refused, match="REQUEST_NOT_ON_RECORD"):
        prove_request(receipt, audit_folder)


@pytest.mark.parametrize(
    ("kind", "identifier", "value"),
    [("deletion", "nhs_number", "9990000018"), ("erasure", "uprn", "1"), ("erasure", "nhs_number", "12")],
)
def test_a_request_of_another_kind_or_without_a_number_is_refused(
    workspace: Path, audit: AuditLog, kind: str, identifier: str, value: str
) -> None:
    with pytest.raises(Fault, match="REQUEST"):
        record_request(
            workspace / "clear", "nhs", Received(kind, identifier, value, date(2026, 11, 2)), audit, "officer"
        )
    assert audit.requests("nhs") == frozenset()


def test_a_damaged_request_file_stops_the_run_rather_than_forgetting_people(workspace: Path) -> None:
    path = workspace / "clear" / "nhs" / "rights_requests.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(Fault, match="RIGHTS_REQUESTS_UNREADABLE"):
        read_requests(workspace / "clear", "nhs")


def test_the_persons_rows_leave_however_the_number_is_written_and_nobody_elses_do(
    workspace: Path, audit: AuditLog
) -> None:
    zone = workspace / "clear"
    by_number = record_request(
        zone, "nhs", Received("erasure", "nhs_number", "9990000018", date(2026, 11, 2)), audit, "o"
    )
    by_record = record_request(
        zone, "nhs", Received("objection", "record_id", "P7", date(2026, 11, 2)), audit, "o"
    )
    with duckdb.connect() as connection:
        connection.execute(
            """
            CREATE TABLE record AS
            SELECT * FROM (
                VALUES
                    (2, NULL, 'P1', '9990000018'),
                    (3, NULL, 'P2', '999 000 0018'),
                    (4, NULL, 'P3', '9990000026'),
                    (5, NULL, 'P4', NULL),
                    (6, NULL, 'P7', '9990000034'),
                    (7, ['x', '999-000-0018', 'y', 'z'], NULL, NULL),
                    (8, ['x', 'P70'], NULL, NULL)
            ) AS t (line_number, cells, record_id, nhs_number)
            """
        )
        removed = remove_on_request(
            connection, "nhs_person", ["record_id", "nhs_number"], PeopleToRemove.of((by_number, by_record))
        )
        left = connection.execute("SELECT line_number FROM record ORDER BY line_number").fetchall()
    assert (removed, left) == (4, [(4,), (5,), (8,)])


def test_without_requests_nothing_is_removed(workspace: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE record AS SELECT 2 AS line_number, ['a'] AS cells, 'P1' AS record_id"
        )
        assert remove_on_request(connection, "nhs_person", ["record_id"], PeopleToRemove()) == 0


@pytest.mark.parametrize(("identifier", "value"), [("nhs_number", "9990000018"), ("record_id", "P2")])
def test_a_request_by_either_identifier_reaches_every_row_of_the_person(
    workspace: Path, audit: AuditLog, identifier: str, value: str
) -> None:
    """Registered twice (P1, P2); some diagnoses bear the record id alone, some the NHS number alone."""
    request = record_request(
        workspace / "clear", "nhs", Received("erasure", identifier, value, date(2026, 11, 2)), audit, "o"
    )
    people = PeopleToRemove.of((request,))
    left = {}
    for table, columns, rows in (
        (
            "nhs_person",
            ["record_id", "nhs_number"],
            "(1, NULL, 'P1', '999 000 0018'), (2, NULL, 'P2', '9990000018'), (3, NULL, 'P3', '9990000026')",
        ),
        (
            "nhs_condition",
            ["person_record_id", "nhs_number"],
            "(1, NULL, 'P1', NULL), (2, NULL, NULL, '999-000-0018'), (3, NULL, 'P2', NULL), "
            "(4, NULL, 'P3', NULL), (5, NULL, NULL, '9990000026'), (6, NULL, NULL, NULL)",
        ),
    ):
        with duckdb.connect() as connection:
            connection.execute(
                f"CREATE TABLE record AS SELECT * FROM (VALUES {rows}) "
                f"AS t (line_number, cells, {', '.join(columns)})"
            )
            connection.execute("ALTER TABLE record ALTER cells TYPE VARCHAR[]")
            remove_on_request(connection, table, columns, people)
            left[table] = [
                n for (n,) in connection.execute("SELECT line_number FROM record ORDER BY 1").fetchall()
            ]
    assert left == {"nhs_person": [3], "nhs_condition": [4, 5, 6]}


@pytest.mark.parametrize("stand_in", ["9999999999", "0000000000", "9990000019", ""])
def test_a_stand_in_that_many_people_share_draws_nobody_else_in(
    workspace: Path, audit: AuditLog, stand_in: str
) -> None:
    request = record_request(
        workspace / "clear", "nhs", Received("erasure", "record_id", "P1", date(2026, 11, 2)), audit, "o"
    )
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE record (line_number BIGINT, cells VARCHAR[], record_id VARCHAR, nhs_number VARCHAR)"
        )
        rows = [(number, None, f"P{number}", stand_in) for number in (1, 2, 3)]
        connection.executemany("INSERT INTO record VALUES (?, ?, ?, ?)", rows)
        people = PeopleToRemove.of((request,))
        assert remove_on_request(connection, "nhs_person", ["record_id", "nhs_number"], people) == 1
