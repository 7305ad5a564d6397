"""`hearth explain`: what an error code or a rule means, and what to do now."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.operation.run import JsonOption
from governance.errors import Fault

if TYPE_CHECKING:
    from schemas.error_code import ErrorCode

EXAMPLES = """
Examples:

    hearth explain CONFIG_UNREADABLE

    hearth explain PSE-03 --audit workspace/audit

    hearth explain
"""
_NEAREST = 3


def add_to(app: typer.Typer) -> None:
    """Mount the command."""
    app.command(epilog=EXAMPLES)(explain)


def explain(
    code: Annotated[
        str | None,
        typer.Argument(metavar="CODE", help="An error code or a rule's id; all codes when left out."),
    ] = None,
    audit: Annotated[
        Path, typer.Option("--audit", help="The audit folder with past verdicts, for a rule's id.")
    ] = Path("workspace/audit"),
    as_json: JsonOption = False,
) -> None:
    """Explain an error code or a rule: what happened, what it means and what to do now."""
    from governance.rules import all_rules
    from schemas.error_code import error_codes

    if code is None:
        _list_codes(as_json)
        return
    wanted = code.strip().upper()
    if wanted in {rule.id for rule in all_rules()}:
        from flows.commands.oversight.governance import explain as explain_rule

        explain_rule(wanted, audit, as_json)
        return
    entry = error_codes().get(wanted.replace("-", "_"))
    if entry is None:
        raise unknown_code(wanted)
    facts = facts_of(entry)
    if as_json:
        typer.echo(json.dumps(facts))
        return
    typer.echo(f"{entry.code}: {entry.title}")
    for kind in facts["kinds"]:
        typer.echo(f"  {kind}")
    typer.echo(f"\nWhat it means: {entry.meaning}\n\nWhat to do: {entry.remedy}")
    if facts["rules"]:
        typer.echo("\nRules that give it (more: hearth explain RULE):")
    for rule in facts["rules"]:
        typer.echo(f"  {rule['id']}: {rule['title']}")


def facts_of(entry: "ErrorCode") -> dict[str, Any]:
    """Return an entry as JSON-able values, its kinds in words and its rules with their titles."""
    from governance.rules import all_rules
    from schemas.error_code import KINDS

    titles = {rule.id: rule.title for rule in all_rules()}
    return {
        **asdict(entry),
        "kinds": [KINDS[kind] for kind in entry.kinds],
        "rules": [{"id": rule, "title": titles[rule]} for rule in entry.rules],
    }


def unknown_code(wanted: str) -> Fault:
    """Return the fault that there is no such code, with those that are nearest to it."""
    from difflib import get_close_matches

    from governance.rules import all_rules
    from schemas.error_code import error_codes

    known = [*error_codes(), *(rule.id for rule in all_rules())]
    near = get_close_matches(wanted, known, _NEAREST, cutoff=0.6)
    near += [name for name in known if wanted in name and name not in near]
    nearest = f"Nearest are {', '.join(near[:_NEAREST])}." if near else "None is similar."
    return Fault(
        "CODE_UNKNOWN",
        f"There is no error code or rule {wanted[:60]}. {nearest}",
        "Copy the code from the message, or list them all with `hearth explain`.",
    )


def _list_codes(as_json: bool) -> None:
    from schemas.error_code import error_subjects

    if as_json:
        subjects = [
            {
                "subject": subject.title,
                "codes": [{"code": entry.code, "title": entry.title} for entry in subject.errors],
            }
            for subject in error_subjects()
        ]
        typer.echo(json.dumps({"subjects": subjects}))
        return
    for subject in error_subjects():
        typer.echo(subject.title)
        for entry in subject.errors:
            typer.echo(f"  {entry.code:<32}  {entry.title}")
        typer.echo()
    typer.echo("One of them: hearth explain CODE. The rules: hearth governance list.")
