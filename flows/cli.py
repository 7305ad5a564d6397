"""The `hearth` command and the list of its subcommands.

Each subject has its file in `flows/commands/`. A command imports what it needs only
when it runs, so `hearth --help` and shell completion are quick.
"""

import atexit
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from flows.commands.argument_types import plain_usage_error
from flows.commands.controller import assign_uprn, keys, pseudonymise
from flows.commands.linkage import review, training
from flows.commands.operation import bench, init, quarantine, run, schedule, synth
from flows.commands.oversight import audit, explain, governance, retention
from flows.commands.results import attack, findings, measures, releases, sensitivity
from flows.run.reporting.faults import record_fault
from governance.errors import HearthError
from governance.keys.core_dumps import disable_core_dumps

#: What `hearth` without a command prints.
NEXT_STEPS = """\
Try the sample project:  make run
Start your own project:  hearth init my-project
See all commands:        hearth --help"""

#: Small memory pages for numpy and for Arrow's allocator, set before either is loaded. By default both use
#: pages of 2 MB. On a virtual machine the first use of 2 GB took .2 to 4.0 s with those, and .7 to 1.1 s
#: with small pages (ADR 0025).
SMALL_PAGES = {"NUMPY_MADVISE_HUGEPAGE": "0", "MIMALLOC_ALLOW_THP": "0"}


class _PlainUsageErrors(TyperGroup):
    """The root of the commands: errors of typed arguments are in Hearth's words, whatever read them."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command, and put a usage error that a library worded into plain words."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            plain_usage_error(error)
            raise


app = typer.Typer(
    name="hearth",
    cls=_PlainUsageErrors,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Link council and NHS extracts at household level on pseudonymised UPRNs, and publish tables "
    "from which no one can be identified.",
    epilog="To start: `make run` runs the sample project, and `hearth init my-project` starts a project of "
    "your own. `hearth COMMAND --help` shows examples, and `hearth explain CODE` explains an error. "
    "docs/glossary.md explains the terms.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        from pipeline.code_version import code_version

        typer.echo(f"hearth {version('hearth')} (code {code_version()[:12]})")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 its callback ends the command
        bool,
        typer.Option(
            "--version",
            help="Print the version and the digest of the code, then stop.",
            callback=_print_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    # no docstring: the help of `app` is shown
    if context.invoked_subcommand is None:
        typer.echo(NEXT_STEPS)


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
explain.add_to(app)
bench.add_to(app)


def main() -> None:
    """Run the command line. An error becomes a message and an exit code.

    Of an error that is not a HearthError only the type is shown, because its message may contain a value.
    """
    disable_core_dumps()
    for name, value in SMALL_PAGES.items():
        os.environ.setdefault(name, value)
    atexit.register(_close_standard_error)  # registered first, so it runs after every other exit handler
    try:
        app(prog_name="hearth")
    except HearthError as error:
        typer.echo(str(error), err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 a foreign message may quote a value, so only its type is shown
        hearth_error = record_fault(error, "hearth")
        typer.echo(str(hearth_error), err=True)
        sys.exit(hearth_error.exit_code)


def _close_standard_error() -> None:
    """Close standard error before Python shuts down.

    DuckDB's Python binding then reports the references that Prefect's threads still have: about a hundred
    lines on which no one can act.
    """
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


if __name__ == "__main__":
    main()
