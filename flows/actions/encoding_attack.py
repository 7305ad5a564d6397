"""The frequency attack on the encoding: which share of each token column can be re-identified by counting.

It runs where the clear values are. It needs no key, because keyed hashing does not change how often a value
occurs. The extracts are read into a private folder under a key of its own; both are deleted at the end.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from governance.agreement.agreement import read_agreement
from governance.artefact import Artefact
from governance.canonical import digest_of
from governance.errors import Fault
from governance.keys.at_rest_keys import open_at_rest_keys
from pipeline.context import RunContext
from pipeline.engine.at_rest import encrypted_at_rest
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import load_table
from pipeline.ingest.inspection import inspect_extracts
from pipeline.ingest.stage import ingest
from pipeline.project import Project
from pipeline.pseudonymise.match_fields import MATCH_FIELDS, MatchField, clear_match_fields
from pipeline.pseudonymise.match_fields.encoding_attack import EncodingAttack, attack_encoding
from pipeline.workspace import Workspace
from schemas.contract import contracts
from schemas.storage.zones import at_rest_keys

#: Plain names, which no package contains. They are attacked as a control, to show that the attack works.
_CONTROLS = ("forename", "surname")


@dataclass(frozen=True)
class AttackedColumn:
    """One column and the result of the attack. is_control: an unsalted name, which no package contains."""

    table: str
    field: MatchField
    attack: EncodingAttack
    is_control: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return {
            "table": self.table,
            "made_of": self.field.made_of,
            "salt": self.field.salt,
            "control": self.is_control,
            "withstood": self.attack.is_withstood,
            **self.attack.as_json(),
        }


def attack_encodings(project: Project, sampled_share: float) -> tuple[AttackedColumn, ...]:
    """Attack every token column made from the project's own extracts, and two unsalted names as a control.

    Raises Fault if hearth.toml has no extract with addresses or people, and Refused if one is unusable.
    """
    controllers = [
        controller
        for controller in ("council", "nhs")
        if any(c.table in project.extracts for c in contracts("extract") if c.controller == controller)
    ]
    with _private(project) as context, locked_connection(project.engine, context.spill) as connection:
        found: list[AttackedColumn] = []
        extracts = inspect_extracts(tuple(controllers), project)
        for controller in controllers:
            (context.workspace.zone("clear") / controller).mkdir(mode=0o700, exist_ok=True)
            artefact, _ = ingest(controller, extracts[controller], digest_of(controller), context)
            properties = _load(connection, artefact, "council_property")
            for table, fields in MATCH_FIELDS.items():
                if not _load(connection, artefact, table):
                    continue
                clear_match_fields(
                    connection,
                    table,
                    table,
                    "clear",
                    "council_property" if properties and table == "council_person" else None,
                    "sector",
                )
                attacks = attack_encoding(connection, "clear", "sector", fields, sampled_share)
                found += [AttackedColumn(table, f, a) for f, a in zip(fields, attacks, strict=True)]
                if "surname" in {row[0] for row in connection.execute(f"DESCRIBE {table}").fetchall()}:
                    controls = tuple(
                        MatchField(name, f"{name} alone, unsalted", f"control.{name}") for name in _CONTROLS
                    )
                    attacks = attack_encoding(connection, table, "sector", controls, sampled_share)
                    found += [
                        AttackedColumn(table, f, a, True) for f, a in zip(controls, attacks, strict=True)
                    ]
                connection.execute('DROP TABLE "clear"')
                connection.execute('DROP TABLE "sector"')
    if not found:
        raise Fault(
            "NOTHING_TO_ATTACK",
            "hearth.toml has no extract with addresses or people, so there is no token column to attack.",
            "Run `hearth attack encoding` at a controller, with the hearth.toml of its extracts.",
        )
    return tuple(found)


def _load(connection: Any, artefact: Artefact, table: str) -> bool:
    if artefact.has(table):
        load_table(connection, artefact.path(table), table)
    return artefact.has(table)


@contextmanager
def _private(project: Project) -> Iterator[RunContext]:
    """Yield a context with a temporary workspace, encrypted under keys that are deleted with it."""
    place = Workspace.open(project.workspace)
    root = Path(tempfile.mkdtemp(prefix="attack-", dir=place.zone("runs")))
    try:
        workspace = Workspace.open(root)
        keys = open_at_rest_keys(at_rest_keys(workspace.root))
        with workspace.spill("attack") as spill, encrypted_at_rest(root, keys):
            agreement = read_agreement(project.agreement)
            yield RunContext("attack", replace(project, workspace=root), agreement, workspace, spill)
    finally:
        shutil.rmtree(root, ignore_errors=True)
