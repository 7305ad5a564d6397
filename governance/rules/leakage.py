"""Proof of absence: planted people appear nowhere else, and no intermediate table is unencrypted.

Facts: see `pipeline/leakage/absence.py`.
"""

from datetime import datetime

from governance.agreement.agreement import Agreement
from governance.counted import counted
from governance.rules.registry import NotShown, Shown, Verdict, failed, passed, rule


@rule(
    id="PSE-03",
    version=2,
    title="No planted test identifier is in any output, log, temporary file or orchestrator database",
    stage="leakage",
    source="governance.md, Threats: byte-scan for canaries; ICO anonymisation guidance",
    remedy="Find the file in the folder named, remove the cause, destroy the file, and run `hearth run` "
    "again. If a file could not be read, correct its owner or permissions first.",
)
def no_canary_is_found(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a single hit, a file that could not be searched, and a search without canaries or files.

    A canary is an invented person that Hearth adds to each extract and searches for afterwards.
    """
    planted = sum(evidence.counts("canaries").values())
    files, hits = evidence.count("files"), evidence.count("hits")
    unreadable = evidence.count("unreadable")
    observed = (
        f"{counted(planted, 'canary', 'canaries')} with "
        f"{counted(evidence.count('identifiers'), 'identifier')}, {counted(files, 'file')} "
        f"of {counted(evidence.count('bytes'), 'byte')} searched, {counted(hits, 'hit')}, "
        f"{unreadable:,} unreadable"
    )
    threshold = "a canary for each controller, every file searched, no hits"
    own = {evidence.part} & set(agreement.controllers)  # a controller has planted only its own canary
    if (own or set(agreement.controllers)) - set(evidence.counts("canaries")):
        raise NotShown("canaries", "one of each controller")
    if not files:
        raise NotShown("files", "a count above zero")
    if hits:
        return failed("CANARY_FOUND", observed, threshold, "; ".join(evidence.names("hit_places"))[:300])
    if unreadable:
        reason = f"{counted(unreadable, 'file')} could not be searched"
        return failed("SEARCH_INCOMPLETE", observed, threshold, reason)
    return passed(observed, threshold)


@rule(
    id="PSE-07",
    version=1,
    title="Every intermediate table is encrypted",
    stage="leakage",
    source="governance.md, Threats: data at rest; UK GDPR art. 32(1)(a)",
    remedy="Remove the unencrypted table. Change the code that wrote it to use `pipeline/engine/tables.py`, "
    "then run `hearth run` again.",
)
def intermediate_tables_are_encrypted(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse an unencrypted table anywhere but in the releases and the run's private temporary files."""
    tables = evidence.count("tables_in_clear")
    observed = f"{tables:,} of {counted(evidence.count('files'), 'file')} are unencrypted tables"
    if tables:
        reason = counted(tables, "table is not encrypted", "tables are not encrypted")
        return failed("TABLE_IN_CLEAR", observed, "none", reason)
    return passed(observed, "none")
