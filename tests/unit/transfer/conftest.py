"""Two controllers and a linkage environment on one disk, each with its own keys and workspace."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.clearance import Cleared
from governance.keys.providers.in_memory_key import InMemoryKey
from pipeline.context import RunContext
from pipeline.pseudonymise.stage import pseudonymise
from pipeline.transfer.identities import (
    create_identity,
    create_signing_key,
    open_recipient,
    open_signing_key,
    public_key_bytes,
    read_identity,
)
from pipeline.transfer.receiving import Receiver
from pipeline.transfer.sending import Sender, send_package
from pipeline.workspace import Workspace
from tests.unit.conftest import recorded

_spec = importlib.util.spec_from_file_location(
    "pseudonymise_fixtures", Path(__file__).parents[1] / "pseudonymise" / "conftest.py"
)
assert _spec is not None
assert _spec.loader is not None
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)
ingested, key, another_key, make_key = (
    _fixtures.ingested,
    _fixtures.key,
    _fixtures.another_key,
    _fixtures.make_key,
)

NOW = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
EXTRACTS: dict[str, dict[str, list[dict[str, Any]]]] = {
    "council": {
        "council_property": [
            {"record_id": f"P{n}", "uprn": f"{10_000 + n:012d}", "lsoa21": "E01005061"} for n in range(5)
        ]
    },
    "nhs": {
        "nhs_person": [
            {"record_id": f"N{n}", "nhs_number": "9990000018", "uprn": f"{10_000 + n:012d}"} for n in range(4)
        ]
    },
}


@dataclass
class Places:
    """council and nhs make packages; the linkage environment has a workspace of its own."""

    tmp: Path
    context: RunContext
    key: InMemoryKey
    ingested: Callable[..., Cleared]
    signing: dict[str, Ed25519PrivateKey]
    receiver: Receiver
    linkage: RunContext

    def send(self, controller: str, *, now: datetime = NOW, **overrides: Any) -> Path:
        """Let a controller pseudonymise its extract and put a package into the inbox."""
        place = replace(self.context, **overrides.get("context", {}))
        extract = self.ingested(controller, **overrides.get("extract", EXTRACTS[controller]))
        artefact, evidence = pseudonymise(extract, overrides.get("key", self.key), "a" * 64, place)
        sender = Sender(
            overrides.get("signing_key", self.signing[controller]),
            overrides.get("recipient", open_recipient(str(self.receiver.identity.to_public()))),
            self.receiver.inbox,
        )
        cleared: Cleared = _fixtures._cleared(artefact)
        return send_package(cleared, evidence, sender, place, lambda: now)

    def written(self) -> list[str]:
        """Return every file of the linkage environment's workspace, but for the log and its key."""
        root = self.linkage.workspace.root
        files = (p.relative_to(root) for p in root.rglob("*") if p.is_file())
        return sorted(p.as_posix() for p in files if p.parts[0] not in ("audit", "keys"))


@pytest.fixture
def places(tmp_path: Path, context: RunContext, key: InMemoryKey, ingested: Callable[..., Cleared]) -> Places:
    keys = tmp_path / "custody"
    public = {c: create_signing_key(keys / f"{c}.pem") for c in ("council", "nhs")}
    create_identity(keys / "linkage.identity")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    spill = tmp_path / "linkage-spill"
    spill.mkdir()
    linkage = Workspace.open(tmp_path / "linkage")
    return Places(
        tmp=tmp_path,
        context=replace(context, project=replace(context.project, custody="at-source")),
        key=key,
        ingested=ingested,
        signing={c: open_signing_key(keys / f"{c}.pem") for c in ("council", "nhs")},
        receiver=Receiver(
            read_identity(keys / "linkage.identity"),
            {c: public_key_bytes(text) for c, text in public.items()},
            inbox,
        ),
        linkage=replace(
            context,
            workspace=linkage,
            log=recorded(linkage),
            spill=spill,
            project=replace(context.project, custody="at-source"),
        ),
    )
