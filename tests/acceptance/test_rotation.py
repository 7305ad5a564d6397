"""Rotating the linkage key as its holders do: nobody is re-identified, and no noise is drawn anew."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from terminal import SampleProject, hearth
from typer.testing import CliRunner

from flows.cli import app
from flows.run.run import RunRequest, run_pipeline
from governance.audit.signer import KEY_NAME, read_signing_key
from governance.errors import Refused
from governance.keys.at_rest_keys import open_at_rest_keys
from governance.keys.destruction import is_certificate
from governance.principals.statement import public_key_of
from pipeline.engine.at_rest import encrypted_at_rest
from pipeline.engine.tables import open_table

pytestmark = pytest.mark.slow


def keys(project: SampleProject, *arguments: str | Path) -> dict[str, Any]:
    """Run `hearth keys ...` in this process and return its JSON; what it refuses is raised."""
    place = ("--config", project.config, "--workspace", project.workspace, "--json")
    ran = CliRunner().invoke(app, ["keys", *map(str, (*arguments, *place))])
    if ran.exception is not None:
        raise ran.exception
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return told


def stored(project: SampleProject, table: str) -> pa.Table:
    """Read a table of the controlled zone as its custodian can."""
    (path,) = (project.workspace / "controlled").glob(table)
    at_rest = open_at_rest_keys(project.workspace / "keys" / "at-rest", run=False)
    with encrypted_at_rest(project.workspace, at_rest), open_table(path) as reader:
        return reader.read_all()


def states(project: SampleProject) -> Counter[tuple[str, ...]]:
    """What each household brings to the counts, record key included; see `pipeline/aggregate/state.py`."""
    rows = stored(project, "aggregate-all-*/household_state.parquet").to_pylist()
    return Counter(tuple(row.values()) for row in rows)


def pseudonyms(project: SampleProject) -> set[str]:
    return set(stored(project, "household-all-*/household.parquet").column("dwelling_anchor").to_pylist())


def test_after_a_rotation_every_household_keeps_its_noise_and_the_pairs_are_gone(ran: SampleProject) -> None:
    before, old = states(ran), pseudonyms(ran)
    assert keys(ran, "rotate", "--layer", "inner")["new"]["key_id"].endswith(":v2")
    for controller in ("council", "nhs"):
        pairs = Path(keys(ran, "rekey", "--controller", controller, "--from-version", "1")["pairs"])
        kept = shutil.copytree(pairs, ran.folder.parent / f"kept-{controller}")
        used = keys(ran, "rekey", "--controller", controller, "--apply", pairs)
        assert not pairs.exists()
        certificate = next((ran.workspace / "keys").rglob(used["certificate"]))
        signer = read_signing_key(ran.workspace / "keys" / KEY_NAME)
        assert is_certificate(certificate, public_key_of(signer))
        with pytest.raises(Refused, match="REKEY_USED"):
            keys(ran, "rekey", "--controller", controller, "--apply", kept)
    acts = [json.loads(line) for line in (ran.workspace / "audit" / "audit.jsonl").open()]
    told = [(e["evidence"]["act"], e["verdict"]) for e in acts if e["event"] == "key"]
    assert told == [
        ("rotate", "done"),
        *[("rekey", "done"), ("rekey-apply", "done"), ("rekey-apply", "refused")] * 2,
    ]
    assert hearth("audit", "verify", ran.workspace / "audit").code == 4
    carried = stored(ran, "ledger/record-key.parquet")
    assert carried.column_names == ["kind", "pseudonym", "record_key"]
    assert not set(carried.column("pseudonym").to_pylist()) & old
    outcome = run_pipeline(RunRequest.of(ran.config, ran.workspace), quiet=True).as_json()
    assert outcome["status"] == "published", outcome
    attack = next(s["facts"]["self_attack"] for s in outcome["stages"] if s["stage"] == "pseudonymise")
    assert (attack["previous_keys"], attack["recovered"]) == (1, 0)
    assert not pseudonyms(ran) & old
    after = states(ran)
    assert (before & after).total() >= 0.99 * before.total()
