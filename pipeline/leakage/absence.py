"""Proof of absence: at the end of a run, no planted identifier is anywhere it should not be.

Searched: every file of the workspace outside `clear/` (logs, the private spill
while it exists, tables, packages, keys, audit log, the orchestrator's home and
its database with its write-ahead log) and every further folder named. A hit, or
a file that could not be read, refuses the release.

Facts (what PSE-03 and PSE-07 judge):

    canaries          planted, by controller
    identifiers       how many identifiers were searched for, and in how many forms
    files, bytes      how much was searched
    hits              how many places hold one
    hit_places        their folder, the kind of identifier and the form; never the value
    unreadable        how many files could not be searched; unreadable_places: their folders
    tables_in_clear   intermediate tables that rest unencrypted
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from governance.artefact import Evidence
from pipeline.engine.at_rest import is_wrongly_unencrypted
from pipeline.leakage.canary import canary_of
from pipeline.leakage.search import search_tree
from pipeline.leakage.search_pattern import PatternSearch, search_patterns_of
from pipeline.workspace import Workspace

_CLEAR = "clear"


def prove_absence(
    workspace: Workspace, seeds: Mapping[str, str], further: Sequence[Path] = (), part: str = "all"
) -> Evidence:
    """Search the workspace and `further` folders for every canary; returns evidence, stage "leakage".

    seeds: controller -> seed of its canary (fact `canary_seed` of its pseudonymise stage). part: the
    controller whose own place this is; "all" where packages or extracts of all came together. It
    reads encrypted tables, so it runs before the run's key is destroyed.
    """
    identifiers = {
        f"{controller} {kind}": value
        for controller, seed in seeds.items()
        for kind, value in canary_of(controller, seed).identifiers.items()
    }
    patterns = search_patterns_of(identifiers)
    search = PatternSearch(patterns)
    trees = [search_tree(workspace.root, search, lambda path: path.parts[0] != _CLEAR)]
    trees += [
        search_tree(folder, search)
        for folder in further
        if folder.is_dir() and not folder.is_relative_to(workspace.root)
    ]
    hits = [hit for tree in trees for hit in tree.hits]
    facts: dict[str, Any] = {
        "canaries": dict.fromkeys(sorted(seeds), 1),
        "identifiers": len(identifiers),
        "forms": len(patterns),
        "files": sum(tree.files for tree in trees),
        "bytes": sum(tree.bytes for tree in trees),
        "hits": len(hits),
        "hit_places": sorted(
            {f"{_place(hit.file)}: {hit.identifier}, {hit.form} {hit.within}".strip() for hit in hits}
        )[:50],
        "unreadable": sum(len(tree.unreadable) for tree in trees),
        "unreadable_places": sorted({_place(name) for tree in trees for name in tree.unreadable}),
        "tables_in_clear": sum(is_wrongly_unencrypted(path) for path in workspace.root.rglob("*.parquet")),
    }
    return Evidence("leakage", part, facts)


def _place(file: str) -> str:
    """The first folders of a file's path: enough to find it by, too little to quote a file's own name."""
    return "/".join(Path(file).parts[:2])
