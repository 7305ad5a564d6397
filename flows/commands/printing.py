"""Results as a command prints them."""

import json
from typing import Any

import typer


def print_result(shown: dict[str, Any], as_json: bool) -> None:
    """Print facts, one a line, or all as one line of JSON."""
    if as_json:
        typer.echo(json.dumps(shown, sort_keys=True))
        return
    for name, value in shown.items():
        if isinstance(value, dict):
            inner = ", ".join(f"{k} {v}" for k, v in value.items() if v is not None)
            typer.echo(f"{name}: {inner}")
        elif value is not None:
            typer.echo(f"{name}: {value}")
