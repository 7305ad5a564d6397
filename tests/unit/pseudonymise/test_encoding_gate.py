"""The rank-frequency attack inside a run: the gate stops a build whose names lost their salt."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from governance.agreement.agreement import read_agreement
from governance.artefact import Artefact, Evidence
from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.clearance import Cleared
from governance.errors import Refused
from governance.gate import Gatekeeper
from governance.keys.providers.in_memory_key import InMemoryKey
from governance.rules import rules_for
from governance.rules.registry import Rule
from pipeline.context import RunContext
from pipeline.pseudonymise import stage
from pipeline.pseudonymise.match_fields import MATCH_FIELDS, compute

_PEOPLE = 1_500
_NAMES = 300
SAMPLE = Path(__file__).parents[3] / "sample_data" / "sample" / "agreement.toml"


def _only(stage: str, part: str) -> tuple[Rule, ...]:
    return tuple(item for item in rules_for(stage, part) if item.id == "PSE-08")


@pytest.fixture
def gatekeeper(tmp_path: Path) -> Gatekeeper:
    """A gate that asks PSE-08 and writes to a real log."""
    (tmp_path / "gate").mkdir()
    audit = AuditLog.open(tmp_path / "audit", open_log_signer(tmp_path / "gate", "hearth/test"))
    agreement = read_agreement(SAMPLE)
    audit.append("run-1", "operator", None, "run_start", policy=agreement.digest)
    now = datetime(2026, 11, 21, tzinfo=UTC)
    return Gatekeeper("run-1", agreement, audit, "operator", now, _only, order={("pseudonymise", "nhs"): ()})


@pytest.fixture
def patients(ingested: Callable[..., Cleared]) -> Cleared:
    """People of two postcode sectors whose names follow Zipf's law."""
    rng = np.random.default_rng(3)
    share = 1 / (2 + np.arange(_NAMES))
    drawn = rng.choice(_NAMES, (_PEOPLE, 2), p=share / share.sum())
    rows = [
        {
            "record_id": f"r{n}",
            "forename": f"{_word(int(first))}a",
            "surname": f"{_word(int(last))}son",
            "birth_date": date(1950, 1, 1) + timedelta(days=int(days)),
            "address_line_1": f"{n // 2 % 80 + 1} {_word(n // 160)} Road",
            "postcode": f"M{n % 2 + 1} {n // 300 + 1}AB",
        }
        for n, ((first, last), days) in enumerate(zip(drawn, rng.integers(0, 20_000, _PEOPLE), strict=True))
    ]
    return ingested("nhs", nhs_person=rows)


def _word(number: int) -> str:
    return "".join("BDFGKLMNPRSTVZ"[number // 14**place % 14] + "aeiou"[number % 5] for place in range(3))


def made(patients: Cleared, key: InMemoryKey, context: RunContext) -> tuple[Artefact, Evidence]:
    return stage.pseudonymise(patients, key, "a" * 64, context)


def test_the_columns_that_ship_pass_the_gate(
    patients: Cleared, key: InMemoryKey, context: RunContext, gatekeeper: Gatekeeper
) -> None:
    artefact, evidence = made(patients, key, context)
    attacked = evidence.facts["encoding_attack"]["nhs_resident"]
    assert [item["column"] for item in attacked] == [field.name for field in MATCH_FIELDS["nhs_person"]]
    assert all(item["occurrences"] for item in attacked)
    assert gatekeeper.judge(artefact, evidence).artefact == artefact


@pytest.mark.parametrize("name", ["forename", "surname"])
def test_a_name_that_lost_its_salt_is_refused(
    name: str,
    patients: Cleared,
    key: InMemoryKey,
    context: RunContext,
    gatekeeper: Gatekeeper,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    column = f"person_{name}_sector"
    bare = tuple(
        replace(field, salt=None, maximum_records=None) if field.name == column else field
        for field in MATCH_FIELDS["nhs_person"]
    )
    monkeypatch.setitem(MATCH_FIELDS, "nhs_person", bare)
    monkeypatch.setitem(compute._EXPRESSION, column, f"{name}.forms")
    artefact, evidence = made(patients, key, context)
    with pytest.raises(Refused) as refused:
        gatekeeper.judge(artefact, evidence)
    assert f"nhs_resident.{column}" in str(refused.value)
    (share,) = (
        item["reidentified_share"]
        for item in evidence.facts["encoding_attack"]["nhs_resident"]
        if item["column"] == column
    )
    assert share > 0.05
