"""The `hearth` command: the map of everything a person can ask of Hearth.

Each subject has its file in `flows/commands/`; what they import is imported when
the command runs, so that `hearth --help` and completion are quick.
"""

import atexit
import os
import sys
from pathlib import Path

import typer

from flows.commands.controller import assign_uprn, keys, pseudonymise
from flows.commands.linkage import review, training
from flows.commands.operation import bench, init, quarantine, run, schedule, synth
from flows.commands.oversight import audit, governance, retention
from flows.commands.results import attack, findings, measures, releases, sensitivity
from flows.run.faults import as_hearth_error
from governance.errors import HearthError

#: numpy and Arrow's allocator, neither loaded yet when `main` begins, would ask for pages of 2 MB. On a
#: virtual machine 2 GB of them took from .2 to 4.0 s to touch, small pages .7 to 1.1 (ADR 0025).
SMALL_PAGES = {"NUMPY_MADVISE_HUGEPAGE": "0", "MIMALLOC_ALLOW_THP": "0"}

app = typer.Typer(
    name="hearth",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Link council and NHS extracts at household level on pseudonymised UPRNs, and publish tables that "
    "disclose nobody.",
    epilog="Begin with `make run`, or `hearth init` in a new folder. Every command has examples.",
)
run.add_to(app)
init.add_to(app)
releases.add_to(app)
findings.add_to(app)
sensitivity.add_to(app)
measures.add_to(app)
quarantine.add_to(app)
pseudonymise.add_to(app)
assign_uprn.add_to(app)
keys.add_to(app)
training.add_to(app)
review.add_to(app)
attack.add_to(app)
synth.add_to(app)
audit.add_to(app)
governance.add_to(app)
schedule.add_to(app)
retention.add_to(app)
bench.add_to(app)


def main() -> None:
    """Run the command line: our errors become message and exit code, a foreign one its type alone."""
    for name, value in SMALL_PAGES.items():
        os.environ.setdefault(name, value)
    atexit.register(_hush_teardown)  # registered first, so it runs after every other exit handler
    try:
        app()
    except HearthError as error:
        typer.echo(str(error), err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 a foreign message may quote a value, so only its type is shown
        told = as_hearth_error(error, Path(sys.argv[0]).name)
        typer.echo(str(told), err=True)
        sys.exit(told.exit_code)


def _hush_teardown() -> None:
    """Close standard error for what follows: DuckDB's binding then counts references that threads of
    Prefect still hold, a hundred lines that nobody can act on."""
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


if __name__ == "__main__":
    main()
