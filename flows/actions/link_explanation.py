"""`hearth link explain` and `hearth link pairs`: what the last run decided about a pair, step by step.

Only inside the secure environment: the tables read are in the linkage zone, and their key is in the
workspace. Only an operator of the agreement may read them (act `review-links`), and the audit log has an
entry for each read. The entry contains a digest of the pair, so that a person with the pseudonyms can find
it, and no one else learns which pair was read.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb

from flows.actions.workspace_reading import last_judged, reading_workspace
from flows.run.setup.authorisation import authorised_principal
from governance.agreement.agreement import read_agreement
from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.canonical import digest_of_file
from governance.errors import Fault
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import load_table
from pipeline.link.explain.pair import TABLES, Explanation, explain_pair, rule_meanings
from pipeline.link.model import Model, default_model, read_model
from pipeline.project import Project
from pipeline.workspace import Workspace
from schemas.storage.artefact_record import RECORD


@dataclass(frozen=True)
class StoredLinks:
    """The links of the last run. facts: the evidence of its link stage. digest: of the artefact's record."""

    workspace: Workspace
    folder: Path
    facts: dict[str, Any]
    digest: str
    connection: duckdb.DuckDBPyConnection

    def load(self, tables: Sequence[str]) -> None:
        """Create these tables of the link stage in the connection. Raises Fault where one is missing."""
        missing = [name for name in tables if not (self.folder / f"{name}.parquet").is_file()]
        if missing:
            raise Fault(
                "LINK_TABLES_MISSING",
                f"The last run's links lack the tables {', '.join(missing)}: they were disposed of, or an"
                " earlier version of Hearth made the links.",
                "Run `hearth run` again; it links anew and stores every comparison.",
            )
        for name in tables:
            load_table(self.connection, self.folder / f"{name}.parquet", name)


@contextmanager
def stored_links(project: Project) -> Iterator[StoredLinks]:
    """Open the links of the last run. Raises Fault if there are none any more."""
    with (
        reading_workspace(project) as workspace,
        workspace.spill("links") as spill,
        locked_connection(project.engine, spill) as connection,
    ):
        folder = last_judged(project, workspace, workspace.zone("linkage"), "link", "all")
        if folder is None:
            raise Fault(
                "NO_LINKS",
                "The workspace contains no links: nothing was linked yet, or the links were disposed of.",
                "Run `hearth run` first.",
            )
        facts = json.loads((folder / RECORD).read_bytes())["facts"]
        yield StoredLinks(workspace, folder, facts, digest_of_file(folder / RECORD), connection)


def model_of_links(project: Project, links: StoredLinks) -> Model:
    """Return the model that made the links. Raises Fault if the project now names another."""
    model = default_model() if project.model is None else read_model(project.model)
    if model.digest != links.facts["model_digest"]:
        raise Fault(
            "LINKS_OF_OTHER_MODEL",
            f"The links were made with model {links.facts['model_digest'][:12]}, and the project now has"
            f" model {model.digest[:12]}, so the weights of the links cannot be shown.",
            "In hearth.toml, set model under [project] to the file of that model, or run again.",
        )
    return model


def explain(project: Project, dwelling: str, nhs: str) -> Explanation:
    """Explain a pair of the last run.

    dwelling: record pseudonym. nhs: record pseudonym or address group, as in the tables of the linkage zone.
    Raises Refused if no key is an operator's, and Fault if the pair cannot be explained.
    """
    actor = reader(project)
    with stored_links(project) as links:
        model = model_of_links(project, links)
        links.load(TABLES)
        found = explain_pair(links.connection, model, dwelling, nhs)
        pair = sha256(f"{dwelling}\n{nhs}".encode()).hexdigest()
        record_read(project, links, actor, "pair explained", {"pair": pair, "in_run": found is not None})
    if found is None:
        raise Fault(
            "PAIR_NOT_IN_RUN",
            "The last run has no dwelling, or no NHS record or address group, with this pseudonym.",
            "Use the pseudonyms of the linkage zone, whole; `hearth link pairs` lists some. After a key was"
            " rotated, earlier pseudonyms are not valid.",
        )
    if not found.is_compared:
        meanings = rule_meanings()
        values = "; ".join(f"{rule}: {meanings[rule]}" for rule in found.not_shared)
        raise Fault(
            "PAIR_NOT_COMPARED",
            "The pair was never compared, because dwelling and group share the value of no blocking rule."
            f" {values}.",
            "See docs/linkage-method.md, section 3. If the pair should have been found, compare the address,"
            " the UPRN and the surnames of both records at their controllers.",
        )
    return found


@dataclass(frozen=True)
class ListedPair:
    """The best candidate of one address group, and the decision."""

    dwelling: str
    address_group: str
    match_weight: float
    reason: str


def list_pairs(project: Project, reason: str | None, limit: int) -> tuple[ListedPair, ...]:
    """Return the decisions of the last run that are nearest to the limit of acceptance.

    reason: only decisions with this reason; None for all.
    """
    actor = reader(project)
    with stored_links(project) as links:
        upper = model_of_links(project, links).scorecards["recorded"].upper_match_weight
        links.load(("decision",))
        rows = links.connection.execute(
            """
            SELECT dwelling_record_pseudonym, address_group, match_weight, reason
            FROM decision
            WHERE $reason IS NULL OR reason = $reason
            ORDER BY abs(match_weight - $upper), address_group
            LIMIT $limit
            """,
            {"reason": reason, "upper": upper, "limit": limit},
        ).fetchall()
        record_read(project, links, actor, "pairs listed", {"pairs": len(rows)})
    return tuple(ListedPair(*row) for row in rows)


def reader(project: Project) -> str:
    """Return the principal who reads links. Raises Refused if no key is an operator's."""
    return authorised_principal(project, read_agreement(project.agreement), "review-links", None)[0]


def record_read(project: Project, links: StoredLinks, actor: str, what: str, facts: dict[str, Any]) -> None:
    """Enter a read of the linkage zone in the audit log."""
    agreement = read_agreement(project.agreement)
    signer = open_log_signer(links.workspace.zone("keys"), f"hearth/{project.name}")
    audit = AuditLog.open(links.workspace.zone("audit"), signer)
    entry = {"what": what, "links": links.digest, **facts}
    audit.append(
        f"links-{links.digest[:16]}",
        actor,
        "link",
        "note",
        verdict="done",
        evidence=entry,
        policy=agreement.digest,
    )
    audit.checkpoint()
