"""Searches for planted identifiers at the end of a run. They may only be in the folder `clear/`.

The search covers every other file of the workspace (logs, the private spill if it still exists, tables,
packages, keys, audit log, the orchestrator's home and its database with its write-ahead log) and further
folders that the caller names. If an identifier is found, or a file cannot be searched, the release is
refused.

Facts, for rules PSE-03 and PSE-07:

    canaries           controller -> number of canaries planted
    identifiers, forms number of identifiers searched for, and of the forms they could have
    files, bytes       number and size of the files searched
    hits               number of finds: one per file, identifier, form and kind of compression
    hit_places         folder, kind of identifier and form of each find, at most 50; never the value
    unreadable         number of files that could not be searched
    unreadable_places  their folders
    tables_in_clear    number of intermediate tables that are not encrypted
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
from schemas.storage.zones import CLEAR


def prove_absence(
    workspace: Workspace, seeds: Mapping[str, str], further: Sequence[Path] = (), part: str = "all"
) -> Evidence:
    """Search the workspace and the folders `further` for every canary; returns evidence of stage "leakage".

    seeds: controller -> seed of its canary (fact `canary_seed` of its pseudonymise stage). part: the
    controller, if this is a controller's environment; "all" where the data of all controllers is. The search
    reads encrypted tables, so it must run before the run's key is destroyed.
    """
    identifiers = {
        f"{controller} {kind}": value
        for controller, seed in seeds.items()
        for kind, value in canary_of(controller, seed).identifiers.items()
    }
    patterns = search_patterns_of(identifiers)
    search = PatternSearch(patterns)
    trees = [search_tree(workspace.root, search, lambda path: path.parts[0] != CLEAR)]
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
            {f"{_shortened(hit.file)}: {hit.identifier}, {hit.form} {hit.within}".strip() for hit in hits}
        )[:50],
        "unreadable": sum(len(tree.unreadable) for tree in trees),
        "unreadable_places": sorted({_shortened(name) for tree in trees for name in tree.unreadable}),
        "tables_in_clear": sum(is_wrongly_unencrypted(path) for path in workspace.root.rglob("*.parquet")),
    }
    return Evidence("leakage", part, facts)


def _shortened(file: str) -> str:
    """Return the first two parts of a path: enough to find the file, without names that could be values."""
    return "/".join(Path(file).parts[:2])
