"""Progress for people: a live line on a terminal, dated lines in a log."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status


class Display:
    """Prints progress on standard error and writes it to the run's log.

    On a terminal, the current stage is one live line. Elsewhere, each sentence is one dated line.
    """

    def __init__(self, log: Path | None = None, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self._terminal = sys.stderr.isatty()
        self._log = log
        self._status: Status | None = None

    def __enter__(self) -> Self:
        if self._terminal:
            self._status = self._console.status("starting")
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def now(self, doing: str) -> None:
        """Show what is in progress."""
        if self._status is not None:
            self._status.update(doing)
        self._keep(doing)

    def say(self, sentence: str) -> None:
        """Print one sentence about something that is finished, or that the operator needs to know."""
        self._keep(sentence)
        if self._terminal:
            self._console.print(f"  {sentence}", markup=False)
        else:
            self._console.print(f"{_stamp()} {sentence}", markup=False)

    def _keep(self, sentence: str) -> None:
        if self._log is not None:
            try:
                with self._log.open("a", encoding="utf-8") as log:
                    log.write(f"{_stamp()} {sentence}\n")
            except OSError:
                self._log = None  # a full disk must not hide the error that follows


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
