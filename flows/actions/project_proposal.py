"""The hearth.toml that `hearth init FILES` writes: the template's head, and one section for each file."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from governance.errors import Fault
from pipeline.ingest.proposal import Proposal

_EXTRACTS = "# One section for each extract."


def proposed_project(template: str, proposals: Sequence[Proposal], folder: Path) -> str:
    """Return the text. folder: where it will be; paths of the extracts are relative to it."""
    by_table: dict[str, str] = {}
    for proposal in proposals:
        if other := by_table.get(proposal.table):
            raise Fault(
                "EXTRACT_UNLIKE_CONTRACTS",
                f"{other} and {proposal.path.name} both look like {proposal.table}, so no hearth.toml was "
                "written.",
                "Give one file for each extract, or write the sections of hearth.toml yourself.",
            )
        by_table[proposal.table] = proposal.path.name
    head = template[: template.index(_EXTRACTS)]
    return head + "\n".join(_section(proposal, folder) for proposal in proposals)


def _section(proposal: Proposal, folder: Path) -> str:
    path = os.path.relpath(proposal.path.absolute(), folder.absolute())
    lines = [
        f"# Proposed from the file: {proposal.found} columns recognised. Compare them with its description.",
        f"[extracts.{proposal.table}]",
        f"path = {_text(path)}",
    ]
    if proposal.encoding != "utf-8":
        lines.append(f"encoding = {_text(proposal.encoding)}")
    if proposal.delimiter != ",":
        lines.append(f"delimiter = {_text(proposal.delimiter)}")
    if proposal.date_formats != ("%Y-%m-%d",):
        lines.append(f"date_formats = {_texts(proposal.date_formats)}")
    if proposal.markers:
        lines.append(f"missing_markers = {_texts(proposal.markers)}")
    if proposal.ignore:
        lines.append(f"ignore = {_texts(proposal.ignore)}")
    lines += [f"# Required and not found: {name}" for name in proposal.missing]
    lines.append(f"[extracts.{proposal.table}.columns]")
    lines += [
        f"{name} = {_text(supplied)}" for name, supplied in proposal.columns.items() if name != supplied
    ]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _texts(texts: Sequence[str]) -> str:
    return "[" + ", ".join(map(_text, texts)) + "]"
